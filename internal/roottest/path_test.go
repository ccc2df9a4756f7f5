package roottest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// pathServer serves h on a loopback address.
func pathServer(t testing.TB, h http.Handler) *testutil.Client {
	t.Helper()
	return testutil.Serve(t, h, testutil.HTTP)
}

// pathSend sends a request whose request line is written byte for byte as
// "METHOD target": no client library has a chance to tidy it up. The Host may
// be among headers.
func pathSend(t testing.TB, api *testutil.Client, line string, headers ...string) *testutil.Response {
	t.Helper()
	if len(headers) == 0 || !strings.HasPrefix(headers[0], "Host:") {
		headers = append([]string{"Host: api.example"}, headers...)
	}
	conn := api.Dial()
	defer conn.Close()
	conn.Send(fmt.Sprintf("%s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n", line, strings.Join(headers, "\r\n")))
	method, _, _ := strings.Cut(line, " ")
	answer := conn.Response(method)
	if answer.Bytes(); answer.Result() == nil {
		t.Fatalf("%.80q has no answer", line)
	}
	return answer
}

// pathAsterisk sends OPTIONS * to a server that leaves it to h. Those of
// testutil do not: they answer it themselves, as is the default of http.Server.
func pathAsterisk(t testing.TB, h http.Handler) *testutil.Response {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.DisableGeneralOptionsHandler = true
	server.Start()
	defer server.Close()
	target := &url.URL{Scheme: "http", Host: server.Listener.Addr().String(), Opaque: "*"}
	relay := &httputil.ReverseProxy{Transport: server.Client().Transport, Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL = target }}
	return testutil.Call(t, relay, "OPTIONS *")
}

// pathAsk is the answer to a raw request in one line.
func pathAsk(t testing.TB, api *testutil.Client, line string) string {
	t.Helper()
	return pathText(pathSend(t, api, line))
}

// pathText is an answer in one line: the body only of a 200.
func pathText(answer *testutil.Response) string {
	status, header := answer.Result().StatusCode, answer.Result().Header
	text := strconv.Itoa(status)
	if status == http.StatusOK {
		text += " " + string(answer.Bytes())
	}
	if to := header.Get("Location"); to != "" {
		text += " -> " + to
	}
	if allow := header.Get("Allow"); allow != "" {
		text += " [" + allow + "]"
	}
	return text
}

// pathEcho answers every path with its segments, quoted.
func pathEcho(mw ...apiroutes.Middleware) *apiroutes.Router {
	r := apiroutes.New(mw...)
	r.Get("/", says("root"))
	r.Get("/[...all]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprintf("%q", c.Segments("all")))
	})
	return r
}

var pathTargets = []struct {
	target string // as it stands in the request line
	want   string // where a catch-all takes every path
	reason string
}{
	{"/", "200 root", ""},
	{"/a/b", `200 ["a" "b"]`, ""},
	{"/a%2Fb/c", `200 ["a/b" "c"]`, "an encoded slash is data"},
	{"/a%2fb/c", `200 ["a/b" "c"]`, "hex digits have no case"},
	{"/%2F", `200 ["/"]`, "alone it is a segment, not the root"},
	{"/%2F%2F", `200 ["//"]`, "and not an empty segment either"},
	{"/a%2F", `200 ["a/"]`, "and no trailing slash"},
	{"/a%252Fb", `200 ["a%2Fb"]`, "decoded once"},
	{"/a%25252Fb", `200 ["a%252Fb"]`, "decoded once, however deep"},
	{"/%61%2f%62", `200 ["a/b"]`, ""},
	{"/%252e%252e/x", `200 ["%2e%2e" "x"]`, "decoded once: no dot segment"},
	{"/..%2Fx", `200 ["../x"]`, "one segment that only begins with dots"},
	{"/.../a..b/..c/d..", `200 ["..." "a..b" "..c" "d.."]`, "dots in a longer segment"},
	{"/..;/a", `200 ["..;" "a"]`, "no path parameters as in servlets"},
	{"/a;x=1/b;y", `200 ["a;x=1" "b;y"]`, ""},

	{"/%00", "400", "NUL"},
	{"/a%00b/c", "400", "NUL inside"},
	{"/a%2Fb/%00", "400", "NUL beside an encoded slash, which has a NUL's place inside the library"},
	{"/%2500", `200 ["%00"]`, "the text of an escape is no NUL"},
	{"/%c0%af", "400", "an overlong slash"},
	{"/%c0%ae%c0%ae/x", "400", "overlong dots"},
	{"/%e0%80%af/x", "400", "a slash in three bytes"},
	{"/%ed%a0%80", "400", "a surrogate"},
	{"/%f4%90%80%80", "400", "beyond U+10FFFF"},
	{"/%ff", "400", "a lone byte"},
	{"/a\xff", "400", "the same unescaped"},
	{"/%e2%82/x", "400", "a truncated sequence"},
	{"/%c3/%a9", "400", "a sequence torn apart by a slash"},
	{"/%c3%2F%a9", "400", "and by an encoded one"},
	{"/caf%C3%A9", `200 ["café"]`, ""},
	{"/café/x", `200 ["café" "x"]`, "net/http takes raw UTF-8"},

	{"/a%22%2Fb", `200 ["a\"/b"]`, "an escaped quote beside the encoded slash"},
	{`/a"%2Fb`, `200 ["a\"/b"]`, "net/url's EscapedPath drops such a RawPath, and splits"},
	{"/a<%2F>b", `200 ["a</>b"]`, "the same for angle brackets"},
	{"/a^%2Fb", `200 ["a^/b"]`, ""},
	{"/a|%2F`b", "200 [\"a|/`b\"]", ""},
	{"/a{%2F}b", `200 ["a{/}b"]`, ""},
	{"/[a]%2F[b]", `200 ["[a]/[b]"]`, ""},
	{"/é%2Fb", `200 ["é/b"]`, ""},
	{"/a#%2Fb", `200 ["a#/b"]`, "a request target has no fragment"},
	{`/a\b`, `200 ["a\\b"]`, "a backslash is data"},
	{`/a\%2F..\b`, `200 ["a\\/..\\b"]`, ""},
	{`/..\a`, `200 ["..\\a"]`, ""},
	{"/%5C%2e%2e%5Ca", `200 ["\\..\\a"]`, ""},
	{"/a%20b+c%2Bd", `200 ["a b+c+d"]`, "plus is a plus in a path"},
	{"/a%3Fb?c/../%2F", `200 ["a?b"]`, "an escaped question mark is data, the query is not the path"},
	{"/*", `200 ["*"]`, ""},
	{"/%2A", `200 ["*"]`, ""},
	{"/A/a", `200 ["A" "a"]`, "case is kept"},

	{"/%", "400", "net/http refuses a bad escape"},
	{"/a%2", "400", ""},
	{"/a%2Gb", "400", ""},

	{"//", "308 -> ../", ""},
	{"/a/", "308 -> ../a", ""},
	{"/a%2Fb//c", "308 -> ../../a%2Fb/c", ""},
	{`/a"%2Fb/`, "308 -> ../a%22%2Fb", "the quote is encoded, the slash stays so"},

	{"http://other.example/a%2Fb/c", `200 ["a/b" "c"]`, "absolute form: the host plays no part"},
	{"HTTP://other.example:99/a", `200 ["a"]`, ""},
	{"http://other.example", "200 root", "no path is the root"},
	{"http://other.example//a", "308 -> ../a", "and no part in a redirect"},
	{"http://other.example/../a", "400", ""},
	{"http://other.example/a/%2e%2e?x", "400", ""},
}

// TestPathTargets reads targets from the wire. A router whose routes match
// none of them must refuse what the catch-all refuses, and find nothing else.
func TestPathTargets(t *testing.T) {
	all, behind := pathServer(t, pathEcho()), pathServer(t, pathEcho(tag("")))
	unmatched := apiroutes.New()
	unmatched.Get("/x-only/[id]", says("x"))
	none := pathServer(t, unmatched)
	for _, row := range pathTargets {
		line := "GET " + row.target
		if got := pathAsk(t, all, line); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s (%s)", line, got, row.want, row.reason)
		}
		if got := pathAsk(t, behind, line); got != row.want {
			t.Errorf("%s, behind middleware:\n got %s\nwant %s (%s)", line, got, row.want, row.reason)
		}
		want := "404"
		if row.want == "400" {
			want = "400"
		}
		if got := pathAsk(t, none, line); got != want {
			t.Errorf("%s, without a match: got %s, want %s (%s)", line, got, want, row.reason)
		}
	}
}

// TestPathDotSegments: 400 wherever a dot segment stands and however it is
// written, matched or not, also where a slash policy would serve the path.
func TestPathDotSegments(t *testing.T) {
	lenient := apiroutes.New().Slashes(apiroutes.SlashServe)
	lenient.Get("/[[...all]]", says("served"))
	fixed := apiroutes.New()
	fixed.Get("/a", says("a"))
	fixed.Get("/a/b", says("b"))
	fixed.Get("/a/[p]/b", says("p"))
	fixed.Get("/[p]", says("p"))
	apis := map[string]*testutil.Client{"catch-all": pathServer(t, pathEcho()), "serving unclean paths": pathServer(t, lenient), "fixed routes": pathServer(t, fixed)}
	for _, dots := range []string{".", "..", "%2e", "%2E", "%2e%2E", ".%2e", "%2E."} {
		for _, place := range []string{"/%s", "/%s/", "/%s/a", "/a/%s", "/a/%s/", "/a/%s/b", "//%s//b", "/a%%2Fb/%s", "/%s?q=1"} {
			for name, api := range apis {
				if got, line := pathAsk(t, api, "GET "+fmt.Sprintf(place, dots)), fmt.Sprintf(place, dots); got != "400" {
					t.Errorf("%s: GET %s: got %s, want 400", name, line, got)
				}
			}
		}
	}
}

func TestPathRefusalsSayWhy(t *testing.T) {
	for line, want := range map[string]string{
		"GET /a/..":    `400 {"error":"the path holds a dot segment"}`,
		"GET /a/%00":   `400 {"error":"the path holds a NUL byte"}`,
		"GET /a%2F%00": `400 {"error":"the path holds a NUL byte"}`,
		"GET /%ff":     `400 {"error":"the path is not valid UTF-8"}`,
		"GET *":        `400 {"error":"the request target is not a path"}`,
	} {
		if got := brief(testutil.Call(t, pathEcho(), line)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// TestPathOtherMethods is about targets that mean something only with one
// method.
func TestPathOtherMethods(t *testing.T) {
	const allow = " [GET, HEAD, OPTIONS]"
	handled := pathEcho(tag("new"))
	handled.Handle("/all", says("all"))
	api := pathServer(t, handled)
	send := func(line string) *testutil.Response {
		t.Helper()
		if line == "OPTIONS *" {
			return pathAsterisk(t, handled)
		}
		return pathSend(t, api, line)
	}
	for _, row := range []struct{ line, want, reason string }{
		{"OPTIONS *", "204", "RFC 9110 9.3.7"},
		{"GET *", "400", "the asterisk is for OPTIONS"},
		{"HEAD *", "400", ""},
		{"POST *", "400", ""},
		{"DELETE *", "400", ""},
		{"QUERY *", "400", ""},
		{"OPTIONS /*", "204" + allow, "a path"},
		{"OPTIONS /a", "204" + allow, ""},
		{"CONNECT api.example:443", "405" + allow, "no path is the root"},
		{"CONNECT /a", "405" + allow, ""},
		{"CONNECT /all", "200 all", ""},
		{"CONNECT /all/", "404", "a tunnel is never redirected"},
		{"CONNECT //all", "404", ""},
		{"CONNECT /a/..", "400", ""},
		{"POST /a", "405" + allow, ""},
		{"HEAD /a", "200 ", ""},
	} {
		if got := pathText(send(row.line)); got != row.want {
			t.Errorf("%s: got %q, want %q (%s)", row.line, got, row.want, row.reason)
		}
	}
	for _, line := range []string{"OPTIONS *", "GET *", "GET /a/..", "CONNECT /all/"} {
		if got := trace(send(line)); got != "new" {
			t.Errorf("%s: middleware %q ran, want that of New", line, got)
		}
	}
}

// TestPathLong has parameters on both sides of byte 65535, where their offsets
// no longer fit into 16 bits.
func TestPathLong(t *testing.T) {
	for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
		r := apiroutes.New(mw...)
		r.Get("/long/[a]/x/[b]/[...rest]", func(c apiroutes.Context) error {
			return c.Text(http.StatusOK, c.Param("a")+" "+c.Param("b")+" "+c.Param("rest")+" "+strings.Join(c.Segments("rest"), ","))
		})
		api := pathServer(t, r)
		ask := func(a, b, rest string) {
			t.Helper()
			want := "200 " + a + " " + b + " " + rest + " " + strings.ReplaceAll(rest, "/", ",")
			if got := pathAsk(t, api, "GET /long/"+a+"/x/"+b+"/"+rest); got != want {
				t.Errorf("a path of %d bytes: got %.60q..., %d bytes; want %d", len("/long//x//")+len(a+b+rest), got, len(got), len(want))
			}
		}
		ask(strings.Repeat("a", 14_000), "b", "c/d")
		ask("a", "b", strings.Repeat("c/d", 14_000/3))
		ask(strings.Repeat("a", 100_000), strings.Repeat("b", 1000), strings.Repeat("c/d", 1000))
		ask("a", strings.Repeat("b", 65_000), strings.Repeat("c/d", 12_000))
		for _, tail := range []string{"/x/b/c", "/x/b", "/x", ""} { // which of them ends at the border
			for n := range 6 {
				a := strings.Repeat("a", 65535+3-n-len("/long/"+tail))
				if got := brief(testutil.Call(t, r, "GET /long/"+a+"/x/b/c")); got != "200 "+a+" b c c" {
					t.Errorf("a of %d bytes: got %d bytes ending in %.20q", len(a), len(got), got[max(0, len(got)-20):])
				}
			}
		}
	}
}

// TestPathManySegments: there is no array whose end could be overrun.
func TestPathManySegments(t *testing.T) {
	for _, n := range []int{1, 500, 2000} {
		for _, mw := range [][]apiroutes.Middleware{nil, {tag("")}} {
			api := pathServer(t, pathEcho(mw...))
			var path strings.Builder
			var segments []string
			for i := range n {
				fmt.Fprintf(&path, "/s%d%%2F", i)
				segments = append(segments, fmt.Sprintf("s%d/", i))
			}
			if got, want := pathAsk(t, api, "GET "+path.String()), fmt.Sprintf("200 %q", segments); got != want {
				t.Errorf("%d segments: got %.60s..., want %.60s...", n, got, want)
			}
			for _, slashes := range []string{"/", strings.Repeat("/", n)} {
				if got, want := pathAsk(t, api, "GET /a/"+slashes), "308 -> ../"+strings.Repeat("../", len(slashes))+"a"; got != want {
					t.Errorf("%d slashes: got %.60s..., want %.60s...", n, got, want)
				}
			}
		}
	}
}
