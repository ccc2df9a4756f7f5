package roottest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// slashRoutes serves everything that the tests below ask for, and answers with
// what arrived: method, path as the router sees it, query, body.
func slashRoutes() *apiroutes.Router {
	r := apiroutes.New()
	echo := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.Text(http.StatusOK, fmt.Sprintf("%s %q ?%s %s", c.Request().Method, c.Segments("rest"), c.Request().URL.RawQuery, body))
	})
	r.Handle("/[[...rest]]", echo)
	return r
}

// slashWay is a way to make a router reachable below a prefix.
type slashWay struct {
	name, prefix string
	mount        func(t *testing.T, r http.Handler) http.Handler
	cleans       bool   // a mux on the way redirects first
	spoils       string // paths and queries with these bytes change on the way
}

// muxSpoils: ServeMux encodes the encoded path again in its redirect.
const muxSpoils = "%é#\"<>\\"

var slashWays = []slashWay{
	{"bare", "", func(t *testing.T, r http.Handler) http.Handler { return r }, false, ""},
	{"ServeMux", "", func(t *testing.T, r http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/", r)
		return mux
	}, true, muxSpoils},
	{"StripPrefix", "/v1", func(t *testing.T, r http.Handler) http.Handler { return http.StripPrefix("/v1", r) }, false, ""},
	{"StripPrefix with a slash", "/v1", func(t *testing.T, r http.Handler) http.Handler { return http.StripPrefix("/v1/", r) }, false, ""},
	{"StripPrefix twice", "/v1/api", func(t *testing.T, r http.Handler) http.Handler {
		return http.StripPrefix("/v1", http.StripPrefix("/api", r))
	}, false, ""},
	{"StripPrefix on a ServeMux", "/v1", func(t *testing.T, r http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/v1/", http.StripPrefix("/v1", r))
		return mux
	}, true, muxSpoils},
	{"Mount", "/v1", func(t *testing.T, r http.Handler) http.Handler {
		outer := apiroutes.New()
		outer.Mount("/v1", r)
		return outer
	}, false, ""},
	{"Mount twice, with a parameter", "/t/a%2Fb/v1", func(t *testing.T, r http.Handler) http.Handler {
		inner, outer := apiroutes.New(), apiroutes.New()
		inner.Mount("/v1", r)
		outer.Mount("/t/[tenant]", inner)
		return outer
	}, false, ""},
	{"reverse proxy", "/pub/api", func(t *testing.T, r http.Handler) http.Handler {
		backend := testutil.Serve(t, r, testutil.HTTP)
		to, _ := url.Parse(backend.URL(""))
		proxy := &httputil.ReverseProxy{Transport: backend.HTTPClient().Transport, Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = to.Scheme, to.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery // which it cleans otherwise
		}}
		return http.StripPrefix("/pub/api", proxy)
	}, false, "\"<"}, // it sends EscapedPath, which is another path then
}

// slashPaths are unclean paths, with the segments that must arrive.
var slashPaths = []struct {
	path, clean, query string
	segments           []string
}{
	{"/a/b/", "/a/b", "", []string{"a", "b"}},
	{"/a//b", "/a/b", "", []string{"a", "b"}},
	{"//a/b", "/a/b", "", []string{"a", "b"}},
	{"///a///b///", "/a/b", "", []string{"a", "b"}},
	{"/a%2Fb//c", "/a%2Fb/c", "", []string{"a/b", "c"}},
	{"//%2F%2fevil.example/", "/%2F%2fevil.example", "", []string{"//evil.example"}},
	{"/caf%C3%A9/", "/caf%C3%A9", "", []string{"café"}},
	{"/café//x", "/caf%C3%A9/x", "", []string{"café", "x"}},
	{"//evil.example/", "/evil.example", "", []string{"evil.example"}},
	{"//evil.example/%252e%252e/", "/evil.example/%252e%252e", "", []string{"evil.example", "%2e%2e"}},
	{`/\evil.example/`, "/%5Cevil.example", "", []string{`\evil.example`}},
	{`//\\evil.example`, "/%5C%5Cevil.example", "", []string{`\\evil.example`}},
	{"/%5Cevil.example/", "/%5Cevil.example", "", []string{`\evil.example`}},
	{"/http://evil.example/", "/http:/evil.example", "", []string{"http:", "evil.example"}},
	{"/javascript:alert(1)/", "/javascript:alert(1)", "", []string{"javascript:alert(1)"}},
	{"/user@evil.example//", "/user@evil.example", "", []string{"user@evil.example"}},
	{"/%0d%0aSet-Cookie:%20x/", "/%0d%0aSet-Cookie:%20x", "", []string{"\r\nSet-Cookie: x"}},
	{`/a"%2F<b>//`, "/a%22%2F%3Cb%3E", "", []string{`a"/<b>`}},
	{"/a#b/", "/a%23b", "", []string{"a#b"}},
	{"/a%3Fb//", "/a%3Fb", "", []string{"a?b"}},
	{"/a/", "/a", "?q=a%20b&q=%2F..%2F&empty=&&flag", []string{"a"}},
	{"/a/", "/a", "?x=%zz&y=a;b&z=[1]|^`{}\\~!$'()*,:@/?#", []string{"a"}},
	{"/a/", "/a", "?url=https://evil.example//&n=//", []string{"a"}},
	{"//", "/", "?q=1", nil},
	{"/a/", "/a", "?", []string{"a"}},
}

// TestSlashRedirect sends each path through each way and follows the answer as
// RFC 3986 5.2 says. One redirect of ours, or two with one of a mux, must lead
// to the clean path below the same prefix.
func TestSlashRedirect(t *testing.T) {
	for _, way := range slashWays {
		t.Run(way.name, func(t *testing.T) {
			api := pathServer(t, way.mount(t, slashRoutes()))
			for _, row := range slashPaths {
				if strings.ContainsAny(row.path+row.query, way.spoils) {
					continue
				}
				if way.name == "StripPrefix with a slash" && strings.HasPrefix(row.path, "//") {
					continue // one of the slashes goes with the prefix
				}
				slashFollow(t, way, api, row.path+row.query, way.prefix+row.clean, row.query, fmt.Sprintf("%q", row.segments))
			}
		})
	}
}

// slashFollow follows the redirects of a raw GET request.
func slashFollow(t *testing.T, way slashWay, api *testutil.Client, path, clean, query, segments string) {
	t.Helper()
	target := way.prefix + path
	for hop := range 6 {
		sent := pathSend(t, api, "GET "+target)
		answer, body := sent.Result(), sent.Bytes()
		location := answer.Header.Get("Location")
		if refresh := answer.Header.Get("Refresh"); refresh != "" {
			t.Errorf("%s: Refresh %q", target, refresh)
		}
		switch answer.StatusCode {
		case http.StatusOK:
			if got, _, _ := strings.Cut(target, "?"); got != clean {
				t.Errorf("%s%s ended at %s, want %s", way.prefix, path, got, clean)
			}
			// '#' is no part of a query that a client can send, so it is encoded.
			want := "GET " + segments + " ?" + strings.ReplaceAll(strings.TrimPrefix(query, "?"), "#", "%23") + " "
			if string(body) != want {
				t.Errorf("%s%s: got %s, want %s", way.prefix, path, body, want)
			}
			if hop == 0 || hop > 2 {
				t.Errorf("%s%s: served after %d redirects", way.prefix, path, hop)
			}
			return
		case http.StatusPermanentRedirect:
			if !strings.HasPrefix(location, "../") || strings.Contains(location, "\\") && !strings.Contains(location, "?") {
				t.Errorf("%s: Location %q", target, location)
			}
		default:
			if !way.cleans || answer.StatusCode != http.StatusTemporaryRedirect {
				t.Errorf("%s: status %d, %s", target, answer.StatusCode, body)
				return
			}
		}
		base, err := url.Parse("http://api.example" + pathAsBrowser(target))
		if err != nil {
			t.Fatal(err)
		}
		to, err := base.Parse(location)
		if err != nil || to.Host != "api.example" || to.Scheme != "http" || to.User != nil {
			t.Errorf("%s: Location %q leads to %v, %v", target, location, to, err)
			return
		}
		target = to.RequestURI()
	}
	t.Errorf("%s%s: more than five redirects", way.prefix, path)
}

// TestSlashClient lets the client of net/http follow, which re-sends method
// and body.
func TestSlashClient(t *testing.T) {
	for _, way := range slashWays {
		t.Run(way.name, func(t *testing.T) {
			api := testutil.Serve(t, way.mount(t, slashRoutes()), testutil.HTTP)
			for _, path := range []string{"/a/b/", "/a//b", "/a///b//?q=%2F&x=%zz;", "/a%2Fb/"} {
				if way.cleans && strings.ContainsAny(path, muxSpoils) {
					continue
				}
				for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "QUERY"} {
					sent := api.Do(method, way.prefix+path, testutil.Body("", "the body"))
					answer, body := sent.Result(), sent.Bytes()
					if answer == nil {
						continue // which is reported
					}
					_, query, _ := strings.Cut(path, "?")
					want := fmt.Sprintf(`%s ["a" "b"] ?%s the body`, method, query)
					if strings.Contains(path, "%2F") && query == "" {
						want = method + ` ["a/b"] ? the body`
					}
					if string(body) != want || answer.Request.Response == nil {
						t.Errorf("%s %s: got %s without a redirect (%t), want %s", method, path, body, answer.Request.Response == nil, want)
					}
				}
			}
		})
	}
}

// TestSlashPolicies: the policy is that of the views which a pattern's
// registrations share, and none makes a match where the clean path has none.
func TestSlashPolicies(t *testing.T) {
	r := apiroutes.New(tag("new"))
	r.Get("/redirect/[id]", valuesEcho("id"))
	serve, hide := r.Slashes(apiroutes.SlashServe), r.Slashes(apiroutes.SlashNotFound)
	serve.Get("/serve/[id]/[[...rest]]", valuesEcho("id", "...rest"))
	bare := apiroutes.New().Slashes(apiroutes.SlashServe)
	bare.Get("/serve/[id]/[[...rest]]", valuesEcho("id", "...rest"))
	hide.Get("/hide/[id]", valuesEcho("id"))
	hide.With(tag("mw")).Slashes(apiroutes.SlashRedirect).Get("/again/[id]", valuesEcho("id"))
	r.Get("/mixed", says("get"))
	serve.Post("/mixed", says("post"))
	hide.Get("/shared", says("get"))
	hide.With(tag("mw")).Post("/shared", says("post"))
	for _, row := range []struct {
		h          http.Handler
		line, want string
	}{
		{r, "GET /redirect/7/", "308 -> ../../redirect/7"},
		{r, "GET /redirect//7", "308 -> ../../redirect/7"},
		{r, "GET /redirect//7?", "308 -> ../../redirect/7?"},
		{r, "GET /redirect//7??a=//&b", "308 -> ../../redirect/7??a=//&b"},
		{r, "GET /serve/7", "200 /serve/[id]/[[...rest]] id=7 rest=[]"},
		{r, "GET //serve//a%2Fb//", "200 /serve/[id]/[[...rest]] id=a/b rest=[]"},
		{r, "GET /serve///7//x//y%2Fz/", `200 /serve/[id]/[[...rest]] id=7 rest=x/y/z["x" "y/z"]`},
		{bare, "GET //serve//a%2Fb//", "200 /serve/[id]/[[...rest]] id=a/b rest=[]"},
		{bare, "GET /serve///7//x//y%2Fz/", `200 /serve/[id]/[[...rest]] id=7 rest=x/y/z["x" "y/z"]`},
		{bare, "GET /serve///7//x//y/", `200 /serve/[id]/[[...rest]] id=7 rest=x/y["x" "y"]`},
		{r, "PUT //serve/7", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`},
		{r, "GET /serve/", `404 {"error":"Not Found"}`},
		{r, "GET /hide/7", "200 /hide/[id] id=7"},
		{r, "GET /hide/7/", `404 {"error":"Not Found"}`},
		{r, "GET //hide/7", `404 {"error":"Not Found"}`},
		{r, "GET /again//7", "308 -> ../../again/7"},
		{r, "GET /mixed/", "308 -> ../mixed"},
		{r, "POST /mixed/", "308 -> ../mixed"},
		{r, "POST /shared/", `404 {"error":"Not Found"}`},
		{r, "GET /none/", `404 {"error":"Not Found"}`},
		{r, "GET //", `404 {"error":"Not Found"}`},
		{r, "GET /redirect//", `404 {"error":"Not Found"}`},
		{r, "GET /redirect/7//x", `404 {"error":"Not Found"}`},
		{r, "GET /Redirect/7/", `404 {"error":"Not Found"}`},
		{r, "GET /redirect/7/..//", `400 {"error":"the path holds a dot segment"}`},
		{r, "PUT /redirect/7/", "308 -> ../../redirect/7"},
		{r, "OPTIONS /redirect/7/", "308 -> ../../redirect/7"},
		{r, "HEAD /redirect/7/", "308 -> ../../redirect/7"},
		{r, "CONNECT /redirect/7/", `404 {"error":"Not Found"}`},
	} {
		if got := brief(testutil.Call(t, row.h, row.line)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.line, got, row.want)
		}
	}
	want := `a policy of 9 does not exist`
	if text := panicText(t, func() { r.Slashes(9) }); !strings.Contains(text, "slash_test.go:") || !strings.Contains(text, "Slashes(9)") {
		t.Errorf("%s: got %s", want, text)
	}
}

// TestSlashAnswer is about the rest of the answer.
func TestSlashAnswer(t *testing.T) {
	r := apiroutes.New(tag("new"))
	r.With(tag("shared")).Post("/a", says("a"))
	w := testutil.Call(t, r, "POST /a/?q")
	if got := w.Result().Header; len(w.Bytes()) != 0 || got.Get("Content-Length") != "0" || got.Get("Content-Type") != "" || got.Get("Refresh") != "" || len(got["Location"]) != 1 {
		t.Errorf("headers %v, body %q", got, w.Bytes())
	}
	if got := trace(w); got != "new shared" {
		t.Errorf("the redirect ran %q, want the chain of its route", got)
	}
}

// TestSlashPreflight: CORS stands before the redirect, which a preflight may
// not receive (Fetch 4.8).
func TestSlashPreflight(t *testing.T) {
	cors := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	r := apiroutes.New()
	api := r.Group("/api", cors)
	api.Get("/x", says("x"))
	api.With(tag("guard")).Post("/x", says("x"))
	for _, row := range []struct {
		method, target, want string
		preflight            bool
	}{
		{"OPTIONS", "/api/x", "204", true},
		{"OPTIONS", "/api/x/", "204", true},
		{"OPTIONS", "/api//x", "204", true},
		{"OPTIONS", "/api/x/", "308 -> ../../api/x", false},
		{"POST", "/api/x/", "308 -> ../../api/x", false},
		{"PUT", "/api/x", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS, POST]`, false},
	} {
		var edits []testutil.Edit
		if row.preflight {
			edits = append(edits, testutil.Header("Access-Control-Request-Method", "POST"))
		}
		w := testutil.Call(t, r, row.method+" "+row.target, edits...)
		header := w.Result().Header
		if got := brief(w); got != row.want || header.Get("Access-Control-Allow-Origin") == "" || trace(w) != "" {
			t.Errorf("%s %s: got %s, headers %v; want %s with CORS and without the guard of POST", row.method, row.target, got, header, row.want)
		}
	}
}
