package testutil_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

// sleepy sleeps for an hour before the answer, amid it, and between events.
func sleepy(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/amid":
		io.WriteString(w, "first, ")
		http.NewResponseController(w).Flush()
		time.Sleep(time.Hour)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		for tick := time.NewTicker(time.Hour); ; {
			select {
			case now := <-tick.C:
				fmt.Fprintf(w, "data: %s\n\n", now.UTC().Format(time.TimeOnly))
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	default:
		time.Sleep(time.Hour)
	}
	io.WriteString(w, "then")
}

// TestBubble: the in-memory server works in a bubble, where an hour takes no
// time, and time stands still while anybody works.
func TestBubble(t *testing.T) {
	realStart := time.Now()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		hours := func(want int) {
			t.Helper()
			if got := time.Since(start); got != time.Duration(want)*time.Hour {
				t.Errorf("%v went by, want %d hours", got, want)
			}
		}
		api := testutil.New(t, http.HandlerFunc(sleepy))
		api.Get("/before").Status(200).Text("then").Header("Date", "Sat, 01 Jan 2000 01:00:00 GMT")
		hours(1)
		api.Get("/amid").Status(200).Text("first, then")
		hours(2)
		api.PostJSON("/before", 1).Text("then")
		hours(3)
		stream := api.Get("/events").Status(200)
		hours(4) // net/http sends the header with the first event
		if a, b := stream.NextEvent(), stream.NextEvent(); a.Data != "04:00:00" || b.Data != "05:00:00" {
			t.Errorf("events %+v and %+v", a, b)
		}
		stream.Close()
		hours(5)
		conn := api.Dial()
		conn.SendSlowly("GET /amid HTTP/1.1\r\nHost: x\r\n\r\n", 10, time.Hour)
		conn.Response("GET").Status(200).Text("first, then")
		hours(10)
		conn.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait() // until the handler sleeps
		conn.Abort()
	})
	if took := time.Since(realStart); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestBubblePatience: a timeout of the code under test is met with its own
// clock; a shorter patience counts in the bubble too.
func TestBubblePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), time.Minute, "too slow")
		api := testutil.New(t, h)
		start := time.Now()
		api.Get("/").Status(503).Text("too slow")
		if got := time.Since(start); got != time.Minute {
			t.Errorf("it took %v", got)
		}
		wantFailures(t, failures(t, func(t testing.TB) { api.For(t).Patience(time.Second).Get("/") }), "no answer: it did not come within 1s")
	})
}
