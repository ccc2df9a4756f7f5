package middleware_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// lateCopier passes on a copy, as tracing middleware does: what the router notes
// in the request cannot be seen outside of it.
func lateCopier(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(r.Context()))
	})
}

// lateFailure answers with an error although next has answered.
func lateFailure(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		fail(w, r, errors.New("too late"))
	})
}

// TestLateErrors: no error is written behind what has gone out, and none is lost
// to the log.
func TestLateErrors(t *testing.T) {
	t.Parallel()
	native := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(http.StatusOK, "whole") })
	plain := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "whole") })
	silent := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, tt := range map[string]struct {
		h      http.Handler
		copies bool
		status int // 0: the connection is aborted
		body   string
	}{
		"the request tells that it was answered":   {native, false, 200, "whole"},
		"the writer tells for a copy":              {native, true, 0, ""},
		"the writer tells for a handler of others": {plain, false, 0, ""},
		"both":                   {plain, true, 0, ""},
		"nothing has gone out":   {silent, false, 500, `{"error":"Internal Server Error"}`},
		"nor from behind a copy": {silent, true, 500, `{"error":"Internal Server Error"}`},
	} {
		for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTP2} {
			records := newLogRecords()
			chain := apiroutes.Chain{middleware.Logger(slog.New(records)), lateFailure}
			if tt.copies {
				chain = chain.Append(lateCopier)
			}
			client := testutil.Serve(t, chain.Then(tt.h), protocol)
			resp, err := client.HTTPClient().Get(client.URL("/"))
			status, body := 0, ""
			if err == nil {
				var text []byte
				if text, err = io.ReadAll(resp.Body); err == nil {
					status, body = resp.StatusCode, string(text)
				}
				resp.Body.Close()
			}
			if status != tt.status || body != tt.body {
				t.Errorf("%s, %v: got %d %q, %v; want %d %q", name, protocol, status, body, err, tt.status, tt.body)
			}
			records.next(t).has(t, "error", "too late")
			records.none(t)
		}
	}
}
