package apiroutes

import (
	"net/http"
	pathpkg "path"
)

// The way of a request: the matcher finds the leaf for an ordinary path, decide
// for any other, with what serves the method, or what the router answers
// instead; ServeHTTP does it. Match tells of the same decision.

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
	escaped  bool      // path was made from URL.RawPath
	cleaned  bool      // path is the clean form of what was sent
	err      error     // for badRequest and notFound
}

func refuse(err error) decision { return decision{outcome: badRequest, err: err} }

// ServeHTTP serves the routes of all views. The first request ends
// registration.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	m := r.table.frozen.Load()
	if m == nil {
		m = r.table.freeze()
	}
	if load(req) != nil {
		req = enter(req)
	}
	if u := req.URL; u.RawPath == "" && u.Opaque == "" && u.Path != "" && u.Path[0] == '/' && len(u.Path) <= maxMatchPath {
		switch l, s01, s23, how := m.match(u.Path); {
		case how == none:
			r.serveUnmatched(w, req, errNotFound)
			return
		case how == found && l.get != nil && req.Method == http.MethodGet:
			req.Pattern = l.pattern
			serveContext(l.get.native, Context{w: w, r: req, route: l.get, spans01: s01, spans23: s23})
			return
		case how == found && !l.nests:
			req.Pattern = l.pattern
			e := l.endpoint(req.Method)
			if e != nil && e.direct {
				serveContext(e.native, Context{w: w, r: req, route: e, spans01: s01, spans23: s23})
				return
			}
			if e == nil && l.automatic.Handler == nil {
				answerMethod(l.common.render, w, req, l.allow)
				return
			}
			d := decision{leaf: l.leaf, path: u.Path}
			r.serveDecision(w, req, d.forMethod(req.Method))
			return
		}
	}
	d := m.tree.decide(req)
	if d.leaf == nil {
		r.serveUnmatched(w, req, d.err)
		return
	}
	if d.leaf.nests && req.Pattern != "" {
		req.SetPathValue(outerKey, req.Pattern)
	}
	req.Pattern = d.leaf.pattern
	r.serveDecision(w, req, d)
}

// serveDecision does what was decided about a leaf.
func (r *Router) serveDecision(w http.ResponseWriter, req *http.Request, d decision) {
	l := d.leaf
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
	if !e.bare {
		d.leaf.setPathValues(r, d.path)
	}
	if e.scope.maxBody > 0 {
		r = limitBody(w, r, e.scope.maxBody)
		defer removeUploads(r, r.MultipartForm)
	}
	if !e.bare {
		e.serve.ServeHTTP(w, r)
		return
	}
	c := Context{w: w, r: r, route: e}
	if !d.cleaned {
		c.spans01, c.spans23 = d.leaf.spans(d.path)
	}
	serveContext(e.native, c)
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
	if i > 3 && c.spans23&0xffff != 0 && c.r.URL.RawPath == "" {
		return c.route.leaf.valueAfter(c.r.URL.Path, i, int(c.spans23&0xffff))
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
		value := l.canonicalValue(path, i)
		r.SetPathValue(name, plain(value))
		if name == l.rest {
			r.SetPathValue(l.restKey, value)
		}
	}
}

// decide reads the request only; it changes nothing.
func (n *node) decide(r *http.Request) decision {
	path, escaped, err := canonicalPath(r.URL)
	d := decision{leaf: n.find(path), path: path, escaped: escaped}
	switch {
	case !isTarget(r):
		return refuse(errBadTarget)
	case err != nil:
		return refuse(err)
	case d.leaf == nil:
		return n.decideUnmatched(r, d)
	case d.leaf.kind == mounted:
		return n.decideMounted(r, d)
	case len(d.leaf.names) > 0: // static segments are never refused
		if err := checkPath(path, escaped); err != nil {
			return refuse(err)
		}
	}
	return n.decideRoute(r, d)
}

// decideRoute decides on a path that a route matches, as it is or cleaned.
func (n *node) decideRoute(r *http.Request, d decision) decision {
	d = d.forMethod(r.Method)
	if e := d.endpoint; e != nil && e.native == nil && d.escaped && d.leaf.rest != "" && !d.leaf.nests && n.misread(d) {
		return refuse(errOtherSpelling)
	}
	return d
}

// misread reports whether a handler that takes the rest of a path, and reads it
// from URL.Path as file servers do, decoded and perhaps cleaned, would take it
// for a path that is another leaf's: "/files/private%2Fx" for "/files/private/x",
// around the guard of that route.
func (n *node) misread(d decision) bool {
	at, _ := segmentNumber(d.path, d.leaf.depth)
	read := clean(d.path[:at] + pathpkg.Clean("/"+plain(d.path[at:])))
	return read != d.path && n.find(read) != d.leaf
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

// decideUnmatched decides on a path that no route matches as it is.
func (n *node) decideUnmatched(r *http.Request, d decision) decision {
	if err := checkPath(d.path, d.escaped); err != nil {
		return refuse(err)
	}
	if path := clean(d.path); path != d.path && n.find(path) != nil {
		return n.decideUnclean(r, d, path)
	}
	return decision{outcome: notFound, err: errNotFound}
}

// decideUnclean decides on a path whose clean form matches.
func (n *node) decideUnclean(r *http.Request, sent decision, path string) decision {
	d := decision{leaf: n.find(path), path: path, escaped: sent.escaped, cleaned: true}
	switch policy := d.leaf.common.slashes; {
	case policy == SlashServe, isSubtree(r.Pattern, sent.path), isSubtree(r.PathValue(outerKey), sent.path):
		if d.leaf.kind == mounted {
			return n.decideMounted(r, d)
		}
		return n.decideRoute(r, d)
	case policy == SlashNotFound, r.Method == http.MethodConnect: // a tunnel cannot be redirected
		return decision{outcome: notFound, err: errNotFound}
	}
	d.outcome = redirectToClean
	return d
}

// decideMounted decides on a path at or below a mount. No path rule applies
// below its prefix, except that NUL is refused everywhere. But what is
// registered at or below the prefix ranks first, in each spelling that the
// mounted handler may read as such a path.
func (n *node) decideMounted(r *http.Request, d decision) decision {
	at, _ := segmentNumber(d.path, d.leaf.depth)
	err := checkNul(d.path, d.escaped)
	if err == nil {
		err = checkPath(d.path[:at], d.escaped)
	}
	if err != nil {
		return refuse(err)
	}
	if path := clean(d.path); path != d.path && n.find(path) != d.leaf {
		if err := checkPath(path, d.escaped); err != nil {
			return refuse(err)
		}
		return n.decideUnclean(r, d, path)
	}
	if n.misread(d) {
		return refuse(errOtherSpelling)
	}
	return d.forMethod(r.Method)
}

// serveUnmatched answers where there is no route, with the error of the
// decision: 404 or 400. Behind middleware it is decided again, for the request
// may be another one there.
func (r *Router) serveUnmatched(w http.ResponseWriter, req *http.Request, err error) {
	if r.table.base.middleware == 0 {
		answerUnmatched(r.scope.render, w, req, err)
		return
	}
	r.once.Do(func() {
		render := r.scope.render
		r.unmatched = handler{compose(r.table.base, render, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			err := r.table.root.decide(req).err
			if err == nil {
				err = errNotFound
			}
			answerUnmatched(render, w, req, err)
		}))}
	})
	r.unmatched.ServeHTTP(w, req)
}

func answerUnmatched(render ErrorRenderer, w http.ResponseWriter, r *http.Request, err error) {
	if r.Method == http.MethodOptions && !isTarget(r) {
		w.WriteHeader(http.StatusNoContent) // "OPTIONS *": RFC 9110 9.3.7
		return
	}
	fail(render, w, r, err)
}

// freeze ends registration and composes what depends on all of it. It does not
// hold the lock meanwhile: a middleware's constructor may look at the routes.
func (t *table) freeze() *matcher {
	t.freezing.Lock()
	defer t.freezing.Unlock()
	if t.frozen.Load() == nil {
		t.mu.Lock()
		t.closed = true
		t.mu.Unlock()
		for _, l := range t.leaves {
			if l.common.middleware > 0 {
				l.compose()
			}
		}
		t.frozen.Store(newMatcher(&t.root))
	}
	return t.frozen.Load()
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
