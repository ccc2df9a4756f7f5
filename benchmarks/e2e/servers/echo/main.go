// Command echo serves the four routes with echo.
package main

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	e := echo.New()
	e.GET("/api/hello", func(c *echo.Context) error { return c.JSON(http.StatusOK, app.Hello{Message: "hello"}) })
	e.GET("/api/user/:id", func(c *echo.Context) error { return c.JSON(http.StatusOK, app.User{ID: c.Param("id")}) })
	e.GET("/api/files/*", func(c *echo.Context) error {
		return c.JSON(http.StatusOK, app.Files{Path: app.Split(c.Param("*"))})
	})
	e.POST("/api/data", func(c *echo.Context) error {
		var data app.Data
		if err := c.Bind(&data); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, data)
	})
	app.Serve(e)
}
