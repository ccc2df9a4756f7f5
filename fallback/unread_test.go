package fallback_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// loggingTest is a test whose log, which has that of its servers, is kept.
type loggingTest struct {
	testing.TB
	mu  sync.Mutex
	log string
}

func (t *loggingTest) Log(args ...any) {
	t.TB.Helper()
	t.TB.Log(args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log += fmt.Sprintln(args...)
}

// TestUnreadBody: an answer that comes before the body was read to its end
// arrives while the client still sends, and leaves the server well.
func TestUnreadBody(t *testing.T) {
	logged := &loggingTest{TB: t}
	t.Cleanup(func() { // when the servers have ended: their own clean-ups are registered later
		if strings.Contains(logged.log, "panic") {
			t.Errorf("a server panics:\n%s", logged.log)
		}
	})
	refuses := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Length", "2")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "no")
	})
	for _, tt := range []struct {
		target string
		status int
	}{{refuses, 413}, {unreachable(t), 502}} {
		api := testutil.Serve(logged, everything(fallback.To(tt.target)), testutil.HTTP)
		for _, size := range []int{1, 1000, 200 << 10, 300 << 10, 400 << 10, 4 << 20} { // net/http discards 256 KiB
			for _, framing := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n", size), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size)} {
				t.Run(fmt.Sprint(tt.status, size, framing[:3]), func(t *testing.T) {
					t.Parallel()
					conn := api.For(t).Dial()
					conn.Send("POST / HTTP/1.1\r\nHost: x\r\n" + framing).Response("POST").Status(tt.status)
					conn.Send(strings.Repeat("x", size))
					if strings.HasPrefix(framing, "Transfer") {
						conn.Send("\r\n0\r\n\r\n")
					}
					conn.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") // not to be answered: the connection ends
					conn.Closed()
				})
			}
		}
	}
}

// TestReadBody: where the body was read the connection is kept.
func TestReadBody(t *testing.T) {
	t.Parallel()
	conn := front(t, upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), testutil.HTTP).Dial()
	for _, request := range []string{"Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"} {
		for range 3 {
			conn.Send("POST / HTTP/1.1\r\nHost: x\r\n"+request).Response("POST").Status(200).Text("body").Header("Connection", "")
		}
	}
}
