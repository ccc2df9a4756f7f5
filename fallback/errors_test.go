package fallback_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// pipe is a target that answers each request with the same bytes, whatever they
// are, and then closes the connection.
type pipe struct {
	t       testing.TB
	answer  string
	address string // that was dialled last
}

func upstreamPipe(t testing.TB, answer string) *pipe { return &pipe{t: t, answer: answer} }

func (p *pipe) dial(_ context.Context, _, address string) (net.Conn, error) {
	p.address = address
	client, server := net.Pipe()
	p.t.Cleanup(func() { client.Close() })
	go func() {
		defer server.Close()
		if r, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(server, p.answer)
		}
	}()
	return client, nil
}

// unreachable is a target at which nobody listens.
func unreachable(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestBadGateway(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		logged := make(records, 9)
		target := unreachable(t)
		r := apiroutes.New(logged.wrap)
		r.OnError(apiroutes.Problem).Mount("/problem", fallback.To(target))
		r.Mount("/", fallback.To(target))
		api := testutil.Serve(t, r, p)
		api.Get("/a").Status(502).JSON(`{"error":"Bad Gateway"}`)
		logged.want(t, 502, strings.TrimPrefix(target, "http://"))
		api.Post("/problem/a", testutil.Body("a/b", "body")).Status(502).JSON(`{"type":"about:blank","title":"Bad Gateway","status":502}`)
		logged.want(t, 502, target)
	})
}

// TestNoHTTP: a target that speaks something else.
func TestNoHTTP(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "SSH-2.0\r\n", "HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 xyz\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nX-A: b\r\n\r\n"} {
		logged := make(records, 9)
		to := upstreamPipe(t, answer)
		testutil.Serve(t, everything(fallback.ToVia("http://target.example", to.dial, nil), logged.wrap), testutil.HTTP).
			Post("/").Status(502).JSON(`{"error":"Bad Gateway"}`).Header("X-A", "")
		logged.want(t, 502, "fallback: http://target.example: ")
	}
}

// TestGatewayTimeout runs in a bubble, where a minute takes no time.
func TestGatewayTimeout(t *testing.T) {
	t.Parallel()
	hangs := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	silence := func(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				_, _ = io.Copy(io.Discard, server)
				server.Close()
			}()
			return client, nil
		}
	}
	for _, tt := range []struct {
		name   string
		target string
		hangs  bool
		took   time.Duration
	}{
		{"connect", "http://target.example", true, 5 * time.Second},
		{"header", "http://target.example", false, time.Minute},
		{"TLS", "https://target.example", false, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := hangs
				if !tt.hangs {
					dial = silence(t)
				}
				logged := make(records, 9)
				api := testutil.New(t, everything(fallback.ToVia(tt.target, dial, nil), logged.wrap))
				start := time.Now()
				api.Get("/").Status(504).JSON(`{"error":"Gateway Timeout"}`)
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				logged.want(t, 504, "target.example")
			})
		})
	}
}

// TestCertificate: the target's is checked.
func TestCertificate(t *testing.T) {
	t.Parallel()
	target := httptest.NewUnstartedServer(http.HandlerFunc(echoTarget))
	target.EnableHTTP2 = true                           // not used: upgrades need HTTP/1.1
	target.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshake that fails
	target.StartTLS()
	t.Cleanup(target.Close)
	front(t, target.URL, testutil.HTTP).Get("/a").Status(502)
	config := target.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = nil
	testutil.Serve(t, everything(fallback.ToVia(target.URL, new(net.Dialer).DialContext, config)), testutil.HTTP).Get("/a?b").Status(200).Text("/a?b")
}

func TestRequestBodyErrors(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	logged := make(records, 9)
	r := apiroutes.New(logged.wrap)
	r.MaxBody(10).Mount("/small", fallback.To(target))
	r.Mount("/", fallback.To(target))
	for _, p := range protocols {
		api := testutil.Serve(t, r, p)
		big := strings.Repeat("x", 11)
		api.Post("/small", testutil.Body("a/b", big[1:])).Status(200)
		logged.none(t)
		api.Post("/small", testutil.Body("a/b", big)).Status(413).JSON(`{"error":"the body exceeds the limit of 10 bytes"}`)
		logged.want(t, 413, "too large")
		api.Post("/small", testutil.Stream("a/b", strings.NewReader(big))).Status(413)
		logged.want(t, 413, "too large")
		api.Post("/", testutil.Stream("a/b", strings.NewReader(strings.Repeat("x", 1<<20)))).Status(200)
		logged.none(t)
	}
	api := testutil.Serve(t, r, testutil.HTTP)
	api.Dial().Send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n").Response("POST").Status(400)
	logged.want(t, 400, "malformed")
	conn := api.Dial()
	conn.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	conn.Abort()
	logged.want(t, 499, "")
}

// TestReadTimeout: the server's limit for a body is the client's to keep.
func TestReadTimeout(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	server := httptest.NewUnstartedServer(everything(fallback.To(target)))
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 408 {
		t.Errorf("the client has %v, %v, want 408", res, err)
	}
}

func TestLoops(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		logged := make(records, 9)
		var calls atomic.Int32
		var one, a, b http.Handler
		count := func(h *http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				(*h).ServeHTTP(w, r)
			})
		}
		loop := testutil.Serve(t, count(&one), testutil.HTTP)
		serveA, serveB := testutil.Serve(t, count(&a), testutil.HTTP), testutil.Serve(t, count(&b), testutil.HTTP)
		one = everything(fallback.To(loop.URL("")), logged.wrap)
		a, b = everything(fallback.To(serveB.URL("")), logged.wrap), everything(fallback.To(strings.Replace(serveA.URL(""), "127.0.0.1", "localhost", 1)), logged.wrap)
		u, err := url.Parse(loop.URL(""))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name  string
			enter http.Handler
			calls int32 // behind the entrance
		}{{"one", one, 1}, {"two", a, 2}} {
			api := testutil.Serve(t, tt.enter, p)
			for _, edit := range []testutil.Edit{
				testutil.Header("Host", "x"),
				header("Via", "1.1 other, 1.0 one (a comment)"),
				header("Via", ""),
				header("Connection", "Via"), // removes it on one hop, as a client may
			} {
				if p == testutil.HTTP2 {
					edit = header("Via", "2 other")
				}
				calls.Store(0)
				r := api.Get("/x", edit).Status(508).JSON(`{"error":"Loop Detected"}`)
				if got := calls.Load(); got != tt.calls {
					t.Errorf("%s: %d calls, want %d", tt.name, got, tt.calls)
				}
				for name, values := range r.Result().Header {
					if strings.Contains(strings.Join(values, ","), u.Port()) && name != "Date" {
						t.Errorf("%s: %s: %q tells of the target", tt.name, name, values)
					}
				}
				logged.want(t, 508, "leads back here")
			}
		}
	})
}

// TestLoopNames: only the own name counts.
func TestLoopNames(t *testing.T) {
	t.Parallel()
	var name string
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_, name, _ = strings.Cut(r.Header.Get("Via"), " ")
	})
	api := front(t, target, testutil.HTTP)
	api.Get("/").Status(200)
	own := name
	if len(own) < 20 || strings.Contains(own, ":") {
		t.Errorf("the name is %q", own)
	}
	for via, want := range map[string]int{
		"1.1 " + own: 508, "HTTP/1.1 \t" + strings.ToUpper(own) + " (x)": 508, "1.0 a,1.1 " + own + ",1.1 b": 508,
		own: 200, "1.1 x" + own: 200, "1.1 " + own + "x": 200, "1.1 x (" + own + ")": 200, "": 200,
	} {
		api.Get("/", header("Via", via)).Status(want)
	}
	api.Get("/", header("Via", "1.1 a", "1.1 "+own)).Status(508)
	front(t, strings.Replace(target, "127.0.0.1", "localhost", 1), testutil.HTTP).Get("/", header("Via", "1.1 "+own)).Status(200)
	if got := fallbackName(t, "http://X.example"); got != fallbackName(t, "http://x.example:80/") || got == fallbackName(t, "http://x.example:81") {
		t.Errorf("the name of a target is %s", got)
	}
}

// fallbackName returns the name of a target.
func fallbackName(t *testing.T, target string) string {
	t.Helper()
	h := fallback.ToVia(target, func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			if r, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
				_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Via: "+r.Header.Get("Via")+"\r\n\r\n")
			}
		}()
		return client, nil
	}, nil)
	return testutil.New(t, everything(h)).Get("/").Result().Header.Get("X-Via")
}
