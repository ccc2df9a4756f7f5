package middleware

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/apiroutes/apiroutes"
)

// RequestID gives each request an id, to find it in logs: a UUID of version 7
// (RFC 9562), whose random part comes from crypto/rand, which never fails. The
// id is in the answer's header X-Request-Id, in that of the request, where a
// proxy behind passes it on, and in the context; see [RequestIDFrom].
//
// An X-Request-Id that arrives is kept only if the peer of the connection, as
// [http.Request.RemoteAddr] has it, is in trusted, such as the addresses of
// your proxies, and if it is one value of 1 to 128 letters, digits and
// ._~+/=:@- characters. Any other is replaced. Without trusted each request
// gets an id of its own. X-Forwarded-For is not looked at, and an address
// without a port is that of no connection.
//
// Put it first, so that all middleware behind it, and every error, has the id.
// A request that has one from a RequestID further out keeps it. The request is
// changed in place, so that whoever is further out has the id too, once next has
// returned, but must not read the request in another goroutine meanwhile.
//
// RequestID panics if a prefix is invalid. The middleware is safe for concurrent
// use.
func RequestID(trusted ...netip.Prefix) apiroutes.Middleware {
	peers := make([]netip.Prefix, len(trusted))
	for i, prefix := range trusted {
		switch mapped := prefix.Addr().Is4In6(); {
		case !prefix.IsValid():
			panic(fmt.Sprintf("middleware: RequestID: trusted prefix %d is invalid: make it with netip.MustParsePrefix(\"10.0.0.0/8\"), or netip.PrefixFrom with bits that the address has", i))
		case mapped && prefix.Bits() < 96:
			panic(fmt.Sprintf("middleware: RequestID: trusted prefix %d, %v, has IPv4-mapped addresses and others: write it as one of IPv4, such as 10.0.0.0/8, or of IPv6", i, prefix))
		case mapped:
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		peers[i] = prefix
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			identify(w, r, peers)
			next.ServeHTTP(w, r)
		})
	}
}

// RequestIDFrom returns the id that [RequestID] gave to the request with that
// context, or "". It is safe for concurrent use.
func RequestIDFrom(ctx context.Context) string {
	if c := idContextOf(ctx); c != nil {
		return c.id[0]
	}
	return ""
}

const requestIDHeader = "X-Request-Id"

// idContext is a context with an id, which is the value of both headers too:
// one allocation for three.
type idContext struct {
	context.Context
	id [1]string
}

type idKey struct{}

// Value returns the context itself for idKey: a string would be copied to the
// heap.
func (c *idContext) Value(key any) any {
	if key == (idKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func idContextOf(ctx context.Context) *idContext {
	c, _ := ctx.Value(idKey{}).(*idContext)
	return c
}

// identify gives r an id. The context is set in the request that arrived, not
// in a copy: apiroutes notes in the request whether it is answered, and
// http.Server which temporary files are to be removed; who holds the original,
// further out, would not see it. It also saves the copy.
func identify(w http.ResponseWriter, r *http.Request, trusted []netip.Prefix) {
	parent := r.Context()
	header := w.Header()
	outer := idContextOf(parent)
	if again, _ := parent.(*idContext); again != nil && header.Get(requestIDHeader) != again.id[0] {
		// A test that serves one request twice: the answer is another one.
		parent, outer = again.Context, nil
	}
	if outer == nil {
		outer = &idContext{Context: parent}
		if outer.id[0] = inboundID(r, trusted); outer.id[0] == "" {
			outer.id[0] = newRequestID()
		}
		*r = *r.WithContext(outer)
	}
	header[requestIDHeader] = outer.id[:]
	r.Header[requestIDHeader] = outer.id[:]
}

// inboundID returns the id that r came with, if it is to be kept, or "".
func inboundID(r *http.Request, trusted []netip.Prefix) string {
	values := r.Header[requestIDHeader]
	if len(values) != 1 || len(trusted) == 0 || !isRequestID(values[0]) {
		return ""
	}
	// A middleware that believes X-Forwarded-For often leaves its first address
	// in RemoteAddr, without a port: that is whatever the client wrote.
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr := peer.Addr().Unmap().WithZone("") // a prefix contains no address with a zone
	for _, prefix := range trusted {
		if prefix.Contains(addr) {
			return values[0]
		}
	}
	return ""
}

// isRequestID decides which ids of others are kept: those that can do no harm
// in a log, a URL or a shell, whatever made them. An empty one counts as none.
func isRequestID(id string) bool {
	if len(id) > 128 {
		return false
	}
	for i := range len(id) {
		switch b := id[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		case b == '.', b == '_', b == '~', b == '+', b == '/', b == '=', b == ':', b == '@', b == '-':
		default:
			return false
		}
	}
	return true
}

// newRequestID returns a UUID of version 7: 48 bits of milliseconds, so that
// ids sort by time, and 74 random ones.
func newRequestID() string {
	var id [16]byte
	randomBytes(id[6:])
	now := uint64(time.Now().UnixMilli())
	binary.BigEndian.PutUint16(id[:], uint16(now>>32))
	binary.BigEndian.PutUint32(id[2:], uint32(now))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80

	var text [36]byte
	hex.Encode(text[:], id[:4])
	text[8] = '-'
	hex.Encode(text[9:], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:], id[10:])
	return string(text[:])
}

// randomBytes fills b from crypto/rand, of which more is read at once: a call for
// each id would be a tenth of what the middleware costs. No byte is used twice.
func randomBytes(b []byte) {
	r := randomness.Get().(*randomBuffer)
	if len(r.left) < len(b) {
		rand.Read(r.bytes[:])
		r.left = r.bytes[:]
	}
	r.left = r.left[copy(b, r.left):]
	randomness.Put(r)
}

type randomBuffer struct {
	bytes [400]byte
	left  []byte
}

var randomness = sync.Pool{New: func() any { return new(randomBuffer) }}
