package roottest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
)

// abortStream makes the serve of a claimCase that returns what its stream does.
func abortStream(fn func(w http.ResponseWriter) error) func(apiroutes.Context, func(error)) error {
	return func(c apiroutes.Context, note func(error)) error { return c.Stream(fn) }
}

func TestStreamClaim(t *testing.T) { runClaims(t, abortCases) }

var (
	abortPart     = strings.Repeat("0123456789abcdef", 64<<10/16)
	abortNotFound = apiroutes.Errorf(http.StatusNotFound, "no such stream")
)

func abortWrite(w http.ResponseWriter) { _, _ = io.WriteString(w, abortPart) }

var abortCases = []claimCase{
	{
		name: "in parts",
		serve: abortStream(func(w http.ResponseWriter) error {
			w.WriteHeader(202)
			abortWrite(w)
			_, err := w.Write([]byte("end"))
			return err
		}),
		status: 202, body: abortPart + "end",
	},
	{
		name: "nothing", reason: "it claims none the less",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Stream(func(http.ResponseWriter) error { return nil }))
			note(c.Text(200, "second"))
			return nil
		},
		status: 200, notes: []error{nil, apiroutes.ErrAnswered},
	},
	{
		name: "an error before the first byte",
		serve: abortStream(func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "7")
			return abortNotFound
		}),
		status: 404, body: `{"error":"no such stream"}`,
	},
	{
		name: "another answer after an error before the first byte",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Stream(func(http.ResponseWriter) error { return io.ErrClosedPipe }))
			return c.Text(200, "instead")
		},
		status: 200, body: "instead", notes: []error{io.ErrClosedPipe},
	},
	{
		name: "an error after a part",
		serve: abortStream(func(w http.ResponseWriter) error {
			abortWrite(w)
			return abortNotFound
		}),
		aborted: true, logged: "no such stream",
	},
	{
		name: "an error after a short part", reason: "that is still in some buffer",
		serve: abortStream(func(w http.ResponseWriter) error {
			_, _ = w.Write([]byte("x"))
			return abortNotFound
		}),
		aborted: true, logged: "no such stream",
	},
	{
		name: "an error after the status", reason: "an empty 200 is an answer too",
		serve: abortStream(func(w http.ResponseWriter) error {
			w.WriteHeader(200)
			return abortNotFound
		}),
		aborted: true, logged: "no such stream",
	},
	{
		name: "an error that is dropped",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Stream(func(w http.ResponseWriter) error {
				abortWrite(w)
				return errOops
			}))
			return nil
		},
		aborted: true, notes: []error{errOops}, logged: "oops, a secret",
	},
	{
		name: "an answer after a part",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Stream(func(w http.ResponseWriter) error {
				abortWrite(w)
				return errOops
			}))
			note(c.Text(200, "instead"))
			return nil
		},
		aborted: true, notes: []error{errOops, apiroutes.ErrAnswered}, logged: "oops, a secret",
	},
	{
		name:    "a panic before the first byte",
		serve:   abortStream(func(http.ResponseWriter) error { panic("boom") }),
		aborted: true,
	},
	{
		name: "a panic after a part",
		serve: abortStream(func(w http.ResponseWriter) error {
			abortWrite(w)
			panic("boom")
		}),
		aborted: true, logged: "*",
	},
	{
		name: "an error after a whole stream",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Stream(func(w http.ResponseWriter) error {
				abortWrite(w)
				return nil
			}))
			return errOops
		},
		status: 200, body: abortPart, notes: []error{nil}, logged: "oops, a secret",
	},
	{
		name: "an answer inside of a stream",
		serve: func(c apiroutes.Context, note func(error)) error {
			return c.Stream(func(w http.ResponseWriter) error {
				for _, name := range []string{"Text", "SetHeader", "SetCookie", "Stream"} {
					note(claimAnswers[name](c))
				}
				abortWrite(w)
				return nil
			})
		},
		status: 200, body: abortPart,
		notes: []error{apiroutes.ErrAnswered, apiroutes.ErrAnswered, apiroutes.ErrAnswered, apiroutes.ErrAnswered},
	},
	{
		name: "a writer that is kept", reason: "it is inert, and its header is nobody's",
		serve: func(c apiroutes.Context, note func(error)) error {
			var kept http.ResponseWriter
			note(c.Stream(func(w http.ResponseWriter) error {
				kept = w
				abortWrite(w)
				return nil
			}))
			_, err := kept.Write([]byte("late"))
			note(err)
			_, err = io.WriteString(kept, "late")
			note(err)
			kept.WriteHeader(500)
			kept.Header().Set("Late", "1")
			rc := http.NewResponseController(kept)
			note(rc.Flush())
			_, _, err = rc.Hijack()
			note(err)
			note(rc.SetReadDeadline(time.Now()))
			note(rc.SetWriteDeadline(time.Now()))
			note(rc.EnableFullDuplex())
			return nil
		},
		status: 200, body: abortPart,
		notes: append([]error{nil}, abortNotes(apiroutes.ErrAnswered, 7)...),
	},
	{
		name: "a writer that is kept, with nothing written", reason: "its header would still be sent",
		serve: func(c apiroutes.Context, note func(error)) error {
			var kept http.ResponseWriter
			note(c.Stream(func(w http.ResponseWriter) error {
				kept = w
				return nil
			}))
			kept.Header().Set("Late", "1")
			kept.WriteHeader(500)
			return nil
		},
		status: 200, notes: []error{nil},
	},
}

func abortNotes(err error, n int) (errs []error) {
	for range n {
		errs = append(errs, err)
	}
	return errs
}

// TestHandlerInStream calls other handlers with the writer of a stream: each
// answers the copy of the request that it gets.
func TestHandlerInStream(t *testing.T) {
	inner := func(h http.Handler) func(apiroutes.Context, func(error)) error {
		return func(c apiroutes.Context, note func(error)) error {
			return c.Stream(func(w http.ResponseWriter) error {
				h.ServeHTTP(w, c.Request())
				return nil
			})
		}
	}
	serve := func(h func(c apiroutes.Context) error) func(apiroutes.Context, func(error)) error {
		return inner(apiroutes.HandlerFunc(h))
	}
	routed := apiroutes.New(tag("inner"))
	routed.Handle("/[id]", says("routed"))
	runClaims(t, []claimCase{
		{name: "answers", serve: serve(says("inner")), status: 200, body: "inner"},
		{name: "by a router", serve: inner(routed), status: 200, body: "routed"},
		{name: "fails", serve: serve(func(apiroutes.Context) error { return errOops }), status: 500, body: errorInternal, logged: "oops"},
		{
			name: "answers twice",
			serve: serve(func(c apiroutes.Context) error {
				_ = c.Text(200, "inner")
				return c.Text(200, "again")
			}),
			status: 200, body: "inner", logged: "already answered",
		},
		{
			name: "fails in its own stream",
			serve: serve(func(c apiroutes.Context) error {
				return c.Stream(func(w http.ResponseWriter) error {
					_, _ = io.WriteString(w, "part")
					return errOops
				})
			}),
			aborted: true, logged: "oops",
		},
		{name: "panics", serve: serve(func(apiroutes.Context) error { panic("boom") }), aborted: true},
	})
}

// TestStreamWriterRacesReturn writes to the end of the stream and beyond: what
// a write says it wrote is on the wire, and nothing else.
func TestStreamWriterRacesReturn(t *testing.T) {
	const piece = "piece of ten"
	onTransports(t, func(t *testing.T, tr transport) {
		written := make(chan int, 1)
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				started := make(chan struct{})
				go func() {
					n := 0
					for {
						w.Header()
						_, err := io.WriteString(w, piece)
						if n == 0 {
							close(started)
						}
						if err != nil {
							break
						}
						if n++; n == 100_000 { // nobody stops it
							break
						}
						runtime.Gosched()
					}
					written <- n
				}()
				<-started
				runtime.Gosched()
				return nil
			})
		}))
		for range 15 {
			got, n := w.post(t, "/"), <-written
			if got.err != nil || got.body != strings.Repeat(piece, n) {
				t.Fatalf("%d pieces were written, the client has %v", n, got)
			}
		}
		w.neighbours(t)
	})
}

// TestWriteFails lets the n-th write fail, as for a full disk behind a
// compressing writer: no answer can be trusted after that.
func TestWriteFails(t *testing.T) {
	captureLog(t)
	parts := func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			for range 3 {
				if _, err := io.WriteString(w, "part"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	handlers := map[string]struct {
		writes int
		serve  func(c apiroutes.Context) error
	}{
		"Stream": {3, parts},
		"Text":   {1, func(c apiroutes.Context) error { return c.Text(200, "text") }},
		"Bytes":  {1, func(c apiroutes.Context) error { return c.Bytes(200, "", []byte("bytes")) }},
		"JSON":   {1, func(c apiroutes.Context) error { return c.JSON(200, "json") }},
	}
	for name, h := range handlers {
		for failAt := range h.writes + 1 {
			for _, kind := range []string{"error", "dropped error", "panic", "panic behind a recovering middleware"} {
				serve := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
					err := h.serve(c)
					if kind == "dropped error" {
						return nil
					}
					return err
				})
				r := apiroutes.New()
				if strings.HasSuffix(kind, "middleware") {
					r = r.With(abortRecover)
				}
				r.Get("/", serve)
				w := &abortWriter{ResponseRecorder: httptest.NewRecorder(), failAt: failAt, panics: strings.HasPrefix(kind, "panic")}
				got := func() (v any) {
					defer func() { v = recover() }()
					r.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
					return nil
				}()
				var want any = http.ErrAbortHandler
				if failAt == h.writes {
					want = nil
				}
				if ownPanic := kind == "panic" && got == errAbortWrite; got != want && !ownPanic {
					t.Errorf("%s, %s at write %d: ended with %v, want %v; the client has %d %q", name, kind, failAt, got, want, w.Code, w.Body)
				}
			}
		}
	}
}

var errAbortWrite = errors.New("write failed")

// abortWriter fails from write number failAt on.
type abortWriter struct {
	*httptest.ResponseRecorder
	failAt, writes int
	panics         bool
}

func (w *abortWriter) WriteString(text string) (int, error) { return w.Write([]byte(text)) }

func (w *abortWriter) Write(p []byte) (int, error) {
	w.writes++
	switch {
	case w.writes <= w.failAt:
		return w.ResponseRecorder.Write(p)
	case w.panics:
		panic(errAbortWrite)
	}
	n, _ := w.ResponseRecorder.Write(p[:len(p)/2])
	return n, errAbortWrite
}
