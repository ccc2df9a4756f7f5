package apiroutes

import "net/http"

// endpoint is one registered handler.
type endpoint struct {
	// What a request needs stands together.
	native HandlerFunc // nil if the handler takes no Context
	leaf   *leaf
	shape  *shape // of the leaf
	scope  *scope
	code   methodCode
	// bare is native and without middleware. A form that is decoded there has no
	// temporary files, for the default limit of a body is kept in memory; with
	// MaxBody serve removes them.
	bare   bool
	direct bool // bare, and the request is passed on as it is
	nests  bool // the handler is a mount or a Router

	chains  *chains      // nil without middleware
	handler http.Handler // as it was registered
	method  string       // "" for every method
	site    site
}

// chains are handlers with middleware around them.
type chains struct {
	handler             http.Handler // the endpoint's
	automatic, redirect http.Handler // in the first of a leaf: the router's own answers, made when the table is frozen
}

// standalone is the route of a HandlerFunc that is used outside of a router.
var standalone = endpoint{leaf: new(leaf), shape: new(shape), scope: new(scope)}

// contextHandler is a handler that can be called with a Context. HandlerFunc
// is one; others may carry more, such as a description.
type contextHandler interface {
	ServeContext(c Context) error
}

// prepare composes the chain of e.
func (e *endpoint) prepare() {
	if h, ok := e.handler.(contextHandler); ok {
		e.native = h.ServeContext
		if f, ok := e.handler.(HandlerFunc); ok {
			e.native = f // without the method value in between
		}
	}
	e.code = codeOf(e.method)
	mounts := e.shape.kind == mounted
	_, router := e.handler.(*Router)
	e.nests = router || mounts
	if e.bare = e.native != nil && e.scope.middleware == 0 && !mounts; e.bare {
		e.direct = e.scope.maxBody == 0
		return
	}
	h := e.handler
	if e.native != nil {
		h = (*innermost)(e)
	}
	if mounts {
		h = mount(e.shape, e.leaf.pattern, h)
	}
	if e.scope.middleware > 0 || mounts {
		e.chains = &chains{handler: compose(e.scope, e.scope.render, h)}
	}
}

// innermost is an endpoint as the handler in the middle of its chain.
type innermost endpoint

func (e *innermost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serveContext(e.native, Context{w: w, r: r, route: (*endpoint)(e)})
}

// serve calls the handler for a canonical path, in which the parameters stand at
// the spans.
func (e *endpoint) serve(w http.ResponseWriter, r *http.Request, path string, near, far uint64) {
	if !e.bare && len(e.shape.names) > 0 {
		e.leaf.setPathValues(r, path)
	}
	if e.scope.maxBody > 0 {
		r = limitBody(w, r, e.scope.maxBody)
		defer removeUploads(r, r.MultipartForm)
	}
	switch {
	case e.bare:
		serveContext(e.native, Context{w: w, r: r, route: e, near: near, far: far})
	case e.chains != nil:
		e.chains.handler.ServeHTTP(w, r)
	default:
		e.handler.ServeHTTP(w, r)
	}
}
