package apiroutes_test

// Mistakes that compile, and what becomes of them.

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/apiroutes/apiroutes"
)

// INCORRECT: CORS in a group, when another group has a method of the same
// pattern. Nobody registered OPTIONS, so the router answers the preflight,
// behind the middleware that all registrations of the pattern share. The two
// groups share only what New has: cors never sees the preflight, and browsers
// do not send the request. Put CORS in New, or in a common parent of the groups.
func ExampleRouter_Group_incorrect() {
	cors := func(next http.Handler) http.Handler { // real ones do more
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			next.ServeHTTP(w, r)
		})
	}
	handler := func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) }
	preflight := func(r *apiroutes.Router) string {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("OPTIONS", "/api/data", nil))
		return fmt.Sprintf("%d %q", w.Code, w.Header().Get("Access-Control-Allow-Origin"))
	}

	r := apiroutes.New()
	r.Group("/api").Get("/data", handler)
	r.Group("/api", cors).Post("/data", handler)
	fmt.Println("wrong:", preflight(r), "behind", len(r.Match("OPTIONS", "/api/data").Chain), "middleware")

	r = apiroutes.New(cors)
	r.Group("/api").Get("/data", handler)
	r.Group("/api").Post("/data", handler)
	fmt.Println("right:", preflight(r), "behind", len(r.Match("OPTIONS", "/api/data").Chain), "middleware")
	// Output:
	// wrong: 204 "" behind 0 middleware
	// right: 204 "https://app.example" behind 1 middleware
}

// INCORRECT: to answer first and then return an error. The client has its
// answer already, which says that all went well; the error can only be logged.
// Do what can fail before the answer.
func ExampleContext_JSON_incorrect() {
	save := func() error { return errors.New("disk full") }
	r := apiroutes.New()
	r.Post("/api/wrong", func(c apiroutes.Context) error {
		if err := c.JSON(http.StatusCreated, "saved"); err != nil {
			return err
		}
		return save()
	})
	r.Post("/api/right", func(c apiroutes.Context) error {
		if err := save(); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, "saved")
	})

	for _, target := range []string{"/api/wrong", "/api/right"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("POST", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 201 "saved"
	// 500 {"error":"Internal Server Error"}
}

// INCORRECT: to answer from a goroutine that the handler does not wait for.
// When the handler has returned the request is over: it left an empty 200, and
// the late answer is refused. In net/http alone it could have ended up in
// another client's answer. Wait for the goroutine, and answer in the handler.
func ExampleContext_incorrect() {
	r := apiroutes.New()
	computed, late := make(chan bool), make(chan error)
	r.Get("/api/report", func(c apiroutes.Context) error {
		go func() {
			<-computed // takes longer than the handler
			late <- c.JSON(http.StatusOK, "the report")
		}()
		return nil
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/api/report", nil))
	close(computed)
	// A server also cancels the request's context when the handler returns:
	// then the error is that of the context.
	fmt.Println(errors.Is(<-late, apiroutes.ErrAnswered))
	fmt.Printf("%d %q\n", w.Code, w.Body)
	// Output:
	// true
	// 200 ""
}

// INCORRECT: to send a slice that may be nil. JSON has null for it, and a
// client that expects a list fails on null. The segments of an optional
// catch-all are nil where there are none, as is a slice that nothing was
// appended to.
func ExampleContext_Segments_incorrect() {
	r := apiroutes.New()
	r.Get("/api/wrong/[[...slug]]", func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, c.Segments("slug"))
	})
	r.Get("/api/right/[[...slug]]", func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, append([]string{}, c.Segments("slug")...))
	})

	for _, target := range []string{"/api/wrong", "/api/right"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// null
	// []
}

// INCORRECT: to format an error into the text of another. The text is for the
// client, who learns what the database is called and where it stands. %w is
// refused for that reason; %v and %s cannot be. Keep the error with WithCause:
// it is for logs and for errors.Is, and never sent.
func ExampleErrorf_incorrect() {
	refused := errors.New("dial tcp 10.0.0.7:5432: connection refused")
	r := apiroutes.New()
	r.Get("/api/wrong", func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusConflict, "not saved: %v", refused)
	})
	r.Get("/api/right", func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusConflict, "not saved").WithCause(refused)
	})

	for _, target := range []string{"/api/wrong", "/api/right"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 409 {"error":"not saved: dial tcp 10.0.0.7:5432: connection refused"}
	// 409 {"error":"not saved"}
}
