package roottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// largeTree registers all patterns with a static segment or a parameter at
// each level, and an end of their own; it returns a path that enters every
// node and finds no route.
func largeTree(levels int) (r *apiroutes.Router, path string) {
	r = apiroutes.New()
	for n := range 1 << levels {
		var pattern strings.Builder
		for level := range levels {
			if n>>level&1 == 0 {
				pattern.WriteString("/s")
			} else {
				fmt.Fprintf(&pattern, "/[p%d]", level)
			}
		}
		fmt.Fprintf(&pattern, "/end%d", n)
		r.Get(pattern.String(), conflictH)
	}
	return r, strings.Repeat("/s", levels) + "/none"
}

// TestLargeTree: a search that has to go back everywhere visits each node
// once. So a node takes as long in a tree of 12 levels as in one of 6, but for
// the caches; were only the parameters searched twice it would take 11 times
// as long.
func TestLargeTree(t *testing.T) {
	const most = 12
	perNode := func(levels int) time.Duration {
		r, path := largeTree(levels)
		if m := r.Match(http.MethodGet, path); m.Status != http.StatusNotFound {
			t.Fatalf("%d levels: %+v", levels, m)
		}
		hit := fmt.Sprintf("%s/end%d", strings.TrimSuffix(path, "/none"), 1<<levels-1)
		if m := r.Match(http.MethodGet, hit); m.Status != 0 || len(m.Params) != levels {
			t.Fatalf("%d levels: %s: %+v", levels, hit, m)
		}
		least := time.Hour
		for range 15 {
			start := time.Now()
			for range 1 << (most - levels) { // the same number of nodes for each tree
				r.Match(http.MethodGet, path)
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	var ratios []float64
	for range 6 { // a busy machine may spoil some
		small, large := perNode(most/2), perNode(most)
		ratio := float64(large) / float64(small)
		if ratio < 6 {
			return
		}
		ratios = append(ratios, ratio)
	}
	t.Errorf("a node takes %.1f times as long in a large tree as in a small one", ratios)
}

// A path of 2,000 segments is no burden: with a catch-all, with as many nodes,
// and where nothing matches.
func TestManySegments(t *testing.T) {
	const segments = 2000
	path := strings.Repeat("/s", segments)
	deep := apiroutes.New()
	deep.Get(path, says("deep"))
	deep.Get("/[p]"+path[2:]+"/[...rest]", says("rest"))
	catchAll := apiroutes.New()
	catchAll.Get("/a/[...rest]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprint(len(c.Segments("rest")), len(c.Param("rest"))))
	})
	wrapped := apiroutes.New(tag("a"))
	wrapped.Get("/[[...rest]]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprint(len(c.Segments("rest")), len(c.Param("rest"))))
	})
	tests := []struct {
		name string
		r    *apiroutes.Router
		path string
		want string
	}{
		{"static", deep, path, "200 deep"},
		{"static, one more", deep, path + "/s", "200 rest"},
		{"static, another end", deep, path[2:] + "/t", nextjs404},
		{"catch-all", catchAll, "/a" + path, "200 2000 3999"},
		{"catch-all, encoded", catchAll, "/a" + strings.Repeat("/%2F", segments), "200 2000 3999"},
		{"catch-all behind middleware", wrapped, path, "200 2000 3999"},
		{"catch-all behind middleware, encoded", wrapped, strings.Repeat("/%2F", segments), "200 2000 3999"},
		{"no match", catchAll, path, nextjs404},
		{"not clean", catchAll, path + "/", nextjs404},
		{"only slashes", catchAll, strings.Repeat("/", segments), nextjs404},
		{"clean form", catchAll, "/a" + path + "/", "308 -> " + strings.Repeat("../", segments+1) + "a" + path},
	}
	for _, test := range tests {
		if got := brief(testutil.Call(t, test.r, "GET "+test.path)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, nextjsShort(got), nextjsShort(test.want))
		}
	}
}
