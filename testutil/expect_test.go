package testutil_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/testutil"
)

// sample answers what the expectations below are held against.
func sample(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/user":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("Vary", "Accept")
		w.Header().Add("Vary", "Origin")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "gone", MaxAge: -1})
		http.SetCookie(w, &http.Cookie{Name: "old", Value: "x", Expires: time.Unix(1, 0)})
		http.SetCookie(w, &http.Cookie{Name: "kept", Value: "x", MaxAge: 60, Expires: time.Unix(1, 0)})
		http.SetCookie(w, &http.Cookie{Name: "twice", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "twice", Value: "2"})
		http.SetCookie(w, &http.Cookie{Name: "empty", Value: ""})
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":7,"name":"Ada"}`)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(w, "data: one\n\nevent: x\nid: 2\ndata: two\n\n")
	case "/broken":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "only this")
	case "/panic":
		panic("boom")
	default:
		http.NotFound(w, r)
	}
}

// TestExpectationsHold: none of these reports anything.
func TestExpectationsHold(t *testing.T) {
	protocols(t, http.HandlerFunc(sample), func(t *testing.T, api *testutil.Client) {
		r := api.Get("/user").
			Status(201).
			Header("Vary", "Accept, Origin").Header("vary", "Accept, Origin").Header("X-None", "").
			Cookie("a", "1").Cookie("gone", "").Cookie("old", "").Cookie("kept", "x").Cookie("twice", "2").
			Text(`{"id":7,"name":"Ada"}`).
			Contains(`"Ada"`).Contains("").
			JSON(`{"name": "Ada", "id": 7.0}`).
			JSON(map[string]any{"id": 7, "name": "Ada"}).
			JSONContains(`{"id": 7}`)
		if user := testutil.Decode[struct{ ID int }](r); user.ID != 7 {
			t.Errorf("decoded %+v", user)
		}
		if string(r.Bytes()) != `{"id":7,"name":"Ada"}` || r.Result().StatusCode != 201 || r.SetCookie("b") != nil {
			t.Error("Bytes, Result or SetCookie is wrong")
		}
		if err := api.Fails("GET", "/broken"); err == nil {
			t.Error("Fails returned no error")
		}
		stream := api.Get("/events").Status(200)
		if one, two := stream.NextEvent(), stream.NextEvent(); one != (testutil.Event{Data: "one"}) || two != (testutil.Event{Name: "x", ID: "2", Data: "two"}) {
			t.Errorf("events %+v and %+v", one, two)
		}
		stream.End()
		api.Get("/events").Contains("data: two")
	})
}

// TestExpectationsFail: each reports once, in these words, with the exchange.
func TestExpectationsFail(t *testing.T) {
	type client = testutil.Client
	for _, tt := range []struct {
		want string
		do   func(api *client)
	}{
		{"status 201, want 200", func(api *client) { api.Get("/user").Status(200) }},
		{`header Vary: "Accept, Origin", want "Accept"`, func(api *client) { api.Get("/user").Header("Vary", "Accept") }},
		{`header Vary: "Accept, Origin", want it absent`, func(api *client) { api.Get("/user").Header("Vary", "") }},
		{`header Location: absent, want "/x"`, func(api *client) { api.Get("/user").Header("Location", "/x") }},
		{`cookie a: "1", want "2"`, func(api *client) { api.Get("/user").Cookie("a", "2") }},
		{`cookie A: not set, want "1"`, func(api *client) { api.Get("/user").Cookie("A", "1") }},
		{`cookie a: "1", want it deleted`, func(api *client) { api.Get("/user").Cookie("a", "") }},
		{`cookie b: not set, want it deleted`, func(api *client) { api.Get("/user").Cookie("b", "") }},
		{`cookie gone: deleted, want "1"`, func(api *client) { api.Get("/user").Cookie("gone", "1") }},
		{`cookie old: deleted, want "x"`, func(api *client) { api.Get("/user").Cookie("old", "x") }},
		{`cookie kept: "x", want it deleted`, func(api *client) { api.Get("/user").Cookie("kept", "") }},
		{`cookie empty: "", want it deleted`, func(api *client) { api.Get("/user").Cookie("empty", "") }},
		{`body differs (-want +got):`, func(api *client) { api.Get("/user").Text("x") }},
		{`body does not contain "Bob"`, func(api *client) { api.Get("/user").Contains("Bob") }},
		{"JSON differs (-want +got):\n  map[string]any{\n- \t\"id\":   int64(8),\n+ \t\"id\":   int64(7),", func(api *client) { api.Get("/user").JSON(`{"id":8,"name":"Ada"}`) }},
		{`+ 	"name": string("Ada"),`, func(api *client) { api.Get("/user").JSON(`{"id":7}`) }},
		{`- 	"x":  int64(1),`, func(api *client) { api.Get("/user").JSONContains(`{"id":7,"x":1}`) }},
		{"the body is no JSON: text follows the JSON value", func(api *client) { api.Get("/404").JSON(`404`) }},
		{"the body does not fit struct { Name int }: json: cannot unmarshal", func(api *client) { testutil.Decode[struct{ Name int }](api.Get("/user")) }},
		{`the answer is no text/event-stream but "application/json"`, func(api *client) { api.Get("/user").NextEvent() }},
		{`the answer is no text/event-stream but "application/json"`, func(api *client) { api.Get("/user").End() }},
		{`an event, want the end of the stream: {Name: ID: Data:one}`, func(api *client) { api.Get("/events").End() }},
		{`no event: the stream has ended`, func(api *client) {
			r := api.Get("/events")
			r.NextEvent()
			r.NextEvent()
			r.NextEvent()
		}},
		{`the answer is whole, want a broken one`, func(api *client) { api.Fails("GET", "/user") }},
		{`no answer: EOF`, func(api *client) { api.Get("/panic") }},
		{`the answer is broken: unexpected EOF`, func(api *client) { api.Get("/broken").Text("only this") }},
		{`the answer is broken: unexpected EOF`, func(api *client) { api.Get("/broken").Bytes() }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			got := failures(t, func(t testing.TB) { tt.do(testutil.New(t, http.HandlerFunc(sample))) })
			wantFailures(t, got, tt.want)
			if len(got) > 0 && !strings.Contains(got[0], "\n--- request\nGET /") {
				t.Errorf("the request is not printed:\n%s", got[0])
			}
			if len(got) > 0 && !strings.Contains(tt.want, "no answer") && !strings.Contains(got[0], "\n--- answer\nHTTP/1.1 ") {
				t.Errorf("the answer is not printed:\n%s", got[0])
			}
		})
	}
}

// TestMisuse: mistakes of the test are named as such. None is a panic, but for
// edits, which have no test to report to.
func TestMisuse(t *testing.T) {
	h := http.HandlerFunc(sample)
	for _, tt := range []struct {
		want string
		do   func(t testing.TB)
	}{
		{`testutil: GET "api/hello": a target is a path, with or without a query, that begins with a slash`, func(t testing.TB) { testutil.New(t, h).Get("api/hello") }},
		{`testutil: GET "": a target is a path`, func(t testing.TB) { testutil.New(t, h).Get("") }},
		{`testutil: GET "http://example.org/": a target is a path`, func(t testing.TB) { testutil.New(t, h).Get("http://example.org/") }},
		{`testutil: GET "@evil.example/": a target is a path`, func(t testing.TB) { testutil.New(t, h).Get("@evil.example/") }},
		{`testutil: GET "http://example.com.evil/": a target is a path`, func(t testing.TB) { testutil.New(t, h).Get("http://example.com.evil/") }},
		{`testutil: GET "/?name=Ada Lovelace": the target has a space or control character: escape it, as %20, or send raw bytes with Dial`, func(t testing.TB) { testutil.New(t, h).Get("/?name=Ada Lovelace") }},
		{`testutil: GET "/\r\nX: y": the target has a space or control character`, func(t testing.TB) { testutil.New(t, h).Get("/\r\nX: y") }},
		{`testutil: GET "//a\"b": net/http cannot send two slashes before this path: send raw bytes with Dial`, func(t testing.TB) { testutil.New(t, h).Get(`//a"b`) }},
		{`testutil: "GE(T" "/": net/http: invalid method "GE(T"`, func(t testing.TB) { testutil.New(t, h).Do("GE(T", "/") }},
		{`testutil: GET "x": a target is a path`, func(t testing.TB) { testutil.New(t, h).Fails("GET", "x") }},
		{`testutil: Cookies("x"): a target is a path`, func(t testing.TB) { testutil.New(t, h).Cookies("x") }},
		{`testutil: Call("/api/hello"): want "METHOD target", such as "GET /api/hello"`, func(t testing.TB) { testutil.Call(t, h, "/api/hello") }},
		{`testutil: Call("GET api"): want`, func(t testing.TB) { testutil.Call(t, h, "GET api") }},
		{`testutil: Call("GET /a b"): want`, func(t testing.TB) { testutil.Call(t, h, "GET /a b") }},
		{`testutil: Call("GE(T /"): want`, func(t testing.TB) { testutil.Call(t, h, "GE(T /") }},
		{`testutil: Call("GET / HTTP/1.1\r\nX: y\r\n\r\n"): want`, func(t testing.TB) { testutil.Call(t, h, "GET / HTTP/1.1\r\nX: y\r\n\r\n") }},
		{`testutil: Call(""): want`, func(t testing.TB) { testutil.Call(t, h, "") }},
		{`testutil: the wanted value is no JSON: invalid character 'h' looking for beginning of value (a string is JSON text, and a JSON string has quotes)`, func(t testing.TB) { testutil.Call(t, h, "GET /user").JSON("hello") }},
		{`testutil: the wanted value is no JSON: json: unsupported type: chan int`, func(t testing.TB) { testutil.Call(t, h, "GET /user").JSONContains(make(chan int)) }},
		{`testutil: the wanted value is no JSON: text follows the JSON value`, func(t testing.TB) { testutil.Call(t, h, "GET /user").JSON(`{"id":7,"name":"Ada"} {}`) }},
		{`testutil: Golden("../x"): want the name of a file in testdata`, func(t testing.TB) { testutil.Call(t, h, "GET /user").Golden("../x") }},
		{`testutil: the body cannot be had as a whole: NextEvent or End has read from it`, func(t testing.TB) {
			r := testutil.New(t, h).Get("/events")
			r.NextEvent()
			r.Text("x").JSON("{}").Golden("x")
		}},
		{`testutil: the handler is nil`, func(t testing.TB) { testutil.New(t, nil) }},
		{`testutil: Serve: no protocol "HTTP/3"`, func(t testing.TB) { testutil.Serve(t, h, "HTTP/3") }},
	} {
		t.Run(tt.want, func(t *testing.T) { wantFailures(t, failures(t, tt.do), tt.want) })
	}
}

func TestEditsPanic(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); v != "testutil.JSON(chan int): json: unsupported type: chan int" {
			t.Errorf("panic %q", v)
		}
	}()
	testutil.JSON(make(chan int))
}

// TestFailuresAreReportedOnce: without a whole answer, what follows is silent;
// with one, each expectation speaks, but the exchange is printed once.
func TestFailuresAreReportedOnce(t *testing.T) {
	everything := func(r *testutil.Response) {
		r.Status(200).Header("X", "y").Cookie("a", "b").Text("x").Contains("x").JSON(`1`).JSONContains(`{}`).Golden("x")
		testutil.Decode[int](r)
		r.Bytes()
		r.NextEvent()
		r.End()
		r.Close()
		r.Result()
		r.SetCookie("x")
	}
	for _, tt := range []struct {
		target, want string
	}{
		{"/panic", "no answer: EOF"},
		{"x", "a target is a path"},
	} {
		got := failures(t, func(t testing.TB) { everything(testutil.New(t, http.HandlerFunc(sample)).Get(tt.target)) })
		wantFailures(t, got, tt.want)
	}
	wantFailures(t, failures(t, func(t testing.TB) { everything(testutil.Call(t, nil, "x")) }), "want \"METHOD target\"")
	wantFailures(t, failures(t, func(t testing.TB) {
		conn := testutil.New(t, http.HandlerFunc(sample)).Dial()
		conn.Close()
		everything(conn.Response("GET"))
	}), "no answer on the connection")

	// The status and the header of a broken answer are known.
	wantFailures(t, failures(t, func(t testing.TB) { everything(testutil.New(t, http.HandlerFunc(sample)).Get("/broken").Status(500)) }),
		"status 200, want 500\n--- request", "header X: absent, want \"y\"\n(the exchange is printed above)", "cookie a: not set", "the answer is broken: unexpected EOF\n(the")

	got := failures(t, func(t testing.TB) { testutil.Call(t, http.HandlerFunc(sample), "GET /user").Status(1).Text("x") })
	wantFailures(t, got, "status 201", "body differs")
	if strings.Contains(got[1], "--- ") || !strings.Contains(got[1], "(the exchange is printed above)") {
		t.Errorf("the exchange is printed again:\n%s", got[1])
	}
}
