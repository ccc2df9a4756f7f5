package apiroutes

import (
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// The one exit for errors: from whatever was returned to what the client gets
// and the log says.

// ErrorHandler returns the function with which a middleware answers an error:
// in the form that the router's view sets with [Router.OnError], or as
// [JSONError] below no router. Call it once, where the middleware receives
// next; the function it returns is safe for concurrent use:
//
//	func RequireKey(next http.Handler) http.Handler {
//		fail := apiroutes.ErrorHandler(next)
//		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			if r.Header.Get("X-Key") != key {
//				fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "a key is required"))
//				return
//			}
//			next.ServeHTTP(w, r)
//		})
//	}
//
// An error that comes after the answer of a handler with a Context is only
// logged, and one that comes after a part of it aborts the connection, as for
// handlers. That is known by the request. Where a middleware passes on a copy, or
// the handler has no Context, it is known by the writer if that has a method
// Started() bool, as those of package middleware have; then an error after any
// answer aborts the connection. Without one, a middleware must not answer once
// next has.
func ErrorHandler(next http.Handler) func(w http.ResponseWriter, r *http.Request, err error) {
	render := rendererOf(next)
	return func(w http.ResponseWriter, r *http.Request, err error) { fail(render, w, r, err) }
}

// fail is the one exit for errors, of handlers, middleware and the router
// itself. A nil render is JSONError.
func fail(render ErrorRenderer, w http.ResponseWriter, r *http.Request, err error) {
	switch e, ok := err.(*Error); {
	case err == nil:
		return
	case ok && e == nil: // the classic: a nil *Error returned as error
		err = errors.New("apiroutes: a nil *Error was returned as an error: let the function's result be of type error")
	}
	public := publicError(r, err)
	if !takeOver(w, r, public.Status, err) {
		return
	}
	if header := w.Header(); len(header) > 0 {
		clearForError(header, public.Status)
	}
	if public.Status == http.StatusRequestedRangeNotSatisfiable {
		setContentRange(w.Header(), err)
	}
	if public != err || public.cause != nil {
		if self := selfAnswering(err); self != nil {
			self.WriteError(w, r)
			return
		}
	}
	answerError(render, w, r, public)
}

// failOwn is fail for the errors of the router itself, of which all is known:
// they have a status and no cause. allow is the value of Allow, or nil.
func failOwn(render ErrorRenderer, w http.ResponseWriter, r *http.Request, e *Error, allow []string) {
	if !takeOver(w, r, e.Status, e) {
		return
	}
	header := w.Header()
	others := len(header)
	if allow != nil {
		header["Allow"] = allow
		others = len(header) - 1
	}
	if others > 0 {
		clearForError(header, e.Status)
	}
	answerError(render, w, r, e)
}

func answerError(render ErrorRenderer, w http.ResponseWriter, r *http.Request, e *Error) {
	if render == nil {
		render = JSONError
	}
	render(w, r, e)
}

// takeOver records an error, and reports whether it is to be answered. It is
// not after an answer; after a part of one it aborts the connection.
func takeOver(w http.ResponseWriter, r *http.Request, status int, err error) bool {
	started := record(w, r, status, err)
	for {
		p := load(r)
		switch markOf(p).state {
		case open, returned:
			if started {
				abort(w)
			}
			if swap(r, p, markAnswered) {
				return true
			}
		case broken:
			abort(w)
		default:
			return false
		}
	}
}

// abort ends a request of which a part is answered so that the client can tell.
// A recovering middleware may take the panic, even that of http.ErrAbortHandler,
// for its own and return, whereupon the server would complete the answer: so it
// is not let write any more either. A connection that was hijacked is its new
// owner's.
func abort(w http.ResponseWriter) {
	if !hijacked(w) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0)) // long ago
	}
	panic(http.ErrAbortHandler)
}

// hijacked reports whether a writer of package middleware saw a Hijack.
func hijacked(w http.ResponseWriter) bool {
	for {
		if h, ok := w.(interface{ Hijacked() bool }); ok && h.Hijacked() {
			return true
		}
		inner, ok := w.(unwrapper)
		if !ok {
			return false
		}
		w = inner.Unwrap()
	}
}

// selfAnswerer is an error that writes its own answer.
type selfAnswerer interface {
	WriteError(w http.ResponseWriter, r *http.Request)
}

// selfAnswering returns the error in err's tree that answers by itself, or nil
// if there is none or an error with a status of its own was wrapped around it:
// who wraps an error with a status means that status.
func selfAnswering(err error) selfAnswerer {
	var self selfAnswerer
	if !errors.As(err, &self) {
		return nil
	}
	var coder interface{ StatusCode() int }
	if errors.As(err, &coder) {
		if _, both := coder.(selfAnswerer); !both && errors.As(coder.(error), &self) {
			return nil
		}
	}
	return self
}

// clearForError drops what described the answer that will not come. Set-Cookie,
// Vary, Allow, Retry-After, WWW-Authenticate and CORS headers stay: they belong
// to the exchange, and so does the Content-Range of a 416, which tells the
// length that there is (RFC 9110, section 15.5.17).
func clearForError(header http.Header, status int) {
	for _, name := range [...]string{
		"Content-Length", "Content-Type", "Content-Encoding", "Content-Disposition",
		"Etag", "Last-Modified", "Cache-Control",
	} {
		delete(header, name)
	}
	if status != http.StatusRequestedRangeNotSatisfiable {
		delete(header, "Content-Range")
	}
}

// record hands the error to the first writer that takes it to a log, as that of
// a logging middleware does; else server errors are logged here. It reports
// whether the first writer that knows it has begun an answer: then nothing may
// follow.
func record(w http.ResponseWriter, r *http.Request, status int, err error) (started bool) {
	logged, asked := false, false
	for {
		if rw, ok := w.(interface{ RecordError(int, error) bool }); ok && !logged {
			logged = rw.RecordError(status, err)
		}
		if rw, ok := w.(interface{ Started() bool }); ok && !asked {
			started, asked = rw.Started(), true
		}
		inner, ok := w.(unwrapper)
		if !ok {
			break
		}
		w = inner.Unwrap()
	}
	stands := markOf(load(r)).state
	late := started || stands != open && stands != returned
	if !logged && (status >= 500 || late && status != statusClientGone) {
		slog.Default().LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("method", bounded(r.Method)), slog.String("path", bounded(r.URL.Path)),
			slog.String("pattern", r.Pattern), slog.Int("status", status),
			slog.Bool("answered", late), slog.String("error", cut(err.Error(), 4096)))
	}
	return started
}

type unwrapper interface{ Unwrap() http.ResponseWriter }

// bounded cuts a client's text for a message or log line; whoever writes it
// quotes it.
func bounded(text string) string { return cut(text, 256) }

func cut(text string, most int) string {
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
