package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzhttp"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestRecoverKeeps what belongs to the exchange and not to the answer.
func TestRecoverKeeps(t *testing.T) {
	h := middleware.Recover()(recoverAfter("boom", func(w http.ResponseWriter) {
		w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
		w.Header().Set("Vary", "Origin")
	}))
	setDefaultLog(t, newLogRecords())
	testutil.Call(t, h, "GET /").Status(500).Header("Access-Control-Allow-Origin", "https://app.example").Header("Vary", "Origin")
}

// TestRecoverRenderer: what writes the error panics itself, before or after the
// first byte. That is no loop, and the log has both.
func TestRecoverRenderer(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter){
		"before": func(http.ResponseWriter) {},
		"after":  func(w http.ResponseWriter) { _, _ = io.WriteString(w, recoverPart) },
	} {
		t.Run(name, func(t *testing.T) {
			onProtocols(t, func(t *testing.T, p testutil.Protocol) {
				records, calls := newLogRecords(), make(chan struct{}, 10)
				r := apiroutes.New(foreignRecover, middleware.Logger(slog.New(records)), middleware.Recover()).
					OnError(func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
						calls <- struct{}{}
						write(w)
						panic("bang")
					})
				r.Post("/", func(apiroutes.Context) error { panic("boom") })
				if err := testutil.Serve(t, r, p).Fails("POST", "/"); err == nil {
					t.Error("the client has a whole answer")
				}
				records.next(t).is(t, "aborted=true", "level=ERROR").has(t, "error", "panic: boom; at ", "panic: bang; at ")
				if len(calls) != 1 {
					t.Errorf("the renderer was called %d times", len(calls))
				}
			})
		})
	}
}

// TestRecoverGoexit lets runtime.Goexit go on, also from a renderer.
func TestRecoverGoexit(t *testing.T) {
	setDefaultLog(t, newLogRecords())
	exits := apiroutes.New(middleware.Recover()).OnError(func(http.ResponseWriter, *http.Request, *apiroutes.Error) { runtime.Goexit() })
	exits.Get("/", func(apiroutes.Context) error { panic("boom") })
	for name, h := range map[string]http.Handler{
		"handler":  middleware.Recover()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })),
		"renderer": exits,
	} {
		rec, returned, v := httptest.NewRecorder(), false, any(nil)
		var wg sync.WaitGroup
		wg.Go(func() {
			v = panicOf(func() {
				h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
				returned = true
			})
		})
		wg.Wait()
		if returned || v != nil || rec.Body.Len() > 0 {
			t.Errorf("%s: returned %v, panicked with %v, body %q", name, returned, v, rec.Body)
		}
	}
}

// TestRecoverIdentity passes on http.ErrAbortHandler, and only that value: an
// error that wraps it is one like any other, as for net/http.
func TestRecoverIdentity(t *testing.T) {
	setDefaultLog(t, newLogRecords())
	for v, want := range map[error]any{http.ErrAbortHandler: http.ErrAbortHandler, fmt.Errorf("%w", http.ErrAbortHandler): nil} {
		h := middleware.Recover()(recoverAfter(v, func(http.ResponseWriter) {}))
		if got := panicOf(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) }); got != want {
			t.Errorf("%v goes on as %v", v, got)
		}
	}
}

// TestRecoverConnection: after a 500 the connection is in step and goes on, over
// HTTP/1.1 the same one; after an abort a new one serves.
func TestRecoverConnection(t *testing.T) {
	setDefaultLog(t, newLogRecords())
	mux := http.NewServeMux()
	mux.Handle("/panics", recoverAfter("boom", func(http.ResponseWriter) {}))
	mux.Handle("/breaks", recoverAfter("boom", func(w http.ResponseWriter) { _, _ = io.WriteString(w, recoverPart) }))
	mux.Handle("/fine", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) }))
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		api := testutil.Serve(t, middleware.Recover()(mux), p)
		first := string(api.Get("/fine").Status(200).Bytes())
		api.Post("/panics", testutil.Body("text/plain", "unread")).Status(500).Text(recoverBody)
		api.Get("/fine").Status(200).Text(first)
		_ = api.Fails("POST", "/breaks")
		api.Get("/fine").Status(200)
	})
}

// TestRecoverCompression: what stands between Recover and the handler may write
// what it held back while the panic passes, and end it in due form.
func TestRecoverCompression(t *testing.T) {
	setDefaultLog(t, newLogRecords())
	h := middleware.Recover()(gzhttp.GzipHandler(recoverAfter("boom", func(w http.ResponseWriter) { _, _ = w.Write([]byte("short")) })))
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		if err := testutil.Serve(t, h, p).Fails("POST", "/", testutil.Header("Accept-Encoding", "gzip")); err == nil {
			t.Error("the client has a whole answer")
		}
	})
}

// TestRecoverHijack: a connection that was taken is its new owner's, who may be
// another goroutine, and stays as it is when the handler panics.
func TestRecoverHijack(t *testing.T) {
	standard := newLogRecords()
	setDefaultLog(t, standard)
	taken := make(chan net.Conn, 1)
	conn := testutil.Serve(t, middleware.Recover()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		taken <- c
		panic("boom")
	})), testutil.HTTP).Dial()
	conn.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	standard.next(t).has(t, "error", "panic: boom; at ")
	c := <-taken
	defer c.Close()
	if _, err := io.WriteString(c, "mine"); err != nil {
		t.Error(err)
	}
	if got := conn.Read(4); got != "mine" {
		t.Errorf("the client reads %q", got)
	}
}

// TestRecoverMany panics often, and leaves no goroutine.
func TestRecoverMany(t *testing.T) {
	testutil.NoLeaks(t)
	setDefaultLog(t, slog.DiscardHandler)
	chain := apiroutes.Chain{middleware.Logger(slog.New(slog.DiscardHandler)), middleware.Recover()}
	part := chain.Then(recoverAfter("boom", func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }))
	whole := chain.Then(recoverAfter("boom", func(http.ResponseWriter) {}))
	before := runtime.NumGoroutine()
	for range 5000 {
		for _, h := range []http.Handler{part, whole} {
			panicOf(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestRecoverLate: a goroutine that its handler left behind, also by a panic,
// writes nothing any more, and each answer on the connection is its own.
func TestRecoverLate(t *testing.T) {
	setDefaultLog(t, slog.DiscardHandler)
	for name, mw := range map[string]apiroutes.Middleware{"Recover": middleware.Recover(), "Logger": middleware.Logger(slog.New(slog.DiscardHandler))} {
		onProtocols(t, func(t *testing.T, p testutil.Protocol) {
			var late sync.WaitGroup
			defer late.Wait()
			type key struct{}
			h := mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				late.Go(func() {
					<-r.Context().Value(key{}).(chan struct{})
					for range 10 {
						w.Header().Set("Late", "late")
						w.WriteHeader(http.StatusTeapot)
						if _, err := io.WriteString(w, "late"); !errors.Is(err, apiroutes.ErrAnswered) {
							t.Errorf("%s: a late write: %v", name, err)
						}
					}
				})
				if r.URL.Path == "/panics" {
					panic("boom")
				}
				_, _ = io.WriteString(w, "in time")
			}))
			api := testutil.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				returned := make(chan struct{})
				defer close(returned)
				h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, returned)))
			}), p)
			for range 30 {
				api.Post("/").Status(200).Text("in time").Header("Late", "")
				if name == "Recover" {
					api.Post("/panics").Status(500).Text(recoverBody).Header("Late", "")
				}
			}
		})
	}
}
