package apiroutes

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Route describes one registered handler.
type Route struct {
	Pattern    string       // with the prefixes of its groups
	Method     string       // "" for every method
	Mount      bool         // Pattern is a prefix
	Handler    http.Handler // as it was registered
	Site       string       // file:line of the registration
	Middleware int          // the length of the chain around it
}

// Routes returns everything that is registered, through any view, in order of
// precedence and then of method. It does not end registration.
func (r *Router) Routes() []Route {
	r.table.mu.Lock()
	defer r.table.mu.Unlock()
	var routes []Route
	for _, l := range r.table.matcher().leaves {
		for _, e := range l.registered() {
			routes = append(routes, Route{
				Pattern: l.pattern, Method: e.method, Mount: e.shape.kind == mounted,
				Handler: e.handler, Site: e.site.String(), Middleware: e.scope.middleware,
			})
		}
	}
	return routes
}

// Match tells what a request would get.
type Match struct {
	// Status is what the router answers by itself, or 0 if Handler answers.
	Status int
	// Reason says why, in words.
	Reason string
	// Pattern is the route that wins, also where it lacks the method; "" if
	// there is none.
	Pattern string
	// Params are the values of the route's parameters, as Context.Param
	// returns them.
	Params map[string]string
	// Handler and Site are what was registered, and where.
	Handler http.Handler
	Site    string
	// Chain is the middleware that runs, the outermost first: the name of
	// each function and where it was added.
	Chain []string
	// Allow and Location are the headers of a 405 or 204, and of a 308.
	Allow, Location string
}

// Match returns what becomes of a request for target, a path as it stands in a
// request line, with a query or without. It does not end registration, and
// runs nothing.
func (r *Router) Match(method, target string) Match {
	r.table.mu.Lock()
	defer r.table.mu.Unlock()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return Match{Status: http.StatusBadRequest, Reason: fmt.Sprintf("%s: net/http refuses the target: %v", badRequest, err)}
	}
	req := &http.Request{Method: method, URL: u}
	d := r.table.matcher().decide(req)
	m := Match{Reason: string(d.outcome)}
	chain := r.table.base
	if l := d.leaf; l != nil {
		m.Pattern, chain = l.pattern, l.common()
		l.setPathValues(req, d.path)
		for _, name := range l.first.shape.names {
			if m.Params == nil {
				m.Params = map[string]string{}
			}
			m.Params[name] = req.PathValue(name)
		}
	}
	switch d.outcome {
	case serveRoute:
		m.Handler, m.Site, chain = d.endpoint.handler, d.endpoint.site.String(), d.endpoint.scope
	case redirectToClean:
		m.Status, m.Location = http.StatusPermanentRedirect, redirectTarget(u)
	case answerOptions:
		m.Status, m.Allow = http.StatusNoContent, d.leaf.allow()[0]
	case methodNotAllowed:
		m.Status, m.Allow = http.StatusMethodNotAllowed, d.leaf.allow()[0]
	case badRequest:
		m.Status, m.Reason = http.StatusBadRequest, fmt.Sprintf("%s: %s", d.outcome, publicError(req, d.err).Message)
		if method == http.MethodOptions && !isTarget(req) {
			m.Status, m.Reason = http.StatusNoContent, string(answerOptions)
		}
	case notFound:
		m.Status = http.StatusNotFound
	}
	m.Chain = chain.names()
	return m
}

// names lists the middleware from the root to s.
func (s *scope) names() []string {
	var names []string
	for ; s != nil; s = s.parent {
		if s.mw != nil {
			names = append(names, fmt.Sprintf("%s (%s)", s.mwName(), s.site))
		}
	}
	slices.Reverse(names)
	return names
}
