// Package router adapts each router to the same tables: one file per router.
package router

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"regexp"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// Adapter is a router that can be measured.
type Adapter struct {
	Name string
	// FastHTTP says that the router is none of net/http: its times include
	// filling a request of its own.
	FastHTTP bool
	// Floor marks what is no router: its answers are not those of the table.
	Floor bool
	// Prepare makes the patterns and the handlers of a table. What it returns
	// registers them.
	Prepare func(t *workload.Table, p *Probe) func() Instance
	// Skip tells why the router cannot do a table, by its name.
	Skip func(t *workload.Table) string
	// Stack says that the router brings the middleware of a workload.Stack.
	Stack bool
	// MaxRoutes bounds the growth workloads, for Why; 0 is no bound.
	MaxRoutes int
	Why       string
}

// All are the adapters. The floor is first.
func All() []*Adapter {
	return []*Adapter{
		bare, apiroutesAdapter, serveMux, chiAdapter, ginAdapter, echoAdapter, httprouterAdapter, bunrouterAdapter,
		foxAdapter, aeroAdapter, httptreemuxAdapter, gorillaAdapter, fiberAdapter,
	}
}

// Named returns the adapters whose name matches.
func Named(expression *regexp.Regexp) (list []*Adapter) {
	for _, a := range All() {
		if expression.MatchString(a.Name) {
			list = append(list, a)
		}
	}
	return list
}

// Reason tells why the adapter skips a workload, or is empty.
func (a *Adapter) Reason(w *workload.Workload) string {
	if a.MaxRoutes > 0 && w.N > a.MaxRoutes {
		return a.Why
	}
	if w.Kind == workload.Stack && !a.Stack && !a.Floor {
		return noStack
	}
	if a.Skip == nil {
		return ""
	}
	return a.Skip(&w.Table)
}

// skips is the Skip of an adapter with a reason for each name.
func skips(reasons map[string]string) func(*workload.Table) string {
	return func(t *workload.Table) string { return reasons[t.Name] }
}

const (
	noPathValue = "Request.PathValue is not set"
	noGzip      = "brings no compression of its own"
	noChains    = "has no middleware of its own"
	noStack     = "does not bring all of request id, access log, recovery and CORS"
)

// Instance is a router with its routes.
type Instance interface {
	// Worker returns what serves requests in one goroutine.
	Worker() Worker
}

// Worker serves requests.
type Worker interface {
	Serve(requests []workload.Request)
	// Answer serves one request and returns the status and the body.
	Answer(request workload.Request) (status int, header http.Header, body []byte)
}

// Probe is what handlers show their parameters to. It writes nothing while a
// router is timed, so that several goroutines may share it.
type Probe struct {
	limit  int // values longer than this are recorded
	Route  int
	Values []string
	Logs   []map[string]string // records of the access log, by attribute
}

// NewProbe returns a probe that is off.
func NewProbe() *Probe { return &Probe{limit: math.MaxInt} }

// Record makes the probe keep what the handlers show.
func (p *Probe) Record(on bool) {
	p.limit = math.MaxInt
	if on {
		p.limit = -1
	}
	p.Route, p.Values, p.Logs = -1, nil, nil
}

// Hit is called by the handler of a route.
func (p *Probe) Hit(route int) {
	if p.limit < 0 {
		p.Route = route
	}
}

// Param is called with the value of a parameter. A comparison is the least
// that a handler can do with a value.
func (p *Probe) Param(value string) {
	if len(value) > p.limit {
		p.record(value)
	}
}

func (p *Probe) record(value string) { p.Values = append(p.Values, value) }

// Logged is called with what an access log writes.
func (p *Probe) Logged(r slog.Record) {
	if p.limit >= 0 {
		return
	}
	attributes := map[string]string{}
	r.Attrs(func(a slog.Attr) bool {
		attributes[a.Key] = a.Value.String()
		return true
	})
	p.Logs = append(p.Logs, attributes)
}

// reset says what a router writes to a request, which must be undone before
// the request is used again.
type reset int

const (
	untouched reset = iota // nothing, or what the next use overwrites
	fields                 // Pattern and Response
	whole                  // path values, for which there is no other way
)

// httpInstance is a router of net/http.
type httpInstance struct {
	handler http.Handler
	reset   reset
	fresh   bool // answers have headers: each request begins without
	stack   bool // requests have headers that are written to
}

func newHTTP(t *workload.Table, handler http.Handler, reset reset) Instance {
	if t.Kind == workload.PathValues {
		reset = whole
	}
	return &httpInstance{handler: handler, reset: reset, fresh: t.Kind == workload.JSON || t.Kind == workload.Gzip, stack: t.Kind == workload.Stack}
}

func (i *httpInstance) Worker() Worker {
	return &httpWorker{httpInstance: i, w: writer{header: http.Header{}}}
}

type httpWorker struct {
	*httpInstance
	w writer
}

func (x *httpWorker) Serve(requests []workload.Request) {
	handler := x.handler
	var w http.ResponseWriter = &x.w
	switch {
	case x.stack:
		for i := range requests {
			clear(x.w.header)
			requests[i].Restore()
			handler.ServeHTTP(w, requests[i].Shared)
		}
	case x.fresh || x.reset == whole:
		for i := range requests {
			clear(x.w.header)
			*requests[i].Shared = *requests[i].Pristine
			handler.ServeHTTP(w, requests[i].Shared)
		}
	case x.reset == fields:
		for i := range requests {
			r := requests[i].Shared
			r.Pattern, r.Response = "", nil
			handler.ServeHTTP(w, r)
		}
	default:
		for i := range requests {
			handler.ServeHTTP(w, requests[i].Shared)
		}
	}
}

func (x *httpWorker) Answer(request workload.Request) (status int, header http.Header, body []byte) {
	clear(x.w.header)
	x.w.status, x.w.body, x.w.keep = 0, nil, true
	if *request.Shared = *request.Pristine; x.stack {
		request.Restore()
	}
	x.handler.ServeHTTP(&x.w, request.Shared)
	x.w.keep = false
	if x.w.status == 0 {
		x.w.status = http.StatusOK
	}
	return x.w.status, x.w.header, x.w.body
}

// writer is a ResponseWriter that drops what is written, unless told to keep
// it.
type writer struct {
	header http.Header
	status int
	keep   bool
	body   []byte
}

var _ io.StringWriter = (*writer)(nil)

func (w *writer) Header() http.Header    { return w.header }
func (w *writer) WriteHeader(status int) { w.status = status }

func (w *writer) Write(p []byte) (int, error) {
	if w.keep {
		w.body = append(w.body, p...)
	}
	return len(p), nil
}

func (w *writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// pass is a middleware that does nothing.
func pass(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

// must panics with an error of a registration, which Build returns.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("the router failed: %w", err))
	}
}
