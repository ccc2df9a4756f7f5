package roottest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// pointerOf returns the pointers of the problem that a body of JSON has for a
// value of a type.
func pointerOf(t testing.TB, typ reflect.Type, body string) []string {
	t.Helper()
	r := apiroutes.New().OnError(apiroutes.Problem)
	r.Post("/", func(c apiroutes.Context) error {
		if err := c.Decode(reflect.New(typ).Interface()); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	answer := testutil.Call(t, r, "POST /", testutil.Body("application/json", body))
	if answer.Result().StatusCode == 204 {
		t.Fatalf("%s fits into %s", body, typ)
	}
	problem := testutil.Decode[struct{ Errors []struct{ Pointer string } }](answer.Status(400))
	var pointers []string
	for _, e := range problem.Errors {
		pointers = append(pointers, e.Pointer)
	}
	return pointers
}

// pointerFragment is a fragment of RFC 3986, section 3.5, that is empty or
// begins with a slash.
var pointerFragment = regexp.MustCompile(`^#(/([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*)?$`)

// pointerResolve finds a value as RFC 6901 has it.
func pointerResolve(document any, pointer string) (any, error) {
	if !pointerFragment.MatchString(pointer) {
		return nil, fmt.Errorf("%q is no URI fragment with a pointer", pointer)
	}
	text, err := url.PathUnescape(pointer[1:])
	if err != nil || text == "" {
		return document, err
	}
	for _, step := range strings.Split(text[1:], "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		switch v := document.(type) {
		case map[string]any:
			found, ok := v[step]
			if !ok {
				return nil, fmt.Errorf("%q has no member %q", pointer, step)
			}
			document = found
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
				return nil, fmt.Errorf("%q has no element %q", pointer, step)
			}
			document = v[i]
		default:
			return nil, fmt.Errorf("%q goes into %v by %q", pointer, document, step)
		}
	}
	return document, nil
}

// Keys, of which only the first ones can be in the tag of a struct.
var pointerTagKeys = []string{
	"a", "A b", "a/b", "m~n", "~1", "~0", "~01", "c%d", "%2F", "%25", "#", "#/a", "?", "[0]", "a.b", "0", "1", "é", "日本", "<&>", "{}", "^|", "+", "@:",
}

var pointerKeys = append([]string{"", "\"", "\\", "'", "`", ",", "\x00", "\n", "\x7f", "\u2028", "👩\u200d💻", "\u00a0", "//", "-", "a\"b\\c"}, pointerTagKeys...)

// pointerMaker makes types, and values of them as JSON of which one is wrong.
type pointerMaker struct {
	*rand.Rand
	serial int
	wrong  string // the wrong value, which is nowhere else
}

func (m *pointerMaker) makeType(depth int) reflect.Type {
	if depth == 0 {
		return []reflect.Type{
			reflect.TypeFor[string](), reflect.TypeFor[int8](), reflect.TypeFor[uint](), reflect.TypeFor[bool](), reflect.TypeFor[float64](),
		}[m.IntN(5)]
	}
	switch m.IntN(6) {
	case 0:
		return reflect.MapOf(reflect.TypeFor[string](), m.makeType(depth-1))
	case 1:
		return reflect.SliceOf(m.makeType(depth - 1))
	case 2:
		return reflect.ArrayOf(3, m.makeType(depth-1))
	case 3:
		return reflect.PointerTo(m.makeType(depth - 1))
	}
	var fields []reflect.StructField
	for i, k := range m.Perm(len(pointerTagKeys))[:1+m.IntN(4)] {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("F%d", i), Type: m.makeType(m.IntN(depth)), Tag: reflect.StructTag("json:" + strconv.Quote(pointerTagKeys[k])),
		})
	}
	return reflect.StructOf(fields)
}

// value is JSON of a type, with the wrong value in it or instead of it.
func (m *pointerMaker) value(t reflect.Type, wrong bool) string {
	if t.Kind() == reflect.Pointer {
		return m.value(t.Elem(), wrong)
	}
	if wrong && (t.Size() == 0 || m.IntN(4) == 0) {
		return m.wrongValue(t)
	}
	var parts []string
	member := func(key, value string) {
		quoted, _ := json.Marshal(key)
		parts = append(parts, m.space()+string(quoted)+m.space()+":"+m.space()+value+m.space())
	}
	switch t.Kind() {
	case reflect.Map:
		n := 1 + m.IntN(4)
		bad := m.IntN(n)
		for i, k := range m.Perm(len(pointerKeys))[:n] {
			member(pointerKeys[k], m.value(t.Elem(), wrong && i == bad))
		}
	case reflect.Struct:
		bad := m.IntN(t.NumField())
		for i := range t.NumField() {
			key := t.Field(i).Tag.Get("json")
			member(key, m.value(t.Field(i).Type, wrong && i == bad))
			if m.IntN(4) == 0 {
				member(fmt.Sprintf("unknown%d", i), `{"a":[1,{"b":null}],"":[]}`)
			}
		}
	case reflect.Slice, reflect.Array:
		n := 1 + m.IntN(12)
		if t.Kind() == reflect.Array {
			n = t.Len()
		}
		bad := m.IntN(n)
		for i := range n {
			parts = append(parts, m.space()+m.value(t.Elem(), wrong && i == bad)+m.space())
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		if wrong {
			return m.wrongValue(t)
		}
		return map[reflect.Kind]string{
			reflect.String: `"text"`, reflect.Int8: "-7", reflect.Uint: "7", reflect.Bool: "true", reflect.Float64: "1.5e1",
		}[t.Kind()]
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (m *pointerMaker) space() string { return []string{"", "", " ", "\n\t"}[m.IntN(4)] }

// wrongValue is of none of the kinds that t takes. A number is out of range
// for most types, and 1000000 and more for all that are whole and small.
func (m *pointerMaker) wrongValue(t reflect.Type) string {
	m.serial++
	var choices []string
	if t.Kind() != reflect.String {
		choices = append(choices, fmt.Sprintf(`"WRONG %d"`, m.serial))
	}
	if t.Kind() != reflect.Float64 && t.Kind() != reflect.Uint {
		choices = append(choices, fmt.Sprint(1_000_000+m.serial))
	}
	if t.Kind() == reflect.Uint {
		choices = append(choices, fmt.Sprint(-1_000_000-m.serial), fmt.Sprintf("1.%d", 1000+m.serial))
	}
	if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
		choices = append(choices, fmt.Sprintf(`["WRONG %d",[{}]]`, m.serial))
	}
	if t.Kind() != reflect.Map && t.Kind() != reflect.Struct {
		choices = append(choices, fmt.Sprintf(`{ "WRONG": [%d] }`, m.serial))
	}
	m.wrong = choices[m.IntN(len(choices))]
	return m.wrong
}

// TestPointerProperty: whatever the type and the body, the pointer leads to the
// one value that is wrong.
func TestPointerProperty(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	for seed := range uint64(n) {
		m := &pointerMaker{Rand: rand.New(rand.NewPCG(seed, 1))}
		typ := m.makeType(1 + m.IntN(4))
		body := m.space() + m.value(typ, true) + m.space()
		if m.IntN(5) == 0 {
			body = "\ufeff" + body
		}
		pointerLeadsTo(t, typ, body, m.wrong)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func pointerLeadsTo(t *testing.T, typ reflect.Type, body, wrong string) {
	t.Helper()
	var document, want any
	if err := errors.Join(json.Unmarshal([]byte(strings.TrimPrefix(body, "\ufeff")), &document), json.Unmarshal([]byte(wrong), &want)); err != nil {
		t.Fatal(err)
	}
	pointers := pointerOf(t, typ, body)
	if len(pointers) != 1 {
		t.Errorf("%s into %s: the pointers are %q", body, typ, pointers)
		return
	}
	if got, err := pointerResolve(document, pointers[0]); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s into %s: %q leads to %v (error: %v), want %s", body, typ, pointers[0], got, err, wrong)
	}
}

// pointerInner decodes itself from its own part of the body, where offsets begin
// anew.
type pointerInner struct{ n int }

func (p *pointerInner) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &p.n) }

func TestPointer(t *testing.T) {
	type point struct{ X, Y int }
	type embedded struct {
		point
		*PointerNode
	}
	long := strings.Repeat("k", 300)
	for _, c := range []struct {
		name string
		v    any
		body string
		want string // empty: rather none than a wrong one
	}{
		{"the body", 0, `"x"`, "#"},
		{"the body is an object", []int{}, `{"a":1}`, "#"},
		{"the body is an array", point{}, ` [1]`, "#"},
		{"behind a byte order mark", point{}, "\ufeff" + `{"x":"1"}`, "#/x"},
		{"the key as sent", point{}, `{"X":1,"y":"x"}`, "#/y"},
		{"the empty key", map[string]int{}, `{"":"x"}`, "#/"},
		{"empty keys", map[string]map[string]int{}, `{"":{"":"x"}}`, "#//"},
		{"the first of two errors", point{}, `{"y":"a","x":"b"}`, "#/y"},
		{"a duplicate key", point{}, `{"x":1,"x":"b"}`, "#/x"},
		{"behind a duplicate key", map[string]map[string]int{}, `{"a":{"b":1},"a":{"c":"x"}}`, "#/a/c"},
		{"an array behind arrays", [][]int{}, `[[],[1],[2,3,"x"]]`, "#/2/2"},
		{"ten and more", []int{}, `[0,1,2,3,4,5,6,7,8,9,10,"x"]`, "#/11"},
		{"escapes in the key", map[string]int{}, `{"a\u002fb\u007e":"x"}`, "#/a~1b~0"},
		{"tilde before slash", map[string]int{}, `{"~1":"x"}`, "#/~01"},
		{"a percent sign", map[string]int{}, `{"%2F":"x"}`, "#/%252F"},
		{"brackets", map[string]int{}, `{"a[0]":"x"}`, "#/a%5B0%5D"}, // not in a fragment, RFC 3986, section 3.5
		{"a key that is no number", map[int]int{}, `{"1":1,"x":2}`, "#/x"},
		{"an embedded struct", embedded{}, `{"X":1,"Next":{"Next":"x"}}`, "#/Next/Next"},
		{"a string for a pointer", struct{ A *int }{}, `{"A":"x"}`, "#/A"},
		{"bytes", struct{ A []byte }{}, `{"A":1}`, "#/A"},
		{"a number out of range", struct{ A int8 }{}, `{"A":[1]}`, "#/A"},
		{"ignored members before", point{}, `{"z":{"x":"no","y":["no"]},"y":"x"}`, "#/y"},
		{"a number for which no float is large enough, before", point{}, `{"z":1e999,"y":"x"}`, "#/y"},
		{"such a number for any", map[string]any{}, `{"a":1e999,"b":1}`, "#/a"},
		{"such a number in an array", []any{}, `[1e999,5]`, "#/0"},
		{"such a number at the end", []any{}, `[1, [1e999]]`, "#/1/0"},
		{"a number as a key", map[int8]int{}, `{"999":1}`, "#/999"},
		{"a decoder of its own", struct {
			A string
			B pointerInner
		}{}, `{"A":"abcdef","B":"x"}`, ""},
		{"a long key", map[string]int{}, `{"` + long + `":"x"}`, ""},
		{"not well formed", point{}, `{"x":"1"`, ""},
	} {
		pointers := pointerOf(t, reflect.TypeOf(c.v), c.body)
		switch {
		case c.want == "" && (len(pointers) == 0 || len(pointers) == 1 && pointerIsRight(c.body, pointers[0], "x")):
		case c.want == "" || len(pointers) != 1 || pointers[0] != c.want:
			t.Errorf("%s: %.300s has the pointers %.300q, want %q", c.name, c.body, pointers, c.want)
		}
	}
}

// PointerNode is exported so that it can be embedded.
type PointerNode struct{ Next *PointerNode }

func pointerIsRight(body, pointer string, want any) bool {
	var document any
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		return false
	}
	got, err := pointerResolve(document, pointer)
	return err == nil && got == want
}

// TestPointerIsBounded: a key of the client does not come back at any length.
func TestPointerIsBounded(t *testing.T) {
	pointers := pointerOf(t, reflect.TypeFor[map[string]int](), `{"`+strings.Repeat("k", 100_000)+`":"x"}`)
	if text := strings.Join(pointers, " "); len(text) > 1000 {
		t.Errorf("%d bytes of pointers", len(text))
	}
}
