package middleware_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

const (
	corsApp   = "https://app.example"
	corsAdmin = "http://localhost:3000"
)

// corsDo sends a request on one of the ways of corsWays.
type corsDo func(method, target string, edits ...testutil.Edit) *testutil.Response

// corsWays runs a test on a recorder and over the wire.
func corsWays(t *testing.T, h http.Handler, test func(t *testing.T, do corsDo)) {
	t.Helper()
	t.Run("recorder", func(t *testing.T) {
		test(t, func(method, target string, edits ...testutil.Edit) *testutil.Response {
			t.Helper()
			return testutil.Call(t, h, method+" "+target, edits...)
		})
	})
	for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTP2} {
		t.Run(string(protocol), func(t *testing.T) { test(t, testutil.Serve(t, h, protocol).Do) })
	}
}

// corsHeader sets a header field to lines, as they are.
func corsHeader(name string, lines ...string) testutil.Edit {
	return func(r *http.Request) { r.Header[name] = lines }
}

func corsOrigin(lines ...string) testutil.Edit { return corsHeader("Origin", lines...) }

// corsPreflight makes a request a preflight. No headers are asked for without a
// line of them.
func corsPreflight(origin, method string, headers ...string) testutil.Edit {
	return func(r *http.Request) {
		r.Method = http.MethodOptions
		corsOrigin(origin)(r)
		corsHeader("Access-Control-Request-Method", method)(r)
		if len(headers) > 0 {
			corsHeader("Access-Control-Request-Headers", headers...)(r)
		}
	}
}

// corsSaid is what an answer says of CORS, in one line: the fields sorted by
// name, without "Access-Control-".
func corsSaid(r *testutil.Response) string {
	var said []string
	for name, values := range r.Result().Header {
		if short, found := strings.CutPrefix(name, "Access-Control-"); found || name == "Vary" {
			said = append(said, short+"="+strings.Join(values, ", "))
		}
	}
	slices.Sort(said)
	return strings.Join(said, " ")
}

const (
	corsRefused          = "Vary=Origin"
	corsRefusedPreflight = "Vary=Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
	corsGranted          = "Allow-Origin=" + corsApp + " Vary=Origin"
)

// corsGrantedPreflight is a granted preflight for corsApp.
func corsGrantedPreflight(method, headers string) string {
	if headers != "" {
		headers = "Allow-Headers=" + headers + " "
	}
	return headers + "Allow-Methods=" + method + " Allow-Origin=" + corsApp + " " + corsRefusedPreflight
}

func corsText(c apiroutes.Context) error { return c.Text(http.StatusOK, "served") }

// corsServed is a handler that is never to see a preflight.
func corsServed(t testing.TB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "OPTIONS" && r.Header["Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil {
			t.Errorf("a preflight reached the handler: %v", r.Header)
		}
		io.WriteString(w, "served")
	})
}

func TestCORSRequests(t *testing.T) {
	t.Parallel()
	config := middleware.CORSConfig{Origins: []string{corsApp, corsAdmin}, Methods: []string{"GET", "PUT"}}
	h := middleware.CORS(config)(corsServed(t))
	corsWays(t, h, func(t *testing.T, do corsDo) {
		for _, tt := range []struct {
			method string
			edit   testutil.Edit
			want   string
		}{
			{"GET", corsOrigin(), corsRefused},
			{"GET", corsOrigin(corsApp), corsGranted},
			{"GET", corsOrigin(corsAdmin), "Allow-Origin=" + corsAdmin + " Vary=Origin"},
			{"PUT", corsOrigin(corsApp), corsGranted},
			{"HEAD", corsOrigin(corsApp), corsGranted},
			{"POST", corsOrigin(corsApp), corsRefused},
			{"OPTIONS", corsOrigin(corsApp), corsGranted},
			{"OPTIONS", corsOrigin(), corsRefused},
			{"OPTIONS", corsHeader("Access-Control-Request-Method", "GET"), corsRefused}, // no browser asks without Origin
			{"GET", corsHeader("Access-Control-Request-Method", "GET"), corsRefused},
		} {
			r := do(tt.method, "/", tt.edit).Status(200)
			if tt.method != "HEAD" {
				r.Text("served")
			}
			if got := corsSaid(r); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.method, got, tt.want)
			}
		}
	})
}

func TestCORSPreflights(t *testing.T) {
	t.Parallel()
	full := middleware.CORSConfig{Origins: []string{corsApp}, Methods: []string{"GET", "PURGE"}, Headers: []string{"X-B", "x-a"}, ExposedHeaders: []string{"X-C"}}
	small := middleware.CORSConfig{Origins: []string{corsApp}}
	for _, tt := range []struct {
		name    string
		config  middleware.CORSConfig
		method  string
		headers []string
		want    string
	}{
		{"a listed method", full, "GET", nil, corsGrantedPreflight("GET", "")},
		{"GET stands for HEAD", full, "HEAD", nil, corsGrantedPreflight("HEAD", "")},
		{"a method of one's own", full, "PURGE", nil, corsGrantedPreflight("PURGE", "")},
		{"a method that is not listed", full, "DELETE", nil, corsRefusedPreflight},
		{"methods have a case", full, "purge", nil, corsRefusedPreflight},
		{"listed headers, as browsers write them", full, "GET", []string{"x-a,x-b"}, corsGrantedPreflight("GET", "x-a,x-b")},
		{"headers that a proxy parted", full, "GET", []string{"x-a", "x-b"}, corsGrantedPreflight("GET", "x-a, x-b")},
		{"Content-Type beside the list", full, "GET", []string{"content-type,x-a"}, corsGrantedPreflight("GET", "content-type,x-a")},
		{"a header that is not listed", full, "GET", []string{"x-a,x-z"}, corsRefusedPreflight},
		{"no methods: the usual ones", small, "DELETE", nil, corsGrantedPreflight("DELETE", "")},
		{"no methods: PATCH", small, "PATCH", nil, corsGrantedPreflight("PATCH", "")},
		{"no methods: PUT", small, "PUT", nil, corsGrantedPreflight("PUT", "")},
		{"no methods: no other ones", small, "PURGE", nil, corsRefusedPreflight},
		{"no headers: JSON", small, "POST", []string{"content-type"}, corsGrantedPreflight("POST", "content-type")},
		{"no headers: no other ones", small, "POST", []string{"authorization"}, corsRefusedPreflight},
	} {
		t.Run(tt.name, func(t *testing.T) {
			corsWays(t, middleware.CORS(tt.config)(corsServed(t)), func(t *testing.T, do corsDo) {
				r := do("OPTIONS", "/", corsPreflight(corsApp, tt.method, tt.headers...)).Status(204).Text("")
				if got := corsSaid(r); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestCORSSettings(t *testing.T) {
	t.Parallel()
	anyOrigin := []string{"*"}
	for _, tt := range []struct {
		name          string
		config        middleware.CORSConfig
		request       string
		preflight     string // PUT with X-A
		authorization string // PUT with Authorization and X-A
	}{
		{
			name:      "any origin",
			config:    middleware.CORSConfig{Origins: anyOrigin},
			request:   "Allow-Origin=* Vary=Origin",
			preflight: corsRefusedPreflight, authorization: corsRefusedPreflight,
		},
		{
			name:          "any header is not Authorization",
			config:        middleware.CORSConfig{Origins: anyOrigin, Headers: []string{"*"}},
			request:       "Allow-Origin=* Vary=Origin",
			preflight:     "Allow-Headers=x-a Allow-Methods=PUT Allow-Origin=* " + corsRefusedPreflight,
			authorization: corsRefusedPreflight,
		},
		{
			name:          "any header, and Authorization",
			config:        middleware.CORSConfig{Origins: anyOrigin, Headers: []string{"*", "Authorization"}},
			request:       "Allow-Origin=* Vary=Origin",
			preflight:     "Allow-Headers=x-a Allow-Methods=PUT Allow-Origin=* " + corsRefusedPreflight,
			authorization: "Allow-Headers=authorization, x-a Allow-Methods=PUT Allow-Origin=* " + corsRefusedPreflight,
		},
		{
			name: "credentials, exposed headers and an age",
			config: middleware.CORSConfig{Origins: []string{corsApp}, Headers: []string{"X-A"}, ExposedHeaders: []string{"x-c", "X-D"},
				Credentials: true, MaxAge: 10 * time.Minute},
			request:       "Allow-Credentials=true Allow-Origin=" + corsApp + " Expose-Headers=X-C, X-D Vary=Origin",
			preflight:     "Allow-Credentials=true Allow-Headers=x-a Allow-Methods=PUT Allow-Origin=" + corsApp + " Max-Age=600 " + corsRefusedPreflight,
			authorization: corsRefusedPreflight,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			corsWays(t, middleware.CORS(tt.config)(corsServed(t)), func(t *testing.T, do corsDo) {
				for _, row := range []struct {
					edit testutil.Edit
					want string
				}{
					{corsOrigin(corsApp), tt.request},
					{corsPreflight(corsApp, "PUT", "x-a"), tt.preflight},
					{corsPreflight(corsApp, "PUT", "Authorization, x-a"), strings.ReplaceAll(tt.authorization, "authorization", "Authorization")},
					{corsPreflight(corsApp, "PUT", "authorization", "x-a"), tt.authorization},
					{corsPreflight(corsApp, "PUT", "a,\tAuthorization"), strings.ReplaceAll(tt.authorization, "authorization, x-a", "a,\tAuthorization")},
				} {
					if got := corsSaid(do("GET", "/", row.edit)); got != row.want {
						t.Errorf("got %q, want %q", got, row.want)
					}
				}
			})
		})
	}
}

// TestCORSConfigIsCopied: what a caller does with its slices later is its own
// affair.
func TestCORSConfigIsCopied(t *testing.T) {
	t.Parallel()
	methods := []string{"PUT", "GET", "behind"}
	config := middleware.CORSConfig{Origins: []string{corsApp}, Methods: methods[:2], Headers: []string{"X-B", "X-A"}, ExposedHeaders: []string{"X-C"}}
	h := middleware.CORS(config)(corsServed(t))
	if config.Headers[0] != "X-B" || methods[2] != "behind" {
		t.Errorf("the caller's lists were changed: %q, %q", config.Headers, methods)
	}
	config.Origins[0], config.Methods[0], config.Headers[0], config.ExposedHeaders[0] = "https://evil.example", "DELETE", "X-Z", "X-Z"
	if got, want := corsSaid(testutil.Call(t, h, "OPTIONS /", corsPreflight(corsApp, "PUT", "x-a,x-b"))), corsGrantedPreflight("PUT", "x-a,x-b"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// corsRouter has CORS in New, a guard behind it, and a route with GET alone.
func corsRouter(t testing.TB) *apiroutes.Router {
	guard := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "" {
				if r.Method == http.MethodOptions {
					t.Error("a preflight reached the guard")
				}
				fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "log in"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	r := apiroutes.New(middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}, Headers: []string{"Authorization"}}))
	r.Get("/open/[id]", corsText)
	r.Get("/conflict", func(c apiroutes.Context) error {
		if err := c.SetHeader("Content-Type", "text/csv"); err != nil {
			return err
		}
		return apiroutes.Errorf(http.StatusConflict, "taken")
	})
	guarded := r.Group("/guarded", guard)
	guarded.Get("/data", corsText)
	guarded.Post("/data", corsText)
	return r
}

// TestCORSInRouter: every answer of a router has the headers, and a preflight
// is answered before anything else.
func TestCORSInRouter(t *testing.T) {
	t.Parallel()
	authorized := testutil.Header("Authorization", "Bearer x")
	corsWays(t, corsRouter(t), func(t *testing.T, do corsDo) {
		for _, tt := range []struct {
			method, target string
			status         int
			edits          []testutil.Edit
		}{
			{"GET", "/open/7", 200, nil},
			{"HEAD", "/open/7", 200, nil},
			{"DELETE", "/open/7", 405, nil},
			{"OPTIONS", "/open/7", 204, nil},
			{"DELETE", "/open/7/", 308, nil},
			{"GET", "/none", 404, nil},
			{"GET", "/open/%00", 400, nil},
			{"GET", "/conflict", 409, nil},
			{"GET", "/guarded/data", 401, nil},
			{"GET", "/guarded/data", 200, []testutil.Edit{authorized}},
		} {
			edits := append([]testutil.Edit{corsOrigin(corsApp)}, tt.edits...)
			if tt.status == 308 {
				// A client would follow it.
				r := testutil.Call(t, corsRouter(t), tt.method+" "+tt.target, edits...).Status(308)
				if got := corsSaid(r); got != corsGranted {
					t.Errorf("%s %s: got %q", tt.method, tt.target, got)
				}
				continue
			}
			r := do(tt.method, tt.target, edits...).Status(tt.status)
			if got := corsSaid(r); got != corsGranted {
				t.Errorf("%s %s: got %q", tt.method, tt.target, got)
			}
			r = do(tt.method, tt.target, tt.edits...).Status(tt.status)
			if got := corsSaid(r); got != corsRefused {
				t.Errorf("%s %s without Origin: got %q", tt.method, tt.target, got)
			}
		}
		for _, target := range []string{"/open/7", "/open/7/", "/none", "/open/%00", "/conflict", "/guarded/data"} {
			r := do("OPTIONS", target, corsPreflight(corsApp, "GET", "authorization")).Status(204).Header("Allow", "")
			if got, want := corsSaid(r), corsGrantedPreflight("GET", "authorization"); got != want {
				t.Errorf("preflight of %s: got %q, want %q", target, got, want)
			}
		}
	})
}
