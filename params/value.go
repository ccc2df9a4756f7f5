package params

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Source is what values are read from: an apiroutes.Context or an
// [*http.Request]. Any other type also gives the raw query of the request,
// under the name [RawQuery]; its queries are empty otherwise.
//
// The functions are generic over it, for an interface parameter would move
// every Context to the heap.
type Source interface {
	PathValue(name string) string // a path parameter, decoded; "" if there is none
}

// RawQuery is the name by which a [Source] gives the raw query, which the
// method set of [*http.Request] has no room for. No pattern can have it.
const RawQuery = "[?]"

// The functions Int to Parse read a path parameter. Each error is a 400 that
// names the parameter, what is wrong with it and what was expected, and quotes
// and bounds the value; it also tells them as a field error. They are safe for
// concurrent use.

// Int returns a path parameter as a decimal integer of the platform's size, with
// a sign or without.
func Int[S Source](src S, name string) (int, error) {
	return path(src.PathValue(name), name, integer, strconv.Atoi)
}

// Int64 returns a path parameter as a decimal integer of 64 bits.
func Int64[S Source](src S, name string) (int64, error) {
	return path(src.PathValue(name), name, integer, parseInt64)
}

// Uint returns a path parameter as a decimal integer of 64 bits without a sign.
func Uint[S Source](src S, name string) (uint64, error) {
	return path(src.PathValue(name), name, natural, parseUint)
}

// Bool returns a path parameter as a boolean, in the forms of
// [strconv.ParseBool].
func Bool[S Source](src S, name string) (bool, error) {
	return path(src.PathValue(name), name, boolean, strconv.ParseBool)
}

// Float returns a path parameter as a finite decimal number.
func Float[S Source](src S, name string) (float64, error) {
	return path(src.PathValue(name), name, number, parseFloat)
}

// Duration returns a path parameter as a duration, in the form of
// [time.ParseDuration], such as 1h30m.
func Duration[S Source](src S, name string) (time.Duration, error) {
	return path(src.PathValue(name), name, duration, time.ParseDuration)
}

// Time returns a path parameter as a time in the form of RFC 3339, such as
// 2006-01-02T15:04:05Z. For other forms see [Parse].
func Time[S Source](src S, name string) (time.Time, error) {
	return path(src.PathValue(name), name, timestamp, parseTime)
}

// UUID returns a path parameter as a UUID in the text form of RFC 9562, section
// 4, in lower case whatever the client sent, so that two spellings are one key.
// For the UUID type of a package, call [Parse] with that package's function.
func UUID[S Source](src S, name string) (string, error) {
	return path(src.PathValue(name), name, uuid, parseUUID)
}

// Parse returns a path parameter as parse reads it:
//
//	addr, err := params.Parse(c, "addr", netip.ParseAddr)
//
// An error of parse makes a 400 whose text is not shown, unless it has a method
// PublicMessage() string; an error that has a method StatusCode() int keeps its
// status.
func Parse[T any, S Source](src S, name string, parse func(text string) (T, error)) (T, error) {
	return path(src.PathValue(name), name, "", parse)
}

// What is expected, as messages say it.
const (
	integer   = "an integer of at most 64 bits"
	natural   = "an integer of at most 64 bits that is not negative"
	boolean   = "true or false"
	number    = "a number"
	duration  = "a duration such as 1h30m"
	timestamp = "a time such as 2006-01-02T15:04:05Z"
	uuid      = "a UUID"
)

// path parses the value of a path parameter. An empty one is an optional
// catch-all that is absent, or a name that the pattern does not have.
func path[T any](text, name, expected string, parse func(string) (T, error)) (T, error) {
	if text == "" {
		var none T
		return none, &valueError{in: "path", name: name, problem: missing, expected: expected}
	}
	return value(text, "path", name, expected, parse)
}

func value[T any](text, in, name, expected string, parse func(string) (T, error)) (T, error) {
	v, err := parse(text)
	if err != nil {
		var none T
		return none, &valueError{in: in, name: name, value: text, expected: expected, cause: err}
	}
	return v, nil
}

func parseInt64(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func parseUint(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) }

// parseFloat refuses what ParseFloat knows beyond decimal notation: NaN, Inf,
// hexadecimal floats and underscores.
func parseFloat(text string) (float64, error) {
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, errors.New("not in decimal notation")
	}
	return strconv.ParseFloat(text, 64)
}

// parseTime refuses what time.Parse takes beyond RFC 3339: hours of one digit, a
// comma before the fraction, and offsets of 24 hours or 60 minutes.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, err
	}
	zone := text[len(text)-5:] // hh:mm, if there is no Z
	if text[13] != ':' || text[19] == ',' || !strings.HasSuffix(zone, "Z") && (zone[:2] > "23" || zone[3:] > "59") {
		return time.Time{}, errors.New("not in the form of RFC 3339")
	}
	return t, nil
}

func parseUUID(text string) (string, error) {
	if len(text) != 36 {
		return "", errors.New("not 36 characters long")
	}
	for i := range len(text) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && text[i] != '-':
			return "", errors.New("a hyphen is missing")
		case !hyphen && !isHex(text[i]):
			return "", errors.New("not hexadecimal")
		}
	}
	return strings.ToLower(text), nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// rawQuery returns the raw query of a source.
func rawQuery[S Source](src S) string {
	if r, ok := any(src).(*http.Request); ok {
		return r.URL.RawQuery
	}
	return src.PathValue(RawQuery)
}
