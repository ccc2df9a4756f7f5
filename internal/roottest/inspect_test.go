package roottest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// inspectHandler is a handler with an identity. It answers 299, which no
// router does by itself.
type inspectHandler struct{ name string }

func (h *inspectHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) }

// Middleware with names that a Chain can show.
func inspectOuter(next http.Handler) http.Handler  { return tag("outer")(next) }
func inspectMiddle(next http.Handler) http.Handler { return tag("middle")(next) }
func inspectInner(next http.Handler) http.Handler  { return tag("inner")(next) }

// inspectSame reports whether two handlers are the same value, or the same
// function.
func inspectSame(a, b http.Handler) bool {
	if reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false
	}
	if f := reflect.ValueOf(a); f.Kind() == reflect.Func {
		return f.Pointer() == reflect.ValueOf(b).Pointer()
	}
	return a == b
}

func TestRoutes(t *testing.T) {
	r := apiroutes.New(inspectOuter)
	if routes := r.Routes(); len(routes) != 0 {
		t.Errorf("a new router has %v", routes)
	}
	group := r.Group("/a", inspectMiddle, inspectInner)
	get := says("get")
	a, b := &inspectHandler{"a"}, &inspectHandler{"b"}
	rows := []struct { // in order of precedence, then of method
		register func()
		want     apiroutes.Route
	}{
		{func() { r.OnError(nil).MaxBody(1).Handle("/", a) }, apiroutes.Route{Pattern: "/", Handler: a, Middleware: 1}},
		{func() { group.Get("/", get) }, apiroutes.Route{Pattern: "/a", Method: "GET", Handler: get, Middleware: 3}},
		{func() { r.Method("GET", "/a/b", b) }, apiroutes.Route{Pattern: "/a/b", Method: "GET", Handler: b, Middleware: 1}},
		{func() { group.Method("PUT", "/b", a) }, apiroutes.Route{Pattern: "/a/b", Method: "PUT", Handler: a, Middleware: 3}},
		{func() { r.Method("QUERY", "/a/b", get) }, apiroutes.Route{Pattern: "/a/b", Method: "QUERY", Handler: get, Middleware: 1}},
		{func() { group.Handle("/b/[...x]", a) }, apiroutes.Route{Pattern: "/a/b/[...x]", Handler: a, Middleware: 3}},
		{func() { group.With(inspectInner).Route("/[y]/[[...z]]", apiroutes.Methods{Get: get}) }, apiroutes.Route{Pattern: "/a/[y]/[[...z]]", Method: "GET", Handler: get, Middleware: 4}},
		{func() { r.Mount("/a", b) }, apiroutes.Route{Pattern: "/a", Mount: true, Handler: b, Middleware: 1}},
		{func() { r.Handle("/é", a) }, apiroutes.Route{Pattern: "/é", Handler: a, Middleware: 1}},
		{func() { r.Handle("/[x]", a) }, apiroutes.Route{Pattern: "/[x]", Handler: a, Middleware: 1}},
		{func() { r.Group("/").Handle("/[...x]", a) }, apiroutes.Route{Pattern: "/[...x]", Handler: a, Middleware: 1}},
	}
	for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(len(rows)) {
		rows[i].register()
	}
	for name, view := range map[string]*apiroutes.Router{"router": r, "group": group} {
		got := view.Routes()
		if len(got) != len(rows) {
			t.Fatalf("%s: %d routes, want %d: %+v", name, len(got), len(rows), got)
		}
		for i, row := range rows {
			want := row.want
			want.Site = conflictSite(row.register)
			if !inspectSame(got[i].Handler, want.Handler) {
				t.Errorf("%s: route %d %s: not the handler that was registered", name, i, got[i].Pattern)
			}
			got[i].Handler, want.Handler = nil, nil
			if got[i] != want {
				t.Errorf("%s: route %d:\n got %+v\nwant %+v", name, i, got[i], want)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	h, other := &inspectHandler{"h"}, &inspectHandler{"other"}
	var r, group, inner *apiroutes.Router
	// Each on its own line, which is the site.
	newRouter := func() { r = apiroutes.New(inspectOuter) }
	newGroup := func() { group = r.Group("/g", inspectMiddle) }
	newInner := func() { inner = group.With(inspectInner) }
	get := func() { inner.Method("GET", "/[x]/[y]", h) }
	post := func() { group.Method("POST", "/[x]/[y]", other) }
	rest := func() { r.Handle("/rest/[[...p]]", h) }
	static := func() { r.Method("HEAD", "/static", h) }
	serve := func() { group.Slashes(apiroutes.SlashServe).Handle("/serve", h) }
	none := func() { r.Slashes(apiroutes.SlashNotFound).Handle("/none", h) }
	mounts := func() { inner.Mount("/m/[t]", other) }
	for _, register := range []func(){newRouter, newGroup, newInner, get, post, rest, static, serve, none, mounts} {
		register()
	}
	const pkg = "github.com/apiroutes/apiroutes/internal/roottest."
	outer := pkg + "inspectOuter (" + conflictSite(newRouter) + ")"
	middle := pkg + "inspectMiddle (" + conflictSite(newGroup) + ")"
	inmost := pkg + "inspectInner (" + conflictSite(newInner) + ")"
	chain := func(names ...string) []string { return names }

	const (
		served     = "a handler serves it"
		noMethod   = "the route has no handler for the method"
		options    = "OPTIONS is answered by the router"
		isClean    = "the clean form of the path matches the route"
		unknown    = "no route matches"
		refused    = "the path is refused: "
		unreadable = refused + "net/http refuses the target: "
		allow      = "GET, HEAD, OPTIONS, POST"
	)
	xy := map[string]string{"x": "a/b", "y": "é"}
	tests := []struct {
		line string
		want apiroutes.Match
	}{
		{"GET /g/a%2Fb/%C3%A9?q=1", apiroutes.Match{Reason: served, Pattern: "/g/[x]/[y]", Params: xy, Handler: h, Site: conflictSite(get), Chain: chain(outer, middle, inmost)}},
		{"HEAD /g/a%2Fb/%C3%A9", apiroutes.Match{Reason: served, Pattern: "/g/[x]/[y]", Params: xy, Handler: h, Site: conflictSite(get), Chain: chain(outer, middle, inmost)}},
		{"POST /g/a%2Fb/%C3%A9", apiroutes.Match{Reason: served, Pattern: "/g/[x]/[y]", Params: xy, Handler: other, Site: conflictSite(post), Chain: chain(outer, middle)}},
		{"PUT /g/a%2Fb/%C3%A9", apiroutes.Match{Status: 405, Reason: noMethod, Pattern: "/g/[x]/[y]", Params: xy, Chain: chain(outer, middle), Allow: allow}},
		{"OPTIONS /g/a%2Fb/%C3%A9", apiroutes.Match{Status: 204, Reason: options, Pattern: "/g/[x]/[y]", Params: xy, Chain: chain(outer, middle), Allow: allow}},
		{"POST /g//a%2Fb/%C3%A9/?q=1&r", apiroutes.Match{Status: 308, Reason: isClean, Pattern: "/g/[x]/[y]", Params: xy, Chain: chain(outer, middle), Location: "../../../../g/a%2Fb/%C3%A9?q=1&r"}},
		{"HEAD /static", apiroutes.Match{Reason: served, Pattern: "/static", Handler: h, Site: conflictSite(static), Chain: chain(outer)}},
		{"GET /static", apiroutes.Match{Status: 405, Reason: noMethod, Pattern: "/static", Chain: chain(outer), Allow: "HEAD, OPTIONS"}},
		{"GET /static/", apiroutes.Match{Status: 308, Reason: isClean, Pattern: "/static", Chain: chain(outer), Location: "../static"}},
		{"CONNECT /static/", apiroutes.Match{Status: 404, Reason: unknown, Chain: chain(outer)}}, // a tunnel cannot be redirected
		{"QUERY /rest", apiroutes.Match{Reason: served, Pattern: "/rest/[[...p]]", Params: map[string]string{"p": ""}, Handler: h, Site: conflictSite(rest), Chain: chain(outer)}},
		{"GET /rest/a%2Fb/c", apiroutes.Match{Reason: served, Pattern: "/rest/[[...p]]", Params: map[string]string{"p": "a/b/c"}, Handler: h, Site: conflictSite(rest), Chain: chain(outer)}},
		{"OPTIONS /g//serve/", apiroutes.Match{Reason: served, Pattern: "/g/serve", Handler: h, Site: conflictSite(serve), Chain: chain(outer, middle)}},
		{"GET /none/", apiroutes.Match{Status: 404, Reason: unknown, Chain: chain(outer)}},
		{"PATCH /g/m/1/2//3/", apiroutes.Match{Reason: served, Pattern: "/g/m/[t]", Params: map[string]string{"t": "1"}, Handler: other, Site: conflictSite(mounts), Chain: chain(outer, middle, inmost)}},
		{"GET /nowhere", apiroutes.Match{Status: 404, Reason: unknown, Chain: chain(outer)}},
		{"GET /g/a", apiroutes.Match{Status: 404, Reason: unknown, Chain: chain(outer)}},
		{"GET /g/../b", apiroutes.Match{Status: 400, Reason: refused + "the path holds a dot segment", Chain: chain(outer)}},
		{"GET /g/a/%00", apiroutes.Match{Status: 400, Reason: refused + "the path holds a NUL byte", Chain: chain(outer)}},
		{"GET /nowhere/%FF", apiroutes.Match{Status: 400, Reason: refused + "the path is not valid UTF-8", Chain: chain(outer)}},
		{"GET *", apiroutes.Match{Status: 400, Reason: refused + "the request target is not a path", Chain: chain(outer)}},
		{"OPTIONS *", apiroutes.Match{Status: 204, Reason: options, Chain: chain(outer)}},
		{"GET /%zz", apiroutes.Match{Status: 400, Reason: unreadable + `parse "/%zz": invalid URL escape "%zz"`}},
		{"GET g/a/b", apiroutes.Match{Status: 400, Reason: unreadable + `parse "g/a/b": invalid URI for request`}},
		{"GET ", apiroutes.Match{Status: 400, Reason: unreadable + `parse "": empty url`}},
	}
	for _, test := range tests {
		method, target, _ := strings.Cut(test.line, " ")
		for name, view := range map[string]*apiroutes.Router{"router": r, "view": inner} {
			if got := view.Match(method, target); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s: Match(%s):\n got %+v\nwant %+v", name, test.line, got, test.want)
			}
		}
	}
}

// Looking at the routes neither ends registration nor runs anything, and goes
// on while requests are served.
func TestInspectionDoesNotFreeze(t *testing.T) {
	ran := 0
	r := apiroutes.New(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ran++; next.ServeHTTP(w, r) })
	})
	handler := func(c apiroutes.Context) error { ran++; return c.NoContent(http.StatusNoContent) }
	for i, path := range []string{"/a", "/b", "/[c]"} {
		if m := r.Match("GET", path); m.Status != http.StatusNotFound {
			t.Errorf("Match(GET %s) before its registration: %+v", path, m)
		}
		r.Get(path, handler)
		if m := r.Match("GET", path); m.Pattern != path || m.Handler == nil {
			t.Errorf("Match(GET %s) = %+v", path, m)
		}
		for _, line := range []string{"PUT /a", "OPTIONS /a", "GET /a/", "GET /../a", "GET /none/none"} {
			method, target, _ := strings.Cut(line, " ")
			r.Match(method, target)
		}
		if n := len(r.Routes()); n != i+1 {
			t.Errorf("%d routes after %s", n, path)
		}
	}
	if ran != 0 {
		t.Errorf("Match ran %d handlers", ran)
	}
	testutil.Call(t, r, "GET /a")
	if m, n := r.Match("GET", "/b"), len(r.Routes()); m.Pattern != "/b" || n != 3 || ran != 2 {
		t.Errorf("after a request: %+v, %d routes, %d calls", m, n, ran)
	}
}

// Views may be used by several goroutines at once, before the first request
// and around it.
func TestInspectionBesideRegistration(t *testing.T) {
	r := apiroutes.New()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 50 {
				path := fmt.Sprintf("/%d/%d/[x]", i, j)
				r.With(tag("a")).Get(path, says("x"))
				if m := r.Match("GET", path); m.Pattern != path || len(r.Routes()) <= j {
					t.Errorf("%s was registered, but Match says %+v", path, m)
				}
			}
		})
	}
	group.Wait()
	for range 4 {
		group.Go(func() {
			if got := brief(testutil.Call(t, r, "GET /1/2/3")); got != "200 x" || r.Match("GET", "/1/2/3").Status != 0 {
				t.Error(got)
			}
		})
	}
	group.Wait()
	if n := len(r.Routes()); n != 200 {
		t.Errorf("%d routes, want 200", n)
	}
}

// TestMatchTellsWhatIsServed compares Match with ServeHTTP on random routes
// of several views, and random requests.
func TestMatchTellsWhatIsServed(t *testing.T) {
	methods := []string{"GET", "GET", "HEAD", "POST", "PUT", "OPTIONS", "QUERY", "CONNECT"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		base := apiroutes.New(tag("0"))
		group := base.With(tag("1"))
		views := []*apiroutes.Router{
			base, group, group.With(tag("2"), tag("3")), base.With(tag("4")),
			group.Slashes(apiroutes.SlashServe), base.Slashes(apiroutes.SlashNotFound), base.Slashes(apiroutes.SlashRedirect),
		}
		var lines []string
		for range 10 {
			line := oraclePattern(random)
			if oracleRegister(views[random.IntN(len(views))], oracleParse(line), &inspectHandler{line}) == nil {
				lines = append(lines, line)
			}
		}
		for range 20 {
			method, target := oraclePick(random, methods), oraclePath(random, oraclePick(random, lines))
			switch random.IntN(12) {
			case 0:
				target += "?a=%41;b"
			case 1:
				target += "/"
			case 2:
				target = "*"
			}
			if !inspectAgrees(t, base, method, target) {
				t.Fatalf("seed %d: routes %q", seed, lines)
			}
		}
	}
}

// inspectAgrees compares Match with a served request.
func inspectAgrees(t *testing.T, r *apiroutes.Router, method, target string) bool {
	t.Helper()
	m := r.Match(method, target)
	var req *http.Request
	w := methodsServe(t, r, method, target, keep(&req)) // also what CONNECT cannot ask for
	if m.Status == 0 {
		m.Status = 299
	}
	got := fmt.Sprintf("%d %q %q %q %d", m.Status, m.Allow, m.Location, m.Pattern, len(m.Chain))
	header := w.Result().Header
	want := fmt.Sprintf("%d %q %q %q %d", w.Result().StatusCode, header.Get("Allow"), header.Get("Location"), req.Pattern, len(header["Trace"]))
	if got != want {
		t.Errorf("Match(%s %s) says %s, served is %s", method, target, got, want)
	}
	if after := r.Match(method, target); after.Handler != m.Handler || after.Site != m.Site {
		t.Errorf("Match(%s %s) was %+v before the first request, and is %+v", method, target, m, after)
	}
	for name, value := range m.Params {
		if got := req.PathValue(name); got != value {
			t.Errorf("Match(%s %s) has %s=%q, the request %q", method, target, name, value, got)
		}
	}
	return !t.Failed()
}

// The constructor of a middleware may look at the routes, also when the router
// composes its own answers at the first request.
func TestConstructorLooksAtRoutes(t *testing.T) {
	var r *apiroutes.Router
	seen := 0
	look := func(next http.Handler) http.Handler {
		if r != nil {
			seen = max(seen, len(r.Routes()))
			r.Match("GET", "/a")
		}
		return next
	}
	r = apiroutes.New(look)
	r.Get("/a", says("a"))
	r.Get("/b", says("b"))
	if got := brief(testutil.Call(t, r, "POST /a")); got != `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]` {
		t.Error(got)
	}
	if seen != 2 {
		t.Errorf("constructors saw %d routes, want 2", seen)
	}
}
