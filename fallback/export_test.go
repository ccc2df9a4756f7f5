package fallback

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// ToVia is To with another way to connect, and trust.
func ToVia(target string, dial func(ctx context.Context, network, address string) (net.Conn, error), config *tls.Config) http.Handler {
	u, err := parseTarget(target)
	if err != nil {
		panic(err)
	}
	up := newUpstream(u, dial)
	up.transport.TLSClientConfig = config
	return up.handler()
}
