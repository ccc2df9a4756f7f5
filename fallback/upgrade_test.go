package fallback_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// switching answers 101 and echoes what comes then. gone is closed at the end
// of the connection.
func switching(gone chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer close(gone)
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Got: "+
			r.Header.Get("Connection")+" "+r.Header.Get("Upgrade")+r.Header.Get("Sec-WebSocket-Key")+"\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	}
}

const upgradeRequest = "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\nSec-WebSocket-Key: k\r\n\r\n"

func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, p := range []testutil.Protocol{testutil.HTTP, testutil.HTTPS} {
		for _, end := range []func(*testutil.Conn){(*testutil.Conn).Close, (*testutil.Conn).Abort} {
			gone := make(chan struct{})
			logged := make(records, 9)
			h := everything(fallback.To(upstream(t, switching(gone))), func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Request-Id", "7")
					next.ServeHTTP(w, r)
				})
			}, logged.wrap)
			conn := testutil.Serve(t, h, p).Dial()
			conn.Send(upgradeRequest).Response("GET").Status(101).
				Header("X-Got", "Upgrade echok").Header("Upgrade", "echo").Header("X-Request-Id", "7")
			for _, text := range []string{"hello", "\x00\xff", "again"} {
				if got := conn.Send(text).Read(len(text)); got != text {
					t.Errorf("%q came back, want %q", got, text)
				}
			}
			end(conn)
			await(t, "the end of the target's connection", gone)
			logged.none(t)
		}
	}
}

// TestUpgradeEnds when the target closes.
func TestUpgradeEnds(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nbye")
		conn.Close()
	})
	conn := front(t, target, testutil.HTTP).Dial()
	conn.Send(upgradeRequest).Response("GET").Status(101)
	if got := conn.Read(3); got != "bye" {
		t.Errorf("%q", got)
	}
	conn.Closed()
}

// TestUpgradeRefused: a target that switches to what nobody asked for, whose
// connection must not be left open, and a client that asks for nonsense.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		gone := make(chan struct{})
		dial := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer close(gone)
				in := bufio.NewReader(server)
				if _, err := http.ReadRequest(in); err == nil {
					_, _ = io.WriteString(server, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: evil\r\nX-A: b\r\n\r\n")
				}
				_, _ = io.Copy(io.Discard, in)
			}()
			return client, nil
		}
		logged := make(records, 9)
		api := testutil.Serve(t, everything(fallback.ToVia("http://target.example", dial, nil), logged.wrap), p)
		api.Post("/").Status(502).JSON(`{"error":"Bad Gateway"}`).Header("X-A", "")
		logged.want(t, 502, "target.example")
		await(t, "the end of the target's connection", gone)
	})
	conn := front(t, upstream(t, echoTarget), testutil.HTTP).Dial()
	conn.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: \xff\r\n\r\n").Response("GET").Status(400)
}

// goneWriter is one of a client that goes away when its connection is taken.
type goneWriter struct{ http.ResponseWriter }

func (w goneWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		conn.Close()
	}
	return conn, rw, err
}

// TestUpgradeClientGone: that is no failure of the target.
func TestUpgradeClientGone(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	logged := make(records, 9)
	h := everything(fallback.To(upstream(t, switching(gone))), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(recordWriter{goneWriter{w}, logged}, r) })
	})
	conn := testutil.Serve(t, h, testutil.HTTP).Dial()
	conn.Send(upgradeRequest).Closed()
	logged.want(t, 499, "")
	await(t, "the end of the target's connection", gone)
}
