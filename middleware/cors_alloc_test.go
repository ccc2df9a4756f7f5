//go:build !race

package middleware_test

// The race detector allocates by itself.

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestCORSAllocations: a request costs the writer that keeps Vary, 24 bytes,
// and what rs/cors costs by itself: one for an origin that is allowed.
func TestCORSAllocations(t *testing.T) {
	h := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}, Headers: []string{"X-A"}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	for _, tt := range []struct {
		name string
		most float64
		edit testutil.Edit
	}{
		{"no origin", 1, corsOrigin()},
		{"request", 2, corsOrigin(corsApp)},
		{"refused", 3, corsOrigin("https://evil.example")},
		{"two origins", 1, corsOrigin(corsApp, corsApp)},
		{"preflight", 1, corsPreflight(corsApp, "GET", "x-a")},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		tt.edit(r)
		w := &corsCounter{header: http.Header{}}
		if got := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r); clear(w.header) }); got > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
}

// TestRequestIDAllocations: the id, and a context that holds it.
func TestRequestIDAllocations(t *testing.T) {
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	w := &corsCounter{header: http.Header{}}
	r := httptest.NewRequest("GET", "/", nil)
	h := middleware.RequestID()(served)
	if got := testing.AllocsPerRun(100, func() { clear(w.header); h.ServeHTTP(w, r) }); got > 2 {
		t.Errorf("an id of one's own costs %v allocations", got)
	}
	h = middleware.RequestID(idPrefixes("192.0.2.0/24")...)(served)
	if got := testing.AllocsPerRun(100, func() { clear(w.header); h.ServeHTTP(w, r) }); got > 1 {
		t.Errorf("the id of a proxy costs %v allocations", got)
	}
	if got := testing.AllocsPerRun(100, func() { middleware.RequestIDFrom(r.Context()) }); got > 0 {
		t.Errorf("RequestIDFrom costs %v allocations", got)
	}
}
