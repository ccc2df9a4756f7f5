package roottest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// viewsRun is an answer as its status, the tags that ran, and the body of a 200.
func viewsRun(t *testing.T, h http.Handler, line string) string {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	w := methodsServe(t, h, method, target)
	text := fmt.Sprint(w.Result().StatusCode)
	if names := trace(w); names != "" {
		text += " " + names
	}
	if body := string(w.Bytes()); w.Result().StatusCode == 200 && body != "" {
		text += ": " + body
	}
	return text
}

// TestViewsOrder: the first middleware is the outermost, and a view adds
// inside of what its parent has.
func TestViewsOrder(t *testing.T) {
	r := apiroutes.New(tag("n1"), tag("n2"))
	r.Get("/bare", says("bare"))
	with := r.With(tag("w1"), tag("w2"))
	with.Get("/with", says("with"))
	group := with.Group("/g", tag("g1"), tag("g2"))
	group.Get("/x", says("group"))
	group.With(tag("last")).Handle("/plain", mountSees)
	r.Group("/quiet").Get("/x", says("quiet"))
	group.With().Get("/nothing", says("nothing"))
	for line, want := range map[string]string{
		"GET /bare":      "200 n1 n2: bare",
		"GET /with":      "200 n1 n2 w1 w2: with",
		"GET /g/x":       "200 n1 n2 w1 w2 g1 g2: group",
		"GET /g/nothing": "200 n1 n2 w1 w2 g1 g2: nothing",
		"GET /g/plain":   "200 n1 n2 w1 w2 g1 g2 last: /g/plain raw= pattern=/g/plain",
		"GET /quiet/x":   "200 n1 n2: quiet",
		"GET /g/none":    "404 n1 n2",
		"GET /g":         "404 n1 n2",
		"GET /g/..":      "400 n1 n2",
		"PUT /g/x":       "405 n1 n2 w1 w2 g1 g2",
		"GET /g/x/":      "308 n1 n2 w1 w2 g1 g2",
		"OPTIONS /g/x":   "204 n1 n2 w1 w2 g1 g2",
		"HEAD /g/x":      "200 n1 n2 w1 w2 g1 g2: group",
	} {
		if got := viewsRun(t, r, line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestViewsPrefixes(t *testing.T) {
	r := apiroutes.New()
	r.Group("/a").Get("/", says("a"))
	r.Group("/a").Group("/b").Get("/c", says("a b c"))
	r.Group("/").Get("/slash", says("slash"))
	r.Group("/").Group("/").Get("/", says("root"))
	r.Group("/u/[user]").Group("/p/[post]").Get("/[id]", valuesEcho("user", "post", "id"))
	r.Group("/u/[user]").With(tag("with")).Get("/all/[[...rest]]", valuesEcho("user", "...rest"))
	r.Group("/a").OnError(apiroutes.Problem).MaxBody(1).Slashes(apiroutes.SlashServe).Get("/kept", says("kept"))
	r.Group("/a").Mount("/m/[x]", mountSees)
	for line, want := range map[string]string{
		"GET /a":              "200: a",
		"GET /a/b/c":          "200: a b c",
		"GET /slash":          "200: slash",
		"GET /":               "200: root",
		"GET /u/ann/p/7/x":    "200: /u/[user]/p/[post]/[id] user=ann post=7 id=x",
		"GET /u/ann/all":      "200 with: /u/[user]/all/[[...rest]] user=ann rest=[]",
		"GET /u/ann/all/x/y":  `200 with: /u/[user]/all/[[...rest]] user=ann rest=x/y["x" "y"]`,
		"GET /a/kept/":        "200: kept",
		"GET /a/m/1/rest/way": "200: /rest/way raw= pattern=/a/m/[x]",
	} {
		if got := viewsRun(t, r, line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

var viewsSame = tag("same")

// viewsShared are ways to register one pattern several times.
var viewsShared = []struct {
	name     string
	register func(r *apiroutes.Router)
	common   string // for 405, OPTIONS and 308
	get      string
}{
	{"one registration: its whole chain, guards included", func(r *apiroutes.Router) {
		r.With(tag("a"), tag("b")).Get("/x", says(""))
	}, "new a b", "new a b"},
	{"one view, two methods", func(r *apiroutes.Router) {
		v := r.With(tag("a"))
		v.Get("/x", says(""))
		v.Post("/x", says(""))
	}, "new a", "new a"},
	{"sibling groups share their parent", func(r *apiroutes.Router) {
		parent := r.Group("/", tag("parent"))
		parent.Group("/", tag("a")).Get("/x", says(""))
		parent.Group("/", tag("b")).Post("/x", says(""))
	}, "new parent", "new parent a"},
	{"parent and child share the parent", func(r *apiroutes.Router) {
		parent := r.With(tag("parent"))
		parent.With(tag("guard")).Post("/x", says(""))
		parent.Get("/x", says(""))
	}, "new parent", "new parent"},
	{"a part of the middleware of one call", func(r *apiroutes.Router) {
		parent := r.With(tag("a"), tag("b"))
		parent.With(tag("c"), tag("d")).Get("/x", says(""))
		parent.With(tag("c"), tag("d")).Post("/x", says(""))
	}, "new a b", "new a b c d"},
	{"the same function in two views is two steps", func(r *apiroutes.Router) {
		r.With(viewsSame).Get("/x", says(""))
		r.With(viewsSame).Post("/x", says(""))
	}, "new", "new same"},
	{"the same function twice in one view", func(r *apiroutes.Router) {
		v := r.With(viewsSame, viewsSame)
		v.Get("/x", says(""))
		v.With(viewsSame).Post("/x", says(""))
	}, "new same same", "new same same"},
	{"nothing but New", func(r *apiroutes.Router) {
		r.Get("/x", says(""))
		r.With(tag("guard")).Post("/x", says(""))
	}, "new", "new"},
	{"settings are steps, but no middleware", func(r *apiroutes.Router) {
		v := r.With(tag("a"))
		v.MaxBody(1).Get("/x", says(""))
		v.OnError(apiroutes.Problem).With(tag("b")).Post("/x", says(""))
	}, "new a", "new a"},
	{"three views", func(r *apiroutes.Router) {
		a := r.With(tag("a"))
		b := a.With(tag("b"))
		b.With(tag("c")).Get("/x", says(""))
		b.Post("/x", says(""))
		a.With(tag("d")).Patch("/x", says(""))
	}, "new a", "new a b c"},
	{"a table is one registration per method", func(r *apiroutes.Router) {
		v := r.With(tag("a"))
		v.Route("/x", apiroutes.Methods{Get: says(""), Post: says("")})
	}, "new a", "new a"},
	{"prefixes play no part", func(r *apiroutes.Router) {
		r.Group("/x", tag("a")).Get("/", says(""))
		r.With(tag("a")).Post("/x", says(""))
	}, "new", "new a"},
}

// TestViewsShare: what the router answers by itself for a pattern runs exactly
// the steps that all its registrations have in common.
func TestViewsShare(t *testing.T) {
	for _, row := range viewsShared {
		r := apiroutes.New(tag("new"))
		row.register(r)
		for line, want := range map[string]string{
			"DELETE /x": "405 " + row.common, "OPTIONS /x": "204 " + row.common, "OPTIONS /x/": "308 " + row.common,
			"GET //x": "308 " + row.common, "GET /x": "200 " + row.get, "HEAD /x": "200 " + row.get,
		} {
			if got := viewsRun(t, r, line); got != want {
				t.Errorf("%s: %s: got %s, want %s", row.name, line, got, want)
			}
		}
	}
}

// TestViewsExplicit: a registered OPTIONS or HEAD handler is a handler like
// any other.
func TestViewsExplicit(t *testing.T) {
	r := apiroutes.New(tag("new"))
	r.With(tag("get")).Get("/x", says("get"))
	r.With(tag("options")).Route("/x", apiroutes.Methods{Options: says("options")})
	r.With(tag("head")).Method("HEAD", "/x", says("head"))
	r.With(tag("y")).Get("/y", says("get"))
	r.With(tag("all")).Handle("/all", says("all"))
	for line, want := range map[string]string{
		"OPTIONS /x":   "200 new options: options",
		"HEAD /x":      "200 new head: head",
		"GET /x":       "200 new get: get",
		"PUT /x":       "405 new",
		"HEAD /y":      "200 new y: get",
		"OPTIONS /all": "200 new all: all",
		"HEAD /all":    "200 new all: all",
	} {
		if got := viewsRun(t, r, line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// TestViewsRenderer: 404 and 400 are written by the view that serves, 405 by
// what the pattern's registrations share, errors by their own view; the
// middleware of New runs around all of them.
func TestViewsRenderer(t *testing.T) {
	render := func(name string) apiroutes.ErrorRenderer {
		return func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
			w.WriteHeader(e.StatusCode())
			fmt.Fprint(w, name)
		}
	}
	for _, mw := range [][]apiroutes.Middleware{nil, {tag("new")}} {
		r := apiroutes.New(mw...)
		a, b := r.OnError(render("a")), r.OnError(render("b"))
		failing := apiroutes.HandlerFunc(func(apiroutes.Context) error { return apiroutes.Errorf(http.StatusConflict, "x") })
		a.Get("/a", failing)
		b.With(tag("mw")).Get("/b", failing)
		a.OnError(nil).Get("/nil", failing)
		a.Get("/both", says(""))
		b.Post("/both", says(""))
		reset := a.OnError(nil)
		for _, row := range []struct {
			name string
			v    *apiroutes.Router
			line string
			want string
		}{
			{"r", r, "GET /none", `404 {"error":"Not Found"}`},
			{"a", a, "GET /none", "404 a"},
			{"b", b, "GET /none", "404 b"},
			{"b", b, "GET /a/..", "400 b"},
			{"a.OnError(nil)", reset, "GET /none", `404 {"error":"Not Found"}`},
			{"b", b, "GET /a", "409 a"},
			{"a", a, "GET /b", "409 b"},
			{"a", a, "GET /nil", `409 {"error":"x"}`},
			{"b", b, "PUT /a", "405 a [GET, HEAD, OPTIONS]"},
			{"b", b, "PUT /both", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS, POST]`},
			{"r", r, "OPTIONS *", "204"},
			{"b", b, "PUT *", "400 b"},
		} {
			w := testutil.Call(t, row.v, row.line)
			if got := brief(w); got != row.want {
				t.Errorf("%s, %d middleware: %s: got %s, want %s", row.name, len(mw), row.line, got, row.want)
			}
			if len(mw) > 0 && !strings.HasPrefix(trace(w), "new") {
				t.Errorf("%s: %s: the middleware of New did not run", row.name, row.line)
			}
		}
	}
}

// TestViewsServe: every view serves all routes, with their own chains, and
// what no route matches with the middleware of New, never with its own.
func TestViewsServe(t *testing.T) {
	for _, row := range []struct {
		mw   []apiroutes.Middleware
		want string
	}{{nil, ""}, {[]apiroutes.Middleware{tag("new")}, " new"}} {
		r := apiroutes.New(row.mw...)
		r.Get("/x", says("x"))
		group := r.Group("/g", tag("group"))
		group.Get("/x", says("g"))
		for name, v := range map[string]http.Handler{"New": r, "Group": group, "With": group.With(tag("with"))} {
			for line, want := range map[string]string{
				"GET /x": "200" + row.want + ": x", "GET /g/x": "200" + row.want + " group: g", "GET /none": "404" + row.want, "GET /g/..": "400" + row.want, "OPTIONS *": "204" + row.want,
			} {
				if got := viewsRun(t, v, line); got != want {
					t.Errorf("served by the view of %s: %s: got %s, want %s", name, line, got, want)
				}
			}
		}
	}
}

// TestViewsValues: middleware sees pattern and parameters before and after.
func TestViewsValues(t *testing.T) {
	var log []string
	r := apiroutes.New(valuesSeen(&log, "id", "rest"))
	r.With(valuesSeen(&log, "id")).Get("/u/[id]/[[...rest]]", says("x"))
	r.Handle("/h/[id]", mountSees)
	for line, want := range map[string]string{
		"GET /u/a%2Fb/x%2Fy/z": "before /u/[id]/[[...rest]] id=a/b rest=x/y/z; before /u/[id]/[[...rest]] id=a/b; after /u/[id]/[[...rest]] id=a/b; after /u/[id]/[[...rest]] id=a/b rest=x/y/z",
		"PUT /u/7":             "before /u/[id]/[[...rest]] id=7 rest=; before /u/[id]/[[...rest]] id=7; after /u/[id]/[[...rest]] id=7; after /u/[id]/[[...rest]] id=7 rest=",
		"GET /u//7":            "before /u/[id]/[[...rest]] id=7 rest=; before /u/[id]/[[...rest]] id=7; after /u/[id]/[[...rest]] id=7; after /u/[id]/[[...rest]] id=7 rest=",
		"OPTIONS /h/7":         "before /h/[id] id=7 rest=; after /h/[id] id=7 rest=",
		"GET /none":            "before  id= rest=; after  id= rest=",
		"GET /u/..":            "before  id= rest=; after  id= rest=",
	} {
		log = nil
		testutil.Call(t, r, line)
		if got := strings.Join(log, "; "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", line, got, want)
		}
	}
}

// TestViewsComposeOnce: constructors run when chains are composed, and no
// request composes one again.
func TestViewsComposeOnce(t *testing.T) {
	var built atomic.Int64
	count := func(next http.Handler) http.Handler {
		built.Add(1)
		return next
	}
	r := apiroutes.New(count)
	r.With(count).Get("/a/[id]", says("a"))
	r.With(count).Post("/a/[id]", says("a"))
	r.Mount("/m", mountSees)
	if n := built.Load(); n != 5 {
		t.Errorf("three registrations of chains of 2, 2 and 1 called %d constructors", n)
	}
	lines := []string{"GET /a/7", "POST /a/7", "PUT /a/7", "OPTIONS /a/7", "GET /a/7/", "GET /none", "GET /..", "OPTIONS *", "GET /m/x"}
	for _, line := range lines {
		testutil.Call(t, r, line)
	}
	before := built.Load()
	for range 3 {
		for _, line := range lines {
			testutil.Call(t, r, line)
		}
	}
	if n := built.Load() - before; n != 0 {
		t.Errorf("requests called %d constructors", n)
	}
}

// TestViewsMaxBody: a limit holds for the view that sets it and those made
// from it.
func TestViewsMaxBody(t *testing.T) {
	read := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		var body string
		if err := c.Decode(&body); err != nil {
			return err
		}
		return c.Text(http.StatusOK, body)
	})
	plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	r := apiroutes.New()
	small := r.MaxBody(4)
	small.Handle("/plain", plain)
	small.Mount("/mount", plain)
	r.Handle("/unlimited", plain)
	r.Post("/open", read)
	small.Post("/small", read)
	small.With(tag("mw")).Post("/inherited", read)
	small.MaxBody(8).Post("/larger", read)
	small.MaxBody(2).MaxBody(4).Post("/last", read)
	for _, row := range []struct {
		path string
		size int
		want int
	}{
		{"/open", 100, 200}, {"/small", 4, 200}, {"/small", 5, 413}, {"/inherited", 4, 200}, {"/inherited", 5, 413},
		{"/plain", 4, 200}, {"/plain", 5, 413}, {"/mount/x", 4, 200}, {"/mount/x", 5, 413}, {"/unlimited", 2 << 20, 200},
		{"/larger", 8, 200}, {"/larger", 9, 413}, {"/last", 4, 200}, {"/last", 5, 413},
	} {
		w := testutil.Call(t, r, "POST "+row.path, testutil.Body("text/plain", strings.Repeat("x", row.size)))
		if w.Result().StatusCode != row.want {
			t.Errorf("%s with %d bytes: got %s, want %d", row.path, row.size, brief(w), row.want)
		}
	}
}
