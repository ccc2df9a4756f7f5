package fallback

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	connectTimeout = 5 * time.Second
	headerTimeout  = 60 * time.Second // from the end of the request to the header of the answer
	// Node closes a connection that was idle for 5 seconds. A request that
	// is sent at that moment fails, and only some can be repeated.
	idleTimeout = 3 * time.Second
	maxIdle     = 100
)

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport returns the transport of one upstream. Proxy is not set: the
// target is a server of one's own, to be reached directly.
func newTransport(dial dialer) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // upgrades need it
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			return dial(ctx, network, address)
		},
		Protocols:             protocols,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   maxIdle,
		DisableCompression:    true, // what the client accepts is the target's to see
	}
}

// locate returns a URL for which net/http sends the target of r as the client
// sent it, or false if that is no path.
func (u *upstream) locate(r *http.Request) (*url.URL, bool) {
	sent := r.RequestURI
	if sent == "" {
		sent = r.URL.RequestURI()
	}
	if _, rest, absolute := strings.Cut(sent, "://"); absolute && sent[0] != '/' {
		// RFC 9112, section 3.2.2; the host is in r.Host.
		if at := strings.IndexAny(rest, "/?"); at < 0 {
			sent = "/"
		} else if sent = rest[at:]; sent[0] == '?' {
			sent = "/" + sent
		}
	}
	if sent == "" || sent[0] != '/' {
		return nil, false
	}
	path, query, asks := strings.Cut(sent, "?")
	to := &url.URL{Scheme: u.scheme, Host: u.host, RawQuery: escape(query, isVisible), ForceQuery: asks}
	if !strings.HasPrefix(path, "//") {
		to.Opaque = escape(path, isVisible) // sent as it is, where RawPath would be encoded anew for a quote
		return to, true
	}
	// An opaque "//x" would be sent as "http://x".
	to.RawPath = escape(path, isPath)
	path, err := url.PathUnescape(to.RawPath)
	to.Path = path
	return to, err == nil
}

// isVisible tells what a request line can hold in a target. HTTP/2 has no such
// line, and lets spaces through.
func isVisible(b byte) bool { return b > ' ' && b != 0x7f }

// isPath tells what net/url leaves alone in a RawPath.
func isPath(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		strings.IndexByte("/%-_.~!$&'()*+,;=:@[]", b) >= 0
}

// escape escapes the bytes of text that are not to be kept.
func escape(text string, keep func(byte) bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; keep(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
