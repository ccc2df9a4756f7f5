package testutil_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// routes is the app that the examples test.
func routes() http.Handler {
	r := apiroutes.New()
	r.Get("/api/hello", func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"message": "Hello from API Routes!"})
	})
	r.Get("/api/user/[id]", showUser)
	r.Post("/api/login", func(c apiroutes.Context) error {
		if err := c.SetCookie(&http.Cookie{Name: "session", Value: "s-1", Path: "/", HttpOnly: true, Secure: true}); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	r.Get("/api/me", func(c apiroutes.Context) error {
		if c.Cookie("session") != "s-1" {
			return apiroutes.Errorf(http.StatusUnauthorized, "who are you?")
		}
		return c.JSON(http.StatusOK, map[string]string{"name": "Ada"})
	})
	r.Post("/api/data", func(c apiroutes.Context) error {
		var data any
		if err := c.Decode(&data); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, map[string]any{"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "data": data})
	})
	r.Get("/api/ticks", func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			w.Header().Set("Content-Type", "text/event-stream")
			for n := range 3 {
				if _, err := fmt.Fprintf(w, "event: tick\ndata: %d\n\n", n); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return r
}

func showUser(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"userId": c.Param("id")})
}

// run runs a test and prints what go test would, without lines and dates.
func run(test func(t testing.TB)) {
	r := &recorder{}
	test(r)
	r.end()
	if len(r.failures) == 0 {
		fmt.Println("ok")
	}
	for _, failure := range r.failures {
		for line := range strings.Lines(plain(failure)) {
			if !strings.HasPrefix(line, "Date: ") {
				fmt.Print(line)
			}
		}
		fmt.Println()
	}
}

// The whole app in memory, with the cookies of a browser.
func ExampleNew() {
	run(func(t testing.TB) { // func TestLogin(t *testing.T) {
		api := testutil.New(t, routes())
		api.Get("/api/me").Status(http.StatusUnauthorized)
		api.Post("/api/login").Status(http.StatusNoContent).Cookie("session", "s-1")
		api.Get("/api/me").Status(http.StatusOK).JSON(`{"name": "Ada"}`)
	})
	// Output: ok
}

// What a failure prints, below the line of the expectation.
func ExampleResponse_JSON() {
	run(func(t testing.TB) {
		api := testutil.New(t, routes())
		api.Get("/api/hello").Status(200).JSON(`{"message": "Hello from Next.js!"}`)
	})
	// Output:
	// JSON differs (-want +got):
	//   map[string]any{
	// - 	"message": string("Hello from Next.js!"),
	// + 	"message": string("Hello from API Routes!"),
	//   }
	//
	// --- request
	// GET /api/hello
	// --- answer
	// HTTP/1.1 200 OK
	// Content-Length: 36
	// Content-Type: application/json; charset=utf-8
	//
	// {"message":"Hello from API Routes!"}
}

// One handler without a server, and its path parameter without a router.
func ExampleCall() {
	run(func(t testing.TB) {
		testutil.Call(t, apiroutes.HandlerFunc(showUser), "GET /", testutil.PathValue("id", "123")).
			Status(http.StatusOK).
			JSON(map[string]string{"userId": "123"})
	})
	// Output: ok
}

// A real server, for what depends on the protocol.
func ExampleServe() {
	run(func(t testing.TB) {
		for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTPS, testutil.HTTP2} {
			r := testutil.Serve(t, routes(), protocol).Get("/api/hello").Status(http.StatusOK)
			fmt.Println(r.Result().Proto)
		}
	})
	// Output:
	// HTTP/1.1
	// HTTP/1.1
	// HTTP/2.0
	// ok
}

// An answer as a file, testdata/created.golden, which go test -update writes.
// What differs from run to run is replaced.
func ExampleResponse_Golden() {
	run(func(t testing.TB) {
		api := testutil.New(t, routes())
		api.PostJSON("/api/data", []int{1, 2}).Golden("created", testutil.UUIDs)
	})
	// Output: ok
}

// Bytes that no HTTP client sends: two lengths, which is an attack on proxies.
func ExampleClient_Dial() {
	run(func(t testing.TB) {
		conn := testutil.New(t, routes()).Dial()
		conn.Send("POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}")
		conn.Response("POST").Status(http.StatusBadRequest)
		conn.Closed()
	})
	// Output: ok
}

// Server-sent events, one by one, while the handler runs.
func ExampleResponse_NextEvent() {
	run(func(t testing.TB) {
		r := testutil.New(t, routes()).Get("/api/ticks").Status(http.StatusOK)
		for range 3 {
			fmt.Println(r.NextEvent().Data)
		}
		r.End()
	})
	// Output:
	// 0
	// 1
	// 2
	// ok
}

// Fields and a file, as a browser's form sends them.
func ExampleMultipart() {
	run(func(t testing.TB) {
		upload := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, header, err := r.FormFile("avatar")
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			fmt.Fprintf(w, "%s: %s, %d bytes", r.FormValue("title"), header.Filename, header.Size)
		})
		testutil.Call(t, upload, "POST /api/upload", testutil.Multipart(
			map[string][]string{"title": {"Ada"}},
			testutil.File{Field: "avatar", Name: "ada.png", Type: "image/png", Content: "\x89PNG"},
		)).Text("Ada: ada.png, 4 bytes")
	})
	// Output: ok
}

// The body as a value of a type.
func ExampleDecode() {
	run(func(t testing.TB) {
		user := testutil.Decode[struct{ UserID string }](testutil.New(t, routes()).Get("/api/user/7"))
		fmt.Println(user.UserID)
	})
	// Output:
	// 7
	// ok
}

// A client that is gone when the handler writes for the second time.
func ExampleFailingWriter() {
	run(func(t testing.TB) {
		export := func(w http.ResponseWriter, r *http.Request) error {
			for n := range 1000 {
				if _, err := fmt.Fprintln(w, n); err != nil {
					return fmt.Errorf("line %d: %w", n, err)
				}
			}
			return nil
		}
		var err error
		testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err = export(testutil.FailingWriter(w, 2), r)
		}), "GET /export").Text("0\n")
		fmt.Println(err, errors.Is(err, testutil.ErrInjected))
	})
	// Output:
	// line 1: testutil: injected fault true
	// ok
}
