package compat

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestChiMountStripsNothing: chi's Mount strips the prefix for routers of its
// own alone. A registry below it has the prefix in its patterns, or
// http.StripPrefix before it.
func TestChiMountStripsNothing(t *testing.T) {
	t.Parallel()
	r := apiroutes.New()
	r.Get("/hello", text("hello"))
	m := newChi(new(spy))
	m.Mount("/bare", r)
	m.Mount("/stripped", http.StripPrefix("/stripped", r))
	client := testutil.New(t, m)
	client.Get("/bare/hello").Status(404).JSON(`{"error":"Not Found"}`)
	client.Get("/stripped/hello").Status(200).Text("hello")
}

// TestChiPathValues: chi's parameters are path values to a registry, unless
// that has one of the same name. chi leaves them escaped where it routes by
// RawPath; a registry's own are always decoded.
func TestChiPathValues(t *testing.T) {
	t.Parallel()
	echo := func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprintf("tenant=%s id=%s", c.Param("tenant"), c.Param("id")))
	}
	r := apiroutes.New()
	r.Get("/t/[name]/outer/[id]", echo)
	r.Get("/t/[name]/same/[tenant]", echo)
	m := newChi(new(spy))
	m.Mount("/t/{tenant}", r)
	client := testutil.New(t, m)
	client.Get("/t/ann/outer/7").Text("tenant=ann id=7")
	client.Get("/t/ann/same/bob").Text("tenant=bob id=")
	client.Get("/t/a%2Fb/outer/c%2Fd").Text("tenant=a%2Fb id=c/d")
}

// TestChiHandlers: a HandlerFunc and a method table are handlers of chi's
// routes, and read its parameters.
func TestChiHandlers(t *testing.T) {
	t.Parallel()
	m := newChi(new(spy))
	m.Method("GET", "/users/{id}", apiroutes.HandlerFunc(userID))
	m.Get("/files/*", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, c.Segments("*"))
	}).ServeHTTP)
	m.Handle("/data", apiroutes.Methods{Get: text("get"), Put: text("put")})
	client := testutil.New(t, m)
	client.Get("/users/7").Status(200).JSON(`{"id":7}`)
	client.Get("/users/x").Status(400)
	client.Get("/files/a/b").JSON(`["a","b"]`)
	client.Put("/data").Status(200).Text("put")
	client.Delete("/data").Status(405).Header("Allow", "GET, HEAD, OPTIONS, PUT").JSON(`{"error":"Method Not Allowed"}`)
	client.Do("HEAD", "/data").Status(200).Header("Content-Length", "3")
}

// TestChiTimeout: the error of a context that chi's Timeout ended is a 503 in
// the registry's form, and chi's own 504 comes too late.
func TestChiTimeout(t *testing.T) {
	t.Parallel()
	r := apiroutes.New()
	r.Get("/slow", func(c apiroutes.Context) error {
		<-c.Context().Done()
		if err := c.Text(http.StatusOK, "late"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an answer after the deadline got %v", err)
		}
		return c.Context().Err()
	})
	m := chi.NewRouter()
	m.Use(middleware.RequestLogger(silent{}), middleware.Timeout(time.Millisecond))
	m.Mount("/", r)
	testutil.New(t, m).Get("/slow").Status(503).JSON(`{"error":"Service Unavailable"}`)
}

// TestChiMiddlewareInside has chi's middleware in New and in a group, below no
// chi router. What rewrites chi's own routing (GetHead, CleanPath) needs one.
func TestChiMiddlewareInside(t *testing.T) {
	t.Parallel()
	r := apiroutes.New(
		middleware.RequestID,
		middleware.RequestLogger(silent{}),
		middleware.Recoverer,
		middleware.Compress(5),
		middleware.SetHeader("X-Chi", "yes"),
	)
	r.Get("/hello", text("hello"))
	r.Get("/id", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, middleware.GetReqID(c.Context()))
	})
	r.Get("/panic", func(apiroutes.Context) error { panic("") })
	r.Get("/part", part)
	admin := r.Group("/admin", middleware.BasicAuth("admin", map[string]string{"ada": "secret"}), middleware.NoCache)
	admin.Get("/users/[id]", userID)
	admin.With(middleware.RequestSize(4)).Post("/small", func(c apiroutes.Context) error {
		var s string
		return c.Decode(&s)
	})
	client := testutil.New(t, r)
	client.Get("/hello").Status(200).Header("X-Chi", "yes").Text("hello")
	zipped := client.Get("/hello", testutil.Header("Accept-Encoding", "gzip")).Status(200).Header("Content-Encoding", "gzip")
	if plain, err := gzip.NewReader(bytes.NewReader(zipped.Bytes())); err != nil {
		t.Error(err)
	} else if got, err := io.ReadAll(plain); err != nil || string(got) != "hello" {
		t.Errorf("unzipped %q, %v", got, err)
	}
	client.Get("/none").Status(404).Header("X-Chi", "yes").JSON(`{"error":"Not Found"}`)
	client.Get("/id", testutil.Header("X-Request-Id", "mine")).Text("mine")
	client.Get("/panic").Status(500)
	client.Fails("GET", "/part")
	client.Get("/admin/users/7").Status(401)
	ada := func(r *http.Request) { r.SetBasicAuth("ada", "secret") }
	client.Get("/admin/users/7", ada).Status(200).JSON(`{"id":7}`)
	client.Post("/admin/small", ada, testutil.Body("text/plain", "12345")).Status(413)
}

// innerChi returns a chi router for a Router to serve below a prefix.
func innerChi(prefix string) *chi.Mux {
	m := newChi(new(spy))
	m.Route(prefix, func(m chi.Router) {
		m.Get("/users/{id}", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "id=%s tenant=%s", chi.URLParam(r, "id"), r.PathValue("tenant"))
		})
		m.Get("/files/*", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, chi.URLParam(r, "*")) })
		m.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("in chi") })
	})
	return m
}

// TestChiInside mounts a chi router in a Router.
func TestChiInside(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		put  func(r *apiroutes.Router)
	}{
		{"Mount", func(r *apiroutes.Router) { r.Mount("/t/[tenant]/chi", innerChi("/")) }},
		{"Handle", func(r *apiroutes.Router) { r.Handle("/t/[tenant]/chi/[...rest]", innerChi("/t/{tenant}/chi")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := apiroutes.New(func(next http.Handler) http.Handler { return next })
			tt.put(r)
			r.Get("/t/[tenant]/chi/own", text("ours"))
			client := testutil.New(t, r).NoRedirects()
			for _, row := range []struct{ line, want string }{
				{"GET /users/7", "200 id=7 tenant=ann"},
				{"GET /users/a%2Fb", "200 id=a%2Fb tenant=ann"}, // chi's values stay escaped
				{"GET /files/a%2Fb/c", "200 a%2Fb/c"},
				{"HEAD /users/7", "200"},
				{"POST /users/7", "405 [GET]"},
				{"GET /own", "200 ours"},
				{"GET /ow%6E", "200 ours"},
				{"GET /own%2F", `400 {"error":"the path is another spelling of a route's path"}`},
				{"GET /none", "404 404 page not found"},
				{"GET /panic", "500"},
			} {
				method, path, _ := strings.Cut(row.line, " ")
				target := "/t/ann/chi" + path
				if got := brief(t, client.Do(method, target), target); got != row.want {
					t.Errorf("%s %s: got %s, want %s", method, target, got, row.want)
				}
			}
			client.Get("/t/ann/chi/own/").Status(308).Header("Location", "../../../../t/ann/chi/own")
		})
	}
}

// TestChiInChi: a chi router that finds the routing context of another one in
// the request takes itself for a part of that, whatever was stripped in
// between. Below a registry it must not find it.
func TestChiInChi(t *testing.T) {
	t.Parallel()
	forget := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, nil)))
		})
	}
	r := apiroutes.New()
	r.Mount("/api/confused", innerChi("/"))
	r.With(forget).Mount("/api/chi", innerChi("/"))
	outer := newChi(new(spy))
	outer.Mount("/api", r)
	client := testutil.New(t, outer)
	client.Get("/api/confused/users/7").Status(404)
	client.Get("/api/chi/users/7").Status(200).Text("id=7 tenant=")
}

// TestChiGuard: chi compares paths as they were sent, a registry decodes them.
// So a guard on a prefix of chi's does not hold for a registry that stands at
// the root; one that is in the registry does.
func TestChiGuard(t *testing.T) {
	t.Parallel()
	guard := middleware.BasicAuth("admin", map[string]string{"ada": "secret"})
	r := apiroutes.New()
	r.Get("/outside/x", text("x"))
	r.Group("/inside", guard).Get("/x", text("x"))
	m := newChi(new(spy))
	m.Route("/outside", func(sub chi.Router) {
		sub.Use(guard)
		sub.Mount("/", r)
	})
	m.Mount("/", r)
	client := testutil.New(t, m)
	client.Get("/outside/x").Status(401)
	client.Get("/%6Futside/x").Status(200)
	client.Get("/inside/x").Status(401)
	client.Get("/%69nside/x").Status(401)
}
