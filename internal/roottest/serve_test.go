package roottest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
)

// The timeouts of Serve are constants, so a test of one takes as long as it is.
var slow = flag.Bool("slow", false, "also test the timeouts of Serve, which takes minutes, and a body of 1 GiB")

// serving is a call of Serve under test.
type serving struct {
	addr string
	stop context.CancelFunc
	done chan struct{} // closed when Serve has returned
	err  error         // what it returned, once done
}

// serve runs Serve on a free port until the test ends.
func serve(t *testing.T, parent context.Context, h http.Handler) *serving {
	t.Helper()
	ctx, stop := context.WithCancel(parent)
	s := &serving{stop: stop, done: make(chan struct{})}
	reported := make(chan net.Addr, 1)
	go func() {
		defer close(s.done)
		s.err = apiroutes.Serve(ctx, "127.0.0.1:0", h, func(a net.Addr) { reported <- a })
	}()
	t.Cleanup(func() {
		stop()
		<-s.done
	})
	select {
	case a := <-reported:
		s.addr = a.String()
	case <-s.done:
		t.Fatalf("Serve returned %v before it listened", s.err)
	}
	return s
}

// serveAwait receives from c, which must be ready within limit.
func serveAwait[T any](t *testing.T, what string, c <-chan T, limit time.Duration) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		t.Fatalf("%s: nothing after %v", what, limit)
		panic("unreachable")
	}
}

// serveDial opens a connection of the test's own, without a client's pool.
func serveDial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// serveGet sends text as a whole request and returns "status body".
func serveGet(addr, text string) string {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return err.Error()
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

const serveRequest = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

// serveRefused polls until nobody accepts connections: when a listener closes
// nothing tells.
func serveRefused(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; {
		conn, err := net.Dial("tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close()
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s still accepts connections (last error: %v)", addr, err)
		}
	}
}

func TestServeReportsItsAddress(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	first, second := make(chan net.Addr, 2), make(chan net.Addr, 2)
	done := make(chan error, 1)
	go func() {
		done <- apiroutes.Serve(ctx, "127.0.0.1:0", says("here"),
			func(a net.Addr) { first <- a }, func(a net.Addr) { second <- a })
	}()
	a := serveAwait(t, "first function", first, 5*time.Second)
	b := serveAwait(t, "second function", second, 5*time.Second)
	if a.String() != b.String() {
		t.Errorf("two functions were told %s and %s", a, b)
	}
	if tcp, ok := a.(*net.TCPAddr); !ok || tcp.Port == 0 || !tcp.IP.IsLoopback() {
		t.Errorf("reported %#v, want a loopback address with the port that was chosen", a)
	}
	if got := serveGet(a.String(), serveRequest); got != "200 here" {
		t.Errorf("at the reported address: %s", got)
	}
	stop()
	if err := serveAwait(t, "Serve", done, 5*time.Second); err != nil {
		t.Errorf("Serve returned %v after a graceful stop", err)
	}
	if len(first)+len(second) != 0 {
		t.Error("a listening function was called twice")
	}
}

type serveKey struct{}

// TestServeStopsGracefully holds a request while the server stops.
func TestServeStopsGracefully(t *testing.T) {
	t.Parallel()
	entered, released := make(chan context.Context, 1), make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release() // also when the test fails, or the server would wait for it
	ctx := context.WithValue(t.Context(), serveKey{}, "of ctx")
	s := serve(t, ctx, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		entered <- c.Context()
		<-released
		return c.Text(http.StatusOK, "finished "+fmt.Sprint(c.Context().Err()))
	}))
	answer := make(chan string, 1)
	go func() { answer <- serveGet(s.addr, serveRequest) }()
	request := serveAwait(t, "the handler", entered, 5*time.Second)

	s.stop()
	serveRefused(t, s.addr)
	select {
	case <-s.done:
		t.Fatalf("Serve returned %v while a request was under way", s.err)
	default:
	}
	if got := request.Value(serveKey{}); got != "of ctx" {
		t.Errorf("the request's context has the value %v, want ctx's", got)
	}
	if err := request.Err(); err != nil {
		t.Errorf("the end of ctx ended the request's context: %v", err)
	}
	release()
	if got := serveAwait(t, "the answer", answer, 5*time.Second); got != "200 finished <nil>" {
		t.Errorf("the request under way got %q", got)
	}
	serveAwait(t, "Serve", s.done, 5*time.Second)
	if s.err != nil {
		t.Errorf("Serve returned %v after a graceful stop", s.err)
	}
}

// TestServeStopClosesIdleConnections: a client that keeps its connection does
// not hold up the stop.
func TestServeStopClosesIdleConnections(t *testing.T) {
	t.Parallel()
	s := serve(t, t.Context(), says("hello"))
	conn := serveDial(t, s.addr)
	if _, err := io.WriteString(conn, serveRequest); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	resp, err := http.ReadResponse(reader, nil)
	if err != nil || resp.Close {
		t.Fatalf("the first request: %v, Connection: close is %t", err, resp != nil && resp.Close)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
		t.Fatalf("body %q, %v", body, err)
	}
	s.stop()
	serveAwait(t, "Serve", s.done, 5*time.Second)
	if s.err != nil {
		t.Errorf("Serve returned %v", s.err)
	}
	if b, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection gave %q, %v; want EOF", b, err)
	}
}

// TestServeReturnsWithListenerClosed: whoever waits for Serve may use the
// address again. A ctx that is done at once is the hard case, since serving
// and stopping begin together; a few hundred rounds meet both orders. It is
// not parallel: a test beside it could be given the port.
func TestServeReturnsWithListenerClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for round := range 300 {
		var addr string
		err := apiroutes.Serve(ctx, "127.0.0.1:0", says("never"), func(a net.Addr) { addr = a.String() })
		if err != nil {
			t.Fatalf("round %d: Serve returned %v", round, err)
		}
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			t.Fatalf("round %d: Serve has returned and %s still accepts connections", round, addr)
		}
	}
}

func TestServeCannotListen(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		addr string
		is   error // what errors.Is finds; nil: any
	}{
		{addr: taken.Addr().String(), is: syscall.EADDRINUSE},
		{addr: "127.0.0.1:70000"},
		{addr: "127.0.0.1"},
		{addr: "no port at all"},
	} {
		err := apiroutes.Serve(t.Context(), tt.addr, says("never"), func(a net.Addr) {
			t.Errorf("%s: reported to listen on %s", tt.addr, a)
		})
		var op *net.OpError
		switch {
		case err == nil:
			t.Errorf("%s: no error", tt.addr)
		case !errors.As(err, &op) || op.Op != "listen":
			t.Errorf("%s: %v, want the error of listening", tt.addr, err)
		case tt.is != nil && !errors.Is(err, tt.is):
			t.Errorf("%s: %v, want %v", tt.addr, err, tt.is)
		}
	}
}

// TestServeLimitsHeaders stays clear of the 4 KiB by which net/http exceeds
// its own limit.
func TestServeLimitsHeaders(t *testing.T) {
	t.Parallel()
	s := serve(t, t.Context(), says("fits"))
	for _, tt := range []struct {
		size int
		want string
	}{
		{60 << 10, "200"},
		{72 << 10, "431"}, // net/http alone accepts 1 MiB
		{900 << 10, "431"},
	} {
		line := "X: " + strings.Repeat("x", 1000) + "\r\n"
		request := strings.TrimSuffix(serveRequest, "\r\n") + strings.Repeat(line, tt.size/len(line)) + "\r\n"
		if got := serveGet(s.addr, request); !strings.HasPrefix(got, tt.want) {
			t.Errorf("a header of %d bytes: %s, want %s", tt.size, got, tt.want)
		}
	}
}

// serveLog is where slog writes for the duration of a test.
type serveLog chan string

func (l serveLog) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestServeLogsItsAddress replaces the default logger and so is not parallel.
func TestServeLogsItsAddress(t *testing.T) {
	lines := make(serveLog, 16)
	before, flags := slog.Default(), log.Flags()
	slog.SetDefault(slog.New(slog.NewJSONHandler(lines, nil)))
	defer func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr) // which SetDefault redirects for good
		log.SetFlags(flags)
	}()

	s := serve(t, t.Context(), says("told"))
	s.stop()
	<-s.done
	if len(lines) > 0 {
		t.Errorf("with a listening function the log has %s", <-lines)
	}

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- apiroutes.Serve(ctx, "127.0.0.1:0", says("logged")) }()
	defer func() {
		stop()
		<-done
	}()
	text := serveAwait(t, "the log", lines, 5*time.Second)
	var line struct{ Level, Msg, Addr string }
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("log line %s: %v", text, err)
	}
	if line.Level != "INFO" || line.Msg != "listening" {
		t.Errorf("log line %s: want the message listening at INFO", text)
	}
	if got := serveGet(line.Addr, serveRequest); got != "200 logged" {
		t.Errorf("at the logged address %q: %s", line.Addr, got)
	}
}

// TestServeTimeouts is a client that is slow in each way, and so waits for
// each limit that Serve's documentation states.
func TestServeTimeouts(t *testing.T) {
	if !*slow {
		t.Skip("takes minutes: run with -slow -parallel 8")
	}
	for _, tt := range []struct {
		name  string
		limit time.Duration
		send  string
		drip  bool // send one more byte every quarter of a second
		reads bool // read the answer; else the server fills the connection
	}{
		{"header", 5 * time.Second, "GET / HTTP/1.1\r\nHost: test\r\nX: ", true, true},
		{"body", 30 * time.Second, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n", true, true},
		{"answer", 60 * time.Second, "GET /endless HTTP/1.1\r\nHost: test\r\n\r\n", false, false},
		{"idle", 2 * time.Minute, serveRequest, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{}, 1)
			s := serve(t, t.Context(), serveSlowly(ended))
			conn, begin := serveDial(t, s.addr), time.Now()
			if _, err := io.WriteString(conn, tt.send); err != nil {
				t.Fatal(err)
			}
			if tt.drip {
				go serveDrip(conn)
			}
			if tt.reads {
				go func() {
					io.Copy(io.Discard, conn) // until the server closes
					ended <- struct{}{}
				}()
			}
			serveAwait(t, "the end of the connection", ended, tt.limit+10*time.Second)
			if took := time.Since(begin); took < tt.limit-time.Second || took > tt.limit+3*time.Second {
				t.Errorf("cut off after %v, want %v", took, tt.limit)
			}
		})
	}
}

// serveSlowly reads the body and, at /endless, answers until it cannot.
func serveSlowly(ended chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path != "/endless" {
			return
		}
		for part := make([]byte, 1<<20); ; {
			if _, err := w.Write(part); err != nil {
				ended <- struct{}{}
				return
			}
		}
	})
}

// serveDrip sends a byte now and then until the connection is gone.
func serveDrip(conn net.Conn) {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
	}
}

// TestServeCutsOffAfterGrace: a request that does not end within the grace
// learns so from its context, and Serve tells.
func TestServeCutsOffAfterGrace(t *testing.T) {
	if !*slow {
		t.Skip("takes ten seconds: run with -slow")
	}
	t.Parallel()
	entered, told := make(chan struct{}), make(chan error, 1)
	s := serve(t, t.Context(), apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		close(entered)
		<-c.Context().Done()
		told <- c.Context().Err()
		return c.Context().Err()
	}))
	answer := make(chan string, 1)
	go func() { answer <- serveGet(s.addr, serveRequest) }()
	serveAwait(t, "the handler", entered, 5*time.Second)
	begin := time.Now()
	s.stop()
	serveAwait(t, "Serve", s.done, 15*time.Second)
	if took := time.Since(begin); took < 9*time.Second {
		t.Errorf("the grace took %v, want 10 seconds", took)
	}
	if !errors.Is(s.err, context.DeadlineExceeded) {
		t.Errorf("Serve returned %v, want context.DeadlineExceeded", s.err)
	}
	if err := serveAwait(t, "the handler's context", told, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler was told %v", err)
	}
	if got := serveAwait(t, "the answer", answer, time.Second); strings.HasPrefix(got, "200") {
		t.Errorf("a request that was cut off got %s", got)
	}
}
