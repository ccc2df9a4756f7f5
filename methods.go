package apiroutes

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// Methods is the method table of a path, as one route file in Next.js is: each
// field that is set handles its method. HEAD is answered by Get unless Head is
// set, OPTIONS by a 204 with Allow unless Options is set, any other method by
// a 405 with the full Allow. Register it with [Router.Route]; it is also an
// [http.Handler] on its own. The zero value allows OPTIONS only.
type Methods struct {
	// Nil stands for a method without a handler of its own.
	Get, Head, Post, Put, Patch, Delete, Options HandlerFunc
}

// all yields the handlers that are set.
func (m Methods) all() iter.Seq2[string, HandlerFunc] {
	return func(yield func(string, HandlerFunc) bool) {
		for _, e := range [...]struct {
			method string
			h      HandlerFunc
		}{
			{http.MethodGet, m.Get}, {http.MethodHead, m.Head}, {http.MethodPost, m.Post},
			{http.MethodPut, m.Put}, {http.MethodPatch, m.Patch}, {http.MethodDelete, m.Delete},
			{http.MethodOptions, m.Options},
		} {
			if e.h != nil && !yield(e.method, e.h) {
				return
			}
		}
	}
}

// ServeHTTP dispatches by method outside of a router, with the same answers.
func (m Methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = enter(r)
	var get HandlerFunc
	var methods []string
	for method, h := range m.all() {
		if method == r.Method {
			serveContext(h, Context{w: w, r: r, route: &standalone})
			return
		}
		if method == http.MethodGet {
			get = h
		}
		methods = append(methods, method)
	}
	if get != nil && r.Method == http.MethodHead {
		serveContext(get, Context{w: w, r: r, route: &standalone})
		return
	}
	answerMethod(nil, w, r, []string{allowValue(methods)})
}

// allowValue is the value of Allow for a path with handlers for methods: with
// HEAD wherever there is GET, and OPTIONS always (RFC 9110 9.3.2, 9.3.7).
func allowValue(methods []string) string {
	allowed := append(slices.Clone(methods), http.MethodOptions)
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return strings.Join(slices.Compact(allowed), ", ")
}

// answerMethod answers a request whose method has no handler.
func answerMethod(render ErrorRenderer, w http.ResponseWriter, r *http.Request, allow []string) {
	w.Header()["Allow"] = allow
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	fail(render, w, r, errMethodNotAllowed) // with Allow: RFC 9110 15.5.6
}

// endpoint returns what serves a method, or nil.
func (l *leaf) endpoint(method string) *endpoint {
	if method == http.MethodGet && l.get != nil {
		return l.get
	}
	if l.all != nil {
		return l.all
	}
	for _, e := range l.methods {
		if e.method == method {
			return e
		}
	}
	if method == http.MethodHead {
		return l.endpoint(http.MethodGet)
	}
	return nil
}

// add registers e and renews what depends on all registrations of the leaf.
func (l *leaf) add(e *endpoint) {
	e.leaf, e.names = l, l.names
	l.common = commonScope(l.common, e.scope)
	if e.method == "" {
		_, router := e.handler.(*Router)
		l.all, l.nests = e, router || l.kind == mounted
		return
	}
	if e.method == http.MethodGet {
		l.get = e
	}
	l.methods = append(l.methods, e)
	slices.SortFunc(l.methods, func(a, b *endpoint) int { return strings.Compare(a.method, b.method) })
	var methods []string
	for _, e := range l.methods {
		methods = append(methods, e.method)
	}
	l.allow = []string{allowValue(methods)}
}

// registered yields all endpoints of the leaf.
func (l *leaf) registered() []*endpoint {
	if l.all != nil {
		return []*endpoint{l.all}
	}
	return l.methods
}
