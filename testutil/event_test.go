package testutil_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

// TestEventSyntax is WHATWG HTML 9.2.6, with the examples that it gives.
func TestEventSyntax(t *testing.T) {
	type event = testutil.Event
	for _, tt := range []struct {
		reason, body string
		want         []event
	}{
		{"one event of three lines", "data: YHOO\ndata: +2\ndata: 10\n\n", []event{{Data: "YHOO\n+2\n10"}}},
		{"comment, id, id reset, one space dropped; the last is unfinished",
			": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
			[]event{{ID: "1", Data: "first event"}, {Data: "second event"}}},
		{"the same, finished", "data:  third event\n\n", []event{{Data: " third event"}}},
		{"empty data is data", "data\n\ndata\ndata\n\ndata:", []event{{}, {Data: "\n"}}},
		{"with and without a space", "data:test\n\ndata: test\n\n", []event{{Data: "test"}, {Data: "test"}}},
		{"LF", "event: a\ndata: b\n\n", []event{{Name: "a", Data: "b"}}},
		{"CR", "event: a\rdata: b\r\r", []event{{Name: "a", Data: "b"}}},
		{"CRLF", "event: a\r\ndata: b\r\n\r\n", []event{{Name: "a", Data: "b"}}},
		{"mixed line ends", "event: a\r\ndata: b\r\rdata: c\n\r\n", []event{{Name: "a", Data: "b"}, {Data: "c"}}},
		{"LF CR is two line ends", "data: a\n\rdata: b\n\r", []event{{Data: "a"}, {Data: "b"}}},
		{"BOM", "\ufeffdata: a\n\n", []event{{Data: "a"}}},
		{"only the first BOM", "\ufeff\ufeffdata: a\n\ndata: b\n\n", []event{{Data: "b"}}},
		{"a later BOM is text", "data: a\n\n\ufeffdata: b\n\n", []event{{Data: "a"}}},
		{"retry and unknown fields are ignored", "retry: 10\nretry: x\nfoo: bar\nData: x\ndata: a\n\n", []event{{Data: "a"}}},
		{"no event without data, and its name is forgotten", "event: x\n\ndata: a\n\n", []event{{Data: "a"}}},
		{"but its id is kept", "id: 5\n\ndata: a\n\ndata: b\n\n", []event{{ID: "5", Data: "a"}, {ID: "5", Data: "b"}}},
		{"an id with NUL is ignored", "id: 5\nid: 6\x00\ndata: a\n\n", []event{{ID: "5", Data: "a"}}},
		{"the last name counts", "event: a\nevent: b\ndata:\n\n", []event{{Name: "b"}}},
		{"a colon in the value", "data: a: b\n\n", []event{{Data: "a: b"}}},
		{"a colon at once is a comment", ":data: a\n:\n\n", nil},
		{"a space before the field is part of it", " data: a\n\n", nil},
		{"empty", "", nil},
		{"unfinished", "data: a\n", nil},
		{"unfinished line", "data: a\n\ndata: b", []event{{Data: "a"}}},
		{"the empty line is unfinished", "data: a\n\ndata: b\n", []event{{Data: "a"}}},
		{"a long line", "data: " + strings.Repeat("x", 100_000) + "\n\n", []event{{Data: strings.Repeat("x", 100_000)}}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			r := testutil.Call(t, answers(200, "text/event-stream;charset=utf-8", tt.body), "GET /")
			for _, want := range tt.want {
				if got := r.NextEvent(); got != want {
					t.Errorf("event %+v, want %+v", got, want)
				}
			}
			r.End()
			r.End() // stays so
			r.Close()
		})
	}
}

// TestEventsWhileTheHandlerRuns: each event arrives before the next one is
// sent, also where its last line ends with CR, after which LF may come.
func TestEventsWhileTheHandlerRuns(t *testing.T) {
	for _, end := range []string{"\n", "\r", "\r\n"} {
		more := make(chan int)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			http.NewResponseController(w).Flush()
			for n := range more {
				fmt.Fprintf(w, "data: %d%s%s", n, end, end)
				http.NewResponseController(w).Flush()
			}
		})
		protocols(t, h, func(t *testing.T, api *testutil.Client) {
			more = make(chan int)
			r := api.Get("/").Status(200)
			for n := range 3 {
				more <- n
				if got := r.NextEvent(); got.Data != fmt.Sprint(n) {
					t.Errorf("event %+v, want %d", got, n)
				}
			}
			close(more)
			r.End()
		})
	}
}

// TestCloseStream: the handler sees that the client has gone.
func TestCloseStream(t *testing.T) {
	gone := make(chan error)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone <- r.Context().Err()
	})
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		r := api.Get("/")
		r.NextEvent()
		r.Close()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			t.Fatal("the handler still runs")
		}
	})
}

// TestBrokenStream: a break is not an end.
func TestBrokenStream(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	for name, open := range map[string]func(t testing.TB) *testutil.Response{
		"client": func(t testing.TB) *testutil.Response { return testutil.New(t, h).Get("/") },
		"call":   func(t testing.TB) *testutil.Response { return testutil.Call(t, h, "GET /") },
		"conn": func(t testing.TB) *testutil.Response {
			return testutil.New(t, h).Dial().Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET")
		},
	} {
		cause := map[bool]string{true: "the handler aborted the connection", false: "unexpected EOF"}[name == "call"]
		wantFailures(t, failures(t, func(t testing.TB) {
			r := open(t)
			r.NextEvent()
			r.End()
			r.NextEvent()
		}), "the stream did not end: "+cause)
		wantFailures(t, failures(t, func(t testing.TB) {
			r := open(t)
			r.NextEvent()
			r.NextEvent()
			r.NextEvent()
			r.End()
		}), "no event: "+cause)
	}
}

// TestWholeThenEvents: a stream that was read as a whole still has its events.
func TestWholeThenEvents(t *testing.T) {
	r := testutil.New(t, http.HandlerFunc(sample)).Get("/events").Contains("one")
	r.NextEvent()
	if got := r.NextEvent(); got.Data != "two" {
		t.Errorf("event %+v", got)
	}
	r.End()
}

// TestEventsInPieces: the syntax does not depend on how the bytes arrive.
func TestEventsInPieces(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		pieces := iotest.OneByteReader(strings.NewReader("\ufeffid: 1\r\ndata: ü\r\n\r\ndata: b\r\r"))
		for b := make([]byte, 4); ; {
			n, err := pieces.Read(b)
			if err != nil {
				return
			}
			w.Write(b[:n])
			http.NewResponseController(w).Flush()
		}
	})
	r := testutil.New(t, h).Get("/")
	if a, b := r.NextEvent(), r.NextEvent(); a != (testutil.Event{ID: "1", Data: "ü"}) || b != (testutil.Event{ID: "1", Data: "b"}) {
		t.Errorf("events %+v and %+v", a, b)
	}
	r.End()
}
