package testutil

import (
	"context"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
)

// memory is a listener whose connections stay in the process. They have no
// buffer: a write waits for its reader. All of it blocks on channels alone, as
// testing/synctest wants it.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memory) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- memoryConn{server}:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.closed) })
	return nil
}

// Addr is an address of TEST-NET-1 (RFC 5737), as in net/http/httptest.
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }

// memoryConn is the server's end. It has addresses that code can parse.
type memoryConn struct{ net.Conn }

func (memoryConn) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }
func (memoryConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234} }

// testLog passes what the server reports, such as a handler's panic, to the
// test, until that ends.
func testLog(t testing.TB) *log.Logger {
	w := &testWriter{t: t}
	t.Cleanup(w.end) // runs after the clean-up of the server, which is registered later
	return log.New(w, "", 0)
}

type testWriter struct {
	mu    sync.Mutex
	t     testing.TB
	ended bool
}

func (w *testWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.t.Log("server: " + strings.TrimSpace(string(p)))
	}
	return len(p), nil
}
