package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/internal/programtest"
)

// request is one request below each base, and the exact answer to it.
type request struct {
	line   string // "METHOD target", as sent behind the base
	status int
	answer string
	header map[string]string
	reason string
}

// bases are where the registry stands.
var bases = []string{"", "/v1", "/inner"}

// everywhere is the same in all places, Location included.
var everywhere = []request{
	{line: "GET /api/users/7", status: 200, answer: `{"id":7}`, header: map[string]string{"X-Route": "/api/users/[id]", "X-ID": "7"}},
	{line: "HEAD /api/users/7", status: 200, header: map[string]string{"Content-Length": "8"}},
	{line: "GET /api/users/x", status: 400, answer: `{"error":"path parameter \"id\" must be an integer of at most 64 bits, not \"x\""}`},
	{line: "GET /api/users/1001", status: 404, answer: `{"error":"no user 1001"}`},
	{line: "DELETE /api/users/7", status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS", "X-ID": "7"}},
	{line: "OPTIONS /api/users/7", status: 204, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "GET /api/users/7/?a=b", status: 308, header: map[string]string{"Location": "../../../api/users/7?a=b"}, reason: "the base need not be known"},
	{line: "GET /api/files/a%2Fb/c", status: 200, answer: `{"path":["a/b","c"]}`, header: map[string]string{"X-Route": "/api/files/[...path]"}},
	{line: "GET /api/files", status: 404, answer: `{"error":"Not Found"}`},
	{line: "GET /api/nowhere", status: 404, answer: `{"error":"Not Found"}`},
}

// send sends r as it is written: no redirect is followed.
func (r request) send(t *testing.T, base string) (*http.Response, string) {
	t.Helper()
	method, target, _ := strings.Cut(r.line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, base+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
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

func TestAnswers(t *testing.T) {
	t.Parallel()
	p := programtest.Start(t, run)
	for _, base := range bases {
		for _, tt := range everywhere {
			resp, body := tt.send(t, p.URL+base)
			if resp.StatusCode != tt.status || body != tt.answer {
				t.Errorf("below %q: %s\n got %d %s\nwant %d %s\n     %s", base, tt.line, resp.StatusCode, body, tt.status, tt.answer, tt.reason)
			}
			for name, want := range tt.header {
				if got := resp.Header.Get(name); got != want {
					t.Errorf("below %q: %s\n%s is %q, want %q\n%s", base, tt.line, name, got, want, tt.reason)
				}
			}
		}
	}
}

// TestRedirects follows them, as a browser does, to where the registry stands.
func TestRedirects(t *testing.T) {
	t.Parallel()
	p := programtest.Start(t, run)
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	follow := func(target, want string) {
		t.Helper()
		resp, err := client.Get(p.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Request.URL.EscapedPath(); resp.StatusCode != http.StatusOK || got != want {
			t.Errorf("GET %s ends with %d at %s, want 200 at %s", target, resp.StatusCode, got, want)
		}
	}
	for _, base := range bases {
		follow(base+"/api/users/7/", base+"/api/users/7")
		follow(base+"/api/files/a%2Fb/c/", base+"/api/files/a%2Fb/c")
	}
	follow("/v1/api/", "/v1/api")
	follow("/inner/api/", "/inner/api")
	follow("/api", "/api/") // the mux adds the slash of its pattern, and the router leaves it
}

// TestLoggedPatterns: what a logger around everything knows afterwards.
func TestLoggedPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ target, pattern string }{
		{"/api/users/7", "/api/users/[id]"},
		{"/inner/api/users/7", "/inner/api/users/[id]"},
		{"/v1/api/users/7", "/v1/"}, // StripPrefix serves a copy
		{"/api/nowhere", "/api/"},
		{"/inner/api/nowhere", "/inner"},
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		site(log).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", tt.target, nil))
		if want := "pattern=" + tt.pattern + "\n"; !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s logs %q, want the end %q", tt.target, &out, want)
		}
	}
}

func TestPrintedCommands(t *testing.T) {
	t.Parallel()
	want := []string{`{"id":7}`, `{"id":7}`, `{"path":["a/b","c"]}`}
	if got := programtest.Start(t, run).Commands(t); !slices.Equal(got, want) {
		t.Errorf("the commands give %q, want %q", got, want)
	}
}

func TestProgram(t *testing.T) { programtest.Contract(t, run) }
