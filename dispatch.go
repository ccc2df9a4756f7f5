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
	err      *Error    // for badRequest and notFound
}

func refuse(err *Error) decision { return decision{outcome: badRequest, err: err} }

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
	u := req.URL
	if u.RawPath != "" || u.Opaque != "" || u.Path == "" || u.Path[0] != '/' || len(u.Path) > maxMatchPath {
		r.serveOther(w, req)
		return
	}
	code := codeOf(req.Method)
	l, near, far, how := m.match(u.Path)
	if how == none {
		r.serveUnmatched(w, req, errNotFound)
		return
	}
	if how != found {
		r.serveOther(w, req)
		return
	}
	e := &l.first
	if e.code != code || code == otherMethod {
		e = l.serving(code, req.Method)
	}
	req.Pattern = l.pattern
	switch {
	case e == nil:
		l.answerMethod(w, req, req.URL.Path)
	case e.direct:
		serveContext(e.native, Context{w: w, r: req, route: e, near: near, far: far})
	default:
		e.serve(w, req, req.URL.Path, near, far)
	}
}

// serveOther serves what the matcher does not decide on.
func (r *Router) serveOther(w http.ResponseWriter, req *http.Request) {
	d := r.table.frozen.Load().decide(req)
	l := d.leaf
	if l == nil {
		r.serveUnmatched(w, req, d.err)
		return
	}
	if d.endpoint != nil && d.endpoint.nests && req.Pattern != "" {
		req.SetPathValue(outerKey, req.Pattern)
	}
	req.Pattern = l.pattern
	switch d.outcome {
	case serveRoute:
		var near, far uint64
		if !d.cleaned {
			near, far = l.first.shape.spans(d.path)
		}
		d.endpoint.serve(w, req, d.path, near, far)
	case redirectToClean:
		l.redirectToClean(w, req, d.path)
	default:
		l.answerMethod(w, req, d.path)
	}
}

// decide reads the request only; it changes nothing.
func (m *matcher) decide(r *http.Request) decision {
	path, escaped, err := canonicalPath(r.URL)
	d := decision{leaf: m.find(path), path: path, escaped: escaped}
	switch {
	case !isTarget(r):
		return refuse(errBadTarget)
	case err != nil:
		return refuse(err)
	case d.leaf == nil:
		return m.decideUnmatched(r, d)
	case d.leaf.first.shape.kind == mounted:
		return m.decideMounted(r, d)
	case len(d.leaf.first.shape.names) > 0: // static segments are never refused
		if err := checkPath(path, escaped); err != nil {
			return refuse(err)
		}
	}
	return m.decideRoute(r, d)
}

// decideRoute decides on a path that a route matches, as it is or cleaned.
func (m *matcher) decideRoute(r *http.Request, d decision) decision {
	d = d.forMethod(r.Method)
	if e := d.endpoint; e != nil && e.native == nil && d.escaped && d.leaf.first.shape.rest != "" && !e.nests && m.misread(d) {
		return refuse(errOtherSpelling)
	}
	return d
}

// misread reports whether a handler that takes the rest of a path, and reads it
// from URL.Path as file servers do, decoded and perhaps cleaned, would take it
// for a path that is another leaf's: "/files/private%2Fx" for "/files/private/x",
// around the guard of that route.
func (m *matcher) misread(d decision) bool {
	at, _ := segmentNumber(d.path, d.leaf.first.shape.depth)
	read := clean(d.path[:at] + pathpkg.Clean("/"+plain(d.path[at:])))
	return read != d.path && m.find(read) != d.leaf
}

// forMethod decides by the method among what the leaf has.
func (d decision) forMethod(method string) decision {
	switch d.endpoint = d.leaf.serving(codeOf(method), method); {
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
func (m *matcher) decideUnmatched(r *http.Request, d decision) decision {
	if err := checkPath(d.path, d.escaped); err != nil {
		return refuse(err)
	}
	if path := clean(d.path); path != d.path && m.find(path) != nil {
		return m.decideUnclean(r, d, path)
	}
	return decision{outcome: notFound, err: errNotFound}
}

// decideUnclean decides on a path whose clean form matches.
func (m *matcher) decideUnclean(r *http.Request, sent decision, path string) decision {
	d := decision{leaf: m.find(path), path: path, escaped: sent.escaped, cleaned: true}
	switch policy := d.leaf.common().slashes; {
	case policy == SlashServe, isSubtree(r.Pattern, sent.path), isSubtree(r.PathValue(outerKey), sent.path):
		if d.leaf.first.shape.kind == mounted {
			return m.decideMounted(r, d)
		}
		return m.decideRoute(r, d)
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
func (m *matcher) decideMounted(r *http.Request, d decision) decision {
	at, _ := segmentNumber(d.path, d.leaf.first.shape.depth)
	err := checkNul(d.path, d.escaped)
	if err == nil {
		err = checkPath(d.path[:at], d.escaped)
	}
	if err != nil {
		return refuse(err)
	}
	if path := clean(d.path); path != d.path && m.find(path) != d.leaf {
		if err := checkPath(path, d.escaped); err != nil {
			return refuse(err)
		}
		return m.decideUnclean(r, d, path)
	}
	if m.misread(d) {
		return refuse(errOtherSpelling)
	}
	return d.forMethod(r.Method)
}

// serveUnmatched answers where there is no route, with the error of the
// decision: 404 or 400. Behind middleware it is decided again, for the request
// may be another one there.
func (r *Router) serveUnmatched(w http.ResponseWriter, req *http.Request, err *Error) {
	if r.table.base.middleware == 0 {
		answerUnmatched(r.scope.render, w, req, err)
		return
	}
	r.once.Do(func() {
		render := r.scope.render
		m := r.table.frozen.Load()
		r.unmatched = compose(r.table.base, render, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			err := m.decide(req).err
			if err == nil {
				err = errNotFound
			}
			answerUnmatched(render, w, req, err)
		}))
	})
	r.unmatched.ServeHTTP(w, req)
}

func answerUnmatched(render ErrorRenderer, w http.ResponseWriter, r *http.Request, err *Error) {
	if r.Method == http.MethodOptions && !isTarget(r) {
		w.WriteHeader(http.StatusNoContent) // "OPTIONS *": RFC 9110 9.3.7
		return
	}
	failOwn(render, w, r, err, nil)
}

// freeze ends registration and composes what depends on all of it. It does not
// hold the lock meanwhile: a middleware's constructor may look at the routes.
func (t *table) freeze() *matcher {
	t.freezing.Lock()
	defer t.freezing.Unlock()
	if m := t.frozen.Load(); m != nil {
		return m
	}
	t.mu.Lock()
	t.closed = true
	m := t.matcher()
	t.mu.Unlock()
	for _, l := range m.leaves {
		l.compose()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.root, t.shapes = node{}, nil
	t.frozen.Store(m)
	return m
}

// matcher returns that of all registrations so far.
func (t *table) matcher() *matcher {
	if t.current == nil {
		t.current = newMatcher(&t.root)
	}
	return t.current
}
