package roottest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
)

// readAll answers with the body, by plain net/http.
var bodyReadAll = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		apiroutes.ErrorHandler(nil)(w, r, err)
		return
	}
	_, _ = w.Write(body)
})

// TestTooLargeOnTheWire sends too much on each transport: the client sees the
// 413, and the connection is in step afterwards, or closed.
func TestTooLargeOnTheWire(t *testing.T) {
	const limit = 1000
	onTransports(t, func(t *testing.T, tr transport) {
		t.Parallel() // servers take their time to close
		r := apiroutes.New().MaxBody(limit)
		r.Handle("/decode", bodyOf[string]())
		r.Handle("/plain", bodyReadAll)
		w := tr.serve(t, r)
		for _, path := range []string{"/decode", "/plain"} {
			for _, length := range []int{limit, limit + 1, 300_000, 8 << 20} {
				for _, announced := range []int64{int64(length), -1} {
					req := w.request(t, path)
					req.Header.Set("Content-Type", "text/plain")
					req.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", length)))
					req.ContentLength = announced
					status, want := 200, strings.Repeat("x", length)
					if length > limit {
						status, want = 413, `{"error":"the body exceeds the limit of 1000 bytes"}`
					}
					got := w.do(t, req)
					if got.err != nil || got.status != status || got.body != want {
						t.Errorf("%s with %d bytes, %d announced: %v", path, length, announced, got)
					}
					w.neighbours(t)
				}
			}
		}
	})
}

// bodyRawCase is what no HTTP client would send, on a connection of its own.
type bodyRawCase struct {
	name, request string
	half          bool   // the client closes its side
	want          string // "status body" of the answers, joined by "; "
}

// TestRawBodies sends bodies that are not as announced.
func TestRawBodies(t *testing.T) {
	const head = "POST /decode HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	const next = "POST /next?id=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	const tooLarge = `413 {"error":"the body exceeds the limit of 1000 bytes"}`
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n", n) }
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	long := strings.Repeat("1", 1001)
	cases := []bodyRawCase{
		{"right", head + length(7) + `{"a":1}` + next, false, "200 map[a:1]; 200 next 1"},
		{"length too large", head + length(100) + `{"a":1}`, true, `400 {"error":"the body ends after 7 bytes, before its announced end"}`},
		{"length too large, nothing sent", head + length(100), true, `400 {"error":"the body ends after 0 bytes, before its announced end"}`},
		{"length too small", head + length(6) + `{"a":1}` + next, false, `400 {"error":"the body is not valid JSON: unexpected end of JSON input at byte 6"}; 400 400 Bad Request`},
		{"chunked", head + chunked + "4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n" + next, false, "200 map[a:1]; 200 next 1"},
		{"chunked, without its end", head + chunked + "7\r\n{\"a\":1}\r\n", true, `400 {"error":"the body ends after 7 bytes, before its announced end"}`},
		{"chunked, cut off", head + chunked + "8\r\n{\"a\":1}", true, `400 {"error":"the body ends after 7 bytes, before its announced end"}`},
		{"chunked, malformed", head + chunked + "7\r\n{\"a\":1}\r\nx\r\n\r\n", false, `400 {"error":"the body cannot be read"}`},
		{"one over", head + length(1001) + long + next, false, tooLarge + "; 200 next 1"},
		{"one over, chunked", head + chunked + "3e9\r\n" + long + "\r\n0\r\n\r\n" + next, false, tooLarge + ""},
		{"far over, nothing sent", head + length(1<<30), false, tooLarge},
		{"far over the default, nothing sent", strings.Replace(head, "decode", "default", 1) + length(1<<30), false, `413 {"error":"the body exceeds the limit of 1048576 bytes"}`},
		{"far over, plain, nothing sent", strings.Replace(head, "decode", "plain", 1) + length(1<<30), false, tooLarge},
		{"far over, asks first", head + "Expect: 100-continue\r\n" + length(1<<30), false, tooLarge},
		{"asks first", head + "Expect: 100-continue\r\n" + length(7) + `{"a":1}`, false, "100; 200 map[a:1]"},
		{"another type, asks first", strings.Replace(head, "json", "xml", 1) + "Expect: 100-continue\r\n" + length(7), false,
			`415 {"error":"Content-Type \"application/xml\" is not accepted: send application/json"}`},
	}
	for _, tr := range transports {
		if tr.recorder || tr.http2 {
			continue
		}
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			r := apiroutes.New()
			r.Handle("/default", bodyOf[any]())
			r.MaxBody(1000).Handle("/decode", bodyOf[any]())
			r.MaxBody(1000).Handle("/plain", bodyReadAll)
			r.Handle("/next", apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(200, "next "+c.Query("id")) }))
			w := tr.serve(t, r)
			for _, c := range cases {
				if c.half && tr.buffers {
					continue // TimeoutHandler answers 503 itself when the client's side is closed
				}
				got := ""
				if limit := 50 * time.Millisecond; strings.HasPrefix(c.name, "far over") {
					queryWithin(t, limit, func() { got = w.raw(t, c) })
				} else {
					got = w.raw(t, c)
				}
				if got != c.want {
					t.Errorf("%s: the client has\n%s, want\n%s", c.name, got, c.want)
				}
			}
			w.neighbours(t)
		})
	}
}

// raw sends c's request and reads answers until the server closes, or until
// it has as many as c wants. A testutil.Conn cannot close its side alone.
func (w *wire) raw(t *testing.T, c bodyRawCase) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.api.URL(""), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, c.request); err != nil {
		t.Fatal(err)
	}
	if c.half {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	in := bufio.NewReader(conn)
	var claimAnswers []string
	for range strings.Count(c.want, "; ") + 1 {
		res, err := http.ReadResponse(in, &http.Request{Method: "POST"})
		if err != nil {
			claimAnswers = append(claimAnswers, err.Error())
			break
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		claimAnswers = append(claimAnswers, strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, body)))
	}
	return strings.Join(claimAnswers, "; ")
}
