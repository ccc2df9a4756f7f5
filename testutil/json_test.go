package testutil_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/apiroutes/apiroutes/testutil"
)

// TestJSONValues holds want against got, as a whole and as a part.
func TestJSONValues(t *testing.T) {
	for _, tt := range []struct {
		reason         string
		got            string
		want           any
		equal, partial bool
	}{
		{"spacing and the order of keys", `{"b":[1, 2],"a":null}`, "{\"a\": null,\n\t\"b\": [1,2]}", true, true},
		{"a number has many spellings", `[1,1.0,1e0,10e-1,-0]`, `[1e0,1,1.0,1,0]`, true, true},
		{"a whole number is no text", `1`, `"1"`, false, false},
		{"2^53 and 2^53+1 differ", `9007199254740993`, `9007199254740992`, false, false},
		{"2^53+1 in any spelling", `9007199254740993`, `9007199254740993.0`, true, true},
		{"2^53+1 with an exponent", `9007199254740993`, `9.007199254740993e15`, true, true},
		{"from a Go value", `{"id":9007199254740993}`, map[string]int64{"id": 9007199254740993}, true, true},
		{"uint64", `18446744073709551615`, uint64(math.MaxUint64), true, true},
		{"beyond int64 every digit counts", `18446744073709551615`, `18446744073709551614`, false, false},
		{"beyond uint64 too", `123456789012345678901234567890`, `123456789012345678901234567891`, false, false},
		{"in any spelling", `100000000000000000000`, `1e20`, true, true},
		{"beyond float64 the text counts", `1e400`, `1e400`, true, true},
		{"beyond float64 the text counts", `1e400`, `1e401`, false, false},
		{"fractions are floats", `[0.1,0.10,1e-1]`, []float64{0.1, 0.1, 0.1}, true, true},
		{"a fraction is no whole number", `1.5`, `1`, false, false},
		{"nor a large one", `9007199254740993.5`, `9007199254740993`, false, false},
		{"null is not absent", `{"a":null}`, `{}`, false, true},
		{"absent is not null", `{}`, `{"a":null}`, false, false},
		{"null wanted", `null`, nil, true, true},
		{"null is not false", `null`, `false`, false, false},
		{"further keys", `{"a":1,"b":2}`, `{"a":1}`, false, true},
		{"further keys, deep", `{"a":{"b":{"c":1,"d":2},"e":3}}`, `{"a":{"b":{"c":1}}}`, false, true},
		{"another value, deep", `{"a":{"b":{"c":1,"d":2}}}`, `{"a":{"b":{"c":2}}}`, false, false},
		{"further keys in lists", `[{"a":1,"b":2},{"a":3}]`, `[{"a":1},{"a":3}]`, false, true},
		{"lists have one order", `[{"a":1},{"a":3}]`, `[{"a":3},{"a":1}]`, false, false},
		{"a longer list", `[1,2]`, `[1]`, false, false},
		{"a shorter list", `[1]`, `[1,2]`, false, false},
		{"an empty list is not null", `[]`, `null`, false, false},
		{"a list is no object", `[]`, `{}`, false, false},
		{"an object is no list", `{"a":{}}`, `{"a":[]}`, false, false},
		{"JSON text as bytes", `{"a":1}`, []byte(`{"a":1}`), true, true},
		{"JSON text as raw message", `{"a":1}`, json.RawMessage(`{"a":1}`), true, true},
		{"escapes are spellings", `"\u00fc\/<"`, `"ü/\u003c"`, true, true},
		{"what a struct omits may be there", `{"id":7,"at":"now"}`, struct {
			ID int    `json:"id"`
			At string `json:"at,omitempty"`
		}{ID: 7}, false, true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got := failures(t, func(t testing.TB) { call(t, "application/json", tt.got).JSON(tt.want) })
			if (len(got) == 0) != tt.equal || len(got) > 1 {
				t.Errorf("JSON(%s) for %s reports %q", tt.want, tt.got, got)
			}
			got = failures(t, func(t testing.TB) { call(t, "application/json", tt.got).JSONContains(tt.want) })
			if (len(got) == 0) != tt.partial || len(got) > 1 {
				t.Errorf("JSONContains(%s) for %s reports %q", tt.want, tt.got, got)
			}
		})
	}
}

// TestJSONBodies: what is no JSON is told apart from what differs.
func TestJSONBodies(t *testing.T) {
	for body, want := range map[string]string{
		"":             "the body is no JSON: it is empty",
		" \n":          "the body is no JSON: it is empty",
		"{":            "the body is no JSON: unexpected EOF",
		"{}}":          "the body is no JSON: text follows the JSON value",
		"1 2":          "the body is no JSON: text follows the JSON value",
		"<html>":       "the body is no JSON: invalid character '<'",
		"\ufeff{}":     "the body is no JSON: invalid character 'ï'",
		"\"\xff\"":     "the body is no JSON: it is not UTF-8",
		`{"a":1,}`:     "the body is no JSON: invalid character '}'",
		"[1]":          "JSON differs (-want +got):",
		` {"a" : 1 } `: "JSON differs (-want +got):",
	} {
		wantFailures(t, failures(t, func(t testing.TB) { call(t, "application/json", body).JSON(`{}`) }), want)
	}
}

// TestJSONOptions: options see the decoded values.
func TestJSONOptions(t *testing.T) {
	r := call(t, "application/json", `{"id":7,"at":1.5,"tags":["b","a"]}`)
	r.JSON(`{"id":8,"at":1.49,"tags":["a","b"]}`,
		cmpopts.EquateApprox(0, 0.1),
		cmpopts.SortSlices(func(a, b any) bool { return a.(string) < b.(string) }),
		cmpopts.IgnoreMapEntries(func(key string, _ any) bool { return key == "id" }))
	r.JSONContains(`{"id":"<id>"}`, cmp.Transformer("id", func(m map[string]any) []any { return []any{len(m)} }))
}

func TestDecode(t *testing.T) {
	type user struct {
		ID   int64
		Tags []string
	}
	got := testutil.Decode[[]user](call(t, "application/json", `[{"id":9007199254740993,"tags":["a"],"more":1}]`))
	if want := []user{{9007199254740993, []string{"a"}}}; !cmp.Equal(got, want) {
		t.Errorf("decoded %+v, want %+v", got, want)
	}
	wantFailures(t, failures(t, func(t testing.TB) {
		got := testutil.Decode[user](call(t, "application/json", `{"id":1,"tags":"a"}`))
		if got.ID != 0 {
			t.Errorf("half a value is returned: %+v", got)
		}
	}), "the body does not fit testutil_test.user: json: cannot unmarshal string")
	wantFailures(t, failures(t, func(t testing.TB) { testutil.Decode[any](call(t, "application/json", `{`)) }),
		"the body does not fit interface {}: unexpected end of JSON input")
	wantFailures(t, failures(t, func(t testing.TB) { testutil.Decode[any](call(t, "application/json", `1 2`)) }),
		"the body does not fit interface {}: invalid character '2'")
}

// TestLongDiffs: neither a diff nor a body floods the terminal.
func TestLongDiffs(t *testing.T) {
	long := strings.Repeat("some words, ", 1<<18) // 3 MB
	for name, test := range map[string]func(t testing.TB){
		"text":   func(t testing.TB) { call(t, "text/plain", long+"x"+long).Text(long + "y" + long) },
		"prefix": func(t testing.TB) { call(t, "text/plain", long).Text(long + "y") },
		"empty":  func(t testing.TB) { call(t, "text/plain", long).Text("") },
		"lines": func(t testing.TB) {
			call(t, "text/plain", strings.Repeat("a\n", 8000)).Text(strings.Repeat("b\n", 8000))
		},
		"json": func(t testing.TB) {
			call(t, "application/json", `{"a":["`+long+`"]}`).JSON(map[string]any{"a": []string{long + "x"}})
		},
		"list": func(t testing.TB) {
			call(t, "application/json", "[1"+strings.Repeat(",1", 1000)+"]").JSON("[2" + strings.Repeat(",2", 1000) + "]")
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := failures(t, test)
			if len(got) != 1 || len(got[0]) > 14<<10 {
				t.Fatalf("%d failures, the first of %d bytes", len(got), len(got[0]))
			}
			if name == "json" && !strings.Contains(got[0], "3145729 bytes, SHA-256") {
				t.Errorf("the difference is not named:\n%.900s", got[0])
			}
			if name == "text" && !strings.Contains(got[0], "around byte 3145728") {
				t.Errorf("the place is not named:\n%.300s", got[0])
			}
		})
	}
}
