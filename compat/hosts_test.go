package compat

import (
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// newChi returns a chi router with what people put around everything. The spy
// is the innermost: middleware that passes on a copy of the request, such as
// Timeout, hides what is noted in it from those around.
func newChi(seen *spy) *chi.Mux {
	m := chi.NewRouter()
	m.Use(
		middleware.RequestID,
		middleware.RequestLogger(silent{}),
		middleware.Recoverer,
		middleware.Compress(5),
		middleware.Timeout(time.Minute),
		middleware.Throttle(100),
		middleware.GetHead,
		middleware.CleanPath,
		middleware.StripSlashes,
		seen.middleware,
	)
	return m
}

// silent is a log for chi's Logger and Recoverer.
type silent struct{}

func (s silent) NewLogEntry(*http.Request) middleware.LogEntry { return s }
func (silent) Write(int, int, http.Header, time.Duration, any) {}
func (silent) Panic(any, []byte)                               {}

// newGin returns what gin.Default does, in silence.
func newGin(seen *spy) *gin.Engine {
	e := gin.New()
	e.Use(gin.LoggerWithWriter(io.Discard), gin.RecoveryWithWriter(io.Discard), func(c *gin.Context) {
		c.Next()
		seen.note(c.Request)
	})
	return e
}

// anyGin registers a registry at a path itself and at everything below. Both
// are needed: with "/*path" alone gin redirects "/api" to "/api/", and the
// registry back. See TestGinRedirectLoop.
func anyGin(e gin.IRoutes, path string, h http.Handler) {
	e.Any(path, gin.WrapH(h))
	e.Any(path+"/*path", gin.WrapH(h))
}

// statusOK goes before a registry in NoRoute, where gin has set 404 beforehand.
// See TestGinNoRouteStatus.
func statusOK(c *gin.Context) { c.Status(http.StatusOK) }

// hosts are all ways in, the registry alone among them, as the measure.
var hosts = []host{
	{name: "alone", outer: "/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		return seen.middleware(g.routes("/"))
	}},
	{name: "ServeMux", base: "/api", pattern: "/api", outer: "/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/api/", g.routes("/api"))
		return seen.middleware(mux)
	}, differs: map[string]string{
		"GET //hello":         "307 -> /api/hello", // the mux cleans by itself
		"GET /files/../hello": "307 -> /api/hello",
	}},
	{name: "chi Mount", base: "/api", pattern: "/api", outer: "/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		m.Mount("/api", g.routes("/api"))
		return m
	}},
	{name: "chi Mount at the root", outer: "/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		m.Mount("/", g.routes("/"))
		return m
	}},
	{name: "chi Handle", base: "/api", pattern: "/api", outer: "/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		r := g.routes("/api")
		m.Handle("/api", r)
		m.Handle("/api/*", r)
		return m
	}},
	{name: "chi NotFound", outer: "/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		m.Get("/chi", func(http.ResponseWriter, *http.Request) {}) // a mux without routes has no middleware
		m.NotFound(g.routes("/").ServeHTTP)
		return m
	}},
	{name: "chi Mount, stripped", base: "/v1", outer: "/v1/*", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		m.Mount("/v1", http.StripPrefix("/v1", g.routes("/")))
		return m
	}},
	{name: "chi Route", base: "/t/ann/api", pattern: "/t/[tenant]/api", outer: "/t/[tenant]/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		m := newChi(seen)
		m.Route("/t/{tenant}", func(sub chi.Router) {
			sub.Use(middleware.NoCache)
			sub.Mount("/api", g.routes("/t/[tenant]/api"))
		})
		return m
	}},
	{name: "gin NoRoute", outer: "/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		e := newGin(seen)
		e.GET("/gin", func(*gin.Context) {})
		e.NoRoute(statusOK, gin.WrapH(g.routes("/")))
		return e
	}},
	{name: "gin Any", base: "/api", pattern: "/api", outer: "/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		e := newGin(seen)
		anyGin(e, "/api", g.routes("/api"))
		return e
	}},
	{name: "gin Any, stripped", base: "/v1", outer: "", put: func(g *registry, seen *spy) http.Handler {
		e := newGin(seen)
		anyGin(e, "/v1", http.StripPrefix("/v1", g.routes("/")))
		return e
	}},
	{name: "gin Group, raw paths", base: "/t/ann/api", pattern: "/t/[tenant]/api", outer: "/t/[tenant]/api/users/[id]", put: func(g *registry, seen *spy) http.Handler {
		e := newGin(seen)
		e.UseRawPath = true
		anyGin(e.Group("/t/:tenant", func(c *gin.Context) { c.Header("Cache-Control", "no-store") }), "/api", g.routes("/t/[tenant]/api"))
		return e
	}},
}
