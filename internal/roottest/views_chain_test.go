package roottest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

func chainRun(t *testing.T, h http.Handler) string {
	t.Helper()
	return trace(testutil.Call(t, h, "GET /"))
}

func TestChainOrder(t *testing.T) {
	done := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Add("Trace", "h") })
	for _, row := range []struct {
		name  string
		chain apiroutes.Chain
		want  string
	}{
		{"zero", nil, "h"},
		{"empty", apiroutes.Chain{}, "h"},
		{"Chain{a, b, c}.Then(h) == a(b(c(h)))", apiroutes.Chain{tag("a"), tag("b"), tag("c")}, "a b c h"},
		{"appended", apiroutes.Chain{tag("a")}.Append(tag("b"), tag("c")), "a b c h"},
		{"appended to zero", apiroutes.Chain(nil).Append(tag("a")), "a h"},
		{"nothing appended", apiroutes.Chain{tag("a")}.Append(), "a h"},
		{"a chain as one middleware", apiroutes.Chain{tag("a"), apiroutes.Chain{tag("b"), tag("c")}.Then, tag("d")}, "a b c d h"},
	} {
		if got := chainRun(t, row.chain.Then(done)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	r := apiroutes.New(apiroutes.Chain{tag("a"), tag("b")}.Then)
	r.With(apiroutes.Chain{tag("c"), tag("d")}.Then, tag("e")).Handle("/", done)
	if got := chainRun(t, r); got != "a b c d e h" {
		t.Errorf("chains in a router: got %s", got)
	}
}

// TestChainAppendCopies: two chains from one base with room to grow would
// share an array with a plain append.
func TestChainAppendCopies(t *testing.T) {
	base := make(apiroutes.Chain, 1, 8)
	base[0] = tag("base")
	one := base.Append(tag("one"))
	two := base.Append(tag("two"))
	three := one.Append(tag("three"))
	four := one.Append(tag("four"))
	base[0] = tag("changed")
	for want, chain := range map[string]apiroutes.Chain{
		"base one": one, "base two": two, "base one three": three, "base one four": four, "changed": base,
	} {
		if got := chainRun(t, chain.Then(says(""))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestChainMistakes(t *testing.T) {
	returnsNil := func(http.Handler) http.Handler { return nil }
	r := apiroutes.New()
	for _, row := range []struct {
		name string
		do   func()
		want []string
	}{
		{"nil entry", func() { apiroutes.Chain{tag(""), nil}.Then(says("")) }, []string{"Chain.Then", "middleware 1 is nil"}},
		{"nil first", func() { apiroutes.Chain{nil, nil}.Then(says("")) }, []string{"middleware 0 is nil"}},
		{"nil appended", func() { apiroutes.Chain{tag("")}.Append(tag(""), nil).Then(says("")) }, []string{"middleware 2 is nil"}},
		{"nil handler", func() { apiroutes.Chain{tag("")}.Then(nil) }, []string{"Chain.Then", "handler is nil"}},
		{"nil result", func() { apiroutes.Chain{returnsNil}.Then(says("")) }, []string{"returned a nil handler"}},
		{"New", func() { apiroutes.New(tag(""), nil) }, []string{"views_chain_test.go:", "New: middleware 1 is nil"}},
		{"With", func() { r.With(nil) }, []string{"views_chain_test.go:", "With: middleware 0 is nil"}},
		{"Group", func() { r.Group("/x", tag(""), tag(""), nil) }, []string{"views_chain_test.go:", "Group: middleware 2 is nil"}},
	} {
		text := panicText(t, row.do)
		for _, want := range row.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: panic %q does not say %q", row.name, text, want)
			}
		}
	}
}

// TestChainRenderer: the renderer reaches the middleware of a chain that is
// used as one middleware, past foreign middleware.
func TestChainRenderer(t *testing.T) {
	refuse := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "no"))
		})
	}
	problem := apiroutes.New().OnError(apiroutes.Problem)
	problem.With(apiroutes.Chain{tag("foreign"), refuse, tag("inner")}.Then).Get("/", says(""))
	w := testutil.Call(t, problem, "GET /")
	if got, want := w.Result().Header.Get("Content-Type"), "application/problem+json"; got != want || w.Result().StatusCode != 401 || trace(w) != "foreign" {
		t.Errorf("got %s of type %q, trace %s", brief(w), got, trace(w))
	}
}

// Middleware with names of its own, for Match tells the name of the function.
func viewsA(next http.Handler) http.Handler { return tag("viewsA")(next) }
func viewsB(next http.Handler) http.Handler { return tag("viewsB")(next) }
func viewsC(next http.Handler) http.Handler { return tag("viewsC")(next) }
func viewsD(next http.Handler) http.Handler { return tag("viewsD")(next) }

// viewsNames reduces a Match's chain to what the tags leave.
func viewsNames(t *testing.T, chain []string) string {
	t.Helper()
	var names []string
	for _, entry := range chain {
		name, site, ok := strings.Cut(entry, " (")
		if !ok || !strings.Contains(site, "views_chain_test.go:") {
			t.Errorf("chain entry %q has no site", entry)
		}
		names = append(names, name[strings.LastIndexByte(name, '.')+1:])
	}
	return strings.Join(names, " ")
}

// TestViewsMatchAgrees: Match foretells what serving does, for random views
// and registrations.
func TestViewsMatchAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	all := []apiroutes.Middleware{viewsA, viewsB, viewsC, viewsD}
	pick := func() []apiroutes.Middleware {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return append([]apiroutes.Middleware(nil), all[:random.IntN(3)]...)
	}
	patterns := []string{"/", "/a", "/a/[id]", "/a/[id]/b", "/a/[...rest]", "/c/[[...rest]]"}
	targets := []string{"/", "//", "/a", "/a/", "/a/7", "/a/7/", "/a//7", "/a/7/b", "/a/7/c%2Fd?q", "/a/x//y/", "/c", "/c/", "/c/1/2", "/m", "/m/x", "/m//y", "/none", "/none/", "/a/..", "/%ff", "*"}
	statuses := map[int]int{}
	for range 150 {
		r := apiroutes.New(pick()...)
		views := []*apiroutes.Router{r}
		for range 4 {
			from := views[random.IntN(len(views))]
			switch random.IntN(4) {
			case 0:
				views = append(views, from.Slashes(apiroutes.SlashPolicy(random.IntN(3))))
			case 1:
				views = append(views, from.Group("/", pick()...))
			default:
				views = append(views, from.With(pick()...))
			}
		}
		view := func() *apiroutes.Router { return views[random.IntN(len(views))] }
		for _, pattern := range patterns {
			for _, method := range []string{"GET", "POST", "OPTIONS", "HEAD"} {
				if random.IntN(3) == 0 {
					view().Method(method, pattern, says(pattern))
				}
			}
		}
		view().Mount("/m", says("/m"))
		for _, target := range targets {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "OPTIONS"} {
				statuses[viewsCompareMatch(t, r, method, target)]++
			}
		}
	}
	for _, status := range []int{0, 204, 308, 400, 404, 405} {
		if statuses[status] < 100 {
			t.Errorf("status %d was compared %d times only", status, statuses[status])
		}
	}
}

func viewsCompareMatch(t *testing.T, r *apiroutes.Router, method, target string) int {
	t.Helper()
	m := r.Match(method, target)
	var req *http.Request
	w := testutil.Call(t, r, method+" "+target, keep(&req))
	header := w.Result().Header
	want := fmt.Sprintf("%d %s %s %s", w.Result().StatusCode, trace(w), header.Get("Allow"), header.Get("Location"))
	status := m.Status
	if status == 0 {
		status = http.StatusOK
	}
	if got := fmt.Sprintf("%d %s %s %s", status, viewsNames(t, m.Chain), m.Allow, m.Location); got != want || m.Pattern != req.Pattern {
		t.Errorf("%s %s: Match told %s for %s, serving gave %s for %s", method, target, got, m.Pattern, want, req.Pattern)
	}
	if m.Status == 0 && (m.Handler == nil || !strings.Contains(m.Site, "views_chain_test.go:") || method != "HEAD" && string(w.Bytes()) != m.Pattern) {
		t.Errorf("%s %s: Match names handler %v at %s, %s answered", method, target, m.Handler, m.Site, w.Bytes())
	}
	return m.Status
}
