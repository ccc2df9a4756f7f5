// Command gin serves the four routes with gin.
package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/api/hello", func(c *gin.Context) { c.JSON(http.StatusOK, app.Hello{Message: "hello"}) })
	r.GET("/api/user/:id", func(c *gin.Context) { c.JSON(http.StatusOK, app.User{ID: c.Param("id")}) })
	r.GET("/api/files/*path", func(c *gin.Context) { c.JSON(http.StatusOK, app.Files{Path: app.Split(c.Param("path"))}) })
	r.POST("/api/data", func(c *gin.Context) {
		var data app.Data
		if err := c.ShouldBindJSON(&data); err != nil {
			c.String(http.StatusBadRequest, "bad JSON")
			return
		}
		c.JSON(http.StatusCreated, data)
	})
	app.Serve(r)
}
