package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/apiroutes/apiroutes"
)

// appRoutes registers the folder app. A route has the methods that its file
// exports.
func appRoutes(r *apiroutes.Router) {
	for _, route := range []string{
		"/api2/user/[id]", "/api2/mix/static", "/api2/mix/[id]", "/api2/mix/[...all]", "/api2/files/[...path]", "/api2/docs/[[...slug]]",
	} {
		r.Get(route, func(c apiroutes.Context) error {
			return respond(c, 200, object{"route": route, "params": pathParams(c), "search": search(c)})
		})
	}
	r.Get("/api2/noparams", routed("/api2/noparams"))
	r.Get("/api2/grouped", routed("/api2/(group)/grouped"))
	r.Get("/api2/_under", routed("/api2/%5Funder"))
	r.Get("/api2/hello", func(c apiroutes.Context) error { return respond(c, 200, object{"message": "Hello, World!"}) })
	r.Get("/api2/resjson", func(c apiroutes.Context) error { return respond(c, 200, object{"url": c.Request().URL.Path}) })
	r.Get("/api2/edge", text(200, "edge"))
	r.Get("/api2/lower", text(200, "upper"))
	r.Get("/api2/reval", func(c apiroutes.Context) error { return respond(c, 200, object{"cached": true}) })
	r.Get("/api2/dynamic", func(c apiroutes.Context) error {
		values := []string{}
		for _, p := range pairs(c.Request().URL.RawQuery) {
			if p[0] == "a" {
				values = append(values, p[1])
			}
		}
		return respond(c, 200, object{"q": values})
	})
	r.Get("/api2/headers", func(c apiroutes.Context) error {
		return respond(c, 200, object{"x": orNull(c, "X-Test"), "draft": false})
	})
	var after atomic.Int64
	r.Get("/api2/after", func(c apiroutes.Context) error {
		defer after.Add(1)
		return respond(c, 200, object{"after": after.Load()})
	})
	r.Route("/api2/defaultonly", apiroutes.Methods{Options: allowOptions})

	methods := func(m string) apiroutes.HandlerFunc {
		return func(c apiroutes.Context) error {
			return respond(c, 200, object{"handler": m, "method": c.Request().Method})
		}
	}
	r.Route("/api2/methods", apiroutes.Methods{
		Get: methods("GET"), Post: methods("POST"), Put: methods("PUT"), Patch: methods("PATCH"), Delete: methods("DELETE"),
	})
	r.Get("/api2/onlyget", with(text(200, "got"), "X-A", "1"))
	r.Post("/api2/onlypost", text(201, "posted"))
	r.Route("/api2/headonly", apiroutes.Methods{Head: with(empty(200), "X-Head", "only")})
	r.Route("/api2/customhead", apiroutes.Methods{Get: text(200, "body of get"), Head: with(empty(200), "X-Head", "yes")})
	r.Route("/api2/customoptions", apiroutes.Methods{
		Get: text(200, "g"), Options: with(empty(200), "Allow", "GET", "Access-Control-Allow-Origin", "*"),
	})
	r.Get("/api2/query", text(200, "g"))
	r.Method("QUERY", "/api2/query", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		b, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		return c.Text(200, string(b))
	}))
	cors := []string{"Access-Control-Allow-Origin", "*", "Access-Control-Allow-Methods", "GET, POST, OPTIONS", "Access-Control-Allow-Headers", "Content-Type"}
	r.Route("/api2/cors", apiroutes.Methods{
		Get:     with(func(c apiroutes.Context) error { return respond(c, 200, object{"ok": 1}) }, cors...),
		Options: with(empty(204), cors...),
	})
	r.Route("/api2/echo", apiroutes.Methods{Get: appEcho, Post: appEcho, Put: appEcho, Patch: appEcho, Delete: appEcho, Options: appEcho})
	r.Post("/api2/body/json", appJSON)
	r.Post("/api2/body/form", appForm)
	r.Post("/api2/body/twice", appTwice)
	r.Post("/api2/body/unread", func(c apiroutes.Context) error { return respond(c, 200, object{"ok": true}) })
	r.Get("/api2/cookies/[kind]", appCookies.handle)
	r.Route("/api2/redirect/[kind]", apiroutes.Methods{Get: appRedirects.handle, Post: appRedirects.handle})
	r.Get("/api2/throw/[kind]", fails(fmt.Errorf("boom")))
	r.Get("/api2/resp/[kind]", responses.handle)

	// What Next.js builds once is made for each request here, and says by its
	// header that it may be kept.
	once := func(h apiroutes.HandlerFunc) apiroutes.HandlerFunc {
		return with(h, "Cache-Control", "s-maxage=31536000")
	}
	r.Get("/api2/statictime", once(func(c apiroutes.Context) error { return respond(c, 200, object{"q": "", "fixed": true}) }))
	slug := func(c apiroutes.Context) error { return respond(c, 200, object{"slug": c.Param("slug")}) }
	r.Get("/api2/gsp/[slug]", once(slug))
	r.Get("/api2/gspstrict/one", once(func(c apiroutes.Context) error { return respond(c, 200, object{"slug": "one"}) }))
}

// routed is a route without parameters: params is undefined, and so left out.
func routed(route string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return respond(c, 200, object{"route": route, "search": search(c)}) }
}

// text is new Response(text).
func text(status int, text string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.Text(status, text) }
}

// empty is new Response(null).
func empty(status int) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.NoContent(status) }
}

// allowOptions is what Next.js answers for a file without handlers.
func allowOptions(c apiroutes.Context) error { return with(empty(204), "Allow", "OPTIONS")(c) }

// search is url.search.
func search(c apiroutes.Context) string {
	if q := c.Request().URL.RawQuery; q != "" {
		return "?" + q
	}
	return ""
}

// cookieList is cookies().getAll(): a name without a value reads "true".
func cookieList(c apiroutes.Context, more ...object) []object {
	list := []object{}
	for _, line := range c.Request().Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
			if value, _ = url.PathUnescape(value); !found {
				value = "true"
			}
			cookie := object{"name": name, "value": value}
			for _, m := range more {
				for k, v := range m {
					cookie[k] = v
				}
			}
			list = append(list, cookie)
		}
	}
	return list
}

func appEcho(c apiroutes.Context) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	return respond(c, 200, object{
		"method": c.Request().Method, "pathname": c.Request().URL.Path, "search": search(c), "query": pairs(c.Request().URL.RawQuery),
		"text": string(b), "err": nil, "contentType": orNull(c, "Content-Type"), "cookies": cookieList(c), "xtest": orNull(c, "X-Test"), "params": "<undefined>",
	})
}

// appJSON is request.json(), which does not look at the type.
func appJSON(c apiroutes.Context) error {
	c.Request().Header.Set("Content-Type", "application/json")
	var v any
	if err := c.Decode(&v); err != nil {
		return err
	}
	return respond(c, 200, object{"body": v})
}

// appTwice reads a body again: it is at its end, where JavaScript throws.
func appTwice(c apiroutes.Context) error {
	a, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	return respond(c, 200, object{"a": string(a), "b": string(b)})
}

// appForm is request.formData(), which keeps the order of the fields.
func appForm(c apiroutes.Context) error {
	form := [][2]any{}
	if strings.HasPrefix(c.Header("Content-Type"), "application/x-www-form-urlencoded") {
		b, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		for _, p := range pairs(string(b)) {
			form = append(form, [2]any{p[0], p[1]})
		}
		return respond(c, 200, object{"form": form})
	}
	for part, err := range c.Parts() {
		if err != nil {
			return err
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		var value any = string(b)
		if part.FileName() != "" {
			value = object{"file": part.FileName(), "type": part.Header.Get("Content-Type"), "size": len(b)}
		}
		form = append(form, [2]any{part.FormName(), value})
	}
	return respond(c, 200, object{"form": form})
}

// cookie sets a cookie as cookies().set does: for the whole site unless it
// says otherwise.
func cookie(h apiroutes.HandlerFunc, set ...http.Cookie) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error {
		for _, k := range set {
			if k.Path == "" {
				k.Path = "/"
			}
			if err := c.SetCookie(&k); err != nil {
				return err
			}
		}
		return h(c)
	}
}

func appOK(c apiroutes.Context) error { return respond(c, 200, object{"ok": 1}) }

var appCookies = kinds{
	"get": func(c apiroutes.Context) error {
		return respond(c, 200, object{"all": cookieList(c, object{"path": "/"})})
	},
	"set": cookie(appOK, http.Cookie{Name: "a", Value: "1"}),
	"setopts": func(c apiroutes.Context) error {
		return cookie(appOK, http.Cookie{Name: "tok", Value: encodeURIComponent("v 1;é"), Path: "/x", MaxAge: 60, Expires: time.Now().Add(time.Minute), HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})(c)
	},
	"two":      cookie(appOK, http.Cookie{Name: "a", Value: "1"}, http.Cookie{Name: "b", Value: "2"}),
	"del":      cookie(appOK, http.Cookie{Name: "a", Expires: time.Unix(0, 0)}),
	"nr":       cookie(appOK, http.Cookie{Name: "n", Value: "r"}),
	"both":     cookie(appOK, http.Cookie{Name: "a", Value: "2"}),
	"hdr":      with(text(200, "ok"), "Set-Cookie", "x=1", "Set-Cookie", "y=2"),
	"redirect": cookie(redirect(307, "/login"), http.Cookie{Name: "a", Value: "1"}),
}

var appRedirects = kinds{
	"nav":      redirect(307, "/login"),
	"perm":     redirect(308, "/login"),
	"replace":  redirect(307, "/login"),
	"nr":       redirect(307, "/login"),
	"nr302":    redirect(302, "/login"),
	"nr200":    redirect(200, "/login"),
	"nrrel":    redirect(307, "/login"),
	"resp":     func(c apiroutes.Context) error { return c.RedirectExternal(302, "https://example.com/x") },
	"respperm": func(c apiroutes.Context) error { return c.RedirectExternal(301, "https://example.com/x") },
	"notfound": fails(apiroutes.Errorf(404, "")),
}

func octets(contentType, b string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.Bytes(200, contentType, []byte(b)) }
}

var responses = kinds{
	"text":     text(200, "hi"),
	"empty":    empty(200),
	"null":     empty(200),
	"s204":     empty(204),
	"s204body": text(204, "x"),
	"s304":     empty(304),
	"s201":     with(func(c apiroutes.Context) error { return respond(c, 201, object{"created": 1}) }, "Location", "/x"),
	"s999":     text(999, "x"),
	"s101":     empty(101),
	"bytes":    octets("", "\x00\x01\xff"),
	"blob":     octets("image/png", "abc"),
	"params":   octets("application/x-www-form-urlencoded;charset=UTF-8", url.Values{"a": {"1"}, "b": {"é"}}.Encode()),
	"jsonnull": func(c apiroutes.Context) error { return respond(c, 200, nil) },
	"jsonct":   octets("application/vnd.api+json", `{"a":1}`),
	"stream":   with(parts("chunk 0\n", "chunk 1\n", "chunk 2\n"), "Content-Type", "text/plain"),
	"streamerr": func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_, _ = w.Write([]byte("part"))
			return fmt.Errorf("stream boom")
		})
	},
	"sse":        with(parts("data: 0\n\n", "data: 1\n\n"), "Content-Type", "text/event-stream"),
	"big":        func(c apiroutes.Context) error { return respond(c, 200, object{"a": strings.Repeat("x", 5000)}) },
	"statustext": text(200, "x"),
	"etag":       with(text(200, "x"), "ETag", `"abc"`),
}
