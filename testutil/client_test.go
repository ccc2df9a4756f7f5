package testutil_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

// TestTargets: a target reaches the server byte for byte.
func TestTargets(t *testing.T) {
	protocols(t, http.HandlerFunc(echo), func(t *testing.T, api *testutil.Client) {
		for _, target := range []string{
			"/", "/a", "/a%2Fb", "/a%2fb", `/a"b%2Fc`, "//x", "//x//y/", "/x?y=%zz", "/x?%", "/a;b=1", "/a?", "/?a&&b=1;c",
			"/a/../b", "/./", "/ü", "/%C3%BC", "/a#b?c#d", "/a^b|c{d}[e]", `/\x`, "/a?b?c", "/a+b", "/:x", "/a:b//c@d", "/%00", "/%0d%0a",
		} {
			api.Get(target).Status(200).Contains("GET " + target + "\n")
		}
		host := strings.TrimPrefix(strings.TrimPrefix(api.URL(""), "http://"), "https://")
		api.Get(api.URL("/a?b")).Text("GET /a?b\n" + host + " 0 ")
	})
	// A server of net/http answers these itself.
	api := testutil.New(t, http.HandlerFunc(echo))
	api.Do("OPTIONS", "*").Status(200).Text("")
	api.Get("/%zz").Status(400).Text("400 Bad Request")
}

// TestMethods: each verb sends itself, and edits come in order, those of the
// client first.
func TestMethods(t *testing.T) {
	api := testutil.New(t, http.HandlerFunc(echo), testutil.Header("X-Trace", "new"))
	api.Get("/").Contains("GET /\nX-Trace: new\n")
	api.Post("/").Contains("POST /\n")
	api.PostJSON("/", []int{1}).Text("POST /\nContent-Type: application/json\nX-Trace: new\nexample.com 3 [1]")
	api.PostJSON("/", 1, testutil.Header("Content-Type", "text/x")).Contains("Content-Type: text/x\n")
	api.Put("/").Contains("PUT /\n")
	api.Patch("/").Contains("PATCH /\n")
	api.Delete("/").Contains("DELETE /\n")
	api.Do("PROPFIND", "/").Contains("PROPFIND /\n")
	more := api.With(testutil.Header("X-Trace", "with"))
	more.Get("/").Contains("X-Trace: with\n")
	more.Get("/", testutil.Header("X-Trace", "own")).Contains("X-Trace: own\n")
	api.Get("/").Contains("X-Trace: new\n") // With made another client

	more = more.With(testutil.Header("X-Trace", "3")) // append left room behind these edits
	a, b := more.With(testutil.Query("a", "1")), more.With(testutil.Query("b", "2"))
	a.Get("/").Contains("GET /?a=1\n")
	b.Get("/").Contains("GET /?b=2\n")
}

func TestEdits(t *testing.T) {
	api := testutil.New(t, http.HandlerFunc(echo))
	for _, tt := range []struct {
		edit testutil.Edit
		want string
	}{
		{testutil.Header("host", "shop.test"), "shop.test 0 "},
		{testutil.Cookie("a", "1"), "Cookie: a=1\nexample.com 0 "},
		{testutil.Header("Cookie", `a=ü; b="`), "Cookie: a=ü; b=\"\nexample.com 0 "},
		{func(r *http.Request) { r.SetBasicAuth("ada", "secret") }, "Authorization: Basic YWRhOnNlY3JldA==\nexample.com 0 "},
		{testutil.Body("", "text"), "example.com 4 text"},
		{testutil.Body("text/x", ""), "Content-Type: text/x\nexample.com 0 "},
		{testutil.JSON("text"), "Content-Type: application/json\nexample.com 6 \"text\""},
		{testutil.Form(url.Values{"b": {"1 2", "&"}, "a": {"ü"}}), "Content-Type: application/x-www-form-urlencoded\nexample.com 20 a=%C3%BC&b=1+2&b=%26"},
		{testutil.Stream("text/x", strings.NewReader("text")), "Content-Type: text/x\nexample.com -1 text"},
		{testutil.Stream("", strings.NewReader("")), "example.com -1 "},
	} {
		_, head, _ := strings.Cut(string(api.Post("/", tt.edit).Bytes()), "\n")
		if head != tt.want {
			t.Errorf("sent %q, want %q", head, tt.want)
		}
	}
	api.Get("/x?a=1", testutil.Query("b c", "ü&")).Contains("GET /x?a=1&b+c=%C3%BC%26\n")
	api.Get("/x?", testutil.Query("a", "")).Contains("GET /x?a=\n")
	api.Get(`/"?`, testutil.Query("a", "b")).Contains("GET /\"?a=b\n")
}

func TestMultipart(t *testing.T) {
	edit := testutil.Multipart(url.Values{"title": {"Ada"}, "a": {"1", "2"}},
		testutil.File{Field: "avatar", Name: `a"ü.png`, Type: "image/png", Content: "\x89PNG"},
		testutil.File{Field: "raw", Name: "b", Content: strings.Repeat("x", 100_000)})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength < 100_000 {
			t.Errorf("Content-Length %d", r.ContentLength)
		}
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		for parts := multipart.NewReader(r.Body, params["boundary"]); ; {
			part, err := parts.NextPart()
			if err != nil {
				return
			}
			content, _ := io.ReadAll(part)
			fmt.Fprintf(w, "%s %q %s %q\n", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), content[:min(len(content), 5)])
		}
	})
	want := `a ""  "1"
a ""  "2"
title ""  "Ada"
avatar "a\"ü.png" image/png "\x89PNG"
raw "b" application/octet-stream "xxxxx"
`
	testutil.New(t, h).Post("/", edit).Text(want)
	testutil.Call(t, h, "POST /", edit).Text(want) // an edit serves many requests
	testutil.New(t, http.HandlerFunc(echo)).Post("/", testutil.Multipart(nil)).Status(200)
}

// redirects has a chain of redirects that set cookies.
func redirects(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/303", "/307", "/308", "/302":
		var status int
		fmt.Sscanf(r.URL.Path, "/%d", &status)
		http.SetCookie(w, &http.Cookie{Name: "from", Value: r.URL.Path[1:], Path: "/"})
		w.Header().Set("Location", "end?x=1")
		w.WriteHeader(status)
	case "/away":
		w.Header().Set("Location", r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	case "/hops":
		n, _ := strconv.Atoi(r.URL.RawQuery)
		if n == 0 {
			io.WriteString(w, "arrived")
			return
		}
		w.Header().Set("Location", fmt.Sprintf("/hops?%d", n-1))
		w.WriteHeader(http.StatusSeeOther)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	default:
		fmt.Fprintf(w, "%s %s %s cookie=%s trace=%s", r.Method, r.RequestURI, body, r.Header.Get("Cookie"), r.Header.Get("X-Trace"))
	}
}

func TestRedirects(t *testing.T) {
	protocols(t, http.HandlerFunc(redirects), func(t *testing.T, api *testutil.Client) {
		body, trace := testutil.Body("text/plain", "text"), testutil.Header("X-Trace", "t")
		// RFC 9110, 15.4: 303 becomes a GET, 302 of a POST too in practice, 307 and 308 repeat.
		api.Post("/303", body, trace).Text("GET /end?x=1  cookie=from=303 trace=t")
		api.Fresh().Post("/302", body).Text("GET /end?x=1  cookie=from=302 trace=")
		api.Fresh().Put("/307", body).Text("PUT /end?x=1 text cookie=from=307 trace=")
		api.Fresh().Delete("/308").Text("DELETE /end?x=1  cookie=from=308 trace=")
		api.Get("/x").Contains("cookie=from=303") // the jar of the first client

		r := api.NoRedirects().Get("/303").Status(303).Header("Location", "end?x=1").Cookie("from", "303")
		api.Get("/" + r.Result().Header.Get("Location")).Status(200)
		api.Get("/303").Status(200) // NoRedirects made another client

		// Nothing leads to another machine, nor to another port of this one.
		for _, away := range []string{"http://example.org/", "https://example.com/x", "http://example.com:81/", "//example.org/x", "ftp://x/"} {
			api.Get("/away?"+away).Status(302).Header("Location", away)
		}
		api.Get("/away?" + api.URL("/home")).Contains("GET /home ")
		api.Post("/307", testutil.Stream("", strings.NewReader("once"))).Status(307) // which cannot be sent again
		api.Get("/hops?10").Text("arrived")
		api.Fails("GET", "/hops?11")
		if err := api.Fails("GET", "/loop"); err == nil || err.Error() != "stopped after 10 redirects (at "+"/loop)" {
			t.Errorf("a loop gives %v", err)
		}
	})
}

// TestRedirectIsPrinted: the message has the request that was sent, and those
// that followed.
func TestRedirectIsPrinted(t *testing.T) {
	got := failures(t, func(t testing.TB) {
		testutil.New(t, http.HandlerFunc(redirects)).Post("/303", testutil.JSON(1), testutil.Header("Host", "shop.test")).Status(404)
	})
	wantFailures(t, got, `status 200, want 404
--- request
POST /303
Host: shop.test
Content-Type: application/json

1
--- redirected with 303
GET /end?x=1
Host: shop.test
Cookie: from=303
Referer: http://example.com/303
--- answer
HTTP/1.1 200 OK
Content-Length: 36
`)
}

func TestCookies(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.SetCookie(w, &http.Cookie{Name: "s", Value: "1", Path: "/", HttpOnly: true, Secure: r.URL.Query().Has("secure")})
			http.SetCookie(w, &http.Cookie{Name: "deep", Value: "2", Path: "/deep"})
		case "/logout":
			http.SetCookie(w, &http.Cookie{Name: "s", Path: "/", MaxAge: -1})
		default:
			io.WriteString(w, r.Header.Get("Cookie"))
		}
	})
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		api.Get("/").Text("")
		api.Get("/login").Cookie("s", "1")
		api.Get("/").Text("s=1")
		api.Get(`/deep/"`).Text("deep=2; s=1")
		api.Get("/", testutil.Cookie("own", "3")).Text("own=3; s=1")
		api.With().NoRedirects().Patience(1e10).Get("/").Text("s=1") // views share the jar
		api.Fresh().Get("/").Text("")
		if got := fmt.Sprint(api.Cookies("/deep/x")); got != "[deep=2 s=1]" {
			t.Errorf("Cookies are %s", got)
		}
		api.Get("/logout").Cookie("s", "")
		api.Get("/").Text("")

		// Over HTTPS anyway; over HTTP as browsers do for localhost.
		api.Get("/login?secure").Cookie("s", "1")
		api.Get("/").Text("s=1")
		shop := api.With(testutil.Header("Host", "shop.test"))
		shop.Get("/").Text("") // whose cookies are its own
		shop.Get("/login?secure")
		shop.Get("/").Text("s=1")
	})
}

// TestConcurrentClient: one client, one jar, many goroutines. Run with -race.
func TestConcurrentClient(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "n", Value: r.URL.Query().Get("n")})
		io.Copy(w, r.Body)
	})
	protocols(t, h, func(t *testing.T, api *testutil.Client) {
		api = api.With(testutil.Header("X-Trace", "t"), testutil.Query("a", "1"))
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				n := fmt.Sprint(i)
				api.Post("/", testutil.Query("n", n), testutil.Body("", n)).Cookie("n", n).Text(n)
			})
		}
		wg.Wait()
		for i := range 5 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				api.For(t).PostJSON("/", i).JSON(i)
			})
		}
	})
}

// TestFailuresOfGoroutines: a transport failure in a goroutine is reported and
// ends nothing.
func TestFailuresOfGoroutines(t *testing.T) {
	var went atomic.Int64
	got := failures(t, func(t testing.TB) {
		api := testutil.New(t, http.HandlerFunc(sample))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				api.Get("/panic").Status(200)
				api.Get("x").Status(200)
				went.Add(1)
			})
		}
		wg.Wait()
	})
	if len(got) != 16 || went.Load() != 8 {
		t.Errorf("%d failures and %d goroutines that went on, want 16 and 8: %q", len(got), went.Load(), got)
	}
}

// TestFor: failures go to the test that is given, and its streams end with it.
func TestFor(t *testing.T) {
	gone := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			w.Header().Set("Content-Type", "text/event-stream")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			close(gone)
		}
	})
	api := testutil.New(t, h)
	wantFailures(t, failures(t, func(t testing.TB) {
		sub := api.For(t)
		sub.With().Get("/").Status(500)
		sub.Get("/events").Status(200)
	}), "status 200, want 500")
	<-gone
	api.Get("/").Status(200)
}

// TestCleanupMaySend: what a test created is deleted in its clean-ups, which
// run when its context is done.
func TestCleanupMaySend(t *testing.T) {
	var deleted atomic.Int64
	t.Run("test", func(t *testing.T) {
		api := testutil.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { deleted.Add(1) }))
		sub := api.For(t)
		t.Cleanup(func() {
			api.Delete("/x").Status(200)
			sub.Delete("/x").Status(200)
			testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Context().Err() == nil {
					deleted.Add(1)
				}
			}), "DELETE /x")
		})
	})
	if deleted.Load() != 3 {
		t.Errorf("%d requests were answered, want 3", deleted.Load())
	}
}

// TestHTTPClient: other code can use the client beneath.
func TestHTTPClient(t *testing.T) {
	protocols(t, http.HandlerFunc(redirects), func(t *testing.T, api *testutil.Client) {
		res, err := api.HTTPClient().Post(api.URL("/307"), "text/plain", strings.NewReader("text"))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		if !bytes.HasPrefix(body, []byte("POST /end?x=1 text cookie=from=307")) {
			t.Errorf("answered %q", body)
		}
		api.Get("/").Contains("cookie=from=307") // one jar
		api.HTTPClient().Jar = nil               // a copy
		api.Get("/").Contains("cookie=from=307")
		res, err = api.HTTPClient().Get(strings.Replace(api.URL("/"), "127.0.0.1", "example.com", 1))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	})
}
