package router

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/klauspost/compress/gzhttp"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// plainHandlers are the handlers of a table for routers that take those of
// net/http. read is how parameters are read by name.
func plainHandlers(t *workload.Table, p *Probe, read func(r *http.Request, name string) string) []http.HandlerFunc {
	handlers := make([]http.HandlerFunc, len(t.Routes))
	for i, route := range t.Routes {
		names := route.Names
		switch t.Kind {
		case workload.Params, workload.PathValues:
			handlers[i] = func(_ http.ResponseWriter, r *http.Request) {
				p.Hit(i)
				for _, name := range names {
					p.Param(read(r, name))
				}
			}
		case workload.JSON:
			handlers[i] = func(w http.ResponseWriter, r *http.Request) {
				id := read(r, "id")
				p.Hit(i)
				p.Param(id)
				writeJSON(w, workload.UserOf(id))
			}
		case workload.Gzip:
			handlers[i] = func(w http.ResponseWriter, _ *http.Request) {
				p.Hit(i)
				writeDocument(w)
			}
		case workload.Stack:
			handlers[i] = func(w http.ResponseWriter, r *http.Request) {
				p.Hit(i)
				writeText(w, textOf(p, names, func(name string) string { return read(r, name) }))
			}
		}
	}
	return handlers
}

// writeJSON is what one writes with the standard library alone.
func writeJSON(w http.ResponseWriter, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text)
}

// textOf reads the parameters of a Stack and returns what to answer.
func textOf(p *Probe, names []string, read func(name string) string) string {
	if len(names) == 0 {
		return workload.Text()
	}
	value := read(names[0])
	p.Param(value)
	return workload.Text(value)
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

func writeDocument(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(workload.Document)
}

// wrap puts the middleware of a table around a handler, as one does without a
// router's help.
func wrap(t *workload.Table, h http.Handler) http.Handler {
	for range t.Middleware {
		h = pass(h)
	}
	return h
}

// gzipped is package gzhttp of klauspost around a handler.
func gzipped(h http.Handler) http.Handler {
	wrapper, err := gzhttp.NewWrapper()
	must(err)
	return wrapper(h)
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// bare is the floor: no router, one handler that reads nothing.
var bare = &Adapter{
	Name:  "bare",
	Floor: true,
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		var h http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { p.Hit(0) })
		switch t.Kind {
		case workload.JSON:
			h = plainHandlers(t, p, func(*http.Request, string) string { return "42" })[0]
		case workload.Gzip:
			h = gzipped(plainHandlers(t, p, nil)[0])
		}
		return func() Instance { return newHTTP(t, wrap(t, h), untouched) }
	},
}

// serveMux is the router of net/http.
var serveMux = &Adapter{
	Name: "ServeMux",
	Prepare: func(t *workload.Table, p *Probe) func() Instance {
		handlers := plainHandlers(t, p, (*http.Request).PathValue)
		patterns := make([]string, len(t.Routes))
		for i, route := range t.Routes {
			patterns[i] = route.Method + " " + route.Write("{%s}", "{%s...}")
			if route.Pattern == "/" {
				patterns[i] = route.Method + " /{$}"
			}
		}
		return func() Instance {
			mux := http.NewServeMux()
			for i, pattern := range patterns {
				var h http.Handler = handlers[i]
				if t.Kind == workload.Gzip {
					h = gzipped(h)
				}
				mux.Handle(pattern, wrap(t, h))
			}
			return newHTTP(t, mux, untouched)
		}
	},
	Skip: skips(map[string]string{
		"Backtrack": "overlapping patterns panic at registration",
	}),
}
