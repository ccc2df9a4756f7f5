package params_test

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"
)

var (
	valueIntForm   = regexp.MustCompile(`^[+-]?[0-9]+$`)
	valueUintForm  = regexp.MustCompile(`^[0-9]+$`)
	valueFloatForm = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	valueBoolForm  = regexp.MustCompile(`^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$`)
	valueTimeForm  = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)
	valueUUIDForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

// valueWithin reports whether a decimal integer lies between bounds.
func valueWithin(text, least, most string) bool {
	n, ok := new(big.Int).SetString(text, 10)
	low, _ := new(big.Int).SetString(least, 10)
	high, _ := new(big.Int).SetString(most, 10)
	return ok && n.Cmp(low) >= 0 && n.Cmp(high) <= 0
}

// valueOracle tells by the documented forms alone whether a kind accepts text.
func valueOracle(kind, text string) bool {
	switch kind {
	case "Int":
		return valueIntForm.MatchString(text) && valueWithin(text, strconv.Itoa(math.MinInt), strconv.Itoa(math.MaxInt))
	case "Int64":
		return valueIntForm.MatchString(text) && valueWithin(text, "-9223372036854775808", "9223372036854775807")
	case "Uint":
		return valueUintForm.MatchString(text) && valueWithin(text, "0", "18446744073709551615")
	case "Bool":
		return valueBoolForm.MatchString(text)
	case "Float":
		f, err := strconv.ParseFloat(text, 64)
		return valueFloatForm.MatchString(text) && err == nil && !math.IsInf(f, 0)
	case "Duration":
		_, err := time.ParseDuration(text)
		return err == nil
	case "Time": // a day that the month does not have is a day of the next one
		if !valueTimeForm.MatchString(text) {
			return false
		}
		y, m, d := valueDigits(text[:4]), valueDigits(text[5:7]), valueDigits(text[8:10])
		return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Day() == d
	case "UUID":
		return valueUUIDForm.MatchString(text)
	}
	panic(kind)
}

func valueDigits(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// FuzzValue: a kind accepts exactly what it documents, and what it returns is
// read as itself when it is written again.
func FuzzValue(f *testing.F) {
	for _, kind := range valueRefused {
		for _, text := range kind {
			f.Add(text)
		}
	}
	for _, text := range append(valueNotRFC3339, "1", "-7", "1.5e3", "true", "1h30m", "2006-01-02T15:04:05.5+02:00", "f81d4fae-7dec-11d0-a765-00A0C91E6BF6") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		for kind, read := range valueKinds {
			v, err := read.path(ofValue(text))
			if accepted := err == nil; accepted != valueOracle(kind, text) {
				t.Errorf("%s of %q is %s, %v", kind, text, valueShown(v), err)
			}
			q, err2 := read.query(ofQuery(text))
			if utf8.ValidString(text) && (valueShown(q) != valueShown(v) || (err == nil) != (err2 == nil)) {
				t.Errorf("%s of %q is %s, %v in the query, %s, %v in the path", kind, text, valueShown(q), err2, valueShown(v), err)
			}
			if err == nil {
				again, err := read.path(ofValue(valueShown(v)))
				if err != nil || valueShown(again) != valueShown(v) {
					t.Errorf("%s of %q is %s, and then %s, %v", kind, text, valueShown(v), valueShown(again), err)
				}
			} else if public, ok := valuePublic(err); !ok || public.status != 400 || !utf8.ValidString(public.message+err.Error()) {
				t.Errorf("%s of %q fails with %d %q", kind, text, public.status, err)
			}
		}
	})
}
