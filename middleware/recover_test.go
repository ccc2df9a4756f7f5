package middleware_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// recoverCase is a handler that panics, and what the client gets.
type recoverCase struct {
	name  string
	h     http.Handler
	sent  bool   // a part of the answer is out: the connection is aborted
	panic string // what the log has; "" for http.ErrAbortHandler
}

var recoverPart = strings.Repeat("0123456789abcdef", 64<<10/16) // more than buffers hold

var recoverCases = []recoverCase{
	{"nothing sent", recoverAfter("boom", func(http.ResponseWriter) {}), false, "boom"},
	{"only headers", recoverAfter("boom", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		w.Header().Set("Content-Type", "text/css")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("Etag", `"7"`)
	}), false, "boom"},
	{"an informational header", recoverAfter("boom", func(w http.ResponseWriter) { w.WriteHeader(103) }), false, "boom"},
	{"the status", recoverAfter("boom", func(w http.ResponseWriter) { w.WriteHeader(200) }), true, "boom"},
	{"an empty write", recoverAfter("boom", func(w http.ResponseWriter) { _, _ = w.Write(nil) }), true, "boom"},
	{"a byte in a buffer", recoverAfter("boom", func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }), true, "boom"},
	{"a flush", recoverAfter("boom", func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }), true, "boom"},
	{"much", recoverAfter("boom", func(w http.ResponseWriter) { _, _ = io.WriteString(w, recoverPart) }), true, "boom"},
	{"all that was announced", recoverAfter("boom", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "3")
		_, _ = w.Write([]byte("abc"))
	}), true, "boom"},
	{"an error", recoverAfter(fmt.Errorf("wrapped: %w", io.ErrNoProgress), func(http.ResponseWriter) {}), false, "wrapped: multiple Read calls"},
	{"an error with a status of its own", recoverAfter(apiroutes.Errorf(403, "keep out"), func(http.ResponseWriter) {}), false, "403 keep out"},
	{"an error that answers by itself", recoverAfter(recoverSelf{}, func(http.ResponseWriter) {}), false, "self"},
	{"nil", recoverAfter(nil, func(http.ResponseWriter) {}), false, "panic called with nil argument"},
	{"a value that cannot be compared", recoverAfter([]int{7}, func(http.ResponseWriter) {}), false, "[7]"},
	{"a value whose text panics", recoverAfter(logPanicking{}, func(http.ResponseWriter) {}), false, "no text"},
	{"the runtime's", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = r.MultipartForm.File }), false, "nil pointer dereference"},
	{"http.ErrAbortHandler", recoverAfter(http.ErrAbortHandler, func(http.ResponseWriter) {}), true, ""},
	{"a handler with a Context", apiroutes.HandlerFunc(func(apiroutes.Context) error { panic("boom") }), false, "boom"},
	{"one that has answered", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		_ = c.Text(200, "whole")
		panic("boom")
	}), true, "boom"},
	{"one in the middle of a stream", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, recoverPart)
			panic("boom")
		})
	}), true, "boom"},
	{"a value that panics when encoded", apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.JSON(200, recoverMarshaler{}) }), false, "no JSON"},
	{"in the goroutine of http.TimeoutHandler", http.TimeoutHandler(recoverAfter("boom", func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }), time.Minute, ""), false, "boom"},
}

// recoverAfter does something with the writer and panics with v.
func recoverAfter(v any, do func(w http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		do(w)
		panic(v)
	}
}

type recoverSelf struct{}

func (recoverSelf) Error() string                                     { return "self" }
func (recoverSelf) WriteError(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }

type recoverMarshaler struct{}

func (recoverMarshaler) MarshalJSON() ([]byte, error) { panic("no JSON") }

// recoverStacks are the orders of the two, and what may stand in between. The
// bool says whether the Logger has the cause.
func recoverStacks(l *slog.Logger) map[string]struct {
	chain  apiroutes.Chain
	caused bool
} {
	log, rec := middleware.Logger(l), middleware.Recover()
	return map[string]struct {
		chain  apiroutes.Chain
		caused bool
	}{
		"Logger(Recover)":                  {apiroutes.Chain{log, rec}, true},
		"Recover(Logger)":                  {apiroutes.Chain{rec, log}, false},
		"Logger(foreign(Recover))":         {apiroutes.Chain{log, foreignCopy, rec}, true},
		"Recover(foreign(Logger))":         {apiroutes.Chain{rec, foreignCopy, log}, false},
		"Logger(Recover(foreign))":         {apiroutes.Chain{log, rec, foreignCopy}, true},
		"Logger(Recover(Recover))":         {apiroutes.Chain{log, rec, rec}, true},
		"foreign recover(Logger(Recover))": {apiroutes.Chain{foreignRecover, log, rec}, true},
	}
}

// TestRecover has each case in each order on each transport: 500 and nothing of
// the panic if nothing was sent, else a broken answer, and one record of it.
func TestRecover(t *testing.T) {
	standard := newLogRecords()
	setDefaultLog(t, standard)
	records := newLogRecords()
	for name, stack := range recoverStacks(slog.New(records)) {
		foreign := strings.HasPrefix(name, "foreign recover")
		mux := http.NewServeMux()
		for i, c := range recoverCases {
			mux.Handle(fmt.Sprintf("/%d", i), stack.chain.Then(c.h))
		}
		t.Run(name, func(t *testing.T) {
			onProtocols(t, func(t *testing.T, p testutil.Protocol) {
				api := testutil.Serve(t, mux, p)
				for i, c := range recoverCases {
					if foreign && c.panic == "" {
						continue // the foreign one answers it, since it passed as it was
					}
					recoverOnWire(t, api, fmt.Sprintf("/%d", i), c)
					recoverLogged(t, c, stack.caused, records, standard)
				}
			})
			t.Run("recorder", func(t *testing.T) {
				for i, c := range recoverCases {
					if foreign || strings.HasPrefix(c.name, "an informational") {
						continue // which is the answer for a recorder
					}
					rec := httptest.NewRecorder()
					v := panicOf(func() { mux.ServeHTTP(rec, httptest.NewRequest("POST", fmt.Sprintf("/%d", i), nil)) })
					if aborted := v == http.ErrAbortHandler; aborted != c.sent || v != nil && !aborted {
						t.Errorf("%s: the panic is %v", c.name, v)
					}
					if !c.sent && (rec.Code != 500 || rec.Body.String() != recoverBody) {
						t.Errorf("%s: %d %q", c.name, rec.Code, rec.Body)
					}
					if c.sent && strings.Contains(rec.Body.String(), recoverBody) {
						t.Errorf("%s: the error is written behind a part of the answer", c.name)
					}
					recoverLogged(t, c, stack.caused, records, standard)
				}
			})
			standard.none(t)
			records.none(t)
		})
	}
}

const recoverBody = `{"error":"Internal Server Error"}`

func recoverOnWire(t *testing.T, api *testutil.Client, path string, c recoverCase) {
	t.Helper()
	if c.sent {
		if err := api.Fails("POST", path); err == nil {
			t.Errorf("%s: the client has a whole answer", c.name)
		}
		return
	}
	res := api.Post(path).Status(500).Text(recoverBody).Header("Content-Length", "33").Header("Content-Type", "application/json; charset=utf-8")
	for _, name := range []string{"Content-Encoding", "Etag", "Cache-Control"} {
		res.Header(name, "")
	}
}

// recoverLogged expects one record of the Logger, and the cause there or in the
// default log, but not in both.
func recoverLogged(t *testing.T, c recoverCase, caused bool, records, standard logRecords) {
	t.Helper()
	request := records.next(t)
	if !c.sent && caused {
		request.is(t, "status=500", "bytes=33", "level=ERROR", "aborted=")
	} else {
		request.is(t, "aborted=true")
	}
	if c.panic == "" {
		request.is(t, "error=")
		standard.none(t)
		return
	}
	stream := strings.Contains(c.name, "stream") // which has a part out, and records the panic itself
	if caused || stream {
		request.has(t, "error", c.panic, "panic")
	} else {
		request.is(t, "status="+map[bool]string{true: "200", false: "0"}[c.sent], "error=")
		standard.next(t).has(t, "error", "panic: ", c.panic, "; at ")
	}
	standard.none(t)
	records.none(t)
}

// TestRecoverCause is what the log has of a panic.
func TestRecoverCause(t *testing.T) {
	var got *apiroutes.Error
	r := apiroutes.New(middleware.Recover()).OnError(func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
		got = e
		apiroutes.Problem(w, r, e)
	})
	r.Get("/value", func(c apiroutes.Context) error { recoverDeep(); return nil })
	r.Get("/error", func(c apiroutes.Context) error { panic(&recoverTyped{io.ErrUnexpectedEOF}) })
	r.Get("/index", func(c apiroutes.Context) error { return errors.New(c.Header("x")[7:]) })
	r.Get("/long", func(c apiroutes.Context) error { panic(strings.Repeat("x", 1<<20) + "\n") })
	setDefaultLog(t, newLogRecords())

	testutil.Call(t, r, "GET /value").Status(500).Header("Content-Type", "application/problem+json").
		Text(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	text := got.Error()
	for _, part := range []string{"500 Internal Server Error: panic: deep\\nvalue; at github.com/apiroutes/apiroutes/middleware_test.recoverDeep (", "recover_test.go:", "; at github.com/apiroutes/apiroutes/middleware_test.TestRecoverCause."} {
		if !strings.Contains(text, part) {
			t.Errorf("the cause is %q, without %q", text, part)
		}
	}
	if strings.ContainsAny(text, "\n\t") {
		t.Errorf("the cause has several lines: %q", text)
	}

	testutil.Call(t, r, "GET /error").Status(500)
	var typed *recoverTyped
	if !errors.As(got, &typed) || !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("%v is not found in the cause", got)
	}

	testutil.Call(t, r, "GET /index").Status(500)
	var runtimeError runtime.Error
	if !errors.As(got, &runtimeError) || !strings.Contains(got.Error(), "; at github.com/apiroutes/apiroutes/middleware_test.TestRecoverCause.func") {
		t.Errorf("the cause is %v", got)
	}
	if at := strings.Index(got.Error(), "; at "); at < 0 || !strings.HasPrefix(got.Error()[at:], "; at github.com/") {
		t.Errorf("the stack does not begin where it panicked: %v", got)
	}

	testutil.Call(t, r, "GET /long").Status(500)
	if n := len(got.Error()); n > 10_000 || !strings.Contains(got.Error(), "; at ") {
		t.Errorf("a cause of %d bytes", n)
	}
}

func recoverDeep() { panic("deep\nvalue") }

type recoverTyped struct{ error }

func (e *recoverTyped) Unwrap() error { return e.error }
