package roottest

import (
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
)

// conflictSite is file:line of a function literal, and so of the call in it if
// that stands on the same line.
func conflictSite(f any) string {
	pc := reflect.ValueOf(f).Pointer()
	file, line := runtime.FuncForPC(pc).FileLine(pc)
	return fmt.Sprintf("%s:%d", file, line)
}

// conflictSetup registers something, in one line.
type conflictSetup = func(r *apiroutes.Router)

var (
	conflictH     = says("x")
	conflictPlain = http.NotFoundHandler()
)

// Each pair is refused in both orders, with a message that names both calls
// and says what to write. In a message FIRST and SECOND stand for the sites.
func TestConflicts(t *testing.T) {
	const (
		twoRests = "both take the rest of the path: keep one, [...name] for one or more segments or [[...name]] for zero or more"
		thatPath = "the optional catch-all matches that path too: make it [...name], or drop that route"
		thisPath = "the optional catch-all matches this path too: make it [...name], or drop this route"
		mounts   = "a mount and a catch-all both take the rest of the path: keep one"
		excluded = "a handler for every method (Handle) and a method table exclude each other"
	)
	tests := []struct {
		name           string
		a, b           conflictSetup
		afterA, afterB string // the message of b registered after a, and of a after b
	}{
		{
			name:   "two names at one place",
			a:      func(r *apiroutes.Router) { r.Get("/b/[id]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Get("/b/[cid]", conflictH) },
			afterA: `SECOND: GET "/b/[cid]" conflicts with "/b/[id]", registered at FIRST: one place has one parameter name: write [id] or [cid] in both`,
			afterB: `SECOND: GET "/b/[id]" conflicts with "/b/[cid]", registered at FIRST: one place has one parameter name: write [cid] or [id] in both`,
		},
		{
			name:   "two names with different tails",
			a:      func(r *apiroutes.Router) { r.Get("/b/[id]/x", conflictH) },
			b:      func(r *apiroutes.Router) { r.Post("/b/[cid]/y/[z]", conflictH) },
			afterA: `SECOND: POST "/b/[cid]/y/[z]" conflicts with "/b/[id]/x", registered at FIRST: one place has one parameter name: write [id] or [cid] in both`,
			afterB: `SECOND: GET "/b/[id]/x" conflicts with "/b/[cid]/y/[z]", registered at FIRST: one place has one parameter name: write [cid] or [id] in both`,
		},
		{
			name:   "two names before a catch-all and a mount",
			a:      func(r *apiroutes.Router) { r.Mount("/[a]", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Handle("/[b]/[...c]", conflictPlain) },
			afterA: `SECOND: Handle "/[b]/[...c]" conflicts with "/[a]", registered at FIRST: one place has one parameter name: write [a] or [b] in both`,
			afterB: `SECOND: Mount "/[a]" conflicts with "/[b]/[...c]", registered at FIRST: one place has one parameter name: write [b] or [a] in both`,
		},
		{
			name:   "same path and method",
			a:      func(r *apiroutes.Router) { r.Get("/x", conflictH) },
			b:      func(r *apiroutes.Router) { r.Route("/x", apiroutes.Methods{Put: conflictH, Get: conflictH}) },
			afterA: `SECOND: Route "/x" conflicts with "/x", registered at FIRST: GET is registered already`,
			afterB: `SECOND: GET "/x" conflicts with "/x", registered at FIRST: GET is registered already`,
		},
		{
			name:   "same path and method under parameters, through groups",
			a:      func(r *apiroutes.Router) { r.Group("/a/[x]", tag("1")).Method("QUERY", "/", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.With(tag("2")).Method("QUERY", "/a/[x]", conflictPlain) },
			afterA: `SECOND: Method "/a/[x]" conflicts with "/a/[x]", registered at FIRST: QUERY is registered already`,
			afterB: `SECOND: Method "/a/[x]" conflicts with "/a/[x]", registered at FIRST: QUERY is registered already`,
		},
		{
			name:   "same catch-all and method",
			a:      func(r *apiroutes.Router) { r.Delete("/u/[...p]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Delete("/u/[...p]", conflictH) },
			afterA: `SECOND: DELETE "/u/[...p]" conflicts with "/u/[...p]", registered at FIRST: DELETE is registered already`,
			afterB: `SECOND: DELETE "/u/[...p]" conflicts with "/u/[...p]", registered at FIRST: DELETE is registered already`,
		},
		{
			name:   "a required and an optional catch-all",
			a:      func(r *apiroutes.Router) { r.Get("/u/[...p]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Get("/u/[[...q]]", conflictH) },
			afterA: `SECOND: GET "/u/[[...q]]" conflicts with "/u/[...p]", registered at FIRST: ` + twoRests,
			afterB: `SECOND: GET "/u/[...p]" conflicts with "/u/[[...q]]", registered at FIRST: ` + twoRests,
		},
		{
			name:   "a required and an optional catch-all of one name, other methods",
			a:      func(r *apiroutes.Router) { r.Get("/[...p]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Patch("/[[...p]]", conflictH) },
			afterA: `SECOND: PATCH "/[[...p]]" conflicts with "/[...p]", registered at FIRST: ` + twoRests,
			afterB: `SECOND: GET "/[...p]" conflicts with "/[[...p]]", registered at FIRST: ` + twoRests,
		},
		{
			name:   "a path and the optional catch-all below it",
			a:      func(r *apiroutes.Router) { r.Get("/x", conflictH) },
			b:      func(r *apiroutes.Router) { r.Put("/x/[[...q]]", conflictH) },
			afterA: `SECOND: PUT "/x/[[...q]]" conflicts with "/x", registered at FIRST: ` + thatPath,
			afterB: `SECOND: GET "/x" conflicts with "/x/[[...q]]", registered at FIRST: ` + thisPath,
		},
		{
			name:   "the root and its optional catch-all",
			a:      func(r *apiroutes.Router) { r.Get("/", conflictH) },
			b:      func(r *apiroutes.Router) { r.Get("/[[...q]]", conflictH) },
			afterA: `SECOND: GET "/[[...q]]" conflicts with "/", registered at FIRST: ` + thatPath,
			afterB: `SECOND: GET "/" conflicts with "/[[...q]]", registered at FIRST: ` + thisPath,
		},
		{
			name:   "a parameter and the optional catch-all below it",
			a:      func(r *apiroutes.Router) { r.Handle("/[p]", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Get("/[p]/[[...q]]", conflictH) },
			afterA: `SECOND: GET "/[p]/[[...q]]" conflicts with "/[p]", registered at FIRST: ` + thatPath,
			afterB: `SECOND: Handle "/[p]" conflicts with "/[p]/[[...q]]", registered at FIRST: ` + thisPath,
		},
		{
			name:   "two names of a catch-all",
			a:      func(r *apiroutes.Router) { r.Get("/u/[...a]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Post("/u/[...b]", conflictH) },
			afterA: `SECOND: POST "/u/[...b]" conflicts with "/u/[...a]", registered at FIRST: one place has one catch-all name: write [...a] or [...b] in both`,
			afterB: `SECOND: GET "/u/[...a]" conflicts with "/u/[...b]", registered at FIRST: one place has one catch-all name: write [...b] or [...a] in both`,
		},
		{
			name:   "two names of an optional catch-all",
			a:      func(r *apiroutes.Router) { r.Get("/u/[[...a]]", conflictH) },
			b:      func(r *apiroutes.Router) { r.Post("/u/[[...b]]", conflictH) },
			afterA: `SECOND: POST "/u/[[...b]]" conflicts with "/u/[[...a]]", registered at FIRST: one place has one catch-all name: write [[...a]] or [[...b]] in both`,
			afterB: `SECOND: GET "/u/[[...a]]" conflicts with "/u/[[...b]]", registered at FIRST: one place has one catch-all name: write [[...b]] or [[...a]] in both`,
		},
		{
			name:   "Handle beside a method table",
			a:      func(r *apiroutes.Router) { r.Handle("/x", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Get("/x", conflictH) },
			afterA: `SECOND: GET "/x" conflicts with "/x", registered at FIRST: ` + excluded,
			afterB: `SECOND: Handle "/x" conflicts with "/x", registered at FIRST: ` + excluded,
		},
		{
			name:   "Handle beside a catch-all's method table",
			a:      func(r *apiroutes.Router) { r.Handle("/x/[...p]", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Route("/x/[...p]", apiroutes.Methods{Options: conflictH}) },
			afterA: `SECOND: Route "/x/[...p]" conflicts with "/x/[...p]", registered at FIRST: ` + excluded,
			afterB: `SECOND: Handle "/x/[...p]" conflicts with "/x/[...p]", registered at FIRST: ` + excluded,
		},
		{
			name:   "Handle twice",
			a:      func(r *apiroutes.Router) { r.Handle("/x", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Handle("/x", conflictPlain) },
			afterA: `SECOND: Handle "/x" conflicts with "/x", registered at FIRST: it has a handler for every method already`,
			afterB: `SECOND: Handle "/x" conflicts with "/x", registered at FIRST: it has a handler for every method already`,
		},
		{
			name:   "Mount beside a catch-all",
			a:      func(r *apiroutes.Router) { r.Mount("/m", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Get("/m/[...p]", conflictH) },
			afterA: `SECOND: GET "/m/[...p]" conflicts with "/m", registered at FIRST: ` + mounts,
			afterB: `SECOND: Mount "/m" conflicts with "/m/[...p]", registered at FIRST: ` + mounts,
		},
		{
			name:   "Mount beside an optional catch-all, at the root",
			a:      func(r *apiroutes.Router) { r.Mount("/", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Handle("/[[...p]]", conflictPlain) },
			afterA: `SECOND: Handle "/[[...p]]" conflicts with "/", registered at FIRST: ` + mounts,
			afterB: `SECOND: Mount "/" conflicts with "/[[...p]]", registered at FIRST: ` + mounts,
		},
		{
			name:   "Mount twice",
			a:      func(r *apiroutes.Router) { r.Mount("/m/[t]", conflictPlain) },
			b:      func(r *apiroutes.Router) { r.Group("/m").Mount("/[t]", conflictH) },
			afterA: `SECOND: Mount "/m/[t]" conflicts with "/m/[t]", registered at FIRST: something is mounted there already`,
			afterB: `SECOND: Mount "/m/[t]" conflicts with "/m/[t]", registered at FIRST: something is mounted there already`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			conflictPair(t, test.a, test.b, test.afterA)
			conflictPair(t, test.b, test.a, test.afterB)
		})
	}
}

// conflictPair wants second to be refused after first, without a trace.
func conflictPair(t *testing.T, first, second conflictSetup, want string) {
	t.Helper()
	r := apiroutes.New()
	first(r)
	before := conflictRoutes(r)
	got := panicText(t, func() { second(r) })
	want = "apiroutes: " + strings.NewReplacer("FIRST", conflictSite(first), "SECOND", conflictSite(second)).Replace(want)
	if got != want {
		t.Errorf("panic\n\t%s\nwant\n\t%s", got, want)
	}
	if after := conflictRoutes(r); !slices.Equal(after, before) {
		t.Errorf("%s: the routes were %q and are %q", got, before, after)
	}
}

// conflictRoutes lists what is registered.
func conflictRoutes(r *apiroutes.Router) []string {
	var list []string
	for _, route := range r.Routes() {
		list = append(list, fmt.Sprintf("%s %s %v %s", route.Method, route.Pattern, route.Mount, route.Site))
	}
	return list
}

// Of a pattern with several registrations the message names the one that is in
// the way, of a parameter name that which came first.
func TestConflictNamesTheRightSite(t *testing.T) {
	post := func(r *apiroutes.Router) { r.Post("/x/[id]", conflictH) }
	get := func(r *apiroutes.Router) { r.Get("/x/[id]", conflictH) }
	twice := func(r *apiroutes.Router) { r.Get("/x/[id]", conflictH) }
	named := func(r *apiroutes.Router) { r.Get("/x/[name]/y", conflictH) }
	r := apiroutes.New()
	post(r)
	get(r)
	for _, test := range []struct{ refused, names conflictSetup }{{twice, get}, {named, post}} {
		text := panicText(t, func() { test.refused(r) })
		if want := "registered at " + conflictSite(test.names) + ":"; !strings.Contains(text, want) {
			t.Errorf("%s: want %s", text, want)
		}
	}
	method := r.Get // called through a value, the site is still the call
	method("/value", conflictH)
	text := panicText(t, func() { method("/value", conflictH) })
	if strings.Count(text, "conflict_test.go:") != 2 {
		t.Errorf("%s: want both sites in this file", text)
	}
}

// What may stand side by side, in either order.
func TestNoConflict(t *testing.T) {
	tests := []struct{ a, b, reason string }{
		{"GET /x", "POST /x", "methods of one path merge"},
		{"GET /x/[...p]", "POST /x/[...p]", ""},
		{"* /x", "GET /x/y", ""},
		{"GET /u/[id]", "GET /u/[...id]", "a parameter and a catch-all, of one name or two"},
		{"GET /u/[id]", "GET /u/[...p]", ""},
		{"GET /u/[id]", "GET /u/[[...p]]", ""},
		{"GET /u/[id]/[[...p]]", "GET /u/[...id]", ""},
		{"GET /x", "GET /x/[...p]", "one or more segments are not zero"},
		{"GET /x/y", "GET /x/[[...p]]", ""},
		{"GET /a/[x]", "GET /b/[y]", "names are by place"},
		{"GET /[x]/a", "GET /[x]/[y]", ""},
		{"GET /a", "GET /A", "letters have their case"},
		{"MOUNT /m", "GET /m", "a route may stand at the prefix of a mount"},
		{"MOUNT /m", "* /m", ""},
		{"MOUNT /m", "GET /m/[x]/[...p]", "and below it"},
		{"MOUNT /m", "MOUNT /m/n", ""},
		{"MOUNT /[a]", "GET /b/[...p]", ""},
	}
	for _, test := range tests {
		for _, order := range [][]string{{test.a, test.b}, {test.b, test.a}} {
			r := apiroutes.New()
			for _, line := range order {
				if refused := oracleRegister(r, oracleParse(line), conflictPlain); refused != nil {
					t.Errorf("%q: %v (%s)", order, refused, test.reason)
				}
			}
			if n := len(r.Routes()); n != 2 {
				t.Errorf("%q: %d routes", order, n)
			}
		}
	}
}
