package roottest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// redirectTo answers a request with a redirect and returns the status and the
// Location.
func redirectTo(t testing.TB, redirect func(c apiroutes.Context) error) (status int, location string) {
	t.Helper()
	rec := httptest.NewRecorder()
	apiroutes.HandlerFunc(redirect).ServeHTTP(rec, httptest.NewRequest("GET", "/a/b?c", nil))
	locations := rec.Header()["Location"]
	if len(locations) > 1 || (len(locations) == 1) != (rec.Code < 400) {
		t.Errorf("%d with the Location %q", rec.Code, locations)
	}
	return rec.Code, strings.Join(locations, ",")
}

// TestRedirectRefuses: each of these leads elsewhere in some browser, or looks
// as if it did.
func TestRedirectRefuses(t *testing.T) {
	captureLog(t)
	for _, target := range []string{
		"",
		"https://evil.example", "http://evil.example/", "HTTPS://evil.example", "https:evil.example", "http:/evil.example", `https:\\evil.example`,
		"javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "javascript\n:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd",
		"mailto:a@evil.example", "blob:x", "x:", "x:/y", "a+b-c.d:x", ":", ":x", "1:2",
		"//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `\\\evil.example`,
		"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", "\r\n//evil.example", "/\t\\evil.example",
		" //evil.example", " /login", " https://evil.example", "  javascript:x", "\x00//evil.example", "\x01/login", "\x1f//evil.example", "/\x00/evil.example",
		"/login\r\nSet-Cookie: a=b", "/login\n", "/login\x00", "/a\x7f", "\x7f//evil.example", "/a\tb", "\t", " ",
	} {
		status, location := redirectTo(t, func(c apiroutes.Context) error { return c.Redirect(302, target) })
		if status != 400 {
			t.Errorf("%q is answered with %d to %q, want 400", target, status, location)
		}
	}
}

// TestRedirectAccepts: paths of this site, as they are but for what a URI cannot
// hold.
func TestRedirectAccepts(t *testing.T) {
	for target, want := range map[string]string{
		"/": "", "/login": "", "/a/b?next=/c#d": "", "login": "", "../up": "", ".": "", "./a:b": "", "?page=2": "", "#top": "",
		"/a:b": "", "/?u=https://x.example": "", "?https://x.example": "", "#javascript:x": "", "a/b:c": "", "/x//y": "",
		"/.//x": "", "/..//x": "", ".//x": "", // the host is settled before dots are
		"/%2F/x": "", "/%5Cx": "", "/%09/x": "", "/%0d%0aA:b": "", "%2F%2Fx": "", // escapes are no delimiters
		"/@x": "", "@x": "", "/;a=b,c!$&'()*+~": "",
		"/a b":                         "/a%20b",
		"/a ":                          "/a%20",
		`/a\b`:                         "/a%5Cb",
		`a\\b`:                         "a%5C%5Cb",
		`a\b:c`:                        "a%5Cb:c", // no scheme holds a backslash
		`?\\x`:                         "?%5C%5Cx",
		"/100%":                        "/100%25",
		"/%zz%4":                       "/%25zz%254",
		"/é":                           "/%C3%A9",
		"/日本":                          "/%E6%97%A5%E6%9C%AC",
		"\u00a0//x":                    "%C2%A0//x",
		"\u3000/x":                     "%E3%80%80/x",
		"\u2028":                       "%E2%80%A8",
		"\u0085//x":                    "%C2%85//x",
		"\ufeff//x":                    "%EF%BB%BF//x",
		"／/x":                          "%EF%BC%8F/x",
		"/\xff\x80":                    "/%FF%80",
		`/"<>^` + "`{|}":               "/%22%3C%3E%5E%60%7B%7C%7D",
		"/" + `%20"`:                   "/%20%22",
		"/" + strings.Repeat("é", 500): "/" + strings.Repeat("%C3%A9", 500),
	} {
		if want == "" {
			want = target
		}
		status, got := redirectTo(t, func(c apiroutes.Context) error { return c.Redirect(307, target) })
		if status != 307 || got != want {
			t.Errorf("%q: %d to %q, want %q", target, status, got, want)
		}
		redirectStays(t, target, got)
	}
}

func TestRedirectStatus(t *testing.T) {
	captureLog(t)
	takes := map[int]bool{301: true, 302: true, 303: true, 307: true, 308: true}
	for status := -1; status < 700; status++ {
		for name, redirect := range map[string]func(apiroutes.Context) error{
			"Redirect":         func(c apiroutes.Context) error { return c.Redirect(status, "/x") },
			"RedirectExternal": func(c apiroutes.Context) error { return c.RedirectExternal(status, "https://x.example/") },
		} {
			want := 500
			if takes[status] {
				want = status
			}
			if got, _ := redirectTo(t, redirect); got != want {
				t.Errorf("%s with %d is answered with %d, want %d", name, status, got, want)
			}
		}
	}
}

func TestRedirectExternal(t *testing.T) {
	captureLog(t)
	for _, c := range []struct{ target, want string }{ // want "": refused
		{"https://x.example", "https://x.example"},
		{"http://x.example:8080/a?b#c", "http://x.example:8080/a?b#c"},
		{"HTTPS://X.example/", "HTTPS://X.example/"},
		{"https://[::1]:80/a b", "https://[::1]:80/a%20b"},
		{"https://x.example/é", "https://x.example/%C3%A9"},
		{"https://x.example/?next=//y", "https://x.example/?next=//y"},
		{"https://x.example/@y", "https://x.example/@y"},
		{target: ""}, {target: "/login"}, {target: "login"}, {target: "//x.example/"}, {target: "https:x.example"}, {target: "https:/x.example"},
		{target: "https://"}, {target: "https:///x"}, {target: "https://:80/"}, {target: "https://?x"}, {target: "https://#x"},
		{target: "ftp://x.example"}, {target: "javascript://x.example/%0aalert(1)"}, {target: "data://x.example"}, {target: "ws://x.example"},
		{target: "https://user@x.example"}, {target: "https://user:pass@x.example"}, {target: "https://@x.example"}, {target: "https://x.example@evil.example"},
		{target: `https://x.example\@evil.example`}, {target: `https:\\x.example`}, {target: `https://x.example/a\b`},
		{target: "https://x.example\t"}, {target: "https://x.example/\r\nA: b"}, {target: "https://x.example/\x00"}, {target: "ht\ntps://x.example"},
		{target: " https://x.example"}, {target: "https://x example"}, {target: "https://x.example:port/"}, {target: "https://x.example/%zz"},
		{target: "https://x.example/\x7f"},
	} {
		status, got := redirectTo(t, func(ctx apiroutes.Context) error { return ctx.RedirectExternal(303, c.target) })
		if got != c.want || (status == 303) != (c.want != "") || status != 303 && status != 500 {
			t.Errorf("%q: %d to %q, want %q", c.target, status, got, c.want)
		}
	}
}

// TestRedirectTellsWhy: the client learns what is wrong with the target that it
// sent, in a bounded text, and not the advice for programmers.
func TestRedirectTellsWhy(t *testing.T) {
	rec := fileAsk(apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Redirect(302, "//"+strings.Repeat("x", 10_000))
	}), "GET")
	if text := rec.Body.String(); len(text) > 500 || !strings.Contains(text, "two slashes") || strings.Contains(text, "RedirectExternal") {
		t.Errorf("%d %s", rec.Code, text)
	}
}

// TestRedirectAsGiven: neither a mount nor the request's path changes a target,
// and the answer has no body.
func TestRedirectAsGiven(t *testing.T) {
	for _, target := range []string{"/login", "login", "../login", "?x"} {
		r := apiroutes.New()
		r.Get("/deep/page", func(c apiroutes.Context) error { return c.Redirect(308, target) })
		api := testutil.New(t, http.StripPrefix("/app", r)).NoRedirects()
		res := api.Get("/app/deep/page").Status(308).Header("Location", target).Header("Content-Length", "0").Header("Content-Type", "")
		if body := res.Bytes(); len(body) != 0 {
			t.Errorf("the body is %q", body)
		}
	}
}

var redirectScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// redirectHost is where a browser goes that follows a Location from this site,
// as WHATWG URL has it: "" for the same host.
func redirectHost(location string) string {
	text := strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	text = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)
	if scheme := redirectScheme.FindString(text); scheme != "" {
		return scheme
	}
	head := text
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		head = text[:i]
	}
	if head = strings.ReplaceAll(head, `\`, "/"); strings.HasPrefix(head, "//") {
		return head
	}
	return ""
}

// redirectStays checks that an accepted target leads to the same host, for
// browsers and for Go, and that its Location is the target but for escapes.
func redirectStays(t testing.TB, target, location string) {
	t.Helper()
	if host := redirectHost(location); host != "" {
		t.Errorf("%q, as the Location %q, leads to %q", target, location, host)
	}
	base := &url.URL{Scheme: "http", Host: "site.example", Path: "/a/b"}
	if to, err := base.Parse(location); err == nil && (to.Host != base.Host || to.Scheme != base.Scheme) {
		t.Errorf("%q, as the Location %q, leads Go to %s", target, location, to)
	}
	rest := location
	for i := range len(target) {
		b := target[i]
		escape := fmt.Sprintf("%%%02X", b)
		switch {
		case strings.HasPrefix(rest, escape):
			rest = rest[len(escape):]
		case strings.HasPrefix(rest, string(rune(b))) && '!' <= b && b <= '~':
			rest = rest[1:]
		default:
			t.Errorf("%q became %q, wrong at byte %d", target, location, i)
			return
		}
	}
	if rest != "" {
		t.Errorf("%q became %q, with %q behind it", target, location, rest)
	}
}
