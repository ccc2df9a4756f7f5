package roottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) { testutil.Main(m) }

// brief is an answer in one line: "200 body", or "308 -> target", with the
// Allow of a 405 or 204 behind it.
func brief(r *testutil.Response) string {
	status, header := r.Result().StatusCode, r.Result().Header
	text := fmt.Sprintf("%d %s", status, strings.TrimSpace(string(r.Bytes())))
	if to := header.Get("Location"); to != "" {
		text = fmt.Sprintf("%d -> %s", status, to)
	}
	if allow := header.Get("Allow"); allow != "" {
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
func trace(r *testutil.Response) string { return strings.Join(r.Result().Header["Trace"], " ") }

// keep is an edit that notes the request that the handler gets, for what serving
// leaves in it.
func keep(kept **http.Request) testutil.Edit {
	return func(r *http.Request) { *kept = r }
}

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
