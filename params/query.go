package params

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The functions Query to QueryParse read a query parameter that is given at
// most once. Without it they return the default, the first one, if there is one. Everything
// else is a 400 as for path parameters: absent without a default, empty (but
// for [Query], where that is a value), given more than once, malformed. They
// are strict about the pair they read and do not look at the others; the
// Query method of a Context is lenient. They are safe for concurrent use.

// Query returns a query parameter as text, which may be empty.
func Query[S Source](src S, name string, def ...string) (string, error) {
	text, found, err := once(rawQuery(src), name)
	switch {
	case err != nil:
		return "", err
	case found:
		return text, nil
	case len(def) > 0:
		return def[0], nil
	}
	return "", &valueError{in: "query", name: name, problem: missing}
}

// QueryInt is as [Int], for a query parameter.
func QueryInt[S Source](src S, name string, def ...int) (int, error) {
	return query(rawQuery(src), name, integer, strconv.Atoi, def)
}

// QueryInt64 is as [Int64], for a query parameter.
func QueryInt64[S Source](src S, name string, def ...int64) (int64, error) {
	return query(rawQuery(src), name, integer, parseInt64, def)
}

// QueryUint is as [Uint], for a query parameter.
func QueryUint[S Source](src S, name string, def ...uint64) (uint64, error) {
	return query(rawQuery(src), name, natural, parseUint, def)
}

// QueryBool is as [Bool], for a query parameter.
func QueryBool[S Source](src S, name string, def ...bool) (bool, error) {
	return query(rawQuery(src), name, boolean, strconv.ParseBool, def)
}

// QueryFloat is as [Float], for a query parameter.
func QueryFloat[S Source](src S, name string, def ...float64) (float64, error) {
	return query(rawQuery(src), name, number, parseFloat, def)
}

// QueryDuration is as [Duration], for a query parameter.
func QueryDuration[S Source](src S, name string, def ...time.Duration) (time.Duration, error) {
	return query(rawQuery(src), name, duration, time.ParseDuration, def)
}

// QueryTime is as [Time], for a query parameter. In a query a plus sign is a
// space: an offset of +02:00 is sent as %2B02:00.
func QueryTime[S Source](src S, name string, def ...time.Time) (time.Time, error) {
	return query(rawQuery(src), name, timestamp, parseTime, def)
}

// QueryUUID is as [UUID], for a query parameter.
func QueryUUID[S Source](src S, name string, def ...string) (string, error) {
	return query(rawQuery(src), name, uuid, parseUUID, def)
}

// QueryParse is as [Parse], for a query parameter.
func QueryParse[T any, S Source](src S, name string, parse func(text string) (T, error), def ...T) (T, error) {
	return query(rawQuery(src), name, "", parse, def)
}

// QueryAll returns all values of a query parameter, each as parse reads it, in
// the order in which they were sent; nil if there is none:
//
//	ids, err := params.QueryAll(c, "id", strconv.Atoi)
func QueryAll[T any, S Source](src S, name string, parse func(text string) (T, error)) ([]T, error) {
	var all []T
	for rest := rawQuery(src); ; {
		var text string
		var found bool
		var err error
		if text, rest, found, err = next(rest, name); err != nil {
			return nil, err
		} else if !found {
			return all, nil
		}
		v, err := value(text, "query", name, "", parse)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

func query[T any](raw, name, expected string, parse func(string) (T, error), def []T) (T, error) {
	var none T
	text, found, err := once(raw, name)
	switch {
	case err != nil:
		return none, err
	case text != "":
		return value(text, "query", name, expected, parse)
	case found:
		return none, &valueError{in: "query", name: name, problem: empty, expected: expected}
	case len(def) > 0:
		return def[0], nil
	}
	return none, &valueError{in: "query", name: name, problem: missing, expected: expected}
}

// once returns the value of a parameter, which must not be given twice.
func once(raw, name string) (text string, found bool, err error) {
	text, rest, found, err := next(raw, name)
	count := 0
	for more := found; more && err == nil; count++ {
		_, rest, more, err = next(rest, name)
	}
	if err != nil {
		return "", false, err
	}
	if count > 1 {
		return "", false, &valueError{in: "query", name: name, problem: fmt.Sprintf("is given %d times: give it once", count)}
	}
	return text, found, nil
}

// next returns the next value of a parameter in a raw query, and what follows
// it. A query without escapes costs no allocation.
func next(raw, name string) (text, rest string, found bool, err error) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		if pair == "" {
			continue
		}
		if decoded, err := url.QueryUnescape(key); err != nil || decoded != name {
			continue
		}
		text, err := url.QueryUnescape(value)
		var problem string
		switch {
		case err != nil:
			problem = "holds a bad escape"
		case strings.Contains(pair, ";"): // a separator to some servers
			problem = "holds a semicolon that is not escaped"
		case !utf8.ValidString(text):
			problem = "is not valid UTF-8"
		default:
			return text, raw, true, nil
		}
		return "", "", false, &valueError{in: "query", name: name, problem: problem + ", " + quoted(value), cause: err}
	}
	return "", "", false, nil
}
