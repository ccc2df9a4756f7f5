// Command apiroutes serves the four routes with apiroutes.
package main

import (
	"net/http"

	"github.com/apiroutes/apiroutes"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	r := apiroutes.New()
	r.Get("/api/hello", func(c apiroutes.Context) error { return c.JSON(http.StatusOK, app.Hello{Message: "hello"}) })
	r.Get("/api/user/[id]", func(c apiroutes.Context) error { return c.JSON(http.StatusOK, app.User{ID: c.Param("id")}) })
	r.Get("/api/files/[...path]", func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, app.Files{Path: c.Segments("path")})
	})
	r.Post("/api/data", func(c apiroutes.Context) error {
		var data app.Data
		if err := c.Decode(&data); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, data)
	})
	app.Serve(r)
}
