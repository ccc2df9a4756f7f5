package middleware_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/middleware"
)

// corsMistakes are the lines of a configuration's error.
func corsMistakes(config middleware.CORSConfig) []string {
	if err := config.Validate(); err != nil {
		return strings.Split(strings.ReplaceAll(err.Error(), "middleware: CORSConfig.", ""), "\n")
	}
	return nil
}

func TestCORSOrigins(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ origin, want string }{ // want is what the message proposes, or says; "" for valid ones
		{"https://app.example", ""},
		{"http://localhost", ""},
		{"http://localhost:3000", ""},
		{"https://app.example:8443", ""},
		{"https://app.example:80", ""},
		{"http://app.example:443", ""},
		{"http://app.example:65535", ""},
		{"http://app.example:1", ""},
		{"https://app.example.", ""}, // another origin, which browsers send as such
		{"https://my_app.a-b.example", ""},
		{"https://xn--bcher-kva.example", ""},
		{"https://1.example", ""},
		{"https://app.1example", ""}, // ends in no number
		{"https://example.0xg", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://[::1]:8080", ""},
		{"https://[2001:db8::1]", ""},
		{"http://[::ffff:7f00:1]", ""}, // as URL writes 127.0.0.1 there
		{"capacitor://localhost", ""},
		{"chrome-extension://abcdefghijklmnopabcdefghijklmnop", ""},
		{"moz-extension://0f6f4dd1-1a5b-4e3b-9d5a-000000000001", ""},
		{"a+b-c.1://host", ""},
		{"app://127.1", ""},                                // only the Web's own schemes have IPv4 addresses
		{"https://" + strings.Repeat("a.", 126) + "a", ""}, // 253
		{"https://" + strings.Repeat("a", 63) + ".example", ""},

		{"", "is empty"},
		{"null", "sandbox"},
		{"file:///index.html", `send "null"`},
		{"file://", `send "null"`},
		{"https://app.example/", `write "https://app.example"`},
		{"https://app.example/path", `write "https://app.example"`},
		{"https://app.example?q", `write "https://app.example"`},
		{"https://app.example#f", `write "https://app.example"`},
		{"https://app.example:8443/", `write "https://app.example:8443"`},
		{"https://user@app.example", `write "https://app.example"`},
		{"https://user:secret@app.example:8443", `write "https://app.example:8443"`},
		{"https://user@", "has no host"},
		{"https://*.example", "list each origin in full"},
		{"https://app.example:*", "list each origin in full"},
		{`^https://.+\.example$`, "list each origin in full"},
		{`https://app\.example`, "list each origin in full"},
		{"https://(a|b).example", "list each origin in full"},
		{"HTTPS://app.example", `write "https://app.example"`},
		{"https://App.Example", `write "https://app.example"`},
		{"HTTPS://App.Example:443/", `write "https://app.example"`},
		{"https://app.example:443", `write "https://app.example"`},
		{"http://app.example:80", `write "http://app.example"`},
		{"http://[::1]:80", `write "http://[::1]"`},
		{"https://app.example:", `write "https://app.example"`},
		{"https://app.example:08443", `write "https://app.example:8443"`},
		{"https://app.example:0443", `write "https://app.example"`},
		{"https://app.example:0", "port of 1 to 65535"},
		{"https://app.example:65536", "port of 1 to 65535"},
		{"https://app.example:-1", "port of 1 to 65535"},
		{"https://app.example:https", "port of 1 to 65535"},
		{"https://app.example:80:80", "port of 1 to 65535"},
		{"https://[::1]8080", "port of 1 to 65535"},
		{"app.example", `write "https://app.example"`},
		{"//app.example", `write "https://app.example"`},
		{"://app.example", `write "https://app.example"`},
		{"localhost:3000", `write "https://localhost:3000"`},
		{"https:app.example", `write "https://app.example"`},
		{"http:/app.example", `write "http://app.example"`},
		{"https:", "has no host"},
		{"https://", "has no host"},
		{"https://:8443", "has no host"},
		{"http", `write "https://http"`},
		{"1a://host", "cannot be one"},
		{"ht_tp://host", "cannot be one"},
		{"+http://host", "cannot be one"},
		{"https://app.+", "no host name has"},
		{"ht%tp://host", "cannot be one"},
		{"ws://app.example", `write "http://app.example"`},
		{"wss://app.example:443", `write "https://app.example"`},
		{" https://app.example", `write "https://app.example"`},
		{"https://app.example\n", `write "https://app.example"`},
		{"https://app.example, https://b.example", "element of its own"},
		{"https://app.example https://b.example", "element of its own"},
		{"https://app.example;https://b.example", "element of its own"},
		{"https://bücher.example", "Punycode"},
		{"https://xn--bcher-kva.example\u3002", "Punycode"},
		{"https://app.%65xample", "no host name has"},
		{"https://app!.example", "no host name has"},
		{"https://app.example\x00", "no host name has"},
		{"https://app..example", "label"},
		{"https://.app.example", "label"},
		{"https://app.example..", "label"},
		{"https://.", "label"},
		{"https://" + strings.Repeat("a", 64) + ".example", "63 bytes"},
		{"https://" + strings.Repeat("a.", 127) + "a", "253 bytes"},
		{"https://" + strings.Repeat("a", 1000), "too long"},
		{"http://127.1", "four decimal parts"},
		{"http://2130706433", "four decimal parts"},
		{"http://127.0.0.01", "four decimal parts"},
		{"http://0x7f.0.0.1", "four decimal parts"},
		{"http://127.0.0.0x1", "four decimal parts"},
		{"http://1.2.3.4.5", "four decimal parts"},
		{"http://app.256", "four decimal parts"},
		{"http://app.0x", "four decimal parts"},
		{"http://127.0.0.1.", `write "http://127.0.0.1"`},
		{"http://::1", `write "http://[::1]"`},
		{"http://[::1", "not closed"},
		{"http://[127.0.0.1]", "no IPv6 address"},
		{"http://[app.example]", "no IPv6 address"},
		{"http://[]", "no IPv6 address"},
		{"http://[0:0:0:0:0:0:0:1]:3000", `write "http://[::1]:3000"`},
		{"http://[2001:DB8::1]", `write "http://[2001:db8::1]"`},
		{"http://[fe80::1%25eth0]", `write "http://[fe80::1]"`},
		{"http://[fe80::1%eth0]", `write "http://[fe80::1]"`},
		{"http://[::ffff:127.0.0.1]", `write "http://[::ffff:7f00:1]"`},
	} {
		got := corsMistakes(middleware.CORSConfig{Origins: []string{tt.origin}})
		switch {
		case tt.want == "" && got != nil:
			t.Errorf("%q: %v", tt.origin, got)
		case tt.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], "Origins[0]: ") || !strings.Contains(got[0], tt.want)):
			t.Errorf("%q: got %q, want it to say %q", tt.origin, got, tt.want)
		}
	}
}

func TestCORSMistakes(t *testing.T) {
	t.Parallel()
	origins := []string{corsApp}
	for _, tt := range []struct {
		name   string
		config middleware.CORSConfig
		want   []string // a part of each message; nil for valid ones
	}{
		{"least", middleware.CORSConfig{Origins: origins}, nil},
		{"most", middleware.CORSConfig{Origins: []string{corsApp, corsAdmin}, Methods: []string{"GET", "HEAD", "OPTIONS", "PURGE", "purge", "M-SEARCH"},
			Headers: []string{"Content-Type", "authorization", "X-A", "User-Agent"}, ExposedHeaders: []string{"X-A", "Content-Type"}, Credentials: true, MaxAge: 24 * time.Hour}, nil},
		{"public", middleware.CORSConfig{Origins: []string{"*"}, Headers: []string{"AUTHORIZATION", "*"}, ExposedHeaders: []string{"*"}, MaxAge: time.Second}, nil},
		{"empty lists", middleware.CORSConfig{Origins: origins, Methods: []string{}, Headers: []string{}, ExposedHeaders: []string{}}, nil},

		{"nothing", middleware.CORSConfig{}, []string{"Origins: no origin"}},
		{"any with credentials", middleware.CORSConfig{Origins: []string{"*"}, Credentials: true}, []string{`Origins[0]: "*" with Credentials`}},
		{"any beside others", middleware.CORSConfig{Origins: []string{corsApp, "*"}}, []string{`Origins[1]: "*" is any origin already`}},
		{"twice", middleware.CORSConfig{Origins: []string{corsApp, corsAdmin, corsApp}}, []string{`Origins[2]: "https://app.example" is listed already, at 0`}},
		{"methods", middleware.CORSConfig{Origins: origins, Methods: []string{"get", "Patch", "", "GET POST", "*", "CONNECT", "trace", "Track", "GÉT", "PUT", "PUT"}}, []string{
			`Methods[0]: "get" is another method than "GET", for methods are case-sensitive: write "GET"`, `write "PATCH"`, `Methods[2]: "" is no method`, "no method",
			"Methods[4]: \"*\" is no method: leave Methods empty", "cannot be sent", "cannot be sent", "cannot be sent", "no method", "Methods[10]: \"PUT\" is listed already, at 9"}},
		{"headers", middleware.CORSConfig{Origins: origins, Headers: []string{"", "X A", "X-A:", "Cookie", "HOST", "Sec-Fetch-Site", "proxy-authorization",
			"Origin", "Access-Control-Allow-Origin", "Access-Control-Request-Method", "x-a", "X-A", "X-Ä"}}, []string{
			"Headers[0]: \"\" is no header name", "no header name", "no header name", "set by the browser", "set by the browser", "set by the browser", "set by the browser",
			"set by the browser", "CORS protocol", "set by the browser", "Headers[11]: \"X-A\" is listed already, at 10", "no header name"}},
		{"any header", middleware.CORSConfig{Origins: origins, Headers: []string{"*", "X-A"}}, []string{`Headers[1]: "X-A" is covered by "*"`}},
		{"any header with credentials", middleware.CORSConfig{Origins: origins, Headers: []string{"*"}, Credentials: true}, []string{"Headers[0]: \"*\" is not allowed with Credentials"}},
		{"exposed", middleware.CORSConfig{Origins: origins, ExposedHeaders: []string{"", "X A", "Set-Cookie", "set-cookie2", "Origin", "Access-Control-Max-Age", "ETag", "Etag"}}, []string{
			"ExposedHeaders[0]: \"\" is no header name", "no header name", "kept from pages", "kept from pages", "CORS protocol", "CORS protocol", "ExposedHeaders[7]: \"Etag\" is listed already, at 6"}},
		{"any exposed", middleware.CORSConfig{Origins: origins, ExposedHeaders: []string{"X-A", "*"}}, []string{"ExposedHeaders[1]: \"*\" is every header already"}},
		{"any exposed with credentials", middleware.CORSConfig{Origins: origins, ExposedHeaders: []string{"*"}, Credentials: true}, []string{"means nothing to browsers"}},
		{"age below zero", middleware.CORSConfig{Origins: origins, MaxAge: -time.Second}, []string{"MaxAge: -1s is negative"}},
		{"age without a unit", middleware.CORSConfig{Origins: origins, MaxAge: 600}, []string{"MaxAge: 600ns is not in whole seconds"}},
		{"age beyond all browsers", middleware.CORSConfig{Origins: origins, MaxAge: 24*time.Hour + time.Second}, []string{"MaxAge: 24h0m1s is longer"}},
		{"all at once", middleware.CORSConfig{Origins: []string{"*", "null"}, Methods: []string{"get"}, Headers: []string{"Host"}, ExposedHeaders: []string{"Set-Cookie"}, Credentials: true, MaxAge: -1},
			[]string{"Origins[0]", "Origins[1]", "Methods[0]", "Headers[0]", "ExposedHeaders[0]", "MaxAge"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := corsMistakes(tt.config)
			if len(got) != len(tt.want) {
				t.Fatalf("got %d mistakes, want %d:\n%s", len(got), len(tt.want), strings.Join(got, "\n"))
			}
			for i := range got {
				if !strings.Contains(got[i], tt.want[i]) {
					t.Errorf("got %q, want it to say %q", got[i], tt.want[i])
				}
			}
			defer func() {
				err := tt.config.Validate()
				if v := recover(); (v != nil) != (err != nil) || v != nil && fmt.Sprint(v) != err.Error() {
					t.Errorf("CORS panics with %v, and Validate says %v", v, err)
				}
			}()
			middleware.CORS(tt.config)
		})
	}
}

// FuzzCORSOrigins: what is accepted is an origin by a much simpler reading, and
// what is proposed is accepted.
func FuzzCORSOrigins(f *testing.F) {
	for _, seed := range []string{corsApp, corsAdmin, "HTTPS://a:443/", "http://[0::1%1]:080", "ws://@::1", "https:/1.2.3.4.", "//http:https:/", " ws:\t", "1://:/"} {
		f.Add(seed)
	}
	origin := regexp.MustCompile(`^[a-z][a-z0-9+.-]*://([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:]+\])(:[1-9][0-9]{0,4})?$`)
	proposed := regexp.MustCompile(`: write ("https?://.*"|"[a-z].*://.*")$`)
	f.Fuzz(func(t *testing.T, text string) {
		got := corsMistakes(middleware.CORSConfig{Origins: []string{text}})
		if got == nil {
			if text != "*" && !origin.MatchString(text) {
				t.Errorf("%q was accepted", text)
			}
			return
		}
		if len(got) != 1 {
			t.Fatalf("%q: %q", text, got)
		}
		if m := proposed.FindStringSubmatch(got[0]); m != nil && !strings.Contains(got[0], "is empty") {
			var right string
			if _, err := fmt.Sscanf(m[1], "%q", &right); err != nil {
				t.Fatalf("%s: %v", got[0], err)
			}
			if again := corsMistakes(middleware.CORSConfig{Origins: []string{right}}); again != nil {
				t.Errorf("%q: %q is proposed, but %q", text, right, again)
			}
		}
	})
}
