package roottest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// beego CVE-2022-31259, CVE-2021-30080: "/a.xml/b/" matched more than was
// written. Whatever is served must match its pattern segment by segment.
func TestSecurityMatchesAsWritten(t *testing.T) {
	patterns := []string{"/", "/a", "/a/b", "/a/[p]", "/[p]/b", "/a.xml", "/a/b/c", "/[p]/[q]/c", "/a/[...r]", "/x/[[...r]]", "/a.b/c"}
	matches := func(pattern string, segments []string) bool {
		want := strings.Split(strings.Trim(pattern, "/"), "/")
		if pattern == "/" {
			want = nil
		}
		for i, w := range want {
			if strings.HasPrefix(w, "[[...") {
				return true
			}
			if i >= len(segments) {
				return false
			}
			if strings.HasPrefix(w, "[...") {
				return true
			}
			if w[0] != '[' && w != segments[i] {
				return false
			}
		}
		return len(want) == len(segments)
	}
	r := mountRoutes(patterns...)
	random := rand.New(rand.NewPCG(7, 8))
	texts := []string{"a", "b", "c", "x", "a.xml", "a.b", "b.json", "A", "a%2Fb", "a;b", ".a", "ab", "a%20"}
	served := 0
	for range 20_000 {
		var pieces, segments []string
		for range random.IntN(5) {
			pieces = append(pieces, texts[random.IntN(len(texts))])
			plain, _ := url.PathUnescape(pieces[len(pieces)-1])
			segments = append(segments, plain)
		}
		target := "/" + strings.Join(pieces, "/")
		w := testutil.Call(t, r, "GET "+target)
		some := slices.ContainsFunc(patterns, func(p string) bool { return matches(p, segments) })
		ok := w.Result().StatusCode == 200
		if some != ok {
			t.Fatalf("%s: %s, but a pattern matches: %t", target, brief(w), some)
		}
		if ok {
			served++
			if !matches(string(w.Bytes()), segments) {
				t.Fatalf("%s was served by %s", target, w.Bytes())
			}
		}
	}
	if served < 2000 {
		t.Errorf("%d served: too few", served)
	}
}

// chi GHSA-vrw8-fxc6-2r93 and GHSA-mqqf-5wvp-8fh8, echo CVE-2022-40083, Traefik
// CVE-2024-52003: redirects took Host, a forwarded prefix, or "/\evil".
func TestSecurityRedirectsStayLocal(t *testing.T) {
	r := apiroutes.New()
	r.Handle("/[[...all]]", says("x"))
	api := pathServer(t, r)
	for _, target := range []string{"//evil.example/", `/\evil.example/`, `/\/evil.example/`, "//evil.example/%2e./", "/%5Cevil.example/", "/%2F%2Fevil.example/", "///evil.example", "//evil.example//..%2F/", "http://evil.example//x/", "//user:pass@evil.example/", "//%0D%0ALocation:%20x/", "/x/?//evil.example"} {
		want := pathSend(t, api, "GET "+target).Result()
		location := want.Header.Get("Location")
		if strings.Contains(target, "%2e.") {
			if want.StatusCode != 400 {
				t.Errorf("%s: got %d, want 400", target, want.StatusCode)
			}
			continue
		}
		path, _, _ := strings.Cut(location, "?")
		if want.StatusCode != 308 || !strings.HasPrefix(path, "../") || strings.Contains(path, "//") || strings.Contains(path, `\`) || strings.Contains(path, "://") {
			t.Errorf("%s: got %d to %q", target, want.StatusCode, location)
		}
		for _, headers := range [][]string{
			{"Host: evil.example"}, {"Host: evil.example:99"}, {"X-Forwarded-Host: evil.example"}, {"X-Forwarded-Prefix: //evil.example"}, {"X-Forwarded-Prefix: /\\evil.example"},
			{"X-Forwarded-Proto: javascript"}, {"Forwarded: host=evil.example"}, {"X-Original-URL: //evil.example"}, {"X-Forwarded-Uri: //evil.example"}, {"Referer: https://evil.example"}, {"Origin: https://evil.example"},
		} {
			got := pathSend(t, api, "GET "+target, headers...).Result()
			if got.StatusCode != want.StatusCode || got.Header.Get("Location") != location {
				t.Errorf("%s with %v: got %d to %q, want %q", target, headers, got.StatusCode, got.Header.Get("Location"), location)
			}
		}
	}
}

// Fiber CVE-2026-25882: an array of fixed size for parameters was overrun.
func TestSecurityParameterCount(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 6, 15, 16, 17, 29, 30, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 257, 500, 1000, 2000} {
		if raceEnabled && n > 300 {
			break
		}
		var pattern, target strings.Builder
		for i := range n {
			fmt.Fprintf(&pattern, "/[p%d]", i)
			fmt.Fprintf(&target, "/v%d", i)
		}
		for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
			var wrong []int
			r := apiroutes.New(mw...)
			r.Get(pattern.String()+"/[...rest]", func(c apiroutes.Context) error {
				for i := 0; i < n; i += max(1, n/100) {
					if c.Param(fmt.Sprintf("p%d", i)) != fmt.Sprintf("v%d", i) {
						wrong = append(wrong, i)
					}
				}
				if last := c.Param(fmt.Sprintf("p%d", n-1)); last != fmt.Sprintf("v%d", n-1) || c.Param("rest") != "end/x" {
					wrong = append(wrong, n-1)
				}
				return nil
			})
			if w := testutil.Call(t, r, "GET "+target.String()+"/end/x"); w.Result().StatusCode != 200 || len(wrong) > 0 {
				t.Errorf("%d parameters: status %d, wrong: %v", n, w.Result().StatusCode, wrong)
			}
			for extra := range 3 { // a segment too few, none, one too many
				target := strings.Repeat("/v", n-1+extra)
				if w := testutil.Call(t, r, "GET /"+strings.TrimPrefix(target, "/")); (w.Result().StatusCode == 200) != (extra == 2) {
					t.Errorf("%d parameters and the rest from %d segments: %d", n, n-1+extra, w.Result().StatusCode)
				}
			}
		}
	}
}

// gin CVE-2020-28483, chi GHSA-3fxj-6jh8-hvhx, GHSA-rjr7-jggh-pgcp and
// GHSA-9g5q-2w5x-hmxf, Fiber CVE-2023-41338 and CVE-2026-45045: a forwarded address was
// believed. Here RemoteAddr stays the socket's peer.
func TestSecurityRemoteAddr(t *testing.T) {
	r := apiroutes.New(tag("new"))
	r.Get("/", func(c apiroutes.Context) error { return c.Text(200, c.Request().RemoteAddr) })
	peer := testutil.Serve(t, r, testutil.HTTP).Get("/", func(r *http.Request) {
		for _, name := range secHeaders {
			r.Header.Set(name, "203.0.113.9")
		}
	}).Bytes()
	if !strings.HasPrefix(string(peer), "127.0.0.1:") {
		t.Errorf("RemoteAddr %q", peer)
	}
}

// Go CVE-2025-47910: an exemption from cross-origin protection was decided on
// a path that a mux would redirect, and the handler then got the unclean one.
func TestSecurityExemptions(t *testing.T) {
	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern("/hook/")
	byPattern := apiroutes.New(protection.Handler)
	byPattern.Post("/transfer", says("transferred"))
	byPattern.Post("/hook/[...rest]", says("hook"))
	byView := apiroutes.New()
	byView.With(http.NewCrossOriginProtection().Handler).Post("/transfer", says("transferred"))
	byView.Post("/hook/[...rest]", says("hook"))
	for name, h := range map[string]http.Handler{"by pattern": byPattern, "by view": byView, "serving unclean paths": byView.Slashes(apiroutes.SlashServe)} {
		for _, target := range []string{"/transfer", "//transfer", "/transfer/", "/hook/../transfer", "/hook/%2e%2e/transfer", "/hook//../transfer", "/hook/..%2Ftransfer", "//hook/../transfer", "/hook%2F..%2Ftransfer", "/hook/x/../../transfer", "/hook/x"} {
			w := testutil.Call(t, h, "POST "+target, testutil.Header("Sec-Fetch-Site", "cross-site"))
			if strings.Contains(string(w.Bytes()), "transferred") || (w.Result().StatusCode == 200) != (target == "/hook/x" || target == "/hook/..%2Ftransfer") {
				t.Errorf("%s: cross-site POST %s: got %s", name, target, brief(w))
			}
		}
	}
}

// secMutate spells a path in another way, or makes another path of it.
func secMutate(random *rand.Rand, target string) string {
	at := random.IntN(len(target))
	if random.IntN(2) == 0 { // at a slash
		for range len(target) {
			if target[at] == '/' {
				break
			}
			at = (at + 1) % len(target)
		}
	}
	before, c, after := target[:at], target[at], target[at+1:]
	switch random.IntN(14) {
	case 0:
		return before + fmt.Sprintf("%%%02X", c) + after
	case 1:
		return before + fmt.Sprintf("%%%02x", c) + after
	case 2:
		return before + fmt.Sprintf("%%25%02x", c) + after
	case 3:
		return before + strings.ToUpper(string(c)) + after
	case 4:
		return before + "//" + after
	case 5:
		return before + "/./" + after
	case 6:
		return before + "/x/../" + after
	case 7:
		return before + "/%2e%2E/" + after
	case 8:
		return before + "%2F" + after
	case 9:
		return before + "%2F..%2f" + after
	case 10:
		return before + []string{`\`, ";", "%00", "%20", "#", "é", "*"}[random.IntN(7)] + string(c) + after
	case 11:
		return target + []string{"/", "//", "/.", "%2F", "/x", ".json", "?x=/../"}[random.IntN(7)]
	case 12:
		return before + "/" + after
	}
	return "/.." + target
}

// secSeen is what became of one request.
type secSeen struct {
	guarded, handled string // patterns for which guard and guarded handler ran
	mounted          string // the path that the mounted handler may read
	caught           string // what the unguarded catch-all got
}

// secGuarded is a router whose guarded routes stand below an unguarded mount,
// and beside an unguarded catch-all.
func secGuarded(policy apiroutes.SlashPolicy, seen *secSeen) *apiroutes.Router {
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.guarded = r.Pattern
			next.ServeHTTP(w, r)
		})
	}
	handler := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		seen.handled = c.Request().Pattern
		return nil
	})
	r := apiroutes.New().Slashes(policy)
	admin := r.Group("/api/admin", guard)
	admin.Get("/secret", handler)
	admin.Get("/user/[id]", handler)
	admin.Handle("/files/[...rest]", handler)
	admin.Mount("/inner", handler)
	r.Mount("/api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.mounted = path.Clean("/api" + path.Clean("/"+r.URL.Path))
	}))
	r.Get("/[...all]", func(c apiroutes.Context) error {
		seen.caught = c.Param("all")
		return nil
	})
	return r
}

// secIsGuarded reports whether a clean path is one of secGuarded's guard.
func secIsGuarded(p string) bool {
	rest, ok := strings.CutPrefix(p, "/api/admin/")
	first, tail, more := strings.Cut(rest, "/")
	return ok && (rest == "secret" || first == "user" && more && !strings.Contains(tail, "/") || first == "files" && more || first == "inner")
}

// Must hold: whenever a guarded handler runs, its guard ran, by whatever
// spelling it was reached; and what stands unguarded beside it never gets a
// path that it could read as the guarded one.
func TestSecurityGuardedWhateverSpelling(t *testing.T) {
	var seen secSeen
	routers := []*apiroutes.Router{secGuarded(apiroutes.SlashRedirect, &seen), secGuarded(apiroutes.SlashServe, &seen), secGuarded(apiroutes.SlashNotFound, &seen)}
	starts := []string{"/api/admin/secret", "/api/admin/user/7", "/api/admin/files/a/b", "/api/admin/inner", "/api/admin/inner/x", "/api/open"}
	random := rand.New(rand.NewPCG(9, 10))
	requests := 60_000
	if raceEnabled {
		requests /= 10
	}
	kinds := map[string]int{}
	for i := range requests {
		target := starts[random.IntN(len(starts))]
		for range random.IntN(4) {
			target = secMutate(random, target)
		}
		u, err := url.ParseRequestURI(target)
		if err != nil || target[0] != '/' {
			continue
		}
		seen = secSeen{}
		req := &http.Request{Method: "GET", URL: u, RequestURI: target, Header: http.Header{}}
		req.Header.Set(secHeaders[random.IntN(len(secHeaders))], secValues[random.IntN(len(secValues))])
		w := &pathWriter{header: http.Header{}, status: 200}
		routers[i%3].ServeHTTP(w, req)
		if seen.handled != "" && seen.guarded != seen.handled {
			t.Fatalf("GET %s ran the handler of %s, guarded: %q", target, seen.handled, seen.guarded)
		}
		if secIsGuarded(seen.mounted) {
			t.Fatalf("policy %d: GET %s: the mounted handler got what it may read as %s", i%3, target, seen.mounted)
		}
		kinds[fmt.Sprint(w.status, " guarded:", seen.handled != "", " mounted:", seen.mounted != "", " caught:", seen.caught != "")]++
	}
	for _, kind := range []string{"200 guarded:true mounted:false caught:false", "200 guarded:false mounted:true caught:false", "200 guarded:false mounted:false caught:true",
		"308 guarded:false mounted:false caught:false", "400 guarded:false mounted:false caught:false"} {
		if kinds[kind] < requests/100 {
			t.Errorf("%s: %d of %d requests, too few to prove anything: %v", kind, kinds[kind], requests, kinds)
		}
	}
}

// Must hold: ".", "..", empty, NUL and invalid segments never reach a handler
// as a parameter, of a route or in the prefix of a mount, under any policy.
func TestSecurityParameterValues(t *testing.T) {
	var values []string
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { values = append(values, r.PathValue("p")) })
	native := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		values = append(append(values, c.Param("p")), c.Segments("rest")...)
		return nil
	})
	random := rand.New(rand.NewPCG(11, 12))
	served := 0
	for i := range 3 {
		for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
			r := apiroutes.New(mw...).Slashes(apiroutes.SlashPolicy(i))
			r.Handle("/[p]", native)
			r.Handle("/[p]/a", plain)
			r.Mount("/a/[p]", plain)
			r.Handle("/[p]/b/[...rest]", native)
			for range 5000 {
				target := []string{"/", "/a/", "/%61/"}[random.IntN(3)] + pathRandom(random) + []string{"", "", "/a", "/b/" + pathRandom(random)}[random.IntN(4)]
				u, err := url.ParseRequestURI(target)
				if err != nil || target[0] != '/' {
					continue
				}
				values = values[:0]
				r.ServeHTTP(&pathWriter{header: http.Header{}}, &http.Request{Method: "GET", URL: u, RequestURI: target})
				for _, v := range values {
					served++
					if v == "" || v == "." || v == ".." || strings.Contains(v, "\x00") || !utf8.ValidString(v) {
						t.Fatalf("policy %d: %s gave a handler the value %q", i, target, v)
					}
				}
			}
		}
	}
	if served < 5000 {
		t.Errorf("%d values seen: too few", served)
	}
}

// Must hold: 405 with the full Allow, HEAD for every GET, 404 before 405.
func TestSecurityMethods(t *testing.T) {
	r := secRoutes()
	for _, route := range r.Routes() {
		target := strings.NewReplacer("[...rest]", "r/r", "[...all]", "all", "[id]", "7").Replace(route.Pattern)
		get, head, unknown := testutil.Call(t, r, "GET "+target), testutil.Call(t, r, "HEAD "+target), testutil.Call(t, r, "UNKNOWN "+target)
		if get.Result().StatusCode == 200 && (head.Result().StatusCode != 200 || trace(head) != trace(get)) {
			t.Errorf("%s: GET gives %s through %s, HEAD %s through %s", target, brief(get), trace(get), brief(head), trace(head))
		}
		if allow := unknown.Result().Header.Get("Allow"); !route.Mount && (unknown.Result().StatusCode != 405 || !strings.Contains(allow, route.Method) || !strings.Contains(allow, "OPTIONS") || trace(unknown) != trace(get)) {
			t.Errorf("%s: an unknown method gives %s through %q", target, brief(unknown), trace(unknown))
		}
	}
	if got := brief(testutil.Call(t, mountRoutes("/a/[id]"), "UNKNOWN /a")); got != `404 {"error":"Not Found"}` {
		t.Errorf("an unknown method without a path: %s", got)
	}
}

// A plain handler below a catch-all reads URL.Path, where an encoded slash is a
// slash: it must not be given the path of a guarded route in that disguise. A
// handler with a Context sees the segments, and an inner router reads the path
// as the outer one does, so both get it.
func TestSecurityCatchAllOfPlainHandler(t *testing.T) {
	reads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "read "+r.URL.Path) })
	inner := apiroutes.New()
	inner.Get("/[...rest]", says("inner"))
	tests := []struct {
		open http.Handler
		path string
		want string
	}{
		{reads, "/files/private/x", "200 guarded"},
		{reads, "/files/private%2Fx", "400"},
		{reads, "/files/private%2fx", "400"},
		{reads, "/files/a%2F..%2Fprivate%2Fx", "400"},
		{reads, "/files/a/..%2Fprivate/x", "400"},
		{reads, "/files//private%2Fx", "400"}, // an unclean path is served as its clean form
		{reads, "/files/public%2Fx", "200 read /files/public/x"},
		{says("context"), "/files/private%2Fx", "200 context"},
		{inner, "/files/private%2Fx", "200 inner"},
	}
	for _, test := range tests {
		r := apiroutes.New().Slashes(apiroutes.SlashServe)
		r.Handle("/files/[...rest]", test.open)
		r.Get("/files/private/[...rest]", says("guarded"))
		if got := brief(testutil.Call(t, r, "GET "+test.path)); got != test.want && !(test.want == "400" && strings.HasPrefix(got, "400 ")) {
			t.Errorf("%T, %s: %s, want %s", test.open, test.path, got, test.want)
		}
	}
}
