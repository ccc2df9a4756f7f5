package roottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// claimCase is a handler that answers more than once, too late, or not at all.
type claimCase struct {
	name, reason string
	// serve notes what the calls in question returned.
	serve   func(c apiroutes.Context, note func(error)) error
	status  int
	body    string
	aborted bool    // the client sees an error instead of an answer
	notes   []error // nil for success
	logged  string  // a part of the log, "" for no line, "*" for any or none
}

// runClaims runs cases on each transport, between neighbours.
func runClaims(t *testing.T, cases []claimCase) {
	t.Helper()
	onTransports(t, func(t *testing.T, tr transport) {
		logs := captureLog(t)
		var notes []error
		r := apiroutes.New()
		for i, c := range cases {
			r.Handle(fmt.Sprintf("/%d", i), apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
				return c.serve(ctx, func(err error) { notes = append(notes, err) })
			}))
		}
		w := tr.serve(t, r)
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				w.neighbours(t)
				notes = nil
				logs.take()
				got := w.post(t, fmt.Sprintf("/%d", i))
				c.check(t, got, notes, logs.take())
				w.neighbours(t)
			})
		}
	})
}

func (c claimCase) check(t *testing.T, got wireReply, notes []error, logged string) {
	t.Helper()
	if c.aborted != (got.err != nil) {
		t.Errorf("the client has %v, aborted should be %t; %s", got, c.aborted, c.reason)
	}
	if !c.aborted && (got.closes || got.status != c.status || got.body != c.body) {
		t.Errorf("the client has %v, want %d %q; %s", got, c.status, c.body, c.reason)
	}
	if got.header["Late"] != nil || got.header["Set-Cookie"] != nil {
		t.Errorf("the headers of a late call are on the wire: %v", got.header)
	}
	if !slices.EqualFunc(notes, c.notes, errors.Is) {
		t.Errorf("the calls returned %q, want %q; %s", notes, c.notes, c.reason)
	}
	if c.logged != "*" && !strings.Contains(logged, c.logged) || c.logged == "" && logged != "" {
		t.Errorf("log is %q, want %q in it; %s", logged, c.logged, c.reason)
	}
}

var errOops = errors.New("oops, a secret")

const errorInternal = `{"error":"Internal Server Error"}`

// claimAnswers are the ways to answer, and what belongs to an answer.
var claimAnswers = map[string]func(c apiroutes.Context) error{
	"JSON":      func(c apiroutes.Context) error { return c.JSON(201, "late") },
	"Text":      func(c apiroutes.Context) error { return c.Text(201, "late") },
	"Bytes":     func(c apiroutes.Context) error { return c.Bytes(201, "text/plain", []byte("late")) },
	"NoContent": func(c apiroutes.Context) error { return c.NoContent(204) },
	"Stream": func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, "late")
			return err
		})
	},
	"SetHeader": func(c apiroutes.Context) error { return c.SetHeader("Late", "1") },
	"AddHeader": func(c apiroutes.Context) error { return c.AddHeader("Late", "1") },
	"SetCookie": func(c apiroutes.Context) error { return c.SetCookie(&http.Cookie{Name: "late", Value: "1"}) },
}

var claimLong = strings.Repeat("long enough to be compressed and to leave the buffers\n", 1000)

var claimCases = []claimCase{
	{
		name:   "one answer",
		serve:  func(c apiroutes.Context, note func(error)) error { return c.Text(201, "first") },
		status: 201, body: "first",
	},
	{
		name:   "no answer",
		reason: "as in net/http",
		serve:  func(c apiroutes.Context, note func(error)) error { return nil },
		status: 200,
	},
	{
		name:   "an error and no answer",
		serve:  func(c apiroutes.Context, note func(error)) error { return errOops },
		status: 500, body: errorInternal, logged: "oops, a secret",
	},
	{
		name: "an answer, then an error",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Text(200, "first"))
			return errOops
		},
		status: 200, body: "first", notes: []error{nil}, logged: "oops, a secret",
	},
	{
		name: "an answer, then the error of a client",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.Text(200, claimLong))
			return apiroutes.Errorf(404, "no such thing")
		},
		status: 200, body: claimLong, notes: []error{nil}, logged: "no such thing",
		reason: "the client never sees it: so the log must",
	},
	{
		name: "the error of a second answer is returned",
		serve: func(c apiroutes.Context, note func(error)) error {
			note(c.NoContent(204))
			return c.Text(200, "second")
		},
		status: 204, notes: []error{nil}, logged: "already answered",
	},
	{
		name: "a refused status is no answer",
		serve: func(c apiroutes.Context, note func(error)) error {
			if c.Text(99, "refused") == nil {
				note(errOops)
			}
			return c.Text(200, "second")
		},
		status: 200, body: "second",
	},
	{
		name: "a value that cannot be encoded is no answer",
		serve: func(c apiroutes.Context, note func(error)) error {
			if c.JSON(200, make(chan int)) == nil {
				note(errOops)
			}
			return c.Text(200, "second")
		},
		status: 200, body: "second",
	},
	{
		name:  "a panic before the answer",
		serve: func(c apiroutes.Context, note func(error)) error { panic("test") }, aborted: true,
	},
}

func TestClaim(t *testing.T) {
	cases := slices.Clone(claimCases)
	for _, name := range slices.Sorted(maps.Keys(claimAnswers)) {
		again := claimAnswers[name]
		cases = append(cases, claimCase{
			name: name + " after an answer",
			serve: func(c apiroutes.Context, note func(error)) error {
				note(c.Text(200, claimLong))
				note(again(c))
				note(again(c))
				return nil
			},
			status: 200, body: claimLong, notes: []error{nil, apiroutes.ErrAnswered, apiroutes.ErrAnswered},
		})
	}
	runClaims(t, cases)
}

// TestLateAnswer answers when the handler has returned: at once, while net/http
// does not know yet and every write would still reach this client, and when
// the client has its answer, when it would reach another.
func TestLateAnswer(t *testing.T) {
	cases := []struct {
		name   string
		serve  apiroutes.HandlerFunc
		status int
		body   string
	}{
		{"answered", says("first"), 200, "first"},
		{"not answered", func(apiroutes.Context) error { return nil }, 200, ""},
		{"failed", func(apiroutes.Context) error { return apiroutes.Errorf(404, "") }, 404, `{"error":"Not Found"}`},
		{"streamed", func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error { _, err := io.WriteString(w, "part"); return err })
		}, 200, "part"},
		{"failed to stream", func(c apiroutes.Context) error {
			return c.Stream(func(http.ResponseWriter) error { return apiroutes.Errorf(404, "") })
		}, 404, `{"error":"Not Found"}`},
		{"panicked", func(apiroutes.Context) error { panic("test") }, 200, ""},
	}
	onTransports(t, func(t *testing.T, tr transport) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				var kept apiroutes.Context
				late := func(when string, allowed ...error) {
					for name, answer := range claimAnswers {
						err := answer(kept)
						if !slices.ContainsFunc(allowed, func(want error) bool { return errors.Is(err, want) }) {
							t.Errorf("%s %s returned %v", name, when, err)
						}
					}
				}
				r := apiroutes.New()
				r.Handle("/", apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
					kept = ctx
					return c.serve(ctx)
				}))
				w := tr.serve(t, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
					defer func() {
						_ = recover() // another's recovering middleware, which leaves an empty 200
						late("after the return", apiroutes.ErrAnswered)
					}()
					r.ServeHTTP(rw, req)
				}))
				got := w.post(t, "/")
				if got.err != nil || got.status != c.status || got.body != c.body || got.header["Late"] != nil || got.header["Set-Cookie"] != nil {
					t.Errorf("the client has %v %v, want %d %q", got, got.header, c.status, c.body)
				}
				late("after the answer", apiroutes.ErrAnswered, context.Canceled)
				w.neighbours(t)
				late("after the neighbours", apiroutes.ErrAnswered, context.Canceled)
				w.neighbours(t)
			})
		}
	})
}

// TestAnswerRacesReturn answers from a goroutine while the handler returns:
// the answer is whole if the call says so, and absent if not.
func TestAnswerRacesReturn(t *testing.T) {
	const requests = 150
	onTransports(t, func(t *testing.T, tr transport) {
		results := make(chan error, 1)
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			id := c.Query("id")
			go func() { results <- c.Text(http.StatusCreated, neighbourBody(id)) }()
			yields, _ := strconv.Atoi(id)
			for range yields % 16 {
				runtime.Gosched()
			}
			return nil
		}))
		whole := 0
		for i := range requests {
			id := strconv.Itoa(i)
			got, err := w.post(t, "/?id="+id), <-results
			status, body := http.StatusOK, ""
			switch {
			case err == nil:
				whole++
				status, body = http.StatusCreated, neighbourBody(id)
			case !errors.Is(err, apiroutes.ErrAnswered) && !errors.Is(err, context.Canceled):
				t.Fatalf("request %d: the answer returned %v", i, err)
			}
			if got.err != nil || got.status != status || got.body != body {
				t.Fatalf("request %d has %v, but the answer returned %v", i, got, err)
			}
		}
		w.neighbours(t)
		t.Logf("%d of %d answers came in time", whole, requests)
	})
}

// TestReturnWaitsForAnswer holds an answer in the middle of its write: neither
// a return nor a panic of the handler may get ahead of it, since the writer
// belongs to another request then.
func TestReturnWaitsForAnswer(t *testing.T) {
	for _, end := range []string{"return", "error", "panic"} {
		t.Run(end, func(t *testing.T) {
			w := &claimGateWriter{ResponseRecorder: httptest.NewRecorder(), inWrite: make(chan struct{}), proceed: make(chan struct{})}
			ending, returned, answered := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
				go func() { answered <- c.Text(http.StatusOK, "whole") }()
				<-w.inWrite
				close(ending)
				switch end {
				case "panic":
					panic("test")
				case "error":
					return apiroutes.Errorf(http.StatusNotFound, "")
				}
				return nil
			})
			captureLog(t)
			go func() {
				defer close(returned)
				defer func() { _ = recover() }()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			}()
			<-ending
			for range 1000 { // the return gets every chance to be too early
				runtime.Gosched()
			}
			select {
			case <-returned:
				t.Error("the handler returned while its answer was being written")
			default:
			}
			close(w.proceed)
			if err := <-answered; err != nil || w.Body.String() != "whole" {
				t.Errorf("the answer is %q with error %v", w.Body, err)
			}
			<-returned
		})
	}
}

// claimGateWriter stops in its first Write until it may proceed.
type claimGateWriter struct {
	*httptest.ResponseRecorder
	inWrite, proceed chan struct{}
}

func (w *claimGateWriter) WriteString(text string) (int, error) { return w.Write([]byte(text)) }

func (w *claimGateWriter) Write(p []byte) (int, error) {
	close(w.inWrite)
	<-w.proceed
	return w.ResponseRecorder.Write(p)
}

// TestOneOfManyAnswers lets many goroutines answer one request.
func TestOneOfManyAnswers(t *testing.T) {
	onTransports(t, func(t *testing.T, tr transport) {
		const goroutines = 8
		var won []string
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for i := range goroutines {
				wg.Go(func() {
					text := neighbourBody(strconv.Itoa(i))
					if err := c.Text(http.StatusOK, text); err == nil {
						mu.Lock()
						defer mu.Unlock()
						won = append(won, text)
					} else if err != apiroutes.ErrAnswered {
						t.Errorf("a loser got %v", err)
					}
				})
			}
			wg.Wait()
			return nil
		}))
		for range 20 {
			won = nil
			got := w.post(t, "/")
			if got.err != nil || len(won) != 1 || got.body != won[0] {
				t.Fatalf("%d answers were accepted, the client has %v", len(won), got)
			}
		}
	})
}

// TestRequestServedTwice serves one *http.Request again and again, as tests and
// retrying middleware do.
func TestRequestServedTwice(t *testing.T) {
	captureLog(t)
	handlers := map[string]apiroutes.HandlerFunc{
		"200 yes":              says("yes"),
		"200":                  func(apiroutes.Context) error { return nil },
		"500 " + errorInternal: func(apiroutes.Context) error { return errOops },
		"200 part": func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error { _, err := io.WriteString(w, "part"); return err })
		},
	}
	for want, h := range handlers {
		r := apiroutes.New()
		r.Get("/", h)
		wrapped := apiroutes.New(tag("a"))
		wrapped.Get("/", h)
		for name, served := range map[string]http.Handler{
			"Router": r, "Router with middleware": wrapped, "HandlerFunc": h, "Methods": apiroutes.Methods{Get: h},
		} {
			req := httptest.NewRequest("GET", "/", nil)
			again := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { served.ServeHTTP(w, req) })
			for i := range 3 {
				w := testutil.Call(t, again, "GET /")
				if brief(w) != want {
					t.Errorf("%s, time %d: %q, want %q", name, i+1, brief(w), want)
				}
			}
		}
	}
}
