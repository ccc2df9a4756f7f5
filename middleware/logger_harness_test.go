package middleware_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

// logRecords is a slog.Handler that hands over what it is given: over a connection
// a record comes when the client has its answer already.
type logRecords chan logRecord

// logRecord is one record; a level is that of the attribute "level".
type logRecord map[string]string

func newLogRecords() logRecords { return make(logRecords, 100) }

func (c logRecords) Enabled(context.Context, slog.Level) bool { return true }
func (c logRecords) WithAttrs([]slog.Attr) slog.Handler       { panic("unused") }
func (c logRecords) WithGroup(string) slog.Handler            { panic("unused") }
func (c logRecords) Handle(_ context.Context, r slog.Record) error {
	kept := logRecord{"msg": r.Message, "level": r.Level.String()}
	r.Attrs(func(a slog.Attr) bool {
		if kept[a.Key] != "" {
			kept[a.Key] += " and "
		}
		kept[a.Key] += a.Value.String()
		return true
	})
	c <- kept
	return nil
}

func (c logRecords) next(t testing.TB) logRecord {
	t.Helper()
	select {
	case r := <-c:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("no record within 10 seconds")
		return nil
	}
}

// none expects that no record is left.
func (c logRecords) none(t testing.TB) {
	t.Helper()
	select {
	case r := <-c:
		t.Errorf("one record too many: %v", r)
	default:
	}
}

// is expects attributes, "key=value" each; "key=" expects none of that name.
func (r logRecord) is(t testing.TB, want ...string) logRecord {
	t.Helper()
	for _, w := range want {
		key, value, _ := strings.Cut(w, "=")
		if got, there := r[key]; got != value || there != (value != "") {
			t.Errorf("%s is %q, want %q; the record: %v", key, got, value, r)
		}
	}
	return r
}

// has expects a part of an attribute's text.
func (r logRecord) has(t testing.TB, key string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(r[key], part) {
			t.Errorf("%s is %q, without %q", key, r[key], part)
		}
	}
}

// setDefaultLog makes h slog's default until the test ends, which must not be
// parallel.
func setDefaultLog(t testing.TB, h slog.Handler) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(h))
}

// foreignCopy is a foreign middleware that passes on a copy of the request, and
// wraps the writer as most do.
func foreignCopy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		type key struct{}
		next.ServeHTTP(foreignWriter{w}, r.WithContext(context.WithValue(r.Context(), key{}, 1)))
	})
}

type foreignWriter struct{ http.ResponseWriter }

func (w foreignWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// foreignRecover is a foreign middleware that takes each panic for its own, as some
// do, and answers it.
func foreignRecover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = fmt.Fprint(w, "recovered")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// onProtocols runs a sub-test for each protocol that is spoken by servers.
func onProtocols(t *testing.T, test func(t *testing.T, p testutil.Protocol)) {
	t.Helper()
	for _, p := range []testutil.Protocol{testutil.HTTP, testutil.HTTP2} {
		t.Run(string(p), func(t *testing.T) { test(t, p) })
	}
}

// panicOf returns what do panics with, nil for nothing.
func panicOf(do func()) (v any) {
	defer func() { v = recover() }()
	do()
	return nil
}
