// Package hello is the API that its tests show how to test: the hello endpoint
// of the tutorial, alone and as part of an app.
package hello

import (
	"net/http"

	"github.com/apiroutes/apiroutes"
)

// Hello is the handler, pages/api/hello.js of the tutorial.
func Hello(c apiroutes.Context) error {
	name := c.Query("name")
	if name == "" {
		name = "API Routes"
	}
	return c.JSON(http.StatusOK, map[string]string{"message": "Hello from " + name + "!"})
}

// User is a handler with a path parameter, pages/api/user/[id].js.
func User(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"userId": c.Param("id")})
}

// Login sets a cookie that Me asks for.
func Login(c apiroutes.Context) error {
	var body struct{ Name string }
	if err := c.Decode(&body); err != nil {
		return err
	}
	cookie := &http.Cookie{Name: "name", Value: body.Name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if err := c.SetCookie(cookie); err != nil {
		return apiroutes.Errorf(http.StatusBadRequest, "that is no name").WithCause(err)
	}
	return c.NoContent(http.StatusNoContent)
}

// Me answers who logged in.
func Me(c apiroutes.Context) error {
	name := c.Cookie("name")
	if name == "" {
		return apiroutes.Errorf(http.StatusUnauthorized, "who are you?")
	}
	return c.JSON(http.StatusOK, map[string]string{"name": name})
}

// Routes is the app.
func Routes() http.Handler {
	r := apiroutes.New()
	r.Get("/api/hello", Hello)
	r.Get("/api/user/[id]", User)
	r.Post("/api/login", Login)
	r.Get("/api/me", Me)
	return r
}
