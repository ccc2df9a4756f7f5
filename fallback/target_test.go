package fallback_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

func TestToPanics(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, want, write string }{
		{"", "is empty", "http://127.0.0.1:3000"},
		{"localhost:3000", "no scheme", "http://localhost:3000"},
		{"127.0.0.1:3000", "no scheme", "http://127.0.0.1:3000"},
		{"//127.0.0.1:3000", "no scheme", "http://127.0.0.1:3000"},
		{"ada:secret@x", "no scheme", "http://x"},
		{"ftp://x", `"ftp" is neither`, "http://x"},
		{"ws://x:1", `"ws" is neither`, "http://x:1"},
		{"http://", "no host", "http://127.0.0.1"},
		{"https://:3000", "no host", "https://127.0.0.1:3000"},
		{"http://x:", "port is missing", `"http://x"`},
		{"http://x:0", "port 0", "1 to 65535"},
		{"http://x:65536", "port 65536", "1 to 65535"},
		{"http://x:p", "no URL", "http://127.0.0.1:3000"},
		{"http://ada:secret@x:p", "no URL", "http://127.0.0.1:3000"},
		{"http://ada:secret@x", "user name", `"http://x"`},
		{"http://x?a=b", "query", `"http://x"`},
		{"http://x?", "query", `"http://x"`},
		{"http://x#a", "fragment", `"http://x"`},
		{"http://x#", "fragment", `"http://x"`},
		{"http://x/base", `the path "/base"`, `"http://x"`},
		{"http://x//", `the path "//"`, `"http://x"`},
	} {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "fallback: To(") || !strings.Contains(got, tt.want) || !strings.Contains(got, tt.write) || strings.Contains(got, "secret") {
					t.Errorf("To(%q) panics with %q, want %q and %q", tt.target, got, tt.want, tt.write)
				}
			}()
			fallback.To(tt.target)
		}()
	}
	for _, target := range []string{"http://x", "https://x/", "http://[::1]:3000", "HTTP://X:65535", "http://x:1"} {
		if fallback.To(target) == nil {
			t.Errorf("To(%q) is nil", target)
		}
	}
}

// echoTarget answers with the request line's target as it was received.
func echoTarget(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RequestURI) }

// rawTargets arrive as they are sent.
var rawTargets = []string{
	"/", "/?", "/a", "/a/", "/a?", "/a??", "//x", "//x/y?z", "///", "/a//b/", "//x%2Fy", "/a%2Fb", "/a%2fb", "/%41", "/./a/../b", "//../x",
	"/?a;b=%zz", "/;a=b;c", "/a?;", "/a?x=%", "/a?a=1&a=2&&=&b", "/a?x=/?:@#y", `/a"b%2Fc`, `/a<>\^{|}` + "`", "/caf\xc3\xa9%2F", "/a\xff",
	"/a?q=\xff\"<>", "/a#b", "/a#b?c#d", "/a:b@c", "/*", "/[id]", "/(a)", "/a%20b", "/a+b?c+d", "/%25zz", "/http://x/y", "//x?//y",
	"/?" + strings.Repeat("a=1&", 11_000), // ReverseProxy would encode so many anew
}

func TestTargets(t *testing.T) {
	t.Parallel()
	api := front(t, upstream(t, echoTarget), testutil.HTTP)
	conn := api.Dial()
	for _, target := range rawTargets {
		conn.Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(200).Text(target)
	}
	for _, tt := range []struct{ sent, want string }{
		{"http://x/a%2Fb?c", "/a%2Fb?c"}, // RFC 9112, section 3.2.2
		{"http://x", "/"},
		{"HTTP://x?a/b", "/?a/b"},
		{"http://x//y", "//y"},
		{`//x"%2F`, "//x%22%2F"}, // not sent raw, but a slash stays data
	} {
		conn.Send("GET " + tt.sent + " HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(200).Text(tt.want)
	}
	for _, line := range []string{"CONNECT x:443", "GET x:/y"} {
		conn := api.Dial()
		conn.Send(line + " HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(400)
	}
}

// TestTargetsOfPrefixes: what was stripped on the way comes back.
func TestTargetsOfPrefixes(t *testing.T) {
	t.Parallel()
	target := upstream(t, echoTarget)
	inner := apiroutes.New()
	inner.Mount("/deep", fallback.To(target))
	r := apiroutes.New()
	r.Mount("/app", fallback.To(target))
	r.Mount("/[tenant]/x", fallback.To(target))
	r.Mount("/in", inner)
	r.Mount("/strip", http.StripPrefix("/a", fallback.To(target)))
	r.Get("/api/[...rest]", func(c apiroutes.Context) error { return fallback.To(target).(apiroutes.HandlerFunc)(c) })
	conn := testutil.Serve(t, r, testutil.HTTP).Dial()
	for _, path := range []string{
		"/app", "/app/", "/app//x", "/app/a%2Fb;c?d;e=%zz", "/a%2Fb/x/y", "/in/deep", "/in/deep/y%2f", "/strip/a/b", "/strip/a", "/api/x/y",
	} {
		conn.Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(200).Text(path)
	}
}

// TestTargetRewritten: RequestURI is what counts, and the URL without it.
func TestTargetRewritten(t *testing.T) {
	t.Parallel()
	target := upstream(t, echoTarget)
	for _, tt := range []struct{ uri, want string }{{"/new?x", "/new?x"}, {"", "/url%2F?y;"}, {"*", ""}, {"nothing", ""}} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RequestURI = tt.uri
			r.URL = &url.URL{Path: "/url/", RawPath: "/url%2F", RawQuery: "y;"}
			fallback.To(target).ServeHTTP(w, r)
		})
		if answer := testutil.Serve(t, h, testutil.HTTP).Get("/old"); tt.want != "" {
			answer.Status(200).Text(tt.want)
		} else {
			answer.Status(400).JSON(`{"error":"the request target is not a path"}`)
		}
	}
}

// TestTargetEndsNoLine: HTTP/2 lets through what would end the target in a line
// of HTTP/1.1.
func TestTargetEndsNoLine(t *testing.T) {
	t.Parallel()
	api := front(t, upstream(t, echoTarget), testutil.HTTP2)
	for _, tt := range []struct{ path, query, want string }{
		{"/a HTTP/1.1", "", "/a%20HTTP/1.1"},
		{"//a HTTP/1.1", "", "//a%20HTTP/1.1"},
		{"/a", "b HTTP/1.1", "/a?b%20HTTP/1.1"},
	} {
		api.Get("/", func(r *http.Request) {
			r.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Opaque: tt.path, RawQuery: tt.query}
			if strings.HasPrefix(tt.path, "//") {
				r.URL.Opaque = "//" + r.URL.Host + tt.path
			}
		}).Status(200).Text(tt.want)
	}
}
