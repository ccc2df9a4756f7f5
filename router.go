package apiroutes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/apiroutes/apiroutes/params"
)

// Router is a registry of handlers by pattern and an [http.Handler] that
// serves them. A *Router is a view: Group, With, OnError, MaxBody and Slashes
// return further views, with more in front of the handlers that are registered
// through them, and leave their receiver as it is; all views register into, and serve, the same routes. What a
// view answers when no route matches is wrapped in the middleware of New and
// written by the view's own error renderer.
//
// Register first, then serve: registration panics after the first request,
// and for every mistake, with the place of the call, since a program with a
// wrong route should not start. All methods are safe for concurrent use. The
// zero value is of no use; call [New].
type Router struct {
	table  *table
	prefix string // "" or a pattern without a trailing slash
	scope  *scope

	unmatched http.Handler
	once      sync.Once
}

// table is what all views of a router share.
type table struct {
	mu      sync.Mutex
	root    node              // nothing once the matcher is made
	shapes  map[string]*shape // likewise
	base    *scope            // with the middleware of New
	closed  bool              // to registration
	current *matcher          // of what is registered, once somebody asked

	freezing sync.Mutex
	frozen   atomic.Pointer[matcher] // once requests are served
}

// SlashPolicy says what becomes of a path with doubled or trailing slashes
// whose clean form matches a route. Without a match it is a 404 in any case.
type SlashPolicy uint8

const (
	// SlashRedirect answers 308 with the clean path, the default.
	SlashRedirect SlashPolicy = iota
	// SlashServe serves the route as if the path were clean. URL.Path stays
	// as it was sent.
	SlashServe
	// SlashNotFound answers 404.
	SlashNotFound
)

// New returns a router whose middleware, the outermost first, wraps everything
// that it answers: handlers, 400, 404, 405, OPTIONS and redirects.
//
// Middleware runs after the route was found, so that it sees [http.Request.Pattern]
// and path values, and cannot change which route it guards. What shall change
// the path or the method of a request wraps the router itself from outside.
func New(mw ...Middleware) *Router {
	base := new(scope).with(mw, "New", caller())
	return &Router{table: &table{base: base}, scope: base}
}

// view returns a view of the same routes with another scope.
func (r *Router) view(s *scope) *Router {
	return &Router{table: r.table, prefix: r.prefix, scope: s}
}

// Group returns a view whose patterns are prefixed and whose handlers are
// wrapped in mw, inside of what r has. The prefix may have parameters but no
// catch-all; "/" adds none. In a group the pattern "/" is the prefix itself.
//
// Middleware of a group sees only requests for the group's own routes: it is
// bound to routes, not to a prefix of paths. CORS, which must answer also
// where a method is missing, belongs in New or in the parent of all groups
// that share a pattern.
func (r *Router) Group(prefix string, mw ...Middleware) *Router {
	at := caller()
	_, segments, err := r.parse(prefix)
	if err != nil {
		panic(at.message("Group: %v", err))
	}
	if n := len(segments); n > 0 && segments[n-1].IsCatchAll() {
		panic(at.message("Group: prefix %q ends in a catch-all, which nothing can follow: leave it to the patterns", prefix))
	}
	v := r.view(r.scope.with(mw, "Group", at))
	if prefix != "/" {
		v.prefix += prefix
	}
	return v
}

// With returns a view whose handlers are wrapped in mw, inside of what r has.
func (r *Router) With(mw ...Middleware) *Router {
	return r.view(r.scope.with(mw, "With", caller()))
}

// OnError returns a view whose errors are written by render; nil stands for
// [JSONError]. It applies to handlers, to middleware that uses [ErrorHandler],
// and to what the view answers by itself.
func (r *Router) OnError(render ErrorRenderer) *Router {
	s := r.scope.child(caller())
	s.render = render
	return r.view(s)
}

// MaxBody returns a view whose request bodies have at most n bytes; more is a
// 413 error, before a byte is read if Content-Length tells. It bounds
// [Context.Decode], which without it accepts 1 MiB, and Request.Body itself, for
// middleware and plain handlers. It panics if n is not positive.
func (r *Router) MaxBody(n int64) *Router {
	at := caller()
	if n <= 0 {
		panic(at.message("MaxBody(%d): the limit must be at least one byte", n))
	}
	s := r.scope.child(at)
	s.maxBody = n
	return r.view(s)
}

// Slashes returns a view with another policy for unclean paths. For a pattern
// that is registered through several views, what they share decides.
func (r *Router) Slashes(policy SlashPolicy) *Router {
	at := caller()
	if policy > SlashNotFound {
		panic(at.message("Slashes(%d): no such policy", policy))
	}
	s := r.scope.child(at)
	s.slashes = policy
	return r.view(s)
}

// Get registers h for GET and HEAD.
func (r *Router) Get(pattern string, h HandlerFunc) {
	r.native(caller(), http.MethodGet, pattern, h)
}

// Post registers h for POST.
func (r *Router) Post(pattern string, h HandlerFunc) {
	r.native(caller(), http.MethodPost, pattern, h)
}

// Put registers h for PUT.
func (r *Router) Put(pattern string, h HandlerFunc) {
	r.native(caller(), http.MethodPut, pattern, h)
}

// Patch registers h for PATCH.
func (r *Router) Patch(pattern string, h HandlerFunc) {
	r.native(caller(), http.MethodPatch, pattern, h)
}

// Delete registers h for DELETE.
func (r *Router) Delete(pattern string, h HandlerFunc) {
	r.native(caller(), http.MethodDelete, pattern, h)
}

// Route registers a method table. It adds to what other calls registered for
// the same pattern.
func (r *Router) Route(pattern string, m Methods) {
	at := caller()
	var handlers []registration
	for method, h := range m.all() {
		handlers = append(handlers, registration{method, h})
	}
	if len(handlers) == 0 {
		panic(at.message("Route(%q): the method table is empty", pattern))
	}
	r.register(at, "Route", pattern, exact, handlers...)
}

// Method registers a handler for any method token, such as QUERY. If h has a
// method ServeContext(Context) error, as HandlerFunc has, that is called
// instead of its ServeHTTP.
func (r *Router) Method(method, pattern string, h http.Handler) {
	at := caller()
	if !isToken(method) {
		panic(at.message("Method(%q, %q): the method is no token", method, pattern))
	}
	if upper := strings.ToUpper(method); upper != method && slices.Contains(commonMethods, upper) {
		panic(at.message("Method(%q, %q): methods are case-sensitive: write %q", method, pattern, upper))
	}
	if isNil(h) {
		panic(at.message("Method(%q, %q): the handler is nil", method, pattern))
	}
	r.register(at, "Method", pattern, exact, registration{method, h})
}

// Handle registers a handler that answers every method of a pattern by
// itself, OPTIONS included. ServeContext is used as in [Router.Method].
//
// A handler without ServeContext reads URL.Path, where an encoded slash cannot
// be told from a real one. Below a catch-all it is not given a path that it
// could so take for another route's; such a request is a 400.
func (r *Router) Handle(pattern string, h http.Handler) {
	at := caller()
	if isNil(h) {
		panic(at.message("Handle(%q): the handler is nil", pattern))
	}
	r.register(at, "Handle", pattern, exact, registration{handler: h})
}

// Mount serves a prefix and everything below it with h: every method, and
// every path, for the path rules of this package do not apply there, except
// that a NUL byte is refused. The prefix is stripped from URL.Path and
// URL.RawPath, as by [http.StripPrefix], in a copy of the request; it may have
// parameters but no catch-all.
//
// Every route or mount at or below the prefix ranks before this one, and keeps
// its path in each spelling: what h would read as such a path after decoding or
// cleaning it is redirected there, or refused, but never given to h.
func (r *Router) Mount(prefix string, h http.Handler) {
	at := caller()
	if isNil(h) {
		panic(at.message("Mount(%q): the handler is nil", prefix))
	}
	if v, ok := h.(*Router); ok && v.table == r.table {
		panic(at.message("Mount(%q): the handler is a view of the router itself", prefix))
	}
	r.register(at, "Mount", prefix, mounted, registration{handler: h})
}

var commonMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect,
}

// isNil reports whether there is no handler: a nil interface, or a nil
// function in a known one.
func isNil(h http.Handler) bool {
	switch f := h.(type) {
	case nil:
		return true
	case HandlerFunc:
		return f == nil
	case http.HandlerFunc:
		return f == nil
	case *Router:
		return f == nil
	}
	return false
}

// native registers a handler that takes a Context.
func (r *Router) native(at site, method, pattern string, h HandlerFunc) {
	if h == nil {
		panic(at.message("%s %q: the handler is nil", method, pattern))
	}
	r.register(at, method, pattern, exact, registration{method, h})
}

// parse puts the view's prefix before a pattern and splits it.
func (r *Router) parse(pattern string) (full string, segments []params.Segment, err error) {
	switch {
	case r.prefix == "":
		full = pattern
	case pattern == "/":
		full = r.prefix
	case pattern == "":
		return "", nil, fmt.Errorf(`pattern "" is empty: write "/" for the prefix %q itself`, r.prefix)
	case pattern[0] != '/':
		return "", nil, fmt.Errorf("pattern %q must begin with a slash: write %q", pattern, "/"+pattern)
	default:
		full = r.prefix + pattern
	}
	segments, err = params.ParsePattern(full)
	return full, segments, err
}

// registration is a handler for a method, or with "" for every one.
type registration struct {
	method  string
	handler http.Handler
}

// register adds the endpoints of one call, or panics with its site and adds
// nothing. what names the call.
func (r *Router) register(at site, what, pattern string, kind leafKind, registrations ...registration) {
	full, segments, err := r.parse(pattern)
	if err != nil {
		panic(at.message("%s: %v", what, err))
	}
	t := r.table
	shape := t.shapeOf(kind, segments)
	if kind == mounted && shape.kind != mounted {
		panic(at.message("Mount: prefix %q ends in a catch-all, but a mount takes the rest of the path by itself: write the prefix alone", full))
	}
	l := &leaf{pattern: full}
	endpoints := []*endpoint{&l.first}
	for i, registered := range registrations { // before anything is changed: a constructor may panic
		if i > 0 {
			endpoints = append(endpoints, new(endpoint))
		}
		e := endpoints[i]
		e.leaf, e.shape, e.scope, e.site = l, shape, r.scope, at
		e.method, e.handler = registered.method, registered.handler
		e.prepare()
	}

	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		panic(at.message("%s %q: registered after the first request; register everything before serving", what, full))
	}
	var existing *leaf
	for _, e := range endpoints {
		var conflict string
		if existing, conflict = t.root.conflict(segments, l, e); conflict != "" {
			panic(at.message("%s %s", what, conflict))
		}
	}
	if existing != nil {
		l = existing
	} else {
		t.root.insert(segments, l)
	}
	for _, e := range endpoints {
		l.add(e)
	}
	t.current = nil
}
