package apiroutes

import (
	"net/http"
	pathpkg "path"
)

// The way of a request: decide finds the leaf and what serves the method, or
// what the router answers instead; ServeHTTP does it. Match tells of the same
// decision.

// outcome is what becomes of a request.
type outcome string

const (
	serveRoute       outcome = "a handler serves it"
	answerOptions    outcome = "OPTIONS is answered by the router"
	methodNotAllowed outcome = "the route has no handler for the method"
	redirectToClean  outcome = "the clean form of the path matches the route"
	badRequest       outcome = "the path is refused"
	notFound         outcome = "no route matches"
)

// decision is an outcome with what it is about.
type decision struct {
	outcome  outcome
	leaf     *leaf     // nil for badRequest and notFound
	endpoint *endpoint // for serveRoute
	path     string    // the canonical path that the leaf matched
	sent     bool      // path is URL.Path itself, so that offsets in it hold
	err      error     // for badRequest and notFound
}

// ServeHTTP serves the routes of all views. The first request ends
// registration.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	root := r.table.frozen.Load()
	if root == nil {
		root = r.table.freeze()
	}
	req = enter(req)
	d := root.decide(req)
	if d.leaf == nil {
		r.serveUnmatched(w, req)
		return
	}
	l := d.leaf
	req.Pattern = l.pattern
	switch d.outcome {
	case serveRoute:
		d.serve(w, req)
	case redirectToClean:
		if l.redirect.Handler == nil {
			redirect(w, req)
			return
		}
		l.setPathValues(req, d.path)
		l.redirect.ServeHTTP(w, req)
	default:
		if l.automatic.Handler == nil {
			answerMethod(l.common.render, w, req, l.allow)
			return
		}
		l.setPathValues(req, d.path)
		l.automatic.ServeHTTP(w, req)
	}
}

// serve calls the endpoint of a decision.
func (d *decision) serve(w http.ResponseWriter, r *http.Request) {
	e := d.endpoint
	if e.scope.maxBody > 0 {
		limitBody(w, r, e.scope.maxBody)
	}
	if !e.bare {
		d.leaf.setPathValues(r, d.path)
		e.serve.ServeHTTP(w, r)
		return
	}
	c := Context{w: w, r: r, route: e}
	if d.sent {
		c.spans01, c.spans23 = d.leaf.spans(d.path)
	}
	finish(e.native(c), w, r, e)
}

// value returns parameter number i of a bare route.
func (c Context) value(i int) string {
	var span uint64
	switch i {
	case 0:
		span = c.spans01 >> 32
	case 1:
		span = c.spans01 & 0xffffffff
	case 2:
		span = c.spans23 >> 32
	case 3:
		span = c.spans23 & 0xffffffff
	}
	// The comparison is for a handler that changes URL.Path under our feet.
	if start, end := span>>16, span&0xffff; span != 0 && end <= uint64(len(c.r.URL.Path)) {
		return c.r.URL.Path[start:end]
	}
	return c.route.leaf.value(c.r.URL, i)
}

// setPathValues gives the parameters to middleware and plain handlers. An
// absent optional catch-all is set too: an outer router's value of that name
// must not show through.
func (l *leaf) setPathValues(r *http.Request, path string) {
	for i, name := range l.names {
		if place := l.places[i]; l.rest == "" || place < l.depth {
			start, end := segmentNumber(path, place)
			r.SetPathValue(name, plain(path[start:end]))
			continue
		}
		rest := restFrom(path, l.depth)
		r.SetPathValue(name, plain(rest))
		r.SetPathValue(l.restKey, rest)
	}
}

// decide reads the request only; it changes nothing.
func (n *node) decide(r *http.Request) decision {
	path, escaped, err := canonicalPath(r.URL)
	l := n.find(path)
	d := decision{leaf: l, path: path, sent: !escaped}
	switch {
	case !isTarget(r):
		return decision{outcome: badRequest, err: errBadTarget}
	case l == nil || l.kind == mounted:
		return n.decideUnmatched(r, d, err)
	case len(l.names) > 0: // static segments are never refused
		if err == nil {
			err = checkSegments(path, escaped)
		}
		if err != nil {
			return decision{outcome: badRequest, err: err}
		}
	}
	return d.forMethod(r.Method)
}

// forMethod decides by the method among what the leaf has.
func (d decision) forMethod(method string) decision {
	switch d.endpoint = d.leaf.endpoint(method); {
	case d.endpoint != nil:
		d.outcome = serveRoute
	case method == http.MethodOptions:
		d.outcome = answerOptions
	default:
		d.outcome = methodNotAllowed
	}
	return d
}

// decideUnmatched decides on a path that no route matches as it is: err is why
// it is refused, if already known.
func (n *node) decideUnmatched(r *http.Request, d decision, err error) decision {
	if d.leaf != nil {
		return n.decideMounted(r, d)
	}
	if err == nil {
		err = checkSegments(d.path, !d.sent)
	}
	if err != nil {
		return decision{outcome: badRequest, err: err}
	}
	none := decision{outcome: notFound, err: errNotFound}
	if isClean(d.path) {
		return none
	}
	path := clean(d.path)
	l := n.find(path)
	if l == nil {
		return none
	}
	d = decision{leaf: l, path: path}
	policy := l.common.slashes
	switch {
	case isSubtree(r.Pattern, d.path), policy == SlashServe:
		return d.forMethod(r.Method)
	case policy == SlashNotFound, r.Method == http.MethodConnect: // a tunnel has no place to go to
		return none
	}
	d.outcome = redirectToClean
	return d
}

// decideMounted decides on a path below a mount, to which no path rule
// applies. But a route at or below the prefix ranks first, and the mounted
// handler may well clean the path before it uses it: so a path that would then
// be the route's is not given to it.
func (n *node) decideMounted(r *http.Request, d decision) decision {
	resolved := pathpkg.Clean("/" + r.URL.Path)
	if resolved != r.URL.Path {
		if l := n.find(resolved); l != nil && l.kind != mounted {
			if d.sent && clean(d.path) == resolved && r.Method != http.MethodConnect {
				return decision{outcome: redirectToClean, leaf: l, path: resolved}
			}
			return decision{outcome: badRequest, err: errDotSegment}
		}
	}
	return d.forMethod(r.Method)
}

// serveUnmatched answers where there is no route: 404, 400, or the asterisk of
// OPTIONS.
func (r *Router) serveUnmatched(w http.ResponseWriter, req *http.Request) {
	if r.table.base.middleware == 0 {
		answerUnmatched(r.scope.render, r.table, w, req)
		return
	}
	r.once.Do(func() {
		render := r.scope.render
		r.unmatched = handler{compose(r.table.base, render, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			answerUnmatched(render, r.table, w, req)
		}))}
	})
	r.unmatched.ServeHTTP(w, req)
}

// answerUnmatched decides again, for the request may be another one behind
// middleware.
func answerUnmatched(render ErrorRenderer, t *table, w http.ResponseWriter, r *http.Request) {
	if !isTarget(r) && r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent) // RFC 9110 9.3.7
		return
	}
	err := t.root.decide(r).err
	if err == nil {
		err = errNotFound
	}
	fail(render, w, r, err)
}

// freeze ends registration and composes what depends on all of it.
func (t *table) freeze() *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.frozen.Load() == nil {
		for _, l := range t.leaves {
			if l.common.middleware > 0 {
				l.compose()
			}
		}
		t.frozen.Store(&t.root)
	}
	return &t.root
}

// compose prepares the router's own answers for a leaf, behind the middleware
// that all its registrations share.
func (l *leaf) compose() {
	render := l.common.render
	l.redirect = handler{compose(l.common, render, http.HandlerFunc(redirect))}
	if l.all == nil {
		l.automatic = handler{compose(l.common, render, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answerMethod(render, w, r, l.allow)
		}))}
	}
}
