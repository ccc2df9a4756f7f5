package main

import (
	"bytes"
	"cmp"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/programtest"
)

// request is one request and the exact answer to it. The body is sent as JSON
// unless contentType says otherwise.
type request struct {
	line, body  string // line is "METHOD target", as sent
	contentType string
	with        map[string]string // further headers
	status      int
	answer      string
	header      map[string]string
	reason      string
}

const (
	jsonUTF8 = "application/json; charset=utf-8"
	page     = "https://page.example" // an origin
	asked    = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
)

// preflight is what a browser sends before a request of a page.
func preflight(method string) map[string]string {
	return map[string]string{"Origin": page, "Access-Control-Request-Method": method}
}

// tutorial is what the Next.js original answers.
var tutorial = []request{
	{line: "GET /api/hello", status: 200, answer: `{"message":"Hello from API Routes!"}`},
	{line: "GET /api/data", status: 200, answer: `{"data":"This is a GET response"}`},
	{line: "POST /api/data", body: `{"name":"Ada"}`, status: 201, answer: `{"message":"Hello, Ada!"}`},
	{line: "DELETE /api/data", status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
	{line: "GET /api/user/123", status: 200, answer: `{"userId":"123","message":"User details for 123"}`},
	{line: "GET /api/user/profile/settings", status: 200, answer: `{"params":["profile","settings"],"message":"Catch-all API Route"}`},
	{line: "GET /api/docs", status: 200, answer: `{"slug":[]}`},
	{line: "GET /api/docs/a/b", status: 200, answer: `{"slug":["a","b"]}`},
	{line: "GET /api/item", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?id=7", status: 200, answer: `{"data":"Success","id":"7"}`},
	{line: "GET /api/cors", with: map[string]string{"Origin": page}, status: 200, answer: `{"message":"CORS enabled"}`, header: map[string]string{"Access-Control-Allow-Origin": "*", "Vary": "Origin"}},
	{line: "OPTIONS /api/cors", with: preflight("GET"), status: 204, header: map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET", "Vary": asked}},
	{line: "GET /api/nowhere", status: 404, answer: `{"error":"Not Found"}`},
	{line: "GET /", status: 404, answer: `{"error":"Not Found"}`},
}

// hostile is what a tutorial leaves out and a client sends all the same.
var hostile = []request{
	{line: "HEAD /api/hello", status: 200, header: map[string]string{"Content-Type": jsonUTF8, "Content-Length": "36"}, reason: "HEAD is GET without the body"},
	{line: "OPTIONS /api/hello", status: 204, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "POST /api/hello", body: `{}`, status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "get /api/hello", status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}, reason: "methods are case-sensitive"},
	{line: "GET /api/user", status: 404, answer: `{"error":"Not Found"}`, reason: "a catch-all takes at least one segment"},
	{line: "GET /API/hello", status: 404, answer: `{"error":"Not Found"}`, reason: "paths are case-sensitive"},
	{line: "GET /api/hello/", status: 308, header: map[string]string{"Location": "../../api/hello"}},
	{line: "GET //evil.example/api/hello", status: 404, answer: `{"error":"Not Found"}`, reason: "no redirect to another host"},
	{line: "GET /api/user/%2e%2e", status: 400, answer: `{"error":"the path holds a dot segment"}`},
	{line: "GET /api/user/../item", status: 400, answer: `{"error":"the path holds a dot segment"}`},
	{line: "GET /api/user/%00", status: 400, answer: `{"error":"the path holds a NUL byte"}`},
	{line: "GET /api/user/%ff", status: 400, answer: `{"error":"the path is not valid UTF-8"}`},
	{line: "GET /api/user/..%2Fetc", status: 200, answer: `{"userId":"../etc","message":"User details for ../etc"}`, reason: "an encoded slash is data, one segment"},
	{line: "GET /api/docs/a%2Fb/c", status: 200, answer: `{"slug":["a/b","c"]}`, reason: "an encoded slash is data"},
	{line: "GET /api/user/%22%7D", status: 200, answer: `{"userId":"\"}","message":"User details for \"}"}`, reason: "JSON cannot be broken out of"},
	{line: "GET /api/user/7?id=8&params=9", status: 200, answer: `{"userId":"7","message":"User details for 7"}`, reason: "no query poses as a parameter"},
	{line: "GET /api/item?id=", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?ID=7", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?id=7&id=8", status: 200, answer: `{"data":"Success","id":"7"}`, reason: "the first one counts"},
	{line: "GET /api/item?id=a%26b;c", status: 200, answer: `{"data":"Success","id":"a&b;c"}`},
	{line: "POST /api/data", body: `{"name":`, status: 400, answer: `{"error":"the body is not valid JSON: unexpected end of JSON input at byte 8"}`},
	{line: "POST /api/data", body: `{"name":"Ada"}{}`, status: 400, answer: `{"error":"the body is not valid JSON: invalid character '{' after top-level value at byte 15"}`},
	{line: "POST /api/data", body: `{"name":7}`, status: 400, answer: `{"error":"field \"name\" must be a string, not number (before byte 9)"}`},
	{line: "POST /api/data", body: "", status: 400, answer: `{"error":"the body is empty: send JSON"}`},
	{line: "POST /api/data", body: `name=Ada`, contentType: "application/x-www-form-urlencoded", status: 415, answer: `{"error":"Content-Type \"application/x-www-form-urlencoded\" is not accepted: send application/json"}`},
	{line: "GET /api/hello", with: map[string]string{"Origin": page}, status: 200, answer: `{"message":"Hello from API Routes!"}`, reason: "CORS is around one route only"},
	{line: "OPTIONS /api/hello", with: preflight("GET"), status: 204, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "GET /api/cors", status: 200, answer: `{"message":"CORS enabled"}`, header: map[string]string{"Vary": "Origin"}, reason: "a cache must not give it to a page"},
	{line: "HEAD /api/cors", with: map[string]string{"Origin": page}, status: 200, header: map[string]string{"Content-Type": jsonUTF8, "Content-Length": "26", "Access-Control-Allow-Origin": "*", "Vary": "Origin"}},
	{line: "OPTIONS /api/cors", status: 204, header: map[string]string{"Allow": "GET, HEAD, OPTIONS", "Vary": "Origin"}, reason: "no preflight"},
	{line: "OPTIONS /api/cors", with: preflight("HEAD"), status: 204, header: map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "HEAD", "Vary": asked}},
	{line: "OPTIONS /api/cors", with: preflight("POST"), status: 204, header: map[string]string{"Vary": asked}, reason: "GET and HEAD are allowed"},
	{line: "POST /api/cors", body: `{}`, with: map[string]string{"Origin": page}, status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS", "Vary": "Origin"}},
	{line: "GET /api/cors/", with: map[string]string{"Origin": page}, status: 308, header: map[string]string{"Location": "../../api/cors", "Access-Control-Allow-Origin": "*", "Vary": "Origin"}},
	{line: "POST /api/data", body: strings.Repeat(" ", 1<<20) + `{}`, status: 413, answer: `{"error":"the body exceeds the limit of 1048576 bytes"}`},
}

// send sends r as it is written: no path is cleaned, no redirect followed.
func (r request) send(t *testing.T, client *http.Client, base string) (*http.Response, string) {
	t.Helper()
	method, target, _ := strings.Cut(r.line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", cmp.Or(r.contentType, "application/json"))
	}
	for name, value := range r.with {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// headers are those that r's answer must have; "" is for none.
func (r request) headers() map[string]string {
	want := map[string]string{"Content-Type": "", "Allow": "", "Location": "", "Vary": ""}
	for _, name := range []string{"Origin", "Methods", "Headers", "Credentials"} {
		want["Access-Control-Allow-"+name] = ""
	}
	if r.answer != "" {
		want["Content-Type"], want["Content-Length"] = jsonUTF8, strconv.Itoa(len(r.answer))
	}
	maps.Copy(want, r.header)
	return want
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	p := programtest.Start(t, run)
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	for _, tt := range slices.Concat(tutorial, hostile) {
		resp, body := tt.send(t, client, p.URL)
		if resp.StatusCode != tt.status || body != tt.answer {
			t.Errorf("%s %.40s\n got %d %s\nwant %d %s\n     %s", tt.line, tt.body, resp.StatusCode, body, tt.status, tt.answer, tt.reason)
		}
		for name, want := range tt.headers() {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %.40s\n%s is %q, want %q\n%s", tt.line, tt.body, name, got, want, tt.reason)
			}
		}
	}
}

// TestLog: a line for each request, whatever is answered, to slog.Default, and
// a panic is answered like any error.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "duration":
			return slog.Attr{}
		case "error":
			text, _, _ := strings.Cut(a.Value.String(), "; at ") // the stack
			return slog.String(a.Key, text)
		}
		return a
	}})))
	r := routes()
	r.Get("/api/bug", func(apiroutes.Context) error { panic("bug") })
	for _, target := range []string{"/api/user/7?token=secret", "/api/nowhere", "/api/bug"} {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	}
	const want = `level=INFO msg=request method=GET pattern=/api/user/[id] path=/api/user/7 status=200 bytes=45 client_ip=192.0.2.1
level=WARN msg=request method=GET path=/api/nowhere status=404 bytes=21 client_ip=192.0.2.1 error="404 Not Found"
level=ERROR msg=request method=GET pattern=/api/bug path=/api/bug status=500 bytes=33 client_ip=192.0.2.1 error="500 Internal Server Error: panic: bug"
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func TestPrintedCommands(t *testing.T) {
	t.Parallel()
	want := []string{
		`{"message":"Hello from API Routes!"}`,
		`{"message":"Hello, Ada!"}`,
		`{"params":["profile","settings"],"message":"Catch-all API Route"}`,
	}
	if got := programtest.Start(t, run).Commands(t); !slices.Equal(got, want) {
		t.Errorf("the commands give %q, want %q", got, want)
	}
}

func TestProgram(t *testing.T) { programtest.Contract(t, run) }
