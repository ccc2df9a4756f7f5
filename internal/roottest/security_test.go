package roottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// Each test is named after a defect that a real router or framework shipped,
// or after a property that excludes a class of them.

// secHeaders are names with which proxies and frameworks steer, or steered,
// routing.
var secHeaders = []string{
	"X-Middleware-Subrequest", "X-Middleware-Subrequest-Id", "X-Middleware-Rewrite", "X-Middleware-Next", "X-Middleware-Skip", "X-Middleware-Invoke",
	"X-Middleware-Prefetch", "X-Middleware-Request-Id", "X-Middleware-Override-Headers", "X-Nextjs-Data", "X-Nextjs-Rewrite", "X-Nextjs-Redirect",
	"X-Matched-Path", "X-Now-Route-Matches", "X-Invoke-Path", "X-Invoke-Query", "X-Invoke-Status", "X-Invoke-Error", "X-Invoke-Output", "X-Prerender-Revalidate",
	"Rsc", "Next-Router-Prefetch", "Next-Router-State-Tree", "Next-Router-Segment-Prefetch", "Next-Action", "Next-Url", "Purpose", "Sec-Purpose",
	"X-Original-Url", "X-Original-Uri", "X-Original-Host", "X-Rewrite-Url", "X-Rewrite-Uri", "X-Request-Uri", "X-Path", "X-Url", "X-Envoy-Original-Path", "X-Sendfile-Type",
	"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Uri", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Scheme",
	"X-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Forwarded", "X-Host", "X-Http-Host-Override", "X-Script-Name", "X-Ingress-Path",
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override", "X-Original-Method", "Upgrade-Insecure-Requests", "Base-Url", "Destination", "Referer", "Origin", "Via", "Te",
	"X-Apiroutes-Pattern", "X-Route", "X-Param-Id", "Id",
}

var secValues = []string{
	"1", "true", "middleware", "middleware:middleware:middleware:middleware:middleware", "src/middleware:src/middleware", "/open", "/admin/7", "https://evil.example/x", "evil.example",
	"//evil.example", "DELETE", "id=8", `{"id":"8"}`, "for=127.0.0.1;host=evil.example;proto=https", "127.0.0.1", "prefetch", "../..",
}

// secRoutes is a router with a guard in each place where one can be. Handlers
// answer with everything that routing decided.
func secRoutes() *apiroutes.Router {
	r := apiroutes.New(tag("new"))
	r.Get("/open", valuesEcho("id"))
	admin := r.Group("/admin", tag("guard"))
	admin.Route("/[id]", apiroutes.Methods{Get: valuesEcho("id"), Delete: valuesEcho("id")})
	admin.Get("/files/[...rest]", valuesEcho("...rest"))
	admin.Mount("/m/[id]", mountSees)
	r.Get("/[...all]", valuesEcho("...all"))
	return r
}

// secSignature is all that routing decides about a request.
func secSignature(t testing.TB, h http.Handler, line string, edits ...testutil.Edit) string {
	t.Helper()
	var req *http.Request
	w := testutil.Call(t, h, line, append(edits, keep(&req))...)
	return brief(w) + " through " + trace(w) + " as " + req.Pattern
}

// CVE-2025-29927 (Next.js): x-middleware-subrequest skipped all middleware.
func TestSecurityNoHeaderSkipsMiddleware(t *testing.T) {
	h := secRoutes()
	for _, line := range []string{"GET /admin/7", "DELETE /admin/7", "PUT /admin/7", "OPTIONS /admin/7", "GET /admin/7/", "GET /admin/files/a%2Fb/c", "POST /admin/m/7/x", "GET /open", "GET /open//", "GET /x/y", "GET /", "GET /admin/.."} {
		_, target, _ := strings.Cut(line, " ")
		want := secSignature(t, h, line)
		if strings.Contains(target, "/admin/") && !strings.Contains(target, "..") && !strings.Contains(want, "new guard") {
			t.Fatalf("%s: %s: the guard did not run", line, want)
		}
		var all []testutil.Edit
		for _, name := range secHeaders {
			for _, value := range secValues {
				all = append(all, func(r *http.Request) { r.Header.Add(name, value) })
				if got := secSignature(t, h, line, all[len(all)-1]); got != want {
					t.Errorf("%s with %s: %s:\n got %s\nwant %s", line, name, value, got, want)
				}
			}
		}
		all = append(all, testutil.Header("Host", "evil.example"))
		if got := secSignature(t, h, line, all...); got != want {
			t.Errorf("%s with all headers at once:\n got %s\nwant %s", line, got, want)
		}
	}
}

// CVE-2026-44574 (Next.js): query parameters changed the dynamic parameter that
// the page saw. Nor do body, headers or cookies.
func TestSecurityParamsComeFromThePath(t *testing.T) {
	for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
		r := apiroutes.New(mw...)
		read := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			_ = c.Request().FormValue("id") // parses query and body
			return c.Text(http.StatusOK, fmt.Sprintf("%s %s %q", c.Param("id"), c.Param("rest"), c.Segments("rest")))
		})
		r.Handle("/u/[id]/[[...rest]]", read)
		for _, query := range []string{"id=8", "id=&rest=x", "[id]=8", "[...rest]=x", "nxtPid=8", "nxtP[id]=8", "__nextDefaultLocale=x", "rest=a&rest=b", "rest[]=a", "%69d=8", "id=8;id=9"} {
			for target, want := range map[string]string{"/u/7?": "200 7  []", "/u/7/a%2Fb/c?": `200 7 a/b/c ["a/b" "c"]`} {
				w := testutil.Call(t, r, "POST "+target+query, testutil.Body("application/x-www-form-urlencoded", query), testutil.Header("Id", "8"), testutil.Cookie("id", "8"))
				if got := brief(w); got != want {
					t.Errorf("%s%s: got %s, want %s", target, query, got, want)
				}
			}
		}
		if got := brief(testutil.Call(t, r, "GET /u?id=8")); got != `404 {"error":"Not Found"}` {
			t.Errorf("a parameter from the query alone: %s", got)
		}
	}
}

// GHSA-267c-6grr-h53f, GHSA-26hh-7cqf-hhc6, GHSA-492v-c6pp-mqqv, CVE-2026-44573
// (Next.js): other spellings of a page missed the matcher of its middleware.
func TestSecurityPageSpellings(t *testing.T) {
	r := apiroutes.New()
	r.With(tag("guard")).Get("/admin", says("secret"))
	r.Get("/[[...all]]", says("open"))
	for _, target := range []string{
		"/admin.rsc", "/admin.json", "/admin.txt", "/admin.segments/_tree.segment.rsc", "/en/admin", "/_next/data/build/admin.json", "/_next/data/build/en/admin.json", "/admin/index", "/index/admin",
		"/ADMIN", "/Admin", "/%41dmin", "/admin;x", "/admin%20", "/admin%09", "/admin%3F", "/admin%23", "/admin.", "/admin%2F", "/%2Fadmin", `/admin\`, "/admin%5C", "/admin%00", "/ａdmin", "/adm%C4%B1n",
		"/./admin", "/x/../admin", "/admin/.", "/admin/%2e", "/api/../admin", "/%61dmin", "/%61%64%6d%69%6e", "/%2561dmin", "/admin?_rsc=1", "/admin?nxtPall=x", "/admin?__nextLocale=en", "/admin?x=/open", "//admin", "/admin/", "/admin//",
	} {
		w, _ := mountFollow(t, r, "GET "+target)
		if secret := string(w.Bytes()) == "secret"; secret != (trace(w) == "guard") {
			t.Errorf("%s: secret %t, guards %q", target, secret, trace(w))
		}
	}
}

// echo CVE-2026-55677, GHSA-3pmx-cf9f-34xr: the router matched the raw path,
// the file handler decoded it.
func TestSecurityFilesBehindGuards(t *testing.T) {
	files := http.FileServerFS(fstest.MapFS{
		"admin/x": {Data: []byte("secret")}, "admin/deep/x": {Data: []byte("secret")}, "private/x": {Data: []byte("secret")}, "open.txt": {Data: []byte("open")}, "a/b.txt": {Data: []byte("open")},
	})
	deny := func(http.Handler) http.Handler { return http.HandlerFunc(http.NotFound) }
	below, root := apiroutes.New(), apiroutes.New()
	below.Mount("/files", files)
	below.With(deny).Handle("/files/admin/[[...rest]]", http.StripPrefix("/files", files))
	below.With(deny).Mount("/files/private", files)
	root.Mount("/", files)
	root.With(deny).Handle("/admin/[[...rest]]", files)
	root.With(deny).Mount("/private", files)
	for prefix, h := range map[string]http.Handler{"/files": below, "": root} {
		api := pathServer(t, h)
		for _, open := range []string{"/open.txt", "/a/b.txt", "/a%2Fb.txt", "/a/../open.txt", "//open.txt"} {
			if got := pathAsk(t, api, "GET "+prefix+open); got != "200 open" {
				t.Errorf("%s%s: got %s", prefix, open, got)
			}
		}
		for _, secret := range []string{
			"/admin/x", "/admin%2Fx", "/admin%2fx", "/%61dmin%2Fx", "/admin%2F%2Fx", "/admin%2F.%2Fx", "/admin%2Fdeep%2Fx", "/admin%2Fdeep/x", "/admin/deep%2Fx", "//admin/x", "//admin%2Fx", "/admin//x", "/%2Fadmin/x", "/%2Fadmin%2Fx",
			"/./admin/x", "/a/../admin/x", "/a/%2e%2e/admin/x", "/a%2F..%2Fadmin%2Fx", "/a/..%2Fadmin/x", "/%2e%2e/admin/x", "/../admin/x", "/../../admin/x", "/..%2Fadmin%2Fx", "/%2E%2E%2F%2E%2E%2Fadmin/x", "/.%2e/admin/x", "/admin/x/", "/admin/./x", "/admin/y/../x", "/admin%2Fy%2F..%2Fx",
			"/private/x", "/private%2Fx", "//private/x", "/a/../private/x", "/a/%2e%2e/private/x", "/../private/x", "/./private/x", "/a%2F..%2Fprivate/x", "/%70rivate%2Fx", "//private%2Fx",
			"/admin/..%2fadmin/x", "/open.txt/../admin/x", "/private/../admin/x", "/admin/../private/x",
		} {
			answer := pathSend(t, api, "GET "+prefix+secret)
			if status, body := answer.Result().StatusCode, string(answer.Bytes()); status == 200 || body == "secret" {
				t.Errorf("%s%s: got %d %s past the guard", prefix, secret, status, body)
			}
		}
	}
}

// Traefik CVE-2026-40912, CVE-2026-48020, CVE-2025-47952, CVE-2025-32431;
// fasthttp GO-2026-4950; Caddy CVE-2026-27587: Path and RawPath drifted apart,
// paths were decoded twice, case was folded in one branch only.
func TestSecurityOneReading(t *testing.T) {
	for _, row := range []struct{ target, id, inner string }{
		{"/%2561/x", "%61", "/x x"},
		{"/%252e%252e/x", "%2e%2e", "/x x"},
		{"/a%252Fb/%2578", "a%2Fb", "/%78 %2578"},
		{"/a%2Fb/x%2Fy", "a/b", "/x/y x%2Fy"},
		{"/A/X", "A", "/X X"},
		{"/%41/%58", "A", "/X %58"},
		{"/%c3%84/x", "Ä", "/x x"},
	} {
		var seen []string
		note := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.PathValue("id"))
				next.ServeHTTP(w, r)
			})
		}
		inner := apiroutes.New(note)
		inner.Get("/[...rest]", func(c apiroutes.Context) error {
			u := c.Request().URL
			seen = append(seen, c.Param("id"))
			return c.Text(http.StatusOK, u.Path+" "+strings.TrimPrefix(u.EscapedPath(), "/"))
		})
		r := apiroutes.New(note)
		r.With(note).Mount("/[id]", inner)
		r.Get("/a", says("the route /a"))
		w := testutil.Call(t, r, "GET "+row.target)
		if got := string(w.Bytes()); got != row.inner || fmt.Sprint(seen) != fmt.Sprint([]string{row.id, row.id, row.id, row.id}) {
			t.Errorf("%s: the mount got %q and middleware saw %q; want %q and %q everywhere", row.target, got, seen, row.inner, row.id)
		}
	}
	r := apiroutes.New()
	r.With(tag("guard")).Get("/Admin/[id]", says("secret"))
	r.Get("/admin/open", says("open"))
	for _, target := range []string{"/admin/7", "/ADMIN/7", "/aDMIN/7", "/%61dmin/7", "/admin/OPEN", "/Adm%C4%B1n/7"} {
		if got := brief(testutil.Call(t, r, "GET "+target)); got != `404 {"error":"Not Found"}` {
			t.Errorf("%s: got %s: case must count", target, got)
		}
	}
}
