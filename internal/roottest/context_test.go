package roottest

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// readContext calls fn with the Context of a request, "GET /x".
func readContext(t testing.TB, line string, fn func(c apiroutes.Context), edits ...testutil.Edit) {
	t.Helper()
	called := false
	testutil.Call(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		called = true
		fn(c)
		return nil
	}), line, edits...)
	if !called {
		t.Error("the handler was not called")
	}
}

func TestContextReads(t *testing.T) {
	show := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if c.Context() != c.Request().Context() {
			t.Error("Context is not the request's")
		}
		return c.Text(200, fmt.Sprintf("%q %q %q %q %q %q %q", c.Param("id"), c.Param("rest"), c.Segments("rest"),
			c.Param("nobody"), c.Segments("nobody"), c.Segments("id"), c.Request().URL.Path))
	})
	bare := apiroutes.New()
	bare.Get("/u/[id]/[[...rest]]", show)
	wrapped := apiroutes.New(tag("a"))
	wrapped.Get("/u/[id]/[[...rest]]", show)
	mux := http.NewServeMux()
	mux.Handle("/u/{id}/{rest...}", show)
	methods := http.NewServeMux()
	methods.Handle("/u/{id}/{rest...}", apiroutes.Methods{Get: show})
	mounted := http.NewServeMux()
	inner := apiroutes.New()
	inner.Get("/[[...rest]]", show)
	mounted.Handle("/u/{id}/", http.StripPrefix("/u/7", inner))

	cases := []struct {
		name   string
		h      http.Handler
		target string
		want   string
	}{
		{"bare", bare, "/u/7/a/b", `"7" "a/b" ["a" "b"] "" [] [] "/u/7/a/b"`},
		{"bare, escaped", bare, "/u/%C3%A9%2F/a%2Fb/c", `"é/" "a/b/c" ["a/b" "c"] "" [] [] "/u/é//a/b/c"`},
		{"bare, absent", bare, "/u/7", `"7" "" [] "" [] [] "/u/7"`},
		{"wrapped", wrapped, "/u/7/a/b", `"7" "a/b" ["a" "b"] "" [] [] "/u/7/a/b"`},
		{"wrapped, escaped", wrapped, "/u/%C3%A9%2F/a%2Fb/c", `"é/" "a/b/c" ["a/b" "c"] "" [] [] "/u/é//a/b/c"`},
		{"wrapped, absent", wrapped, "/u/7", `"7" "" [] "" [] [] "/u/7"`},
		{"below ServeMux", mux, "/u/7/a/b", `"7" "a/b" ["a" "b"] "" [] ["7"] "/u/7/a/b"`},
		{"Methods below ServeMux", methods, "/u/7/a/b", `"7" "a/b" ["a" "b"] "" [] ["7"] "/u/7/a/b"`},
		{"of both", mounted, "/u/7/a/b", `"7" "a/b" ["a" "b"] "" [] ["7"] "/a/b"`},
	}
	for _, c := range cases {
		if got := string(testutil.Call(t, c.h, "GET "+c.target).Bytes()); got != c.want {
			t.Errorf("%s: GET %s has\n%s, want\n%s", c.name, c.target, got, c.want)
		}
	}
}

func TestContextHeader(t *testing.T) {
	readContext(t, "GET http://example.org:8080/", func(c apiroutes.Context) {
		for name, want := range map[string]string{
			"X-Id": "first", "x-iD": "first", "Host": "example.org:8080", "host": "example.org:8080", "Missing": "", "": "",
		} {
			if got := c.Header(name); got != want {
				t.Errorf("Header(%q) = %q, want %q", name, got, want)
			}
		}
	}, func(r *http.Request) { r.Header["X-Id"] = []string{"first", "second"} })
}

// TestNothingOverridesParam sends a parameter's name in every other place.
func TestNothingOverridesParam(t *testing.T) {
	onTransports(t, func(t *testing.T, tr transport) {
		show := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			if err := c.Request().ParseForm(); err != nil {
				return err
			}
			return c.Text(200, fmt.Sprintf("%q %q %q %q", c.Param("id"), c.Param("rest"), c.Segments("rest"), c.Param("other")))
		})
		r := apiroutes.New()
		r.Handle("/bare/[id]/[[...rest]]", show)
		r.With(tag("a")).Handle("/wrapped/[id]/[[...rest]]", show)
		w := tr.serve(t, r)
		for path, want := range map[string]string{
			"/bare/path":         `"path" "" [] ""`,
			"/bare/path/x/y":     `"path" "x/y" ["x" "y"] ""`,
			"/bare/p%61th%2F/x":  `"path/" "x" ["x"] ""`,
			"/wrapped/path":      `"path" "" [] ""`,
			"/wrapped/path/x/y":  `"path" "x/y" ["x" "y"] ""`,
			"/wrapped/p%61th%2F": `"path/" "" [] ""`,
		} {
			const evil = "id=evil&rest=evil&other=evil&[...rest]=evil"
			req := w.request(t, path+"?"+evil)
			for _, name := range []string{"Id", "Rest", "Other"} {
				req.Header.Set(name, "evil")
			}
			req.Header.Set("Cookie", "id=evil; rest=evil; other=evil")
			testutil.Body("application/x-www-form-urlencoded", evil)(req)
			if got := w.do(t, req); got.body != want {
				t.Errorf("%s has %v, want %s", path, got, want)
			}
		}
	})
}

// TestReadsStayValid keeps Contexts beyond their handlers and reads them while
// and after many other requests run.
func TestReadsStayValid(t *testing.T) {
	const keepers, others = 16, 400
	onTransports(t, func(t *testing.T, tr transport) {
		var running sync.WaitGroup
		tick, stop := make(chan struct{}), make(chan struct{})
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			id := c.Query("id")
			check := func() {
				got := []string{c.Param("id"), c.Param("rest"), strings.Join(c.Segments("rest"), " "), c.Query("id"), c.Cookie("id"), c.Header("Id"), c.Request().URL.Query().Get("id")}
				if want := []string{id, id + "//" + id, id + "/ " + id, id, id, id, id}; !slices.Equal(got, want) {
					t.Errorf("request %s reads %q", id, got)
				}
			}
			check()
			if c.Query("keep") != "" {
				running.Go(func() {
					for {
						select {
						case <-tick:
							check()
						case <-stop:
							check()
							return
						}
					}
				})
			}
			return c.Text(200, id)
		})
		r := apiroutes.New()
		r.Handle("/bare/[id]/[...rest]", h)
		r.With(tag("a")).Handle("/wrapped/[id]/[...rest]", h)
		w := tr.serve(t, r)
		send := func(i int, query string) {
			id := fmt.Sprintf("%04d", i)
			req := w.request(t, fmt.Sprintf("/%s/%s/%s%%2F/%s?id=%s%s", []string{"bare", "wrapped"}[i%2], id, id, id, id, query))
			req.Header.Set("Id", id)
			req.Header.Set("Cookie", "id="+id)
			if got := w.do(t, req); got.err != nil || got.body != id {
				t.Fatalf("request %s has %v", id, got)
			}
		}
		for i := range keepers {
			send(i, "&keep=1")
		}
		for i := range others {
			tick <- struct{}{}
			send(keepers+i, "")
		}
		close(stop)
		running.Wait()
	})
}

func TestSetHeader(t *testing.T) {
	good := map[string]string{
		"Plain": "a, b; c=\"d\"", "Empty": "", "Tab": "a\tb", "Utf-8": "é", "Latin-1": "\xe9", "!#$%&'*+-.^_`|~": "token",
		"lower-case": "kept under the canonical name",
	}
	bad := map[string]string{
		"": "no name", "A B": "x", "A:": "x", "A\n": "x", "é": "x", "A\x00": "x", "(A)": "x", `"A"`: "x", "A/B": "x", "A\x7f": "x",
		"Line-Feed": "a\nB: c", "Return": "a\r", "Nul": "\x00", "Delete": "a\x7f", "Control": "\x1f", "Both": "a\r\n\r\n<html>",
	}
	onTransports(t, func(t *testing.T, tr transport) {
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			for name, value := range bad {
				if c.SetHeader(name, value) == nil || c.AddHeader(name, value) == nil {
					t.Errorf("%q: %q was accepted", name, value)
				}
			}
			for name, value := range good {
				err := errors.Join(c.SetHeader(name, "replaced"), c.SetHeader(name, value), c.AddHeader(name, "more"))
				if err != nil {
					t.Errorf("%q: %q: %v", name, value, err)
				}
			}
			return c.NoContent(204)
		}))
		got := w.post(t, "/")
		for name, value := range good {
			if values := got.header.Values(name); !slices.Equal(values, []string{value, "more"}) {
				t.Errorf("%q is %q on the wire, want %q and more", name, values, value)
			}
		}
		for name := range got.header {
			_, known := good[name]
			if !known && !slices.Contains([]string{"Date", "Vary", "Lower-Case", "Content-Length", "Content-Type"}, name) {
				t.Errorf("%q: %q is on the wire", name, got.header[name])
			}
		}
	})
}

// TestSetCookie compares with what http.SetCookie makes of a cookie: where
// that is not all of it, it must be an error.
func TestSetCookie(t *testing.T) {
	captureLog(t) // net/http logs what it drops
	cases := []struct {
		cookie   *http.Cookie
		stricter string // why it is refused although net/http writes all of it
	}{
		{cookie: nil},
		{cookie: &http.Cookie{Name: "a", Value: "1"}},
		{cookie: &http.Cookie{Name: "a"}},
		{cookie: &http.Cookie{Name: "a", Value: "with space, and comma"}},
		{cookie: &http.Cookie{Name: "a", Value: "1", Quoted: true}},
		{cookie: &http.Cookie{Name: "a", Value: "1", Path: "/x", Domain: "example.org", Expires: time.Unix(1e9, 5), MaxAge: 7, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, Partitioned: true}},
		{cookie: &http.Cookie{Name: "a", SameSite: http.SameSiteLaxMode, MaxAge: -5}},
		{cookie: &http.Cookie{Name: "a", SameSite: http.SameSiteNoneMode, Secure: true}},
		{cookie: &http.Cookie{Name: "a", SameSite: http.SameSiteDefaultMode}},
		{cookie: &http.Cookie{Name: "a", SameSite: 99}},
		{cookie: &http.Cookie{Name: "a", SameSite: -1}},
		{cookie: &http.Cookie{Name: ""}},
		{cookie: &http.Cookie{Name: "a b"}},
		{cookie: &http.Cookie{Name: "a=b"}},
		{cookie: &http.Cookie{Name: "a\nb"}},
		{cookie: &http.Cookie{Name: "é"}},
		{cookie: &http.Cookie{Name: "a", Value: "1;2"}},
		{cookie: &http.Cookie{Name: "a", Value: `1"2`}},
		{cookie: &http.Cookie{Name: "a", Value: `1\2`}},
		{cookie: &http.Cookie{Name: "a", Value: "1\r\nSet-Cookie: b=2"}},
		{cookie: &http.Cookie{Name: "a", Value: "é"}},
		{cookie: &http.Cookie{Name: "a", Value: "\x7f"}},
		{cookie: &http.Cookie{Name: "a", Path: "/x;y"}},
		{cookie: &http.Cookie{Name: "a", Path: "/x\n"}},
		{cookie: &http.Cookie{Name: "a", Path: "/é"}},
		{cookie: &http.Cookie{Name: "a", Domain: ".example.org"}},
		{cookie: &http.Cookie{Name: "a", Domain: "192.0.2.1"}},
		{cookie: &http.Cookie{Name: "a", Domain: "::1"}},
		{cookie: &http.Cookie{Name: "a", Domain: "exa mple.org"}},
		{cookie: &http.Cookie{Name: "a", Domain: "-example.org"}},
		{cookie: &http.Cookie{Name: "a", Domain: "example..org"}},
		{cookie: &http.Cookie{Name: "a", Domain: "example.org;Secure"}},
		{cookie: &http.Cookie{Name: "a", Expires: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{cookie: &http.Cookie{Name: "a", Expires: time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{cookie: &http.Cookie{Name: "a", Partitioned: true}, stricter: "browsers drop it"},
	}
	for _, c := range cases {
		theirs := testutil.Call(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.cookie != nil {
				http.SetCookie(w, c.cookie)
			}
		}), "GET /")
		written := theirs.Result().Header.Values("Set-Cookie")
		want := written
		whole := len(written) == 1 && contextSameCookie(written[0], c.cookie)
		if !whole || c.stricter != "" {
			want = nil
		}
		ours := testutil.Call(t, apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
			if err := ctx.SetCookie(c.cookie); (err == nil) != (want != nil) {
				t.Errorf("%#v: error %v, but net/http writes %q", c.cookie, err, written)
			}
			return nil
		}), "GET /")
		if got := ours.Result().Header.Values("Set-Cookie"); !slices.Equal(got, want) {
			t.Errorf("%#v: Set-Cookie is %q, want %q", c.cookie, got, want)
		}
		if c.stricter != "" && !whole {
			t.Errorf("%#v: net/http drops some of it", c.cookie)
		}
	}
}

// contextSameCookie reports whether a line says all that a cookie holds. A leading
// dot of a domain has no meaning (RFC 6265 4.1.2.3).
func contextSameCookie(line string, cookie *http.Cookie) bool {
	got, err := http.ParseSetCookie(line)
	if err != nil {
		return false
	}
	want := *cookie
	want.Domain = strings.TrimPrefix(want.Domain, ".")
	if !want.Expires.IsZero() {
		want.Expires = want.Expires.UTC().Truncate(time.Second)
	}
	want.MaxAge = max(want.MaxAge, -1)
	if want.SameSite == http.SameSiteDefaultMode {
		want.SameSite = 0
	}
	want.Quoted, want.Raw, want.RawExpires = got.Quoted, got.Raw, got.RawExpires
	return reflect.DeepEqual(*got, want)
}
