package testutil_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// recorder is a test that keeps what the harness reports to it.
type recorder struct {
	testing.TB // the real test, for all else

	mu       sync.Mutex
	failures []string
	logs     []string
	fatal    bool
	cleanups []func()
}

// newRecorder returns a recorder whose clean-ups run with those of t, or
// before, by end.
func newRecorder(t testing.TB) *recorder {
	r := &recorder{TB: t}
	t.Cleanup(r.end)
	return r
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.fatal = true
	runtime.Goexit()
}

func (r *recorder) Log(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logs = append(r.logs, fmt.Sprintln(args...))
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *recorder) end() {
	for {
		r.mu.Lock()
		last := len(r.cleanups) - 1
		if last < 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		r.mu.Unlock()
		f()
	}
}

// failures runs a test function, in a goroutine that Fatalf may end, with its
// clean-ups and returns what it reported.
func failures(t testing.TB, test func(t testing.TB)) []string {
	t.Helper()
	r := newRecorder(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	r.end()
	return r.failures
}

// wantFailures checks that there are as many failures as texts, and that each
// contains its text.
func wantFailures(t testing.TB, got []string, want ...string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("failure that is not wanted: %s", got[i])
		case i >= len(got):
			t.Errorf("no failure, want %q", want[i])
		case !strings.Contains(plain(got[i]), want[i]):
			t.Errorf("failure %q\ngot:\n%s", want[i], got[i])
		}
	}
}

// plain undoes what go-cmp does to keep people from relying on its output.
func plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

// answers is a handler that answers every request alike.
func answers(status int, contentType, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// echo answers what it was sent: method, target, some headers and the body.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
	names := []string{"Authorization", "Content-Type", "Cookie", "X-Trace"}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(w, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(w, "%s %d ", r.Host, r.ContentLength)
	io.Copy(w, r.Body)
}

// protocols runs a test in memory and over each protocol.
func protocols(t *testing.T, h http.Handler, test func(t *testing.T, api *testutil.Client)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, testutil.New(t, h)) })
	for _, p := range []testutil.Protocol{testutil.HTTP, testutil.HTTPS, testutil.HTTP2} {
		t.Run(string(p), func(t *testing.T) { test(t, testutil.Serve(t, h, p)) })
	}
}
