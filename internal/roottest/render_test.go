package roottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestErrorBodies pins what the two renderers write.
func TestErrorBodies(t *testing.T) {
	captureLog(t)
	details := map[string]any{"field": "email", "got": "<b>&"}
	for _, c := range []struct {
		err           error
		json, problem string
	}{
		{
			apiroutes.Errorf(404, ""),
			`{"error":"Not Found"}`,
			`{"type":"about:blank","title":"Not Found","status":404}`,
		},
		{
			apiroutes.Errorf(404, "no user %d", 7),
			`{"error":"no user 7"}`,
			`{"type":"about:blank","title":"Not Found","status":404,"detail":"no user 7"}`,
		},
		{
			errOops,
			`{"error":"Internal Server Error"}`,
			`{"type":"about:blank","title":"Internal Server Error","status":500}`,
		},
		{
			apiroutes.Errorf(405, "Method Not Allowed"),
			`{"error":"Method Not Allowed"}`,
			`{"type":"about:blank","title":"Method Not Allowed","status":405}`,
		},
		{
			&apiroutes.Error{Status: 409, Message: "taken: <é>", Code: "email_taken", Details: details},
			`{"error":"taken: <é>","code":"email_taken","details":{"field":"email","got":"<b>&"}}`,
			`{"type":"about:blank","title":"Conflict","status":409,"detail":"taken: <é>","code":"email_taken","details":{"field":"email","got":"<b>&"}}`,
		},
		{
			&apiroutes.Error{Status: 400, Code: "only"},
			`{"error":"Bad Request","code":"only"}`,
			`{"type":"about:blank","title":"Bad Request","status":400,"code":"only"}`,
		},
		{
			&apiroutes.Error{Status: 422, Details: []string{"a"}},
			`{"error":"Unprocessable Entity","details":["a"]}`,
			`{"type":"about:blank","title":"Unprocessable Entity","status":422,"details":["a"]}`,
		},
		{
			&apiroutes.Error{Status: 422, Details: make(chan int)}, // not encodable: left out
			`{"error":"Unprocessable Entity"}`,
			`{"type":"about:blank","title":"Unprocessable Entity","status":422}`,
		},
		{
			&apiroutes.Error{Status: 499},
			`{"error":"Client Closed Request"}`,
			`{"type":"about:blank","title":"Client Closed Request","status":499}`,
		},
		{
			&apiroutes.Error{Status: 599, Message: "\xff"},
			`{"error":"\ufffd"}`,
			`{"type":"about:blank","title":"Status 599","status":599,"detail":"\ufffd"}`,
		},
	} {
		for _, renderer := range []struct {
			render            apiroutes.ErrorRenderer
			contentType, body string
		}{
			{nil, "application/json; charset=utf-8", c.json},
			{apiroutes.JSONError, "application/json; charset=utf-8", c.json},
			{apiroutes.Problem, "application/problem+json", c.problem},
		} {
			r := apiroutes.New().OnError(renderer.render)
			r.Get("/", errorOf(c.err))
			w := testutil.Call(t, r, "GET /")
			if got := string(w.Bytes()); got != renderer.body {
				t.Errorf("%v: body\n%s, want\n%s", c.err, got, renderer.body)
			}
			want := http.Header{"Content-Type": {renderer.contentType}, "Content-Length": {strconv.Itoa(len(renderer.body))}}
			if got := w.Result().Header; !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%v: header %v, want %v", c.err, got, want)
			}
		}
	}
}

// TestCauseStaysPrivate looks for a secret in whole answers, in each shape of
// error that may hold one.
func TestCauseStaysPrivate(t *testing.T) {
	captureLog(t)
	secret := errors.New("SECRET")
	wrapping := "no user: %w" // vet would refuse the constant
	causes := map[string]error{
		"plain":      secret,
		"wrapped":    fmt.Errorf("SECRET %w", apiroutes.Errorf(404, "public").WithCause(secret)),
		"cause":      apiroutes.Errorf(404, "public").WithCause(secret),
		"two causes": apiroutes.Errorf(404, "public").WithCause(apiroutes.Errorf(500, "SECRET").WithCause(secret)),
		"details":    apiroutes.Errorf(404, "public").WithCause(&apiroutes.Error{Status: 400, Message: "SECRET", Code: "SECRET", Details: "SECRET"}),
		"joined":     errors.Join(secret, apiroutes.Errorf(409, "public").WithCause(secret)),
		"coded":      &apiroutes.Error{Code: "code", Details: "details", Status: 1},
		"%w":         apiroutes.Errorf(404, wrapping, secret),
		"too large":  fmt.Errorf("SECRET %w", &http.MaxBytesError{Limit: 1}),
	}
	for name, render := range map[string]apiroutes.ErrorRenderer{
		"default": nil, "JSONError": apiroutes.JSONError, "Problem": apiroutes.Problem,
		"own": func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
			_ = json.NewEncoder(w).Encode(e)
		},
	} {
		for kind, err := range causes {
			r := apiroutes.New(errorAt{err}.middleware).OnError(render)
			r.Get("/handler", errorOf(err))
			for _, path := range []string{"/handler", "/middleware"} {
				var whole strings.Builder
				_ = testutil.Call(t, r, "GET "+path).Result().Write(&whole)
				if strings.Contains(whole.String(), "SECRET") || !strings.Contains(whole.String(), "{") {
					t.Errorf("%s, %s, %s: the answer is\n%s", name, kind, path, &whole)
				}
			}
		}
	}
}

// errorAt is a middleware that answers err for the path /middleware.
type errorAt struct{ err error }

func (e errorAt) middleware(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/middleware" {
			fail(w, r, e.err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TestOnErrorPerView shows who writes which error.
func TestOnErrorPerView(t *testing.T) {
	named := func(name string) apiroutes.ErrorRenderer {
		return func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
			http.Error(w, fmt.Sprintf("%s %d", name, e.StatusCode()), e.StatusCode())
		}
	}
	r := apiroutes.New()
	a := r.OnError(named("a"))
	b := a.Group("/b", tag("m")).OnError(named("b"))
	gone := errorOf(apiroutes.Errorf(410, ""))
	r.Get("/r", gone)
	a.Get("/a", gone)
	b.Get("/b", gone)
	b.OnError(nil).Get("/nil", gone)
	b.MaxBody(1).Post("/body", func(c apiroutes.Context) error { return c.Decode(new(any)) })
	a.Get("/shared", gone)
	b.OnError(named("c")).With(tag("n")).Get("/c", gone)
	a.OnError(named("d")).Post("/shared", gone)
	for _, c := range []struct {
		view *apiroutes.Router
		line string
		want string
	}{
		{r, "GET /r", `410 {"error":"Gone"}`},
		{r, "GET /a", "410 a 410"},
		{r, "GET /b/b", "410 b 410"},
		{a, "GET /b/b", "410 b 410"}, // the route's view counts
		{r, "GET /b/nil", `410 {"error":"Gone"}`},
		{r, "GET /b/c", "410 c 410"},
		{r, "POST /b/body", "415 b 415"},
		{r, "POST /r", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS]`},
		{r, "POST /b/b", "405 b 405 [GET, HEAD, OPTIONS]"},
		{r, "GET /shared", "410 a 410"},
		{r, "POST /shared", "410 d 410"},
		{r, "PUT /shared", "405 a 405 [GET, HEAD, OPTIONS, POST]"}, // what both share
		{r, "GET /missing", `404 {"error":"Not Found"}`},
		{a, "GET /missing", "404 a 404"}, // the view that serves
		{b, "GET /b/missing", "404 b 404"},
		{b, "GET /b/..", "400 b 400"},
	} {
		if got := brief(testutil.Call(t, c.view, c.line)); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
	}
}

// renderPlain is of another package: it knows nothing of renderers and
// hands a handler of its own to what is inside of it.
func renderPlain(next http.Handler) http.Handler {
	return http.StripPrefix("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), renderKey{}, 1)))
	}))
}

type renderKey struct{}

// TestErrorHandler answers from a middleware in the form of the view, however
// it was composed.
func TestErrorHandler(t *testing.T) {
	const asJSON, asProblem = `402 {"error":"Payment Required"}`, `402 {"type":"about:blank","title":"Payment Required","status":402}`
	mw := errorAt{statusError(402)}.middleware
	chain := apiroutes.Chain{renderPlain, mw, tag("a")}
	route := func(r *apiroutes.Router) http.Handler {
		r.Get("/middleware", says("handler"))
		return r
	}
	problem := func() *apiroutes.Router { return apiroutes.New().OnError(apiroutes.Problem) }
	mux := http.NewServeMux()
	mux.Handle("/", mw(says("handler")))
	for name, c := range map[string]struct {
		h    http.Handler
		want string
	}{
		"default":                        {route(apiroutes.New(mw)), asJSON},
		"in New, then OnError":           {route(apiroutes.New(mw).OnError(apiroutes.Problem)), asProblem},
		"in With":                        {route(problem().With(mw)), asProblem},
		"in Group":                       {route(problem().Group("/", mw)), asProblem},
		"innermost":                      {route(problem().With(renderPlain, tag("a"), mw)), asProblem},
		"outside of foreign ones":        {route(problem().With(mw, renderPlain, renderPlain)), asProblem},
		"between foreign ones":           {route(problem().With(renderPlain, mw, renderPlain)), asProblem},
		"in a chain":                     {route(problem().With(chain.Then)), asProblem},
		"in a chain in a chain":          {route(problem().With(apiroutes.Chain{renderPlain, chain.Then}.Then)), asProblem},
		"in a chain, default":            {route(apiroutes.New().With(chain.Then)), asJSON},
		"on a view that sets it back":    {route(problem().OnError(nil).With(mw)), asJSON},
		"no route":                       {apiroutes.New(mw).OnError(apiroutes.Problem), asProblem},
		"no router":                      {mw(says("handler")), asJSON},
		"no router, in a chain":          {chain.Then(says("handler")), asJSON},
		"no router, below a foreign mux": {mux, asJSON},
		"around a router":                {mw(route(problem())), asJSON},
	} {
		if got := brief(testutil.Call(t, c.h, "GET /middleware")); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestErrorHandlerAfterAnswer fails behind the handler's back: a whole answer
// stands, a part is aborted.
func TestErrorHandlerAfterAnswer(t *testing.T) {
	afterwards := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v == http.ErrAbortHandler {
					panic(v)
				}
				fail(w, r, errOops)
			}()
			next.ServeHTTP(w, r)
		})
	}
	part := func(w http.ResponseWriter) { _, _ = io.WriteString(w, "part") }
	cases := map[string]struct {
		serve   apiroutes.HandlerFunc
		body    string
		aborted bool
	}{
		"whole": {serve: says("whole"), body: "whole"},
		"stream": {serve: func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error { part(w); return nil })
		}, body: "part"},
		"error": {serve: errorOf(apiroutes.Errorf(404, "")), body: `{"error":"Not Found"}`},
		"none":  {serve: func(apiroutes.Context) error { return nil }, body: errorInternal},
		"part": {serve: func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error { part(w); panic("boom") })
		}, aborted: true},
	}
	// Not with a middleware in between that passes on a copy of the request: see
	// the doc comment of ErrorHandler.
	for _, between := range [][]apiroutes.Middleware{{}, {tag("a")}} {
		onTransports(t, func(t *testing.T, tr transport) {
			for name, c := range cases {
				logs := captureLog(t)
				r := apiroutes.New(afterwards).With(between...)
				r.Handle("/", c.serve)
				w := tr.serve(t, r)
				got := w.post(t, "/")
				if c.aborted != (got.err != nil) || !c.aborted && got.body != c.body {
					t.Errorf("%s, with %d middleware in between: the client has %v, want %q", name, len(between), got, c.body)
				}
				if logged := logs.take(); !strings.Contains(logged, "oops") && !c.aborted || logged == "" {
					t.Errorf("%s: log is %q", name, logged)
				}
				w.neighbours(t)
			}
		})
	}
}

// TestPanicBehindRecover lets a middleware answer for a handler that panics:
// as an error where nothing was sent, by aborting the connection else.
func TestPanicBehindRecover(t *testing.T) {
	cases := map[string]struct {
		serve   apiroutes.HandlerFunc
		body    string
		aborted bool
	}{
		"before":    {serve: func(apiroutes.Context) error { panic("boom") }, body: errorInternal},
		"in stream": {serve: func(c apiroutes.Context) error { return c.Stream(func(http.ResponseWriter) error { panic("boom") }) }, body: errorInternal},
		"after a part": {serve: func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				_, _ = io.WriteString(w, "part")
				panic("boom")
			})
		}, aborted: true},
		"after the answer": {serve: func(c apiroutes.Context) error {
			_ = c.Text(200, "whole")
			panic("boom")
		}, body: "whole"},
	}
	onTransports(t, func(t *testing.T, tr transport) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				logs := captureLog(t)
				r := apiroutes.New(abortRecover)
				r.Handle("/", c.serve)
				w := tr.serve(t, r)
				got := w.post(t, "/")
				if c.aborted != (got.err != nil) || !c.aborted && got.body != c.body {
					t.Errorf("the client has %v, want %q, aborted: %t", got, c.body, c.aborted)
				}
				if logged := logs.take(); !strings.Contains(logged, "boom") {
					t.Errorf("log is %q", logged)
				}
				w.neighbours(t)
			})
		}
	})
}

// TestPartBehindRecover panics after a part of an answer, below a middleware
// that recovers. It cannot tell that a part is out when something in between
// has passed on a copy of the request, as mounts do and whoever adds a value to
// the context: the client must not take the part for the whole all the same.
func TestPartBehindRecover(t *testing.T) {
	part := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, _ = io.WriteString(w, "part")
			panic("boom")
		})
	})
	below := apiroutes.New()
	below.Handle("/", part)
	onTransports(t, func(t *testing.T, tr transport) {
		logs := captureLog(t)
		r := apiroutes.New(abortRecover)
		r.Handle("/plain", part)
		r.With(renderPlain).Handle("/copied", part)
		r.Mount("/mounted", part)
		r.Mount("/router", below)
		w := tr.serve(t, r)
		for _, path := range []string{"/plain", "/copied", "/mounted", "/router"} {
			if got := w.post(t, path); got.err == nil {
				t.Errorf("%s: the client takes it for whole: %v", path, got)
			}
			if logged := logs.take(); !strings.Contains(logged, "boom") {
				t.Errorf("%s: log is %q", path, logged)
			}
			w.neighbours(t)
		}
	})
}

// abortRecover answers panics as errors.
func abortRecover(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				fail(w, r, fmt.Errorf("recovered: %v", v))
			} else if v != nil {
				panic(v)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// TestRendererAllocations compares a request behind middleware with and
// without a renderer: it travels when chains are composed, not per request.
func TestRendererAllocations(t *testing.T) {
	mw := errorAt{errOops}.middleware
	allocations := func(r *apiroutes.Router) float64 {
		r.Get("/", func(c apiroutes.Context) error { return c.NoContent(204) })
		w, req := streamNullWriter{}, httptest.NewRequest("GET", "/", nil)
		return testing.AllocsPerRun(100, func() { r.ServeHTTP(w, req) })
	}
	without := allocations(apiroutes.New(mw, mw))
	with := allocations(apiroutes.New(mw, mw).OnError(apiroutes.Problem))
	if with != without {
		t.Errorf("%v allocations with a renderer, %v without", with, without)
	}
}
