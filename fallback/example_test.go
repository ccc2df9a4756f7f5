package fallback_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/fallback"
)

// A route that is ported, beside all others, which are not yet.
func ExampleTo() {
	next := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Next.js has %s of %s", r.RequestURI, r.Host)
	}))
	defer next.Close()

	r := apiroutes.New()
	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, "Go has user "+c.Param("id"))
	})
	r.Mount("/", fallback.To(next.URL)) // "http://127.0.0.1:3000" as a rule

	for _, target := range []string{"/api/user/7", "/api/cart?items=1;2"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		body, _ := io.ReadAll(w.Body)
		fmt.Printf("%s\n", body)
	}
	// Output:
	// Go has user 7
	// Next.js has /api/cart?items=1;2 of example.com
}
