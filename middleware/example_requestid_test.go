package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
)

// The id of a proxy is kept, that of anybody else is replaced.
func ExampleRequestID() {
	r := apiroutes.New(middleware.RequestID(netip.MustParsePrefix("10.0.0.0/8")))
	r.Get("/api/hello", func(c apiroutes.Context) error { return c.Text(http.StatusOK, "hello") })

	for _, peer := range []string{"10.0.0.7:4711", "203.0.113.9:4711"} {
		req := httptest.NewRequest("GET", "/api/hello", nil)
		req.RemoteAddr = peer
		req.Header.Set("X-Request-Id", "edge-1")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Header().Get("X-Request-Id") == "edge-1")
	}
	// Output:
	// true
	// false
}

// The id goes along with the context, to whatever a handler calls.
func ExampleRequestIDFrom() {
	r := apiroutes.New(middleware.RequestID())
	r.Get("/api/report", func(c apiroutes.Context) error {
		id := middleware.RequestIDFrom(c.Context())
		return c.Text(http.StatusAccepted, fmt.Sprintf("ask for it with an id of %d characters", len(id)))
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/api/report", nil))
	fmt.Println(w.Body)
	// Output:
	// ask for it with an id of 36 characters
}
