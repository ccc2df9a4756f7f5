package fallback_test

import (
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

var slow = flag.Bool("slow", false, "also test with large bodies")

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) { testutil.Main(m) }

// protocols are those that clients may speak to the fallback.
var protocols = []testutil.Protocol{testutil.HTTP, testutil.HTTPS, testutil.HTTP2}

// onProtocols runs a test with each of them.
func onProtocols(t *testing.T, test func(t *testing.T, p testutil.Protocol)) {
	t.Helper()
	for _, p := range protocols {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// upstream serves h as a target, and returns its address.
func upstream(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	return testutil.Serve(t, h, testutil.HTTP).URL("")
}

// front serves the fallback for a target below a router.
func front(t testing.TB, target string, p testutil.Protocol) *testutil.Client {
	t.Helper()
	return testutil.Serve(t, everything(fallback.To(target)), p)
}

func everything(h http.Handler, mw ...apiroutes.Middleware) http.Handler {
	r := apiroutes.New(mw...)
	r.Mount("/", h)
	return r
}

// record is an error as a logging middleware has it.
type record struct {
	status int
	err    error
}

// records is such a middleware.
type records chan record

type recordWriter struct {
	http.ResponseWriter
	to records
}

func (w recordWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w recordWriter) RecordError(status int, err error) bool {
	w.to <- record{status, err}
	return true
}

func (c records) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(recordWriter{w, c}, r)
	})
}

// want expects one error, with a status and a part of its text.
func (c records) want(t testing.TB, status int, part string) {
	t.Helper()
	got := await(t, "an error in the log", c)
	if got.status != status || !strings.Contains(got.err.Error(), part) {
		t.Errorf("the log has %d %v, want %d and %q", got.status, got.err, status, part)
	}
	select {
	case more := <-c:
		t.Errorf("the log also has %d %v", more.status, more.err)
	default:
	}
}

// none expects that nothing was logged.
func (c records) none(t testing.TB) {
	t.Helper()
	select {
	case got := <-c:
		t.Errorf("the log has %d %v", got.status, got.err)
	default:
	}
}

// await receives from c, which must come soon.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: not within 10 seconds", what)
	}
	return v
}

// header is an edit that sets a header with several values.
func header(name string, values ...string) testutil.Edit {
	return func(r *http.Request) { r.Header[name] = values }
}
