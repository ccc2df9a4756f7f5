package router

import (
	"net/http"
	"strings"

	"github.com/apiroutes/apiroutes"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var apiroutesAdapter = &Adapter{
	Name:  "apiroutes",
	Stack: true,
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]http.Handler, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		plain := plainHandlers(t, p, (*http.Request).PathValue)
		for i, route := range t.Routes {
			patterns[i] = strings.Clone(route.Pattern) // others write their own
			names := route.Names
			switch t.Kind {
			case workload.PathValues:
				handlers[i] = plain[i]
			case workload.JSON:
				handlers[i] = apiroutes.HandlerFunc(func(c apiroutes.Context) error {
					id := c.Param("id")
					p.Hit(i)
					p.Param(id)
					return c.JSON(http.StatusOK, workload.UserOf(id))
				})
			case workload.Stack:
				handlers[i] = apiroutes.HandlerFunc(func(c apiroutes.Context) error {
					p.Hit(i)
					return c.Text(http.StatusOK, textOf(p, names, c.Param))
				})
			default:
				handlers[i] = apiroutes.HandlerFunc(func(c apiroutes.Context) error {
					p.Hit(i)
					for _, name := range names {
						p.Param(c.Param(name))
					}
					return nil
				})
			}
		}
		chain := make([]apiroutes.Middleware, t.Middleware)
		for i := range chain {
			chain[i] = pass
		}
		if t.Kind == workload.Stack {
			chain = apiroutesStack(p)
		}
		return func() Instance {
			r := apiroutes.New(chain...)
			if len(chain) == 0 { // errors with a status alone
				r = r.OnError(func(w http.ResponseWriter, _ *http.Request, e *apiroutes.Error) { w.WriteHeader(e.StatusCode()) })
			}
			for i, route := range t.Routes {
				r.Method(route.Method, patterns[i], handlers[i])
			}
			return newHTTP(t, r, fields)
		}
	},
	Skip: skips(map[string]string{
		"Gzip": noGzip,
	}),
}
