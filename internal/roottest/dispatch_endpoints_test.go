package roottest

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// dispatchOrders calls do with registrations in each of the two orders, which
// must make no difference.
func dispatchOrders(t *testing.T, one, other func(r *apiroutes.Router), do func(t *testing.T, r *apiroutes.Router)) {
	t.Helper()
	for i, order := range [][]func(*apiroutes.Router){{one, other}, {other, one}} {
		t.Run(fmt.Sprint("order ", i), func(t *testing.T) {
			r := apiroutes.New()
			for _, register := range order {
				register(r)
			}
			do(t, r)
		})
	}
}

// TestDispatchRouterBesidePlain has a Router for one method of a path, and a
// handler that reads URL.Path for another: each is guarded by what it is itself.
func TestDispatchRouterBesidePlain(t *testing.T) {
	path := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "plain ", r.URL.Path) })
	inner := apiroutes.New()
	inner.Get("/api", says("api"))
	inner.Get("/files/[...rest]", says("inner"))
	dispatchOrders(t,
		func(r *apiroutes.Router) { r.Method("GET", "/[...rest]", inner) },
		func(r *apiroutes.Router) { r.Method("POST", "/[...rest]", path) },
		func(t *testing.T, r *apiroutes.Router) {
			r.Post("/files/private/x", says("private"))
			mux := http.NewServeMux()
			mux.Handle("/api/", r)
			mux.Handle("/files/", r)
			for _, row := range []struct{ line, want, reason string }{
				{"POST /files/private/x", "200 private", ""},
				{"POST /files/private%2Fx", `400 {"error":"the path is another spelling of a route's path"}`, "it would read the path of the route"},
				{"POST /files/public%2Fx", "200 plain /files/public/x", ""},
				{"GET /files/private%2Fx", "200 inner", "a router does not take an encoded slash for a slash"},
				{"GET /api/", "200 api", "the mux sends /api here: a redirect back would loop"},
				{"PUT /files/x", `405 {"error":"Method Not Allowed"} [GET, HEAD, OPTIONS, POST]`, ""},
			} {
				if got := brief(testutil.Call(t, mux, row.line)); got != row.want {
					t.Errorf("%s: %s, want %s (%s)", row.line, got, row.want, row.reason)
				}
			}
		})
}

// TestDispatchOwnAnswersRenderer: middleware in front of the router's own answers
// for a route is handed the renderer that they have.
func TestDispatchOwnAnswersRenderer(t *testing.T) {
	refuse := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "no"))
		})
	}
	problem := apiroutes.New().OnError(apiroutes.Problem)
	problem.With(refuse).Get("/x", says(""))
	problem.Get("/bare", says(""))
	plain := apiroutes.New()
	plain.OnError(apiroutes.Problem).With(refuse).OnError(nil).Get("/x", says(""))
	plain.Get("/bare", says(""))
	for _, line := range []string{"GET /x", "POST /x", "OPTIONS /x", "GET /x/", "GET //x"} {
		for r, want := range map[*apiroutes.Router]string{problem: "application/problem+json", plain: "application/json; charset=utf-8"} {
			result := testutil.Call(t, r, line).Result()
			if got := result.Header.Get("Content-Type"); result.StatusCode != http.StatusUnauthorized || got != want {
				t.Errorf("%s: %d of type %q, want a 401 of type %q", line, result.StatusCode, got, want)
			}
		}
	}
}

// TestDispatchRendererOfAnyHandler: it is carried past handlers that are no
// functions, too.
func TestDispatchRendererOfAnyHandler(t *testing.T) {
	refuse := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "no"))
		})
	}
	object := func(next http.Handler) http.Handler { return &struct{ http.Handler }{next} }
	r := apiroutes.New().OnError(apiroutes.Problem)
	r.With(refuse).Handle("/object", &struct{ http.Handler }{says("")})
	r.With(refuse, object).Get("/behind", says(""))
	r.With(apiroutes.Chain{refuse, object}.Then).Get("/chain", says(""))
	r.With(refuse).Handle("/methods", apiroutes.Methods{Get: says("")})
	for _, path := range []string{"/object", "/behind", "/chain", "/methods"} {
		if got, want := testutil.Call(t, r, "GET "+path).Result().Header.Get("Content-Type"), "application/problem+json"; got != want {
			t.Errorf("%s: the error has type %q, want %q", path, got, want)
		}
	}
}

// TestDispatchMethodPairs: a path with one method, or two, has no other.
func TestDispatchMethodPairs(t *testing.T) {
	names := []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY", "LOCK"}
	for _, a := range names {
		for _, b := range names {
			r := apiroutes.New()
			r.Method(a, "/x", says(a))
			registered, allowed := []string{a}, []string{a, "OPTIONS"}
			if a != b {
				r.Method(b, "/x", says(b))
				registered, allowed = append(registered, b), append(allowed, b)
			}
			if slices.Contains(registered, "GET") {
				allowed = append(allowed, "HEAD")
			}
			slices.Sort(allowed)
			allow := strings.Join(slices.Compact(allowed), ", ")
			for _, method := range names {
				want := methodsWant(registered, allow, method)
				if got := brief(methodsServe(t, r, method, "/x")); got != want {
					t.Errorf("%s and %s: %s: got %s, want %s", a, b, method, got, want)
				}
			}
		}
	}
}

// TestDispatchWrappedRouter: a router in a mount need not be the mount's handler
// itself to know of the mux around both.
func TestDispatchWrappedRouter(t *testing.T) {
	inner, r := apiroutes.New(), apiroutes.New()
	inner.Get("/api", says("api"))
	r.Mount("/v1", tag("wrapped")(inner))
	mux := http.NewServeMux()
	mux.Handle("/v1/api/", r)
	if got := brief(testutil.Call(t, mux, "GET /v1/api/")); got != "200 api" {
		t.Errorf("GET /v1/api/: %s: the mux would send a redirect back", got)
	}
}

// TestDispatchOpaque: a target that is no path has none, whatever else is set.
func TestDispatchOpaque(t *testing.T) {
	r := apiroutes.New()
	r.Get("/x", says("x"))
	w := testutil.Call(t, r, "GET /x", func(r *http.Request) { r.URL.Opaque = "mailto:x" })
	if got := w.Result().StatusCode; got != http.StatusBadRequest {
		t.Errorf("an opaque target: status %d, want 400", got)
	}
}

// TestDispatchFirstRequests: of many first requests one composes the answers.
func TestDispatchFirstRequests(t *testing.T) {
	for range 100 {
		var built atomic.Int64
		r := apiroutes.New(func(next http.Handler) http.Handler {
			built.Add(1)
			for range 20 { // let the others come as far as they get
				runtime.Gosched()
			}
			return next
		})
		r.Get("/a", says("a"))
		want := built.Load() + 2 // the redirect and the 405
		var start, done sync.WaitGroup
		start.Add(1)
		for range 8 {
			done.Go(func() {
				start.Wait()
				testutil.Call(t, r, "GET /a")
			})
		}
		start.Done()
		done.Wait()
		if got := built.Load(); got != want {
			t.Fatalf("%d constructors were called, want %d", got, want)
		}
	}
}

// TestDispatchOwnAnswerAfterAnother: where a middleware has answered and calls
// next all the same, the router adds nothing.
func TestDispatchOwnAnswerAfterAnother(t *testing.T) {
	captureLog(t)
	r := apiroutes.New(func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "no"))
			next.ServeHTTP(w, r)
		})
	})
	r.Get("/x", says("x"))
	for _, line := range []string{"GET /x", "POST /x", "GET /none", "GET /.."} {
		if got, want := brief(testutil.Call(t, r, line)), `401 {"error":"no"}`; got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

// TestDispatchOwnAnswerHeaders: the router's own errors drop what described
// another answer, also where that is all that there is.
func TestDispatchOwnAnswerHeaders(t *testing.T) {
	for _, header := range []string{"Etag", "Content-Encoding", "Last-Modified", "Cache-Control", "Content-Range"} {
		r := apiroutes.New(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set(header, "x")
				next.ServeHTTP(w, r)
			})
		})
		r.Get("/x", says("x"))
		for _, line := range []string{"POST /x", "GET /none", "GET /.."} {
			w := testutil.Call(t, r, line)
			if got := w.Result().Header.Get(header); got != "" {
				t.Errorf("%s: the error has %s: %s", line, header, got)
			}
		}
	}
}

// dispatchStarted is a writer that tells whether an answer has begun, and no more.
type dispatchStarted struct {
	http.ResponseWriter
	started bool
}

func (w *dispatchStarted) Started() bool { return w.started }
func (w *dispatchStarted) Write(p []byte) (int, error) {
	w.started = true
	return w.ResponseWriter.Write(p)
}

func (w *dispatchStarted) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// dispatchSays is one that says the same always.
type dispatchSays struct {
	http.ResponseWriter
	started bool
}

func (w *dispatchSays) Started() bool { return w.started }

// TestDispatchStarted: behind a plain handler's answer an error aborts the
// connection where the writer knows of it, and the log has it whatever its status.
func TestDispatchStarted(t *testing.T) {
	logs := captureLog(t)
	for _, written := range []bool{true, false} {
		h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if written {
				_, _ = io.WriteString(w, "part")
			}
		}))
		fail := apiroutes.ErrorHandler(h)
		var aborted any
		w := testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { aborted = recover() }()
			writer := &dispatchStarted{ResponseWriter: &dispatchSays{w, !written}} // the further one is not asked
			h.ServeHTTP(writer, r)
			fail(writer, r, apiroutes.Errorf(http.StatusNotFound, "gone"))
		}), "GET /")
		want := "404 {\"error\":\"gone\"}"
		if written {
			want = "200 part"
		}
		logged := logs.take()
		if got := brief(w); got != want || (aborted == http.ErrAbortHandler) != written || (logged != "") != written {
			t.Errorf("written: %v: got %s, panic %v, log %q; want %s", written, got, aborted, logged, want)
		}
	}
}

// TestDispatchErrorAfterPart: the log has the error that the handler returned,
// and that of the answer only where none was.
func TestDispatchErrorAfterPart(t *testing.T) {
	logs := captureLog(t)
	for _, dropped := range []bool{true, false} {
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			err := c.Stream(uploadPart(fmt.Errorf("of the stream")))
			if dropped {
				return nil
			}
			return fmt.Errorf("of the handler, %w", err)
		})
		testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { _ = recover() }()
			h.ServeHTTP(w, r)
		}), "GET /")
		if got := logs.take(); !strings.Contains(got, "of the stream") || strings.Contains(got, "of the handler") == dropped {
			t.Errorf("dropped: %v: the log is %q", dropped, got)
		}
	}
}

// TestDispatchPathChanged: a handler that changes its request's path reads
// values of what is there, if anything is, and does not panic.
func TestDispatchPathChanged(t *testing.T) {
	r := apiroutes.New()
	r.Get("/[a]/[b]/[...rest]", func(c apiroutes.Context) error {
		c.Request().URL.Path = "/x"
		return c.Text(http.StatusOK, fmt.Sprintf("%q %q", c.Param("b"), c.Param("rest")))
	})
	if got := brief(testutil.Call(t, r, "GET /first/second/third/fourth")); got != `200 "" ""` {
		t.Errorf("got %s", got)
	}
}

// TestDispatchOuterFormOutlivesPanic: a form of somebody further out is not the
// handler's to remove, however that ends.
func TestDispatchOuterFormOutlivesPanic(t *testing.T) {
	dir := uploadDir(t)
	r := apiroutes.New()
	r.With(tag("a")).Post("/", func(apiroutes.Context) error { panic("boom") })
	left := -1
	h := http.HandlerFunc(func(w http.ResponseWriter, r2 *http.Request) {
		if err := r2.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		defer func() {
			_ = recover()
			left = uploadCount(t, dir)
			_ = r2.MultipartForm.RemoveAll()
		}()
		r.ServeHTTP(w, r2)
	})
	testutil.Call(t, h, "POST /", testutil.Body(formMultipart, uploadBody(100_000)))
	if left != 1 {
		t.Errorf("%d files are there after the handler's panic, want 1", left)
	}
}
