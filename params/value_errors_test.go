package params_test

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes/params"
)

// TestValuesMissing: an absent optional catch-all and an unknown name have the
// path value "".
func TestValuesMissing(t *testing.T) {
	for kind, read := range valueKinds {
		want := "is missing: it must be " + valueExpected[kind]
		for name, src := range map[string]valueSource{"empty": ofValue(""), "unknown": {}, "only in the query": ofQuery("1")} {
			_, err := read.path(src)
			valueCheckError(t, kind+", "+name, err, valueError{400, `path parameter "v" ` + want, map[string]string{"v": want}})
		}
	}
	called := false
	_, err := params.Parse(valueSource{}, "v", func(text string) (string, error) {
		called = true
		return text, nil
	})
	valueCheckError(t, "Parse", err, valueError{400, `path parameter "v" is missing`, map[string]string{"v": "is missing"}})
	if called {
		t.Error("parse was called for a value that is missing")
	}
}

func TestParse(t *testing.T) {
	addr, err := params.Parse(ofValue("::1"), "v", netip.ParseAddr)
	if err != nil || addr != netip.IPv6Loopback() {
		t.Errorf("%v, %v", addr, err)
	}
	addr, err = params.Parse(ofValue("::x"), "v", netip.ParseAddr)
	const want = `is not valid, "::x"`
	valueCheckError(t, "an address", err, valueError{400, `path parameter "v" ` + want, map[string]string{"v": want}})
	if addr.IsValid() {
		t.Errorf("%v beside an error", addr)
	}
	if _, own := netip.ParseAddr("::x"); !strings.HasSuffix(err.Error(), own.Error()) {
		t.Errorf("the text for logs is %q, without %q", err, own)
	}
}

// Errors of parse functions, with a part of the methods.
type (
	valueCause   struct{ text string }
	valueCoded   struct{ error }
	valueTalking struct {
		error
		public string
	}
)

func (e *valueCause) Error() string          { return e.text }
func (valueCoded) StatusCode() int           { return 404 }
func (e valueCoded) Unwrap() error           { return e.error }
func (e valueTalking) PublicMessage() string { return e.public }
func (e valueTalking) Unwrap() error         { return e.error }

func TestParseErrors(t *testing.T) {
	secret := &valueCause{"secret"}
	for name, row := range map[string]struct {
		cause  error
		status int
		want   string
	}{
		"plain":                 {secret, 400, `is not valid, "x"`},
		"with a status":         {valueCoded{secret}, 404, `is not valid, "x"`},
		"with a wrapped status": {fmt.Errorf("more: %w", valueCoded{secret}), 404, `is not valid, "x"`},
		"with a message":        {valueTalking{secret, "no such thing"}, 400, `is not valid, "x": no such thing`},
		"with an empty message": {valueTalking{secret, ""}, 400, `is not valid, "x"`},
		"with both":             {valueTalking{valueCoded{secret}, "gone"}, 404, `is not valid, "x": gone`},
	} {
		parse := func(string) (int, error) { return 7, row.cause }
		for _, from := range []struct {
			in, what string
			read     func() (int, error)
		}{
			{"path", "Parse", func() (int, error) { return params.Parse(ofValue("x"), "v", parse) }},
			{"query", "QueryParse", func() (int, error) { return params.QueryParse(ofQuery("x"), "v", parse) }},
			{"query", "a default is not for wrong values", func() (int, error) { return params.QueryParse(ofQuery("x"), "v", parse, 9) }},
			{"query", "QueryAll", func() (int, error) {
				all, err := params.QueryAll(ofQuery("x"), "v", parse)
				return len(all), err
			}},
		} {
			v, err := from.read()
			valueCheckError(t, name+": "+from.what, err, valueError{row.status, from.in + ` parameter "v" ` + row.want, map[string]string{"v": row.want}})
			var cause *valueCause
			if v != 0 || !errors.As(err, &cause) || cause != secret {
				t.Errorf("%s: %s: %v, and the cause is %v", name, from.what, v, cause)
			}
		}
	}
}

// TestValuesCauses: the errors of the standard library are found.
func TestValuesCauses(t *testing.T) {
	_, err := params.Int(ofValue("99999999999999999999"), "v")
	var number *strconv.NumError
	if !errors.Is(err, strconv.ErrRange) || !errors.As(err, &number) {
		t.Errorf("Int: %v", err)
	}
	_, err = params.Time(ofValue("x"), "v")
	var parse *time.ParseError
	if !errors.As(err, &parse) {
		t.Errorf("Time: %v", err)
	}
	_, err = params.Query(valueSource{raw: "v=%zz"}, "v")
	var escape url.EscapeError
	if !errors.As(err, &escape) {
		t.Errorf("Query: %v", err)
	}
}

// TestValuesQuoted: what a client sent is bounded and printable in messages.
func TestValuesQuoted(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{strings.Repeat("x", 64), `"` + strings.Repeat("x", 64) + `"`},
		{strings.Repeat("x", 65), `"` + strings.Repeat("x", 64) + `"...`},
		{strings.Repeat("x", 1<<20), `"` + strings.Repeat("x", 64) + `"...`},
		{strings.Repeat("\x00", 65), `"` + strings.Repeat(`\x00`, 64) + `"...`},
		{strings.Repeat("x", 63) + "é", `"` + strings.Repeat("x", 63) + `\xc3"...`}, // cut within a character
		{"a\r\nb\x1b[31m\x7f", `"a\r\nb\x1b[31m\x7f"`},
		{"\xff\xfe", `"\xff\xfe"`},
		{"é名", `"é名"`},
		{"\u202egnp", `"\u202egnp"`},
		{`"\`, `"\"\\"`},
		{"<script>", `"<script>"`},
	} {
		_, err := params.Int(ofValue(row.text), "v")
		want := "must be an integer of at most 64 bits, not " + row.want
		valueCheckError(t, row.want, err, valueError{400, `path parameter "v" ` + want, map[string]string{"v": want}})
		got, _ := valuePublic(err)
		if !utf8.ValidString(got.message) || strings.ContainsFunc(got.message, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q has the message %q", row.text, got.message)
		}
	}
}

// TestValuesApart: the same name in path and query is two parameters.
func TestValuesApart(t *testing.T) {
	src := valueSource{map[string]string{"v": "1", "p": "1"}, "v=2&q=2"}
	for _, row := range []struct {
		what string
		read func() (int, error)
		want int
	}{
		{"path", func() (int, error) { return params.Int(src, "v") }, 1},
		{"query", func() (int, error) { return params.QueryInt(src, "v") }, 2},
		{"query, of a path's name", func() (int, error) { return params.QueryInt(src, "p", 9) }, 9},
		{"path, of a request", func() (int, error) { return params.Int(valueRequest(src), "v") }, 1},
		{"query, of a request", func() (int, error) { return params.QueryInt(valueRequest(src), "v") }, 2},
		{"query of a request, of a path's name", func() (int, error) { return params.QueryInt(valueRequest(src), "p", 9) }, 9},
	} {
		if got, err := row.read(); err != nil || got != row.want {
			t.Errorf("%s: %d, %v, want %d", row.what, got, err, row.want)
		}
	}
	if v, err := params.Int(src, "q"); err == nil {
		t.Errorf("a path parameter from the query: %d", v)
	}
	if v, err := params.Int(valueRequest(src), "q"); err == nil {
		t.Errorf("a path parameter from the query of a request: %d", v)
	}
}

// A request cannot be made to have another query by a path value of that name.
func TestRawQueryOfRequest(t *testing.T) {
	r := valueRequest(valueSource{raw: "v=1"})
	r.SetPathValue(params.RawQuery, "v=2")
	if v, err := params.QueryInt(r, "v"); v != 1 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	for _, pattern := range []string{"/[" + params.RawQuery + "]", "/[..." + params.RawQuery + "]", "/[[..." + params.RawQuery + "]]"} {
		if segments, err := params.ParsePattern(pattern); err == nil {
			t.Errorf("a pattern may have the name of the raw query: %v", segments)
		}
	}
}
