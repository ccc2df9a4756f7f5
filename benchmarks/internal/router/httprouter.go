package router

import (
	"net/http"

	"github.com/julienschmidt/httprouter"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var httprouterAdapter = &Adapter{
	Name: "httprouter",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]httprouter.Handle, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*%s")
			names := route.Names
			handlers[i] = func(_ http.ResponseWriter, _ *http.Request, params httprouter.Params) {
				p.Hit(i)
				for _, name := range names {
					p.Param(params.ByName(name))
				}
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(w http.ResponseWriter, _ *http.Request, params httprouter.Params) {
					id := params.ByName("id")
					p.Hit(i)
					p.Param(id)
					writeJSON(w, workload.UserOf(id))
				}
			}
		}
		return func() Instance {
			r := httprouter.New()
			r.RedirectTrailingSlash, r.RedirectFixedPath = false, false
			r.NotFound = status(http.StatusNotFound)
			r.MethodNotAllowed = status(http.StatusMethodNotAllowed)
			for i, route := range t.Routes {
				r.Handle(route.Method, patterns[i], handlers[i])
			}
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Backtrack":       "a static segment beside a parameter panics at registration",
		"BacktrackLite":   "a static segment beside a parameter panics at registration",
		"Middleware0":     noChains,
		"Middleware1":     noChains,
		"Middleware5":     noChains,
		"Middleware10":    noChains,
		"MiddlewareParam": noChains,
		"Gzip":            noGzip,
	}),
}
