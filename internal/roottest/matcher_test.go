package roottest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
)

// Requests are searched in another form of the tree than Router.Match uses. Its
// words, masks and tables have edges at 8 and 16 bytes, 4 parameters, and so on:
// here both must agree on everything around them.

// matcherSegment returns a segment from few letters, so that segments often
// share all but a byte, of a length at which something changes.
func matcherSegment(rng *rand.Rand) string {
	lengths := []int{1, 1, 1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 25, 40}
	b := []byte(strings.Repeat("a", lengths[rng.IntN(len(lengths))]))
	b[rng.IntN(len(b))] = "abz0."[rng.IntN(5)]
	b[len(b)-1] = "ab~"[rng.IntN(3)]
	return string(b)
}

// matcherOdd are segments that need a second look, short and long.
var matcherOdd = []string{
	"", ".", "..", "...", ".a", "%C3%A9", "%00", "%FF", "x%20y", "aaaaaaaaaa%00a", "aaaaaaaaaa%C3%A9",
	"aaaaaaaaaaaaaaaaaaaa%00a", "aaaaaaaaaaaaaaaaaaaa%FF", "aaaaaaaaaaaaaaaaaaaa%C3%A9",
}

// matcherRoutes registers random routes, as many as do not conflict.
func matcherRoutes(rng *rand.Rand, words []string) *apiroutes.Router {
	r := apiroutes.New()
	register := func(pattern string) {
		defer func() { recover() }() // a conflict
		r.Get(pattern, matcherReport)
	}
	for range 1 + rng.IntN(40) {
		var pattern strings.Builder
		depth := 1 + rng.IntN(7)
		for i := range depth {
			switch k := rng.IntN(10); {
			case k < 6:
				pattern.WriteString("/" + words[rng.IntN(len(words))])
			case k < 9 || i < depth-1:
				fmt.Fprintf(&pattern, "/[p%d]", i)
			default:
				pattern.WriteString([]string{"/[...rest]", "/[[...rest]]"}[rng.IntN(2)])
			}
		}
		register(pattern.String())
	}
	if rng.IntN(4) == 0 {
		register("/")
	}
	return r
}

// matcherReport answers with what the handler sees of the route.
func matcherReport(c apiroutes.Context) error {
	var b strings.Builder
	b.WriteString(c.Request().Pattern)
	for i := range 7 {
		fmt.Fprintf(&b, " %q", c.Param(fmt.Sprintf("p%d", i)))
	}
	fmt.Fprintf(&b, " %q %q", c.Param("rest"), c.Segments("rest"))
	return c.Text(200, b.String())
}

// matcherWant is the same as Match has it.
func matcherWant(r *apiroutes.Router, target string) string {
	m := r.Match("GET", target)
	if m.Handler == nil {
		return fmt.Sprint(m.Status)
	}
	var b strings.Builder
	b.WriteString(m.Pattern)
	for i := range 7 {
		fmt.Fprintf(&b, " %q", m.Params[fmt.Sprintf("p%d", i)])
	}
	var segments []string
	if rest := m.Params["rest"]; rest != "" { // no segment holds a slash here
		segments = strings.Split(rest, "/")
	}
	fmt.Fprintf(&b, " %q %q", m.Params["rest"], segments)
	return b.String()
}

func matcherGot(r *apiroutes.Router, target string) string {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if w.Code != 200 {
		return fmt.Sprint(w.Code)
	}
	return w.Body.String()
}

func TestMatcherAgreesWithTree(t *testing.T) {
	t.Parallel()
	served := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 6))
		words := make([]string, 1+rng.IntN(12))
		for i := range words {
			words[i] = matcherSegment(rng)
		}
		r := matcherRoutes(rng, words)
		for range 150 {
			var target strings.Builder
			for range rng.IntN(9) {
				target.WriteByte('/')
				switch rng.IntN(8) {
				case 0:
					target.WriteString(matcherSegment(rng))
				case 1:
					target.WriteString(matcherOdd[rng.IntN(len(matcherOdd))])
				default:
					target.WriteString(words[rng.IntN(len(words))])
				}
			}
			if target.Len() == 0 || rng.IntN(30) == 0 {
				target.WriteByte('/')
			}
			got, want := matcherGot(r, target.String()), matcherWant(r, target.String())
			if got != want {
				t.Fatalf("seed %d: GET %s:\n got %s\nwant %s", seed, &target, got, want)
			}
			if got[0] == '/' {
				served++
			}
		}
	}
	if served < 10_000 {
		t.Errorf("only %d requests had a route", served)
	}
}

// TestMatcherManyChildren finds each of any number of siblings, which are in
// tables of different kinds, and nothing that only looks like one.
func TestMatcherManyChildren(t *testing.T) {
	t.Parallel()
	for _, count := range []int{1, 2, 3, 7, 8, 9, 63, 64, 65, 200, 5000} {
		r := apiroutes.New()
		var names []string
		for i := range count {
			name := fmt.Sprintf("%s%d", strings.Repeat("x", i%23), i)
			names = append(names, name)
			r.Get("/n/"+name, matcherReport)
			r.Get("/n/"+name+"/[p3]", matcherReport)
		}
		for i, name := range names {
			for target, want := range map[string]string{
				"/n/" + name: "/n/" + name, "/n/" + name + "/v": "/n/" + name + "/[p3]",
				"/n/" + name + "x": "404", "/n/" + name + "/v/w": "404", "/n/y" + name: "404", "/n/" + strings.ToUpper(name) + "X": "404",
			} {
				if got, _, _ := strings.Cut(matcherGot(r, target), " "); got != want {
					t.Fatalf("child %d of %d: GET %s is %s, want %s", i, count, target, got, want)
				}
			}
		}
	}
}

// TestMatcherStatic: a router of static paths only, of which some agree in all
// that is compared in words, or in all but their length.
func TestMatcherStatic(t *testing.T) {
	t.Parallel()
	r := apiroutes.New()
	var paths []string
	for i := range 100 {
		paths = append(paths,
			fmt.Sprintf("/sixteen-bytes-00/%03d/sixteen-bytes-99", i), "/"+strings.Repeat("a", i+1), fmt.Sprintf("/%d/x", i), fmt.Sprintf("/b/c/d/%d", i))
	}
	for _, path := range paths {
		r.Get(path, matcherReport)
	}
	for _, path := range paths {
		if got, _, _ := strings.Cut(matcherGot(r, path), " "); got != path {
			t.Errorf("GET %s is %s", path, got)
		}
	}
	for target, want := range map[string]string{
		"/sixteen-bytes-00/100/sixteen-bytes-99": "404", "/" + strings.Repeat("a", 101): "404", "/100/x": "404", "/b/c/d": "404", "/b/c/d/1/x": "404", "/": "404",
		"/1/x/": "308", "//1/x": "308", "/b/c/d/": "404", "/./x": "400", "/%FF": "400", "/%31/x": "/1/x",
	} {
		if got, _, _ := strings.Cut(matcherGot(r, target), " "); got != want {
			t.Errorf("GET %s is %s, want %s", target, got, want)
		}
	}
}

// TestMatcherLimits: a limit holds for GET too, whose handlers are called the
// shortest way.
func TestMatcherLimits(t *testing.T) {
	r := apiroutes.New()
	r.MaxBody(3).Get("/[id]", func(c apiroutes.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return err
	})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/x", strings.NewReader("12345")))
	if w.Code != 413 {
		t.Errorf("status %d, want 413", w.Code)
	}
}

// TestMatcherBounds: what overlaps does not multiply. 2^24 ways lead down here,
// all but one of them to nothing, and a path of 2,000 segments is one of 2,000.
func TestMatcherBounds(t *testing.T) {
	const depth = 24
	r := apiroutes.New()
	for i := range depth { // a and [p] at each place, which have only the end in common
		var b strings.Builder
		for j := range depth {
			if j == i {
				b.WriteString("/[p]")
			} else {
				b.WriteString("/a")
			}
		}
		r.Get(b.String()+"/end", matcherReport)
	}
	everything := apiroutes.New()
	everything.Get("/a/[...rest]", matcherReport)
	for _, tt := range []struct {
		r            *apiroutes.Router
		target, want string
	}{
		{r, strings.Repeat("/a", depth) + "/none", "404"},
		{r, strings.Repeat("/a", depth) + "/end", "/[p]"},
		{everything, strings.Repeat("/a", 2000), "/a/[...rest]"},
		{everything, strings.Repeat("/b", 2000), "404"},
	} {
		start := time.Now()
		var got string
		for range 100 {
			got = matcherGot(tt.r, tt.target)
		}
		if took := time.Since(start); took > 5*time.Second { // 2^24 steps a hundred times are minutes
			t.Errorf("%.40s...: %v for a hundred requests", tt.target, took)
		}
		if tt.want == "404" && got != "404" || tt.want != "404" && !strings.Contains(got, tt.want) {
			t.Errorf("%.40s...: %.100s, want %s", tt.target, got, tt.want)
		}
	}
}
