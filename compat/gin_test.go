package compat

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestGinRedirectLoop: with a wildcard alone gin sends "/api" to "/api/" and
// the registry sends that back, for gin tells nobody its pattern as ServeMux
// does. Either the path itself is registered too, as anyGin does, or one of the
// two gives its redirects up.
func TestGinRedirectLoop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		put   func(e *gin.Engine, r *apiroutes.Router)
		loops bool
	}{
		{"wildcard alone", func(e *gin.Engine, r *apiroutes.Router) {
			r.Get("/api", text("root"))
			e.Any("/api/*path", gin.WrapH(r))
		}, true},
		{"path too", func(e *gin.Engine, r *apiroutes.Router) {
			r.Get("/api", text("root"))
			anyGin(e, "/api", r)
		}, false},
		{"the registry serves both", func(e *gin.Engine, r *apiroutes.Router) {
			r.Slashes(apiroutes.SlashServe).Get("/api", text("root"))
			e.Any("/api/*path", gin.WrapH(r))
		}, false},
	} {
		e, r := newGin(new(spy)), apiroutes.New()
		tt.put(e, r)
		client := testutil.New(t, e).NoRedirects()
		target := "/api"
		for range 4 {
			res := client.Get(target).Result()
			to, err := res.Location()
			if err != nil { // none
				break
			}
			target = to.Path
		}
		if loops := client.Get(target).Result().StatusCode != http.StatusOK; loops != tt.loops {
			t.Errorf("%s: GET /api loops: %v, want %v", tt.name, loops, tt.loops)
		}
	}
}

// TestGinNoRouteStatus: gin has set 404 before its NoRoute handlers run. What
// says its status replaces it; what leaves 200 to the server does not, and
// wants statusOK in front.
func TestGinNoRouteStatus(t *testing.T) {
	t.Parallel()
	r := apiroutes.New()
	r.Get("/says", text("says"))
	r.Get("/empty", func(apiroutes.Context) error { return nil })
	r.Get("/stream", func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, err := fmt.Fprint(w, "stream")
			return err
		})
	})
	bare, set := newGin(new(spy)), newGin(new(spy))
	bare.NoRoute(gin.WrapH(r))
	set.NoRoute(statusOK, gin.WrapH(r))
	for _, tt := range []struct{ target, bare, set string }{
		{"/says", "200 says", "200 says"},
		{"/stream", "404 stream", "200 stream"},
		{"/empty", "404 404 page not found", "200"},
		{"/none", `404 {"error":"Not Found"}`, `404 {"error":"Not Found"}`},
	} {
		if got := brief(t, testutil.New(t, bare).Get(tt.target), tt.target); got != tt.bare {
			t.Errorf("%s: got %s, want %s", tt.target, got, tt.bare)
		}
		if got := brief(t, testutil.New(t, set).Get(tt.target), tt.target); got != tt.set {
			t.Errorf("%s with statusOK: got %s, want %s", tt.target, got, tt.set)
		}
	}
}

// TestGinMethods: Any is a list of nine methods. Others are gin's to answer.
func TestGinMethods(t *testing.T) {
	t.Parallel()
	e, r := newGin(new(spy)), apiroutes.New()
	r.Method("QUERY", "/api/search", text("found"))
	anyGin(e, "/api", r)
	client := testutil.New(t, e)
	client.Do("QUERY", "/api/search").Status(404).Text("404 page not found")
	client.Get("/api/search").Status(405).Header("Allow", "OPTIONS, QUERY")

	e = newGin(new(spy))
	e.NoRoute(statusOK, gin.WrapH(r))
	testutil.New(t, e).Do("QUERY", "/api/search").Status(200).Text("found")
}

// TestGinRoutesBeside: gin's own routes rank before a registry in NoRoute.
func TestGinRoutesBeside(t *testing.T) {
	t.Parallel()
	e, r := newGin(new(spy)), apiroutes.New()
	e.GET("/users/:id", func(c *gin.Context) { c.String(http.StatusOK, "gin "+c.Param("id")) })
	r.Get("/users/[id]", text("ours"))
	r.Post("/users/[id]", text("ours"))
	e.NoRoute(statusOK, gin.WrapH(r))
	client := testutil.New(t, e)
	client.Get("/users/7").Text("gin 7")
	client.Post("/users/7").Text("ours")
}

// ginValues gives gin's parameters to what reads Request.PathValue.
func ginValues(c *gin.Context) {
	for _, p := range c.Params {
		c.Request.SetPathValue(p.Key, p.Value)
	}
}

// TestGinHandlers: a HandlerFunc and a method table are handlers of gin's
// routes. gin keeps its parameters to itself, until they are handed over.
func TestGinHandlers(t *testing.T) {
	t.Parallel()
	e := newGin(new(spy))
	e.GET("/bare/:id", gin.WrapH(apiroutes.HandlerFunc(userID)))
	e.GET("/users/:id", ginValues, gin.WrapH(apiroutes.HandlerFunc(userID)))
	e.Any("/data", gin.WrapH(apiroutes.Methods{Get: text("get"), Put: text("put")}))
	client := testutil.New(t, e)
	client.Get("/bare/7").Status(400).Contains("is missing")
	client.Get("/users/7").Status(200).JSON(`{"id":7}`)
	client.Get("/users/x").Status(400)
	client.Put("/data").Status(200).Text("put")
	client.Delete("/data").Status(405).Header("Allow", "GET, HEAD, OPTIONS, PUT").JSON(`{"error":"Method Not Allowed"}`)
	client.Do("HEAD", "/data").Status(200).Header("Content-Length", "3")
}

// innerGin returns an engine for a Router to serve below a prefix.
func innerGin(prefix string) *gin.Engine {
	e := newGin(new(spy))
	e.UseEscapedPath = true // else a%2Fb is two segments to it
	g := e.Group(prefix)
	g.GET("/users/:id", func(c *gin.Context) {
		c.String(http.StatusOK, "id=%s tenant=%s", c.Param("id"), c.Request.PathValue("tenant"))
	})
	g.GET("/files/*path", func(c *gin.Context) { c.String(http.StatusOK, c.Param("path")) })
	g.GET("/events", func(c *gin.Context) {
		c.SSEvent("message", "one")
		c.Writer.Flush()
		<-c.Request.Context().Done()
	})
	g.GET("/panic", func(*gin.Context) { panic("in gin") })
	return e
}

// TestGinInside mounts an engine in a Router. Below Mount it does not know its
// prefix, which its redirects miss; below Handle, with the prefix in its own
// patterns, it does.
func TestGinInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		put      func(r *apiroutes.Router)
		redirect string // for a trailing slash below the prefix
	}{
		{"Mount", func(r *apiroutes.Router) { r.Mount("/t/[tenant]/gin", innerGin("/")) }, "/users/7"}, // gin's,
		{"Handle", func(r *apiroutes.Router) { r.Handle("/t/[tenant]/gin/[...rest]", innerGin("/t/:tenant/gin")) }, "../../../../../t/ann/gin/users/7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := apiroutes.New(func(next http.Handler) http.Handler { return next })
			tt.put(r)
			r.Get("/t/[tenant]/gin/own", text("ours"))
			client := testutil.New(t, r).NoRedirects()
			for _, row := range []struct{ line, want string }{
				{"/users/7", "200 id=7 tenant=ann"},
				{"/users/a%2Fb", "200 id=a/b tenant=ann"},
				{"/files/a%2Fb/c", "200 /a/b/c"},
				{"/own", "200 ours"},
				{"/ow%6E", "200 ours"},
				{"/own%2F", `400 {"error":"the path is another spelling of a route's path"}`},
				{"/none", "404 404 page not found"},
				{"/panic", "500"},
			} {
				target := "/t/ann/gin" + row.line
				if got := brief(t, client.Get(target), target); got != row.want {
					t.Errorf("%s: got %s, want %s", target, got, row.want)
				}
			}
			if got := client.Get("/t/ann/gin/events").NextEvent().Data; got != "one" {
				t.Errorf("the first event is %q", got)
			}
			client.Get("/t/ann/gin/users/7/").Header("Location", tt.redirect)
			client.Get("/t/ann/gin/own/").Status(308).Header("Location", "../../../../t/ann/gin/own")
		})
	}
}

// TestGinInsideSlashes: below Handle the path rules of the Router hold, and an
// inner route that ends in a slash is not for it to know. SlashServe leaves the
// slash to the inner router.
func TestGinInsideSlashes(t *testing.T) {
	t.Parallel()
	e := newGin(new(spy))
	e.GET("/gin/dir/", func(c *gin.Context) { c.String(http.StatusOK, "dir") })
	rules, serves := apiroutes.New(), apiroutes.New()
	rules.Handle("/gin/[...rest]", e)
	serves.Slashes(apiroutes.SlashServe).Handle("/gin/[...rest]", e)
	client := testutil.New(t, rules).NoRedirects()
	client.Get("/gin/dir").Status(301).Header("Location", "/gin/dir/") // and back,
	client.Get("/gin/dir/").Status(308).Header("Location", "../../gin/dir")
	testutil.New(t, serves).Get("/gin/dir").Status(200).Text("dir")
}
