package workload

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func workloads() []*Workload {
	list := append(Fixed(), Special()...)
	for _, n := range []int{10, 100, 1000} {
		list = append(list, Growth(n, false), Growth(n, true))
	}
	return list
}

// The answers that are wanted are those of Find, which tries every route.
func TestWantedAnswers(t *testing.T) {
	t.Parallel()
	for _, w := range workloads() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			for _, want := range w.Distinct {
				route, values := Find(w.Routes, want.Method, want.Path)
				if route != want.Route || !slices.Equal(values, want.Values) {
					t.Errorf("%s %s: route %d %q, not %d %q", want.Method, want.Path, want.Route, want.Values, route, values)
				}
				status := http.StatusOK
				if route < 0 {
					status = http.StatusNotFound
					if len(findAny(w.Routes, want.Path)) > 0 {
						status = http.StatusMethodNotAllowed
					}
				}
				if want.Status != status {
					t.Errorf("%s %s: status %d, not %d", want.Method, want.Path, want.Status, status)
				}
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	list := routes("GET /a/b/[y]", "GET /a/[x]/c", "GET /[...all]", "POST /a/[x]/c", "GET /", "GET /s")
	for _, row := range []struct {
		method, path string
		route        int
		values       string
	}{
		{"GET", "/a/b/c", 0, "c"},
		{"GET", "/a/q/c", 1, "q"},
		{"POST", "/a/b/c", 3, "b"},
		{"GET", "/a/q/d", 2, "a/q/d"},
		{"GET", "/", 4, ""},
		{"GET", "/s", 5, ""},
		{"POST", "/s", -1, ""},
		{"GET", "/a//c", 2, "a//c"}, // a parameter is not empty
	} {
		route, values := Find(list, row.method, row.path)
		if route != row.route || strings.Join(values, " ") != row.values {
			t.Errorf("%s %s: %d %q, want %d %q", row.method, row.path, route, values, row.route, row.values)
		}
	}
}

func TestTablesAreTheKnownOnes(t *testing.T) {
	t.Parallel()
	sizes := map[string]int{"Static": 157, "GitHub": 203, "GPlus": 13, "Parse": 26}
	for _, w := range Fixed() {
		if n := sizes[w.Name]; n != 0 && (len(w.Routes) != n || len(w.Distinct) != n) {
			t.Errorf("%s has %d routes and %d requests, not %d", w.Name, len(w.Routes), len(w.Distinct), n)
		}
		if least := len(w.Routes) / 2; (w.Name == "Miss404" || w.Name == "Wrong405") && len(w.Distinct) < least {
			t.Errorf("%s has only %d requests", w.Name, len(w.Distinct))
		}
	}
}

func TestRoutesAreDifferent(t *testing.T) {
	t.Parallel()
	list := workloads()
	list = append(list, Growth(10_000, false), Growth(10_000, true))
	for _, w := range list {
		seen := map[string]bool{}
		for _, route := range w.Routes {
			key := route.Method + route.Write("[]", "[...]")
			if seen[key] {
				t.Errorf("%s has %s %s twice", w.Name, route.Method, route.Pattern)
			}
			seen[key] = true
		}
	}
}

// Every request is as frequent as any other, the order is always the same, and
// no two sequences share a request: routers write to them.
func TestSequence(t *testing.T) {
	t.Parallel()
	for _, w := range workloads() {
		first, second := w.Sequence(), w.Sequence()
		if len(first) != len(second) || len(first) != len(w.order) {
			t.Fatalf("%s: %d, %d and %d requests", w.Name, len(first), len(second), len(w.order))
		}
		times := map[*Want]int{}
		for i := range first {
			a, b := first[i], second[i]
			if a.Want != b.Want || a.Shared == b.Shared || a.Shared.URL.Path != a.Want.Path || a.Shared.Method != a.Want.Method {
				t.Fatalf("%s: request %d is %s %s and %s %s for %s", w.Name, i, a.Shared.Method, a.Shared.URL.Path, b.Shared.Method, b.Shared.URL.Path, a.Want.Path)
			}
			times[a.Want]++
		}
		least, most := len(first), 0
		for _, n := range times {
			least, most = min(least, n), max(most, n)
		}
		if len(times) != len(w.Distinct) || most-least > 1 {
			t.Errorf("%s: %d of %d requests, %d to %d times", w.Name, len(times), len(w.Distinct), least, most)
		}
	}
}

func TestGrowthCoversTheTable(t *testing.T) {
	t.Parallel()
	for _, params := range []bool{false, true} {
		w := Growth(10_000, params)
		covered := map[int]bool{}
		for _, want := range w.Distinct {
			covered[want.Route] = true
		}
		if len(covered) != 10_000 || len(w.Routes) != 10_000 {
			t.Errorf("%s: %d of %d routes are requested", w.Name, len(covered), len(w.Routes))
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	r := NewRoute("GET", "/a/[b]/c/[...d]")
	if got := r.Write("{%s}", "*"); got != "/a/{b}/c/*" {
		t.Error(got)
	}
	if got := r.Write(":%s", "+{%s}"); got != "/a/:b/c/+{d}" {
		t.Error(got)
	}
	if got := r.NamesWithStar(); !slices.Equal(got, []string{"b", "*"}) || !slices.Equal(r.Names, []string{"b", "d"}) {
		t.Error(got, r.Names)
	}
	if got := NewRoute("GET", "/[a]/b").NamesWithStar(); !slices.Equal(got, []string{"a"}) {
		t.Error(got)
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	if n := len(Document); n < 100_000 || n > 101_000 {
		t.Errorf("%d bytes", n)
	}
}

// What a router does to a request of a stack is undone, also in its header.
func TestRestore(t *testing.T) {
	t.Parallel()
	for _, w := range Special() {
		if w.Kind != Stack {
			continue
		}
		r := w.Each()[0]
		header := r.Shared.Header
		header.Set("X-Request-Id", "1")
		header.Set("Origin", "https://evil.example")
		r.Shared.Pattern, r.Shared.Header = "/hello", http.Header{}
		r.Shared.SetPathValue("id", "42")
		r.Restore()
		if got := r.Shared; got.Header.Get("Origin") != Origin || len(got.Header) != 2 || got.Pattern != "" || got.PathValue("id") != "" {
			t.Errorf("%s: %+v", w.Name, got)
		}
		header.Set("X", "the same map")
		if r.Shared.Header.Get("X") == "" || w.Each()[0].Shared.Header.Get("X") != "" || w.Each()[0].Shared.Header.Get("Origin") != Origin {
			t.Errorf("%s: a request has not the one header of its own", w.Name)
		}
	}
}
