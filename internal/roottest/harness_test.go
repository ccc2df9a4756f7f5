package roottest

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
)

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // leaves os/signal running
	if leaked := settle(before); code == 0 && !fuzzing && leaked != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", leaked)
		code = 1
	}
	os.Exit(code)
}

// settle waits until at most want goroutines run and returns their stacks if
// more stay for ten seconds.
func settle(want int) string {
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > want {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			return string(stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond) // polling a count that nothing signals
	}
	return ""
}

// do serves one request on a recorder. line is "METHOD target".
func do(t testing.TB, h http.Handler, line string) *httptest.ResponseRecorder {
	t.Helper()
	method, target, ok := strings.Cut(line, " ")
	if !ok {
		t.Fatalf("do(%q): want METHOD target", line)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// brief is an answer in one line: "200 body", or "308 -> target", with the
// Allow of a 405 or 204 behind it.
func brief(w *httptest.ResponseRecorder) string {
	text := fmt.Sprintf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
	if to := w.Header().Get("Location"); to != "" {
		text = fmt.Sprintf("%d -> %s", w.Code, to)
	}
	if allow := w.Header().Get("Allow"); allow != "" {
		text += " [" + allow + "]"
	}
	return strings.TrimSpace(text)
}

// says answers 200 with text.
func says(text string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.Text(http.StatusOK, text) }
}

// tag is a middleware that adds its name to the header Trace on the way in.
func tag(name string) apiroutes.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Trace", name)
			next.ServeHTTP(w, r)
		})
	}
}

// trace returns the names that tag left, joined by spaces.
func trace(w *httptest.ResponseRecorder) string { return strings.Join(w.Header()["Trace"], " ") }

// panicText returns what do panics with, and fails the test if it does not.
func panicText(t testing.TB, do func()) (text string) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if v == nil {
			t.Fatal("no panic")
		}
		text = fmt.Sprint(v)
	}()
	do()
	return ""
}
