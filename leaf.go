package apiroutes

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/apiroutes/apiroutes/params"
)

// leaf is a pattern with what is registered for it. There is one for each
// pattern of a table that may have a hundred thousand, so that it holds only
// what differs.
type leaf struct {
	first   endpoint // the one that was registered first, often the only one
	pattern string
	several *several // nil if first is all there is
}

// several is what a leaf has with more than one endpoint, or with one for a
// method that has no code.
type several struct {
	endpoints []*endpoint // all, by method
	codes     uint16      // a bit for the code of each
	allow     []string    // the value of Allow
	common    *scope      // the longest common path of all registrations
}

// shape is what a pattern's parameters are. Patterns that are alike in this
// share one.
type shape struct {
	kind    leafKind
	depth   int      // number of segments before the rest
	names   []string // of the parameters, in order
	places  []int    // the segment number of each parameter
	rest    string   // the name of the catch-all, which is the last one; or ""
	restKey string   // restKey(rest)
}

type leafKind uint8

const (
	exact    leafKind = iota // static segments and parameters only
	catchAll                 // [...name]
	optional                 // [[...name]]
	mounted                  // a prefix
)

// newShape describes the parameters of a pattern.
func newShape(kind leafKind, segments []params.Segment) *shape {
	s := &shape{kind: kind, depth: len(segments)}
	for i, segment := range segments {
		if segment.Kind == params.Static {
			continue
		}
		s.names, s.places = append(s.names, segment.Text), append(s.places, i)
		if segment.IsCatchAll() {
			s.rest, s.restKey, s.depth, s.kind = segment.Text, restKey(segment.Text), i, catchAll
			if segment.Kind == params.OptionalCatchAll {
				s.kind = optional
			}
		}
	}
	return s
}

// shapeOf returns the shape of a pattern, the one that an earlier pattern has if
// it is the same.
func (t *table) shapeOf(kind leafKind, segments []params.Segment) *shape {
	var buffer [128]byte
	key := append(buffer[:0], '0'+byte(kind))
	for _, s := range segments { // no name has a slash or a bracket
		switch key = append(key, '/'); s.Kind {
		case params.Static:
		case params.OptionalCatchAll:
			key = append(append(key, "[["...), s.Text...)
		case params.CatchAll:
			key = append(append(key, '*'), s.Text...)
		default:
			key = append(append(key, '['), s.Text...)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.shapes[string(key)]
	if !ok {
		known = newShape(kind, segments)
		if t.shapes == nil {
			t.shapes = map[string]*shape{}
		}
		t.shapes[string(key)] = known
	}
	return known
}

// last is the last segment as the pattern has it.
func (l *leaf) last() string { return l.pattern[strings.LastIndexByte(l.pattern, '/')+1:] }

// common is the longest common path of all registrations of l.
func (l *leaf) common() *scope {
	if l.several != nil {
		return l.several.common
	}
	return l.first.scope
}

// allow is the value of Allow.
func (l *leaf) allow() []string {
	if l.several != nil {
		return l.several.allow
	}
	return allowOne[l.first.code]
}

// registered returns all endpoints of the leaf, by method.
func (l *leaf) registered() []*endpoint {
	if l.several != nil {
		return l.several.endpoints
	}
	return []*endpoint{&l.first}
}

// add registers a further endpoint, or the first one again, and renews what
// depends on all of them.
func (l *leaf) add(e *endpoint) {
	e.leaf = l
	if e == &l.first && e.code != otherMethod {
		return
	}
	if l.several == nil {
		l.several = &several{}
		if e != &l.first {
			l.several.add(&l.first)
		}
	}
	l.several.add(e)
}

// compose prepares the router's own answers for a leaf, behind the middleware
// that all its registrations share.
func (l *leaf) compose() {
	common := l.common()
	if common.middleware == 0 {
		return
	}
	if l.first.chains == nil {
		l.first.chains = new(chains)
	}
	c := l.first.chains
	c.redirect = compose(common, common.render, http.HandlerFunc(redirect))
	if l.first.code != everyMethod {
		c.automatic = compose(common, common.render, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answerMethod(common.render, w, r, l.allow())
		}))
	}
}

// answerMethod answers a request for the leaf whose method has no handler.
func (l *leaf) answerMethod(w http.ResponseWriter, r *http.Request, path string) {
	if c := l.first.chains; c != nil && c.automatic != nil {
		l.setPathValues(r, path)
		c.automatic.ServeHTTP(w, r)
		return
	}
	answerMethod(l.common().render, w, r, l.allow())
}

// redirectToClean answers a request for the unclean form of a path that l
// matches.
func (l *leaf) redirectToClean(w http.ResponseWriter, r *http.Request, path string) {
	if c := l.first.chains; c != nil && c.redirect != nil {
		l.setPathValues(r, path)
		c.redirect.ServeHTTP(w, r)
		return
	}
	redirect(w, r)
}

// setPathValues gives the parameters to middleware and plain handlers. An
// absent optional catch-all is set too: an outer router's value of that name
// must not show through.
func (l *leaf) setPathValues(r *http.Request, path string) {
	s := l.first.shape
	for i, name := range s.names {
		value := s.canonicalValue(path, i)
		r.SetPathValue(name, plain(value))
		if name == s.rest {
			r.SetPathValue(s.restKey, value)
		}
	}
}

// spans returns where the last eight parameters stand in a clean canonical path,
// and so in URL.Path, which has the same length: four per word, the last one
// lowest, each start and end in 8 bits. Zero means to look for the segment again,
// as is done for earlier ones and in longer paths than maxSpan.
func (s *shape) spans(path string) (near, far uint64) {
	if len(s.places) == 0 || len(path) > maxSpan {
		return 0, 0
	}
	i, place := 0, 0
	for start, end := segmentAt(path, 0); start < len(path) && i < len(s.places); start, end = segmentAt(path, end) {
		if place == s.places[i] {
			if place == s.depth && s.rest != "" {
				end = len(path)
			}
			near, far = pushSpan(near, far, start, end)
			i++
		}
		place++
	}
	if i < len(s.places) { // an optional catch-all that is absent
		near, far = pushSpan(near, far, 0, 0)
	}
	return near, far
}

// pushSpan adds a parameter behind those that are there.
func pushSpan(near, far uint64, start, end int) (uint64, uint64) {
	return near<<16 | uint64(start)<<8 | uint64(end), far<<16 | near>>48
}

// canonicalValue returns parameter number i of a canonical path, in that form.
func (s *shape) canonicalValue(path string, i int) string {
	if place := s.places[i]; s.rest == "" || place < s.depth {
		start, end := segmentNumber(path, place)
		return path[start:end]
	}
	return restFrom(path, s.depth)
}

// value returns parameter number i of a URL.
func (s *shape) value(u *url.URL, i int) string {
	path, _, _ := canonicalPath(u)
	return plain(s.canonicalValue(path, i))
}

// restKey is the name under which the canonical remainder of a catch-all is
// kept in a request's path values. No pattern can have a parameter of that
// name, for the brackets.
func restKey(name string) string {
	var b strings.Builder
	b.WriteString("[...")
	b.WriteString(name)
	b.WriteByte(']')
	return b.String()
}
