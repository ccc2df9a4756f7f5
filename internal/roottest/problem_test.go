package roottest

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// problemBody is what Problem writes for an error that a handler returns.
func problemBody(t testing.TB, render apiroutes.ErrorRenderer, err error) string {
	t.Helper()
	r := apiroutes.New().OnError(render)
	r.Get("/", errorOf(err))
	return string(testutil.Call(t, r, "GET /").Bytes())
}

// Errors of other packages that say what fields are wrong, or more for RFC 9457.
type (
	problemFields  [][2]string
	problemDetails struct {
		typ, title, instance string
		extensions           map[string]any
	}
	problemWrapper struct{ error } // with a status of its own
)

func (problemFields) Error() string    { return "SECRET" }
func (problemFields) StatusCode() int  { return 422 }
func (e problemDetails) Error() string { return "SECRET" }
func (problemWrapper) StatusCode() int { return 409 }
func (e problemWrapper) Unwrap() error { return e.error }
func (e problemWrapper) Error() string { return "SECRET" }
func (e problemFields) ErrorFields() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range e {
			if !yield(f[0], f[1]) {
				return
			}
		}
	}
}

func (e problemDetails) ProblemDetails() (typ, title, instance string, extensions map[string]any) {
	return e.typ, e.title, e.instance, e.extensions
}

// problemBad cannot be encoded.
type problemBad struct{}

func (problemBad) MarshalJSON() ([]byte, error) { return nil, errors.New("SECRET") }

// TestProblemMembers pins the members, to the byte where their order is promised.
func TestProblemMembers(t *testing.T) {
	captureLog(t)
	var typedNil *apiroutes.Error
	one := problemFields{{"#/a", "is wrong"}, {"page", "must be a number"}}
	oneText := `"errors":[{"detail":"is wrong","pointer":"#/a"},{"detail":"must be a number","parameter":"page"}]`
	details := problemDetails{"https://x.example/p", "Out", "/i/1", map[string]any{"balance": 30}}
	detailsText := `"type":"https://x.example/p","title":"Out"`
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"all", &apiroutes.Error{
			Status: 403, Message: "balance is 30", Code: "poor", Details: []int{1},
			Type: "https://x.example/p", Title: "Out of Credit", Instance: "/i/1",
			Fields: []apiroutes.FieldError{{Field: "#", Message: "is empty"}}, Extensions: map[string]any{"balance": 30},
		}, `{` + `"type":"https://x.example/p","title":"Out of Credit","status":403,"detail":"balance is 30","instance":"/i/1","code":"poor","details":[1],"errors":[{"detail":"is empty","pointer":"#"}],"balance":30}`},
		{"a title of its own", &apiroutes.Error{Status: 403, Title: "Out"}, `{"type":"about:blank","title":"Out","status":403,"detail":"Forbidden"}`},
		{"a detail that repeats the title", &apiroutes.Error{Status: 403, Title: "Out", Message: "Out"}, `{"type":"about:blank","title":"Out","status":403}`},
		{"not HTML", &apiroutes.Error{Status: 400, Title: "<a&b>", Type: "/p?a&b", Instance: "/<>", Extensions: map[string]any{"<x>": "&<>"}},
			`{"type":"/p?a&b","title":"<a&b>","status":400,"detail":"Bad Request","instance":"/<>","<x>":"&<>"}`},
		{"no extensions", &apiroutes.Error{Status: 400, Extensions: map[string]any{}}, `{"type":"about:blank","title":"Bad Request","status":400}`},
		{"only bad extensions", &apiroutes.Error{Status: 400, Extensions: map[string]any{"a": make(chan int), "b": problemBad{}, "status": 200}},
			`{"type":"about:blank","title":"Bad Request","status":400}`},
		{"some bad extensions", &apiroutes.Error{Status: 400, Extensions: map[string]any{"a": func() {}, "b": 1, "c": problemBad{}, "d": json.RawMessage("{"), "e": "x"}},
			`{"type":"about:blank","title":"Bad Request","status":400,"b":1,"e":"x"}`},
		{"reserved names", &apiroutes.Error{Status: 400, Extensions: map[string]any{
			"type": 1, "title": 1, "status": 1, "detail": 1, "instance": 1, "code": 1, "details": 1, "errors": 1, "Type": 2, "error": 2, "": 2,
		}}, `{"type":"about:blank","title":"Bad Request","status":400,"":2,"Type":2,"error":2}`},
		{"an extension's own HTML", &apiroutes.Error{Status: 400, Extensions: map[string]any{"a": map[string]any{"b": []string{"<"}}}},
			`{"type":"about:blank","title":"Bad Request","status":400,"a":{"b":["<"]}}`},

		{"foreign fields", one, `{"type":"about:blank","title":"Unprocessable Entity","status":422,` + oneText + `}`},
		{"foreign fields, wrapped", fmt.Errorf("SECRET: %w", fmt.Errorf("SECRET: %w", one)), `{"type":"about:blank","title":"Unprocessable Entity","status":422,` + oneText + `}`},
		{"fields below a status", problemWrapper{one}, `{"type":"about:blank","title":"Conflict","status":409,` + oneText + `}`},
		{"joined fields", errors.Join(problemFields{{"a", "1"}}, errOops, fmt.Errorf("SECRET %w", &apiroutes.Error{Status: 422, Fields: []apiroutes.FieldError{{Field: "b", Message: "2"}}}), problemFields{{"c", "3"}}),
			`{"type":"about:blank","title":"Unprocessable Entity","status":422,"errors":[{"detail":"1","parameter":"a"},{"detail":"2","parameter":"b"},{"detail":"3","parameter":"c"}]}`},
		{"two verbs %w", fmt.Errorf("%w %w", problemFields{{"a", "1"}}, problemFields{{"b", "2"}}),
			`{"type":"about:blank","title":"Unprocessable Entity","status":422,"errors":[{"detail":"1","parameter":"a"},{"detail":"2","parameter":"b"}]}`},
		{"fields of a cause", apiroutes.Errorf(404, "public").WithCause(one), `{"type":"about:blank","title":"Not Found","status":404,"detail":"public"}`},
		{"no fields", problemFields{}, `{"type":"about:blank","title":"Unprocessable Entity","status":422}`},

		{"foreign details", details, `{` + detailsText + `,"status":500,"detail":"Internal Server Error","instance":"/i/1","balance":30}`},
		{"foreign details, wrapped", fmt.Errorf("SECRET %w", problemWrapper{details}), `{` + detailsText + `,"status":409,"detail":"Conflict","instance":"/i/1","balance":30}`},
		{"joined details", errors.Join(errOops, details, problemDetails{typ: "second"}), `{` + detailsText + `,"status":500,"detail":"Internal Server Error","instance":"/i/1","balance":30}`},
		{"details of a cause", apiroutes.Errorf(404, "public").WithCause(details), `{"type":"about:blank","title":"Not Found","status":404,"detail":"public"}`},
		{"details that are empty", problemDetails{}, `{"type":"about:blank","title":"Internal Server Error","status":500}`},

		{"nil", typedNil, `{"type":"about:blank","title":"Internal Server Error","status":500}`},
		{"nil, wrapped", fmt.Errorf("SECRET %w", typedNil), `{"type":"about:blank","title":"Internal Server Error","status":500}`},
		{"nil, joined", errors.Join(typedNil, apiroutes.Errorf(404, "no")), `{"type":"about:blank","title":"Internal Server Error","status":500}`},
		{"a status that is none keeps the rest", &apiroutes.Error{Status: 200, Type: "/t", Title: "T", Instance: "/i", Fields: []apiroutes.FieldError{{Field: "a", Message: "1"}}, Extensions: map[string]any{"x": 1}},
			`{"type":"/t","title":"T","status":500,"detail":"Internal Server Error","instance":"/i","errors":[{"detail":"1","parameter":"a"}],"x":1}`},
	} {
		if got := problemBody(t, apiroutes.Problem, c.err); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
}

// TestProblemFieldsStop: a collector of fields may stop early, and nil has none.
func TestProblemFieldsStop(t *testing.T) {
	e := &apiroutes.Error{Fields: []apiroutes.FieldError{{Field: "a", Message: "1"}, {Field: "b", Message: "2"}}}
	n := 0
	for field, message := range e.ErrorFields() {
		if n++; field != "a" || message != "1" {
			t.Errorf("%s %s", field, message)
		}
		break
	}
	for range (*apiroutes.Error)(nil).ErrorFields() {
		n++
	}
	if typ, title, instance, extensions := (*apiroutes.Error)(nil).ProblemDetails(); n != 1 || typ+title+instance != "" || extensions != nil {
		t.Errorf("%d fields, and nil has %q %q %q %v", n, typ, title, instance, extensions)
	}
}

// TestProblemNotInJSONError: the default form has no members for the rest.
func TestProblemNotInJSONError(t *testing.T) {
	captureLog(t)
	rest := apiroutes.Error{
		Type: "/t", Title: "T", Instance: "/i", Fields: []apiroutes.FieldError{{Field: "#/a", Message: "1"}}, Extensions: map[string]any{"x": 1, "error": "x"},
	}
	for _, plain := range []apiroutes.Error{
		{Status: 404}, {Status: 404, Message: "no <user>"}, {Status: 422, Code: "c", Details: map[string]int{"d": 1}}, {Status: 1},
	} {
		full := rest
		full.Status, full.Message, full.Code, full.Details = plain.Status, plain.Message, plain.Code, plain.Details
		for name, render := range map[string]apiroutes.ErrorRenderer{"default": nil, "JSONError": apiroutes.JSONError} {
			if got, want := problemBody(t, render, &full), problemBody(t, render, &plain); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

// TestProblemKeepsExtensions: the error may be shared by many requests.
func TestProblemKeepsExtensions(t *testing.T) {
	shared := &apiroutes.Error{Status: 400, Extensions: map[string]any{"a": 1, "status": 2, "bad": make(chan int)}}
	first := problemBody(t, apiroutes.Problem, shared)
	if second := problemBody(t, apiroutes.Problem, shared); first != second || len(shared.Extensions) != 3 {
		t.Errorf("%s, then %s; the extensions are %v", first, second, shared.Extensions)
	}
}

// TestProblemLarge: bodies that outgrow every buffer are whole JSON too.
func TestProblemLarge(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	text := problemBody(t, apiroutes.Problem, &apiroutes.Error{Status: 400, Message: long, Extensions: map[string]any{"long": long, "b": 1}})
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil || got["long"] != long || got["detail"] != long || got["b"] != 1.0 {
		t.Errorf("%d bytes (error: %v)", len(text), err)
	}
}

// TestHTML: text is sent as it is, with its length and type.
func TestHTML(t *testing.T) {
	for _, html := range []string{"", "<h1>é &amp; <b>x</b></h1>\n", "\xff\x00"} {
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.HTML(http.StatusAccepted, html) })
		testutil.Call(t, h, "GET /").Status(202).Text(html).
			Header("Content-Type", "text/html; charset=utf-8").Header("Content-Length", fmt.Sprint(len(html)))
	}
	kept := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if err := c.SetHeader("Content-Type", "application/xhtml+xml"); err != nil {
			return err
		}
		return c.HTML(200, "<html/>")
	})
	testutil.Call(t, kept, "GET /").Status(200).Header("Content-Type", "application/xhtml+xml")
}
