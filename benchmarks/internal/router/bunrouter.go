package router

import (
	"net/http"

	"github.com/uptrace/bunrouter"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var bunrouterAdapter = &Adapter{
	Name: "bunrouter",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]bunrouter.HandlerFunc, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*%s")
			names := route.Names
			handlers[i] = func(_ http.ResponseWriter, r bunrouter.Request) error {
				p.Hit(i)
				for _, name := range names {
					p.Param(r.Param(name))
				}
				return nil
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(w http.ResponseWriter, r bunrouter.Request) error {
					id := r.Param("id")
					p.Hit(i)
					p.Param(id)
					return bunrouter.JSON(w, workload.UserOf(id))
				}
			}
		}
		return func() Instance {
			options := []bunrouter.Option{
				bunrouter.WithNotFoundHandler(bunStatus(http.StatusNotFound)),
				bunrouter.WithMethodNotAllowedHandler(bunStatus(http.StatusMethodNotAllowed)),
			}
			for range t.Middleware {
				options = append(options, bunrouter.Use(func(next bunrouter.HandlerFunc) bunrouter.HandlerFunc {
					return func(w http.ResponseWriter, r bunrouter.Request) error { return next(w, r) }
				}))
			}
			r := bunrouter.New(options...)
			for i, route := range t.Routes {
				r.Handle(route.Method, patterns[i], handlers[i])
			}
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Wrong405":        "answers 404 for some paths",
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
	MaxRoutes: 1000,
	Why:       "registration is quadratic",
}

func bunStatus(code int) bunrouter.HandlerFunc {
	return func(w http.ResponseWriter, _ bunrouter.Request) error {
		w.WriteHeader(code)
		return nil
	}
}
