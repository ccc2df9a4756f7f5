package testutil_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestCall: the request is one that a server would have made.
func TestCall(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.GetBody != nil || r.RemoteAddr != "192.0.2.1:1234" || r.TLS != nil || r.Proto != "HTTP/1.1" {
			t.Errorf("no request of a server: %+v", r)
		}
		r.Header.Set("X-Trace", "changed by the handler")
		r.URL.Path = "/changed"
		fmt.Fprintf(w, "%s %s %s %q ", r.Method, r.RequestURI, r.Host, r.PathValue("id"))
		n, err := io.Copy(w, r.Body)
		fmt.Fprintf(w, " %d %v %d", n, err, r.ContentLength)
	})
	testutil.Call(t, h, "GET /").Status(200).Text(`GET / example.com ""  0 <nil> 0`)
	testutil.Call(t, h, "POST /x", testutil.PathValue("id", "a/b"), testutil.Body("", "text")).Text(`POST /x example.com "a/b" text 4 <nil> 4`)
	testutil.Call(t, h, "POST /", testutil.Header("Host", "shop.test"), testutil.Stream("", io.LimitReader(zeros{}, 3))).Text("POST / shop.test \"\" 000 3 <nil> -1")
	for _, target := range []string{"/a%2Fb", `/a"b%2Fc`, "//x", "/x?y=%zz", "/?"} { // as they are
		testutil.Call(t, h, "GET "+target).Contains("GET " + target + " ")
	}
	testutil.Call(t, h, `GET /a"b%2Fc?x`, testutil.Query("y", "1")).Contains(`GET /a"b%2Fc?x&y=1 `)
	testutil.Call(t, h, `GET /a"b?x`, func(r *http.Request) { r.URL.Path = "/b c" }).Contains("GET /b%20c?x ")
	testutil.Call(t, h, `GET /a"b?x`, func(r *http.Request) { r.URL.RawQuery = "" }).Contains(`GET /a"b `)
	testutil.Call(t, h, "OPTIONS *").Contains("OPTIONS * ")
	got := failures(t, func(t testing.TB) { testutil.Call(t, h, "GET /x", testutil.Header("X-Trace", "t")).Status(500) })
	wantFailures(t, got, "status 200, want 500\n--- request\nGET /x\nX-Trace: t\n--- answer\nHTTP/1.1 200 OK\n")
	testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.Host != "shop.test" {
			t.Errorf("no TLS: %+v", r)
		}
	}), "GET https://shop.test/x").Status(200)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { p[0] = '0'; return 1, nil }

// TestCallHandlerFunc: a handler of apiroutes is called alone, with its errors.
func TestCallHandlerFunc(t *testing.T) {
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		var body struct{ Name string }
		if err := c.Decode(&body); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, map[string]string{"id": c.Param("id"), "name": body.Name, "q": c.Query("q"), "s": c.Cookie("s")})
	})
	testutil.Call(t, h, "PUT /?q=1", testutil.PathValue("id", "7"), testutil.JSON(map[string]string{"name": "Ada"}), testutil.Cookie("s", "x")).
		Status(201).JSON(`{"id":"7","name":"Ada","q":"1","s":"x"}`)
	testutil.Call(t, h, "PUT /", testutil.Body("application/json", "{")).Status(400)
	testutil.Call(t, h, "PUT /", testutil.Body("text/x", "x")).Status(415).JSONContains(`{"error":"`+"unsupported"+`"}`,
		ignoreStrings)
}

// TestCallEnds: what a server does when a handler returned.
func TestCallEnds(t *testing.T) {
	var after context.Context
	testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after = r.Context()
		if after.Err() != nil {
			t.Error("the context is done too early")
		}
	}), "GET /")
	if !errors.Is(after.Err(), context.Canceled) {
		t.Error("the context is not done when the handler returned")
	}
}

// TestCallPanics: an abort is a broken answer, and every other panic the
// test's own.
func TestCallPanics(t *testing.T) {
	abort := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	wantFailures(t, failures(t, func(t testing.TB) { testutil.Call(t, abort, "GET /").Status(200).Text("half").Text("half") }),
		"the answer is broken: the handler aborted the connection\n--- request\nGET /\n--- answer\nHTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8\n\nhalf\n(broken off: the handler aborted the connection)")
	for name, value := range map[string]any{"text": "boom", "slice": []int{1}, "error": io.EOF} {
		func() {
			defer func() {
				if got := recover(); fmt.Sprint(got) != fmt.Sprint(value) {
					t.Errorf("%s: panic %v", name, got)
				}
			}()
			testutil.Call(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }), "GET /")
			t.Errorf("%s: no panic", name)
		}()
	}
	got := failures(t, func(t testing.TB) {
		testutil.Call(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Fatalf("from the handler") }), "GET /")
		t.Errorf("the test goes on after Fatalf")
	})
	wantFailures(t, got, "from the handler")
}
