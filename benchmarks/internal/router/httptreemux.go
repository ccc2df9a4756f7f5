package router

import (
	"net/http"

	"github.com/dimfeld/httptreemux/v5"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var httptreemuxAdapter = &Adapter{
	Name: "httptreemux",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]httptreemux.HandlerFunc, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*%s")
			names := route.Names
			handlers[i] = func(_ http.ResponseWriter, _ *http.Request, params map[string]string) {
				p.Hit(i)
				for _, name := range names {
					p.Param(params[name])
				}
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(w http.ResponseWriter, _ *http.Request, params map[string]string) {
					p.Hit(i)
					p.Param(params["id"])
					writeJSON(w, workload.UserOf(params["id"]))
				}
			}
		}
		return func() Instance {
			r := httptreemux.New()
			r.NotFoundHandler = status(http.StatusNotFound)
			r.MethodNotAllowedHandler = func(w http.ResponseWriter, _ *http.Request, _ map[string]httptreemux.HandlerFunc) {
				w.WriteHeader(http.StatusMethodNotAllowed)
			}
			for range t.Middleware {
				r.Use(func(next httptreemux.HandlerFunc) httptreemux.HandlerFunc {
					return func(w http.ResponseWriter, r *http.Request, params map[string]string) { next(w, r, params) }
				})
			}
			for i, route := range t.Routes {
				r.Handle(route.Method, patterns[i], handlers[i])
			}
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
}
