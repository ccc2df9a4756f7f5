package router

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var chiAdapter = &Adapter{
	Name:  "chi",
	Stack: true,
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		read := chi.URLParam
		if t.Kind == workload.PathValues {
			read = (*http.Request).PathValue
		}
		patterns := make([]string, len(t.Routes))
		renamed := *t
		renamed.Routes = slices.Clone(t.Routes)
		for i, route := range t.Routes {
			patterns[i] = route.Write("{%s}", "*")
			renamed.Routes[i].Names = route.NamesWithStar()
		}
		handlers := plainHandlers(&renamed, p, read)
		return func() Instance {
			r := chi.NewRouter()
			if t.Kind == workload.Gzip {
				r.Use(middleware.Compress(5))
			}
			if t.Kind == workload.Stack {
				r.Use(chiStack(p)...)
			}
			for range t.Middleware {
				r.Use(pass)
			}
			for i, route := range t.Routes {
				r.Method(route.Method, patterns[i], handlers[i])
			}
			r.NotFound(status(http.StatusNotFound))
			r.MethodNotAllowed(status(http.StatusMethodNotAllowed))
			return newHTTP(t, r, untouched)
		}
	},
}
