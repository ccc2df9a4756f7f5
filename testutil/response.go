package testutil

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Response is an answer with expectations. Each one that does not hold is
// reported at the caller's line, with the request, the answer and a diff, and
// the test goes on; they return the Response, so that they can be chained:
//
//	api.Get("/api/user/7").Status(200).JSON(`{"userId":"7"}`)
//
// Where no answer came, or none that is whole, that is reported once, and what
// follows is silent.
//
// The body is read when an expectation first needs it, so that a stream can be
// read event by event instead. A body that nobody asks for stays unread, and a
// handler with more than some kilobytes of it keeps writing until the test
// ends; [Response.Bytes] reads it, [Response.Close] refuses it. A Response is
// not safe for concurrent use.
type Response struct {
	t        testing.TB
	request  *http.Request  // nil for a Conn
	sent     string         // the request of a Conn, as far as it is kept
	response *http.Response // nil if none came
	err      error          // why none came
	close    func()         // ends the exchange; nil where nothing is to end
	patience time.Duration

	read    bool
	body    []byte
	bodyErr error // why body is not all of it
	stream  *eventStream

	broken bool // that the body or stream is broken was reported
	dumped bool // the exchange was printed
}

// maxBody bounds what is kept of a body that has no end.
var maxBody = 128 << 20

// readBody reads the body once.
func (r *Response) readBody() {
	if r.response == nil || r.read || r.stream != nil || r.response.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	r.read = true
	late := time.AfterFunc(r.patience, r.Close)
	r.body, r.bodyErr = io.ReadAll(io.LimitReader(r.response.Body, int64(maxBody)+1))
	inTime := late.Stop()
	r.Close()
	switch {
	case len(r.body) > maxBody:
		r.bodyErr = fmt.Errorf("its body is longer than %d MiB", maxBody>>20)
	case r.bodyErr != nil && (!inTime || isTimeout(r.bodyErr)):
		r.bodyErr = &lateError{"its body did not end", r.patience}
	}
}

// ready reads the body and reports whether there is an answer to examine.
func (r *Response) ready() bool {
	r.t.Helper()
	if r.response == nil || r.broken {
		return false
	}
	r.readBody()
	switch {
	case r.stream != nil:
		r.broken = true
		r.t.Errorf("testutil: the body cannot be had as a whole: NextEvent or End has read from it")
		return false
	case r.bodyErr != nil:
		r.broken = true
		r.fail("the answer is broken: %v", r.bodyErr)
		return false
	}
	return true
}

// fail reports a failure and prints the exchange, unless that is done.
func (r *Response) fail(format string, args ...any) {
	r.t.Helper()
	message := fmt.Sprintf(format, args...)
	if r.dumped {
		r.t.Errorf("%s\n(the exchange is printed above)", message)
		return
	}
	r.dumped = true
	r.t.Errorf("%s\n%s", message, r.dump())
}

// Close ends the exchange from this side, as a client that goes away.
func (r *Response) Close() {
	if r.close != nil {
		r.close()
	}
}

// Status expects a status.
func (r *Response) Status(want int) *Response {
	r.t.Helper()
	if r.response != nil && r.response.StatusCode != want {
		r.fail("status %d, want %d", r.response.StatusCode, want)
	}
	return r
}

// Header expects the value of a header; several values are joined by ", ". An
// empty one expects that the header is absent, or empty.
func (r *Response) Header(name, want string) *Response {
	r.t.Helper()
	if r.response == nil {
		return r
	}
	got := r.response.Header.Values(name)
	switch joined := strings.Join(got, ", "); {
	case joined == want:
	case len(got) == 0:
		r.fail("header %s: absent, want %q", name, want)
	case want == "":
		r.fail("header %s: %q, want it absent", name, joined)
	default:
		r.fail("header %s: %q, want %q", name, joined, want)
	}
	return r
}

// Cookie expects that the answer sets a cookie to a value. An empty one expects
// that it deletes the cookie. For attributes see [Response.SetCookie].
func (r *Response) Cookie(name, want string) *Response {
	r.t.Helper()
	if r.response == nil {
		return r
	}
	wanted := fmt.Sprintf("%q", want)
	if want == "" {
		wanted = "it deleted"
	}
	switch cookie := r.SetCookie(name); {
	case cookie == nil:
		r.fail("cookie %s: not set, want %s", name, wanted)
	case deletes(cookie) && want != "":
		r.fail("cookie %s: deleted, want %s", name, wanted)
	case !deletes(cookie) && (want == "" || cookie.Value != want):
		r.fail("cookie %s: %q, want %s", name, cookie.Value, wanted)
	}
	return r
}

// deletes reports whether a browser drops a cookie for this one.
func deletes(c *http.Cookie) bool {
	return c.MaxAge < 0 || c.MaxAge == 0 && !c.Expires.IsZero() && c.Expires.Before(time.Now())
}

// SetCookie returns the last cookie of that name that the answer sets, or nil.
func (r *Response) SetCookie(name string) *http.Cookie {
	var found *http.Cookie
	if r.response != nil {
		for _, cookie := range r.response.Cookies() {
			if cookie.Name == name {
				found = cookie
			}
		}
	}
	return found
}

// Text expects a body.
func (r *Response) Text(want string) *Response {
	r.t.Helper()
	if r.ready() && string(r.body) != want {
		r.fail("body differs (-want +got):\n%s", textDiff(want, string(r.body)))
	}
	return r
}

// Contains expects a text in the body.
func (r *Response) Contains(want string) *Response {
	r.t.Helper()
	if r.ready() && !strings.Contains(string(r.body), want) {
		r.fail("body does not contain %q", want)
	}
	return r
}

// JSON expects a body of JSON that equals want as a value: neither spacing, nor
// the order of keys, nor the spelling of numbers matters. want is JSON text if
// it is a string, []byte or json.RawMessage, else a value to be encoded.
//
// Options, such as those of cmpopts, see the decoded values: map[string]any,
// []any, string, bool, nil; int64 for whole numbers, json.Number for those
// that it cannot hold, and float64 for others.
func (r *Response) JSON(want any, options ...cmp.Option) *Response {
	r.t.Helper()
	return r.compareJSON(want, func(_, got any) any { return got }, options)
}

// JSONContains is as [Response.JSON], but objects may have more keys than want
// has, at any depth. Lists must have the same length.
func (r *Response) JSONContains(want any, options ...cmp.Option) *Response {
	r.t.Helper()
	return r.compareJSON(want, prune, options)
}

func (r *Response) compareJSON(want any, reduce func(want, got any) any, options []cmp.Option) *Response {
	r.t.Helper()
	if !r.ready() {
		return r
	}
	wanted, err := wantedJSON(want)
	if err != nil {
		r.t.Errorf("testutil: the wanted value is no JSON: %v", err)
		return r
	}
	got, err := decodeJSON(r.body)
	if err != nil {
		r.fail("the body is no JSON: %v", err)
		return r
	}
	if got = reduce(wanted, got); !cmp.Equal(wanted, got, options...) {
		r.fail("JSON differs (-want +got):\n%s", jsonDiff(wanted, got, options))
	}
	return r
}

// Decode returns the JSON of an answer as a T. It reports a body that does not
// fit and returns the zero value.
func Decode[T any](r *Response) T {
	r.t.Helper()
	var v, zero T
	if !r.ready() {
		return zero
	}
	if err := json.Unmarshal(r.body, &v); err != nil {
		r.fail("the body does not fit %v: %v", reflect.TypeFor[T](), err)
		return zero
	}
	return v
}

// Bytes returns the body.
func (r *Response) Bytes() []byte {
	r.t.Helper()
	r.ready()
	return r.body
}

// Result returns the response for what has no expectation here. It is nil where
// no answer came. Its Body can be read if nothing here has read it.
func (r *Response) Result() *http.Response { return r.response }
