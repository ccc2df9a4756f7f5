// Package lines fails on purpose: each line with the comment "fails" reports
// one failure there, and no other line reports any.
package lines

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

var handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
	case "/panic":
		panic("boom")
	case "/broken":
		w.Header().Set("Content-Length", "9")
	default:
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"a":1}`)
	}
})

func TestExpectations(t *testing.T) {
	api := testutil.New(t, handler)
	r := api.Get("/")
	r.Status(500)                // fails
	r.Header("X", "y")           // fails
	r.Cookie("a", "b")           // fails
	r.Text("x")                  // fails
	r.Contains("x")              // fails
	r.JSON(`{}`)                 // fails
	r.JSONContains(`{"b":1}`)    // fails
	r.JSON(`{`)                  // fails
	r.Golden("none")             // fails
	r.Golden("../none")          // fails
	testutil.Decode[int](r)      // fails
	api.Get("/").NextEvent()     // fails
	api.Get("/").End()           // fails
	api.Get("/events").End()     // fails
	api.Get("/broken").Bytes()   // fails
	api.Get("/broken").Text("x") // fails

	r = api.Get("/events")
	r.NextEvent()
	r.NextEvent() // fails
	r.End()
	r = api.Get("/events")
	r.NextEvent()
	r.Text("x") // fails
}

func TestChain(t *testing.T) {
	testutil.New(t, handler).Get("/").
		Status(200).
		Header("X", "y"). // fails
		JSON(`{"a":1}`).
		JSON(`{"a":2}`) // fails
}

func TestRequests(t *testing.T) {
	api := testutil.New(t, handler)
	api.Do("GET", "/panic")       // fails
	api.Get("/panic").Status(200) // fails
	api.Post("/panic")            // fails
	api.PostJSON("/panic", 1)     // fails
	api.Put("/panic")             // fails
	api.Patch("/panic")           // fails
	api.Delete("/panic")          // fails
	api.Get("panic")              // fails
	api.Do("(", "/")              // fails
	api.Cookies("x")              // fails
	api.Fails("GET", "/")         // fails
	api.Fails("GET", "x")         // fails
	testutil.Call(t, handler, "") // fails
}

func TestConn(t *testing.T) {
	api := testutil.New(t, handler).Patience(10 * time.Millisecond)
	conn := api.Dial()
	conn.Response("GET")                                  // fails
	conn.Read(1)                                          // fails
	conn.Closed()                                         // fails
	conn.Send("GET / HTTP/1.0\r\n\r\n").Closed()          // fails
	api.Dial().Send("GET / HTTP/1.0\r\n\r\n").Send("xyz") // fails
	api.Dial().SendSlowly("GET / HTTP/1.0\r\n\r\n"+
		"xyz", 100, 0).SendSlowly("uvwxyz", 3, 0) // fails

	t.Run("ended", func(t *testing.T) { api = testutil.New(t, handler) })
	api.For(t).Dial().Send("x").Closed() // fails
}

func TestConstructors(t *testing.T) {
	t.Run("nil", func(t *testing.T) {
		testutil.New(t, nil) // fails
	})
	t.Run("protocol", func(t *testing.T) {
		testutil.Serve(t, handler, "") // fails
	})
}

// helper is a user's own.
func helper(t *testing.T, api *testutil.Client) {
	t.Helper()
	api.Get("/").Status(500)
}

func TestElsewhere(t *testing.T) {
	api := testutil.New(t, handler)
	helper(t, api) // fails
	var wg sync.WaitGroup
	wg.Go(func() {
		api.Get("/").Status(500)      // fails
		api.Get("/panic").Status(200) // fails
	})
	wg.Wait()
	t.Run("sub", func(t *testing.T) {
		t.Parallel()
		api.For(t).Get("/").Status(500) // fails
	})
	t.Cleanup(func() {
		api.Get("/").Status(500) // fails
	})
}

// TestAfterwards: what is found when the test is over is reported where it was
// asked for.
func TestAfterwards(t *testing.T) {
	testutil.NoLeaks(t) // fails
	go func() { select {} }()
}
