package params

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
)

// valueError is a value that does not fit. It takes part in the error protocol
// of package apiroutes.
type valueError struct {
	in       string // "path" or "query"
	name     string
	value    string // as it was sent
	problem  string // what is wrong where value is not just unexpected
	expected string // may be empty
	cause    error
}

// Problems that are named by themselves.
const (
	missing = "is missing"
	empty   = "is empty"
)

// Error returns the message and the cause, for logs.
func (e *valueError) Error() string {
	if e.cause == nil {
		return e.PublicMessage()
	}
	return fmt.Sprintf("%s: %.256s", e.PublicMessage(), e.cause.Error()) // which may repeat the value
}

func (e *valueError) Unwrap() error { return e.cause }

// StatusCode is 400, or that of the cause: the function that parses may know
// better.
func (e *valueError) StatusCode() int {
	var coder interface{ StatusCode() int }
	if errors.As(e.cause, &coder) {
		return coder.StatusCode()
	}
	return http.StatusBadRequest
}

func (e *valueError) PublicMessage() string {
	return fmt.Sprintf("%s parameter %s %s", e.in, quoted(e.name), e.detail())
}

// ErrorFields tells the same by field.
func (e *valueError) ErrorFields() iter.Seq2[string, string] {
	return func(yield func(field, problem string) bool) { yield(e.name, e.detail()) }
}

// detail says what is wrong with the parameter.
func (e *valueError) detail() string {
	var public interface{ PublicMessage() string }
	switch {
	case e.problem != "" && e.expected != "":
		return fmt.Sprintf("%s: it must be %s", e.problem, e.expected)
	case e.problem != "":
		return e.problem
	case e.expected != "":
		return fmt.Sprintf("must be %s, not %s", e.expected, quoted(e.value))
	case errors.As(e.cause, &public) && public.PublicMessage() != "":
		return fmt.Sprintf("is not valid, %s: %s", quoted(e.value), public.PublicMessage())
	}
	return fmt.Sprintf("is not valid, %s", quoted(e.value))
}

// quoted quotes and bounds what a client sent.
func quoted(text string) string {
	const most = 64
	if len(text) > most {
		return strconv.Quote(text[:most]) + "..."
	}
	return strconv.Quote(text)
}
