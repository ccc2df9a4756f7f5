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

	unmatched handler
	once      sync.Once
}

// table is what all views of a router share.
type table struct {
	mu     sync.Mutex
	root   node
	base   *scope // with the middleware of New
	leaves []*leaf
	closed bool // to registration

	freezing sync.Mutex
	frozen   atomic.Pointer[matcher] // once requests are served
}

// handler is a composed handler that may be absent.
type handler struct{ http.Handler }

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
	var endpoints []*endpoint
	for method, h := range m.all() {
		endpoints = append(endpoints, &endpoint{method: method, handler: h})
	}
	if len(endpoints) == 0 {
		panic(at.message("Route(%q): the method table is empty", pattern))
	}
	r.register(at, "Route", pattern, exact, endpoints...)
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
	r.register(at, "Method", pattern, exact, &endpoint{method: method, handler: h})
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
	r.register(at, "Handle", pattern, exact, &endpoint{handler: h})
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
	r.register(at, "Mount", prefix, mounted, &endpoint{handler: h})
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
	r.register(at, method, pattern, exact, &endpoint{method: method, handler: h})
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

// register adds the endpoints of one call, or panics with its site and adds
// nothing. what names the call.
func (r *Router) register(at site, what, pattern string, kind leafKind, endpoints ...*endpoint) {
	full, segments, err := r.parse(pattern)
	if err != nil {
		panic(at.message("%s: %v", what, err))
	}
	l := newLeaf(full, kind, segments, at)
	if kind == mounted && l.kind != mounted {
		panic(at.message("Mount: prefix %q ends in a catch-all, but a mount takes the rest of the path by itself: write the prefix alone", full))
	}
	for _, e := range endpoints { // before anything is changed: a constructor may panic
		e.leaf, e.scope, e.site = l, r.scope, at
		e.prepare()
	}

	t := r.table
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
		t.leaves = append(t.leaves, l)
	}
	for _, e := range endpoints {
		l.add(e)
	}
}

// newLeaf describes a pattern.
func newLeaf(pattern string, kind leafKind, segments []params.Segment, at site) *leaf {
	l := &leaf{pattern: pattern, kind: kind, depth: len(segments), site: at}
	for i, s := range segments {
		if s.Kind == params.Static {
			continue
		}
		l.names, l.places = append(l.names, s.Text), append(l.places, i)
		if s.IsCatchAll() {
			l.rest, l.restKey, l.depth, l.kind = s.Text, restKey(s.Text), i, catchAll
			if s.Kind == params.OptionalCatchAll {
				l.kind = optional
			}
		}
	}
	return l
}

// last is the last segment as the pattern has it.
func (l *leaf) last() string { return l.pattern[strings.LastIndexByte(l.pattern, '/')+1:] }

// conflict finds what stands in the way of a registration and says so, or
// returns the leaf that it joins, or nothing if its pattern is new. It changes
// nothing.
func (n *node) conflict(segments []params.Segment, l *leaf, e *endpoint) (existing *leaf, problem string) {
	against := func(other *leaf, at site, why string) string {
		return fmt.Sprintf("%q conflicts with %q, registered at %s: %s", l.pattern, other.pattern, at, why)
	}
	for _, s := range segments {
		if s.IsCatchAll() {
			break
		}
		if s.Kind == params.Param && n.param != nil && n.name != s.Text {
			return nil, against(n.namer, n.namer.site, fmt.Sprintf("one place has one parameter name: write [%s] or [%s] in both", n.name, s.Text))
		}
		if n = n.descend(s); n == nil {
			return nil, ""
		}
	}
	existing = n.leaf
	if l.kind != exact {
		existing = n.rest
	}
	switch rest := n.rest; {
	case l.kind == exact && rest != nil && rest.kind == optional:
		return nil, against(rest, rest.site, "the optional catch-all matches this path too: make it [...name], or drop this route")
	case l.kind == optional && n.leaf != nil:
		return nil, against(n.leaf, n.leaf.site, "the optional catch-all matches that path too: make it [...name], or drop that route")
	case existing == nil:
		return nil, ""
	case l.kind != existing.kind && (l.kind == mounted || existing.kind == mounted):
		return nil, against(existing, existing.site, "a mount and a catch-all both take the rest of the path: keep one")
	case l.kind != existing.kind:
		return nil, against(existing, existing.site, "both take the rest of the path: keep one, [...name] for one or more segments or [[...name]] for zero or more")
	case l.rest != existing.rest:
		return nil, against(existing, existing.site, fmt.Sprintf("one place has one catch-all name: write %s or %s in both", existing.last(), l.last()))
	}
	for _, other := range existing.registered() {
		switch {
		case l.kind == mounted:
			return nil, against(existing, other.site, "something is mounted there already")
		case e.method == "" && other.method == "":
			return nil, against(existing, other.site, "it has a handler for every method already")
		case e.method == "" || other.method == "":
			return nil, against(existing, other.site, "a handler for every method (Handle) and a method table exclude each other")
		case e.method == other.method:
			return nil, against(existing, other.site, fmt.Sprintf("%s is registered already", e.method))
		}
	}
	return existing, ""
}
