package testutil

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Client sends requests to one handler, as a browser would: it keeps cookies,
// and follows redirects within the server. Each request returns a [Response]
// with expectations. No request of a Client reaches another machine.
//
// A Client is safe for concurrent use; see [Client.For] for parallel subtests.
// It reports failures with Errorf at the caller's line and never with Fatalf,
// so that it may be used from any goroutine. It works in clean-ups too, which
// run when the context of the test is already done.
type Client struct {
	t        testing.TB
	host     *host
	http     *http.Client
	edits    []Edit
	life     context.Context // of each request; ends with t
	patience time.Duration   // 0 is the default
}

// New returns a client for h in this process: a real server of net/http,
// spoken to through memory, at http://example.com. No port is opened. The
// server stops when the test ends, and a handler that does not is reported.
// The edits apply to each request.
//
// The panic of a handler goes to the log of the test; the client sees the
// connection break, as [Client.Fails] expects. Cookies with Secure come back
// although this is no HTTPS, as browsers send them to localhost.
//
// New works inside a bubble of [testing/synctest]: hours pass there in no time.
func New(t testing.TB, h http.Handler, edits ...Edit) *Client {
	t.Helper()
	return newClient(t, serveMemory(t, h), edits)
}

// Protocol is what a client of [Serve] speaks.
type Protocol string

// The protocols of Serve. With TLS the client trusts the server's certificate.
const (
	HTTP  Protocol = "HTTP/1.1"          // in the clear
	HTTPS Protocol = "HTTP/1.1 over TLS" // never HTTP/2
	HTTP2 Protocol = "HTTP/2 over TLS"   // negotiated by ALPN
)

// Serve is as [New], but over a listener on the loopback interface, with a
// port that the system chooses.
//
// Here connections are kept, and net/http repeats a GET whose kept connection
// breaks before an answer: a handler that panics may be called twice.
func Serve(t testing.TB, h http.Handler, p Protocol, edits ...Edit) *Client {
	t.Helper()
	return newClient(t, serveLoopback(t, h, p), edits)
}

func newClient(t testing.TB, h *host, edits []Edit) *Client {
	c := &Client{t: t, host: h, edits: edits, life: h.life}
	c.http = &http.Client{Transport: h.transport, CheckRedirect: h.checkRedirect}
	return c.Fresh()
}

// clone returns a copy that shares the server and the jar.
func (c *Client) clone() *Client {
	copied, client := *c, *c.http
	copied.http = &client
	return &copied
}

// For returns a client that reports to t, which is that of a subtest or a fuzz
// target as a rule. Its streams end when t does.
func (c *Client) For(t testing.TB) *Client {
	c = c.clone()
	var end context.CancelFunc
	c.life, end = context.WithCancel(c.life)
	t.Cleanup(end)
	c.t = t
	return c
}

// With returns a client that applies further edits to each request.
func (c *Client) With(edits ...Edit) *Client {
	c = c.clone()
	c.edits = append(c.edits[:len(c.edits):len(c.edits)], edits...)
	return c
}

// Fresh returns a client with an empty cookie jar: another browser.
func (c *Client) Fresh() *Client {
	c = c.clone()
	jar, _ := cookiejar.New(nil) // fails for no options
	c.http.Jar = localJar{jar}
	return c
}

// localJar sends cookies with Secure over plain HTTP too, whatever Host says.
type localJar struct{ http.CookieJar }

func (j localJar) Cookies(u *url.URL) []*http.Cookie {
	secure := *u
	secure.Scheme = "https"
	return j.CookieJar.Cookies(&secure)
}

// NoRedirects returns a client that returns a 3xx instead of following it.
// Others return it too if it leads to another scheme, host or port, and follow
// ten at most.
func (c *Client) NoRedirects() *Client {
	c = c.clone()
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Patience returns a client that waits d for what should come at once: an
// answer, the rest of its body, the next event. What comes later is a failure.
// The default is ten seconds, but a week in a bubble of [testing/synctest],
// where waiting takes no time, and with -timeout=0, as debuggers run tests.
func (c *Client) Patience(d time.Duration) *Client {
	c = c.clone()
	c.patience = d
	return c
}

func (c *Client) wait() time.Duration {
	if c.patience > 0 {
		return c.patience
	}
	return defaultPatience()
}

// HTTPClient returns the client beneath, for code that brings its own requests,
// such as a generated API client or a WebSocket library. It has the same jar
// and redirects and reaches the server whatever host a URL names (with TLS one
// that the certificate knows: example.com), but applies no edits.
func (c *Client) HTTPClient() *http.Client { return c.clone().http }

// URL returns the address of a target on the server. With [New] only
// [Client.HTTPClient] reaches it.
func (c *Client) URL(target string) string { return c.host.base.String() + target }

// Cookies returns the names and values that the jar would send to a target.
// Cookies of another host, by the edit Header("Host", ...), are not among them.
func (c *Client) Cookies(target string) []*http.Cookie {
	c.t.Helper()
	u, err := c.locate(target)
	if err != nil {
		c.t.Errorf("testutil: Cookies(%q): %v", target, err)
		return nil
	}
	return c.http.Jar.Cookies(u)
}

// locate makes the URL that sends a target byte for byte.
func (c *Client) locate(target string) (*url.URL, error) {
	target = strings.TrimPrefix(target, c.URL(""))
	u := *c.host.base
	if target == "*" {
		u.Opaque = target
		return &u, nil
	}
	if !strings.HasPrefix(target, "/") {
		return nil, fmt.Errorf("a target is a path, with or without a query, that begins with a slash")
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("the target has a space or control character: escape it, as %%20, or send raw bytes with Dial")
	}
	path, query, asked := strings.Cut(target, "?")
	u.RawPath, u.RawQuery, u.ForceQuery = path, query, asked && query == ""
	var err error
	if u.Path, err = url.PathUnescape(path); err != nil {
		u.Path = path
	}
	if u.EscapedPath() != path { // net/url would spell it in its own way
		if strings.HasPrefix(path, "//") {
			return nil, fmt.Errorf("net/http cannot send two slashes before this path: send raw bytes with Dial")
		}
		u.Opaque = path
	}
	return &u, nil
}
