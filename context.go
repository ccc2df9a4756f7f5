package apiroutes

import (
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/apiroutes/apiroutes/params"
)

// Context is one request and its answer, as a handler sees them. It is a small
// value, made when the handler is called, and nothing in it is reused by other
// requests: what it reads stays as it was for ever, also in goroutines that
// outlive the handler. Reads are safe for concurrent use. Of several answers,
// also concurrent ones, the first is written; see [ErrAnswered]. Setting
// headers is not safe for concurrent use.
//
// The zero value is of no use: a Context comes from the router, or from
// [HandlerFunc.ServeHTTP].
type Context struct {
	w     http.ResponseWriter
	r     *http.Request
	route *endpoint
	// Where the last eight parameters stand in URL.Path, if the route has no
	// middleware; see shape.spans. All of Context fits in registers.
	near, far uint64
}

// HandlerFunc handles a request by answering through c, or by returning an
// error that is answered for it. A HandlerFunc that does neither leaves an
// empty 200, as in net/http.
type HandlerFunc func(c Context) error

// ServeContext calls f(c).
func (f HandlerFunc) ServeContext(c Context) error { return f(c) }

// ServeHTTP makes a HandlerFunc an [http.Handler] on its own, for other
// routers and for tests. Path parameters are then those of [http.Request.PathValue]
// and errors are answered by [JSONError].
func (f HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serveContext(f, Context{w: w, r: enter(r), route: &standalone})
}

// serveContext is the edge between net/http and Context: it calls the handler
// and answers the error that it returns. What it keeps across the call is little,
// for each store before the atomic operation at its end is waited for there.
func serveContext(f HandlerFunc, c Context) {
	w, r, route := c.w, c.r, c.route
	var before *multipart.Form // of somebody further out; see endpoint.bare
	if !route.bare {
		before = r.MultipartForm
	}
	running := true
	defer func() {
		if running && endPanicking(r, before) {
			if v := recover(); v != nil { // else runtime.Goexit
				abortPanicking(w, r, v)
			}
		}
	}()
	err := f(c)
	running = false
	if err == nil && route.bare && swap(r, nil, markReturned) {
		return
	}
	end(w, r, route, before, err)
}

// end ends a request whose handler has returned err: it waits for an answer
// under way, and closes the request to later ones. before is the form of somebody
// further out.
func end(w http.ResponseWriter, r *http.Request, route *endpoint, before *multipart.Form, err error) {
	m := leave(r)
	if !route.bare {
		removeUploads(r, before)
	}
	if err == nil && m.state == broken {
		err = m.cause // the handler dropped it, the log must not
	}
	if err != nil {
		fail(route.scope.render, w, r, err)
	}
}

// endPanicking ends a request whose handler panics, and reports whether a part of
// its answer is out. A recovering middleware may let the request live on, so its
// answer is closed as after a return. If a part of it is out, the panic goes on as
// http.ErrAbortHandler, or that middleware would complete the part with an answer
// of its own: it cannot know, for it may hold another copy of the request.
func endPanicking(r *http.Request, before *multipart.Form) (partly bool) {
	m := leave(r)
	removeUploads(r, before)
	return m.state == broken
}

func abortPanicking(w http.ResponseWriter, r *http.Request, v any) {
	if v != http.ErrAbortHandler {
		record(w, r, http.StatusInternalServerError, fmt.Errorf("panic after a part of the answer: %v\n%s", v, debug.Stack()))
	}
	abort(w)
}

// Request returns the request. Its PathValue has the path parameters only
// behind middleware and in plain handlers; [Context.Param] always does.
//
// An answer is noted in the request itself. So a copy for another goroutine
// (Clone, WithContext) is made before that starts, not in it while the handler
// answers; everything else may be read concurrently.
func (c Context) Request() *http.Request { return c.r }

// Context returns the request's context. It is done when the client is gone,
// and when the handler has returned.
func (c Context) Context() context.Context { return c.r.Context() }

// Param returns the decoded value of a path parameter: of the route's pattern,
// else of an outer router, as [http.Request.PathValue] has it. A catch-all is
// the decoded remainder of the path, whose slashes may be data: read
// [Context.Segments]. An unknown name, or an absent optional catch-all, is "".
//
// Nothing but the path is ever read: no query, body or header can pose as a
// path parameter.
func (c Context) Param(name string) string {
	if c.route.bare {
		for i, own := range c.route.shape.names {
			if !sameName(own, name) {
				continue
			}
			fromLast, word := len(c.route.shape.names)-1-i, c.near
			if fromLast > 3 {
				word = c.far
			}
			span := uint16(word >> (fromLast & 3 * 16))
			// The comparisons are for a handler that changes URL.Path under our feet.
			path, start, end := c.r.URL.Path, int(span>>8), int(span&0xff)
			if start == 0 || start > end || end > len(path) || fromLast > 7 {
				return c.route.shape.value(c.r.URL, i)
			}
			return path[start:end]
		}
	}
	return foreignParam(c.r, name)
}

// sameName is own == name for short texts, without a call, for which Param would
// have to save all that it holds.
func sameName(own, name string) bool {
	if len(own) != len(name) {
		return false
	}
	for i := range len(own) {
		if own[i] != name[i] {
			return false
		}
	}
	return true
}

// foreignParam is apart so that nothing of it is made a part of Param.
//
//go:noinline
func foreignParam(r *http.Request, name string) string { return r.PathValue(name) }

// PathValue is [Context.Param] by the name that [http.Request.PathValue] has,
// so that package params reads either. It also has what [params.RawQuery] names.
func (c Context) PathValue(name string) string {
	if name == params.RawQuery {
		return c.r.URL.RawQuery
	}
	return c.Param(name)
}

// Segments returns the segments that a catch-all parameter matched, each
// decoded on its own: for "/a%2Fb/c" they are "a/b" and "c". It is nil if an
// optional catch-all is absent, and for a name that is unknown or no catch-all.
//
// Behind a foreign router, which keeps only the decoded remainder, that is
// split at its slashes.
func (c Context) Segments(name string) []string {
	s := c.route.shape
	switch own := slices.Contains(s.names, name); {
	case own && name != s.rest:
		return nil
	case own && c.route.bare:
		return segmentsFrom(c.r.URL, s.depth)
	}
	if canonical := c.r.PathValue(restKey(name)); canonical != "" {
		segments := strings.Split(canonical, "/")
		for i, s := range segments {
			segments[i] = plain(s)
		}
		return segments
	}
	if rest := c.r.PathValue(name); rest != "" {
		return strings.Split(rest, "/")
	}
	return nil
}

// Header returns the first value of a request header, or "". Host is among
// them.
func (c Context) Header(name string) string {
	if value := c.r.Header.Get(name); value != "" || !strings.EqualFold(name, "Host") {
		return value
	}
	return c.r.Host
}

// Query returns the first value of a query parameter, or "". It is lenient, so
// that nothing a client sent is lost: an escape that is none keeps its text,
// and a semicolon is data. [Context.QueryValues] is strict.
func (c Context) Query(name string) string {
	for query := c.r.URL.RawQuery; query != ""; {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if unescapeLenient(key, true) == name {
			return unescapeLenient(value, true)
		}
	}
	return ""
}

// QueryValues returns all query parameters, or a 400 if the query is malformed:
// a bad escape, or a semicolon, which servers disagree about.
func (c Context) QueryValues() (url.Values, error) {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "the query is malformed: %s", bounded(err.Error())).WithCause(err)
	}
	return values, nil
}

// Cookie returns the value of a cookie, or "": the first one of that name,
// without surrounding quotes and percent-decoded; an escape that is none keeps
// its text. Unlike [http.Request.Cookie], which gives the value as it was sent,
// it drops no cookie for its value and knows no limit to their number.
func (c Context) Cookie(name string) string {
	for _, line := range c.r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, found := strings.Cut(pair, "=")
			if !found || strings.Trim(key, " \t") != name {
				continue
			}
			value = strings.Trim(value, " \t")
			if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			}
			return unescapeLenient(value, false)
		}
	}
	return ""
}

// unescapeLenient decodes each valid escape and, in a query, each plus sign,
// and keeps all other text.
func unescapeLenient(text string, query bool) string {
	if strings.IndexByte(text, '%') < 0 && !(query && strings.IndexByte(text, '+') >= 0) {
		return text
	}
	decoded := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == '+' && query {
			b = ' '
		} else if escaped, ok := unescapeByte(text[i:]); ok {
			b = escaped
			i += 2
		}
		decoded = append(decoded, b)
	}
	return string(decoded)
}
