package router

import (
	"github.com/aerogo/aero"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var aeroAdapter = &Adapter{
	Name: "aero",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]aero.Handler, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*%s")
			names := route.Names
			handlers[i] = func(c aero.Context) error {
				p.Hit(i)
				for _, name := range names {
					p.Param(c.Get(name))
				}
				return nil
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(c aero.Context) error {
					id := c.Get("id")
					p.Hit(i)
					p.Param(id)
					return c.JSON(workload.UserOf(id))
				}
			}
		}
		return func() Instance {
			app := aero.New()
			for range t.Middleware {
				app.Use(func(next aero.Handler) aero.Handler {
					return func(c aero.Context) error { return next(c) }
				})
			}
			for i, route := range t.Routes {
				app.Router().Add(route.Method, patterns[i], handlers[i])
			}
			if t.Middleware > 0 {
				app.BindMiddleware()
			}
			return newHTTP(t, app, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Backtrack":       "takes no step back, so it misses routes",
		"Wrong405":        "answers 404 for a wrong method",
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
}
