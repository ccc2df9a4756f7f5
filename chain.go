package apiroutes

import (
	"fmt"
	"net/http"
	"slices"
)

// Middleware wraps a handler. It is the plain function of the whole net/http
// ecosystem, so that any such middleware fits without an adapter. It is called
// once for each chain that is composed, never per request.
type Middleware = func(http.Handler) http.Handler

// Chain is a list of middleware, the outermost first:
//
//	Chain{a, b, c}.Then(h) == a(b(c(h)))
//
// A Chain is itself usable as one middleware: r.With(chain.Then). The zero
// value is the empty chain, whose Then returns the handler it is given. A Chain
// is safe for concurrent use as long as its elements are not assigned.
type Chain []Middleware

// Append returns a new chain with mw inside of c. It copies: chains built from
// a shared base never see each other's additions.
func (c Chain) Append(mw ...Middleware) Chain {
	return append(slices.Clip(slices.Clone(c)), mw...)
}

// Then wraps h in the chain. It panics if an entry is nil, naming its index,
// or if h is nil.
func (c Chain) Then(h http.Handler) http.Handler {
	c.mustNotHoldNil("Chain.Then")
	if h == nil {
		panic("apiroutes: Chain.Then: the handler is nil")
	}
	render := rendererOf(h)
	for i, mw := range slices.Backward(c) {
		if h = wrap(mw, h, render); h == nil {
			panic(fmt.Sprintf("apiroutes: Chain.Then: middleware %d returned a nil handler", i))
		}
	}
	return h
}

// mustNotHoldNil panics with the index of the first nil entry, at the place
// where the mistake was made rather than at the first request.
func (c Chain) mustNotHoldNil(where string) {
	for i, mw := range c {
		if mw == nil {
			panic(fmt.Sprintf("apiroutes: %s: middleware %d is nil", where, i))
		}
	}
}

// wrap calls mw with a next that carries the renderer, so that ErrorHandler
// finds it. Without a renderer next is h itself and a request pays nothing; with
// one it pays for no call more than h costs where h is a function or an endpoint.
func wrap(mw Middleware, h http.Handler, render ErrorRenderer) http.Handler {
	if render != nil {
		switch f := h.(type) {
		case *innermost:
		case http.HandlerFunc:
			h = &carrierFunc{f, render}
		default:
			h = &carrier{h, render}
		}
	}
	return mw(h)
}

// carrier hands a renderer to the middleware that receives it as next. The
// renderer travels at composition only: a context value would cost each
// request an allocation and could be shadowed from outside.
type carrier struct {
	http.Handler
	render ErrorRenderer
}

// carrierFunc is carrier for a function.
type carrierFunc struct {
	f      http.HandlerFunc
	render ErrorRenderer
}

func (c *carrierFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.f(w, r) }

// rendererOf returns the renderer that next carries, or nil.
func rendererOf(next http.Handler) ErrorRenderer {
	switch c := next.(type) {
	case *carrier:
		return c.render
	case *carrierFunc:
		return c.render
	case *innermost:
		return c.scope.render
	}
	return nil
}
