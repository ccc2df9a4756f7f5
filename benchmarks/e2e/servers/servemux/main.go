// Command servemux serves the four routes with the router of net/http.
package main

import (
	"net/http"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/hello", func(w http.ResponseWriter, _ *http.Request) {
		app.Write(w, http.StatusOK, app.Hello{Message: "hello"})
	})
	mux.HandleFunc("GET /api/user/{id}", func(w http.ResponseWriter, r *http.Request) {
		app.Write(w, http.StatusOK, app.User{ID: r.PathValue("id")})
	})
	mux.HandleFunc("GET /api/files/{path...}", func(w http.ResponseWriter, r *http.Request) {
		app.Write(w, http.StatusOK, app.Files{Path: app.Split(r.PathValue("path"))})
	})
	mux.HandleFunc("POST /api/data", app.WriteData)
	app.Serve(mux)
}
