package testutil_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

const rawGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// TestConn: what no client sends reaches the server as it is, over each
// protocol.
func TestConn(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/data":
			body, err := io.ReadAll(r.Body)
			http.Error(w, http.StatusText(400)+" "+string(body), map[bool]int{true: 200, false: 400}[err == nil])
		default:
			echo(w, r)
		}
	})
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		conn := api.Dial()
		conn.Send("GET /a%2Fb HTTP/1.1\r\nHost: shop.test\r\n\r\n").Response("GET").Status(200).Text("GET /a%2Fb\nshop.test 0 ")
		// In a pipeline, in one write, the first of them HEAD.
		conn.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\n\r\n")
		conn.Response("HEAD").Status(200).Text("")
		conn.Response("GET").Text("GET /2\nb 0 ")
		// 100 Continue is an answer of its own.
		conn.Send("POST /data HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
		conn.Response("POST").Status(100)
		conn.Send("text").Response("POST").Status(200).Contains("text")
		// Bytes that come slowly, and bytes that are read one by one.
		conn.SendSlowly(rawGet, 10, time.Millisecond)
		if got := conn.Read(len("HTTP/1.1 200")); got != "HTTP/1.1 200" {
			t.Errorf("read %q", got)
		}
		conn.Close()

		conn = api.Dial().Send("GET / HTTP/1.1\r\n\r\n") // no Host
		conn.Response("GET").Status(400)
		conn.Closed()
		conn = api.Dial().Send("nonsense\r\n\r\n")
		conn.Response("GET").Status(400)
		conn.Closed()
		conn = api.Dial().Send("GET / HTTP/1.0\r\n\r\n")
		conn.Response("GET").Status(200)
		conn.Closed()
		conn.Send("more") // after the end, which is no failure
		conn.Closed()
	})
}

// TestClientsThatGoWrong: what the handler sees of them.
func TestClientsThatGoWrong(t *testing.T) {
	seen := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/download" {
			var err error
			for chunk := make([]byte, 64<<10); err == nil; {
				_, err = w.Write(chunk)
			}
			seen <- err
			return
		}
		_, err := io.ReadAll(r.Body)
		seen <- err
	})
	const lie = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this"
	for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTPS} {
		t.Run(string(p), func(t *testing.T) {
			api := testutil.New(t, h)
			if p != "" {
				api = testutil.Serve(t, h, p)
			}
			api.Dial().Send(lie).Close()
			if err := <-seen; !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("a body that ends early: %v", err)
			}
			api.Dial().Send(lie).Abort()
			if err := <-seen; err == nil || p != "" && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("a client that aborts: %v", err)
			}
			body := testutil.FailingReader(strings.NewReader(strings.Repeat("x", 100)), 50)
			if err := api.Fails("POST", "/", testutil.Stream("", body)); !errors.Is(err, testutil.ErrInjected) {
				t.Errorf("a client whose body breaks sees %v", err)
			}
			if err := <-seen; err == nil {
				t.Error("a body that breaks is whole for the handler")
			}
			// One that stops reading, and then goes.
			conn := api.Dial().Send("GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
			conn.Read(100)
			select {
			case err := <-seen:
				t.Errorf("the handler was not held up: %v", err)
			case <-time.After(20 * time.Millisecond): // it blocks, which nothing signals
			}
			conn.Abort()
			if err := <-seen; err == nil {
				t.Error("no error of writing")
			}
		})
	}
}

func TestConnFailures(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-r.Context().Done()
		case "/half":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		case "/junk":
			conn, _, _ := http.NewResponseController(w).Hijack()
			io.WriteString(conn, "junk\r\n\r\n")
			conn.Close()
		}
	})
	const wait = 30 * time.Millisecond
	request := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n" }
	for _, tt := range []struct {
		want string
		do   func(api *testutil.Client)
	}{
		{"no answer on the connection: the server sent nothing more within 30ms\n--- sent\nGET /silent HTTP/1.1\r\n", func(api *testutil.Client) { api.Dial().Send(request("/silent")).Response("GET").Status(200) }},
		{"no answer on the connection: the server closed it\n--- sent\nmore", func(api *testutil.Client) {
			conn := api.Dial().Send("GET / HTTP/1.0\r\n\r\n")
			conn.Response("GET").Status(200)
			conn.Send("more").Response("GET").Status(200)
		}},
		{`no answer on the connection: malformed HTTP response "junk"`, func(api *testutil.Client) { api.Dial().Send(request("/junk")).Response("GET") }},
		{"the answer is broken: its body did not end within 30ms\n--- sent\nGET /half HTTP/1.1", func(api *testutil.Client) {
			api.Dial().Send(request("/half")).Response("GET").Status(200).Text("x").Text("y")
		}},
		{"the server keeps the connection open for 30ms, want it closed", func(api *testutil.Client) { api.Dial().Closed() }},
		{`the server sent "HTTP/1.0 200 OK\r\n`, func(api *testutil.Client) { api.Dial().Send("GET / HTTP/1.0\r\n\r\n").Closed() }},
		{"read 0 bytes of 5: the server sent nothing more within 30ms\n\"\"", func(api *testutil.Client) { api.Dial().Read(5) }},
		{`read 8 bytes of 500: the server closed it` + "\n" + `"junk\r\n\r\n"`, func(api *testutil.Client) { api.Dial().Send(request("/junk")).Read(500) }},
		{"Send: the server took 4096 of 100000 bytes, and no more within 30ms", func(api *testutil.Client) {
			body := "POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
			api.Dial().Send(body + strings.Repeat("x", 100000-len(body)))
		}},
		{"Send: the server took 0 of 4000 bytes", func(api *testutil.Client) {
			head := "POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
			api.Dial().SendSlowly(head+strings.Repeat("x", 4096-len(head))+strings.Repeat("y", 100000), 4000, 0)
		}},
	} {
		t.Run(tt.want, func(t *testing.T) {
			wantFailures(t, failures(t, func(t testing.TB) { tt.do(testutil.New(t, h).Patience(wait)) }), tt.want)
		})
	}
}

// TestDialFails: it is reported, and the connection that is none is silent. It
// does not end the goroutine, which may be another one than the test's.
func TestDialFails(t *testing.T) {
	for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTPS} {
		wantFailures(t, failures(t, func(t testing.TB) {
			r := newRecorder(t)
			api := testutil.New(r, http.HandlerFunc(echo))
			if p != "" {
				api = testutil.Serve(r, http.HandlerFunc(echo), p)
			}
			r.end()
			conn := api.For(t).Dial()
			conn.Send("x").SendSlowly("x", 0, 0).Response("GET").Status(200)
			conn.Read(1)
			conn.Closed()
			conn.Close()
			conn.Abort()
		}), "testutil: Dial: ")
	}
}
