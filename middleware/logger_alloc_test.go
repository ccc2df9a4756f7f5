//go:build !race

package middleware_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apiroutes/apiroutes/middleware"
)

// logSink is a handler that takes everything and keeps nothing.
type logSink struct{ logRecords }

func (logSink) Handle(context.Context, slog.Record) error { return nil }

// TestLoggerAllocations: one for the writer, and one for the record's
// attributes, of which slog keeps five without.
func TestLoggerAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		h    slog.Handler
		most float64
	}{
		{"enabled", logSink{}, 2},
		{"disabled", slog.DiscardHandler, 1},
	} {
		h := middleware.Logger(slog.New(c.h))(middleware.Recover()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
		})))
		r := httptest.NewRequest("GET", "/api/user/7", nil)
		w := httptest.NewRecorder()
		w.Header().Set("X-Request-Id", "id")
		if got := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); got > c.most {
			t.Errorf("%s: %v allocations, want %v at most", c.name, got, c.most)
		}
	}
}
