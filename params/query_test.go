package params_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes/params"
)

// queryText reads "v" as text, of a source and of a request, which must agree.
func queryText(t *testing.T, raw, name string, def ...string) (string, error) {
	t.Helper()
	src := valueSource{raw: raw}
	text, err := params.Query(src, name, def...)
	again, err2 := params.Query(valueRequest(src), name, def...)
	if again != text || fmt.Sprint(err) != fmt.Sprint(err2) {
		t.Errorf("%q: a source has %q, %v; a request %q, %v", raw, text, err, again, err2)
	}
	return text, err
}

func TestQueryText(t *testing.T) {
	for _, row := range []struct{ raw, name, want, reason string }{
		{"v=1", "v", "1", ""},
		{"a=2&v=1&b=3", "v", "1", ""},
		{"v=", "v", "", "empty is a value"},
		{"v", "v", "", "no sign, empty"},
		{"&&v=1&", "v", "1", "nothing between separators is no pair"},
		{"v=b=c==", "v", "b=c==", "the first sign separates"},
		{"V=2&v=1", "v", "1", "names are case-sensitive"},
		{"v=x+y%2Bz%20", "v", "x y+z ", ""},
		{"v=%26%3D%3b%25", "v", "&=;%", "escaped, they are data"},
		{"v=caf%C3%A9", "v", "café", ""},
		{"v=café", "v", "café", "not escaped either"},
		{"v=%EF%BF%BD", "v", "\ufffd", "the replacement character is valid"},
		{"v=%00", "v", "\x00", "a control is text"},
		{"%76=1", "v", "1", "an escaped name"},
		{"x+y=1", "x y", "1", "a plus sign in a name"},
		{"x%20y=1", "x y", "1", ""},
		{"x%2By=1&x+y=2", "x+y", "1", "only the decoded name counts"},
		{"a%26b=1", "a&b", "1", ""},
		{"a%3Db=1", "a=b", "1", ""},
		{"a%3Bb=1", "a;b", "1", ""},
		{"caf%c3%a9=1", "café", "1", ""},
		{"=1", "", "1", "an empty name is a name"},
		{"%=2&v=1", "v", "1", "other pairs are not looked at"},
		{"%76%zz=2&v=1", "v", "1", "a malformed name is another's"},
		{"a=%zz&v=1&b=%FF", "v", "1", "other values are not looked at"},
		{"a=1;b&v=1", "v", "1", ""},
		{"a;v=2&v=1", "v", "1", "the name is a;v"},
		{"a=1&a=2&v=1", "v", "1", "another is given twice"},
		{"%2576=2&v=1", "v", "1", "decoded once only"},
	} {
		for _, def := range [][]string{nil, {"default"}, {""}} {
			if got, err := queryText(t, row.raw, row.name, def...); err != nil || got != row.want {
				t.Errorf("%q: Query(%q, %q) = %q, %v, want %q; %s", row.raw, row.name, def, got, err, row.want, row.reason)
			}
		}
	}
}

func TestQueryDefault(t *testing.T) {
	for _, row := range []struct {
		raw  string
		def  []string
		want string
	}{
		{"", []string{"d"}, "d"},
		{"", []string{""}, ""},
		{"w=1", []string{"d"}, "d"},
		{"V=1&%2576=1&a%26v=1", []string{"d"}, "d"},
		{"a=1;v=2", []string{"d"}, "d"}, // v is no name here
		{"&", []string{"d"}, "d"},
		{"", []string{"d", "e"}, "d"}, // the default is the first
	} {
		if got, err := queryText(t, row.raw, "v", row.def...); err != nil || got != row.want {
			t.Errorf("%q, default %q: %q, %v, want %q", row.raw, row.def, got, err, row.want)
		}
	}
	if got, err := queryText(t, "&&", ""); err == nil {
		t.Errorf("nothing between separators has the value %q", got)
	}
	valueCheckError(t, "no default", func() error { _, err := queryText(t, "w=1", "v"); return err }(),
		valueError{400, `query parameter "v" is missing`, map[string]string{"v": "is missing"}})
}

// queryNarrow reads "v" by each function that takes no empty value. Each has a
// default, which is other than the zero value, or none.
var queryNarrow = map[string]func(src valueSource, def bool) (any, error){
	"Int":      queryKind(params.QueryInt[valueS], -5),
	"Int64":    queryKind(params.QueryInt64[valueS], -5),
	"Uint":     queryKind(params.QueryUint[valueS], 5),
	"Bool":     queryKind(params.QueryBool[valueS], true),
	"Float":    queryKind(params.QueryFloat[valueS], 0.5),
	"Duration": queryKind(params.QueryDuration[valueS], time.Second),
	"Time":     queryKind(params.QueryTime[valueS], time.Unix(1, 0).UTC()),
	"UUID":     queryKind(params.QueryUUID[valueS], "any text"), // a default is not parsed
	"Parse": queryKind(func(src valueSource, name string, def ...int) (int, error) {
		return params.QueryParse(src, name, func(text string) (int, error) { return len(text), nil }, def...)
	}, 5),
}

func queryKind[T comparable](fn func(valueSource, string, ...T) (T, error), def T) func(valueSource, bool) (any, error) {
	return func(src valueSource, withDefault bool) (any, error) {
		if !withDefault {
			return fn(src, "v")
		}
		var zero T
		v, err := fn(src, "v", def)
		if second, err2 := fn(src, "v", def, zero); second != v || fmt.Sprint(err) != fmt.Sprint(err2) {
			return nil, fmt.Errorf("a second default makes of %v, %v: %v, %v", v, err, second, err2)
		}
		if err == nil && v != def || err != nil && v != zero {
			return nil, fmt.Errorf("%v, %v with the default %v", v, err, def)
		}
		return "default", err
	}
}

func TestQueryNarrow(t *testing.T) {
	for kind, read := range queryNarrow {
		suffix := ": it must be " + valueExpected[kind]
		if kind == "Parse" {
			suffix = ""
		}
		for _, row := range []struct{ raw, problem string }{ // the default never hides these
			{"v=", "is empty" + suffix},
			{"v", "is empty" + suffix},
			{"a=1&v=&b", "is empty" + suffix},
			{"v=1&v=2", "is given 2 times: give it once"},
			{"v=1&a=2&%76=1&v=", "is given 3 times: give it once"},
			{"v&v", "is given 2 times: give it once"},
			{"v=%zz", `holds a bad escape, "%zz"`},
			{"v=1&v=%", `holds a bad escape, "%"`},
			{"v=1&v=2&v=1;2", `holds a semicolon that is not escaped, "1;2"`},
			{"v=1;v=2", `holds a semicolon that is not escaped, "1;v=2"`},
		} {
			for _, def := range []bool{false, true} {
				v, err := read(valueSource{raw: row.raw}, def)
				valueCheckError(t, fmt.Sprintf("%s of %q (%v, default: %v)", kind, row.raw, v, def), err,
					valueError{400, `query parameter "v" ` + row.problem, map[string]string{"v": row.problem}})
			}
		}
		for _, raw := range []string{"", "a=1", "V=1", "&", "a=%&b;=1"} {
			if v, err := read(valueSource{raw: raw}, true); v != "default" || err != nil {
				t.Errorf("%s of %q: %v, %v, want the default", kind, raw, v, err)
			}
			problem := "is missing" + suffix
			_, err := read(valueSource{raw: raw}, false)
			valueCheckError(t, kind+" of "+raw, err, valueError{400, `query parameter "v" ` + problem, map[string]string{"v": problem}})
		}
	}
}

// TestQueryMalformed: the text functions are as strict about their own pair.
func TestQueryMalformed(t *testing.T) {
	for _, row := range []struct{ raw, name, problem string }{
		{"v=%zz", "v", `holds a bad escape, "%zz"`},
		{"v=100%", "v", `holds a bad escape, "100%"`},
		{"v=%4", "v", `holds a bad escape, "%4"`},
		{"%76=%zz", "v", `holds a bad escape, "%zz"`},
		{"v=1;2", "v", `holds a semicolon that is not escaped, "1;2"`},
		{"v=;", "v", `holds a semicolon that is not escaped, ";"`},
		{"v;w=1", "v;w", `holds a semicolon that is not escaped, "1"`}, // it would be v to some servers
		{"v=%FF", "v", `is not valid UTF-8, "%FF"`},
		{"v=a\xff", "v", `is not valid UTF-8, "a\xff"`},
		{"v=%C3", "v", `is not valid UTF-8, "%C3"`},
		{"v=%C0%AF", "v", `is not valid UTF-8, "%C0%AF"`},
		{"v=%ED%A0%80", "v", `is not valid UTF-8, "%ED%A0%80"`}, // a surrogate
		{"v=%" + strings.Repeat("z", 100), "v", `holds a bad escape, "%` + strings.Repeat("z", 63) + `"...`},
		{"v=%\n\x00", "v", `holds a bad escape, "%\n\x00"`},
	} {
		want := valueError{400, fmt.Sprintf("query parameter %q %s", row.name, row.problem), map[string]string{row.name: row.problem}}
		text, err := queryText(t, row.raw, row.name, "default")
		valueCheckError(t, "Query of "+row.raw, err, want)
		all, err := params.QueryAll(valueSource{raw: row.name + "=1&" + row.raw}, row.name, queryAsIs)
		if strings.Contains(row.name, ";") { // the first pair is the malformed one then
			all, err = params.QueryAll(valueSource{raw: row.raw}, row.name, queryAsIs)
		}
		valueCheckError(t, "QueryAll of "+row.raw, err, want)
		if text != "" || all != nil {
			t.Errorf("%q: %q and %q beside an error", row.raw, text, all)
		}
	}
}

func queryAsIs(text string) (string, error) { return text, nil }

// In a query a plus sign is a space, in numbers and times too.
func TestQueryPlus(t *testing.T) {
	for _, row := range []struct{ kind, raw, want string }{
		{"Int", "v=+7", "must be an integer of at most 64 bits, not \" 7\""},
		{"Int", "v=%2B7", "7"},
		{"Float", "v=1e+3", "must be a number, not \"1e 3\""},
		{"Float", "v=1e%2B3", "1000"},
		{"Duration", "v=+1s", "must be a duration such as 1h30m, not \" 1s\""},
		{"Time", "v=2006-01-02T15:04:05+02:00", "must be a time such as 2006-01-02T15:04:05Z, not \"2006-01-02T15:04:05 02:00\""},
		{"Time", "v=2006-01-02T15:04:05%2B02:00", "2006-01-02T15:04:05+02:00"},
	} {
		v, err := valueKinds[row.kind].query(valueSource{raw: row.raw})
		got := valueShown(v)
		if public, ok := valuePublic(err); ok {
			got = public.fields["v"]
		}
		if got != row.want {
			t.Errorf("%s of %q: %s, %v, want %s", row.kind, row.raw, got, err, row.want)
		}
	}
}

func TestQueryAll(t *testing.T) {
	for _, row := range []struct {
		raw  string
		want []string
	}{
		{"", nil},
		{"&", nil},
		{"w=1", nil},
		{"v=1", []string{"1"}},
		{"v=2&w=9&v=1&%76=2", []string{"2", "1", "2"}},
		{"v=&v&v=x", []string{"", "", "x"}},
		{"v=a+b&v=a%2Bb", []string{"a b", "a+b"}},
		{"w=%zz&v=1&w=;&%zz", []string{"1"}},
	} {
		src := valueSource{raw: row.raw}
		got, err := params.QueryAll(src, "v", queryAsIs)
		again, err2 := params.QueryAll(valueRequest(src), "v", queryAsIs)
		if err != nil || err2 != nil || !slices.Equal(got, row.want) || !slices.Equal(again, row.want) || (got == nil) != (row.want == nil) {
			t.Errorf("%q: %#v, %v; of a request %#v, %v; want %#v", row.raw, got, err, again, err2, row.want)
		}
	}
	ids, err := params.QueryAll(valueSource{raw: "v=3&v=1"}, "v", strconv.Atoi)
	if !slices.Equal(ids, []int{3, 1}) || err != nil {
		t.Errorf("numbers: %v, %v", ids, err)
	}
	for raw, problem := range map[string]string{
		"v=1&v=x&v=y": `is not valid, "x"`, // the first wrong one
		"v=1&v=":      `is not valid, ""`,
	} {
		ids, err := params.QueryAll(valueSource{raw: raw}, "v", strconv.Atoi)
		valueCheckError(t, raw, err, valueError{400, `query parameter "v" ` + problem, map[string]string{"v": problem}})
		if ids != nil || !errors.Is(err, strconv.ErrSyntax) {
			t.Errorf("%q: %v, %v", raw, ids, err)
		}
	}
}

// TestQueryNoRawQuery: a source that does not know RawQuery has empty queries.
func TestQueryNoRawQuery(t *testing.T) {
	src := queryPathOnly{}
	if v, err := params.QueryInt(src, "v", 9); v != 9 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	if v, err := params.QueryAll(src, "v", queryAsIs); v != nil || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	// Not even if it is a request below: only *http.Request itself is known.
	embedded := struct{ *http.Request }{valueRequest(valueSource{raw: "v=1"})}
	if v, err := params.QueryInt(embedded, "v", 9); v != 9 || err != nil {
		t.Errorf("embedded: %d, %v", v, err)
	}
	// But a request in an interface is one.
	var source params.Source = embedded.Request
	if v, err := params.QueryInt(source, "v", 9); v != 1 || err != nil {
		t.Errorf("in an interface: %d, %v", v, err)
	}
}

type queryPathOnly struct{}

func (queryPathOnly) PathValue(name string) string {
	return map[string]string{"v": "1"}[name]
}

// queryReading is what the pairs of a raw query give for a name, each read by
// net/url alone.
func queryReading(raw, name string) (values []string, malformed bool) {
	for pair := range strings.SplitSeq(raw, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(key); pair == "" || err != nil || decoded != name {
			continue
		}
		parsed, err := url.ParseQuery(pair)
		if err != nil || !utf8.ValidString(parsed.Get(name)) {
			malformed = true
			continue
		}
		values = append(values, parsed.Get(name))
	}
	return values, malformed
}

// FuzzQuery compares with net/url, for each name that the query has.
func FuzzQuery(f *testing.F) {
	for _, raw := range []string{
		"", "v=1", "v=1&v=2", "v", "v=", "=", "&", "v=%zz", "v=1;w=2", "%76=%FF", "v=+", "x+y=1&x%2By=2", "%&v=1", "v=1&v=%", "a;b=1", "v==;", "caf%C3%A9=%C3", "v=007&w=-1", "\xff=\xff", "%ff=1",
	} {
		f.Add(raw, "v")
	}
	f.Fuzz(func(t *testing.T, raw, name string) {
		names := []string{name}
		for pair := range strings.SplitSeq(raw, "&") {
			key, _, _ := strings.Cut(pair, "=")
			decoded, _ := url.QueryUnescape(key)
			names = append(names, key, decoded)
		}
		whole, wholeErr := url.ParseQuery(raw)
		for _, name := range names {
			values, malformed := queryReading(raw, name)
			if wholeErr == nil && !malformed && !slices.Equal(values, whole[name]) {
				t.Fatalf("the oracle has %q for %q of %q, net/url %q", values, name, raw, whole[name])
			}
			queryCompare(t, raw, name, values, malformed)
		}
	})
}

func queryCompare(t *testing.T, raw, name string, values []string, malformed bool) {
	t.Helper()
	src := valueSource{raw: raw, path: map[string]string{name: "path"}}
	all, err := params.QueryAll(src, name, queryAsIs)
	if (err != nil) != malformed || err == nil && !slices.Equal(all, values) {
		t.Errorf("%q: QueryAll(%q) = %q, %v, want %q, malformed: %v", raw, name, all, err, values, malformed)
	}
	text, textErr := queryText(t, raw, name)
	if ok := !malformed && len(values) == 1; ok != (textErr == nil) || ok && text != values[0] {
		t.Errorf("%q: Query(%q) = %q, %v, want %q, malformed: %v", raw, name, text, textErr, values, malformed)
	}
	defaulted, defErr := queryText(t, raw, name, "default")
	if absent := !malformed && len(values) == 0; absent && (defaulted != "default" || defErr != nil) || !absent && (defaulted != text || (defErr == nil) != (textErr == nil)) {
		t.Errorf("%q: Query(%q, default) = %q, %v, and %q, %v without", raw, name, defaulted, defErr, text, textErr)
	}
	n, intErr := params.QueryInt(src, name)
	if want, bad := strconv.Atoi(text); (intErr == nil) != (textErr == nil && bad == nil) || intErr == nil && n != want {
		t.Errorf("%q: QueryInt(%q) = %d, %v, Query has %q, %v", raw, name, n, intErr, text, textErr)
	}
	for _, err := range []error{err, textErr, defErr, intErr} {
		if public, ok := valuePublic(err); err != nil && (!ok || public.status != 400 || !utf8.ValidString(public.message+err.Error()+public.fields[name])) {
			t.Errorf("%q: the error of %q is %d %q", raw, name, public.status, err)
		}
	}
}
