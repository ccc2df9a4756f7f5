package roottest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
	"github.com/apiroutes/apiroutes/testutil"
)

// oracleHandler notes what it sees of a request.
type oracleHandler struct {
	route oracleRoute
	seen  *oracleAnswer
}

// ServeContext is called where the route is known, by which [id] is never a
// list of segments.
func (h *oracleHandler) ServeContext(c apiroutes.Context) error {
	err := h.note(c)
	for _, p := range h.route.parts {
		if split := c.Segments(p.text); split != nil && p.rank == oracleParam {
			h.seen.rest += fmt.Sprintf(", but [%s] is split into %q", p.text, split)
		}
	}
	return err
}

func (h *oracleHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	apiroutes.HandlerFunc(h.note).ServeHTTP(w, r)
}

func (h *oracleHandler) note(c apiroutes.Context) error {
	rest := []string(nil)
	if n := len(h.route.parts); n > 0 && h.route.parts[n-1].rank >= oracleCatchAll {
		rest = c.Segments(h.route.parts[n-1].text)
	}
	if h.route.isMount() {
		u := c.Request().URL
		rest = strings.Split(u.Path, "/")[1:]
		if u.RawPath != "" { // not EscapedPath, which drops one with unescaped bytes
			rest = strings.Split(u.RawPath, "/")[1:]
			for i, s := range rest {
				rest[i], _ = url.PathUnescape(s)
			}
		}
	}
	*h.seen = oracleAnswer{h.route.String(), oracleValues(h.route, c.Param), fmt.Sprintf("%#v", rest)}
	return c.NoContent(http.StatusOK)
}

// plainOracleHandler is an oracleHandler that the router sees as a plain
// http.Handler: what it learns, it learns from the request.
type plainOracleHandler struct{ http.Handler }

// oracleRegister registers a route and returns what the registration panics
// with, or nil.
func oracleRegister(r *apiroutes.Router, o oracleRoute, h http.Handler) (refused any) {
	defer func() { refused = recover() }()
	switch {
	case o.isMount():
		r.Mount(o.pattern, h)
	case o.method == "":
		r.Handle(o.pattern, h)
	default:
		r.Method(o.method, o.pattern, h)
	}
	return nil
}

// oracleRequest makes a request as a server does, but for targets that no
// request line could hold too.
func oracleRequest(method, path string) (*http.Request, error) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(method, "/", nil)
	r.URL, r.RequestURI = u, path
	return r, nil
}

// oracleCompare registers the lines one after the other, which must be refused
// exactly where they conflict with an accepted one, and sends every path:
// bare, and in another order of registration behind middleware.
func oracleCompare(t *testing.T, random *rand.Rand, lines, paths []string) {
	t.Helper()
	var seen oracleAnswer
	var accepted []oracleRoute
	bare := apiroutes.New()
	for _, line := range lines {
		o := oracleParse(line)
		want := slices.ContainsFunc(accepted, func(other oracleRoute) bool { return oracleConflict(o, other) })
		if refused := oracleRegister(bare, o, &oracleHandler{o, &seen}); (refused != nil) != want {
			t.Fatalf("%s after %v: panic %v, want one: %v", o, accepted, refused, want)
		} else if !want {
			accepted = append(accepted, o)
		}
	}
	table := newOracleTable(accepted)
	wrapped := apiroutes.New()
	view := wrapped.With(tag("a"))
	random.Shuffle(len(accepted), func(i, j int) { accepted[i], accepted[j] = accepted[j], accepted[i] })
	for i, o := range accepted {
		var h http.Handler = &oracleHandler{o, &seen}
		if random.IntN(2) == 0 {
			h = plainOracleHandler{h}
			accepted[i].plain = true
		}
		if refused := oracleRegister(view, o, h); refused != nil {
			t.Fatalf("%s in the order %v: panic %v", o, accepted, refused)
		}
	}
	routers := []oracleRouter{{"bare", bare, table}, {"behind middleware", wrapped, newOracleTable(accepted)}}
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, r := range routers {
				want := r.table.answer(method, path)
				if got := oracleMatch(r.Router, method, path); got != (oracleAnswer{what: want.what, params: want.params}) {
					t.Errorf("%s: Match(%s %s) = %+v, want %+v; routes %v", r.name, method, path, got, want, table)
				}
				if got := oracleServe(t, r, &seen, method, path); got != want {
					t.Errorf("%s: %s %s: got %+v, want %+v; routes %v", r.name, method, path, got, want, table)
				}
			}
		}
	}
}

// oracleRouter is a router with its model.
type oracleRouter struct {
	name string
	*apiroutes.Router
	table oracleTable
}

// oracleMatch is what Match says, without the rest.
func oracleMatch(r *apiroutes.Router, method, path string) oracleAnswer {
	m := r.Match(method, path)
	if m.Status != 0 {
		return oracleAnswer{what: fmt.Sprint(m.Status)}
	}
	h := m.Handler
	if plain, ok := h.(plainOracleHandler); ok {
		h = plain.Handler
	}
	o := h.(*oracleHandler).route
	return oracleAnswer{what: o.String(), params: oracleValues(o, func(name string) string { return m.Params[name] })}
}

// oracleURL is where a client thinks it is that sent path: each segment in the
// usual encoding, which net/url does not give back for all that it accepts.
func oracleURL(path string) *url.URL {
	segments := oracleSegments(path)
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	u, err := url.Parse("http://app.test/" + strings.Join(segments, "/"))
	if err != nil {
		panic(err) // cannot be: everything is escaped
	}
	return u
}

// oracleServe is what a request gets. A redirect must lead to the clean path.
func oracleServe(t *testing.T, h http.Handler, seen *oracleAnswer, method, path string) oracleAnswer {
	t.Helper()
	*seen = oracleAnswer{}
	r, err := oracleRequest(method, path)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == http.StatusOK {
		return *seen
	}
	if *seen != (oracleAnswer{}) {
		t.Errorf("%s %s: %d, but a handler ran: %+v", method, path, w.Code, *seen)
	}
	if to := w.Header().Get("Location"); to != "" {
		target, err := oracleURL(path).Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		clean := oracleNonEmpty(oracleSegments(path))
		if got := oracleSegments(target.EscapedPath()); !slices.Equal(got, clean) {
			t.Errorf("%s %s: Location %q leads to %q, want %q", method, path, to, got, clean)
		}
	}
	return oracleAnswer{what: fmt.Sprint(w.Code)}
}

// Small alphabets, so that patterns overlap and paths hit them.
var (
	oracleTexts    = []string{"a", "a", "b", "é", "%", "A"}
	oracleMethods  = []string{"GET", "GET", "POST", "*", "MOUNT"}
	oracleEscaped  = []string{"a", "a", "b", "A", "c", "%61", "%41", "%C3%A9", "%25", "%2F", "a%2Fb", "%2561", "%2541", "+", "+%2F", "'"}
	oracleUnwanted = []string{"", "", "", "", ".", "..", "%2e%2E", "%00", "a%00", "%FF", "%C3"}
)

func oraclePick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

// oraclePattern makes a registration. Names go by place, so that most sets
// have few conflicts, but some do.
func oraclePattern(random *rand.Rand) string {
	method := oraclePick(random, oracleMethods)
	var pattern strings.Builder
	for i := range random.IntN(5) + 4*(random.IntN(10)/9) {
		name := fmt.Sprint("p", i)
		if random.IntN(12) == 0 {
			name = fmt.Sprint("q", i)
		}
		switch random.IntN(3) {
		case 0:
			fmt.Fprintf(&pattern, "/[%s]", name)
		default:
			pattern.WriteString("/" + oraclePick(random, oracleTexts))
		}
	}
	switch form := random.IntN(8); {
	case method == "MOUNT":
	case form == 0:
		pattern.WriteString("/[...rest]")
	case form == 1:
		pattern.WriteString("/[[...rest]]")
	case form == 2 && random.IntN(4) == 0:
		pattern.WriteString("/[...other]")
	}
	if pattern.Len() == 0 {
		return method + " /"
	}
	return method + " " + pattern.String()
}

// oraclePath makes a raw path, every other time one that a given pattern has
// or nearly has.
func oraclePath(random *rand.Rand, line string) string {
	var segments []string
	for _, p := range oracleParse(line).parts {
		switch {
		case p.rank == oracleStatic && random.IntN(8) > 0:
			segments = append(segments, url.PathEscape(p.text))
		case p.rank <= oracleParam:
			segments = append(segments, oraclePick(random, oracleEscaped))
		}
	}
	for random.IntN(3) == 0 {
		segments = append(segments, oraclePick(random, oracleEscaped))
	}
	if random.IntN(6) == 0 {
		segments = slices.Insert(segments, random.IntN(len(segments)+1), oraclePick(random, oracleUnwanted))
	}
	return "/" + strings.Join(segments, "/")
}

// TestOracle compares sets of random routes. A failure names the seed, which
// makes the same set again.
func TestOracle(t *testing.T) {
	const sets = 1200
	for seed := range uint64(sets) {
		random := rand.New(rand.NewPCG(seed, 0))
		lines := make([]string, 1+random.IntN(12))
		for i := range lines {
			lines[i] = oraclePattern(random)
		}
		paths := []string{"/"}
		for len(paths) < 8 {
			paths = append(paths, oraclePath(random, oraclePick(random, lines)))
		}
		if oracleCompare(t, random, lines, paths); t.Failed() {
			t.Fatalf("seed %d: routes %q, paths %q", seed, lines, paths)
		}
	}
}

// FuzzMatch compares routes that are written one a line, as oracleParse reads
// them, for one path.
func FuzzMatch(f *testing.F) {
	f.Fuzz(func(t *testing.T, routes, path string) {
		var lines []string
		for line := range strings.Lines(routes) {
			line = strings.TrimSuffix(line, "\n")
			method, pattern, _ := strings.Cut(line, " ")
			segments, err := params.ParsePattern(pattern)
			rest := len(segments) > 0 && segments[len(segments)-1].IsCatchAll()
			if err == nil && (slices.Contains(oracleMethods, method) && !(method == "MOUNT" && rest)) {
				lines = append(lines, line)
			}
		}
		if _, err := oracleRequest("GET", path); err != nil || path[0] != '/' || strings.Contains(path, "?") {
			t.Skip("no path")
		}
		oracleCompare(t, rand.New(rand.NewPCG(1, uint64(len(routes)))), lines, []string{path})
	})
}

// What the oracle says of mounts, in rows to read.
func TestMountRanksLast(t *testing.T) {
	r := apiroutes.New()
	r.Mount("/", says("root"))
	r.Mount("/m", says("m"))
	r.Mount("/t/[tenant]", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "tenant %q at %s", r.PathValue("tenant"), r.URL.Path)
	}))
	r.Get("/m", says("route"))
	r.Get("/m/[x]/y", says("deep route"))
	r.Get("/m/z", says("z"))
	r.Get("/api", says("api"))
	r.Slashes(apiroutes.SlashServe).Get("/both", says("both"))
	r.Slashes(apiroutes.SlashNotFound).Get("/none", says("none"))
	outer := http.NewServeMux()
	outer.Handle("/", r)
	outer.Handle("/api/", r)

	tests := []struct{ target, want, reason string }{
		{"/m", "200 route", "a route may stand at the prefix"},
		{"/m/1", "200 m", ""},
		{"/m/1/y", "200 deep route", "a route below the prefix wins"},
		{"/m/1/x", "200 m", "the search comes back to the mount"},
		{"/n", "200 root", ""},
		{"/t/a%2Fb/x", `200 tenant "a/b" at /x`, ""},
		{"/m/1/..", `400 {"error":"the path is another spelling of a route's path"}`, "resolved, it is the route's"},
		{"/m/1/../2", "200 m", "resolved or not, it is the mount's"},
		{"/m//1", "200 m", "no path rule applies below a mount"},
		{"/m//z", "308 -> ../../m/z", "unless the clean path is a route's"},
		{"/m//%7A", "308 -> ../../m/%7A", "however it is encoded"},
		{"/m//a%2Fb/y", "308 -> ../../../m/a%2Fb/y", ""},
		{"/m//%FF/y", `400 {"error":"the path is not valid UTF-8"}`, "nobody is sent to a path that is refused"},
		{"/both/", "200 both", "the route's policy holds beside a mount"},
		{"/none/", `404 {"error":"Not Found"}`, "and keeps the path from the mount"},
		{"/api/", "200 api", "the outer mux sends /api here: a redirect back would loop"},
		{"/t/%2e%2E/x", `400 {"error":"the path holds a dot segment"}`, "the prefix is ours: its parameters are checked as a route's"},
		{"/t/a%00b/x", `400 {"error":"the path holds a NUL byte"}`, "or the value would read a/b"},
		{"/t/%FF/x", `400 {"error":"the path is not valid UTF-8"}`, ""},
		{"/t/a/%FF", "200 tenant \"a\" at /\xff", "below the prefix only NUL is refused"},
		{"/t/a%2Fb/%00", `400 {"error":"the path holds a NUL byte"}`, ""},
	}
	for _, test := range tests {
		h := http.Handler(r)
		if test.target == "/api/" {
			h = outer
		}
		if got := brief(testutil.Call(t, h, "GET "+test.target)); got != test.want {
			t.Errorf("%s: %s, want %s (%s)", test.target, got, test.want, test.reason)
		}
	}
}

// Values are read by their place in the path, of which the first four are
// noted in 16 bits: longer paths and further parameters have to agree.
func TestLongValues(t *testing.T) {
	lines := []string{"GET /[a]/[b]/[c]/[d]", "GET /[a]/[b]/[c]/[d]/[e]/[...rest]"}
	compare := func(place, length int) {
		t.Helper()
		values := []string{"1", "2", "%2541", "4", "%2541", "%2541", "7"}
		values[place] = strings.Repeat("x", length)
		var paths []string
		if place < 4 {
			paths = append(paths, "/"+strings.Join(values[:4], "/"))
		}
		paths = append(paths, "/"+strings.Join(values, "/"))
		if oracleCompare(t, rand.New(rand.NewPCG(0, 0)), lines, paths); t.Failed() {
			t.Fatalf("parameter %d of %d bytes", place, length)
		}
	}
	for place := range 7 {
		compare(place, 1)
		compare(place, 1<<16)
	}
	for length := range 4 { // of the first path the length is about 1<<16
		compare(3, 1<<16-11+length)
	}
}
