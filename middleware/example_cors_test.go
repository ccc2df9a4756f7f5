package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
)

// exampleAsk sends a request as a page of https://app.example does, a preflight
// if it is OPTIONS, and says what the browser makes of the answer.
func exampleAsk(h http.Handler, method, target string) string {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Origin", "https://app.example")
	if method == "OPTIONS" {
		r.Header.Set("Access-Control-Request-Method", "GET")
		r.Header.Set("Access-Control-Request-Headers", "authorization")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprintf("%s: %d, allowed: %q", method, w.Code, w.Header().Get("Access-Control-Allow-Origin"))
}

// exampleGuard is any middleware that lets nobody in without a token.
func exampleGuard(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "log in first"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func exampleData(c apiroutes.Context) error { return c.JSON(http.StatusOK, "data") }

func ExampleCORS() {
	r := apiroutes.New(middleware.CORS(middleware.CORSConfig{
		Origins: []string{"https://app.example", "http://localhost:3000"},
		Headers: []string{"Authorization"},
	}))
	r.With(exampleGuard).Get("/api/data", exampleData) // nobody registers OPTIONS

	fmt.Println(exampleAsk(r, "OPTIONS", "/api/data"))
	fmt.Println(exampleAsk(r, "GET", "/api/data")) // the page can read that it must log in
	fmt.Println(exampleAsk(r, "GET", "/api/none"))
	// Output:
	// OPTIONS: 204, allowed: "https://app.example"
	// GET: 401, allowed: "https://app.example"
	// GET: 404, allowed: "https://app.example"
}

// INCORRECT: CORS inside of a guard. A preflight carries no credentials, so the
// guard refuses it, and the browser never sends the request that would have
// some. Nor can the page read why. Put CORS first.
func ExampleCORS_incorrect() {
	cors := middleware.CORS(middleware.CORSConfig{
		Origins: []string{"https://app.example"},
		Headers: []string{"Authorization"},
	})
	wrong := apiroutes.New(exampleGuard, cors)
	wrong.Get("/api/data", exampleData)
	right := apiroutes.New(cors, exampleGuard)
	right.Get("/api/data", exampleData)

	fmt.Println("wrong:", exampleAsk(wrong, "OPTIONS", "/api/data"))
	fmt.Println("right:", exampleAsk(right, "OPTIONS", "/api/data"))
	// Output:
	// wrong: OPTIONS: 401, allowed: ""
	// right: OPTIONS: 204, allowed: "https://app.example"
}

// All mistakes are reported at once, each with the right way to write it.
func ExampleCORSConfig_Validate() {
	err := middleware.CORSConfig{
		Origins: []string{"https://app.example/", "https://*.example", "localhost:3000"},
		Methods: []string{"get"},
		MaxAge:  600,
	}.Validate()
	fmt.Println(err)
	// Output:
	// middleware: CORSConfig.Origins[0]: "https://app.example/" has a path, query or trailing slash, which no origin has: write "https://app.example"
	// middleware: CORSConfig.Origins[1]: "https://*.example" is a pattern, and a pattern matches what others may own: list each origin in full
	// middleware: CORSConfig.Origins[2]: "localhost:3000" has no scheme, or not :// behind it: write "https://localhost:3000"
	// middleware: CORSConfig.Methods[0]: "get" is another method than "GET", for methods are case-sensitive: write "GET"
	// middleware: CORSConfig.MaxAge: 600ns is not in whole seconds, which is what the header has: write 600 * time.Second for ten minutes
}
