package router

import (
	"net/http"

	"github.com/tigerwill90/fox"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var foxAdapter = &Adapter{
	Name: "fox",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]fox.HandlerFunc, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		methods := make([][]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i], methods[i] = route.Write("{%s}", "+{%s}"), []string{route.Method}
			names := route.Names
			handlers[i] = func(c *fox.Context) {
				p.Hit(i)
				for _, name := range names {
					p.Param(c.Param(name))
				}
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(c *fox.Context) {
					id := c.Param("id")
					p.Hit(i)
					p.Param(id)
					writeJSON(c.Writer(), workload.UserOf(id))
				}
			}
		}
		return func() Instance {
			options := []fox.GlobalOption{
				fox.WithNoMethod(true),
				fox.WithNoRouteHandler(foxStatus(http.StatusNotFound)),
				fox.WithNoMethodHandler(foxStatus(http.StatusMethodNotAllowed)),
			}
			for range t.Middleware {
				options = append(options, fox.WithMiddleware(func(next fox.HandlerFunc) fox.HandlerFunc {
					return func(c *fox.Context) { next(c) }
				}))
			}
			r, err := fox.NewRouter(options...)
			must(err)
			must(r.Updates(func(txn *fox.Txn) error { // one by one would copy nodes for each
				for i := range patterns {
					if _, err := txn.Add(methods[i], patterns[i], handlers[i]); err != nil {
						return err
					}
				}
				return nil
			}))
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
}

func foxStatus(code int) fox.HandlerFunc {
	return func(c *fox.Context) { c.Writer().WriteHeader(code) }
}
