package compat

import (
	"strings"
	"testing"
)

// answers are the answers of the registry, in each host, with the Location as
// the registry's own path.
var answers = []struct{ line, want, reason string }{
	{"GET /hello", "200 hello", ""},
	{"GET /data", "200 get", ""},
	{"PUT /data", "200 put", ""},
	{"DELETE /data", "200 delete", ""},
	{"HEAD /hello", "200", "HEAD is GET without the body"},
	{"OPTIONS /hello", "204 [GET, HEAD, OPTIONS]", ""},
	{"OPTIONS /data", "204 [DELETE, GET, HEAD, OPTIONS, PUT]", ""},
	{"POST /hello", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`, ""},
	{"PATCH /data", `405 {"error":"Method Not Allowed"} [DELETE, GET, HEAD, OPTIONS, PUT]`, ""},
	{"GET /users/7", `200 {"id":7}`, ""},
	{"GET /users/x", `400 {"error":"path parameter \"id\" must be an integer of at most 64 bits, not \"x\""}`, ""},
	{"GET /text/a%2Fb", "200 a/b", "an encoded slash is data"},
	{"GET /text/caf%C3%A9%20x", "200 café x", ""},
	{"GET /text/%252F", "200 %2F", "decoded once"},
	{"GET /files/a", `200 ["a"]`, ""},
	{"GET /files/a%2Fb/c%20d", `200 ["a/b","c d"]`, ""},
	{"GET /files/a%2Fb/c/", "308 -> /files/a%2Fb/c", ""},
	{"GET /hello/", "308 -> /hello", ""},
	{"GET /hello/?a=1&b=%2F", "308 -> /hello?a=1&b=%2F", ""},
	{"POST /hello/", "308 -> /hello", "the method is looked at behind the redirect"},
	{"GET //hello", "308 -> /hello", ""},
	{"GET /none", `404 {"error":"Not Found"}`, ""},
	{"HEAD /none", "404", ""},
	{"GET /none/", `404 {"error":"Not Found"}`, "no redirect to nowhere"},
	{"GET /taken", `409 {"error":"taken"}`, ""},
	{"GET /204", "204", ""},
	{"GET /empty", "200", "a handler that neither answers nor fails"},
	{"GET /text/%2e%2e", `400 {"error":"the path holds a dot segment"}`, ""},
	{"GET /files/../hello", `400 {"error":"the path holds a dot segment"}`, ""},
	{"GET /text/%00", `400 {"error":"the path holds a NUL byte"}`, ""},
	{"GET /text/%ff", `400 {"error":"the path is not valid UTF-8"}`, ""},
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			client = client.NoRedirects()
			for _, tt := range answers {
				method, path, _ := strings.Cut(tt.line, " ")
				want, ours := strings.Replace(tt.want, "-> ", "-> "+h.base, 1), true
				if other, differs := h.differs[tt.line]; differs {
					want, ours = other, false
				}
				r := client.Do(method, h.base+path)
				if got := brief(t, r, h.base+path); got != want {
					t.Errorf("%s:\n got %s\nwant %s\n%s", tt.line, got, want, tt.reason)
				}
				if ours && strings.Contains(want, `{"error"`) {
					r.Header("Content-Type", "application/json; charset=utf-8")
				}
			}
		})
	}
}

// TestHead: the headers of HEAD are those of GET, and nobody follows up with a
// body or a type of his own.
func TestHead(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			client.Do("HEAD", h.base+"/hello").Status(200).
				Header("Content-Type", "text/plain; charset=utf-8").Header("Content-Length", "5").Text("")
			client.Do("HEAD", h.base+"/none").Status(404).
				Header("Content-Type", "application/json; charset=utf-8").Text("")
		})
	}
}

// TestRoot asks for the prefix itself, with redirects followed, as a browser
// does: a host and the registry that disagree about its slash would send the
// browser to and fro.
func TestRoot(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			for _, target := range []string{h.base, h.base + "/", h.base + "/hello/"} {
				want := "root"
				if strings.HasSuffix(target, "/hello/") {
					want = "hello"
				}
				if target != "" {
					client.Get(target).Status(200).Text(want)
				}
			}
		})
	}
}

// TestPattern: middleware of the registry sees its patterns and path values,
// that of the host sees them afterwards unless the prefix was stripped, which
// copies the request.
func TestPattern(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, seen := h.start(t)
			client.Get(h.base+"/users/7").Status(200).
				Header("Pattern", h.pattern+"/users/[id]").Header("Path-Value", "7")
			if got := seen.last(); got != h.outer {
				t.Errorf("afterwards the host sees the pattern %q, want %q", got, h.outer)
			}
		})
	}
}
