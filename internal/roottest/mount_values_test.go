package roottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// valuesSeen notes Pattern and path values before and after next.
func valuesSeen(log *[]string, names ...string) apiroutes.Middleware {
	note := func(when string, r *http.Request) {
		text := when + " " + r.Pattern
		for _, name := range names {
			text += fmt.Sprintf(" %s=%s", name, r.PathValue(name))
		}
		*log = append(*log, text)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			note("before", r)
			next.ServeHTTP(w, r)
			note("after", r)
		})
	}
}

// valuesEcho answers with what a handler reads of the parameters, with its
// segments for "...name".
func valuesEcho(names ...string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error {
		text := c.Request().Pattern
		for _, name := range names {
			name, segments := strings.CutPrefix(name, "...")
			text += " " + name + "=" + c.Param(name)
			if segments {
				text += fmt.Sprintf("%q", c.Segments(name))
			}
		}
		return c.Text(http.StatusOK, text)
	}
}

// TestMountNested has parameters on three floors. Each floor adds its own, and
// what stands further out sees the whole pattern once the request is served.
func TestMountNested(t *testing.T) {
	for _, innerMiddleware := range [][]apiroutes.Middleware{nil, {tag("inner")}} {
		var log []string
		inner := apiroutes.New(innerMiddleware...)
		inner.Get("/items/[id]", valuesEcho("tenant", "version", "id"))
		inner.Get("/tail/[...rest]", valuesEcho("tenant", "...rest"))
		inner.Get("/", valuesEcho("tenant", "version"))
		middle := apiroutes.New(valuesSeen(&log, "tenant", "version", "id"))
		middle.Mount("/v/[version]", inner)
		outer := apiroutes.New(valuesSeen(&log, "tenant", "version"))
		outer.Mount("/t/[tenant]", middle)
		for _, row := range []struct {
			line, want string
			log        []string
		}{
			{"GET /t/ann/v/2/items/a%2Fb", `200 /items/[id] tenant=ann version=2 id=a/b`, []string{
				"before /t/[tenant] tenant=ann version=",
				"before /v/[version] tenant=ann version=2 id=",
				"after /v/[version]/items/[id] tenant=ann version=2", // a bare inner route keeps id to itself
				"after /t/[tenant]/v/[version]/items/[id] tenant=ann version=",
			}},
			{"GET /t/a%2Fb/v/2/tail/x%2Fy/z", `200 /tail/[...rest] tenant=a/b rest=x/y/z["x/y" "z"]`, nil},
			{"GET /t/ann/v/2", `200 / tenant=ann version=2`, nil},
			{"GET /t/ann/v/2/none", `404 {"error":"Not Found"}`, []string{
				"before /t/[tenant] tenant=ann version=",
				"before /v/[version] tenant=ann version=2 id=",
				"after /v/[version] tenant=ann version=2",
				"after /t/[tenant]/v/[version] tenant=ann version=",
			}},
			{"PUT /t/ann/v/2/items/7", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`, nil},
			{"GET /t/ann/v/2/items/7/", "308 -> ../../items/7", nil},
			{"GET /t/ann/none", `404 {"error":"Not Found"}`, nil},
		} {
			log = nil
			if got := brief(testutil.Call(t, outer, row.line)); got != row.want {
				t.Errorf("%s:\n got %s\nwant %s", row.line, got, row.want)
			}
			for i, want := range row.log {
				if i >= len(log) || !strings.HasPrefix(log[i], want) {
					t.Errorf("%s: middleware saw\n%s\nwant line %d to begin with %s", row.line, strings.Join(log, "\n"), i, want)
					break
				}
			}
		}
	}
}

// TestMountPatternAfterwards: the pattern for outer loggers is the prefix and
// the inner pattern, also where the two are the same text.
func TestMountPatternAfterwards(t *testing.T) {
	inner := apiroutes.New()
	inner.Get("/api", says("inner"))
	inner.Get("/x", says("inner"))
	plain := apiroutes.New()
	plain.Mount("/api", inner)
	root := apiroutes.New()
	root.Mount("/", inner)
	handled := apiroutes.New()
	handled.Handle("/[[...rest]]", inner)
	for _, row := range []struct {
		name, target, want string
		r                  http.Handler
	}{
		{"mounted", "/api/x", "/api/x", plain},
		{"mounted", "/api/api", "/api/api", plain},
		{"mounted", "/api/none", "/api", plain},
		{"mounted at the root", "/x", "/x", root},
		{"mounted at the root", "/none", "/", root},
		{"below a catch-all", "/x", "/x", handled},
		{"below a catch-all", "/none", "/[[...rest]]", handled},
		{"below a mux", "/x", "/x", func() http.Handler { mux := http.NewServeMux(); mux.Handle("/", inner); return mux }()},
	} {
		var req *http.Request
		testutil.Call(t, row.r, "GET "+row.target, keep(&req))
		if req.Pattern != row.want {
			t.Errorf("%s: after GET %s the pattern is %q, want %q", row.name, row.target, req.Pattern, row.want)
		}
	}
}

// TestMountSameName: a name that an outer router uses too means the inner
// parameter inside, also where that is absent, and has segments only if the
// inner one is a catch-all.
func TestMountSameName(t *testing.T) {
	for _, innerMiddleware := range [][]apiroutes.Middleware{nil, {tag("inner")}} {
		var log []string
		inner := apiroutes.New(innerMiddleware...)
		inner.Get("/opt/[[...name]]", valuesEcho("...name"))
		inner.Get("/one/[name]", valuesEcho("...name"))
		inner.Get("/other/[id]", valuesEcho("name", "id"))
		outer := apiroutes.New(valuesSeen(&log, "name"))
		outer.Mount("/m/[name]", inner)
		outer.Handle("/h/[...name]", http.StripPrefix("/h", inner))
		for _, row := range []struct{ target, want, before string }{
			{"/m/out/opt", "200 /opt/[[...name]] name=[]", "out"},
			{"/m/out/opt/a/b", `200 /opt/[[...name]] name=a/b["a" "b"]`, "out"},
			{"/m/out/one/a%2Fb", "200 /one/[name] name=a/b[]", "out"},
			{"/m/out/other/7", "200 /other/[id] name=out id=7", "out"},
			{"/m/out/none", `404 {"error":"Not Found"}`, "out"},
			{"/h/opt", "200 /opt/[[...name]] name=[]", "opt"},
			{"/h/opt/x%2Fy", `200 /opt/[[...name]] name=x/y["x/y"]`, "opt/x/y"},
			{"/h/one/in", "200 /one/[name] name=in[]", "one/in"},
			{"/h/other/7", "200 /other/[id] name=other/7 id=7", "other/7"},
		} {
			log = nil
			if got := brief(testutil.Call(t, outer, "GET "+row.target)); got != row.want {
				t.Errorf("%d inner middleware, %s: got %s, want %s", len(innerMiddleware), row.target, got, row.want)
			}
			if want := " name=" + row.before; !strings.HasSuffix(log[0], want) {
				t.Errorf("%d inner middleware, %s: outer middleware saw %q first, want%s", len(innerMiddleware), row.target, log[0], want)
			}
		}
	}
}

// TestMountMuxValues: wildcards of a mux are parameters too, unless the
// route's own have the same name.
func TestMountMuxValues(t *testing.T) {
	for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
		r := apiroutes.New(mw...)
		r.Get("/[id]/x", valuesEcho("id", "tenant"))
		r.Get("/[id]/tail/[[...rest]]", valuesEcho("...rest"))
		mux := http.NewServeMux()
		mux.Handle("GET api.example/{tenant}/{rest...}", r)
		for target, want := range map[string]string{
			"/a/x":         "200 /[id]/x id=a tenant=a",
			"/a%2Fb/x":     "200 /[id]/x id=a/b tenant=a/b",
			"/a/tail":      "200 /[id]/tail/[[...rest]] rest=[]",
			"/a/tail/b%2F": `200 /[id]/tail/[[...rest]] rest=b/["b/"]`,
		} {
			if got := brief(testutil.Call(t, mux, "GET http://api.example"+target)); got != want {
				t.Errorf("%s: got %s, want %s", target, got, want)
			}
		}
	}
	// A HandlerFunc without a router has those of its mux alone, whose
	// remainder cannot tell slashes that are data.
	mux := http.NewServeMux()
	mux.Handle("/{id}/{rest...}", valuesEcho("id", "...rest", "none"))
	if got, want := brief(testutil.Call(t, mux, "GET /7/a%2Fb/c")), `200 /{id}/{rest...} id=7 rest=a/b/c["a" "b" "c"] none=`; got != want {
		t.Errorf("below a mux: got %s, want %s", got, want)
	}
}
