package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/apiroutes/apiroutes"
)

// The pages that do one of many things, by their parameter [kind].

func ok(c apiroutes.Context) error { return c.JSON(200, object{"ok": 1}) }

var cookieKinds = kinds{
	"get": func(c apiroutes.Context) error {
		var raw any
		if lines := c.Request().Header["Cookie"]; lines != nil {
			raw = strings.Join(lines, "; ")
		}
		return c.JSON(200, object{"cookies": cookies(c), "raw": raw})
	},
	"one":       with(ok, "Set-Cookie", "a=1; Path=/; HttpOnly"),
	"many":      with(ok, "Set-Cookie", "a=1; Path=/", "Set-Cookie", "b=2; Path=/; Secure"),
	"append":    with(ok, "Set-Cookie", "a=1", "Set-Cookie", "b=2"),
	"overwrite": with(ok, "Set-Cookie", "b=2"),
	"lib": func(c apiroutes.Context) error {
		if err := c.SetCookie(&http.Cookie{Name: "tok", Value: encodeURIComponent("v 1;é"), Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode}); err != nil {
			return err
		}
		return ok(c)
	},
	"del": with(func(c apiroutes.Context) error { return c.NoContent(204) }, "Set-Cookie", "a=; Path=/; Max-Age=0"),
}

func encodeURIComponent(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func c1(c apiroutes.Context) error { return c.JSON(200, object{"c": 1}) }

func a1(c apiroutes.Context) error { return c.JSON(200, object{"a": 1}) }

var headerKinds = kinds{
	"array":     headers("X-List", "a", "X-List", "b"),
	"number":    headers("X-Num", "5"),
	"ctbefore":  with(a1, "Content-Type", "application/vnd.api+json"),
	"ctsend":    with(func(c apiroutes.Context) error { return send(c, 200, "x") }, "Content-Type", "text/plain"),
	"ctsendobj": with(a1, "Content-Type", "application/vnd.api+json"),
	"ctbuf":     func(c apiroutes.Context) error { return c.Bytes(200, "image/png", []byte("abc")) },
	"cache":     with(c1, "Cache-Control", "s-maxage=60, stale-while-revalidate"),
	"etag":      with(c1, "ETag", `"mine"`),
	"lastmod":   with(c1, "Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
	"case":      headers("x-lower-CASE", "1"),
	"remove":    headers(),
	"latin1":    headers("X-L", "é"),
	"unicode":   headers("X-U", "✓"),
	"statusmsg": headers(),
	"empty":     headers("X-E", ""),
}

func redirect(status int, target string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.Redirect(status, target) }
}

// redirects: res.redirect(url) is 307. What JavaScript allows without a URL, or
// with arguments of other types, Go does not compile.
var redirects = kinds{
	"plain":    redirect(307, "/login"),
	"s301":     redirect(301, "/login"),
	"s302":     redirect(302, "/login"),
	"s303":     redirect(303, "/login"),
	"s308":     func(c apiroutes.Context) error { return c.RedirectExternal(308, "https://example.com/a?b=c") },
	"s200":     redirect(200, "/login"),
	"s999":     redirect(999, "/login"),
	"s1000":    redirect(1000, "/login"),
	"s99":      redirect(99, "/login"),
	"empty":    redirect(307, ""),
	"crlf":     redirect(307, "/x\r\nSet-Cookie: a=b"),
	"unicode":  redirect(307, "/café"),
	"latin":    redirect(307, "/a b"),
	"relative": redirect(307, "next"),
	"proto":    redirect(307, "//evil.example/x"),
	"twice": func(c apiroutes.Context) error {
		err := c.Redirect(307, "/a")
		_ = c.Redirect(307, "/b") // ErrAnswered: the first stands
		return err
	},
	"statusfirst": redirect(302, "/login"),
}

// chunks writes parts, each after a pause, and sends each at once.
func chunks(c apiroutes.Context, pause time.Duration, parts ...string) error {
	return c.Stream(func(w http.ResponseWriter) error {
		for i, part := range parts {
			if i > 0 {
				if err := sleep(c, pause); err != nil {
					return err
				}
			}
			if _, err := w.Write([]byte(part)); err != nil {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
		}
		return nil
	})
}

func parts(parts ...string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return chunks(c, 15*time.Millisecond, parts...) }
}

var streams = kinds{
	"chunks":     with(parts("chunk 0\n", "chunk 1\n", "chunk 2\n"), "Content-Type", "text/plain"),
	"sse":        with(parts("data: 0\n\n", "data: 1\n\n", "data: 2\n\n"), "Content-Type", "text/event-stream", "Cache-Control", "no-cache, no-transform"),
	"readable":   with(parts("a", "b", "c"), "Content-Type", "application/octet-stream"),
	"pipe":       parts("p", "q"),
	"endonly":    func(c apiroutes.Context) error { return c.Text(200, "plain end") },
	"writeend":   parts("one,", "two"),
	"withlength": with(parts("12345"), "Content-Length", "5"),
	"badlength":  with(parts("12345"), "Content-Length", "3"),
	"flush":      with(parts("", "flushed"), "Content-Type", "text/plain"),
}

func fails(err error) apiroutes.HandlerFunc { return func(apiroutes.Context) error { return err } }

var throws = kinds{
	"sync":        fails(errors.New("sync boom")),
	"async":       fails(errors.New("async boom")),
	"string":      fails(errors.New("just a string")),
	"undefined":   fails(errors.New("undefined")),
	"null":        fails(errors.New("null")),
	"object":      fails(fmt.Errorf("%v", object{"code": 1})),
	"reject":      fails(errors.New("rejected")),
	"rejectundef": fails(errors.New("undefined")),
	"statuserror": fails(apiroutes.Errorf(418, "teapot")),
	"afterstatus": with(fails(errors.New("after status")), "X-Set", "1"),
	"aftercookie": with(fails(errors.New("after cookie")), "Set-Cookie", "a=1"),
	"aftersend": func(c apiroutes.Context) error {
		return errors.Join(c.JSON(200, object{"sent": true}), errors.New("after send"))
	},
	"afterwrite": with(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, err := w.Write([]byte("partial"))
			return errors.Join(err, errors.New("after write"))
		})
	}, "Content-Type", "text/plain"),
	"asyncaftersend": func(c apiroutes.Context) error {
		return errors.Join(c.JSON(200, object{"sent": true}), errors.New("late"))
	},
	"jsontwice": func(c apiroutes.Context) error {
		err := c.JSON(200, object{"a": 1})
		_ = c.JSON(200, object{"b": 2}) // ErrAnswered: the first stands
		return err
	},
	"setheaderafter": func(c apiroutes.Context) error { return errors.Join(c.Text(200, "x"), c.SetHeader("a", "b")) },
	"endtwice":       func(c apiroutes.Context) error { return errors.Join(c.Text(200, "one"), c.Text(200, "two")) },
	"writeafterend":  func(c apiroutes.Context) error { return errors.Join(c.Text(200, "one"), c.Text(200, "two")) },
	"badheader":      headers("bad header", "x"),
	"badheadervalue": headers("X-A", "a\r\nb"),
}
