package middleware_test

// What went wrong in CORS implementations, and must not here.

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestCORSExactOrigins: rs/cors CVE-2018-20744, go-restful CVE-2022-1996,
// gin-contrib/cors CVE-2019-25211, go-zero CVE-2024-27302: origins that were
// matched by prefix, suffix, expression or not at all.
func TestCORSExactOrigins(t *testing.T) {
	t.Parallel()
	config := middleware.CORSConfig{Origins: []string{corsApp, corsAdmin}, Credentials: true}
	corsWays(t, middleware.CORS(config)(corsServed(t)), func(t *testing.T, do corsDo) {
		for _, tt := range []struct {
			reason string
			origin []string
		}{
			{"a sandbox", []string{"null"}},
			{"the name of a wildcard", []string{"*"}},
			{"a prefix matches", []string{"https://app.example.evil.example"}},
			{"a prefix matches", []string{"https://app.example@evil.example"}},
			{"a prefix matches", []string{"http://localhost:30001"}},
			{"a suffix matches", []string{"https://evil-app.example"}},
			{"a suffix matches", []string{"evil+https://app.example"}},
			{"a suffix matches", []string{"xhttps://app.example"}},
			{"a subdomain", []string{"https://sub.app.example"}},
			{"a parent", []string{"https://example"}},
			{"a dot that matches anything", []string{"https://appxexample"}},
			{"another scheme", []string{"http://app.example"}},
			{"another port", []string{"https://app.example:8443"}},
			{"the default port, which browsers leave out", []string{"https://app.example:443"}},
			{"no port", []string{"http://localhost"}},
			{"no scheme", []string{"app.example"}},
			{"letter case, which browsers do not send", []string{"https://APP.example"}},
			{"letter case of the scheme", []string{"HTTPS://app.example"}},
			{"a slash", []string{"https://app.example/"}},
			{"a dot behind the name", []string{"https://app.example."}},
			{"a list", []string{"https://app.example,https://evil.example"}},
			{"a list", []string{"https://evil.example, https://app.example"}},
			{"a list of the first CORS draft", []string{"https://app.example https://evil.example"}},
			{"two lines, of which one is checked", []string{"https://app.example", "https://evil.example"}},
			{"two lines, of which one is checked", []string{"https://evil.example", "https://app.example"}},
			{"two lines", []string{"https://app.example", "https://app.example"}},
			{"an empty one", []string{""}},
			{"an endless one", []string{"https://app.example" + strings.Repeat("a", 8<<10)}},
		} {
			if got := corsSaid(do("GET", "/", corsOrigin(tt.origin...)).Status(200).Text("served")); got != corsRefused {
				t.Errorf("%s: %.99q got %q", tt.reason, tt.origin, got)
			}
			preflight := do("OPTIONS", "/", corsPreflight("", "GET"), corsOrigin(tt.origin...)).Status(204)
			if got := corsSaid(preflight); got != corsRefusedPreflight {
				t.Errorf("%s: preflight of %.99q got %q", tt.reason, tt.origin, got)
			}
		}
	})
}

// TestCORSAnyOriginHasNoCredentials: Fiber CVE-2024-25124 and others reflected
// the origin of whoever asked, with credentials.
func TestCORSAnyOriginHasNoCredentials(t *testing.T) {
	t.Parallel()
	config := middleware.CORSConfig{Origins: []string{"*"}, Credentials: true}
	if err := config.Validate(); err == nil {
		t.Error("accepted")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("made")
			}
		}()
		middleware.CORS(config)
	}()

	config.Credentials = false
	corsWays(t, middleware.CORS(config)(corsServed(t)), func(t *testing.T, do corsDo) {
		for _, origin := range []string{corsApp, "null", "https://evil.example"} {
			do("GET", "/", corsOrigin(origin)).Header("Access-Control-Allow-Origin", "*").Header("Access-Control-Allow-Credentials", "")
		}
		do("GET", "/", corsOrigin(corsApp, corsAdmin)).Header("Access-Control-Allow-Origin", "")
		do("GET", "/", corsOrigin("https://"+strings.Repeat("a", 4<<10))).Header("Access-Control-Allow-Origin", "")
	})
}

// TestCORSPreflightFields: one value is checked and all are reflected, where a
// field has several.
func TestCORSPreflightFields(t *testing.T) {
	t.Parallel()
	config := middleware.CORSConfig{Origins: []string{corsApp}, Methods: []string{"GET"}, Headers: []string{"X-A"}}
	corsWays(t, middleware.CORS(config)(corsServed(t)), func(t *testing.T, do corsDo) {
		for _, methods := range [][]string{{"GET", "DELETE"}, {"DELETE", "GET"}, {"GET, DELETE"}, {"GET,GET"}, {""}, {"*"}, {"get"}} {
			r := do("OPTIONS", "/", corsPreflight(corsApp, ""), corsHeader("Access-Control-Request-Method", methods...)).Status(204)
			if got := corsSaid(r); got != corsRefusedPreflight {
				t.Errorf("%q got %q", methods, got)
			}
		}
		for _, names := range [][]string{{"x-a", "x-b"}, {"x-b", "x-a"}, {"x-a,x-a"}, {"*"}, {"x-a x-b"}, {"x-a;x-b"}, {strings.Repeat("x-a,", 100)}} {
			r := do("OPTIONS", "/", corsPreflight(corsApp, "GET", names...)).Status(204)
			if got := corsSaid(r); got != corsRefusedPreflight {
				t.Errorf("%.99q got %q", names, got)
			}
		}
	})
}

// TestCORSPreflightFlood: rs/cors CVE-2025-47908, a preflight full of commas.
func TestCORSPreflightFlood(t *testing.T) {
	configs := map[string]middleware.CORSConfig{
		"list": {Origins: []string{corsApp}, Headers: []string{"X-A", "X-B"}},
		"any":  {Origins: []string{corsApp}, Headers: []string{"*"}},
		"auth": {Origins: []string{corsApp}, Headers: []string{"*", "Authorization"}},
	}
	for name, config := range configs {
		h := middleware.CORS(config)(corsServed(t))
		for _, lines := range [][]string{
			{strings.Repeat(",", 10_000)},
			{strings.Repeat("x-a,", 10_000)},
			{strings.Repeat(" ", 10_000) + "x-a"},
			{strings.Repeat("x", 500_000)},
			strings.Split(strings.Repeat("x-a,", 10_000), ","),
			make([]string, 10_000),
		} {
			text := fmt.Sprintf("%s, %d lines of %.5q", name, len(lines), lines[0])
			r := httptest.NewRequest("OPTIONS", "/", nil)
			corsPreflight(corsApp, "GET", lines...)(r)
			w := &corsCounter{header: http.Header{}}
			fastest := time.Hour // the machine may be busy
			allocs := testing.AllocsPerRun(5, func() {
				clear(w.header)
				start := time.Now()
				h.ServeHTTP(w, r)
				fastest = min(fastest, time.Since(start))
			})
			if fastest > 20*time.Millisecond || allocs > 2 {
				t.Errorf("%s: %v and %v allocations", text, fastest, allocs)
			}
			if w.header["Access-Control-Allow-Origin"] != nil || w.header["Access-Control-Allow-Headers"] != nil || w.status != 204 {
				t.Errorf("%s: granted: %d %.200v", text, w.status, w.header)
			}
		}
		corsWays(t, h, func(t *testing.T, do corsDo) {
			start := time.Now()
			do("OPTIONS", "/", corsPreflight(corsApp, "GET", strings.Repeat(",", 10_000))).Status(204).Header("Access-Control-Allow-Origin", "")
			if took := time.Since(start); took > time.Second {
				t.Errorf("%s: %v", name, took)
			}
		})
	}
}

// corsCounter is a writer without allocations of its own.
type corsCounter struct {
	header http.Header
	status int
}

func (w *corsCounter) Header() http.Header         { return w.header }
func (w *corsCounter) WriteHeader(status int)      { w.status = status }
func (w *corsCounter) Write(p []byte) (int, error) { return len(p), nil }

// TestCORSLongLists: the bound on what is read leaves room for what is allowed.
func TestCORSLongLists(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("x-name-%04d", i))
	}
	list := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}, Headers: names})(corsServed(t))
	testutil.Call(t, list, "OPTIONS /", corsPreflight(corsApp, "GET", strings.Join(names, " , "))).Header("Access-Control-Allow-Origin", corsApp)
	all := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}, Headers: []string{"*"}})(corsServed(t))
	testutil.Call(t, all, "OPTIONS /", corsPreflight(corsApp, "GET", strings.Join(names[:300], ","))).Header("Access-Control-Allow-Origin", corsApp)
}

// FuzzCORS: whatever a request says, no answer allows an origin, a method or a
// header that is not configured, and Vary names Origin.
func FuzzCORS(f *testing.F) {
	for _, seed := range [][4]string{
		{corsApp, "GET", "x-a", ""}, {corsApp, "PUT", "content-type,x-a", "x-b"}, {corsApp, "", "", ""}, {"", "GET", "", ""},
		{"null", "GET", "*", ""}, {"HTTPS://APP.EXAMPLE", "get", "X-A", ""}, {corsApp + "\x00", "GET", ",,,", " , "},
		{"https://app.example, https://evil.example", "GET,PUT", "x-a ,\tx-b", "authorization"}, {"*", "*", "*", "*"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], true, uint8(4))   // a line of each
		f.Add(seed[0], seed[1], seed[2], seed[3], true, uint8(1|8)) // two origins, two lines of names
		f.Add(seed[0], seed[1], seed[2], seed[3], true, uint8(0))   // the field of names without a line
		f.Add(seed[0], seed[1], seed[2], seed[3], true, uint8(2|4)) // two methods
		f.Add(seed[0], seed[1], seed[2], seed[3], false, uint8(4))
	}
	exact := middleware.CORSConfig{Origins: []string{corsApp, corsAdmin}, Methods: []string{"GET", "PUT"}, Headers: []string{"X-A", "X-B"}, Credentials: true}
	public := middleware.CORSConfig{Origins: []string{"*"}, Headers: []string{"*"}, Methods: []string{"GET", "PUT"}}
	f.Fuzz(func(t *testing.T, origin, method, names, more string, options bool, lines uint8) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Origin"] = []string{origin, more}[:1+lines&1]
		r.Header["Access-Control-Request-Method"] = []string{method, more}[:1+lines>>1&1]
		r.Header["Access-Control-Request-Headers"] = []string{names, more}[:lines>>2&3%3]
		if options {
			r.Method = http.MethodOptions
		}
		for _, config := range []middleware.CORSConfig{exact, public} {
			reached := false
			h := middleware.CORS(config)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if reached == options {
				t.Errorf("the handler was reached: %v, by %s", reached, r.Method)
			}
			corsCheck(t, config, r, w.Header())
		}
	})
}

// corsCheck decides on the headers of an answer from the configuration alone.
func corsCheck(t *testing.T, config middleware.CORSConfig, r *http.Request, header http.Header) {
	t.Helper()
	if !strings.HasPrefix(header.Get("Vary"), "Origin") {
		t.Errorf("Vary is %q", header["Vary"])
	}
	granted := false
	for name, values := range header {
		short, found := strings.CutPrefix(name, "Access-Control-")
		for _, value := range values {
			ok := !found
			switch short {
			case "Allow-Origin":
				granted = true
				sent := r.Header["Origin"]
				ok = config.Origins[0] == "*" && value == "*" ||
					config.Origins[0] != "*" && len(sent) == 1 && value == sent[0] && (value == corsApp || value == corsAdmin)
			case "Allow-Credentials":
				ok = config.Credentials && value == "true"
			case "Allow-Methods":
				ok = value == "GET" || value == "HEAD" || value == "PUT" || value == "OPTIONS"
			case "Allow-Headers":
				ok = true
				for name := range strings.SplitSeq(value, ",") {
					switch name = strings.ToLower(strings.TrimSpace(name)); {
					case config.Headers[0] == "*":
						ok = ok && name != "authorization"
					case name != "x-a" && name != "x-b" && name != "content-type" && name != "":
						ok = false
					}
				}
			}
			if !ok || found && len(values) > 1 && short != "Allow-Headers" {
				t.Errorf("%s is %q for %q", name, values, r.Header)
			}
		}
	}
	if !granted && len(header) > 1 {
		t.Errorf("no origin is allowed, but there is %q", header)
	}
}
