package apiroutes

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"mime/multipart"
	"net/http"
	"strings"
)

// Error is an error with a status and a text for the client. Everything in it
// but the cause is public.
//
// A handler or middleware may return any error. What the client sees of it is
// found with [errors.As], by these methods, so that packages can take part
// without importing this one:
//
//	StatusCode() int                               // outside 400-599, or missing: 500
//	PublicMessage() string                         // missing or empty: the status text
//	ErrorCode() string                             // optional: a machine-readable code
//	ErrorDetails() any                             // optional: encoded as JSON
//	ErrorFields() iter.Seq2[string, string]        // optional: fields, and what is wrong with each
//	ProblemDetails() (typ, title, instance string, extensions map[string]any) // optional: for RFC 9457
//	WriteError(http.ResponseWriter, *http.Request) // answers by itself instead
//
// Of errors that are joined the first one with such a method decides, but the
// fields of all are told.
//
// [*http.MaxBytesError] and [multipart.ErrMessageTooLarge] count as 413. The
// error of the request's own context, returned once that is done, counts as
// 503 after a deadline and as 499 when the client is gone. Everything else is
// 500 and its text goes to the log only.
//
// The zero value is a 500. An Error must not be changed once it was returned.
type Error struct {
	Status  int    // 400 to 599; anything else counts as 500
	Message string // empty: the text of the status
	Code    string // optional, machine-readable, such as "email_taken"
	Details any    // optional, encoded as JSON

	// Fields are the parts of the request that are wrong.
	Fields []FieldError

	// What [Problem] writes besides (RFC 9457, section 3). Type is a URI
	// that identifies the kind of problem, Title a short text for all problems
	// of that kind, Instance a URI for this occurrence. Members of Extensions
	// with a name of RFC 9457 or of this package are left out.
	Type, Title, Instance string
	Extensions            map[string]any

	cause error
}

// FieldError says what is wrong with one part of a request. Both texts are
// public.
type FieldError struct {
	// Field is a JSON Pointer as a URI fragment, such as "#/user/age", for a
	// part of the body, and else the name of a parameter.
	Field   string
	Message string // such as "must be a number"
}

// Errorf returns an error with a status and a formatted text for the client.
// The text is public: format no other error into it but keep that with
// [Error.WithCause]. So a format with %w, which would publish its error, makes
// the result a 500 whose cause says so.
func Errorf(status int, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	if wraps(format) {
		return (&Error{}).WithCause(fmt.Errorf("apiroutes: Errorf(%d, %q): %%w would publish the error it wraps: use WithCause", status, format))
	}
	return &Error{Status: status, Message: message}
}

// wraps reports whether a format has the verb %w.
func wraps(format string) bool {
	for {
		_, verb, found := strings.Cut(format, "%")
		if !found {
			return false
		}
		verb = strings.TrimLeft(verb, "+-# 0123456789.*[]")
		if strings.HasPrefix(verb, "w") {
			return true
		}
		format = verb[min(1, len(verb)):] // behind the verb, or the second percent sign
	}
}

// WithCause returns a copy of e that wraps cause, for errors.Is and errors.As.
// The client never sees it. It is logged where a logging middleware records
// errors, and else for server errors only: a 404 fills no log.
func (e *Error) WithCause(cause error) *Error {
	copied := *e
	copied.cause = cause
	return &copied
}

// Error returns status, message and cause, for logs.
func (e *Error) Error() string {
	text := fmt.Sprintf("%d %s", e.StatusCode(), e.PublicMessage())
	if cause := e.Unwrap(); cause != nil {
		text += ": " + cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.value().cause }

// StatusCode returns Status, or 500 if that is no error status.
func (e *Error) StatusCode() int {
	if status := e.value().Status; status >= 400 && status <= 599 {
		return status
	}
	return http.StatusInternalServerError
}

// PublicMessage returns Message, or the text of the status.
func (e *Error) PublicMessage() string {
	if message := e.value().Message; message != "" {
		return message
	}
	return statusText(e.StatusCode())
}

// ErrorCode returns Code.
func (e *Error) ErrorCode() string { return e.value().Code }

// ErrorDetails returns Details.
func (e *Error) ErrorDetails() any { return e.value().Details }

// ErrorFields returns Fields.
func (e *Error) ErrorFields() iter.Seq2[string, string] {
	return func(yield func(field, message string) bool) {
		for _, f := range e.value().Fields {
			if !yield(f.Field, f.Message) {
				return
			}
		}
	}
}

// ProblemDetails returns Type, Title, Instance and Extensions.
func (e *Error) ProblemDetails() (typ, title, instance string, extensions map[string]any) {
	v := e.value()
	return v.Type, v.Title, v.Instance, v.Extensions
}

// value is the zero Error for nil: a nil *Error that was returned as an error,
// perhaps wrapped, is a mistake that must not become a panic.
func (e *Error) value() Error {
	if e == nil {
		return Error{}
	}
	return *e
}

// statusClientGone is what logs call a request whose client has gone; the
// number is nginx's, RFC 9110 has none.
const statusClientGone = 499

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	if status == statusClientGone {
		return "Client Closed Request"
	}
	return fmt.Sprintf("Status %d", status)
}

// The router's own errors. They are shared and never changed.
var (
	errNotFound         = &Error{Status: http.StatusNotFound}
	errMethodNotAllowed = &Error{Status: http.StatusMethodNotAllowed}
	errBadTarget        = &Error{Status: http.StatusBadRequest, Message: "the request target is not a path"}
	errDotSegment       = &Error{Status: http.StatusBadRequest, Message: "the path holds a dot segment"}
	errNul              = &Error{Status: http.StatusBadRequest, Message: "the path holds a NUL byte"}
	errOtherSpelling    = &Error{Status: http.StatusBadRequest, Message: "the path is another spelling of a route's path"}
	errNotUTF8          = &Error{Status: http.StatusBadRequest, Message: "the path is not valid UTF-8"}
)

// publicError reduces err to what the client may see.
func publicError(r *http.Request, err error) *Error {
	if e, ok := err.(*Error); ok && e != nil && e.Status >= 400 && e.Status <= 599 {
		return e
	}
	public := &Error{Status: statusOf(r, err), cause: err}
	var (
		messager interface{ PublicMessage() string }
		coder    interface{ ErrorCode() string }
		detailer interface{ ErrorDetails() any }
		problem  interface {
			ProblemDetails() (typ, title, instance string, extensions map[string]any)
		}
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &messager):
		public.Message = messager.PublicMessage()
	case errors.As(err, &tooLarge):
		public.Message = tooLargeMessage(tooLarge.Limit)
	}
	if public.Message == "" {
		public.Message = statusText(public.Status)
	}
	if errors.As(err, &coder) {
		public.Code = coder.ErrorCode()
	}
	if errors.As(err, &detailer) {
		public.Details = detailer.ErrorDetails()
	}
	if errors.As(err, &problem) {
		public.Type, public.Title, public.Instance, public.Extensions = problem.ProblemDetails()
	}
	public.Fields = fieldsOf(err)
	return public
}

// fieldsOf collects the fields of all errors that are joined in err, but not
// those of an error's causes.
func fieldsOf(err error) (fields []FieldError) {
	switch e := err.(type) {
	case interface {
		ErrorFields() iter.Seq2[string, string]
	}:
		if seq := e.ErrorFields(); seq != nil {
			for field, message := range seq {
				fields = append(fields, FieldError{field, message})
			}
		}
	case interface{ Unwrap() error }:
		fields = fieldsOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			fields = append(fields, fieldsOf(joined)...)
		}
	}
	return fields
}

func tooLargeMessage(limit int64) string {
	return fmt.Sprintf("the body exceeds the limit of %d bytes", limit)
}

func statusOf(r *http.Request, err error) int {
	var coder interface{ StatusCode() int }
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &coder):
		if status := coder.StatusCode(); status >= 400 && status <= 599 {
			return status
		}
	case errors.As(err, &tooLarge), errors.Is(err, multipart.ErrMessageTooLarge):
		return http.StatusRequestEntityTooLarge
	case r.Context().Err() == nil:
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.Canceled), markOf(load(r)).state == broken:
		return statusClientGone // a failed write cancels the context too
	}
	return http.StatusInternalServerError
}
