// Command chi serves the four routes with chi.
package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	r := chi.NewRouter()
	r.Get("/api/hello", func(w http.ResponseWriter, _ *http.Request) {
		app.Write(w, http.StatusOK, app.Hello{Message: "hello"})
	})
	r.Get("/api/user/{id}", func(w http.ResponseWriter, r *http.Request) {
		app.Write(w, http.StatusOK, app.User{ID: chi.URLParam(r, "id")})
	})
	r.Get("/api/files/*", func(w http.ResponseWriter, r *http.Request) {
		app.Write(w, http.StatusOK, app.Files{Path: app.Split(chi.URLParam(r, "*"))})
	})
	r.Post("/api/data", app.WriteData)
	app.Serve(r)
}
