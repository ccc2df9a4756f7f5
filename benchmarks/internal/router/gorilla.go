package router

import (
	"net/http"

	"github.com/gorilla/mux"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var gorillaAdapter = &Adapter{
	Name: "gorilla",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := plainHandlers(t, p, func(r *http.Request, name string) string { return mux.Vars(r)[name] })
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write("{%s}", "{%s:.+}")
		}
		return func() Instance {
			r := mux.NewRouter()
			r.NotFoundHandler = status(http.StatusNotFound)
			r.MethodNotAllowedHandler = status(http.StatusMethodNotAllowed)
			for range t.Middleware {
				r.Use(pass)
			}
			for i, route := range t.Routes {
				r.Handle(patterns[i], handlers[i]).Methods(route.Method)
			}
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
	MaxRoutes: 1000,
	Why:       "look-ups are linear in the number of routes",
}
