package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/url"
	"regexp"
	"strings"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
)

// object is a JavaScript object in an answer.
type object = map[string]any

// merge is {...a, ...b}: what is no object has nothing to give.
func merge(parts ...any) object {
	all := object{}
	for _, part := range parts {
		o, _ := part.(object)
		maps.Copy(all, o)
	}
	return all
}

// query is req.query of a page: one object for what was searched and for the
// parameters of the path, which win.
func query(c apiroutes.Context) object {
	q := object{}
	for _, p := range pairs(c.Request().URL.RawQuery) {
		add(q, p[0], p[1])
	}
	for name, value := range pathParams(c) {
		q[name] = value
	}
	return q
}

// pathParams is the object params of a route: text, and a list for a catch-all.
func pathParams(c apiroutes.Context) object {
	values := object{}
	pattern, _ := params.ParsePattern(c.Request().Pattern)
	for _, s := range pattern {
		switch {
		case s.Kind == params.Static:
		case !s.IsCatchAll():
			values[s.Text] = c.Param(s.Text)
		case c.Segments(s.Text) != nil: // else the key is absent
			values[s.Text] = c.Segments(s.Text)
		}
	}
	return values
}

// pairs is [...url.searchParams]: lenient, in the order of the URL.
func pairs(raw string) [][2]string {
	list := [][2]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair != "" {
			key, value, _ := strings.Cut(pair, "=")
			list = append(list, [2]string{unescape(key), unescape(value)})
		}
	}
	return list
}

// unescape keeps an escape that is none.
func unescape(text string) string {
	text = escape.ReplaceAllStringFunc(text, func(e string) string {
		if e == "%" {
			return "%25"
		}
		return e
	})
	text, _ = url.QueryUnescape(text)
	return text
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}|%`)

// add puts a value into an object as Next.js does: alone it is text, and with
// others of its name a list.
func add(o object, name, value string) {
	switch before := o[name].(type) {
	case nil:
		o[name] = value
	case string:
		o[name] = []string{before, value}
	case []string:
		o[name] = append(before, value)
	}
}

// body is req.body of a page: an object for a form, {} for JSON without a body,
// and text for every type that is neither.
func body(c apiroutes.Context) (any, error) {
	r := c.Request()
	buffered := bufio.NewReader(r.Body)
	_, none := buffered.Peek(1)
	r.Body = struct {
		io.Reader
		io.Closer
	}{buffered, r.Body}

	switch mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType {
	case "application/json", "application/ld+json":
		if none == io.EOF {
			return object{}, nil
		}
		var v any
		err := c.Decode(&v)
		return v, err
	case "application/x-www-form-urlencoded":
		text, err := io.ReadAll(r.Body)
		form := object{}
		for _, p := range pairs(string(text)) {
			add(form, p[0], p[1])
		}
		return form, err
	}
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

// typeOf is typeof, for what body returns.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		return "number"
	}
	return "object"
}

// cookies is req.cookies of a page.
func cookies(c apiroutes.Context) object {
	all := object{}
	for _, line := range c.Request().Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if name, _, found := strings.Cut(pair, "="); found {
				name = strings.TrimSpace(name)
				all[name] = c.Cookie(name)
			}
		}
	}
	return all
}

// send is res.send: JSON for everything but text and bytes.
func send(c apiroutes.Context, status int, v any) error {
	switch v := v.(type) {
	case nil:
		return c.NoContent(status)
	case string:
		return c.Text(status, v)
	case []byte:
		return c.Bytes(status, "", v)
	}
	return c.JSON(status, v)
}

// respond is Response.json, whose Content-Type has no charset.
func respond(c apiroutes.Context, status int, v any) error {
	if err := c.SetHeader("Content-Type", "application/json"); err != nil {
		return err
	}
	return c.JSON(status, v)
}

// orNull is header ?? null.
func orNull(c apiroutes.Context, header string) any {
	if _, sent := c.Request().Header[header]; !sent {
		return nil
	}
	return c.Header(header)
}

// kinds are the handlers of a page that does one of many things, by its
// parameter [kind].
type kinds map[string]apiroutes.HandlerFunc

func (k kinds) handle(c apiroutes.Context) error {
	if h, ok := k[c.Param("kind")]; ok {
		return h(c)
	}
	return fmt.Errorf("there is no kind %q", c.Param("kind"))
}

// headers answers with {} behind some headers: a kind of several pages.
func headers(pairs ...string) apiroutes.HandlerFunc {
	return with(func(c apiroutes.Context) error { return c.JSON(200, object{}) }, pairs...)
}

// with sets headers, adding those of one name, and then answers.
func with(h apiroutes.HandlerFunc, pairs ...string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error {
		var err error
		for i := 0; i < len(pairs); i += 2 {
			err = cmp.Or(err, c.AddHeader(pairs[i], pairs[i+1]))
		}
		if err != nil {
			return err
		}
		return h(c)
	}
}
