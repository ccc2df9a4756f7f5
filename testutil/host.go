package testutil

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// defaultPatience is how long the harness waits for what should come at once.
// It only bounds failures.
func defaultPatience() time.Duration {
	const (
		usual = 10 * time.Second
		long  = 7 * 24 * time.Hour
	)
	if time.Now().Year() < 2020 { // the clock of a bubble of testing/synctest starts in 2000
		return long
	}
	if f := flag.Lookup("test.timeout"); f != nil && f.Value.String() == "0s" {
		return long
	}
	return usual
}

// host is a running server and the ways to it.
type host struct {
	base      *url.URL
	transport *http.Transport
	dial      func(ctx context.Context) (net.Conn, error)
	life      context.Context // of requests, on both sides; ends before the server
	end       context.CancelFunc
	log       *log.Logger

	mu      sync.Mutex
	running map[*http.Request]string // the calls of the handler that are under way
	closing bool
	idle    chan struct{} // closed when closing and nothing runs
}

func newHost(t testing.TB, h http.Handler) *host {
	t.Helper()
	if h == nil {
		t.Fatalf("testutil: the handler is nil")
	}
	s := &host{log: testLog(t), running: map[*http.Request]string{}, idle: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background()) // not of t: clean-ups send requests too
	return s
}

// setUp makes a server ready for h. The contexts of its requests end with the
// test: net/http alone ends them when a client is gone only if the handler has
// read the body.
func (s *host) setUp(server *http.Server, h http.Handler) {
	server.Handler = s.around(h)
	server.ErrorLog = s.log
	server.BaseContext = func(net.Listener) context.Context { return s.life }
}

// around keeps the list of calls of h that are under way, and logs panics: the
// server itself may do so later than it tells the client, when nobody waits.
func (s *host) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.RequestURI
		if !s.enter(r, line) {
			panic(http.ErrAbortHandler)
		}
		defer s.leave(r)
		defer func() {
			v := recover()
			if v == nil {
				return // or runtime.Goexit, by t.FailNow
			}
			if v != http.ErrAbortHandler {
				s.log.Printf("%s: panic: %v\n%s", line, v, debug.Stack())
			}
			panic(http.ErrAbortHandler)
		}()
		h.ServeHTTP(w, r)
	})
}

func (s *host) enter(r *http.Request, line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.running[r] = line
	}
	return !s.closing
}

func (s *host) leave(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, r)
	if s.closing && len(s.running) == 0 {
		close(s.idle)
	}
}

// stopped waits until no handler runs, and names those that do not end although
// their connections are closed.
func (s *host) stopped(wait time.Duration) string {
	s.mu.Lock()
	s.closing = true
	if len(s.running) == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-s.idle:
	case <-late.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Values(s.running)), ", ")
}

// checkRedirect stops at what leads elsewhere. The answer is then the 3xx.
func (s *host) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > 10 { // the first of which is no redirect
		return errors.New("stopped after 10 redirects")
	}
	if req.URL.Scheme != s.base.Scheme || req.URL.Host != s.base.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// serveLoopback serves h on the loopback interface until the test ends.
func serveLoopback(t testing.TB, h http.Handler, p Protocol) *host {
	t.Helper()
	s := newHost(t, h)
	if p != HTTP && p != HTTPS && p != HTTP2 {
		t.Fatalf("testutil: Serve: no protocol %q", p)
	}
	server := httptest.NewUnstartedServer(nil)
	s.setUp(server.Config, h)
	switch p {
	case HTTP:
		server.Start()
	case HTTPS:
		server.StartTLS()
	case HTTP2:
		server.EnableHTTP2 = true
		server.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}} // a Conn speaks the latter
		server.StartTLS()
	}
	address := server.Listener.Addr().String()
	connect := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	s.transport = server.Client().Transport.(*http.Transport)
	s.dial = connect
	if p != HTTP {
		config := s.transport.TLSClientConfig.Clone()
		config.NextProtos = []string{"http/1.1"}
		s.dial = func(ctx context.Context) (net.Conn, error) {
			return (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
		}
	}
	s.start(t, server.URL, connect, server.Config, server.Close)
	return s
}

// serveMemory serves h through memory until the test ends.
func serveMemory(t testing.TB, h http.Handler) *host {
	t.Helper()
	s := newHost(t, h)
	listener := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := new(http.Server)
	s.setUp(server, h)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	// A connection for each request: net/http would repeat a GET whose kept
	// connection breaks, and call a handler that panics twice.
	s.transport = &http.Transport{MaxIdleConnsPerHost: -1}
	s.dial = listener.dial
	s.start(t, "http://example.com", s.dial, server, func() { <-served })
	return s
}

// start completes s. When the test ends, it closes the server; joined is called
// when no handler runs any more.
func (s *host) start(t testing.TB, address string, connect func(context.Context) (net.Conn, error), server *http.Server, joined func()) {
	t.Helper()
	var err error
	if s.base, err = url.Parse(address); err != nil {
		t.Fatalf("testutil: %v", err) // an address that net itself made
	}
	s.transport.DisableCompression = true // tests see what was sent
	s.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return connect(ctx) }
	t.Cleanup(func() {
		t.Helper()
		s.end()
		s.transport.CloseIdleConnections()
		server.Close()
		wait := defaultPatience()
		if running := s.stopped(wait); running != "" {
			t.Errorf("testutil: a handler still runs %v after its server was closed: %s", wait, running)
			return
		}
		joined()
	})
}
