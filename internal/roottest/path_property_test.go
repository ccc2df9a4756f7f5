package roottest

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
)

// pathReference reads a path in the plainest way: it is split at its slashes
// and each piece is decoded once, if it came encoded. status is 400 for what
// no handler may see, 308 for an unclean path, 200 otherwise.
func pathReference(path string, encoded bool) (segments []string, status int) {
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	if path == "/" {
		return nil, http.StatusOK
	}
	status = http.StatusOK
	for _, piece := range strings.Split(path[1:], "/") {
		if encoded {
			var err error
			if piece, err = url.PathUnescape(piece); err != nil {
				return nil, http.StatusBadRequest
			}
		}
		switch {
		case piece == "":
			status = http.StatusPermanentRedirect
		case piece == ".", piece == "..", strings.Contains(piece, "\x00"), !utf8.ValidString(piece):
			return nil, http.StatusBadRequest
		default:
			segments = append(segments, piece)
		}
	}
	return segments, status
}

// pathReader is a router that takes a path apart in one way, and what it saw.
type pathReader struct {
	name     string
	router   *apiroutes.Router
	segments []string
	served   bool
	mismatch string // between two ways to read the same parameter
}

// newPathReader registers patterns that together match every path. Each
// handler gathers the segments from its parameters.
func newPathReader(name string, patterns []string, mw ...apiroutes.Middleware) *pathReader {
	p := &pathReader{name: name, router: apiroutes.New(mw...)}
	for _, pattern := range patterns {
		var single []string
		for _, s := range []string{"a", "b"} {
			if strings.Contains(pattern, "["+s+"]") {
				single = append(single, s)
			}
		}
		rest := strings.Contains(pattern, "...rest]")
		p.router.Handle(pattern, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			p.served = true
			for _, s := range single {
				p.segments = append(p.segments, c.Param(s))
			}
			if rest {
				tail := c.Segments("rest")
				p.segments = append(p.segments, tail...)
				if c.Param("rest") != strings.Join(tail, "/") {
					p.mismatch = "Param and Segments of the catch-all differ"
				}
			}
			for _, s := range append(slices.Clone(single), "rest") {
				if len(mw) > 0 && c.Request().PathValue(s) != c.Param(s) {
					p.mismatch = "PathValue and Param differ"
				}
			}
			return nil
		}))
	}
	return p
}

func newPathReaders() []*pathReader {
	through := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	catchAll := []string{"/", "/[...rest]"}
	optional := []string{"/[[...rest]]"}
	parameters := []string{"/", "/[a]", "/[a]/[b]", "/[a]/[b]/[...rest]"}
	return []*pathReader{
		newPathReader("catch-all", catchAll), newPathReader("catch-all behind middleware", catchAll, through),
		newPathReader("optional", optional), newPathReader("optional behind middleware", optional, through),
		newPathReader("parameters", parameters), newPathReader("parameters behind middleware", parameters, through),
	}
}

// pathWriter keeps the status only.
type pathWriter struct {
	header http.Header
	status int
}

func (w *pathWriter) Header() http.Header         { return w.header }
func (w *pathWriter) WriteHeader(status int)      { w.status = status }
func (w *pathWriter) Write(p []byte) (int, error) { return len(p), nil }

// check serves a URL and compares with the reference.
func (p *pathReader) check(t testing.TB, u *url.URL, target string, segments []string, status int) {
	t.Helper()
	p.segments, p.served, p.mismatch = p.segments[:0], false, ""
	w := &pathWriter{header: http.Header{}, status: http.StatusOK}
	p.router.ServeHTTP(w, &http.Request{Method: "GET", URL: u, RequestURI: target})
	if w.status != status || p.served != (status == http.StatusOK) || p.mismatch != "" {
		t.Fatalf("%s: target %q, path %q, raw %q: status %d, served %t, %s; want %d",
			p.name, target, u.Path, u.RawPath, w.status, p.served, p.mismatch, status)
	}
	if p.served && !slices.Equal(p.segments, segments) {
		t.Fatalf("%s: target %q, path %q, raw %q: segments %q, want %q", p.name, target, u.Path, u.RawPath, p.segments, segments)
	}
	if target == "" || status != http.StatusPermanentRedirect {
		return
	}
	base, err := url.Parse("http://api.example" + pathAsBrowser(target))
	if err != nil {
		t.Fatalf("the test's own base for %q: %v", target, err)
	}
	to, err := base.Parse(w.header.Get("Location"))
	if err != nil || to.Host != base.Host || to.Scheme != base.Scheme {
		t.Fatalf("%s: target %q: Location %q leads to %v (%v)", p.name, target, w.header.Get("Location"), to, err)
	}
	if again, status := pathReference(to.EscapedPath(), true); status != http.StatusOK || !slices.Equal(again, segments) {
		t.Fatalf("%s: target %q: Location %q leads to %q (%d), want %q", p.name, target, w.header.Get("Location"), again, status, segments)
	}
}

// pathAsBrowser encodes what a client would never send as it is, without
// touching slashes and escapes.
func pathAsBrowser(target string) string {
	path, query, _ := strings.Cut(target, "?")
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]#", c) >= 0 {
			b.WriteString(url.PathEscape(path[i : i+1]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + "?" + url.QueryEscape(query)
}

// pathCheckTarget compares all readers with the reference for what net/http
// makes of a target. It returns the expected status, or 0 for a target that
// net/http refuses or that has no path of its own.
func pathCheckTarget(t testing.TB, readers []*pathReader, target string) int {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil || target[0] != '/' {
		return 0
	}
	sent, _, _ := strings.Cut(target, "?")
	segments, status := pathReference(sent, true)
	for _, p := range readers {
		p.check(t, u, target, segments, status)
	}
	return status
}

// pathPieces make up random targets: what separates, what looks like it, what
// is refused, and plain text.
var pathPieces = []string{
	"/", "/", "/", "//", "%2F", "%2f", "%2F/", ".", "..", "/./", "/../", "%2e", "%2E%2e", ".%2e", "...", "%00", "%2500",
	"a", "b", "user", "%61", "A", "é", "%C3%A9", "%c3", "%a9", "\xc3", "%c0%af", "%ed%a0%80", "\xff", "日本",
	`"`, "%22", "<", ">", "^", "`", "{", "}", "|", "[", "]", `\`, "%5C", "#", "%23", "%3F", "?", "?q=/../x", ";", ";x=y", "*", ":", "@", "=", "&", "+", "%20", "~",
	"%", "%2", "%zz", "%252F", "%252e", "%25",
}

func pathRandom(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(9) {
		b.WriteString(pathPieces[random.IntN(len(pathPieces))])
	}
	return b.String()
}

// TestPathProperty compares with the reference for random targets.
func TestPathProperty(t *testing.T) {
	t.Parallel()
	targets := 200_000
	if raceEnabled {
		targets /= 20
	}
	random := rand.New(rand.NewPCG(1, 2))
	readers := newPathReaders()
	seen := map[int]int{}
	for i := range targets {
		n := i % 3 * 2 // each kind, bare and behind middleware, in turn
		seen[pathCheckTarget(t, readers[n:n+2], "/"+pathRandom(random))]++
	}
	for _, status := range []int{0, 200, 308, 400} {
		if seen[status] < targets/20 {
			t.Errorf("%d of %d targets gave %d: too few to prove anything", seen[status], targets, status)
		}
	}
}

// TestPathPropertyOfURLs is about requests that a program made: RawPath counts
// only where it is an encoding of Path.
func TestPathPropertyOfURLs(t *testing.T) {
	t.Parallel()
	urls := 60_000
	if raceEnabled {
		urls /= 20
	}
	random := rand.New(rand.NewPCG(3, 4))
	readers := newPathReaders()
	belonged, strange := 0, 0
	for i := range urls {
		u := &url.URL{Path: pathRandom(random)}
		if random.IntN(3) > 0 {
			u.Path = "/" + u.Path
		}
		switch random.IntN(4) {
		case 0:
			u.RawPath = pathRandom(random)
		case 1:
			u.RawPath = "/" + pathRandom(random)
		case 2:
			u.RawPath = pathEncodeSome(random, u.Path)
		}
		sent, encoded := u.Path, false
		if path, err := url.PathUnescape(u.RawPath); u.RawPath != "" && err == nil && path == u.Path {
			sent, encoded = u.RawPath, true
			belonged++
		} else if u.RawPath != "" {
			strange++
		}
		segments, status := pathReference(sent, encoded)
		if u.Path == "*" {
			status = http.StatusBadRequest // the asterisk form, as nothing says otherwise
		}
		for _, p := range readers[i%3*2 : i%3*2+2] {
			p.check(t, u, "", segments, status)
		}
	}
	if belonged < urls/10 || strange < urls/10 {
		t.Errorf("%d paths with a RawPath of theirs, %d with a strange one: too few of %d", belonged, strange, urls)
	}
}

// pathEncodeSome encodes a path, and every third byte or so for no reason.
func pathEncodeSome(random *rand.Rand, path string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c == '%' || random.IntN(3) == 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func FuzzTarget(f *testing.F) {
	for _, row := range pathTargets {
		f.Add(row.target)
	}
	for _, target := range []string{"/a%2F%2e%2e/", "/%2e/%2F//", "//evil.example/", `/\evil.example/`, `/a"%2Fb//?x="`, "/%c3%2f%a9/", "/a?//", "/..%00", "/%2f..%2f", "/#/"} {
		f.Add(target)
	}
	readers := newPathReaders()
	f.Fuzz(func(t *testing.T, target string) {
		pathCheckTarget(t, readers, target)
	})
}
