package roottest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// Every mistake panics where it is made, with its site and what to write.
func TestRegistrationMistakes(t *testing.T) {
	var (
		nilFunc   apiroutes.HandlerFunc
		nilPlain  http.HandlerFunc
		nilRouter *apiroutes.Router
	)
	tests := []struct {
		mistake conflictSetup
		want    string // behind the site
	}{
		// No handler.
		{func(r *apiroutes.Router) { r.Get("/x", nil) }, `GET "/x": the handler is nil`},
		{func(r *apiroutes.Router) { r.Post("/x", nil) }, `POST "/x": the handler is nil`},
		{func(r *apiroutes.Router) { r.Put("/x", nil) }, `PUT "/x": the handler is nil`},
		{func(r *apiroutes.Router) { r.Patch("/x", nil) }, `PATCH "/x": the handler is nil`},
		{func(r *apiroutes.Router) { r.Delete("/x", nil) }, `DELETE "/x": the handler is nil`},
		{func(r *apiroutes.Router) { r.Method("QUERY", "/x", nil) }, `Method("QUERY", "/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Method("QUERY", "/x", nilFunc) }, `Method("QUERY", "/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Handle("/x", nil) }, `Handle("/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Handle("/x", nilFunc) }, `Handle("/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Handle("/x", nilPlain) }, `Handle("/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Mount("/x", nil) }, `Mount("/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Mount("/x", nilRouter) }, `Mount("/x"): the handler is nil`},
		{func(r *apiroutes.Router) { r.Route("/x", apiroutes.Methods{}) }, `Route("/x"): the method table is empty`},

		// No middleware.
		{func(r *apiroutes.Router) { apiroutes.New(nil) }, `New: middleware 0 is nil`},
		{func(r *apiroutes.Router) { apiroutes.New(tag("a"), nil) }, `New: middleware 1 is nil`},
		{func(r *apiroutes.Router) { r.Group("/x", tag("a"), tag("b"), nil) }, `Group: middleware 2 is nil`},
		{func(r *apiroutes.Router) { r.With(nil, tag("a")) }, `With: middleware 0 is nil`},

		// Methods.
		{func(r *apiroutes.Router) { r.Method("", "/x", conflictH) }, `Method("", "/x"): the method is no token`},
		{func(r *apiroutes.Router) { r.Method("GET /x", "/x", conflictH) }, `Method("GET /x", "/x"): the method is no token`},
		{func(r *apiroutes.Router) { r.Method("GET,POST", "/x", conflictH) }, `Method("GET,POST", "/x"): the method is no token`},
		{func(r *apiroutes.Router) { r.Method("É", "/x", conflictH) }, `Method("É", "/x"): the method is no token`},
		{func(r *apiroutes.Router) { r.Method("A\n", "/x", conflictH) }, `Method("A\n", "/x"): the method is no token`},
		{func(r *apiroutes.Router) { r.Method("get", "/x", conflictH) }, `Method("get", "/x"): methods are case-sensitive: write "GET"`},
		{func(r *apiroutes.Router) { r.Method("Post", "/x", conflictH) }, `Method("Post", "/x"): methods are case-sensitive: write "POST"`},
		{func(r *apiroutes.Router) { r.Method("options", "/x", conflictH) }, `Method("options", "/x"): methods are case-sensitive: write "OPTIONS"`},
		{func(r *apiroutes.Router) { r.Method("tRACE", "/x", conflictH) }, `Method("tRACE", "/x"): methods are case-sensitive: write "TRACE"`},

		// Settings.
		{func(r *apiroutes.Router) { r.MaxBody(0) }, `MaxBody(0): the limit must be at least one byte`},
		{func(r *apiroutes.Router) { r.MaxBody(-1) }, `MaxBody(-1): the limit must be at least one byte`},
		{func(r *apiroutes.Router) { r.Slashes(3) }, `Slashes(3): no such policy`},

		// Patterns, whatever the call.
		{func(r *apiroutes.Router) { r.Get("", conflictH) }, `GET: pattern "" is empty: write "/" for the root`},
		{func(r *apiroutes.Router) { r.Put("x", conflictH) }, `PUT: pattern "x" must begin with a slash: write "/x"`},
		{func(r *apiroutes.Router) { r.Handle("/[[x]]", conflictH) }, `Handle: pattern "/[[x]]": segment "[[x]]" at offset 1 is an optional parameter, which does not exist: write [x], or [[...x]] for zero or more segments`},
		{func(r *apiroutes.Router) { r.Route("/x/", apiroutes.Methods{Get: conflictH}) }, `Route: pattern "/x/": segment "" at offset 3 is empty: write "/x"`},
		{func(r *apiroutes.Router) { r.Method("QUERY", "/{x}", conflictH) }, `Method: pattern "/{x}": segment "{x}" at offset 1 has braces: parameters are written in brackets, such as [x]`},
		{func(r *apiroutes.Router) { r.Mount("x", conflictH) }, `Mount: pattern "x" must begin with a slash: write "/x"`},

		// Prefixes.
		{func(r *apiroutes.Router) { r.Group("") }, `Group: pattern "" is empty: write "/" for the root`},
		{func(r *apiroutes.Router) { r.Group("api") }, `Group: pattern "api" must begin with a slash: write "/api"`},
		{func(r *apiroutes.Router) { r.Group("/api/") }, `Group: pattern "/api/": segment "" at offset 5 is empty: write "/api"`},
		{func(r *apiroutes.Router) { r.Group("/a/[...p]") }, `Group: prefix "/a/[...p]" ends in a catch-all, which nothing can follow: leave it to the patterns`},
		{func(r *apiroutes.Router) { r.Group("/a/[[...p]]") }, `Group: prefix "/a/[[...p]]" ends in a catch-all, which nothing can follow: leave it to the patterns`},
		{func(r *apiroutes.Router) { r.Group("/[id]").Group("/[id]") }, `Group: pattern "/[id]/[id]": segment "[id]" at offset 6 repeats the name "id": give each parameter of a pattern its own name`},
		{func(r *apiroutes.Router) { r.Group("/[id]").Get("/[id]", conflictH) }, `GET: pattern "/[id]/[id]": segment "[id]" at offset 6 repeats the name "id": give each parameter of a pattern its own name`},
		{func(r *apiroutes.Router) { r.Group("/a").Get("", conflictH) }, `GET: pattern "" is empty: write "/" for the prefix "/a" itself`},
		{func(r *apiroutes.Router) { r.Group("/a").Get("b", conflictH) }, `GET: pattern "b" must begin with a slash: write "/b"`},
		{func(r *apiroutes.Router) { r.Group("/a").Group("b") }, `Group: pattern "b" must begin with a slash: write "/b"`},
		{func(r *apiroutes.Router) { r.Mount("/m/[...p]", conflictH) }, `Mount: prefix "/m/[...p]" ends in a catch-all, but a mount takes the rest of the path by itself: write the prefix alone`},
		{func(r *apiroutes.Router) { r.Mount("/[[...p]]", conflictH) }, `Mount: prefix "/[[...p]]" ends in a catch-all, but a mount takes the rest of the path by itself: write the prefix alone`},
		{func(r *apiroutes.Router) { r.Mount("/m", r) }, `Mount("/m"): the handler is a view of the router itself`},
		{func(r *apiroutes.Router) { r.Group("/a").Mount("/m", r.With(tag("a"))) }, `Mount("/m"): the handler is a view of the router itself`},
	}
	for _, test := range tests {
		r := apiroutes.New()
		got := panicText(t, func() { test.mistake(r) })
		if want := "apiroutes: " + conflictSite(test.mistake) + ": " + test.want; got != want {
			t.Errorf("panic\n\t%s\nwant\n\t%s", got, want)
		}
		if routes := r.Routes(); routes != nil {
			t.Errorf("%s: registered %v", got, routes)
		}
	}
}

// A name that no method has is fine in any case, and so are an empty list of
// middleware and the last policy.
func TestRegistrationAccepts(t *testing.T) {
	r := apiroutes.New().With().Slashes(apiroutes.SlashNotFound).MaxBody(1).OnError(nil).Group("/")
	r.Method("query", "/x", says("query"))
	r.Method("M-SEARCH", "/x", says("search"))
	r.Method("HEAD", "/x", says("head"))
	for line, want := range map[string]string{
		"query /x": "200 query", "M-SEARCH /x": "200 search",
		"QUERY /x": `405 {"error":"Method Not Allowed"} [HEAD, M-SEARCH, OPTIONS, query]`,
	} {
		if got := brief(testutil.Call(t, r, line)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// The first request ends registration, for all views and all calls.
func TestRegistrationAfterTheFirstRequest(t *testing.T) {
	r := apiroutes.New()
	group := r.Group("/g", tag("a"))
	r.Get("/x", conflictH)
	testutil.Call(t, r, "GET /none")
	tests := []struct {
		late conflictSetup
		want string
	}{
		{func(r *apiroutes.Router) { r.Get("/late", conflictH) }, `GET "/late"`},
		{func(r *apiroutes.Router) { group.Post("/late", conflictH) }, `POST "/g/late"`},
		{func(r *apiroutes.Router) { r.Route("/late", apiroutes.Methods{Get: conflictH}) }, `Route "/late"`},
		{func(r *apiroutes.Router) { r.Method("QUERY", "/x", conflictH) }, `Method "/x"`},
		{func(r *apiroutes.Router) { r.Handle("/late", conflictH) }, `Handle "/late"`},
		{func(r *apiroutes.Router) { r.With(tag("b")).Mount("/late", conflictH) }, `Mount "/late"`},
	}
	for _, test := range tests {
		got := panicText(t, func() { test.late(r) })
		want := "apiroutes: " + conflictSite(test.late) + ": " + test.want + ": registered after the first request; register everything before serving"
		if got != want {
			t.Errorf("panic\n\t%s\nwant\n\t%s", got, want)
		}
	}
	if routes := r.Routes(); len(routes) != 1 {
		t.Errorf("late registrations left %v", routes)
	}
	if got := brief(testutil.Call(t, r, "GET /late")); got != nextjs404 {
		t.Errorf("GET /late: %s", got)
	}
	if got := brief(testutil.Call(t, r, "QUERY /x")); got != nextjs405+" [GET, HEAD, OPTIONS]" {
		t.Errorf("QUERY /x: %s", got)
	}
}

// A program may recover from a refused registration: nothing of it is served,
// the names in it are free, and the router is not locked.
func TestRefusedRegistrationLeavesNoTrace(t *testing.T) {
	returnsNil := func(http.Handler) http.Handler { return nil }
	panics := func(http.Handler) http.Handler { panic("a constructor that fails") }
	tests := []struct {
		name    string
		refused conflictSetup
	}{
		{"conflict of names", func(r *apiroutes.Router) { r.Get("/b/[cid]/[x]", conflictH) }},
		{"conflict of methods, of which another comes first", func(r *apiroutes.Router) {
			r.Route("/b/[id]", apiroutes.Methods{Get: conflictH, Post: conflictH, Delete: conflictH})
		}},
		{"no handler", func(r *apiroutes.Router) { r.Get("/n/[x]", nil) }},
		{"no method", func(r *apiroutes.Router) { r.Method("get", "/n/[x]", conflictH) }},
		{"no pattern", func(r *apiroutes.Router) { r.Get("/n/[x]/[x]", conflictH) }},
		{"no table", func(r *apiroutes.Router) { r.Route("/n/[x]", apiroutes.Methods{}) }},
		{"no prefix", func(r *apiroutes.Router) { r.Mount("/n/[x]/[...y]", conflictH) }},
		{"no prefix of a group", func(r *apiroutes.Router) { r.Group("/n/[x]/[...y]") }},
		{"itself", func(r *apiroutes.Router) { r.Mount("/n/[x]", r) }},
		{"middleware that returns nil", func(r *apiroutes.Router) { r.With(returnsNil).Get("/n/[x]", conflictH) }},
		{"middleware that returns nil, for a table", func(r *apiroutes.Router) {
			r.With(returnsNil).Route("/n/[x]", apiroutes.Methods{Get: conflictH, Put: conflictH})
		}},
		{"middleware that panics", func(r *apiroutes.Router) { r.With(panics).Handle("/n/[x]", conflictH) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := apiroutes.New()
			r.Post("/b/[id]", says("post"))
			before := conflictRoutes(r)
			panicText(t, func() { test.refused(r) })
			if after := conflictRoutes(r); !slices.Equal(after, before) {
				t.Errorf("the routes were %q and are %q", before, after)
			}
			if refused := oracleRegister(r, oracleParse("GET /n/[name]"), says("name")); refused != nil {
				t.Fatalf("the refused name is taken: %v", refused)
			}
			for line, want := range map[string]string{
				"POST /b/1": "200 post", "GET /n/1": "200 name", "GET /b/1": nextjs405 + " [OPTIONS, POST]",
				"PUT /n/1": nextjs405 + " [GET, HEAD, OPTIONS]", "GET /b/1/2": nextjs404,
			} {
				if got := brief(testutil.Call(t, r, line)); got != want {
					t.Errorf("%s: %s, want %s", line, got, want)
				}
			}
		})
	}
}

// A middleware that returns nil is a mistake as any other: the message says
// where.
func TestMiddlewareReturnsNil(t *testing.T) {
	with := func(r *apiroutes.Router) {
		r.With(func(http.Handler) http.Handler { return nil }).Get("/x", conflictH)
	}
	text := panicText(t, func() { with(apiroutes.New()) })
	if !strings.Contains(text, "conflict_mistakes_test.go:") || !strings.HasSuffix(text, "a middleware returned a nil handler") {
		t.Errorf("panic %q, want the site and what is wrong", text)
	}
}
