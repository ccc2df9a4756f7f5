package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
)

// pages registers the folder pages/api. A page gets every method.
func pages(r *apiroutes.Router) {
	page := func(r *apiroutes.Router, pattern string, h apiroutes.HandlerFunc) { r.Handle(pattern, h) }
	for _, route := range []string{
		"/api/$city", "/api/CamelCase", "/api/café", "/api/hello.json", "/api/plus+sign", "/api/with space",
		"/api/user/[id]", "/api/user/[...params]", "/api/num/[123]", "/api/proto/[__proto__]", "/api/pre/[id]/x", "/api/dot/[file]",
		"/api/mix", "/api/mix/static", "/api/mix/static/deep", "/api/mix/[id]", "/api/mix/[...all]", "/api/dup/index",
		"/api/posts/[year]/[slug]", "/api/posts/[year]/[slug]/comments/[[...cid]]", "/api/opt/[id]", "/api/opt/[[...rest]]",
		"/api/a/b/[y]", "/api/a/[x]/c", "/api/a/[x]/d/[w]", "/api/a/[...z]", "/api/hy/[post-id]", "/api/hy/[post-id]/[_u]",
	} {
		page(r, route, func(c apiroutes.Context) error { return c.JSON(200, object{"route": route, "query": query(c)}) })
	}
	page(r, "/api", func(c apiroutes.Context) error { return c.JSON(200, object{"route": "/api"}) })
	page(r, "/api/docs/[[...slug]]", docs)
	page(r, "/api/hello", hello)
	page(r, "/api/echo", echo)
	page(r, "/api/edge", edge)
	r.Route("/api/data", apiroutes.Methods{Get: getData, Post: postData})

	items := new(items)
	r.Route("/api/crud", apiroutes.Methods{Get: items.list, Post: items.create})
	r.Route("/api/crud/[id]", apiroutes.Methods{Get: items.read, Put: items.replace, Patch: items.change, Delete: items.remove})

	log := new(requestLog)
	page(r, "/api/log", log.show)
	page(r.With(log.middleware), "/api/logged", func(c apiroutes.Context) error { return c.JSON(202, object{"ok": true}) })
	page(r.With(log.middleware, requireToken), "/api/chain", chain)
	cors := middleware.CORS(middleware.CORSConfig{Origins: []string{"*"}, Methods: []string{"POST", "GET"}, Headers: []string{"*"}})
	page(r.With(cors), "/api/cors", func(c apiroutes.Context) error { return c.JSON(200, object{"message": "Hello Everyone!"}) })
	r.With(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Mw", "1"); next.ServeHTTP(w, r) })
	}).Route("/api/nc", apiroutes.Methods{
		Get:  func(c apiroutes.Context) error { return c.JSON(200, object{"m": "get"}) },
		Post: func(c apiroutes.Context) error { return c.JSON(201, object{"m": "post"}) },
	})

	page(r, "/api/raw", raw)
	page(r, "/api/rawnoread", func(c apiroutes.Context) error { return c.JSON(200, object{"ok": true}) })
	page(r, "/api/limit/default", length)
	page(r.MaxBody(1<<10), "/api/limit/1kb", length)
	page(r.MaxBody(2<<20), "/api/limit/2mb", length)
	page(r.MaxBody(16), "/api/limit/num", length)
	page(r, "/api/rlimit/10kb", func(c apiroutes.Context) error { return c.Text(200, strings.Repeat("x", 11000)) })
	page(r, "/api/rlimit/default", func(c apiroutes.Context) error { return c.Text(200, strings.Repeat("x", 4<<20+10)) })
	page(r, "/api/rlimit/off", func(c apiroutes.Context) error { return c.Text(200, strings.Repeat("x", 4<<20+10)) })
	page(r, "/api/noanswer", func(apiroutes.Context) error { return nil })
	page(r, "/api/returnsvalue", func(c apiroutes.Context) error { return c.JSON(200, object{"ok": 1}) })
	page(r, "/api/slow", slow)

	page(r, "/api/gzip/[kind]", gzipped.handle)
	page(r, "/api/json/[kind]", jsonValues)
	page(r, "/api/send/[kind]", sendValues)
	page(r, "/api/status/[code]", status)
	page(r, "/api/statusodd/[kind]", oddStatus)
	page(r, "/api/cookies/[kind]", cookieKinds.handle)
	page(r, "/api/headers/[kind]", headerKinds.handle)
	page(r, "/api/redirect/[kind]", redirects.handle)
	page(r, "/api/stream/[kind]", streams.handle)
	page(r, "/api/throw/[kind]", throws.handle)
}

func hello(c apiroutes.Context) error { return c.JSON(200, object{"message": "Hello, World!"}) }

func docs(c apiroutes.Context) error {
	return c.JSON(200, object{"route": "/api/docs/[[...slug]]", "query": query(c), "hasSlug": c.Segments("slug") != nil})
}

func echo(c apiroutes.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	return c.JSON(200, object{
		"method": c.Request().Method, "url": c.Request().URL.RequestURI(), "query": query(c),
		"bodyType": typeOf(b), "body": b, "cookies": cookies(c),
		"contentType": orNull(c, "Content-Type"), "xtest": orNull(c, "X-Test"),
	})
}

func edge(c apiroutes.Context) error {
	return respond(c, 200, object{"m": c.Request().Method, "u": c.Request().URL.Path})
}

func getData(c apiroutes.Context) error {
	return c.JSON(200, object{"data": "GET request received"})
}

func postData(c apiroutes.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	return c.JSON(201, object{"data": "POST request received", "body": b})
}

// items is what the pages crud and crud/[id] share.
type items struct {
	mu   sync.Mutex
	ids  []string
	byID map[string]object
}

func (s *items) list(c apiroutes.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []object{}
	for _, id := range s.ids {
		if item, ok := s.byID[id]; ok {
			all = append(all, item)
		}
	}
	return c.JSON(200, all)
}

func (s *items) create(c apiroutes.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	item := merge(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if item["id"] == nil {
		item["id"] = strconv.Itoa(len(s.byID) + 1)
	}
	id := fmt.Sprint(item["id"])
	s.put(id, item)
	if err := c.SetHeader("Location", "/api/crud/"+url.PathEscape(id)); err != nil {
		return err
	}
	return c.JSON(201, item)
}

func (s *items) put(id string, item object) {
	if s.byID == nil {
		s.byID = map[string]object{}
	}
	if _, known := s.byID[id]; !known {
		s.ids = append(s.ids, id)
	}
	s.byID[id] = item
}

// find calls do with the item of the path, under the lock.
func (s *items) find(c apiroutes.Context, do func(id string, item object) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	item, ok := s.byID[c.Param("id")]
	if !ok {
		return apiroutes.Errorf(404, "Not found")
	}
	return do(c.Param("id"), item)
}

func (s *items) read(c apiroutes.Context) error {
	return s.find(c, func(_ string, item object) error { return c.JSON(200, item) })
}

func (s *items) replace(c apiroutes.Context) error {
	return s.write(c, func(_ object, sent any, id object) object { return merge(sent, id) })
}

func (s *items) change(c apiroutes.Context) error {
	return s.write(c, func(item object, sent any, id object) object { return merge(item, sent, id) })
}

func (s *items) write(c apiroutes.Context, combine func(item object, sent any, id object) object) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	return s.find(c, func(id string, item object) error {
		s.put(id, combine(item, b, object{"id": id}))
		return c.JSON(200, s.byID[id])
	})
}

func (s *items) remove(c apiroutes.Context) error {
	return s.find(c, func(id string, _ object) error {
		delete(s.byID, id)
		return c.NoContent(204)
	})
}

// requestLog is withLogger, and what it keeps.
type requestLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *requestLog) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := r.Method + " " + r.URL.RequestURI()
		w.Header().Set("X-Logged", line)
		seen := &statusWriter{ResponseWriter: w, status: 200}
		next.ServeHTTP(seen, r)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, fmt.Sprint(line, " ", seen.status))
	})
}

// statusWriter remembers res.statusCode.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (l *requestLog) show(c apiroutes.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return c.JSON(200, append([]string{}, l.lines...))
}

type userKey struct{}

// requireToken is withAuth. withErrors is what the router does with errors.
func requireToken(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			fail(w, r, apiroutes.Errorf(401, "Unauthorized"))
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "ann")))
	})
}

func chain(c apiroutes.Context) error {
	if fail := c.Query("fail"); fail != "" {
		return apiroutes.Errorf(422, "failed: %s", fail)
	}
	return c.JSON(200, object{"user": object{"name": c.Context().Value(userKey{})}})
}

func raw(c apiroutes.Context) error {
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(b)
	return c.JSON(200, object{"parsedBody": "undefined", "len": len(b), "b64": text[:min(200, len(text))]})
}

func length(c apiroutes.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	text, isText := b.(string)
	if !isText {
		encoded, _ := json.Marshal(b)
		text = string(encoded)
	}
	return c.JSON(200, object{"len": len(text)})
}

func slow(c apiroutes.Context) error {
	ms, _ := strconv.Atoi(c.Query("ms"))
	if err := sleep(c, time.Duration(ms)*time.Millisecond); err != nil {
		return err
	}
	return c.JSON(200, object{"slept": true})
}

// sleep waits, but not for a client that is gone.
func sleep(c apiroutes.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-c.Context().Done():
		return c.Context().Err()
	}
}

func status(c apiroutes.Context) error {
	code, err := strconv.Atoi(c.Param("code"))
	if err != nil {
		return err
	}
	switch c.Query("with") {
	case "json":
		return c.JSON(code, object{"code": code})
	case "send":
		return c.Text(code, "text "+strconv.Itoa(code))
	case "jsonheader":
		return with(func(c apiroutes.Context) error { return c.JSON(code, object{"code": code}) }, "Content-Type", "text/x")(c)
	}
	return c.NoContent(code)
}

func oddStatus(c apiroutes.Context) error {
	codes := map[string]int{"neg": -1, "big": 1000, "small": 99, "s100": 100, "s101": 101}
	return c.JSON(codes[c.Param("kind")], object{"ok": 1})
}

var gzipped = kinds{
	"small":   func(c apiroutes.Context) error { return c.JSON(200, object{"a": strings.Repeat("x", 100)}) },
	"big":     func(c apiroutes.Context) error { return c.JSON(200, object{"a": strings.Repeat("x", 5000)}) },
	"bigtext": func(c apiroutes.Context) error { return c.Text(200, strings.Repeat("y", 5000)) },
	"bigbin":  func(c apiroutes.Context) error { return c.Bytes(200, "", []byte(strings.Repeat("\x01", 5000))) },
	"png": func(c apiroutes.Context) error {
		return c.Bytes(200, "image/png", []byte(strings.Repeat("\x01", 5000)))
	},
	"notransform": with(func(c apiroutes.Context) error { return c.JSON(200, object{"a": strings.Repeat("x", 5000)}) }, "Cache-Control", "no-transform"),
	"exact1023":   func(c apiroutes.Context) error { return c.JSON(200, object{"a": strings.Repeat("x", 1023-8)}) },
	"exact1024":   func(c apiroutes.Context) error { return c.JSON(200, object{"a": strings.Repeat("x", 1024-8)}) },
}

// jsonValues has the values that both languages know.
func jsonValues(c apiroutes.Context) error {
	return valueOf(c, map[string]any{
		"null": nil, "string": "str", "empty": "", "number": 3.5, "neg0": math.Copysign(0, -1), "nan": math.NaN(), "inf": math.Inf(1), "true": true,
		"unicode": object{"s": "é ✓ 😀 \u2028 \u0001 \"q\" \\ / <script>&"}, "buffer": object{"type": "Buffer", "data": []int{97, 98}},
		"order": object{"b": 1, "a": 2, "10": "x", "2": "y"}, "tojson": object{"x": 1}, "bignum": uint64(12345678901234567890), "map": object{}, "error": object{},
	}, func(v any) error { return c.JSON(200, v) })
}

func sendValues(c apiroutes.Context) error {
	return valueOf(c, map[string]any{
		"string": "hello", "empty": "", "html": "<b>hi</b>", "unicode": "héllo ✓ 😀", "stringjson": `{"a":1}`,
		"object": object{"a": 1, "b": []any{1, 2, object{"c": nil}}}, "emptyobject": object{}, "array": []any{1, "two", nil},
		"number": 42, "zero": 0, "nan": math.NaN(), "true": true, "false": false, "buffer": []byte{0, 1, 2, 250, 255}, "emptybuffer": []byte{}, "uint8": []byte{1, 2, 3},
		"null": nil, "undefined": nil, "date": time.Unix(0, 0).UTC().Format("2006-01-02T15:04:05.000Z07:00"), "error": object{}, "map": object{},
	}, func(v any) error {
		if c.Param("kind") == "date" {
			return c.JSON(200, v)
		}
		return send(c, 200, v)
	})
}

// valueOf answers with the value of a kind.
func valueOf(c apiroutes.Context, values map[string]any, answer func(any) error) error {
	v, ok := values[c.Param("kind")]
	if !ok {
		return fmt.Errorf("there is no kind %q", c.Param("kind"))
	}
	return answer(v)
}
