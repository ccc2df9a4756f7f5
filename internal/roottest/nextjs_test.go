package roottest

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
)

// The tests of this file and of nextjs_rows_test.go hold the library against
// what Next.js 16.4.6 was measured to do. A row's number is that of the
// measurement.

// nextjsOverruled are the sets that Next.js sorts and the library refuses on
// purpose.
var nextjsOverruled = map[string]string{
	"empty-catchall":          "a parameter whose name is empty cannot be read",
	"empty-optional-catchall": "a parameter whose name is empty cannot be read",
	"duplicate-identical":     "of two handlers for one path and method one would never run",
	"partial-bracket-prefix":  "v[id] would be text that no request holds: its author meant a parameter",
	"close-only":              "id] would be text that no request holds: its author meant a parameter",
}

// TestNextJSSets registers the sets that were given to the route sorter of
// Next.js: what it sorts is accepted in any order and listed in its order,
// what it refuses is refused in any order.
func TestNextJSSets(t *testing.T) {
	data, err := os.ReadFile("testdata/nextjs/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Sorter []struct {
			Name      string
			Routes    []string
			Dynamic   []bool
			Sorted    []string
			ErrorKind string `json:"error_kind"`
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, set := range file.Sorter {
		t.Run(set.Name, func(t *testing.T) {
			met[set.Name] = true
			refuse := set.ErrorKind
			if reason := nextjsOverruled[set.Name]; reason != "" {
				refuse = reason
			}
			if (refuse == "") != (set.Sorted != nil && nextjsOverruled[set.Name] == "") {
				t.Fatal("the set has neither an order nor an error, or both")
			}
			for _, routes := range nextjsOrders(set.Routes) {
				r := apiroutes.New()
				refused := nextjsRefused(r, routes)
				if refused != (refuse != "") {
					t.Fatalf("%q: refused %v, want %v (%s)", routes, refused, refuse != "", refuse)
				}
				if refused {
					continue
				}
				var listed []string
				for _, route := range r.Routes() {
					listed = append(listed, route.Pattern)
				}
				if !slices.Equal(listed, set.Sorted) {
					t.Errorf("%q: Routes() lists %q, want %q", routes, listed, set.Sorted)
				}
			}
			for i, pattern := range set.Routes {
				segments, err := params.ParsePattern(pattern)
				dynamic := slices.ContainsFunc(segments, func(s params.Segment) bool { return s.Kind != params.Static })
				if err == nil && dynamic != set.Dynamic[i] {
					t.Errorf("%q has parameters: %v, want %v", pattern, dynamic, set.Dynamic[i])
				}
			}
		})
	}
	for name := range nextjsOverruled {
		if !met[name] {
			t.Errorf("there is no set %q to overrule", name)
		}
	}
}

// nextjsOrders returns all orders of up to three routes, and some of more.
func nextjsOrders(routes []string) [][]string {
	var orders [][]string
	switch len(routes) {
	case 1:
		return [][]string{routes}
	case 2, 3:
		for i, first := range routes {
			others := slices.Delete(slices.Clone(routes), i, i+1)
			for _, order := range nextjsOrders(others) {
				orders = append(orders, append([]string{first}, order...))
			}
		}
		return orders
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		order := slices.Clone(routes)
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		orders = append(orders, order)
	}
	return orders
}

// nextjsRefused reports whether registering all patterns panics.
func nextjsRefused(r *apiroutes.Router, patterns []string) (refused bool) {
	defer func() { refused = recover() != nil }()
	for _, pattern := range patterns {
		r.Get(pattern, nextjsEcho)
	}
	return false
}

// TestNextJSRefusals has the rows about what cannot be registered.
func TestNextJSRefusals(t *testing.T) {
	tests := []struct {
		row    string
		sets   []string // patterns, separated by " + "
		reason string   // why, where Next.js accepts it
	}{
		{"1.4", []string{"/[[id]]", "/a/[[id]]/b"}, ""},
		{"1.10", []string{"/[...p] + /[[...q]]", "/[[...q]] + /[...p]", "/a/[x]/[...p] + /a/[x]/[[...p]]"}, ""},
		{"1.11", []string{"/b/[id] + /b/[cid]", "/b/[id]/x + /b/[cid]/y", "/[a] + /[b]/[...c]"}, ""},
		{"1.12", []string{"/[id]/[id]", "/[id]/x/[...id]", "/[id]/[[...id]]"}, ""},
		{"1.14", []string{"/[...p]/x", "/[[...p]]/x", "/[...p]/[q]"}, ""},
		{"1.15", []string{"/sub + /sub/[[...all]]", "/ + /[[...all]]", "/[[...all]] + /", "/[p]/[[...all]] + /[p]"}, ""},
		{"1.16", []string{"/[..id]", "/[.id]", "/[....id]", "/[[..id]]"}, ""},
		{"1.17", []string{"/[…id]", "/[[…id]]"}, ""},
		{"1.18", []string{"/[[[id]]]", "/[...id]]", "/[[...id]", "/[[id]"}, ""},
		{"1.19", []string{"/[]", "/a/[]/b"}, "as text, [] would match no request that its author has in mind"},
		{"1.20", []string{"/[...]", "/[[...]]"}, "nobody could read the parameter"},
		{"1.21", []string{"/v[id]", "/[id].json", "/[id"}, "silent text surprises"},
		{"1.22", []string{"/[a]-[b]", "/[a][b]"}, "a route that never matches surprises"},
		{"1.24", []string{"/foo + /foo", "/foo/[x] + /foo/[x]"}, "one of the two would never run"},
		{"1.30", []string{"/a//b", "/a/", "//a", "/[id]/"}, "dropping a slash would register another path than was written"},
	}
	for _, test := range tests {
		t.Run(test.row, func(t *testing.T) {
			for _, set := range test.sets {
				if !nextjsRefused(apiroutes.New(), strings.Split(set, " + ")) {
					t.Errorf("%s is accepted (%s)", set, test.reason)
				}
			}
		})
	}
	t.Run("1.26", func(t *testing.T) { // the same conflict from two places, found before anything is served
		r := apiroutes.New()
		r.Group("/api").Get("/[id]", nextjsEcho)
		panicText(t, func() { r.With(tag("app")).Get("/api/[cid]", nextjsEcho) })
	})
	t.Run("1.27", func(t *testing.T) { // two groups with one path
		r := apiroutes.New()
		r.Group("/api", tag("a")).Get("/x", nextjsEcho)
		panicText(t, func() { r.Group("/api", tag("b")).Get("/x", nextjsEcho) })
	})
}
