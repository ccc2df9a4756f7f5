// Package workload holds the route tables and the requests that routers are
// measured with.
package workload

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route is a method and a pattern in the grammar of apiroutes.
type Route struct {
	Method  string
	Pattern string
	Names   []string // of the parameters, in order
}

// NewRoute parses a pattern, which it trusts.
func NewRoute(method, pattern string) Route {
	r := Route{Method: method, Pattern: pattern}
	for segment := range strings.SplitSeq(pattern, "/") {
		if name, kind := parameter(segment); kind != static {
			r.Names = append(r.Names, name)
		}
	}
	return r
}

type segmentKind int

const (
	static segmentKind = iota
	param
	catchAll
)

func parameter(segment string) (name string, kind segmentKind) {
	inner, ok := strings.CutPrefix(segment, "[")
	if !ok {
		return "", static
	}
	inner = strings.TrimSuffix(inner, "]")
	if rest, ok := strings.CutPrefix(inner, "..."); ok {
		return rest, catchAll
	}
	return inner, param
}

// Write returns the pattern in another router's grammar: one and all stand for
// a parameter and a catch-all, with %s for its name.
func (r Route) Write(one, all string) string {
	segments := strings.Split(r.Pattern, "/")
	for i, segment := range segments {
		switch name, kind := parameter(segment); kind {
		case param:
			segments[i] = strings.ReplaceAll(one, "%s", name)
		case catchAll:
			segments[i] = strings.ReplaceAll(all, "%s", name)
		}
	}
	return strings.Join(segments, "/")
}

// path fills the parameters of a pattern with values; those of a catch-all
// have slashes.
func (r Route) path(value func(kind segmentKind) string) (path string, values []string) {
	segments := strings.Split(r.Pattern, "/")
	for i, segment := range segments {
		if _, kind := parameter(segment); kind != static {
			segments[i] = value(kind)
			values = append(values, segments[i])
		}
	}
	return strings.Join(segments, "/"), values
}

// Kind says what handlers do.
type Kind int

const (
	// Params handlers read every parameter by name and answer nothing.
	Params Kind = iota
	// PathValues handlers are http.Handlers that read by Request.PathValue.
	PathValues
	// JSON handlers read the parameter and answer a User.
	JSON
	// Gzip handlers answer Document, compressed.
	Gzip
	// Stack handlers read the parameter and answer Text, behind request id,
	// access log, recovery and CORS.
	Stack
)

// Table is what a router registers.
type Table struct {
	Name       string
	Routes     []Route
	Kind       Kind
	Middleware int // number of no-op middlewares around every route
}

// Want is a request and what the router must make of it.
type Want struct {
	Method, Path string
	Route        int // index into Table.Routes, or -1
	Values       []string
	Status       int
}

// Workload is a table with requests.
type Workload struct {
	Table
	Distinct []Want // all requests, for verification
	order    []int  // of Distinct, as they are timed
	spread   bool   // one http.Request for each element of order, in its order
	N        int    // number of routes
}

// NamesWithStar are the names for routers in which a catch-all is read as "*".
func (r Route) NamesWithStar() []string {
	names := slices.Clone(r.Names)
	if strings.HasSuffix(r.Pattern, "]") && strings.Contains(r.Pattern, "[...") {
		names[len(names)-1] = "*"
	}
	return names
}

// newWorkload orders requests: permutation after permutation, so that each is
// as frequent as every other and the next one cannot be predicted.
func newWorkload(table Table, requests []Want, length int) *Workload {
	w := &Workload{Table: table, Distinct: requests, N: len(table.Routes)}
	random := rand.New(rand.NewPCG(1, 2))
	for len(w.order) < length {
		w.order = append(w.order, random.Perm(len(requests))...)
	}
	w.order = w.order[:max(length, 1)]
	return w
}

// sequenceLength is the number of requests in a round's sequence, at least.
const sequenceLength = 8192

// Request is one request of a sequence, with a copy to restore it from.
type Request struct {
	Shared   *http.Request
	Pristine *http.Request
	Want     *Want
}

// Sequence builds the requests in the order in which they are timed. Nothing
// in it is shared with another sequence. The paths of a spread workload lie in
// memory in the order of their use, so that the routers are measured and not
// the loading of requests.
func (w *Workload) Sequence() []Request {
	indexes := w.order
	if !w.spread {
		indexes = make([]int, len(w.Distinct))
		for i := range indexes {
			indexes[i] = i
		}
	}
	made := w.requests(indexes)
	if w.spread {
		return made
	}
	sequence := make([]Request, len(w.order))
	for i, number := range w.order {
		sequence[i] = made[number]
	}
	return sequence
}

// Each builds one request of each kind, for verification.
func (w *Workload) Each() []Request {
	indexes := make([]int, len(w.Distinct))
	for i := range indexes {
		indexes[i] = i
	}
	return w.requests(indexes)
}

func (w *Workload) requests(indexes []int) []Request {
	var text strings.Builder
	for _, number := range indexes {
		text.WriteString(w.Distinct[number].Path)
	}
	rest := text.String()
	requests := make([]http.Request, len(indexes))
	pristine := make([]http.Request, len(indexes))
	urls := make([]url.URL, len(indexes))
	header := http.Header{"Accept-Encoding": {"gzip"}}
	sequence := make([]Request, len(indexes))
	for i, number := range indexes {
		want := &w.Distinct[number]
		if w.Kind == Stack {
			header = maps.Clone(pageHeader)
		}
		urls[i].Path, rest = rest[:len(want.Path)], rest[len(want.Path):]
		requests[i] = http.Request{
			Method: want.Method, URL: &urls[i], RequestURI: urls[i].Path, Host: "bench.test", Header: header,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: "192.0.2.1:1234", Body: http.NoBody,
		}
		pristine[i] = requests[i]
		sequence[i] = Request{Shared: &requests[i], Pristine: &pristine[i], Want: want}
	}
	return sequence
}

// Origin is that of the page which sends the requests of a Stack.
const Origin = "https://app.example"

var pageHeader = http.Header{"Accept-Encoding": {"gzip"}, "Origin": {Origin}}

// Restore undoes what a router wrote to a request of a Stack: to its header
// too, which is its own there.
func (r Request) Restore() {
	*r.Shared = *r.Pristine
	clear(r.Shared.Header)
	maps.Copy(r.Shared.Header, pageHeader)
}
