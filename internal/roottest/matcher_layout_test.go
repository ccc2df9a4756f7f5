package roottest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
)

// The oracle splits a path and tries one pattern after the other, so that it
// knows nothing of how a search is laid out. Here it is asked at the edges of
// that: words of 8 and 16 bytes, tables of up to 64 children and of more,
// segments and paths of 255 bytes, eight parameters, eight turns to go back to.

// layoutRouter is a router with its model.
type layoutRouter struct {
	oracleRouter
	seen   oracleAnswer
	served int
}

// layoutRoutes registers patterns for GET, but for those that conflict.
func layoutRoutes(t *testing.T, patterns ...string) *layoutRouter {
	t.Helper()
	l := &layoutRouter{oracleRouter: oracleRouter{Router: apiroutes.New()}}
	var accepted []oracleRoute
	for _, pattern := range patterns {
		o := oracleParse("GET " + pattern)
		want := slices.ContainsFunc(accepted, func(other oracleRoute) bool { return oracleConflict(o, other) })
		if refused := oracleRegister(l.Router, o, &oracleHandler{o, &l.seen}); (refused != nil) != want {
			t.Fatalf("%.300s after %.2000v: panic %v, want one: %v", pattern, accepted, refused, want)
		} else if !want {
			accepted = append(accepted, o)
		}
	}
	l.table = newOracleTable(accepted)
	return l
}

// check compares what becomes of a path with the model: the pattern that serves
// it, every parameter by name, and the segments of a catch-all.
func (l *layoutRouter) check(t *testing.T, path string) {
	t.Helper()
	want := l.table.answer("GET", path)
	if got := oracleMatch(l.Router, "GET", path); got != (oracleAnswer{what: want.what, params: want.params}) {
		t.Fatalf("Match(%s):\n got %.600q\nwant %.600q\nroutes %.2000v", path, got, want, l.table)
	}
	if got := oracleServe(t, l.Router, &l.seen, "GET", path); got != want {
		t.Fatalf("GET %s:\n got %.600q\nwant %.600q\nroutes %.2000v", path, got, want, l.table)
	}
	if want.params != "" || strings.HasPrefix(want.what, "GET") {
		l.served++
	}
}

// atLeast fails a test whose paths have no routes, which would test little.
func (l *layoutRouter) atLeast(t *testing.T, served int) {
	t.Helper()
	if l.served < served {
		t.Errorf("%d paths are served, want %d; routes %.500v", l.served, served, l.table)
	}
}

// layoutEscape is a path of decoded segments as a client sends it.
func layoutEscape(path string) string {
	return strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
}

// layoutNear returns what differs from a segment in one byte, or in length.
func layoutNear(segment string) []string {
	near := []string{segment + "a", segment + "~", segment + "\x00", segment + "é", segment + ".", segment[1:], segment[:len(segment)-1], segment[:1] + segment}
	for i := range segment {
		if i < 18 || i > len(segment)-3 {
			for _, b := range []byte{'a', '.', 0, segment[i] ^ 1, segment[i] ^ 0x80} {
				near = append(near, segment[:i]+string([]byte{b})+segment[i+1:])
			}
		}
	}
	return near
}

// layoutTwins returns 2^n texts for which the words of a search fold into one
// hash: a bit that differs in the second word is made good by the one of the
// first onto which it is rotated, in the byte at to and in those behind it.
func layoutTwins(first string, n, to int) []string {
	twins := []string{first}
	for j := range n {
		for _, twin := range twins[:1<<j] {
			b := []byte(twin)
			b[8+j] ^= 1
			b[to+j] ^= 'a' ^ 'A'
			twins = append(twins, string(b))
		}
	}
	return twins
}

// layoutSiblings are sets of static segments that stand side by side.
func layoutSiblings() map[string][]string {
	lengths := func(from, to int, text string) (texts []string) {
		for n := from; n <= to; n++ {
			texts = append(texts, strings.Repeat(text, n))
		}
		return texts
	}
	numbers := func(n int, format string) (texts []string) {
		for i := range n {
			texts = append(texts, fmt.Sprintf(format, i))
		}
		return texts
	}
	long := strings.Repeat("l", 254)
	return map[string][]string{
		"one":                         {"one"},
		"one of 8":                    {"12345678"},
		"one of 16":                   {"1234567812345678"},
		"one of 17":                   {"12345678123456781"},
		"one dot first":               {".well-known", "..."},
		"not ASCII":                   {"é", "aé", "aaaaaaé", "aaaaaaaé", "aaaaaaaaaaaaaaé", "aaaaaaaaaaaaaaaé", "日本"},
		"every length":                lengths(1, 41, "a"),
		"long ones":                   {long, long + "l", long + "ll", long + "x", long + "y", long + "lll"},
		"same 16 bytes and length":    numbers(9, "1234567890123456-%d"),
		"65 of the same 16 bytes":     numbers(65, "1234567890123456-%02d"),
		"63":                          numbers(63, "%d"),
		"64":                          numbers(64, "%d"),
		"65":                          numbers(65, "%d"),
		"64 of 16 bytes":              numbers(64, "123456789012-%03d"),
		"130, the end of a table too": numbers(130, "k%d"),
		"200 in the second word":      numbers(200, "12345678%d"),
		"one hash":                    layoutTwins("bbbbbbbbbbbbbbbb", 5, 3),
		"one hash, 17 bytes":          append(layoutTwins("bbbbbbbbbbbbbbbb1", 4, 3), layoutTwins("bbbbbbbbbbbbbbbb2", 4, 3)...),
	}
}

// TestLayoutSiblings finds each of a set of siblings and nothing that is like
// one: where nothing else is, and where something else takes what is none.
func TestLayoutSiblings(t *testing.T) {
	t.Parallel()
	for name, texts := range layoutSiblings() {
		for _, others := range [][]string{nil, {"/[p0]/x"}, {"/[...rest]"}, {"/[p0]", "/[p0]/[...rest]", "/[...rest]"}} {
			t.Run(fmt.Sprint(name, others), func(t *testing.T) {
				t.Parallel()
				for _, prefix := range []string{"", "/n"} {
					var patterns []string
					for _, text := range texts {
						patterns = append(patterns, prefix+"/"+text, prefix+"/"+text+"/end")
					}
					for _, other := range others {
						patterns = append(patterns, prefix+other)
					}
					l := layoutRoutes(t, patterns...)
					for i, text := range texts {
						l.check(t, prefix+"/"+layoutEscape(text))
						l.check(t, prefix+"/"+layoutEscape(text)+"/end")
						if i%(1+len(texts)/8) > 0 {
							continue
						}
						for _, near := range layoutNear(text) {
							l.check(t, prefix+"/"+layoutEscape(near))
							l.check(t, prefix+"/"+layoutEscape(near)+"/end")
						}
						for _, more := range []string{"/x", "/x/y", "/end/z", "/en", "/", "//end", "%2Fend"} {
							l.check(t, prefix+"/"+layoutEscape(text)+more)
						}
					}
					l.atLeast(t, 2*len(texts))
				}
			})
		}
	}
}

// TestLayoutStatic does so in a router of whole static paths, which has another
// table.
func TestLayoutStatic(t *testing.T) {
	t.Parallel()
	sets := map[string][]string{
		"none":                      nil,
		"the root":                  {"/"},
		"32 bytes, one hash":        layoutTwins("/bbbbbbbbbbbbbb/bbbbbbbbbbbbbbbb", 5, 1),
		"33 bytes, one hash":        layoutTwins("/bbbbbbbbbbbbbb/bbbbbbbbbbbbbbbbb", 5, 1),
		"40 bytes, one key":         {"/234567890123456/-------/123456789012345", "/234567890123456/------x/123456789012345", "/234567890123456/x------/123456789012345"},
		"33 bytes, one key":         {"/23456789012345612345678901234567", "/234567890123456x2345678901234567"},
		"more than 255 and 65,535":  {"/" + strings.Repeat("s", 254), "/" + strings.Repeat("s", 255), "/" + strings.Repeat("s", 256), "/" + strings.Repeat("s", 1<<16)},
		"unlike parts of one path":  {"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/e", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q"},
		"what looks like something": {"/.a", "/...", "/é", "/aaaaaaaé", "/ ", "/aaaaaaa bbbbb/.x"},
	}
	for n := range 45 {
		sets["every length"] = append(sets["every length"], "/"+strings.Repeat("y", n))
	}
	for name, paths := range sets {
		l := layoutRoutes(t, paths...)
		for _, path := range paths {
			l.check(t, layoutEscape(path))
			for i := 1; i < min(len(path), 50) && len(path) < 1<<16; i++ { // one byte at a time, as all words have to be compared
				for _, b := range []string{string([]byte{path[i] ^ 1}), string([]byte{path[i] ^ 0x80}), "\x00", "", "/", "/" + path[i:i+1]} {
					if text := path[:i] + b + path[i+1:]; !strings.Contains(text, "?") {
						l.check(t, layoutEscape(text))
					}
				}
			}
			for _, more := range []string{"/", "//", "/.", "/..", "/x", "x", "%2F", "%00", "/.x", "/%FF"} {
				l.check(t, layoutEscape(path)+more)
			}
		}
		for _, path := range []string{"/", "//", "/.", "/..", "/%00", "/1234567", "/1234567/", "/123456/8"} {
			l.check(t, path)
		}
		if l.atLeast(t, len(paths)); t.Failed() {
			t.Fatal(name)
		}
	}
}

// layoutDeep are k segments, of which each may stand for itself or for [p0], [p1]
// and so on.
func layoutDeep(k int) (static, params []string) {
	for i := range k {
		static, params = append(static, "a"), append(params, fmt.Sprintf("[p%d]", i))
	}
	return static, params
}

func layoutJoin(parts ...[]string) string { return "/" + strings.Join(slices.Concat(parts...), "/") }

// TestLayoutTurns goes back: after up to 12 static segments, at each of which
// something else was left to try, to each of them, with up to 12 parameters behind
// it. No value may be one that the search gave up.
func TestLayoutTurns(t *testing.T) {
	t.Parallel()
	for _, k := range []int{0, 1, 2, 3, 5, 7, 8, 9, 12} {
		static, params := layoutDeep(k + 1)
		for back := range k + 1 {
			var decoys []string // [p] at each place, which leads nowhere
			for i := range k {
				decoys = append(decoys, layoutJoin(static[:i], params[i:i+1], []string{"decoy"}), layoutJoin(static[:i+1], []string{"decoy"}))
			}
			for _, winner := range [][]string{
				params[back:], {params[back], "[...rest]"}, {"[...rest]"}, {params[back], "[[...rest]]"}, {"[[...rest]]"},
				append(slices.Clone(params[back:k]), "last"), append(slices.Clone(params[back:]), "[[...rest]]"),
			} {
				l := layoutRoutes(t, append(decoys, layoutJoin(static[:back], winner))...)
				for _, end := range []string{"last", "none", "%C3%A9", "%00", "x/.y", "x/y", "", "decoy"} {
					for depth := max(0, k-1); depth < k+2; depth++ {
						path := layoutJoin(static[:depth], strings.Split(end, "/"))
						l.check(t, path)
						l.check(t, strings.Replace(path, "/a/a", "/a/A", 1)) // no static child there
						l.check(t, strings.Replace(path, "/a", "/longer-than-a-word", 1))
					}
				}
				l.check(t, "/"+strings.Repeat("v", 256-2*k)+strings.Repeat("/a", k))
				l.atLeast(t, 1)
			}
		}
	}
}

// TestLayoutParams reads 1 to 12 parameters, of which the last eight have their
// places kept, in paths of each length at which something changes: that of a
// word, of two, and 255.
func TestLayoutParams(t *testing.T) {
	t.Parallel()
	for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 10, 12} {
		_, params := layoutDeep(k)
		for _, end := range [][]string{nil, {"s"}, {"[...rest]"}, {"[[...rest]]"}, {"static-of-17-byte"}} {
			l := layoutRoutes(t, layoutJoin(params, end), layoutJoin(params, []string{"s", "t", "u"}))
			for _, longest := range []int{0, k - 1} {
				for _, n := range []int{7, 8, 9, 10, 15, 16, 17, 18, 24, 25, 254, 255, 256, 257, 258, 513} {
					var values []string
					for i := range k {
						values = append(values, string(rune('b'+i)))
					}
					for _, tail := range []string{"", "/s", "/s/t", "/s/t/u", "/static-of-17-byte", "/x/.y", "/x/%00", "/%C3%A9/z", "/", "//s"} {
						path := layoutJoin(values) + tail
						values[longest] += strings.Repeat("v", max(0, n-len(path)))
						l.check(t, layoutJoin(values)+tail)
						values[longest] = values[longest][:1]
					}
				}
			}
			for place := range k { // every byte of a path is looked at
				values := strings.Split(strings.Repeat("12345 ", k), " ")[:k]
				for _, odd := range []string{"%00", "%80", "%FF", "%C3%A9", "..", ".", ".a", "", "a%2Fb", "%7F"} {
					for at := range 3 {
						values[place] = strings.Repeat("w", at*(1+place%3)) + odd
						l.check(t, layoutJoin(values)+[]string{"/static-of-17-byte", "/s", ""}[at])
					}
				}
			}
			l.atLeast(t, 50)
		}
	}
}

// TestLayoutHugeSegments: a length has 16 bits in a table, a path has more.
func TestLayoutHugeSegments(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("h", 1<<16+9)
	var patterns []string
	lengths := []int{3, 9, 17, 65533, 65534, 65535, 65536, 65536 + 3, 65536 + 9}
	for _, n := range lengths {
		patterns = append(patterns, "/"+text[:n], "/"+text[:n]+"/[p1]", "/p/[p1]/"+text[:n], "/p/[p1]/"+text[:n]+"/[...rest]")
	}
	l := layoutRoutes(t, append(patterns, "/q/[p1]/a/x", "/q/[p1]/[p2]/y", "/q/[p1]/[...rest]")...)
	for _, n := range lengths {
		for _, n := range []int{n - 1, n, n + 1} {
			segment := (text + text)[:n]
			for _, path := range []string{"/" + segment, "/" + segment + "/v", "/p/v/" + segment, "/p/" + segment + "/hhh", "/p/" + segment + "/hhh/x/y", "/p/v/" + segment + "/.x"} {
				l.check(t, path)
			}
		}
	}
	for _, n := range lengths { // beyond them the search goes back
		l.check(t, "/q/"+text[:n]+"/a/y")
		l.check(t, "/q/"+text[:n]+"/a/none")
	}
	l.atLeast(t, 6*len(lengths)-9)
}

// TestLayoutSlashes: no other byte ends a segment, wherever in a word it stands.
func TestLayoutSlashes(t *testing.T) {
	t.Parallel()
	const path = "/a/bb/1234567/12345678/123456789012345/1234567890123456/12345678901234567/c"
	l := layoutRoutes(t, path, "/[p0]/elsewhere") // with a parameter it is no table of whole paths
	l.check(t, path)
	for i := 1; i < len(path); i++ {
		for b := range 256 {
			if path[i] == '/' && b != '?' && b != '/' {
				l.check(t, path[:i]+url.PathEscape(string([]byte{byte(b)}))+path[i+1:])
			}
		}
		l.check(t, path[:i]+"/"+path[i+1:])
	}
	l.atLeast(t, 1)
}
