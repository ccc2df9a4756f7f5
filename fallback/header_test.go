package fallback_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// echoHeaders answers with the request's headers, one a line, and the host.
func echoHeaders(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "Host: %s\n", r.Host)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(w, "%s: %q\n", name, r.Header[name])
	}
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	conn := front(t, upstream(t, echoHeaders), testutil.HTTP).Dial()
	for _, tt := range []struct{ name, sent, want string }{
		{"bare", "", ""}, // no User-Agent, no Accept-Encoding of ours
		{"through", "User-Agent: me\r\nAccept-Encoding: br;q=1\r\nX-A: 1\r\nX-A: 2\r\nCookie: a=b; c\r\nAuthorization: x\r\n",
			"Accept-Encoding: [\"br;q=1\"]\nAuthorization: [\"x\"]\nCookie: [\"a=b; c\"]\nUser-Agent: [\"me\"]\nX-A: [\"1\" \"2\"]\n"},
		{"forwarded", "Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /x\r\n", ""},
		{"named in Connection", "Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Gone\r\nX-Gone: 1\r\n", ""},
		{"hop by hop", "Keep-Alive: 1\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: x\r\n", ""},
		{"trailers", "TE: trailers\r\n", "Te: [\"trailers\"]\n"},
	} {
		got := string(conn.Send("GET / HTTP/1.1\r\nHost: shop.example:81\r\n" + tt.sent + "\r\n").Response("GET").Status(200).Bytes())
		got, via := cutLine(got, "Via: ")
		if !strings.HasPrefix(via, `["1.1 apiroutes-`) {
			t.Errorf("%s: Via is %s", tt.name, via)
		}
		want := "X-Forwarded-For: [\"127.0.0.1\"]\nX-Forwarded-Host: [\"shop.example:81\"]\nX-Forwarded-Proto: [\"http\"]\n"
		for line := range strings.Lines(want + "Host: shop.example:81\n" + tt.want) {
			rest, _ := strings.CutSuffix(line, "\n")
			if !strings.Contains("\n"+got, "\n"+line) {
				t.Errorf("%s: no %q in\n%s", tt.name, rest, got)
			}
			got = strings.Replace(got, line, "", 1)
		}
		if got != "" {
			t.Errorf("%s: the target also got\n%s", tt.name, got)
		}
	}
}

// cutLine takes the line that begins with a prefix out of text.
func cutLine(text, prefix string) (rest, line string) {
	for l := range strings.Lines(text) {
		if after, found := strings.CutPrefix(l, prefix); found {
			line = after
		} else {
			rest += l
		}
	}
	return rest, line
}

func TestRequestProtocols(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		via, proto := "1.1", "https"
		switch p {
		case testutil.HTTP:
			proto = "http"
		case testutil.HTTP2:
			via = "2"
		}
		api := front(t, upstream(t, echoHeaders), p)
		api.Get("/", header("Via", "1.0 fred (a, b)", "HTTP/1.1 x")).
			Contains(`Via: ["1.0 fred (a, b)" "HTTP/1.1 x" "` + via + ` apiroutes-`).
			Contains(`X-Forwarded-Proto: ["` + proto + `"]`)
	})
}

// TestViaStays: a client that has Via dropped on its hop drops no one's name.
func TestViaStays(t *testing.T) {
	t.Parallel()
	conn := front(t, upstream(t, echoHeaders), testutil.HTTP).Dial()
	conn.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Via\r\nVia: 1.0 fred\r\n\r\n").Response("GET").Contains(`Via: ["1.0 fred" "1.1 apiroutes-`)
}

// TestNoProxy: the environment's proxy is not for the target. net/http reads it
// once, so that this shows only where no test before had it read; loopback
// addresses never use it either.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	to := upstreamPipe(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	testutil.New(t, everything(fallback.ToVia("http://target.example", to.dial, nil))).Get("/").Status(200).Text("ok")
	if to.address != "target.example:80" {
		t.Errorf("%s was dialled", to.address)
	}
}

// TestAnswers: what the target says, byte for byte, as far as the client's
// protocol has a place for it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		for _, tt := range []struct {
			method, sent string
			status       int
			header       http.Header
			body         string
		}{
			{"HEAD", "200 OK\r\nContent-Length: 1234\r\nETag: \"a\"\r\nContent-Type: x/y", 200,
				http.Header{"Content-Length": {"1234"}, "Etag": {`"a"`}, "Content-Type": {"x/y"}}, ""},
			{"HEAD", "200 OK\r\nTransfer-Encoding: chunked", 200, nil, ""},
			{"GET", "204 No Content\r\nETag: W/\"b\"", 204, http.Header{"Etag": {`W/"b"`}}, ""},
			{"GET", "304 Not Modified\r\nETag: \"c\"\r\nCache-Control: no-cache", 304,
				http.Header{"Etag": {`"c"`}, "Cache-Control": {"no-cache"}}, ""},
			{"GET", "200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 2\r\n\r\nok", 200,
				http.Header{"Set-Cookie": {"a=1", "b=2; Path=/"}, "Content-Length": {"2"}}, "ok"},
			{"POST", "303 See Other\r\nLocation: http://x.example//y?a;b\r\nContent-Length: 0", 303,
				http.Header{"Location": {"http://x.example//y?a;b"}, "Content-Length": {"0"}}, ""},
			{"GET", "200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x00\x01", 200,
				http.Header{"Content-Encoding": {"gzip"}, "Vary": {"Accept-Encoding"}, "Content-Length": {"4"}}, "\x1f\x8b\x00\x01"},
			{"GET", "206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\n<h", 206,
				http.Header{"Content-Range": {"bytes 0-1/9"}, "Content-Length": {"2"}}, "<h"}, // no guessed type
			{"GET", "502 Bad Gateway\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nhis", 502,
				http.Header{"Content-Type": {"text/plain"}, "Content-Length": {"3"}}, "his"}, // no error of ours
			{"GET", "200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: s\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0", 200,
				http.Header{"Date": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Server": {"s"}, "Content-Length": {"0"}}, ""},
		} {
			if !strings.Contains(tt.sent, "\r\n\r\n") {
				tt.sent += "\r\n\r\n"
			}
			to := upstreamPipe(t, "HTTP/1.1 "+tt.sent)
			api := testutil.Serve(t, everything(fallback.ToVia("http://x", to.dial, nil)), p)
			r := api.NoRedirects().Do(tt.method, "/").Status(tt.status).Text(tt.body)
			got := r.Result().Header.Clone()
			if tt.header["Date"] == nil {
				got.Del("Date")
			}
			if want := tt.header; !maps.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s: the client has %q, want %q", tt.sent, got, want)
			}
		}
	})
}

// TestNoType: net/http guesses no type, not even where the header waits for the
// body, behind a middleware that hides Flush.
func TestNoType(t *testing.T) {
	t.Parallel()
	to := upstreamPipe(t, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
	h := everything(fallback.ToVia("http://x", to.dial, nil), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		})
	})
	testutil.Serve(t, h, testutil.HTTP).Get("/").Text("<html>").Header("Content-Type", "")
}

// TestMiddlewareHeaders: a header of the target replaces that of a middleware,
// but lists to which both belong.
func TestMiddlewareHeaders(t *testing.T) {
	t.Parallel()
	target := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</early>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Access-Control-Allow-Origin", "https://b")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("Vary", "B")
		io.WriteString(w, "ok")
	})
	dead := fallback.To(unreachable(t))
	for _, tt := range []struct {
		h                    http.Handler
		status               int
		origin, cookie, vary string
	}{
		{fallback.To(target), 200, "https://b", "a=1, b=2", "A, B"},
		{dead, 502, "https://a", "a=1", "A"},
	} {
		api := testutil.Serve(t, everything(tt.h, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Access-Control-Allow-Origin", "https://a")
				w.Header().Set("X-Request-Id", "7")
				w.Header().Set("Set-Cookie", "a=1")
				w.Header().Set("Vary", "A")
				next.ServeHTTP(w, r)
			})
		}), testutil.HTTP)
		r := api.Get("/").Status(tt.status).Header("Access-Control-Allow-Origin", tt.origin).Header("X-Request-Id", "7")
		r.Header("Set-Cookie", tt.cookie).Header("Vary", tt.vary).Header("Link", "")
	}
}
