package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestLoggerAborted: a panic is logged with what was sent so far, and goes on as
// it was.
func TestLoggerAborted(t *testing.T) {
	odd := []int{1} // cannot be compared
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		v    any // the panic, nil for runtime.Goexit
		want []string
	}{
		{"nothing sent", func(http.ResponseWriter, *http.Request) { panic("boom") }, "boom", []string{"level=ERROR", "status=0", "bytes=0", "aborted=true", "error="}},
		{"http.ErrAbortHandler", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, http.ErrAbortHandler, []string{"level=ERROR", "status=0", "aborted=true"}},
		{"a part", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(202)
			_, _ = io.WriteString(w, "part")
			panic(http.ErrAbortHandler)
		}, http.ErrAbortHandler, []string{"level=ERROR", "status=202", "bytes=4", "aborted=true"}},
		{"a part of an error", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			panic("boom")
		}, "boom", []string{"level=ERROR", "status=404", "aborted=true"}},
		{"a value that cannot be compared", func(http.ResponseWriter, *http.Request) { panic(odd) }, odd, []string{"aborted=true"}},
		{"runtime.Goexit", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, nil, []string{"level=ERROR", "status=0", "aborted=true"}},
		{"with an error of the client's", func(w http.ResponseWriter, r *http.Request) {
			apiroutes.ErrorHandler(nil)(w, r, apiroutes.Errorf(400, "bad"))
			panic(http.ErrAbortHandler)
		}, http.ErrAbortHandler, []string{"level=WARN", "status=400", "error=400 bad", "aborted=true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records := newLogRecords()
			h := middleware.Logger(slog.New(records))(c.h)
			var got any
			var wg sync.WaitGroup
			wg.Go(func() {
				got = panicOf(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
			})
			wg.Wait()
			if fmt.Sprintf("%T %v", got, got) != fmt.Sprintf("%T %v", c.v, c.v) {
				t.Errorf("the panic is %v, want %v", got, c.v)
			}
			records.next(t).is(t, c.want...)
			records.none(t)
		})
	}
}

// TestLoggerClientGone: a client that left is nobody's failure.
func TestLoggerClientGone(t *testing.T) {
	clientGone := apiroutes.Errorf(499, "")
	fail := apiroutes.ErrorHandler(nil)
	for _, c := range []struct {
		name string
		h    func(w http.ResponseWriter, r *http.Request, leave func())
		want []string
	}{
		{"before an answer", func(w http.ResponseWriter, r *http.Request, leave func()) { leave() }, []string{"status=499", "level=INFO", "bytes=0", "aborted="}},
		{"before an answer that is aborted", func(w http.ResponseWriter, r *http.Request, leave func()) {
			leave()
			panic(http.ErrAbortHandler)
		}, []string{"status=499", "level=INFO", "aborted=true"}},
		{"an informational header is none", func(w http.ResponseWriter, r *http.Request, leave func()) {
			w.WriteHeader(103)
			leave()
		}, []string{"status=499", "level=INFO"}},
		{"it had its answer", func(w http.ResponseWriter, r *http.Request, leave func()) {
			w.WriteHeader(201)
			leave()
		}, []string{"status=201", "level=INFO"}},
		{"its answer says what failed", func(w http.ResponseWriter, r *http.Request, leave func()) {
			w.WriteHeader(503)
			leave()
		}, []string{"status=503", "level=ERROR"}},
		{"during an answer, as a handler says", func(w http.ResponseWriter, r *http.Request, leave func()) {
			leave()
			fail(w, r, clientGone)
		}, []string{"status=499", "level=INFO", "error=499 Client Closed Request"}},
		{"a proxy gives up", func(w http.ResponseWriter, r *http.Request, leave func()) {
			w.WriteHeader(200)
			leave()
			panic(http.ErrAbortHandler)
		}, []string{"status=200", "level=INFO", "aborted=true"}},
		{"an error for another reason", func(w http.ResponseWriter, r *http.Request, leave func()) {
			leave()
			fail(w, r, errLogSecret)
		}, []string{"status=500", "level=ERROR", "error=connection refused: db-7"}},
		{"an error that nothing is written of", func(w http.ResponseWriter, r *http.Request, leave func()) {
			leave()
			fail(w, r, logSilent{})
		}, []string{"level=ERROR", "error=silent"}},
		{"a panic behind it", func(w http.ResponseWriter, r *http.Request, leave func()) {
			leave()
			fail(w, r, clientGone)
			fail(w, r, errLogSecret)
		}, []string{"level=ERROR"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records := newLogRecords()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			h := middleware.Logger(slog.New(records))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.h(w, r, leave) }))
			panicOf(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil)) })
			records.next(t).is(t, c.want...)
		})
	}
	t.Run("a deadline is the server's", func(t *testing.T) {
		records := newLogRecords()
		ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		h := middleware.Logger(slog.New(records))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
		records.next(t).is(t, "status=200", "level=INFO")
	})
}

// logSilent is an error that answers by itself, with nothing.
type logSilent struct{}

func (logSilent) Error() string                                 { return "silent" }
func (logSilent) WriteError(http.ResponseWriter, *http.Request) {}

// TestLoggerClientLeaves is the same with a client that does.
func TestLoggerClientLeaves(t *testing.T) {
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		records := newLogRecords()
		entered := make(chan struct{}, 1)
		r := apiroutes.New(middleware.Logger(slog.New(records)), middleware.Recover(), foreignCopy)
		r.Get("/waits", func(c apiroutes.Context) error {
			entered <- struct{}{}
			<-c.Context().Done()
			return c.Context().Err()
		})
		r.Get("/streams", func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				entered <- struct{}{}
				for {
					if _, err := io.WriteString(w, strings.Repeat("x", 1000)); err != nil {
						return err
					}
					if err := http.NewResponseController(w).Flush(); err != nil {
						return err
					}
				}
			})
		})
		api := testutil.Serve(t, r, p)
		for _, path := range []string{"/waits", "/streams"} {
			ctx, leave := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, "GET", api.URL(path), nil)
			go func() {
				<-entered
				leave()
			}()
			if res, err := api.HTTPClient().Do(req); err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: the client has a whole answer, or %v", path, err)
				}
			}
			records.next(t).is(t, "path="+path, "status=499", "level=INFO")
		}
	})
}

// TestLoggerHijack logs 101 for a connection that was taken, or what the handler
// had answered before.
func TestLoggerHijack(t *testing.T) {
	for _, c := range []struct {
		header int
		panics bool
		want   []string
	}{
		{0, false, []string{"status=101", "level=INFO", "bytes=0", "aborted="}},
		{101, false, []string{"status=101"}},
		{200, false, []string{"status=200"}},
		{0, true, []string{"status=101", "level=ERROR", "aborted=true"}},
	} {
		records := newLogRecords()
		h := middleware.Logger(slog.New(records))(foreignCopy(middleware.Recover()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.header != 0 {
				w.WriteHeader(c.header)
			}
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if c.header == 0 {
				_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
				_ = buffered.Flush()
			}
			if c.panics {
				panic("boom")
			}
		}))))
		conn := testutil.Serve(t, h, testutil.HTTP).Dial()
		conn.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
		got := records.next(t).is(t, c.want...)
		if c.panics {
			got.has(t, "error", "panic: boom")
		}
	}
}

// TestLoggerController reaches what the server can through the shared writer.
func TestLoggerController(t *testing.T) {
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		records := newLogRecords()
		first := make(chan struct{})
		api := testutil.Serve(t, apiroutes.Chain{middleware.Logger(slog.New(records)), middleware.Recover(), foreignCopy, middleware.Recover()}.Then(
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := http.NewResponseController(w)
				w.Header().Set("Content-Type", "text/event-stream")
				later := time.Now().Add(time.Minute)
				_, _ = io.WriteString(w, "data: first\n\n")
				if err := errors.Join(c.SetReadDeadline(later), c.SetWriteDeadline(later), c.Flush()); err != nil {
					t.Error(err)
				}
				<-first
				_, _ = io.Copy(w, io.LimitReader(strings.NewReader("data: second\n\n"), 100))
			})), p)
		res := api.Get("/")
		if e := res.NextEvent(); e.Data != "first" {
			t.Errorf("the first event is %q", e.Data)
		}
		close(first)
		if e := res.NextEvent(); e.Data != "second" {
			t.Errorf("the second event is %q", e.Data)
		}
		res.End()
		records.next(t).is(t, "status=200", "bytes=27", "aborted=")
	})
}

// TestLoggerFile sends a file through a stack, which must not hide that it is one.
func TestLoggerFile(t *testing.T) {
	content := strings.Repeat("0123456789", 100_000)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file.txt"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	records := newLogRecords()
	r := apiroutes.New(middleware.Logger(slog.New(records)), middleware.Recover())
	r.Get("/file", func(c apiroutes.Context) error { return c.File(os.DirFS(dir), "file.txt") })
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		api := testutil.Serve(t, r, p)
		api.Get("/file").Status(200).Text(content).Header("Content-Length", "1000000")
		records.next(t).is(t, "status=200", "bytes=1000000")
		api.Get("/file", testutil.Header("Range", "bytes=10-19")).Status(206).Text("0123456789")
		records.next(t).is(t, "status=206", "bytes=10")
	})
}

// TestOneWriter: all of a stack share one writer, next to that of the server.
func TestOneWriter(t *testing.T) {
	rec := httptest.NewRecorder()
	stack := apiroutes.Chain{middleware.Recover(), middleware.Logger(slog.New(slog.DiscardHandler)), middleware.Recover()}
	stack.Then(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if shared, ok := w.(*writer.Writer); !ok || shared.Unwrap() != http.ResponseWriter(rec) {
			t.Errorf("the handler gets %T", w)
		}
	})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
}
