// Command bare serves the four routes without a router.
package main

import (
	"net/http"
	"strings"

	"github.com/apiroutes/apiroutes/benchmarks/e2e/internal/app"
)

func main() {
	app.Serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if path == "/api/hello" {
			app.Write(w, http.StatusOK, app.Hello{Message: "hello"})
		} else if id, ok := strings.CutPrefix(path, "/api/user/"); ok {
			app.Write(w, http.StatusOK, app.User{ID: id})
		} else if rest, ok := strings.CutPrefix(path, "/api/files/"); ok {
			app.Write(w, http.StatusOK, app.Files{Path: app.Split(rest)})
		} else if path == "/api/data" && r.Method == http.MethodPost {
			app.WriteData(w, r)
		} else {
			http.NotFound(w, r)
		}
	}))
}
