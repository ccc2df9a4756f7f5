package roottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// The same handler on every way that requests reach it: what is promised about
// answers must hold on the wire, and with what stands between net/http and us.

// transport is one such way.
type transport struct {
	name     string
	http2    bool
	recorder bool                            // no connection: an httptest.ResponseRecorder
	gzip     bool                            // wrap compresses
	buffers  bool                            // wrap sends nothing before the handler has returned
	wrap     func(http.Handler) http.Handler // nil: nothing in between
}

var transports = func() []transport {
	gzip := func(h http.Handler) http.Handler { return gzhttp.GzipHandler(h) }
	timeout := func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "timeout") }
	return []transport{
		{name: "HTTP1"},
		{name: "HTTP2", http2: true},
		{name: "HTTP1+gzip", wrap: gzip, gzip: true},
		{name: "HTTP2+gzip", wrap: gzip, gzip: true, http2: true},
		{name: "HTTP1+TimeoutHandler", wrap: timeout, buffers: true},
		{name: "HTTP2+TimeoutHandler", wrap: timeout, buffers: true, http2: true},
		{name: "recorder", recorder: true},
	}
}()

// onTransports runs a sub-test on each transport.
func onTransports(t *testing.T, test func(t *testing.T, tr transport)) {
	t.Helper()
	for _, tr := range transports {
		t.Run(tr.name, func(t *testing.T) { test(t, tr) })
	}
}

// wire is a handler that is served on a transport, and a client that has at
// most one connection to it.
type wire struct {
	transport
	handler    http.Handler
	api        *testutil.Client // nil on a recorder, as client is
	client     *http.Client     // of api, but one connection, no cookies, and gzip
	left       chan struct{}
	neighbourN int
}

// serve serves h until the test ends. The path /neighbour is taken.
func (tr transport) serve(t testing.TB, h http.Handler) *wire {
	t.Helper()
	w := &wire{transport: tr, left: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.Handle("/neighbour", apiroutes.HandlerFunc(wireNeighbour))
	mux.Handle("/", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { // for a panic too
			select {
			case w.left <- struct{}{}:
			default: // nobody waits for so many
			}
		}()
		h.ServeHTTP(rw, r)
	}))
	w.handler = mux
	if tr.wrap != nil {
		w.handler = tr.wrap(mux)
	}
	if tr.recorder {
		return w
	}
	logged := &wireTest{TB: t}
	t.Cleanup(func() { // when the server has ended: its own clean-up is registered later
		if text := logged.log.String(); strings.Contains(text, "superfluous") {
			t.Errorf("something was written twice:\n%s", text)
		}
	})
	protocol := testutil.HTTP
	if tr.http2 {
		protocol = testutil.HTTP2
	}
	w.api = testutil.Serve(logged, w.handler, protocol)
	w.client = w.api.HTTPClient()
	w.client.Jar = nil
	pool := w.client.Transport.(*http.Transport)
	pool.MaxConnsPerHost, pool.DisableCompression = 1, false
	return w
}

// wireTest is a test whose log, which has that of its servers, is kept.
type wireTest struct {
	testing.TB
	log wireLog
}

func (t *wireTest) Log(args ...any) {
	t.Helper()
	t.TB.Log(args...)
	fmt.Fprintln(&t.log, args...)
}

// wireLog is what a server logs.
type wireLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *wireLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *wireLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestWireLog shows that an answer that is written twice would be found. Only
// HTTP/1.1 of net/http tells.
func TestWireLog(t *testing.T) {
	logged := &wireTest{TB: t}
	testutil.Serve(logged, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusOK)
	}), testutil.HTTP).Get("/").Status(http.StatusAccepted)
	if text := logged.log.String(); !strings.Contains(text, "superfluous") {
		t.Errorf("the log is %q", text)
	}
}

// wireReply is an answer as the client has it.
type wireReply struct {
	status int
	header http.Header
	body   string
	closes bool  // the server closes the connection behind it
	err    error // it never came, or it was cut off
}

func (r wireReply) String() string {
	body := r.body
	if len(body) > 100 {
		body = fmt.Sprintf("%s... (%d bytes)", body[:100], len(body))
	}
	return fmt.Sprintf("%d %q (error: %v)", r.status, body, r.err)
}

// request makes a request that no client sends a second time by itself, as
// it would a GET whose connection was aborted.
func (w *wire) request(t testing.TB, target string) *http.Request {
	t.Helper()
	base := "http://recorder"
	if w.api != nil {
		base = w.api.URL("")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // rather than to hang
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// do sends a request to the handler, waits until that has returned, and reads
// the answer to its end.
func (w *wire) do(t testing.TB, r *http.Request) wireReply {
	t.Helper()
	for len(w.left) > 0 {
		<-w.left
	}
	answer := w.roundTrip(r)
	select {
	case <-w.left:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s %s: the handler was not called or has not returned; the client has %v", r.Method, r.URL, answer)
	}
	return answer
}

func (w *wire) post(t testing.TB, target string) wireReply {
	t.Helper()
	return w.do(t, w.request(t, target))
}

func (w *wire) roundTrip(r *http.Request) (answer wireReply) {
	if w.recorder {
		return w.record(r)
	}
	res, err := w.client.Do(r)
	if err != nil {
		return wireReply{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return wireReply{res.StatusCode, res.Header, string(body), res.Close, err}
}

var errPanicked = errors.New("the handler panicked")

func (w *wire) record(r *http.Request) (answer wireReply) {
	rec := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:1234"
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer func() {
		answer = wireReply{status: rec.Code, header: rec.Result().Header, body: rec.Body.String()}
		switch v := recover(); {
		case v == http.ErrAbortHandler:
			answer.err = http.ErrAbortHandler
		case v != nil:
			answer.err = fmt.Errorf("%w: %v", errPanicked, v)
		}
	}()
	w.handler.ServeHTTP(rec, r)
	return answer
}

// wireNeighbour answers with the id of the request.
func wireNeighbour(c apiroutes.Context) error {
	id := c.Query("id")
	if err := c.SetHeader("Id", id); err != nil {
		return err
	}
	return c.Text(http.StatusOK, neighbourBody(id))
}

// neighbourBody is short for every other id, and for the rest longer than the
// buffers of net/http and the least length that is compressed.
func neighbourBody(id string) string {
	if strings.HasSuffix(id, "1") {
		return "neighbour " + id
	}
	return strings.Repeat("neighbour "+id+"\n", 500)
}

// neighbours sends further requests on the connection. Each must get its own
// answer, to the byte, and leave the connection open.
func (w *wire) neighbours(t testing.TB) {
	t.Helper()
	for i := range 3 {
		w.neighbourN++
		id := fmt.Sprintf("%d-%d", w.neighbourN, i)
		got := w.roundTrip(w.request(t, "/neighbour?id="+id))
		if got.err != nil || got.status != http.StatusOK || got.body != neighbourBody(id) || got.closes {
			t.Errorf("neighbour %s got %v", id, got)
		} else if ids := got.header["Id"]; len(ids) != 1 || ids[0] != id {
			t.Errorf("neighbour %s has the Id %q", id, ids)
		}
	}
}
