package fallback_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestBothWays: each part of the body comes back before the next is sent.
func TestBothWays(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		part := make([]byte, 100)
		for {
			n, err := r.Body.Read(part)
			_, _ = w.Write(part[:n])
			_ = rc.Flush()
			if err != nil {
				return
			}
		}
	})
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		body, send := io.Pipe()
		res := front(t, target, p).Post("/", testutil.Stream("a/b", body)).Status(200).Result()
		if res == nil {
			send.Close()
			return
		}
		in := bufio.NewReader(res.Body)
		for i := range 20 {
			part := fmt.Sprintf("part %d\n", i)
			if _, err := io.WriteString(send, part); err != nil {
				t.Fatal(err)
			}
			if got, err := in.ReadString('\n'); got != part || err != nil {
				t.Fatalf("%q came back, %v, want %q", got, err, part)
			}
		}
		send.Close()
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("%q at the end, %v", rest, err)
		}
	})
}

// TestEvents: an event arrives while the next one waits for it.
func TestEvents(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		next := make(chan struct{})
		target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush() // the header alone
			for i := range 3 {
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
				fmt.Fprintf(w, "data: %d\n\n", i)
				_ = http.NewResponseController(w).Flush()
			}
		})
		r := front(t, target, p).Get("/").Status(200).Header("Content-Type", "text/event-stream")
		for i := range 3 {
			next <- struct{}{}
			if got := r.NextEvent(); got.Data != fmt.Sprint(i) {
				t.Errorf("event %+v, want %d", got, i)
			}
		}
		r.End()
	})
}

// TestKnownLength: an answer of known length is not held back either.
func TestKnownLength(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		seen := make(chan struct{})
		target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4")
			for _, part := range []string{"", "ab", "cd"} {
				io.WriteString(w, part)
				_ = http.NewResponseController(w).Flush()
				if part != "cd" {
					<-seen
				}
			}
		})
		r := front(t, target, p).Get("/").Status(200)
		seen <- struct{}{}
		part := make([]byte, 2)
		_, err := io.ReadFull(r.Result().Body, part)
		seen <- struct{}{}
		rest, restErr := io.ReadAll(r.Result().Body)
		if string(part)+string(rest) != "abcd" || err != nil || restErr != nil {
			t.Errorf("%q and %q, %v, %v", part, rest, err, restErr)
		}
	})
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Known")
		fmt.Fprintf(w, "%s, %v, %q", body, err, r.Trailer["X-Sum"])
		w.Header().Set("X-Known", "1")
		w.Header().Set(http.TrailerPrefix+"X-Unknown", "2")
	})
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		r := front(t, target, p).Post("/", testutil.Stream("a/b", strings.NewReader("body")), func(r *http.Request) {
			r.Trailer = http.Header{"X-Sum": {"7"}}
		}).Status(200).Text(`body, <nil>, ["7"]`)
		if got := r.Result().Trailer; got.Get("X-Known") != "1" || got.Get("X-Unknown") != "2" {
			t.Errorf("the trailers are %q", got)
		}
	})
}

func TestInformational(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			w.WriteHeader(417)
			return
		}
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.Copy(w, r.Body)
	})
	conn := front(t, target, testutil.HTTP).Dial()
	conn.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(103).Header("Link", "</style.css>")
	conn.Response("GET").Status(200).Header("Link", "")
	conn.Send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").Response("POST").Status(103)
	conn.Response("POST").Status(100) // once, whoever it is from
	conn.Send("ok").Response("POST").Status(200).Text("ok")
	conn.Send("POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n").Response("POST").Status(417)
}

// TestOwnContinue: 100 is between the client and the server.
func TestOwnContinue(t *testing.T) {
	t.Parallel()
	to := upstreamPipe(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	conn := testutil.Serve(t, everything(fallback.ToVia("http://x", to.dial, nil)), testutil.HTTP).Dial()
	conn.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(200).Text("ok")
}

// TestClientGone: the request to the target ends, and is no failure of it.
func TestClientGone(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		for _, path := range []string{"/before", "/amid"} {
			begun, ended := make(chan struct{}), make(chan struct{})
			target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/amid" {
					io.WriteString(w, "part")
					_ = http.NewResponseController(w).Flush()
				}
				close(begun)
				<-r.Context().Done()
				close(ended)
			})
			logged := make(records, 9)
			api := testutil.Serve(t, everything(fallback.To(target), logged.wrap), p)
			ctx, leave := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "POST", api.URL(path), nil)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				if res, err := api.HTTPClient().Do(r); err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}()
			await(t, "the request", begun)
			leave()
			await(t, "the end of the target's request", ended)
			logged.want(t, 499, "context canceled")
			<-done
		}
	})
}

// TestBrokenOff: what the target does not send to its end never looks whole,
// not even where ReverseProxy would let it, below no server of net/http.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"length":  "Content-Length: 100\r\n\r\npart",
		"nothing": "Content-Length: 100\r\n\r\n",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
		"garbage": "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\nnonsense\r\n",
	} {
		for _, p := range protocols {
			logged := make(records, 9)
			to := upstreamPipe(t, "HTTP/1.1 200 OK\r\n"+answer)
			h := everything(fallback.ToVia("http://target.example", to.dial, nil), logged.wrap)
			testutil.Serve(t, h, p).Fails("POST", "/")
			logged.want(t, 502, "http://target.example broke off its answer")
			func() {
				defer func() {
					if v := recover(); v != http.ErrAbortHandler {
						t.Errorf("%s: on a recorder it ends with %v", name, v)
					}
				}()
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			}()
			logged.want(t, 502, "broke off")
		}
	}
}

// TestWriteFails: a client that takes no more is no failure of the target.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
		}
	})
	logged := make(records, 9)
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("it ends with %v", v)
			}
		}()
		ctx, end := context.WithCancel(t.Context())
		defer end() // as a server does
		w := testutil.FailingWriter(httptest.NewRecorder(), 2)
		everything(fallback.To(target), logged.wrap).ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	}()
	await(t, "the end of the target's request", ended)
	logged.want(t, 499, testutil.ErrInjected.Error())
}

// TestBodyBreaks: a body that turns out malformed breaks the answer that has
// begun, and is no failure of the target.
func TestBodyBreaks(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		io.WriteString(w, "begun")
		_ = rc.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	logged := make(records, 9)
	conn := testutil.Serve(t, everything(fallback.To(target), logged.wrap), testutil.HTTP).Dial()
	conn.Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
	for got := ""; !strings.HasSuffix(got, "begun"); {
		if got += conn.Read(1); t.Failed() {
			return
		}
	}
	conn.Send("nonsense\r\n")
	logged.want(t, 499, "the client sends no more of its body")
}

// TestQuiet: ReverseProxy prints nothing.
func TestQuiet(t *testing.T) {
	var printed strings.Builder
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	logged := make(records, 9)
	to := upstreamPipe(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
	testutil.New(t, everything(fallback.ToVia("http://x", to.dial, nil), logged.wrap)).Fails("GET", "/")
	logged.want(t, 502, "broke off")
	if printed.Len() > 0 {
		t.Errorf("printed: %s", printed.String())
	}
}

// TestWriteTimeout: a stream may be longer than the server's limit for an
// answer; a client that does not read may not keep it.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	const limit = 400 * time.Millisecond
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP", version), func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{})
			target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/stuck" {
					for r.Context().Err() == nil {
						io.WriteString(w, strings.Repeat("x", 1<<20))
					}
					close(left)
					return
				}
				for range 2 {
					time.Sleep(limit * 3 / 2) // longer than the limit: the time itself is tested
					io.WriteString(w, "part")
					_ = http.NewResponseController(w).Flush()
				}
			})
			protocols := new(http.Protocols)
			protocols.SetHTTP1(version == 1)
			protocols.SetUnencryptedHTTP2(version == 2)
			server := httptest.NewUnstartedServer(everything(fallback.To(target)))
			server.Config.WriteTimeout, server.Config.Protocols = limit, protocols
			server.Start()
			t.Cleanup(server.Close)
			transport := &http.Transport{Protocols: protocols}
			t.Cleanup(transport.CloseIdleConnections)
			client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
			res, err := client.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); string(body) != "partpart" || err != nil || res.ProtoMajor != version {
				t.Errorf("the client has %q, %v, over %s", body, err, res.Proto)
			}
			stuck, err := client.Get(server.URL + "/stuck")
			if err != nil {
				t.Fatal(err)
			}
			await(t, "the end of the answer that is not read", left)
			stuck.Body.Close()
		})
	}
}

// TestLargeBodies go both ways without being kept.
func TestLargeBodies(t *testing.T) {
	size := int64(16 << 20)
	if *slow {
		size = 100 << 20
	}
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	for _, p := range protocols {
		sent, got := sha256.New(), sha256.New()
		source := rand.NewChaCha8([32]byte{1})
		body := io.TeeReader(io.LimitReader(source, size), sent)
		before := heap()
		res := front(t, target, p).Post("/", testutil.Stream("a/b", body)).Status(200).Result()
		var peak uint64
		var n int64
		for part := size / 8; ; {
			m, err := io.CopyN(got, res.Body, part)
			n += m
			peak = max(peak, heap())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n != size || string(got.Sum(nil)) != string(sent.Sum(nil)) {
			t.Errorf("%s: %d bytes came back of %d, or others", p, n, size)
		}
		if grown := int64(peak) - int64(before); grown > 8<<20 {
			t.Errorf("%s: the heap grew by %d KiB", p, grown>>10)
		}
	}
}

// heap is what is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
