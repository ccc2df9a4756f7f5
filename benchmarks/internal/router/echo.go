package router

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var echoAdapter = &Adapter{
	Name:  "echo",
	Stack: true,
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]echo.HandlerFunc, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*")
			names := route.NamesWithStar()
			handlers[i] = func(c *echo.Context) error {
				p.Hit(i)
				for _, name := range names {
					p.Param(c.Param(name))
				}
				return nil
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(c *echo.Context) error {
					id := c.Param("id")
					p.Hit(i)
					p.Param(id)
					return c.JSON(http.StatusOK, workload.UserOf(id))
				}
			}
			if t.Kind == workload.Stack {
				handlers[i] = func(c *echo.Context) error {
					p.Hit(i)
					return c.String(http.StatusOK, textOf(p, names, c.Param))
				}
			}
		}
		return func() Instance {
			e := echo.NewWithConfig(echo.Config{
				Router: echo.NewRouter(echo.RouterConfig{
					NotFoundHandler:         func(c *echo.Context) error { c.Response().WriteHeader(http.StatusNotFound); return nil },
					MethodNotAllowedHandler: func(c *echo.Context) error { c.Response().WriteHeader(http.StatusMethodNotAllowed); return nil },
				}),
			})
			for range t.Middleware {
				e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
					return func(c *echo.Context) error { return next(c) }
				})
			}
			if t.Kind == workload.Stack {
				e.Use(echoStack(p)...)
			}
			for i, route := range t.Routes {
				e.Add(route.Method, patterns[i], handlers[i])
			}
			return newHTTP(t, e, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Miss404":         "a last :id also matches slashes",
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
	MaxRoutes: 10_000,
	Why:       "registration is quadratic",
}
