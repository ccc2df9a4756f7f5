package apiroutes_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/apiroutes/apiroutes"
)

// A route answers through its Context, or returns an error.
func Example() {
	r := apiroutes.New()
	r.Get("/api/hello", func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"message": "Hello from API Routes!"})
	})
	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusNotFound, "no user %s", c.Param("id"))
	})

	// In a program: apiroutes.Serve(ctx, "127.0.0.1:8080", r)
	for _, target := range []string{"/api/hello", "/api/user/7", "/api/other"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"message":"Hello from API Routes!"}
	// 404 {"error":"no user 7"}
	// 404 {"error":"Not Found"}
}

// Static text wins over a parameter, a parameter over a catch-all. The order
// of registration does not matter.
func ExampleRouter_Get() {
	r := apiroutes.New()
	r.Get("/api/user/[...path]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprintf("path %q", c.Segments("path")))
	})
	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, "user "+c.Param("id"))
	})
	r.Get("/api/user/me", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, "myself")
	})

	for _, target := range []string{"/api/user/me", "/api/user/7", "/api/user/7/posts"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 myself
	// 200 user 7
	// 200 path ["7" "posts"]
}

// A method table is what one route file in Next.js is. HEAD, OPTIONS and 405
// come with it.
func ExampleRouter_Route() {
	r := apiroutes.New()
	r.Route("/api/data", apiroutes.Methods{
		Get:  func(c apiroutes.Context) error { return c.Text(http.StatusOK, "data") },
		Post: func(c apiroutes.Context) error { return c.NoContent(http.StatusCreated) },
	})

	for _, method := range []string{"GET", "POST", "OPTIONS", "DELETE"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(method, "/api/data", nil))
		fmt.Printf("%s: %d %q, Allow: %q\n", method, w.Code, w.Body, w.Header().Get("Allow"))
	}
	// Output:
	// GET: 200 "data", Allow: ""
	// POST: 201 "", Allow: ""
	// OPTIONS: 204 "", Allow: "GET, HEAD, OPTIONS, POST"
	// DELETE: 405 "{\"error\":\"Method Not Allowed\"}", Allow: "GET, HEAD, OPTIONS, POST"
}

// A group adds a prefix and middleware to the routes registered through it,
// and to no others.
func ExampleRouter_Group() {
	requireKey := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Key") == "" {
				fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "a key is required"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}

	r := apiroutes.New()
	r.Get("/api/status", func(c apiroutes.Context) error { return c.Text(http.StatusOK, "up") })
	admin := r.Group("/api/admin", requireKey)
	admin.Get("/users", func(c apiroutes.Context) error { return c.Text(http.StatusOK, "Ada, Grace") })

	for _, target := range []string{"/api/status", "/api/admin/users"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 up
	// 401 {"error":"a key is required"}
}

// OnError returns a view; what is registered through it, and what it answers
// by itself, has the other form.
func ExampleRouter_OnError() {
	find := func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusNotFound, "no user %s", c.Param("id"))
	}
	r := apiroutes.New()
	r.Get("/api/v1/user/[id]", find)
	v2 := r.OnError(apiroutes.Problem)
	v2.Get("/api/v2/user/[id]", find)

	for _, target := range []string{"/api/v1/user/7", "/api/v2/user/7"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// {"error":"no user 7"}
	// {"type":"about:blank","title":"Not Found","status":404,"detail":"no user 7"}
}

// Any handler can be mounted; it sees the path without the prefix. Routes
// below the prefix rank first.
func ExampleRouter_Mount() {
	files := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "file %s", r.URL.Path)
	})
	r := apiroutes.New()
	r.Mount("/files", files)
	r.Get("/files/index", func(c apiroutes.Context) error { return c.Text(http.StatusOK, "the index") })

	for _, target := range []string{"/files/a/b.txt", "/files", "/files/index"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 file /a/b.txt
	// 200 file /
	// 200 the index
}

// Match explains what a request would get, for tests and for puzzled people.
func ExampleRouter_Match() {
	handler := func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) }
	r := apiroutes.New()
	r.Get("/api/user/[id]", handler)
	r.Delete("/api/user/[id]", handler)

	m := r.Match("GET", "/api/user/7?full=1")
	fmt.Println(m.Pattern, m.Params, m.Reason)
	m = r.Match("POST", "/api/user/7")
	fmt.Println(m.Status, m.Allow, "-", m.Reason)
	m = r.Match("GET", "/api//user/7/")
	fmt.Println(m.Status, m.Location, "-", m.Reason)
	m = r.Match("GET", "/api/user/%2e%2e")
	fmt.Println(m.Status, m.Reason)
	// Output:
	// /api/user/[id] map[id:7] a handler serves it
	// 405 DELETE, GET, HEAD, OPTIONS - the route has no handler for the method
	// 308 ../../../../api/user/7 - the clean form of the path matches the route
	// 400 the path is refused: the path holds a dot segment
}

// Routes lists what is registered, in order of precedence, whatever the order
// of registration.
func ExampleRouter_Routes() {
	handler := func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) }
	r := apiroutes.New()
	r.Get("/api/[...rest]", handler)
	r.Route("/api/user/[id]", apiroutes.Methods{Put: handler, Get: handler})
	r.Get("/api/user/me", handler)
	r.Handle("/healthz", http.NotFoundHandler())

	for _, route := range r.Routes() {
		fmt.Printf("%-4s %s\n", route.Method, route.Pattern)
	}
	// Output:
	// GET  /api/user/me
	// GET  /api/user/[id]
	// PUT  /api/user/[id]
	// GET  /api/[...rest]
	//      /healthz
}

// Each segment is decoded on its own, so that a slash in a value is not taken
// for one of the path.
func ExampleContext_Segments() {
	r := apiroutes.New()
	r.Get("/api/docs/[[...slug]]", func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprintf("%d %q", len(c.Segments("slug")), c.Segments("slug")))
	})

	for _, target := range []string{"/api/docs", "/api/docs/a/b", "/api/docs/a%2Fb/c"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// 0 []
	// 2 ["a" "b"]
	// 2 ["a/b" "c"]
}

// The error of Decode can be returned as it is: it tells the client what is
// wrong with the body.
func ExampleContext_Decode() {
	r := apiroutes.New()
	r.Post("/api/user", func(c apiroutes.Context) error {
		var user struct {
			Name string `json:"name"`
			Age  int    `json:"age"`
		}
		if err := c.Decode(&user); err != nil {
			return err
		}
		return c.Text(http.StatusCreated, fmt.Sprintf("%s, %d", user.Name, user.Age))
	})

	for _, body := range []string{`{"name":"Ada","age":36}`, `{"age":"old"}`, `{"name":`, ``} {
		req := httptest.NewRequest("POST", "/api/user", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 201 Ada, 36
	// 400 {"error":"field \"age\" must be an integer of 64 bits, not string (before byte 12)"}
	// 400 {"error":"the body is not valid JSON: unexpected end of JSON input at byte 8"}
	// 400 {"error":"the body is empty: send JSON"}
}

// Stream lends the writer for an answer in parts, here Server-Sent Events.
func ExampleContext_Stream() {
	r := apiroutes.New()
	r.Get("/api/events", func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, event := range []string{"one", "two"} {
				if _, err := fmt.Fprintf(w, "data: %s\n\n", event); err != nil {
					return err
				}
				if err := http.NewResponseController(w).Flush(); err != nil {
					return err
				}
			}
			return nil
		})
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/api/events", nil))
	fmt.Printf("%s, flushed: %t, %q\n", w.Header().Get("Content-Type"), w.Flushed, w.Body)
	// Output:
	// text/event-stream, flushed: true, "data: one\n\ndata: two\n\n"
}

// The text is for the client, the cause for the log, for errors.Is and for
// errors.As.
func ExampleErrorf() {
	errNoRows := errors.New("sql: no rows in result set")
	r := apiroutes.New()
	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusNotFound, "no user %s", c.Param("id")).WithCause(errNoRows)
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/api/user/7", nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 404 {"error":"no user 7"}
}

// A middleware asks for its way to answer errors once, where it receives next.
// So it answers as the router that it is used in does.
func ExampleErrorHandler() {
	requireKey := func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Key") == "" {
				fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "a key is required"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	handler := func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) }
	r := apiroutes.New()
	r.With(requireKey).Get("/api/v1/secret", handler)
	r.OnError(apiroutes.Problem).With(requireKey).Get("/api/v2/secret", handler)

	for _, target := range []string{"/api/v1/secret", "/api/v2/secret"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// {"error":"a key is required"}
	// {"type":"about:blank","title":"Unauthorized","status":401,"detail":"a key is required"}
}

// The first middleware of a chain is the outermost.
func ExampleChain() {
	announce := func(name string) apiroutes.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Println("into", name)
				next.ServeHTTP(w, r)
				fmt.Println("out of", name)
			})
		}
	}
	base := apiroutes.Chain{announce("log")}
	api := base.Append(announce("auth")) // base stays as it is

	// On a router: r.With(api...)
	h := api.Then(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("handler")
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	// Output:
	// into log
	// into auth
	// handler
	// out of auth
	// out of log
}

// A HandlerFunc works without a router too: on a ServeMux it reads the mux's
// path values.
func ExampleHandlerFunc() {
	mux := http.NewServeMux()
	mux.Handle("GET /user/{id}", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if c.Param("id") == "0" {
			return apiroutes.Errorf(http.StatusNotFound, "no user 0")
		}
		return c.Text(http.StatusOK, "user "+c.Param("id"))
	}))

	for _, target := range []string{"/user/7", "/user/0"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 user 7
	// 404 {"error":"no user 0"}
}

// A method table works without a router too.
func ExampleMethods() {
	mux := http.NewServeMux()
	mux.Handle("/data", apiroutes.Methods{
		Get: func(c apiroutes.Context) error { return c.Text(http.StatusOK, "data") },
	})

	for _, method := range []string{"GET", "PUT"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/data", nil))
		fmt.Printf("%s: %d %q, Allow: %q\n", method, w.Code, w.Body, w.Header().Get("Allow"))
	}
	// Output:
	// GET: 200 "data", Allow: ""
	// PUT: 405 "{\"error\":\"Method Not Allowed\"}", Allow: "GET, HEAD, OPTIONS"
}
