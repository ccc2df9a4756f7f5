package testutil_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

// TestNoLeaks: only what the test started is counted, also if as many others
// have ended meanwhile, and what ends soon is waited for.
func TestNoLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where nobody waits for what stays
		old, ended, stop := make(chan int), make(chan int), make(chan int)
		go func() {
			<-old
			close(ended)
		}()
		got := failures(t, func(t testing.TB) {
			testutil.NoLeaks(t)
			close(old)
			<-ended
			go func() { <-stop }()
		})
		close(stop)
		wantFailures(t, got, "goroutines left behind: 1:\n\ngoroutine ")
		if len(got) == 1 && (strings.Count(got[0], "\ngoroutine ") != 1 || !strings.Contains(got[0], "testutil_test.TestNoLeaks")) {
			t.Errorf("not the one goroutine is printed:\n%s", got[0])
		}
	})
	wantFailures(t, failures(t, func(t testing.TB) {
		testutil.NoLeaks(t)
		go time.Sleep(50 * time.Millisecond)
	}))
}

// TestHarnessLeavesNothing: servers, clients, streams and connections end with
// the test, whatever was left open.
func TestHarnessLeavesNothing(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
			for {
				if _, err := w.Write([]byte("data: 1\n\n")); err != nil {
					return
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return
				}
			}
		}
		echo(w, r)
	})
	wantFailures(t, failures(t, func(t testing.TB) {
		testutil.NoLeaks(t)
		for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTPS, testutil.HTTP2} {
			api := testutil.New(t, h)
			if p != "" {
				api = testutil.Serve(t, h, p)
			}
			api.Get("/").Status(200)
			api.Get("/events").NextEvent()
			api.Get("/events")
			api.Dial().Send(rawGet)
			api.Dial()
			// A request whose context is not that of the client.
			api.Get("/events", func(r *http.Request) { *r = *r.WithContext(t.Context()) }).Status(200)
		}
	}))
}
