package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/internal/programtest"
	"github.com/apiroutes/apiroutes/testutil"
)

const (
	page     = "https://app.example" // the origin of the app
	stranger = "https://evil.example"
	asked    = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
)

// headers are names and values of a request or an answer.
type headers = map[string]string

// readable are the headers by which pages of the app may read an answer.
var readable = headers{
	"Access-Control-Allow-Origin": page, "Access-Control-Expose-Headers": "X-Request-Id", "Vary": "Origin",
}

func and(all ...headers) headers {
	joined := headers{}
	for _, h := range all {
		maps.Copy(joined, h)
	}
	return joined
}

// preflight is what a browser asks before a request.
func preflight(origin, method, names string) headers {
	h := headers{"Origin": origin, "Access-Control-Request-Method": method}
	if names != "" {
		h["Access-Control-Request-Headers"] = names
	}
	return h
}

// answers are exact: besides Date and the id there is no other header.
var answers = []struct {
	line   string // "METHOD target", as sent
	send   headers
	status int
	body   string
	header headers
	reason string
}{
	// Any origin.
	{line: "GET /api/cors", send: headers{"Origin": stranger}, status: 200, body: `{"message":"CORS enabled"}`,
		header: headers{"Access-Control-Allow-Origin": "*", "Vary": "Origin"}},
	{line: "GET /api/cors", status: 200, body: `{"message":"CORS enabled"}`, header: headers{"Vary": "Origin"},
		reason: "no page asks, and a cache must not give this answer to one"},
	{line: "HEAD /api/cors", send: headers{"Origin": stranger}, status: 200,
		header: headers{"Access-Control-Allow-Origin": "*", "Vary": "Origin", "Content-Type": "application/json; charset=utf-8", "Content-Length": "26"}},
	{line: "OPTIONS /api/cors", send: preflight(stranger, "GET", "content-type"), status: 204,
		header: headers{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "content-type", "Vary": asked}},
	{line: "OPTIONS /api/cors", send: preflight(stranger, "PUT", ""), status: 204, header: headers{"Vary": asked},
		reason: "not granted, by the absence of headers"},
	{line: "OPTIONS /api/cors", status: 204, header: headers{"Allow": "GET, HEAD, OPTIONS", "Vary": "Origin"}, reason: "no preflight"},

	// The pages of the app.
	{line: "GET /api/hello", send: headers{"Origin": page}, status: 200, body: `{"message":"Hello from API Routes!"}`, header: readable},
	{line: "GET /api/hello", send: headers{"Origin": stranger}, status: 200, body: `{"message":"Hello from API Routes!"}`,
		header: headers{"Vary": "Origin"}, reason: "served, but the browser keeps it from the page"},
	{line: "OPTIONS /api/admin/stats", send: preflight(page, "GET", "authorization"), status: 204, header: headers{
		"Access-Control-Allow-Origin": page, "Access-Control-Allow-Methods": "GET", "Access-Control-Allow-Headers": "authorization",
		"Access-Control-Max-Age": "600", "Vary": asked,
	}, reason: "only Get is registered, and the guard is not asked"},
	{line: "OPTIONS /api/admin/stats", send: preflight(stranger, "GET", "authorization"), status: 204, header: headers{"Vary": asked}},
	{line: "OPTIONS /api/admin/stats", status: 401, body: `{"error":"a token is required"}`,
		header: headers{"WWW-Authenticate": "Bearer", "Vary": "Origin"}, reason: "no preflight: the guard is asked"},
	{line: "GET /api/admin/stats", send: headers{"Origin": page, "Authorization": "Bearer demo"}, status: 200, body: `{"users":1}`, header: readable},
	{line: "GET /api/admin/stats", send: headers{"Origin": page, "Authorization": "Bearer"}, status: 401, body: `{"error":"a token is required"}`,
		header: and(readable, headers{"WWW-Authenticate": "Bearer"}), reason: "the page can read why"},

	// Errors keep what CORS wrote.
	{line: "DELETE /api/hello", send: headers{"Origin": page}, status: 405, body: `{"error":"Method Not Allowed"}`,
		header: and(readable, headers{"Allow": "GET, HEAD, OPTIONS"})},
	{line: "GET /api/hello/", send: headers{"Origin": page}, status: 308,
		header: and(readable, headers{"Location": "../../api/hello", "Content-Length": "0"})},
	{line: "GET /api/admin/stats/", send: headers{"Origin": page}, status: 401, body: `{"error":"a token is required"}`,
		header: and(readable, headers{"WWW-Authenticate": "Bearer"}), reason: "no slash leads around the guard"},
	{line: "GET /api/report", send: headers{"Origin": page}, status: 503, body: `{"error":"try again in a minute"}`, header: readable},
	{line: "GET /api/crash", send: headers{"Origin": page}, status: 500, body: `{"error":"Internal Server Error"}`, header: readable,
		reason: "neither the value of the panic nor a stack"},
	{line: "GET /api/nowhere", send: headers{"Origin": page}, status: 404, body: `{"error":"Not Found"}`,
		reason: "no route, so none of a group's middleware: a CORS in New would see it"},
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	api := testutil.New(t, site(slog.New(slog.DiscardHandler), pagesOf(page))).NoRedirects()
	for _, tt := range answers {
		method, target, _ := strings.Cut(tt.line, " ")
		var edits []testutil.Edit
		for name, value := range tt.send {
			edits = append(edits, testutil.Header(name, value))
		}
		r := api.Do(method, target, edits...).Status(tt.status).Text(tt.body)
		want := and(headers{"X-Content-Type-Options": "nosniff"}, tt.header)
		if tt.body != "" {
			want["Content-Type"], want["Content-Length"] = "application/json; charset=utf-8", strconv.Itoa(len(tt.body))
		}
		got := headers{}
		for name, values := range r.Result().Header {
			got[name] = strings.Join(values, ", ")
		}
		if id := got["X-Request-Id"]; testutil.UUIDs(id) != "<uuid>" {
			t.Errorf("%s: the id is %q", tt.line, id)
		}
		delete(got, "Date")
		delete(got, "X-Request-Id")
		if !maps.Equal(got, canonical(want)) {
			t.Errorf("%s\n got %v\nwant %v\n     %s", tt.line, got, want, tt.reason)
		}
	}
}

// canonical is h with the names that net/http gives them.
func canonical(h headers) headers {
	all := headers{}
	for name, value := range h {
		all[http.CanonicalHeaderKey(name)] = value
	}
	return all
}

// TestLog: one line for each request, with the id of the answer, and with causes
// that no answer has.
func TestLog(t *testing.T) {
	t.Parallel()
	const id, ip = " request_id=ID", " client_ip=192.0.2.1"
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"GET /api/hello?secret=1", []string{
			"level=INFO msg=called method=GET path=/api/hello" + id,
			"level=INFO msg=request method=GET pattern=/api/hello path=/api/hello status=200 bytes=36" + id + ip,
		}},
		{"GET /api/admin/stats", []string{
			"level=WARN msg=request method=GET pattern=/api/admin/stats path=/api/admin/stats status=401 bytes=31" + id + ip + ` error="401 a token is required"`,
		}},
		{"DELETE /api/hello", []string{
			"level=WARN msg=request method=DELETE pattern=/api/hello path=/api/hello status=405 bytes=30" + id + ip + ` error="405 Method Not Allowed"`,
		}},
		{"GET /api/nowhere", []string{
			"level=WARN msg=request method=GET path=/api/nowhere status=404 bytes=21" + id + ip + ` error="404 Not Found"`,
		}},
		{"GET /api/report", []string{
			"level=ERROR msg=request method=GET pattern=/api/report path=/api/report status=503 bytes=33" + id + ip +
				` error="503 try again in a minute: dial tcp 192.0.2.7:5432: connection refused"`,
		}},
		{"GET /api/crash", []string{
			"level=ERROR msg=request method=GET pattern=/api/crash path=/api/crash status=500 bytes=33" + id + ip +
				` error="500 Internal Server Error: panic: runtime error: index out of range [0] with length 0; at STACK"`,
		}},
	} {
		var out bytes.Buffer
		var duration, stack string
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.Attr{}
			case "duration":
				duration = a.Value.String()
				return slog.Attr{}
			case "error":
				text, calls, found := strings.Cut(a.Value.String(), "; at ")
				if stack = calls; found {
					text += "; at STACK"
				}
				return slog.String(a.Key, text)
			}
			return a
		}}))
		r := testutil.Call(t, site(log, pagesOf(page)), tt.line)
		got := strings.ReplaceAll(out.String(), r.Result().Header.Get("X-Request-Id"), "ID")
		if want := strings.Join(tt.want, "\n") + "\n"; got != want {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, want)
		}
		if duration == "" {
			t.Errorf("%s: no duration", tt.line)
		}
		if first, _, _ := strings.Cut(stack, "; "); strings.HasSuffix(tt.line, "/crash") != strings.Contains(first, ".crash (") {
			t.Errorf("%s: the stack is %q", tt.line, stack)
		}
	}
}

// TestOrigin: a mistake on the command line is an error, not a panic.
func TestOrigin(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // or a run that accepts it would not end
	defer cancel()
	err := run(ctx, []string{"-addr", "127.0.0.1:0", "-origin", "https://app.example/"}, io.Discard)
	const want = `middleware: CORSConfig.Origins[0]: "https://app.example/" has a path, query or trailing slash, which no origin has: write "https://app.example"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPrintedCommands(t *testing.T) {
	t.Parallel()
	want := []string{`{"message":"Hello from API Routes!"}`, `{"message":"CORS enabled"}`, `{"users":1}`}
	if got := programtest.Start(t, run).Commands(t); !slices.Equal(got, want) {
		t.Errorf("the commands give %q, want %q", got, want)
	}
}

func TestProgram(t *testing.T) { programtest.Contract(t, run) }
