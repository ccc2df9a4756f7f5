package roottest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// methodsTokens are methods of RFC 9110, of WebDAV, of drafts, and of nobody.
var methodsTokens = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "purge", "get", "Get", "gET", "OPTIONS2", "M-SEARCH", "!#$%&'*+-.^_`|~0", strings.Repeat("X", 300)}

// methodsServe serves a path with a method that no request line might hold. The
// body of a HEAD is kept, since it tells who answered, and a 204 must have none.
func methodsServe(t testing.TB, h http.Handler, method, path string, edits ...testutil.Edit) *testutil.Response {
	t.Helper()
	strict := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&methodsWriter{ResponseWriter: w, t: t}, r) })
	return testutil.Call(t, strict, "GET "+path, append(edits, func(r *http.Request) { r.Method = method })...)
}

// methodsWriter reports a body of a 204, which testutil.Call drops as a server
// does.
type methodsWriter struct {
	http.ResponseWriter
	t      testing.TB
	status int
}

func (w *methodsWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *methodsWriter) Write(p []byte) (int, error) {
	if w.status == http.StatusNoContent && len(p) > 0 {
		w.t.Errorf("a 204 has the body %q", p)
	}
	return w.ResponseWriter.Write(p)
}

// TestMethodsTable compares a table on its own and in a router, bare and
// behind middleware, with what a table of its fields must answer.
func TestMethodsTable(t *testing.T) {
	names := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	for set := range 1 << len(names) {
		var m apiroutes.Methods
		fields := []*apiroutes.HandlerFunc{&m.Get, &m.Head, &m.Post, &m.Put, &m.Patch, &m.Delete, &m.Options}
		allowed := []string{"OPTIONS"}
		var registered []string
		for i, name := range names {
			if set>>i&1 != 0 {
				*fields[i] = func(c apiroutes.Context) error { return c.Text(http.StatusOK, name) }
				allowed, registered = append(allowed, name), append(registered, name)
			}
		}
		if slices.Contains(registered, "GET") {
			allowed = append(allowed, "HEAD")
		}
		slices.Sort(allowed)
		allow := strings.Join(slices.Compact(allowed), ", ")

		handlers := map[string]http.Handler{"alone": m}
		if set > 0 {
			bare, behind := apiroutes.New(), apiroutes.New(tag(""))
			bare.Route("/x/[id]", m)
			behind.Route("/x/[id]", m)
			handlers["bare"], handlers["behind middleware"] = bare, behind
		}
		for name, h := range handlers {
			for _, method := range methodsTokens {
				want := methodsWant(registered, allow, method)
				w := methodsServe(t, h, method, "/x/7")
				if got := brief(w); got != want {
					t.Fatalf("%s, table %v: %.20s: got %s, want %s", name, registered, method, got, want)
				}
				if n := len(w.Result().Header["Allow"]); n > 1 {
					t.Fatalf("%s, table %v: %.20s: %d Allow headers", name, registered, method, n)
				}
			}
		}
	}
}

// TestMethodsCustom registers tokens of one's own.
func TestMethodsCustom(t *testing.T) {
	r := apiroutes.New()
	for _, method := range []string{"QUERY", "PROPFIND", "purge", "M-SEARCH", "!#$%&'*+-.^_`|~0", "TRACE"} {
		r.Method(method, "/x", says(method))
	}
	r.Get("/x", says("GET"))
	r.Method("LOCK", "/lock", mountSees)
	const allow = "!#$%&'*+-.^_`|~0, GET, HEAD, M-SEARCH, OPTIONS, PROPFIND, QUERY, TRACE, purge"
	for method, want := range map[string]string{
		"QUERY": "200 QUERY", "PROPFIND": "200 PROPFIND", "purge": "200 purge", "M-SEARCH": "200 M-SEARCH", "!#$%&'*+-.^_`|~0": "200 !#$%&'*+-.^_`|~0",
		"TRACE": "200 TRACE", "GET": "200 GET", "HEAD": "200 GET", "OPTIONS": "204  [" + allow + "]",
		"PURGE": `405 {"error":"Method Not Allowed"} [` + allow + "]", "query": `405 {"error":"Method Not Allowed"} [` + allow + "]", "": `405 {"error":"Method Not Allowed"} [` + allow + "]",
	} {
		if got := brief(methodsServe(t, r, method, "/x")); got != want {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
	for method, want := range map[string]string{
		"LOCK": "200 /lock raw= pattern=/lock", "HEAD": `405 {"error":"Method Not Allowed"} [LOCK, OPTIONS]`, "OPTIONS": "204  [LOCK, OPTIONS]",
	} {
		if got := brief(methodsServe(t, r, method, "/lock")); got != want {
			t.Errorf("without GET: %s: got %s, want %s", method, got, want)
		}
	}
	for _, method := range []string{"", "GET POST", "G\nET", "É", "a/b", "a:b", "get", "Post", "oPTIONS", "trace"} {
		text := panicText(t, func() { r.Method(method, "/y", says("")) })
		if !strings.Contains(text, "methods_test.go:") || !strings.Contains(text, "Method(") {
			t.Errorf("Method(%q): panic %q", method, text)
		}
	}
}

// TestMethodsPathFirst: the path chooses the leaf, and that one alone answers.
func TestMethodsPathFirst(t *testing.T) {
	r := apiroutes.New()
	r.Get("/a/b", says("static"))
	r.Post("/a/[id]", says("param"))
	r.Delete("/a/[...rest]", says("catch-all"))
	r.Put("/[[...all]]", says("optional"))
	r.Handle("/a/h", says("handle"))
	r.Mount("/m", says("mount"))
	r.Get("/m/x", says("x"))
	for line, want := range map[string]string{
		"GET /a/b":       "200 static",
		"POST /a/b":      `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`,
		"DELETE /a/b":    `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`,
		"OPTIONS /a/b":   "204  [GET, HEAD, OPTIONS]",
		"POST /a/c":      "200 param",
		"GET /a/c":       `405 {"error":"Method Not Allowed"} [OPTIONS, POST]`,
		"HEAD /a/c":      `405 {"error":"Method Not Allowed"} [OPTIONS, POST]`,
		"DELETE /a/c":    `405 {"error":"Method Not Allowed"} [OPTIONS, POST]`,
		"DELETE /a/c/d":  "200 catch-all",
		"PUT /a/c/d":     `405 {"error":"Method Not Allowed"} [DELETE, OPTIONS]`,
		"PUT /":          "200 optional",
		"PUT /z/y":       "200 optional",
		"GET /":          `405 {"error":"Method Not Allowed"} [OPTIONS, PUT]`,
		"QUERY /a/h":     "200 handle",
		"OPTIONS /a/h":   "200 handle",
		"PURGE /m/y":     "200 mount",
		"POST /m/x":      `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`,
		"OPTIONS /m/x":   "204  [GET, HEAD, OPTIONS]",
		"OPTIONS /m":     "200 mount",
		"PURGE /a/b/":    "308 -> ../../a/b",
		"UNKNOWN /a//c":  "308 -> ../../a/c",
		"UNKNOWN /a/..":  `400 {"error":"the path holds a dot segment"}`,
		"OPTIONS /a/%00": `400 {"error":"the path holds a NUL byte"}`,
	} {
		method, path, _ := strings.Cut(line, " ")
		if got := brief(methodsServe(t, r, method, path)); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
	few := mountRoutes("/x")
	for _, method := range methodsTokens {
		if got := brief(methodsServe(t, few, method, "/none")); got != `404 {"error":"Not Found"}` {
			t.Errorf("%.20s without a path: got %s, want 404 before 405", method, got)
		}
	}
}

// TestMethodsMerge: calls for one path add up, in any order.
func TestMethodsMerge(t *testing.T) {
	calls := []func(*apiroutes.Router){
		func(r *apiroutes.Router) { r.Get("/x", says("get")) },
		func(r *apiroutes.Router) { r.Route("/x", apiroutes.Methods{Post: says("post"), Patch: says("patch")}) },
		func(r *apiroutes.Router) { r.Group("/x").Put("/", says("put")) },
		func(r *apiroutes.Router) { r.Delete("/x", says("delete")) },
		func(r *apiroutes.Router) { r.Method("QUERY", "/x", says("query")) },
		func(r *apiroutes.Router) { r.Patch("/y", says("patch")) },
	}
	for rotation := range calls {
		r := apiroutes.New()
		for i := range calls {
			calls[(i+rotation)%len(calls)](r)
		}
		for line, want := range map[string]string{
			"GET /x": "200 get", "POST /x": "200 post", "PUT /x": "200 put", "PATCH /x": "200 patch", "DELETE /x": "200 delete", "QUERY /x": "200 query",
			"OPTIONS /x": "204  [DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, QUERY]", "OPTIONS /y": "204  [OPTIONS, PATCH]",
		} {
			if got := brief(testutil.Call(t, r, line)); got != want {
				t.Errorf("rotation %d: %s: got %s, want %s", rotation, line, got, want)
			}
		}
	}
}

// TestMethodsHead asks a real server: HEAD has the headers of GET, no body,
// and leaves the connection in step.
func TestMethodsHead(t *testing.T) {
	r := apiroutes.New()
	r.Get("/x", says("the body"))
	r.Route("/own", apiroutes.Methods{Get: says("the body"), Head: func(c apiroutes.Context) error { return c.NoContent(http.StatusAccepted) }})
	r.Post("/post", says(""))
	api := testutil.Serve(t, r, testutil.HTTP).NoRedirects()
	for _, row := range []struct {
		path   string
		status int
		length string
	}{
		{"/x", 200, "8"}, {"/own", 202, "0"}, {"/none", 404, "21"}, {"/post", 405, "30"}, {"/x/", 308, "0"},
	} {
		api.Do("HEAD", row.path).Status(row.status).Header("Content-Length", row.length).Text("")
	}
}

// TestMethodsOverride: the method is that of the request line.
func TestMethodsOverride(t *testing.T) {
	r := apiroutes.New()
	r.Route("/x", apiroutes.Methods{Get: says("get"), Post: says("post"), Delete: says("delete")})
	for _, header := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "Access-Control-Request-Method", "_method"} {
		for _, h := range []http.Handler{r, apiroutes.Methods{Get: says("get"), Post: says("post"), Delete: says("delete")}} {
			for method, want := range map[string]string{"GET": "200 get", "POST": "200 post", "PUT": `405 {"error":"Method Not Allowed"} [DELETE, GET, HEAD, OPTIONS, POST]`} {
				if got := brief(methodsServe(t, h, method, "/x?_method=DELETE", testutil.Header(header, "DELETE"), testutil.Header("Content-Type", "application/x-www-form-urlencoded"))); got != want {
					t.Errorf("%s with %s: DELETE: got %s, want %s", method, header, got, want)
				}
			}
		}
	}
}

// methodsWant is what a path answers to a method, in brief.
func methodsWant(registered []string, allow, method string) string {
	switch {
	case slices.Contains(registered, method):
		return "200 " + method
	case method == "HEAD" && slices.Contains(registered, "GET"):
		return "200 GET"
	case method == "OPTIONS":
		return fmt.Sprintf("204  [%s]", allow)
	}
	return fmt.Sprintf(`405 {"error":"Method Not Allowed"} [%s]`, allow)
}
