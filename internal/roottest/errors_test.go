package roottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// captureLog captures what goes to the default logger until the test ends.
func captureLog(t testing.TB) *errorLog {
	t.Helper()
	logs := new(errorLog)
	before, out, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(logs, nil)))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(out) // SetDefault has redirected it
		log.SetFlags(flags)
	})
	return logs
}

type errorLog struct{ wireLog }

// take returns what was logged since the last call.
func (l *errorLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// errorOf returns err.
func errorOf(err error) apiroutes.HandlerFunc {
	return func(apiroutes.Context) error { return err }
}

// Errors of other packages, with one method of the protocol each.
type (
	statusError  int
	messageError string
	codeError    string
	detailError  struct{ details any }
	selfError    struct{ text string }
	bothError    struct{ selfError }
)

func (statusError) Error() string            { return "secret" }
func (e statusError) StatusCode() int        { return int(e) }
func (messageError) Error() string           { return "secret" }
func (e messageError) PublicMessage() string { return string(e) }
func (codeError) Error() string              { return "secret" }
func (e codeError) ErrorCode() string        { return string(e) }
func (detailError) Error() string            { return "secret" }
func (e detailError) ErrorDetails() any      { return e.details }
func (selfError) Error() string              { return "secret" }
func (bothError) StatusCode() int            { return 403 }
func (e selfError) WriteError(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/self")
	w.WriteHeader(418)
	_, _ = io.WriteString(w, e.text)
}

// TestErrorProtocol reduces errors to what a client may see.
func TestErrorProtocol(t *testing.T) {
	secret := errors.New("secret")
	wrap := func(err error) error { return fmt.Errorf("secret: %w", err) }
	notFound := apiroutes.Errorf(404, "no user %d", 7)
	var null *apiroutes.Error
	wrapping := "no user: %w" // vet would refuse the constant
	const internal = "500 Internal Server Error"
	cases := []struct {
		err    error
		want   string // "status message [code] [details]"
		reason string
	}{
		{secret, internal, "no other text is public"},
		{wrap(secret), internal, ""},
		{notFound, "404 no user 7", ""},
		{&apiroutes.Error{}, internal, "the zero value"},
		{&apiroutes.Error{Status: 404}, "404 Not Found", ""},
		{&apiroutes.Error{Status: 400, Message: "<é> & \"x\""}, "400 <é> & \"x\"", ""},
		{&apiroutes.Error{Status: 200, Message: "odd"}, "500 odd", "no error status"},
		{&apiroutes.Error{Status: 399}, internal, "no error status"},
		{&apiroutes.Error{Status: 600}, internal, "no error status"},
		{&apiroutes.Error{Status: -404}, internal, "no error status"},
		{&apiroutes.Error{Status: 599}, "599 Status 599", "a status without a text"},
		{&apiroutes.Error{Status: 499}, "499 Client Closed Request", ""},
		{&apiroutes.Error{Status: 409, Message: "m", Code: "taken", Details: map[string]int{"a": 1}}, "409 m [taken] [map[a:1]]", ""},
		{notFound.WithCause(secret), "404 no user 7", "a cause is never public"},
		{notFound.WithCause(apiroutes.Errorf(409, "secret")), "404 no user 7", "the outer one counts"},
		{notFound.WithCause(detailError{"own"}), "404 no user 7", "the cause's details are no more public than its text"},
		{notFound.WithCause(codeError("own")), "404 no user 7", ""},
		{wrap(notFound), "404 no user 7", ""},
		{wrap(wrap(notFound.WithCause(secret))), "404 no user 7", ""},
		{errors.Join(secret, notFound), "404 no user 7", ""},
		{errors.Join(notFound, apiroutes.Errorf(409, "second")), "404 no user 7", "the first"},
		{statusError(403), "403 Forbidden", ""},
		{wrap(statusError(403)), "403 Forbidden", ""},
		{statusError(302), internal, "no error status"},
		{statusError(0), internal, ""},
		{messageError("public"), "500 public", ""},
		{messageError(""), internal, ""},
		{errors.Join(statusError(402), messageError("")), "402 Payment Required", ""},
		{errors.Join(secret, detailError{[]int{1}}, codeError("code"), wrap(messageError("public")), statusError(402)), "402 public [code] [[1]]", ""},
		{&http.MaxBytesError{Limit: 10}, "413 the body exceeds the limit of 10 bytes", ""},
		{wrap(&http.MaxBytesError{Limit: 10}), "413 the body exceeds the limit of 10 bytes", ""},
		{apiroutes.Errorf(400, "bad form").WithCause(&http.MaxBytesError{Limit: 10}), "400 bad form", "who gives a status means it"},
		{multipart.ErrMessageTooLarge, "413 Request Entity Too Large", ""},
		{wrap(multipart.ErrMessageTooLarge), "413 Request Entity Too Large", ""},
		{context.Canceled, internal, "not of this request"},
		{context.DeadlineExceeded, internal, "not of this request"},
		{null, internal, "the classic: a nil pointer in an interface"},
		{wrap(null), internal, "the classic, once more"},
		{errors.Join(secret, null), internal, "the classic, once more"},
		{apiroutes.Errorf(404, wrapping, secret), internal, "it would publish the error"},
		{wrap(apiroutes.Errorf(404, wrapping, secret)), internal, "it would publish the error"},
		{apiroutes.Errorf(404, "100%%w, %s", "x"), "404 100%w, x", "no verb"},
		{apiroutes.Errorf(404, "no %q", "%!w(x)"), `404 no "%!w(x)"`, "a client's text has no say in it"},
	}
	for _, c := range cases {
		if got := errorPublic(t, c.err); got != c.want {
			t.Errorf("%#v: %s, want %s; %s", c.err, got, c.want, c.reason)
		}
	}
}

// errorPublic returns what a renderer is told of err.
func errorPublic(t *testing.T, err error) (got string) {
	t.Helper()
	defer func() {
		if v := recover(); v != nil {
			got = fmt.Sprintf("panic: %v", v)
		}
	}()
	captureLog(t)
	r := apiroutes.New().OnError(func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
		got = fmt.Sprint(e.StatusCode(), " ", e.PublicMessage())
		if e.Status != e.StatusCode() {
			t.Errorf("%v: Status is %d, want a valid one", err, e.Status)
		}
		if code := e.ErrorCode(); code != "" {
			got += " [" + code + "]"
		}
		if details := e.ErrorDetails(); details != nil {
			got += fmt.Sprintf(" [%v]", details)
		}
		if own, ok := err.(*apiroutes.Error); (!ok || own != nil) && !errors.Is(e, err) {
			t.Errorf("%v is not found in %v", err, e)
		}
	})
	r.Get("/", errorOf(err))
	testutil.Call(t, r, "GET /")
	return got
}

// TestSelfAnsweringError lets an error write its answer, unless an error with
// a status was put around it.
func TestSelfAnsweringError(t *testing.T) {
	captureLog(t)
	self, both := selfError{"self"}, bothError{selfError{"both"}}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"alone":                      {self, "418 self"},
		"wrapped":                    {fmt.Errorf("secret: %w", self), "418 self"},
		"joined":                     {errors.Join(io.EOF, self), "418 self"},
		"with a status of its own":   {both, "418 both"},
		"joined beside a status":     {errors.Join(self, statusError(404)), "418 self"},
		"below a status":             {apiroutes.Errorf(404, "outer").WithCause(self), `404 {"error":"outer"}`},
		"with a status, below one":   {apiroutes.Errorf(404, "outer").WithCause(both), `404 {"error":"outer"}`},
		"below a status and wrapped": {fmt.Errorf("secret: %w", apiroutes.Errorf(404, "outer").WithCause(self)), `404 {"error":"outer"}`},
	} {
		w := testutil.Call(t, apiroutes.HandlerFunc(func(c2 apiroutes.Context) error {
			return errors.Join(c2.SetHeader("Etag", "x"), c.err)
		}), "GET /")
		if got, header := brief(w), w.Result().Header; got != c.want || header["Etag"] != nil {
			t.Errorf("%s: got %s %v, want %s", name, got, header, c.want)
		}
	}
}

// TestErrorOfRequestContext distinguishes a client that has gone and a
// deadline from failures, while the request's own context is done.
func TestErrorOfRequestContext(t *testing.T) {
	past, cancel1 := context.WithDeadline(t.Context(), time.Unix(1, 0))
	gone, cancel2 := context.WithCancel(t.Context())
	defer cancel1()
	cancel2()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		err    error // nil: that of the context
		want   string
		logged bool
	}{
		{"deadline", past, nil, `503 {"error":"Service Unavailable"}`, true},
		{"wrapped deadline", past, fmt.Errorf("query: %w", context.DeadlineExceeded), `503 {"error":"Service Unavailable"}`, true},
		{"client gone", gone, nil, `499 {"error":"Client Closed Request"}`, false},
		{"wrapped", gone, fmt.Errorf("query: %w", context.Canceled), `499 {"error":"Client Closed Request"}`, false},
		{"another error", gone, io.EOF, "500 " + errorInternal, true},
		{"an error with a status", gone, apiroutes.Errorf(404, ""), `404 {"error":"Not Found"}`, false},
		{"an answer", gone, errAnswerInstead, `499 {"error":"Client Closed Request"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			logs := captureLog(t)
			w := testutil.Call(t, apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
				switch c.err {
				case nil:
					return ctx.Context().Err()
				case errAnswerInstead:
					return ctx.Text(200, "answer")
				}
				return c.err
			}), "GET /", func(r *http.Request) { *r = *r.WithContext(c.ctx) })
			if got := brief(w); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if logged := logs.take(); (logged != "") != c.logged {
				t.Errorf("log is %q", logged)
			}
		})
	}
}

var errAnswerInstead = errors.New("answer instead")

// TestErrorHeader sets everything that may describe an answer, then fails: what
// described the answer is dropped, what belongs to the exchange is kept.
func TestErrorHeader(t *testing.T) {
	dropped := []string{
		"Content-Encoding", "Content-Disposition", "Content-Range", "Etag", "Last-Modified", "Cache-Control",
	}
	kept := []string{
		"Set-Cookie", "Vary", "Allow", "Retry-After", "Www-Authenticate", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "X-Request-Id",
	}
	onTransports(t, func(t *testing.T, tr transport) {
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			for _, name := range append(slices.Concat(dropped, kept), "Content-Type", "Content-Length") {
				if err := c.SetHeader(name, "7"); err != nil {
					t.Error(err)
				}
			}
			return apiroutes.Errorf(404, "")
		}))
		got := w.post(t, "/")
		if got.err != nil || got.body != `{"error":"Not Found"}` || got.status != 404 {
			t.Errorf("got %v", got)
		}
		for _, name := range dropped {
			if got.header[name] != nil {
				t.Errorf("%s: %q is on the wire", name, got.header[name])
			}
		}
		for _, name := range kept {
			if !slices.Contains(got.header[name], "7") {
				t.Errorf("%s: %q is on the wire, want 7", name, got.header[name])
			}
		}
		if got := fmt.Sprint(got.header["Content-Type"], got.header["Content-Length"]); got != "[application/json; charset=utf-8] [21]" {
			t.Errorf("Content-Type and Content-Length are %s", got)
		}
	})
}

// TestRecordError hands errors to the first writer that records them, and then
// logs nothing itself.
func TestRecordError(t *testing.T) {
	broken := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "part")
			return errOops
		})
	})
	late := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		_ = c.Text(200, "whole")
		return errOops
	})
	for name, c := range map[string]struct {
		h        apiroutes.HandlerFunc
		recorded string
		logged   bool // where nobody records
	}{
		"server error":      {errorOf(errOops), "500 oops, a secret", true},
		"client error":      {errorOf(apiroutes.Errorf(404, "gone").WithCause(errOops)), "404 404 gone: oops, a secret", false},
		"unavailable":       {errorOf(apiroutes.Errorf(503, "").WithCause(errOops)), "503 503 Service Unavailable: oops, a secret", true},
		"self-answering":    {errorOf(fmt.Errorf("%w, %w", bothError{}, errOops)), "403 secret, oops, a secret", false},
		"after the answer":  {late, "500 oops, a secret", true},
		"after a part":      {broken, "500 oops, a secret", true},
		"no error":          {says("fine"), "", false},
		"nil pointer error": {errorOf((*apiroutes.Error)(nil)), "500 apiroutes: a nil *Error was returned as an error: let the function's result be of type error", true},
	} {
		logs := captureLog(t)
		serve := func(wrap func(w http.ResponseWriter) http.ResponseWriter) {
			defer func() { _ = recover() }()
			testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.h.ServeHTTP(wrap(w), r) }), "GET /")
		}
		var inner, outer errorRecorder // inner is told first
		for depth, wrap := range []func(w http.ResponseWriter) http.ResponseWriter{
			func(w http.ResponseWriter) http.ResponseWriter { outer.ResponseWriter = w; return &outer },
			func(w http.ResponseWriter) http.ResponseWriter {
				outer.ResponseWriter = w
				return errorUnwrapper{errorUnwrapper{&outer}}
			},
			func(w http.ResponseWriter) http.ResponseWriter {
				outer.ResponseWriter, inner.ResponseWriter = w, errorUnwrapper{&outer}
				return errorUnwrapper{&inner}
			},
		} {
			inner.records, outer.records = nil, nil
			serve(wrap)
			records := outer.records
			if depth == 2 { // the first one only
				records = append(inner.records, outer.records...)
				if len(outer.records) > 0 {
					t.Errorf("%s: the outer writer was told too", name)
				}
			}
			if got := strings.Join(records, "; "); got != c.recorded {
				t.Errorf("%s, at depth %d: recorded %q, want %q", name, depth, got, c.recorded)
			}
			if logged := logs.take(); logged != "" {
				t.Errorf("%s, at depth %d: logged too: %q", name, depth, logged)
			}
		}
		inner.records, outer.records, inner.declines = nil, nil, true
		serve(func(w http.ResponseWriter) http.ResponseWriter {
			outer.ResponseWriter, inner.ResponseWriter = w, &outer
			return &inner
		})
		if got := strings.Join(outer.records, "; "); got != c.recorded || logs.take() != "" {
			t.Errorf("%s: where the first writer declines, the next one has %q, want %q", name, got, c.recorded)
		}
		serve(func(w http.ResponseWriter) http.ResponseWriter { return errorUnwrapper{w} })
		if logged := logs.take(); (logged != "") != c.logged || c.logged && strings.Count(logged, "\n") != 1 {
			t.Errorf("%s: where nobody records, the log is %q", name, logged)
		}
	}
}

type errorUnwrapper struct{ http.ResponseWriter }

func (w errorUnwrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// errorRecorder is what a logging middleware may use. It can be unwrapped,
// too, which changes nothing.
type errorRecorder struct {
	http.ResponseWriter
	records  []string
	declines bool
}

func (w *errorRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w *errorRecorder) RecordError(status int, err error) bool {
	w.records = append(w.records, fmt.Sprint(status, " ", err))
	return !w.declines
}

// TestErrorLog pins the attributes of a line, and that a client cannot fill
// the log.
func TestErrorLog(t *testing.T) {
	logs := captureLog(t)
	r := apiroutes.New()
	r.Handle("/users/[id]", errorOf(errOops))
	testutil.Call(t, r, "GET /users/a%0ab?token=secret")
	got := regexp.MustCompile(`^time=\S+ `).ReplaceAllString(logs.take(), "")
	want := `level=ERROR msg="request failed" method=GET path="/users/a\nb" pattern=/users/[id] status=500 answered=false error="oops, a secret"` + "\n"
	if got != want {
		t.Errorf("log is\n%swant\n%s", got, want)
	}
	testutil.Call(t, r, strings.Repeat("M", 100_000)+" /users/"+strings.Repeat("x", 100_000))
	if n := len(logs.take()); n > 1000 {
		t.Errorf("a line is %d bytes long", n)
	}
}
