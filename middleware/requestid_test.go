package middleware_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// idUUID is RFC 9562, version 7.
var idUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

const idHeader = "X-Request-Id"

// idHandler answers with the id of the context and that of the request's header.
func idHandler(c apiroutes.Context) error {
	return c.Text(http.StatusOK, middleware.RequestIDFrom(c.Context())+" "+strings.Join(c.Request().Header[idHeader], ","))
}

func idPrefixes(texts ...string) (prefixes []netip.Prefix) {
	for _, text := range texts {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

// idOf returns the one id that an answer has everywhere.
func idOf(t testing.TB, r *testutil.Response) string {
	t.Helper()
	ids := r.Result().Header[idHeader]
	if len(ids) != 1 {
		t.Fatalf("the answer has the ids %q", ids)
	}
	r.Status(200).Text(ids[0] + " " + ids[0])
	return ids[0]
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	r := apiroutes.New(middleware.RequestID())
	r.Get("/", idHandler)
	r.Get("/conflict", func(c apiroutes.Context) error { return apiroutes.Errorf(http.StatusConflict, "taken") })
	corsWays(t, r, func(t *testing.T, do corsDo) {
		seen := map[string]bool{}
		for range 3 {
			for _, inbound := range []testutil.Edit{corsHeader("X-None"), corsHeader(idHeader, "theirs"), corsHeader(idHeader, "a", "b")} {
				id := idOf(t, do("GET", "/", inbound))
				if !idUUID.MatchString(id) || seen[id] {
					t.Errorf("the id is %q, after %v", id, seen)
				}
				seen[id] = true
			}
		}
		for target, status := range map[string]int{"/conflict": 409, "/none": 404, "/%00": 400} {
			if id := do("GET", target).Status(status).Result().Header.Get(idHeader); !idUUID.MatchString(id) {
				t.Errorf("%d has the id %q", status, id)
			}
		}
		if id := do("DELETE", "/").Status(405).Result().Header.Get(idHeader); !idUUID.MatchString(id) {
			t.Errorf("405 has the id %q", id)
		}
	})
}

func TestRequestIDInbound(t *testing.T) {
	t.Parallel()
	trusted := idPrefixes("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "fe80::/10", "::ffff:198.51.100.0/120")
	h := middleware.RequestID(trusted...)(apiroutes.HandlerFunc(idHandler))
	trusted[0] = netip.MustParsePrefix("203.0.113.0/24") // is not seen any more
	long := strings.Repeat("a", 128)
	for _, tt := range []struct {
		peer string
		ids  []string
		kept bool
	}{
		{"10.1.2.3:1", []string{"theirs"}, true},
		{"192.0.2.7:1", []string{"theirs"}, true},
		{"[2001:db8::1]:1", []string{"theirs"}, true},
		{"[::ffff:10.1.2.3]:1", []string{"theirs"}, true}, // IPv4 on an IPv6 socket
		{"[::ffff:a01:203]:1", []string{"theirs"}, true},
		{"198.51.100.9:1", []string{"theirs"}, true}, // a prefix of IPv4-mapped addresses
		{"[fe80::1%eth0]:1", []string{"theirs"}, true},
		{"10.1.2.3:1", []string{"a"}, true},
		{"10.1.2.3:1", []string{long}, true},
		{"10.1.2.3:1", []string{"AZaz09._~+/=:@-"}, true},

		{"203.0.113.9:1", []string{"theirs"}, false},
		{"11.0.0.1:1", []string{"theirs"}, false},
		{"192.0.2.8:1", []string{"theirs"}, false},
		{"[2001:db9::1]:1", []string{"theirs"}, false},
		{"[::ffff:11.0.0.1]:1", []string{"theirs"}, false},
		{"[::a01:203]:1", []string{"theirs"}, false}, // IPv4-compatible is not IPv4-mapped
		{"198.51.101.9:1", []string{"theirs"}, false},
		{"10.1.2.3", []string{"theirs"}, false}, // no socket has it
		{"2001:db8::1", []string{"theirs"}, false},
		{"[2001:db8::1]", []string{"theirs"}, false},
		{"", []string{"theirs"}, false},
		{"@", []string{"theirs"}, false}, // a Unix socket
		{"10.1.2.3:", []string{"theirs"}, false},
		{"10.1.2.3:99999", []string{"theirs"}, false},
		{"10.1.2.3:1, 203.0.113.9:1", []string{"theirs"}, false},
		{"010.1.2.3:1", []string{"theirs"}, false},
		{"proxy:1", []string{"theirs"}, false},
		{"\x00", []string{"theirs"}, false},

		{"10.1.2.3:1", nil, false},
		{"10.1.2.3:1", []string{""}, false},
		{"10.1.2.3:1", []string{long + "a"}, false},
		{"10.1.2.3:1", []string{"a", "b"}, false},
		{"10.1.2.3:1", []string{"a", "a"}, false},
		{"10.1.2.3:1", []string{"a b"}, false},
		{"10.1.2.3:1", []string{"a,b"}, false},
		{"10.1.2.3:1", []string{"a\nb"}, false},
		{"10.1.2.3:1", []string{"a\x00"}, false},
		{"10.1.2.3:1", []string{"ä"}, false},
		{"10.1.2.3:1", []string{`a"`}, false},
		{"10.1.2.3:1", []string{"<script>"}, false},
		{"10.1.2.3:1", []string{"$(id)"}, false},
		{"10.1.2.3:1", []string{"a%0a"}, false},
		{"10.1.2.3:1", []string{"../a;"}, false},
	} {
		r := testutil.Call(t, h, "GET /", corsHeader(idHeader, tt.ids...), func(r *http.Request) { r.RemoteAddr = tt.peer },
			testutil.Header("X-Forwarded-For", "10.1.2.3"), testutil.Header("X-Real-Ip", "10.1.2.3"))
		if id := idOf(t, r); tt.kept && id != tt.ids[0] || !tt.kept && !idUUID.MatchString(id) {
			t.Errorf("%q from %q: got %q, kept: want %v", tt.ids, tt.peer, id, tt.kept)
		}
	}
	for b := range 256 {
		allowed := strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=:@-", rune(b))
		text := "a" + string([]byte{byte(b)})
		r := testutil.Call(t, h, "GET /", corsHeader(idHeader, text), func(r *http.Request) { r.RemoteAddr = "10.1.2.3:1" })
		if kept := idOf(t, r) == text; kept != allowed {
			t.Errorf("%q is kept: %v, want %v", text, kept, allowed)
		}
	}
}

// TestRequestIDPeer: over the wire the peer is this machine.
func TestRequestIDPeer(t *testing.T) {
	t.Parallel()
	for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTP2} {
		for network, kept := range map[string]bool{"127.0.0.0/8": true, "10.0.0.0/8": false} {
			api := testutil.Serve(t, middleware.RequestID(idPrefixes(network)...)(apiroutes.HandlerFunc(idHandler)), protocol)
			r := api.Get("/", testutil.Header(idHeader, "theirs"))
			if id := idOf(t, r); (id == "theirs") != kept {
				t.Errorf("%s, %s: got %q", protocol, network, id)
			}
		}
	}
}

func TestRequestIDMistakes(t *testing.T) {
	t.Parallel()
	valid := netip.MustParsePrefix("10.0.0.0/8")
	for _, tt := range []struct {
		prefix netip.Prefix
		want   string
	}{
		{netip.Prefix{}, "trusted prefix 1 is invalid: make it with"},
		{netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), 33), "trusted prefix 1 is invalid"},
		{netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), -1), "trusted prefix 1 is invalid"},
		{netip.MustParsePrefix("::ffff:0.0.0.0/95"), "::ffff:0.0.0.0/95, has IPv4-mapped addresses and others"},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, tt.want) {
					t.Errorf("%v: got %s", tt.prefix, text)
				}
			}()
			middleware.RequestID(valid, tt.prefix)
		}()
	}
	middleware.RequestID(netip.MustParsePrefix("::ffff:0.0.0.0/96"), netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
}

func TestRequestIDFrom(t *testing.T) {
	t.Parallel()
	type key struct{}
	if id := middleware.RequestIDFrom(context.WithValue(t.Context(), key{}, "x")); id != "" {
		t.Errorf("got %q", id)
	}
	h := middleware.RequestID()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), key{}, "y"), time.Hour)
		defer cancel()
		if id := middleware.RequestIDFrom(ctx); id == "" || id != w.Header().Get(idHeader) {
			t.Errorf("got %q", id)
		}
		if r.Context().Value(key{}) != "x" || ctx.Value(key{}) != "y" {
			t.Error("other values do not show through")
		}
		w.Header().Add(idHeader, "another")
		r.Header.Add(idHeader, "another")
		r.Header.Set(idHeader, "another")
		if id := middleware.RequestIDFrom(ctx); id == "another" {
			t.Error("a header of the handler changed the id")
		}
	}))
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "x"))
	defer cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
}

// TestRequestIDNested: a request has one id, also where an app with a RequestID
// is mounted in another, or behind what copies the request and has a header of
// its own. A request that a test serves twice has two.
func TestRequestIDNested(t *testing.T) {
	t.Parallel()
	id := middleware.RequestID()
	timeout := func(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Minute, "") }
	for name, chain := range map[string]apiroutes.Chain{"side by side": {id, id}, "behind a timeout": {id, timeout, id}, "once": {id}} {
		t.Run(name, func(t *testing.T) {
			var outer string
			h := apiroutes.Chain{chain[0], func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					outer = w.Header().Get(idHeader)
					next.ServeHTTP(w, r)
				})
			}}.Append(chain[1:]...).Then(apiroutes.HandlerFunc(idHandler))
			if got := idOf(t, testutil.Call(t, h, "GET /")); got != outer {
				t.Errorf("the ids are %q and %q", outer, got)
			}
			r := httptest.NewRequest("GET", "/", nil)
			var depth idDepth
			r = r.WithContext(&depth)
			seen := map[string]bool{}
			for range 10 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				r.Context().Value(idDepthKey{})
				seen[w.Header().Get(idHeader)] = true
			}
			if len(seen) != 10 {
				t.Errorf("10 answers to one request have %d ids", len(seen))
			}
			if depth.most > depth.first {
				t.Errorf("a look into the context takes %d calls at first and %d in the end", depth.first, depth.most)
			}
		})
	}
}

// idDepth is a context that notes how deep the calls are that reach it.
type idDepth struct {
	first, most int
}

func (d *idDepth) Deadline() (time.Time, bool) { return time.Time{}, false }
func (d *idDepth) Done() <-chan struct{}       { return nil }
func (d *idDepth) Err() error                  { return nil }

func (d *idDepth) Value(key any) any {
	if key == (idDepthKey{}) {
		depth := runtime.Callers(0, make([]uintptr, 1000))
		d.first, d.most = cmp.Or(d.first, depth), max(d.most, depth)
	}
	return nil
}

type idDepthKey struct{}

// TestRequestIDKeepsTheRequest: what is noted in the request reaches whoever is
// further out: here that it is answered.
func TestRequestIDKeepsTheRequest(t *testing.T) {
	t.Parallel()
	outer := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if r.Pattern != "/[id]" || middleware.RequestIDFrom(r.Context()) == "" {
				t.Errorf("the pattern is %q, the id %q", r.Pattern, middleware.RequestIDFrom(r.Context()))
			}
			fail(w, r, apiroutes.Errorf(http.StatusTeapot, "too late"))
		})
	}
	r := apiroutes.New()
	r.Get("/[id]", func(c apiroutes.Context) error { return c.Text(http.StatusOK, "answered") })
	h := apiroutes.Chain{outer, middleware.RequestID()}.Then(r)
	corsWays(t, h, func(t *testing.T, do corsDo) { do("GET", "/7").Status(200).Text("answered") })
}

// TestRequestIDOutlives: a goroutine that a handler leaves behind keeps its id.
func TestRequestIDOutlives(t *testing.T) {
	t.Parallel()
	var left sync.WaitGroup
	defer left.Wait()
	done := make(chan struct{})
	defer close(done)
	h := middleware.RequestID()(apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		id := middleware.RequestIDFrom(c.Context())
		left.Go(func() {
			<-done
			if late := middleware.RequestIDFrom(c.Context()); late != id || c.Header(idHeader) != id {
				t.Errorf("the id %q became %q", id, late)
			}
		})
		return c.NoContent(http.StatusNoContent)
	}))
	corsWays(t, h, func(t *testing.T, do corsDo) {
		for range 10 {
			do("GET", "/").Status(204)
		}
	})
}

// TestRequestIDUnique makes half a million ids, in two goroutines. Their
// milliseconds are those of now and never go back in one goroutine.
func TestRequestIDUnique(t *testing.T) {
	t.Parallel()
	const makers, each = 2, 250_000
	ids := make([][]string, makers)
	var wait sync.WaitGroup
	start := time.Now().UnixMilli()
	for i := range makers {
		wait.Go(func() {
			h := middleware.RequestID()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ids[i] = append(ids[i], middleware.RequestIDFrom(r.Context()))
			}))
			w, r := &corsCounter{header: http.Header{}}, httptest.NewRequest("GET", "/", nil)
			for range each {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
	wait.Wait()
	end := time.Now().UnixMilli()
	seen := make(map[string]struct{}, makers*each)
	for _, list := range ids {
		last := start
		for _, id := range list {
			ms, err := strconv.ParseInt(id[:8]+id[9:13], 16, 64)
			if err != nil || ms < last || ms > end {
				t.Fatalf("%q is of %d, between %d and %d (%v)", id, ms, last, end, err)
			}
			last = ms
			seen[id] = struct{}{}
		}
	}
	if len(seen) != makers*each {
		t.Errorf("%d of %d ids are different", len(seen), makers*each)
	}
}
