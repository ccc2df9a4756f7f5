package apiroutes

import (
	"fmt"
	"net/http"
	"reflect"
	"runtime"
)

// A scope is one step from New towards a registration: a middleware or a
// setting. A view is the path of its scopes, and two registrations share
// exactly the scopes in which their paths agree. Neither prefixes nor the
// identity of functions play a part.
type scope struct {
	parent *scope
	depth  int
	mw     Middleware // nil in the root and for settings
	site   site

	// What holds here, inherited from the parent.
	middleware int // number of middleware from the root to here
	render     ErrorRenderer
	maxBody    int64 // 0: not set
	slashes    SlashPolicy
}

// child returns a step below s that inherits its settings.
func (s *scope) child(at site) *scope {
	c := *s
	c.parent, c.depth, c.mw, c.site = s, s.depth+1, nil, at
	return &c
}

// with returns the path of s and a step for each middleware.
func (s *scope) with(mw []Middleware, where string, at site) *scope {
	for i, m := range mw {
		if m == nil {
			panic(at.message("%s: middleware %d is nil", where, i))
		}
		s = s.child(at)
		s.mw = m
		s.middleware++
	}
	return s
}

// commonScope returns the last scope that the paths of a and b share; a nil
// one has no say.
func commonScope(a, b *scope) *scope {
	if a == nil {
		return b
	}
	for a != b {
		if a.depth >= b.depth {
			a = a.parent
		} else {
			b = b.parent
		}
	}
	return a
}

// compose wraps h in the middleware of s, handing each the renderer. It
// returns h itself without middleware.
func compose(s *scope, render ErrorRenderer, h http.Handler) http.Handler {
	for ; s != nil; s = s.parent {
		if s.mw != nil {
			if h = wrap(s.mw, h, render); h == nil {
				panic(s.site.message("%s: a middleware returned a nil handler", s.mwName()))
			}
		}
	}
	return h
}

// mwName is the name of the function of s.
func (s *scope) mwName() string {
	return runtime.FuncForPC(reflect.ValueOf(s.mw).Pointer()).Name()
}

// site is the program counter of a caller. It is resolved only when somebody
// asks for it: a thousand registrations cost no thousand look-ups.
type site uintptr

// caller returns the site of the call to the exported function that calls it.
func caller() site {
	var pc [1]uintptr
	runtime.Callers(3, pc[:])
	return site(pc[0])
}

// String returns file:line.
func (s site) String() string {
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(s)}).Next()
	if frame.File == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s:%d", frame.File, frame.Line)
}

// message is the text of a panic about a mistake at s.
func (s site) message(format string, args ...any) string {
	return fmt.Sprintf("apiroutes: %s: %s", s, fmt.Sprintf(format, args...))
}
