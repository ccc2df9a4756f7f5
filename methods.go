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
	if r.Method == http.MethodOptions {
		w.Header()["Allow"] = allow
		w.WriteHeader(http.StatusNoContent)
		return
	}
	failOwn(render, w, r, errMethodNotAllowed, allow) // with Allow: RFC 9110 15.5.6
}

// methodCode is a number for a method, so that requests compare no text.
type methodCode uint8

const (
	otherMethod methodCode = iota // one that has no number
	methodConnect
	methodDelete
	methodGet
	methodHead
	methodOptions
	methodPatch
	methodPost
	methodPut
	methodTrace
	everyMethod // of an endpoint only
)

func codeOf(method string) methodCode {
	switch method {
	case http.MethodGet:
		return methodGet
	case http.MethodPost:
		return methodPost
	case http.MethodPut:
		return methodPut
	case http.MethodDelete:
		return methodDelete
	case http.MethodPatch:
		return methodPatch
	case http.MethodHead:
		return methodHead
	case http.MethodOptions:
		return methodOptions
	case http.MethodConnect:
		return methodConnect
	case http.MethodTrace:
		return methodTrace
	case "":
		return everyMethod
	}
	return otherMethod
}

// allowOne are the values of Allow for paths with one method.
var allowOne = func() (allow [everyMethod][]string) {
	for _, method := range commonMethods {
		allow[codeOf(method)] = []string{allowValue([]string{method})}
	}
	return allow
}()

// serving returns what serves a method, or nil.
func (l *leaf) serving(code methodCode, method string) *endpoint {
	first := &l.first
	if first.code == code && code != otherMethod || first.code == everyMethod {
		return first
	}
	if l.several != nil {
		if e := l.several.serving(code, method); e != nil {
			return e
		}
	}
	if code == methodHead {
		return l.serving(methodGet, http.MethodGet)
	}
	return nil
}

func (s *several) serving(code methodCode, method string) *endpoint {
	if s.codes&(1<<code) == 0 {
		return nil
	}
	for _, e := range s.endpoints {
		if e.code == code && (code != otherMethod || e.method == method) {
			return e
		}
	}
	return nil
}

// add registers an endpoint for a further method.
func (s *several) add(e *endpoint) {
	s.common = commonScope(s.common, e.scope)
	s.codes |= 1 << e.code
	s.endpoints = append(s.endpoints, e)
	slices.SortFunc(s.endpoints, func(a, b *endpoint) int { return strings.Compare(a.method, b.method) })
	var methods []string
	for _, e := range s.endpoints {
		methods = append(methods, e.method)
	}
	s.allow = []string{allowValue(methods)}
}
