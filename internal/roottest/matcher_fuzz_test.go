package roottest

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// fuzzPick chooses a number below n: at random, or by a fuzzer's bytes.
type fuzzPick func(n int) int

// fuzzBytes chooses by the bytes of data, and the first where they end.
func fuzzBytes(data []byte) fuzzPick {
	return func(n int) int {
		if len(data) == 0 {
			return 0
		}
		b := data[0]
		data = data[1:]
		return int(b) % n
	}
}

func (pick fuzzPick) text(from ...string) string { return from[pick(len(from))] }

// segment makes a segment of a length at which something changes, that often
// shares all but a byte with another.
func (pick fuzzPick) segment() string {
	n := []int{1, 1, 1, 1, 2, 3, 6, 7, 8, 9, 15, 16, 17, 18, 24, 40, 120, 255}[pick(18)]
	b := []byte(strings.Repeat("b", n))
	for range pick(3) {
		at := min(n-1, []int{0, 1, 3, 6, 7, 8, 9, 14, 15, 16, 255}[pick(11)])
		b[at] = "aBc.0"[pick(5)] // B and c may cancel out in a hash
	}
	return strings.NewReplacer("...", "b..", "..", "b.").Replace("b" + string(b))[1:]
}

// words makes a few segments for routes and paths to share.
func (pick fuzzPick) words() []string {
	words := []string{"a"}
	for range pick(16) {
		if word := pick.segment(); word != "." {
			words = append(words, word)
		}
	}
	if pick(8) == 0 { // more siblings than a table without probes has
		for i := range 80 {
			words = append(words, fmt.Sprint("w", i))
		}
	}
	return words
}

// patterns makes routes, names by place, so that few of them conflict.
func (pick fuzzPick) patterns(words []string) (patterns []string) {
	for range 1 + pick(24) + len(words)/64*80 {
		var segments []string
		for i := range 1 + pick(6) + pick(2)*pick(6) {
			if pick(5) < 3 {
				segments = append(segments, pick.text(words...))
			} else {
				segments = append(segments, fmt.Sprintf("[p%d]", i))
			}
		}
		switch pick(8) {
		case 0:
			segments = append(segments, "[...rest]")
		case 1:
			segments = append(segments, "[[...rest]]")
		}
		patterns = append(patterns, layoutJoin(segments))
	}
	return patterns
}

// path makes a path that a pattern has, or nearly has.
func (pick fuzzPick) path(words []string, pattern string) string {
	var segments []string
	for _, part := range oracleParse("GET " + pattern).parts {
		switch {
		case part.rank == oracleStatic && pick(10) > 0:
			segments = append(segments, url.PathEscape(part.text))
		case part.rank <= oracleParam:
			segments = append(segments, pick.text(words...))
		}
	}
	for range pick(2) * pick(4) {
		segments = append(segments, pick.text(words...))
	}
	if pick(4) == 0 {
		at := pick(len(segments) + 1)
		odd := strings.Repeat("b", pick(10)) + pick.text("", ".", "..", "%00", "%FF", "%C3%A9", "%2F", "%20", ".a", "b")
		segments = append(segments[:at:at], append([]string{odd}, segments[at+pick(2)*min(1, len(segments)-at):]...)...)
	}
	return layoutJoin(segments)
}

// matcherCompare makes a router of some choices and sends it paths of others.
func matcherCompare(t *testing.T, routes, paths fuzzPick, n int) (served int) {
	t.Helper()
	words := routes.words()
	patterns := routes.patterns(words)
	l := layoutRoutes(t, patterns...)
	for range n {
		l.check(t, paths.path(words, paths.text(patterns...)))
	}
	return l.served
}

// TestMatcherRandom compares random sets of routes with the model.
func TestMatcherRandom(t *testing.T) {
	t.Parallel()
	served := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 8))
		served += matcherCompare(t, random.IntN, random.IntN, 40)
	}
	if served < 3000 {
		t.Errorf("only %d paths are served", served)
	}
}

// FuzzMatcher is the same for routes and paths that a fuzzer makes of bytes. To
// make inputs small takes most of the time, unless -fuzzminimizetime=10x is given.
func FuzzMatcher(f *testing.F) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 9))
		routes, paths := make([]byte, 200), make([]byte, 400)
		for i := range routes {
			routes[i] = byte(random.Uint32())
		}
		for i := range paths {
			paths[i] = byte(random.Uint32())
		}
		f.Add(routes, paths)
	}
	f.Fuzz(func(t *testing.T, routes, paths []byte) {
		matcherCompare(t, fuzzBytes(routes), fuzzBytes(paths), min(40, len(paths)/8))
	})
}
