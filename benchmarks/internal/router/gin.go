package router

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

func init() { gin.SetMode(gin.ReleaseMode) }

var ginAdapter = &Adapter{
	Name: "gin",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := make([]gin.HandlerFunc, len(t.Routes))
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Write(":%s", "*%s")
			names := route.Names
			handlers[i] = func(c *gin.Context) {
				p.Hit(i)
				for _, name := range names {
					p.Param(c.Param(name))
				}
			}
			if t.Kind == workload.JSON {
				handlers[i] = func(c *gin.Context) {
					id := c.Param("id")
					p.Hit(i)
					p.Param(id)
					c.JSON(http.StatusOK, workload.UserOf(id))
				}
			}
		}
		return func() Instance {
			r := gin.New()
			r.HandleMethodNotAllowed = true
			r.RedirectTrailingSlash = false
			for range t.Middleware {
				r.Use(func(c *gin.Context) { c.Next() })
			}
			for i, route := range t.Routes {
				r.Handle(route.Method, patterns[i], handlers[i])
			}
			r.NoRoute(func(c *gin.Context) { c.Status(http.StatusNotFound); c.Writer.WriteHeaderNow() })
			r.NoMethod(func(c *gin.Context) { c.Status(http.StatusMethodNotAllowed); c.Writer.WriteHeaderNow() })
			return newHTTP(t, r, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Backtrack":       "a catch-all beside other routes panics at registration",
		"MiddlewareParam": noPathValue,
		"Gzip":            noGzip,
	}),
}
