package roottest

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// mountFollow serves a request and follows at most five
// redirects, as a client would. It returns the last answer and its target.
func mountFollow(t testing.TB, h http.Handler, line string) (last *testutil.Response, target string) {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	for range 6 {
		w := methodsServe(t, h, method, target)
		if status := w.Result().StatusCode; status < 300 || status > 399 {
			return w, target
		}
		here, err := url.Parse(target)
		if strings.HasPrefix(target, "/") {
			here, err = url.Parse("http://example.com" + target)
		}
		if err != nil {
			t.Fatal(err)
		}
		location := w.Result().Header.Get("Location")
		to, err := here.Parse(location)
		if err != nil || to.Host != here.Host {
			t.Fatalf("%s: Location %q leads to %v, %v", target, location, to, err)
		}
		target = to.String()
		if strings.HasPrefix(line[len(method)+1:], "/") {
			target = to.RequestURI()
		}
	}
	t.Fatalf("%s: more than five redirects", line)
	return nil, ""
}

// mountSees answers with what an inner plain handler sees of the path.
var mountSees = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s raw=%s pattern=%s", r.URL.Path, r.URL.RawPath, r.Pattern)
})

func mountRoutes(patterns ...string) *apiroutes.Router {
	r := apiroutes.New()
	for _, p := range patterns {
		r.Get(p, says(p))
	}
	return r
}

// TestMountOnServeMux asks as a browser does, so with redirects followed, of
// the mux and of the router. The mux owns "/api/" and sends "/api" there.
func TestMountOnServeMux(t *testing.T) {
	with, without := mountRoutes("/", "/api", "/api/x"), mountRoutes("/api/x")
	optional := mountRoutes("/api/[[...rest]]")
	tenants := mountRoutes("/[tenant]/api", "/[tenant]/api/x", "/café/api", "/café")
	for _, row := range []struct {
		pattern    string
		h          http.Handler
		line, want string
	}{
		{"/api/", with, "GET /api", "200 /api"},
		{"/api/", with, "GET /api/", "200 /api"},
		{"/api/", with, "GET /api//", "200 /api"},
		{"/api/", with, "GET //api", "200 /api"},
		{"/api/", with, "GET //api//", "200 /api"},
		{"/api/", with, "HEAD /api/", "200 /api"},
		{"/api/", with, "POST /api/", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`},
		{"/api/", with, "OPTIONS /api/", "204  [GET, HEAD, OPTIONS]"},
		{"/api/", with, "GET /api/x", "200 /api/x"},
		{"/api/", with, "GET /api/x/", "200 /api/x"},
		{"/api/", with, "GET /api//x", "200 /api/x"},
		{"/api/", with, "GET //", "404 404 page not found"},
		{"/api/", without, "GET /api", `404 {"error":"Not Found"}`},
		{"/api/", without, "GET /api/", `404 {"error":"Not Found"}`},
		{"/api/", without, "GET /api//", `404 {"error":"Not Found"}`},
		{"/api/", without, "GET /api/x/", "200 /api/x"},
		{"/api/", optional, "GET /api/", "200 /api/[[...rest]]"},
		{"/api/", optional, "GET /api/a/", "200 /api/[[...rest]]"},
		{"/", with, "GET //", "200 /"},
		{"/", with, "GET /api/", "200 /api"},
		{"GET /api/", with, "GET /api", "200 /api"},
		{"GET /api/", with, "POST /api/x", "405 Method Not Allowed [GET, HEAD]"},
		{"/api/{$}", with, "GET /api", "200 /api"},
		{"/api/{$}", with, "GET /api/", "200 /api"},
		{"/api/{rest...}", with, "GET /api", "200 /api"},
		{"/api/{rest...}", with, "GET /api/", "200 /api"},
		{"/api/{rest...}", with, "GET /api/x/", "200 /api/x"},
		{"api.example/api/", with, "GET http://api.example/api", "200 /api"},
		{"api.example/api/", with, "GET http://api.example/api/", "200 /api"},
		{"api.example/api/", with, "GET http://api.example/api/x/", "200 /api/x"},
		{"GET api.example/{t}/api/{rest...}", tenants, "GET http://api.example/7/api/", "200 /[tenant]/api"},
		{"/{t}/api/", tenants, "GET /7/api", "200 /[tenant]/api"},
		{"/{t}/api/", tenants, "GET /7/api/", "200 /[tenant]/api"},
		{"/{t}/api/", tenants, "GET /a%2Fb/api/", "200 /[tenant]/api"},
		{"/{t}/api/", tenants, "GET /7/api/x/", "200 /[tenant]/api/x"},
		{"/v1/api/", http.StripPrefix("/v1", with), "GET /v1/api", "200 /api"},
		{"/v1/api/", http.StripPrefix("/v1/", with), "GET /v1/api/", "200 /api"},
		{"/v1/{t}/api/{rest...}", http.StripPrefix("/v1", tenants), "GET /v1/7/api", "200 /[tenant]/api"},
		{"/caf%C3%A9/", tenants, "GET /caf%C3%A9", "200 /café"},
		{"/café/api/", tenants, "GET /caf%C3%A9/api/", "200 /café/api"},
	} {
		mux := http.NewServeMux()
		mux.Handle(row.pattern, row.h)
		w, _ := mountFollow(t, mux, row.line)
		if got := brief(w); got != row.want {
			t.Errorf("mux pattern %s: %s: got %s, want %s", row.pattern, row.line, got, row.want)
		}
	}
}

// TestMountRoutersOnServeMux is as TestMountOnServeMux where the mux's subtree
// is the path of a route in a router within a router, or beside a mount.
func TestMountRoutersOnServeMux(t *testing.T) {
	inner := mountRoutes("/api", "/api/x")
	mounted, twice, caught, files := apiroutes.New(), apiroutes.New(tag("")), apiroutes.New(), apiroutes.New()
	mounted.Mount("/v1", inner)
	twice.Mount("/v1", mounted)
	caught.Handle("/[[...rest]]", inner)
	files.Mount("/files", mountSees)
	files.Get("/files", says("the route"))
	for _, row := range []struct {
		pattern    string
		h          http.Handler
		line, want string
	}{
		{"/v1/api/", mounted, "GET /v1/api", "200 /api"},
		{"/v1/api/", mounted, "GET /v1/api/x/", "200 /api/x"},
		{"/v1/v1/api/", twice, "GET /v1/v1/api/", "200 /api"},
		{"/api/", caught, "GET /api", "200 /api"},
		{"/api/", caught, "GET /api/x/", "200 /api/x"},
		{"/files/", files, "GET /files", "200 the route"},
		{"/files/", files, "GET /files/", "200 the route"},
		{"/files/", files, "GET /files/x", "200 /x raw= pattern=/files"},
	} {
		mux := http.NewServeMux()
		mux.Handle(row.pattern, row.h)
		w, _ := mountFollow(t, mux, row.line)
		if got := brief(w); got != row.want {
			t.Errorf("mux pattern %s: %s: got %s, want %s", row.pattern, row.line, got, row.want)
		}
	}
}

func TestMountBelowStripPrefix(t *testing.T) {
	r := apiroutes.New()
	r.Get("/", says("root"))
	r.Get("/api/[id]", func(c apiroutes.Context) error { return c.Text(200, c.Param("id")) })
	for _, row := range []struct{ prefix, line, want, reason string }{
		{"/v1", "GET /v1", "200 root", "an empty path"},
		{"/v1", "GET /v1/", "200 root", ""},
		{"/v1", "GET /v1//", "308 -> ../", ""},
		{"/v1", "GET /v1/api/7", "200 7", ""},
		{"/v1", "GET /v1/api/a%2Fb", "200 a/b", "StripPrefix keeps RawPath"},
		{"/v1", "GET /v1/api/7/", "308 -> ../../api/7", ""},
		{"/v1", "GET /v1//api/7", "308 -> ../../api/7", ""},
		{"/v1", "GET /v1/api/..", `400 {"error":"the path holds a dot segment"}`, ""},
		{"/v1/", "GET /v1/", "200 root", "an empty path"},
		{"/v1/", "GET /v1/api/7", "200 7", "a path without a leading slash"},
		{"/v1/", "GET /v1/api/a%2Fb", "200 a/b", ""},
		{"/v1/", "GET /v1/api/7/", "308 -> ../../api/7", "climbs as far as with the slash"},
		{"/v1/", "GET /v1/api//7?q", "308 -> ../../api/7?q", ""},
		{"/v1/", "GET /v1/*", `404 {"error":"Not Found"}`, "a path, not the asterisk form"},
		{"/v1/", "GET /v1/..", `400 {"error":"the path holds a dot segment"}`, ""},
	} {
		if got := brief(testutil.Call(t, http.StripPrefix(row.prefix, r), row.line)); got != row.want {
			t.Errorf("below %s: %s: got %s, want %s (%s)", row.prefix, row.line, got, row.want, row.reason)
		}
		below := http.NewServeMux()
		below.Handle(strings.TrimSuffix(row.prefix, "/")+"/", http.StripPrefix(row.prefix, r))
		w, _ := mountFollow(t, below, row.line)
		plain, _ := mountFollow(t, http.StripPrefix(row.prefix, r), row.line)
		if !strings.Contains(row.line, "..") && brief(w) != brief(plain) {
			t.Errorf("below %s on a mux: %s: got %s, want %s", row.prefix, row.line, brief(w), brief(plain))
		}
	}
}

// TestMountHandlers mounts what there is to mount.
func TestMountHandlers(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "user "+r.PathValue("id")) })
	files := http.FileServerFS(fstest.MapFS{"a.txt": {Data: []byte("A")}, "dir/b c.txt": {Data: []byte("B")}})
	inner := apiroutes.New()
	inner.Get("/", says("inner root"))
	inner.Get("/x/[id]", func(c apiroutes.Context) error { return c.Text(200, "inner "+c.Param("id")) })

	r := apiroutes.New()
	r.Mount("/files", files)
	r.With(tag("mux")).Mount("/mux", mux)
	r.Mount("/native", apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(200, c.Request().URL.Path) }))
	r.Mount("/plain", mountSees)
	r.With(tag("inner")).Mount("/inner", inner)
	r.Handle("/whole/[...rest]", mountRoutes("/whole/x"))
	for _, row := range []struct{ line, want, chain string }{
		{"GET /files/a.txt", "200 A", ""},
		{"GET /files/dir/b%20c.txt", "200 B", ""},
		{"GET /files/none", "404 404 page not found", ""},
		{"DELETE /plain/x", "200 /x raw= pattern=/plain", ""},
		{"OPTIONS /plain", "200 / raw= pattern=/plain", ""},
		{"GET /plain/", "200 / raw= pattern=/plain", ""},
		{"GET /plain//x/../y/", "200 //x/../y/ raw= pattern=/plain", ""},
		{"GET /plainx", `404 {"error":"Not Found"}`, ""},
		{"GET /mux/users/7", "200 user 7", "mux"},
		{"POST /mux/users/7", "405 Method Not Allowed [GET, HEAD]", "mux"},
		{"QUERY /native/x", "200 /x", ""},
		{"GET /inner", "200 inner root", "inner"},
		{"GET /inner/", "200 inner root", "inner"},
		{"GET /inner/x/7", "200 inner 7", "inner"},
		{"GET /inner/x/a%2Fb", "200 inner a/b", "inner"},
		{"GET /inner/x/7/", "308 -> ../../x/7", "inner"},
		{"PUT /inner/x/7", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`, "inner"},
		{"GET /inner/none", `404 {"error":"Not Found"}`, "inner"},
		{"GET /inner/..", `400 {"error":"the path holds a dot segment"}`, "inner"},
		{"GET /whole/x", "200 /whole/x", ""},
		{"GET /whole/y", `404 {"error":"Not Found"}`, ""},
		{"GET /whole/x/", "308 -> ../../whole/x", ""},
	} {
		w := testutil.Call(t, r, row.line)
		if got := brief(w); got != row.want || trace(w) != row.chain {
			t.Errorf("%s: got %s through %q, want %s through %q", row.line, got, trace(w), row.want, row.chain)
		}
	}

	root := apiroutes.New()
	root.Mount("/", mountSees)
	root.Get("/api", says("api"))
	for line, want := range map[string]string{
		"GET /": "200 / raw= pattern=/", "GET /x/y": "200 /x/y raw= pattern=/", "GET /api": "200 api", "POST /api": `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`,
		"GET //": "200 // raw= pattern=/", "GET /api/x": "200 /api/x raw= pattern=/", "GET /api/": "308 -> ../api", "GET /a%2Fb": "200 /a/b raw=/a%2Fb pattern=/",
	} {
		if got := brief(testutil.Call(t, root, line)); got != want {
			t.Errorf("mounted at the root: %s: got %s, want %s", line, got, want)
		}
	}
	if got := brief(testutil.Call(t, http.StripPrefix("/v1/", root), "GET /v1/x%2Fy")); got != "200 /x/y raw=/x%2Fy pattern=/" {
		t.Errorf("mounted at the root below a prefix with a slash: got %s", got)
	}
}

// TestMountStripsRawPath: Path and RawPath lose the same segments, and the
// caller's request keeps both.
func TestMountStripsRawPath(t *testing.T) {
	for _, row := range []struct{ prefix, target, path, raw string }{
		{"/m", "/m/a/b", "/a/b", ""},
		{"/m", "/m/a%2Fb", "/a/b", "/a%2Fb"},
		{"/m", "/m/%61", "/a", "/%61"},
		{"/m", "/%6D/a%2Fb", "/a/b", "/a%2Fb"},
		{"/m", "/m%2Fa/b", "", ""},
		{"/m", `/m/a"%2Fb`, `/a"/b`, `/a"%2Fb`},
		{"/m", "/m/%252F", "/%2F", ""},
		{"/m/[p]", "/m/a%2Fb/c", "/c", "/c"},
		{"/m/[p]", "/m/a%2Fb", "/", "/"},
		{"/m/[p]", "/m/x/a%2Fb//", "/a/b//", "/a%2Fb//"},
		{"/café", "/caf%C3%A9/x", "/x", ""},
		{"/café", "/caf%c3%a9/%2F", "//", "/%2F"},
	} {
		var path, raw string
		r := apiroutes.New()
		r.Mount(row.prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { path, raw = r.URL.Path, r.URL.RawPath }))
		var req *http.Request
		var before url.URL
		testutil.Call(t, r, "GET "+row.target, keep(&req), func(r *http.Request) { before = *r.URL })
		if path != row.path || raw != row.raw {
			t.Errorf("Mount %s, %s: got path %q, raw %q; want %q, %q", row.prefix, row.target, path, raw, row.path, row.raw)
		}
		if *req.URL != before {
			t.Errorf("Mount %s, %s: the caller's URL changed to %#v", row.prefix, row.target, *req.URL)
		}
	}
}

// TestMountPrefixParameters: the path rules end below the prefix, not in it.
func TestMountPrefixParameters(t *testing.T) {
	for _, policy := range []apiroutes.SlashPolicy{apiroutes.SlashRedirect, apiroutes.SlashServe} {
		r := apiroutes.New().Slashes(policy)
		r.Mount("/t/[tenant]", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%q %s", r.PathValue("tenant"), r.URL.Path)
		}))
		for target, want := range map[string]string{
			"/t/a/x":          `200 "a" /x`,
			"/t/a%2Fb/x":      `200 "a/b" /x`,
			"/t/a/../x":       `200 "a" /../x`,
			"/t/a/%ff/.":      `200 "a" /` + "\xff/.",
			"/t/a/%00":        `400 {"error":"the path holds a NUL byte"}`, // refused below the prefix too
			"/t/a%2Fb/x%00/y": `400 {"error":"the path holds a NUL byte"}`,
			"/t/../x":         `400 {"error":"the path holds a dot segment"}`,
			"/t/%2e/x":        `400 {"error":"the path holds a dot segment"}`,
			"/t/%2E%2e":       `400 {"error":"the path holds a dot segment"}`,
			"/t/%00/x":        `400 {"error":"the path holds a NUL byte"}`,
			"/t/a%2F%00b/x":   `400 {"error":"the path holds a NUL byte"}`,
			"/t/%ff/x":        `400 {"error":"the path is not valid UTF-8"}`,
			"/t/%c0%ae%2F/x":  `400 {"error":"the path is not valid UTF-8"}`,
			"/t/%c0%ae/../..": `400 {"error":"the path is not valid UTF-8"}`,
		} {
			if got := brief(testutil.Call(t, r, "GET "+target)); got != want {
				t.Errorf("%s: got %s, want %s", target, got, want)
			}
		}
	}
}

// TestMountRoutesFirst: a route at or below a mount's prefix wins, and no
// spelling of its path reaches the mounted handler, which may well clean what
// it gets. A mount further down the prefix counts as a route.
func TestMountRoutesFirst(t *testing.T) {
	protected := []string{"/files", "/files/secret", "/files/x/conf", "/files/deep/a/b", "/files/private/y"}
	for _, policy := range []apiroutes.SlashPolicy{apiroutes.SlashRedirect, apiroutes.SlashServe, apiroutes.SlashNotFound} {
		r := apiroutes.New().Slashes(policy)
		var leaked string
		r.Mount("/files", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			leaked = path.Clean("/files" + path.Clean(r.URL.Path))
			fmt.Fprint(w, "mounted")
		}))
		for _, pattern := range []string{"/files", "/files/secret", "/files/[p]/conf", "/files/deep/[...rest]"} {
			r.Get(pattern, says("route"))
		}
		r.Mount("/files/private", says("route"))
		if got := brief(testutil.Call(t, r, "GET /files/secre")); got != "200 mounted" || leaked != "/files/secre" {
			t.Fatalf("the mount itself: %s, %q", got, leaked)
		}
		for _, target := range []string{
			"/files", "/files/", "//files", "/files//", "/files/.", "/files/x/..", "/files/x%2F..", "/files/../files", "/files/..", "/files/%2F",
			"/files/secret", "/files/secret/", "/files//secret", "//files//secret//", "/files/./secret", "/files/secret/.", "/files/secret%2F", "/files/%2Fsecret",
			"/files/x/../secret", "/files/x/%2e%2e/secret", "/files/x%2F..%2Fsecret", "/files/x/%2E./secret/", "/files/%2e%2Fsecret", "/%66iles//secr%65t",
			"/files/../files/secret", "/files/../secret", "/files/../../secret", "/files/..%2Fsecret", "/files/%2e%2e/x/../secret", "/x/../files/secret",
			"/files/x/conf/", "/files/x//conf", "/files/x%2Fconf", "/files/y/../x/conf", "/files/../x/conf",
			"/files/deep/a/b/", "/files/deep//a/b", "/files/deep%2Fa/b", "/files/deep%2Fa%2Fb", "/files//deep%2Fa/b", "/files/deep/../deep/a/b", "//files/deep%2Fa/b",
			"/files/private/y", "/files//private/y", "/files/private%2Fy", "/files/z/../private/y", "/files/z/%2e%2e/private/y", "/files/../private/y", "/files/./private/y", "//files//private/y",
		} {
			leaked = ""
			w, to := mountFollow(t, r, "GET "+target)
			if slices.Contains(protected, leaked) {
				t.Errorf("policy %d: %s reached the mounted handler, which would serve %s", policy, target, leaked)
			}
			if unclean := strings.Contains(to, "//") || strings.HasSuffix(to, "/"); w.Result().StatusCode == 200 && unclean && policy == apiroutes.SlashRedirect {
				t.Errorf("%s was served at %s, which is not clean", target, to)
			}
		}
	}
}

// TestMountSlashPolicy: a mount beside a route does not change what becomes of
// the route's unclean paths.
func TestMountSlashPolicy(t *testing.T) {
	policies := []apiroutes.SlashPolicy{apiroutes.SlashRedirect, apiroutes.SlashServe, apiroutes.SlashNotFound}
	const notFound, notUTF8 = `404 {"error":"Not Found"}`, `400 {"error":"the path is not valid UTF-8"}`
	for _, row := range []struct {
		line string
		want [3]string // by policy
	}{
		{"GET /files//secret", [3]string{"308 -> ../../files/secret", "200 secret", notFound}},
		{"GET /files/secret/?q", [3]string{"308 -> ../../files/secret?q", "200 secret", notFound}},
		{"GET //files//secret", [3]string{"308 -> ../../../files/secret", "200 secret", notFound}},
		{"GET /files//secr%65t", [3]string{"308 -> ../../files/secr%65t", "200 secret", notFound}},
		{"PUT /files//secret", [3]string{"308 -> ../../files/secret", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`, notFound}},
		{"CONNECT /files//secret", [3]string{notFound, `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`, notFound}},
		{"GET /files//%ff/conf", [3]string{notUTF8, notUTF8, notUTF8}},
		{"GET /files//private/y", [3]string{"308 -> ../../../files/private/y", "200 /y raw= pattern=/files/private", notFound}},
		{"GET /files//x", [3]string{"200 //x raw= pattern=/files", "200 //x raw= pattern=/files", "200 //x raw= pattern=/files"}},
	} {
		for i, policy := range policies {
			r := apiroutes.New()
			r.Mount("/files", mountSees)
			r.Slashes(policy).Get("/files/secret", says("secret"))
			r.Slashes(policy).Get("/files/[p]/conf", says("conf"))
			r.Slashes(policy).Mount("/files/private", mountSees)
			if got := brief(testutil.Call(t, r, row.line)); got != row.want[i] {
				t.Errorf("policy %d: %s: got %s, want %s", policy, row.line, got, row.want[i])
			}
		}
	}
}
