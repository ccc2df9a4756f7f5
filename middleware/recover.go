package middleware

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
)

// Recover answers a panic with 500, through [apiroutes.ErrorHandler]. The cause
// of that error has the text of the panic's value and the stack, for the log;
// the client sees neither. If the value is an error, errors.Is and errors.As
// find it, but its own status and text do not count.
//
// If a part of the answer was sent, the cause is recorded and the connection
// aborted: the client must not take the part for the whole. So it goes, too, if
// writing the error panics. [http.ErrAbortHandler] and [runtime.Goexit] pass
// through as they are.
//
// The cause goes to [Logger] if that is outside of Recover, and is else logged
// to slog.Default.
//
// Only the goroutine that serves the request is recovered. A panic in another
// one, which a handler started, ends the process: no function can recover a
// panic of another goroutine.
func Recover() apiroutes.Middleware {
	return func(next http.Handler) http.Handler {
		fail := apiroutes.ErrorHandler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shared, outermost := writer.Wrap(w)
			if outermost {
				defer shared.Close()
			}
			defer func() {
				switch v := recover(); v {
				case nil: // no panic, or runtime.Goexit
				case http.ErrAbortHandler:
					panic(v)
				default:
					answerPanic(fail, shared, r, v)
				}
			}()
			next.ServeHTTP(shared, r)
		})
	}
}

// answerPanic answers for a panic with the value v, or records it and aborts.
func answerPanic(fail func(http.ResponseWriter, *http.Request, error), w *writer.Writer, r *http.Request, v any) {
	sent := w.Started() // perhaps all of it, but a handler that panics cannot vouch for that
	if !try(func() { fail(w, r, panicked(v)) }, func(v any) {
		fail(w, r, panicked(v)) // the request counts as answered: this records only
	}) || sent {
		w.Abort()
	}
}

// try calls do and reports whether it returned. The value of a panic goes to
// failed, unless it is http.ErrAbortHandler.
func try(do func(), failed func(v any)) (returned bool) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			failed(v)
		}
	}()
	do()
	return true
}

// panicked returns the error for a panic, in whose deferred function it is
// called. A status of its own makes that of the value, which was not returned as
// an error, not count.
func panicked(v any) error {
	return (&apiroutes.Error{Status: http.StatusInternalServerError}).WithCause(&panicError{
		value: v,
		text:  "panic: " + printable(fmt.Sprint(v), mostOfError/4) + stack(),
	})
}

// panicError is made at once and not when it is logged: the value may change
// later on.
type panicError struct {
	value any
	text  string
}

func (e *panicError) Error() string { return e.text }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// stack returns the calls that led to the panic, the last one first, in one
// line: a record in a log is one line, and this way it need not be escaped.
func stack() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	var text strings.Builder
	for panicking := false; ; {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case !panicking, strings.HasPrefix(frame.Function, "runtime."):
			// how it came here from the panic, and how the runtime came to panic
		default:
			text.WriteString("; at " + frame.Function + " (" + frame.File + ":" + strconv.Itoa(frame.Line) + ")")
		}
		if !more {
			break
		}
	}
	return text.String()
}
