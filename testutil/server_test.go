package testutil_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

func TestProtocols(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s tls=%t %s", r.Proto, r.TLS != nil, r.RemoteAddr[:strings.LastIndex(r.RemoteAddr, ".")])
	})
	testutil.New(t, h).Get("/").Text("HTTP/1.1 tls=false 192.0.2")
	testutil.Serve(t, h, testutil.HTTP).Get("/").Text("HTTP/1.1 tls=false 127.0.0")
	testutil.Serve(t, h, testutil.HTTPS).Get("/").Text("HTTP/1.1 tls=true 127.0.0")
	testutil.Serve(t, h, testutil.HTTP2).Get("/").Text("HTTP/2.0 tls=true 127.0.0")
	testutil.Serve(t, h, testutil.HTTP, testutil.Header("X-Trace", "t")).Get("/").Status(200)
}

// TestAnswersWithoutBody: HEAD, 204, 304 and what comes before an answer.
func TestAnswersWithoutBody(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/103":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusAccepted)
		}
		io.WriteString(w, "text")
	})
	check := func(t *testing.T, do func(line string) *testutil.Response) {
		do("HEAD /").Status(200).Header("Content-Type", "text/plain; charset=utf-8").Text("")
		do("GET /204").Status(204).Text("")
		do("GET /304").Status(304).Text("")
		do("GET /103").Status(202).Header("Link", "</style.css>; rel=preload").Text("text")
	}
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		check(t, func(line string) *testutil.Response {
			method, target, _ := strings.Cut(line, " ")
			return api.Do(method, target)
		})
	})
	t.Run("call", func(t *testing.T) {
		check(t, func(line string) *testutil.Response { return testutil.Call(t, h, line) })
	})
}

// TestPanic: it is logged for the test, and the client sees a broken answer,
// whether the panic comes before the answer or amid it. In memory, the handler
// is called once.
func TestPanic(t *testing.T) {
	var calls atomic.Int64
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		switch r.URL.Path {
		case "/late":
			io.WriteString(w, "some")
			http.NewResponseController(w).Flush()
			panic("late boom")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/boom":
			panic("boom")
		}
	})
	for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTPS, testutil.HTTP2} {
		t.Run(string(p), func(t *testing.T) {
			r := newRecorder(t)
			var api *testutil.Client
			if p == "" {
				api = testutil.New(r, h)
			} else {
				api = testutil.Serve(r, h, p)
			}
			calls.Store(0)
			api.Get("/").Status(200).Text("")
			for _, target := range []string{"/boom", "/late", "/abort"} {
				if api.Fails("GET", target) == nil {
					t.Errorf("%s: no error", target)
				}
			}
			if p == "" && calls.Load() != 4 {
				t.Errorf("%d calls, want 4", calls.Load())
			}
			api.Get("/").Status(200)
			r.end()
			wantFailures(t, r.failures)
			logs := strings.Join(r.logs, "\n")
			if !strings.Contains(logs, "server: GET /boom: panic: boom\n") || !strings.Contains(logs, "server: GET /late: panic: late boom\n") || !strings.Contains(logs, "server_test.go") || strings.Contains(logs, "abort") {
				t.Errorf("the log is %q", r.logs)
			}
		})
	}
}

// TestPatience: what does not come in time is reported, be it the answer, the
// rest of a body or an event.
func TestPatience(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/never" {
			w.Header().Set("Content-Type", map[string]string{"/events": "text/event-stream"}[r.URL.Path])
			io.WriteString(w, "data: 1\n\n")
			http.NewResponseController(w).Flush()
		}
		io.Copy(io.Discard, r.Body) // without which net/http does not see the client go
		<-r.Context().Done()
	})
	const wait = 50 * time.Millisecond
	for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTP2} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			got := failures(t, func(t testing.TB) {
				api := testutil.New(t, h)
				if p != "" {
					api = testutil.Serve(t, h, p)
				}
				api = api.Patience(wait)
				api.Get("/never").Text("x")
				api.Get("/body").Status(200).Text("x").Contains("x")
				stream := api.Get("/events")
				stream.NextEvent()
				stream.NextEvent()
				stream.NextEvent()
				stream.End()
				stream = api.Get("/events")
				stream.NextEvent()
				stream.End()
				stream.End()
				api.Get("/events").Status(500)
				if err := api.Fails("GET", "/body"); err != nil {
					t.Errorf("Fails gives %v", err)
				}
				api.Fails("GET", "/never")
			})
			wantFailures(t, got,
				"no answer: it did not come within 50ms\n--- request\nGET /never",
				"the answer is broken: its body did not end within 50ms\n",
				"no event: nothing came within 50ms\n",
				"the stream did not end: nothing came within 50ms\n",
				"status 200, want 500\n",
				"its body did not end within 50ms, want a broken connection\n",
				"it did not come within 50ms, want a broken connection\n")
			if len(got) > 4 && (!strings.Contains(got[1], "\n\ndata: 1\n\n(broken off: its body did not end within 50ms)") || !strings.HasSuffix(got[2], "\n\n(a stream, 1 events read)") || !strings.HasSuffix(got[4], "\n\n(a stream)")) {
				t.Errorf("what came is not printed:\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// TestHandlerWithoutEnd: the end of the test does not wait for ever. The fake
// clock of the bubble makes it wait no time.
func TestHandlerWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			panic("after the test")
		})
		start := time.Now()
		var logs *[]string
		got := failures(t, func(t testing.TB) {
			logs = &t.(*recorder).logs
			api := testutil.New(t, h)
			api.Patience(time.Second).Fails("GET", "/never?x")
			conn := api.Dial()
			conn.Send("POST /other HTTP/1.1\r\nHost: x\r\n\r\n")
			synctest.Wait()
		})
		wantFailures(t, got,
			"it did not come within 1s, want a broken connection",
			"testutil: a handler still runs 168h0m0s after its server was closed: GET /never?x, POST /other")
		if waited := time.Since(start); waited != 7*24*time.Hour+time.Second {
			t.Errorf("waited %v", waited)
		}
		close(release)
		synctest.Wait()
		if len(*logs) > 0 { // which package testing would answer with a panic
			t.Errorf("logged after the test: %q", *logs)
		}
	})
}

// TestServerWaitsForHandlers: no handler runs when the test is over, also not
// one whose client is gone.
func TestServerWaitsForHandlers(t *testing.T) {
	for _, p := range []testutil.Protocol{"", testutil.HTTP, testutil.HTTP2} {
		var ended atomic.Bool
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			time.Sleep(20 * time.Millisecond) // work that nothing can stop
			ended.Store(true)
		})
		wantFailures(t, failures(t, func(t testing.TB) {
			if p == "" {
				testutil.New(t, h).Get("/").Status(200)
			} else {
				testutil.Serve(t, h, p).Get("/").Status(200)
			}
		}))
		if !ended.Load() {
			t.Errorf("%s: the handler still runs", p)
		}
	}
}

// TestFailsNames: the error tells what broke.
func TestFailsNames(t *testing.T) {
	api := testutil.New(t, http.HandlerFunc(sample))
	if err := api.Fails("GET", "/broken"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a truncated body gives %v", err)
	}
	if err := api.Fails("GET", "/panic"); !errors.Is(err, io.EOF) {
		t.Errorf("a panic gives %v", err)
	}
	lie := func(r *http.Request) { r.ContentLength = 100 }
	if err := api.Fails("POST", "/user", testutil.Body("", "four"), lie); err == nil { // the transport's error or that of the pipe, whichever is first
		t.Error("a lie about the length gives no error")
	}
}

// TestBodyWithoutEnd: an endless body does not fill the memory.
func TestBodyWithoutEnd(t *testing.T) {
	testutil.SetMaxBody(t, 10<<20)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", map[string]string{"/events": "text/event-stream"}[r.URL.Path])
		for chunk := make([]byte, 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	wantFailures(t, failures(t, func(t testing.TB) {
		api := testutil.New(t, h)
		api.Get("/").Text("x").Contains("x")
		api.Get("/events").NextEvent()
	}), "the answer is broken: its body is longer than 10 MiB\n", "no event: a line is longer than 10 MiB\n")
	wantFailures(t, failures(t, func(t testing.TB) {
		testutil.Call(t, answers(200, "text/plain", strings.Repeat("x", 10<<20)), "GET /").Contains("x")
	}))
}

// TestNoCompression: a client asks for no compression by itself, and undoes
// none.
func TestNoCompression(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprintf(w, "zip %q", r.Header["Accept-Encoding"])
	})
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		api.Get("/").Header("Content-Encoding", "gzip").Text("zip []")
		api.Get("/", testutil.Header("Accept-Encoding", "gzip")).Text(`zip ["gzip"]`)
	})
}

// TestServerIsReal: what net/http does for a handler happens in memory too.
func TestServerIsReal(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/context":
			context := r.Context()
			go func() { <-context.Done() }()
		case "/hijack":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
			io.CopyN(conn, conn, 4)
		}
	})
	api := testutil.New(t, h)
	api.Get("/context").Status(200)
	r := api.Get("/hijack", testutil.Header("Connection", "upgrade"), testutil.Header("Upgrade", "echo")).Status(101).Text("")
	wire := r.Result().Body.(io.ReadWriteCloser)
	defer wire.Close()
	io.WriteString(wire, "ping")
	if pong, err := io.ReadAll(wire); string(pong) != "ping" {
		t.Errorf("read %q, %v", pong, err)
	}
}
