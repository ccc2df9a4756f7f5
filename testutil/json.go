package testutil

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// parseJSON parses one JSON value. Numbers are json.Number.
func parseJSON(text []byte) (v any, err error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text follows the JSON value")
	}
	return v, nil
}

// decodeJSON parses one JSON value so that equal numbers are equal values, and
// no digit of a whole number is lost.
func decodeJSON(text []byte) (any, error) {
	v, err := parseJSON(text)
	return withNumbers(v), err
}

func withNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, element := range v {
			v[key] = withNumbers(element)
		}
	case []any:
		for i, element := range v {
			v[i] = withNumbers(element)
		}
	case json.Number:
		return number(v)
	}
	return v
}

// number returns an int64 for a whole number, or a json.Number of its digits if
// it is beyond that, and a float64 for all others.
func number(text json.Number) any {
	if n, err := strconv.ParseInt(text.String(), 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text.String(), 64)
	switch {
	case err != nil:
		return text // beyond float64, which also bounds the exponent below
	case f != math.Trunc(f):
		return f
	case math.Abs(f) < 1<<53:
		return int64(f)
	}
	exact, ok := new(big.Rat).SetString(text.String())
	switch {
	case !ok || !exact.IsInt():
		return f
	case exact.Num().IsInt64():
		return exact.Num().Int64()
	}
	return json.Number(exact.Num().String())
}

// wantedJSON returns the value that a test wants.
func wantedJSON(want any) (any, error) {
	var text []byte
	switch w := want.(type) {
	case string:
		text = []byte(w)
	case []byte:
		text = w
	case json.RawMessage:
		text = w
	default:
		var err error
		if text, err = json.Marshal(want); err != nil {
			return nil, err
		}
	}
	v, err := decodeJSON(text)
	if _, isString := want.(string); isString && err != nil {
		err = fmt.Errorf("%w (a string is JSON text, and a JSON string has quotes)", err)
	}
	return v, err
}

// prune drops the keys of got's objects that want does not name.
func prune(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return got
		}
		pruned := map[string]any{}
		for key, w := range want {
			if g, ok := object[key]; ok {
				pruned[key] = prune(w, g)
			}
		}
		return pruned
	case []any:
		list, ok := got.([]any)
		if !ok {
			return got
		}
		pruned := make([]any, len(list))
		for i, g := range list {
			if pruned[i] = g; i < len(want) {
				pruned[i] = prune(want[i], g)
			}
		}
		return pruned
	}
	return got
}
