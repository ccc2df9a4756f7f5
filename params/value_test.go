package params_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes/params"
)

// valueSource is a source of another package.
type valueSource struct {
	path map[string]string
	raw  string
}

func (s valueSource) PathValue(name string) string {
	if name == params.RawQuery {
		return s.raw
	}
	return s.path[name]
}

// valueRequest is the same as a request.
func valueRequest(s valueSource) *http.Request {
	r := &http.Request{URL: &url.URL{Path: "/", RawQuery: s.raw}}
	for name, value := range s.path {
		r.SetPathValue(name, value)
	}
	return r
}

// valueRead reads the parameter "v" by the functions of one kind.
type valueRead struct {
	path, query func(src valueSource) (any, error)
}

// valueBoth makes a reader that also asks a request, and fails if that has
// something else to say.
func valueBoth[T any](
	bySource func(valueSource, string) (T, error),
	byRequest func(*http.Request, string) (T, error),
) func(valueSource) (any, error) {
	return func(src valueSource) (any, error) {
		v, err := bySource(src, "v")
		again, err2 := byRequest(valueRequest(src), "v")
		if a, b := fmt.Sprint(v, err), fmt.Sprint(again, err2); a != b {
			return nil, fmt.Errorf("a source has %s, a request %s", a, b)
		}
		return v, err
	}
}

// valueNoDefault drops the defaults of a function, which here has none.
func valueNoDefault[S params.Source, T any](fn func(S, string, ...T) (T, error)) func(S, string) (T, error) {
	return func(src S, name string) (T, error) { return fn(src, name) }
}

func valueKind[T any](
	a func(valueSource, string) (T, error), b func(*http.Request, string) (T, error),
	c func(valueSource, string, ...T) (T, error), d func(*http.Request, string, ...T) (T, error),
) valueRead {
	return valueRead{valueBoth(a, b), valueBoth(valueNoDefault(c), valueNoDefault(d))}
}

type (
	valueS = valueSource
	valueR = *http.Request
)

var valueKinds = map[string]valueRead{
	"Int":      valueKind(params.Int[valueS], params.Int[valueR], params.QueryInt[valueS], params.QueryInt[valueR]),
	"Int64":    valueKind(params.Int64[valueS], params.Int64[valueR], params.QueryInt64[valueS], params.QueryInt64[valueR]),
	"Uint":     valueKind(params.Uint[valueS], params.Uint[valueR], params.QueryUint[valueS], params.QueryUint[valueR]),
	"Bool":     valueKind(params.Bool[valueS], params.Bool[valueR], params.QueryBool[valueS], params.QueryBool[valueR]),
	"Float":    valueKind(params.Float[valueS], params.Float[valueR], params.QueryFloat[valueS], params.QueryFloat[valueR]),
	"Duration": valueKind(params.Duration[valueS], params.Duration[valueR], params.QueryDuration[valueS], params.QueryDuration[valueR]),
	"Time":     valueKind(params.Time[valueS], params.Time[valueR], params.QueryTime[valueS], params.QueryTime[valueR]),
	"UUID":     valueKind(params.UUID[valueS], params.UUID[valueR], params.QueryUUID[valueS], params.QueryUUID[valueR]),
}

// valueExpected is what the messages of a kind say.
var valueExpected = map[string]string{
	"Int":      "an integer of at most 64 bits",
	"Int64":    "an integer of at most 64 bits",
	"Uint":     "an integer of at most 64 bits that is not negative",
	"Bool":     "true or false",
	"Float":    "a number",
	"Duration": "a duration such as 1h30m",
	"Time":     "a time such as 2006-01-02T15:04:05Z",
	"UUID":     "a UUID",
}

// ofValue is a source with a value in the path and none in the query.
func ofValue(text string) valueSource { return valueSource{path: map[string]string{"v": text}} }

// ofQuery is a source with a value in the query and none in the path.
func ofQuery(text string) valueSource { return valueSource{raw: "v=" + url.QueryEscape(text)} }

// valueShown is a value in a form that tells each from each other one.
func valueShown(v any) string {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func TestValuesAccepted(t *testing.T) {
	const id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	for _, row := range []struct{ kind, text, want, reason string }{
		{"Int", "0", "0", ""},
		{"Int", "-0", "0", ""},
		{"Int", "+7", "7", "a sign is part of a decimal integer"},
		{"Int", "-7", "-7", ""},
		{"Int", "007", "7", "decimal, never octal"},
		{"Int", strconv.Itoa(math.MaxInt), strconv.Itoa(math.MaxInt), "the platform's size"},
		{"Int", strconv.Itoa(math.MinInt), strconv.Itoa(math.MinInt), ""},
		{"Int64", "9223372036854775807", "9223372036854775807", ""},
		{"Int64", "-9223372036854775808", "-9223372036854775808", ""},
		{"Int64", "08", "8", "decimal, never octal"},
		{"Int64", strings.Repeat("0", 100) + "1", "1", "zeros are no bits"},
		{"Uint", "0", "0", ""},
		{"Uint", "010", "10", "decimal, never octal"},
		{"Uint", "18446744073709551615", "18446744073709551615", ""},

		{"Bool", "1", "true", ""}, {"Bool", "t", "true", ""}, {"Bool", "T", "true", ""},
		{"Bool", "true", "true", ""}, {"Bool", "TRUE", "true", ""}, {"Bool", "True", "true", ""},
		{"Bool", "0", "false", ""}, {"Bool", "f", "false", ""}, {"Bool", "F", "false", ""},
		{"Bool", "false", "false", ""}, {"Bool", "FALSE", "false", ""}, {"Bool", "False", "false", ""},

		{"Float", "0", "0", ""},
		{"Float", "-0", "-0", "zero has a sign"},
		{"Float", "1.5", "1.5", ""},
		{"Float", "-1.5e-3", "-0.0015", ""},
		{"Float", "+1E+3", "1000", ""},
		{"Float", ".5", "0.5", ""},
		{"Float", "5.", "5", ""},
		{"Float", "1.7976931348623157e308", "1.7976931348623157e+308", "the largest"},
		{"Float", "5e-324", "5e-324", "the smallest"},
		{"Float", "1e-999", "0", "too small is zero, which is finite"},

		{"Duration", "0", "0s", "no unit is needed"},
		{"Duration", "1h30m", "1h30m0s", ""},
		{"Duration", "-1.5h", "-1h30m0s", ""},
		{"Duration", "+5s", "5s", ""},
		{"Duration", "1ns", "1ns", ""},
		{"Duration", "1us", "1µs", ""}, {"Duration", "1µs", "1µs", "U+00B5"}, {"Duration", "1μs", "1µs", "U+03BC"},
		{"Duration", "9223372036854775807ns", "2562047h47m16.854775807s", ""},
		{"Duration", "-9223372036854775808ns", "-2562047h47m16.854775808s", ""},

		{"Time", "2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z", ""},
		{"Time", "2006-01-02T15:04:05+02:00", "2006-01-02T15:04:05+02:00", ""},
		{"Time", "2006-01-02T15:04:05-23:59", "2006-01-02T15:04:05-23:59", ""},
		{"Time", "2006-01-02T15:04:05.5Z", "2006-01-02T15:04:05.5Z", ""},
		{"Time", "2006-01-02T15:04:05.123456789-07:00", "2006-01-02T15:04:05.123456789-07:00", ""},
		{"Time", "2006-01-02T15:04:05.1234567891Z", "2006-01-02T15:04:05.123456789Z", "any number of digits"},
		{"Time", "2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z", "a leap day"},
		{"Time", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", ""},
		{"Time", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", ""},
		{"Time", "2006-01-02T15:04:05-00:00", "2006-01-02T15:04:05Z", "the local offset is unknown"},

		{"UUID", id, id, ""},
		{"UUID", strings.ToUpper(id), id, "two spellings are one key"},
		{"UUID", "F81d4fAe-7Dec-11D0-a765-00A0C91E6bf6", id, ""},
		{"UUID", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000", "the Nil UUID"},
		{"UUID", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "ffffffff-ffff-ffff-ffff-ffffffffffff", "the Max UUID"},
		{"UUID", "99999999-9999-0000-ffff-aAfF09090909", "99999999-9999-0000-ffff-aaff09090909", "any version and variant"},
	} {
		read := valueKinds[row.kind]
		for from, got := range map[string]func() (any, error){
			"path":  func() (any, error) { return read.path(ofValue(row.text)) },
			"query": func() (any, error) { return read.query(ofQuery(row.text)) },
		} {
			if v, err := got(); err != nil || valueShown(v) != row.want {
				t.Errorf("%s from the %s of %q = %s, %v, want %s; %s", row.kind, from, row.text, valueShown(v), err, row.want, row.reason)
			}
		}
	}
}

// valueRefused are texts that no kind, or one kind, does not accept.
var valueRefused = map[string][]string{
	"": { // by all
		" ", " 1", "1 ", "1\n", "\t1", "1\x00", "\u00a01", "1\u200b", "１", "٣", "−1", "--1", "+-1", "1,0", "1;0", "0x", "0b1", "0o7", "0x1p-2", "0x10",
		"1_000", "1__0", "_1", "1_", "1_0.5", "nan", "NaN", "-nan", "inf", "Inf", "+Inf", "-inf", "infinity", "-Infinity", "null", "undefined", "\xff", "1\xff", `"1"`, "%31",
	},
	"Int":   {"9223372036854775808", "-9223372036854775809", "1e3", "1.0", "1.", "+", "-", "a", "true", "1a", strings.Repeat("9", 1_000)},
	"Int64": {"9223372036854775808", "-9223372036854775809", "1e3", "1.0", "+", "-", "a", "0b", strings.Repeat("9", 1_000)},
	"Uint":  {"18446744073709551616", "-1", "-0", "1e3", "1.0", "+", "-", strings.Repeat("9", 1_000)},
	"Bool":  {"yes", "no", "on", "off", "tRUE", "tR", "2", "-1", "00", "01", "true ", "y", "n"},
	"Float": {
		"1e309", "-1e309", "1.7976931348623159e308", ".", "+", "-", "e", "e5", "1e", "1e+", ".e1", "1e1.5", "1.5.5", "1-1", "+-1", "1ee1", "1e0x1", "1f", "1d", "0x.8p1", "0X1P+1",
		"1p5", "1e5_0", strings.Repeat("9", 1_000),
	},
	"Duration": {"1", "-1", "1.5", "s", "1d", "1w", "1y", "1H", "1h 30m", "PT1H", "1h-30m", ".s", "-", "9223372036854775808ns", "300y", "1e3s", "infs", "2562048h"},
	"Time": {
		"2006-01-02", "15:04:05Z", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", "2006-01-02T15:04Z", "2006-01-02T15:04:05 02:00", "2006-01-02T15:04:05+0200", "2006-01-02T15:04:05+02",
		"2006-01-02T15:04:05.Z", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05z ", "1136214245", "20060102T150405Z", "2006-W01-1T00:00:00Z", "2006-002T15:04:05Z",
		"2006-13-01T00:00:00Z", "2006-00-01T00:00:00Z", "2006-01-32T00:00:00Z", "2006-01-00T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2006-04-31T00:00:00Z",
		"2006-01-02T24:00:00Z", "2006-01-02T15:60:00Z", "2006-01-02T15:04:61Z", "2006-1-2T15:04:05Z", "12006-01-02T15:04:05Z", "-006-01-02T15:04:05Z", "2006-01-02T15:04:05+02:00Z",
		"Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05 UTC", "2006-01-02T15:04:05Z[UTC]",
	},
	"UUID": {
		"f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf60",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae-7dec-11d0-a765-00a0c91e6bf/", "f81d4fae-7dec-11d0-a765-00a0c91e6bf:", "f81d4fae-7dec-11d0-a765-00a0c91e6bf@", "f81d4fae-7dec-11d0-a765-00a0c91e6bfG", "f81d4fae-7dec-11d0-a765-00a0c91e6bf`",
		"g81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae07dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec011d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d00a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765000a0c91e6bf6", "f81d4fae_7dec_11d0_a765_00a0c91e6bf6",
		"f81d4fa-e7dec-11d0-a765-00a0c91e6bf6", "------------------------------------", "f81d4fae-7dec-11d0-a765-00a0c91e6b\u00e9", "f81d4fae-7dec-11d0-a765-00a0c91e6b\x006", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n",
	},
}

// valueNotRFC3339 are times that time.Parse takes although RFC 3339, section
// 5.6, has two digits of hours, a period, and offsets below 24:00.
var valueNotRFC3339 = []string{
	"2006-01-02T5:04:05Z", "2006-01-02T5:04:05+02:00", "2006-01-02T5:04:05.5Z", "2006-01-02T15:04:05,5Z", "2006-01-02T15:04:05,123+02:00",
	"2006-01-02T15:04:05+24:00", "2006-01-02T15:04:05-24:59", "2006-01-02T15:04:05+23:60", "2006-01-02T15:04:05.5-00:60",
}

func TestValuesRefused(t *testing.T) {
	for kind, read := range valueKinds {
		texts := append(valueRefused[""][:len(valueRefused[""]):len(valueRefused[""])], valueRefused[kind]...)
		if kind == "Time" {
			texts = append(texts, valueNotRFC3339...)
		}
		for _, text := range texts {
			v, err := read.path(ofValue(text))
			valueCheckRefused(t, kind+" of the path", "path", kind, text, v, err)
			if !utf8.ValidString(text) {
				continue // a query says something else; see TestQueryBytes
			}
			v, err = read.query(ofQuery(text))
			valueCheckRefused(t, kind+" of the query", "query", kind, text, v, err)
		}
	}
}

func valueCheckRefused(t *testing.T, what, in, kind, text string, v any, err error) {
	t.Helper()
	shown := strconv.Quote(text)
	if len(text) > 64 {
		shown = strconv.Quote(text[:64]) + "..."
	}
	want := fmt.Sprintf("must be %s, not %s", valueExpected[kind], shown)
	valueCheckError(t, fmt.Sprintf("%s: %q", what, text), err, valueError{400, in + ` parameter "v" ` + want, map[string]string{"v": want}})
	if zero := valueShown(v); err != nil && zero != "0" && zero != "false" && zero != "0s" && zero != "" && zero != "0001-01-01T00:00:00Z" {
		t.Errorf("%s: %q gives %s beside an error", what, text, zero)
	}
}

// valueError is what is public about an error.
type valueError struct {
	status  int
	message string
	fields  map[string]string
}

// valuePublic reads err by the methods that package apiroutes looks for.
func valuePublic(err error) (public valueError, ok bool) {
	var protocol interface {
		error
		StatusCode() int
		PublicMessage() string
		ErrorFields() iter.Seq2[string, string]
	}
	if !errors.As(err, &protocol) {
		return valueError{}, false
	}
	public = valueError{protocol.StatusCode(), protocol.PublicMessage(), map[string]string{}}
	for field, problem := range protocol.ErrorFields() {
		public.fields[field] = problem
	}
	return public, true
}

func valueCheckError(t *testing.T, what string, err error, want valueError) {
	t.Helper()
	got, ok := valuePublic(err)
	if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: error %v\n got %v\nwant %v", what, err, got, want)
	}
	if ok && !strings.HasPrefix(err.Error(), want.message) {
		t.Errorf("%s: the text for logs is %q", what, err)
	}
}
