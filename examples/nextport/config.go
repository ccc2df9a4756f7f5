package main

import (
	"net/http"
	"strings"

	"github.com/apiroutes/apiroutes"
)

// trailingSlashApp has trailingSlash: true. Here both forms are served.
func trailingSlashApp() http.Handler {
	r := apiroutes.New().Slashes(apiroutes.SlashServe)
	r.Handle("/api/echo", apiroutes.HandlerFunc(echo))
	r.Handle("/api/hello", apiroutes.HandlerFunc(hello))
	r.Handle("/api/hello.json", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.JSON(200, object{"route": "/api/hello.json", "query": query(c)})
	}))
	r.Handle("/api/gzip/[kind]", apiroutes.HandlerFunc(gzipped.handle))
	r.Handle("/api/user/[id]", apiroutes.HandlerFunc(user))
	r.Handle("/api/docs/[[...slug]]", apiroutes.HandlerFunc(docs))
	return r
}

func user(c apiroutes.Context) error {
	return c.JSON(200, object{"route": "/api/user/[id]", "query": query(c)})
}

// basePathApp has basePath: '/base', headers, redirects, rewrites and a proxy.js.
func basePathApp() http.Handler {
	r := apiroutes.New(configHeaders)
	r.Handle("/api/echo", apiroutes.HandlerFunc(echo))
	r.Handle("/api/hello", apiroutes.HandlerFunc(hello))
	r.Handle("/api/user/[id]", apiroutes.HandlerFunc(user))
	r.Get("/api/moved/[id]", func(c apiroutes.Context) error { return c.Redirect(308, "/base/api/user/"+c.Param("id")) })
	r.Get("/api/temp", redirect(307, "/base/api/hello"))
	r.Get("/api/old/[id]", func(c apiroutes.Context) error { // a rewrite
		return c.JSON(200, object{"route": "/api/user/[id]", "query": object{"id": c.Param("id"), "from": "old"}})
	})
	r.Get("/api/fb/[...path]", func(c apiroutes.Context) error { // a rewrite too
		c.Request().URL.RawQuery = "fb=" + strings.Join(c.Segments("path"), "/")
		return echo(c)
	})

	mw := r.Group("/api/mw") // what proxy.js answers itself
	mw.Get("/deny", func(c apiroutes.Context) error { return respond(c, 401, object{"error": "denied"}) })
	mw.Get("/rewrite", func(c apiroutes.Context) error {
		return c.JSON(200, object{"route": "/api/user/[id]", "query": object{"id": "77", "rw": "1"}})
	})
	mw.Get("/redirect", redirect(307, "/base/login"))
	mw.Get("/throw", fails(apiroutes.Errorf(500, "")))
	mw.Handle("/noreturn", apiroutes.HandlerFunc(echo))
	proxied := mw.With(proxy)
	proxied.Handle("/hdr", apiroutes.HandlerFunc(echo))
	proxied.MaxBody(20<<20).Handle("/size", apiroutes.HandlerFunc(length))
	proxied.Handle("/[...rest]", apiroutes.HandlerFunc(func(apiroutes.Context) error { return apiroutes.Errorf(404, "") }))
	return http.StripPrefix("/base", r)
}

// configHeaders is headers() of next.config.js.
func configHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Conf", "yes")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

// proxy is what proxy.js does for the routes that it does not answer itself.
func proxy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Test", "from-proxy")
		w.Header().Set("X-Proxy", "1")
		http.SetCookie(w, &http.Cookie{Name: "p", Value: "1", Path: "/"})
		next.ServeHTTP(w, r)
	})
}
