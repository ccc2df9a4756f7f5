package apiroutes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// decodeJSON decodes all of body into v and turns errors into 400s that say
// what and where, in the client's terms.
func decodeJSON(body []byte, v any) error {
	skipped := len(body)
	body = bytes.TrimPrefix(body, byteOrderMark)
	skipped -= len(body)
	if len(bytes.TrimSpace(body)) == 0 {
		return Errorf(http.StatusBadRequest, "the body is empty: send JSON")
	}
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	var misuse *json.InvalidUnmarshalError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &misuse):
		return fmt.Errorf("apiroutes: Decode needs a pointer: %w", err)
	case errors.As(err, &syntax):
		return Errorf(http.StatusBadRequest, "the body is not valid JSON: %s at byte %d", syntax, int(syntax.Offset)+skipped).WithCause(err)
	case errors.As(err, &typed):
		where := "the body"
		if typed.Field != "" {
			where = fmt.Sprintf("field %q", bounded(typed.Field))
		}
		problem := fmt.Sprintf("must be %s, not %s", typeName(typed.Type), bounded(typed.Value))
		e := Errorf(http.StatusBadRequest, "%s %s (before byte %d)", where, problem, int(typed.Offset)+skipped)
		if pointer := jsonPointer(body, typed); pointer != "" && len(pointer) <= 256 { // a part of one is another one
			e.Fields = []FieldError{{Field: pointer, Message: problem}}
		}
		return e.WithCause(err)
	}
	return Errorf(http.StatusBadRequest, "the body does not fit").WithCause(err) // an error of an UnmarshalJSON: its text is not ours to publish
}

// jsonPointer returns where in valid JSON the value stands that ends at, or
// begins before, a byte offset: a JSON Pointer in its form as a URI fragment
// (RFC 6901, section 6). The path that encoding/json reports lacks the indexes
// of arrays and cannot be taken apart at its dots. It is empty where it does not
// agree with that path: an UnmarshalJSON that calls json.Unmarshal counts its
// offsets from elsewhere.
func jsonPointer(body []byte, typed *json.UnmarshalTypeError) string {
	offset, field := typed.Offset, typed.Field
	if number, ok := strings.CutPrefix(typed.Value, "number "); ok && offset > 0 && bytes.HasSuffix(body[:min(offset-1, int64(len(body)))], []byte(number)) {
		offset-- // encoding/json counts one too many for a number that goes into an interface
	}
	agrees := field == "" // its end is a key; before it are embedded structs too
	type level struct {
		key   string
		index int  // of an array's element
		array bool // else an object
		value bool // an object: a value comes next
	}
	var path []level
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		top := len(path) - 1
		if delim, ok := token.(json.Delim); ok && (delim == ']' || delim == '}') {
			path = path[:top]
			continue
		}
		if top >= 0 {
			switch l := &path[top]; {
			case l.array:
				l.index++
			case l.value:
				l.value = false
			default:
				l.key, l.value = token.(string), true
				continue
			}
		}
		if decoder.InputOffset() >= offset {
			break
		}
		if delim, ok := token.(json.Delim); ok {
			path = append(path, level{array: delim == '[', index: -1})
		}
	}
	var pointer strings.Builder
	pointer.WriteByte('#')
	for _, l := range path {
		step := l.key
		if l.array {
			step = strconv.Itoa(l.index)
		} else if at := len(field) - len(step); at >= 0 && strings.EqualFold(field[at:], step) && (at == 0 || field[at-1] == '.') {
			agrees = true
		}
		pointer.WriteString(pointerStep(step))
	}
	if !agrees {
		return ""
	}
	return pointer.String()
}

// pointerStep is one step of a JSON Pointer as a URI fragment.
func pointerStep(key string) string { return "/" + escapeURI(pointerEscaper.Replace(key)) }

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "#", "%23", "[", "%5B", "]", "%5D")

// typeName says what a Go type takes, in a client's terms.
func typeName(t reflect.Type) string {
	switch kind := t.Kind(); {
	case kind == reflect.Bool:
		return "a boolean"
	case reflect.Int <= kind && kind <= reflect.Int64:
		return fmt.Sprintf("an integer of %d bits", t.Bits())
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		return fmt.Sprintf("an integer of %d bits that is not negative", t.Bits())
	case kind == reflect.Float32, kind == reflect.Float64:
		return "a number"
	case kind == reflect.String:
		return "a string"
	case kind == reflect.Slice, kind == reflect.Array:
		return "an array"
	case kind == reflect.Map, kind == reflect.Struct:
		return "an object"
	}
	return "of another type"
}

// jsonBuffer holds a value while it is encoded. Buffers are pooled: a handler
// never sees one, and an io.Writer must not keep what it was given.
type jsonBuffer struct {
	bytes.Buffer
	encoder *json.Encoder
}

var jsonBuffers = sync.Pool{New: func() any {
	buffer := new(jsonBuffer)
	buffer.encoder = json.NewEncoder(&buffer.Buffer)
	buffer.encoder.SetEscapeHTML(false)
	return buffer
}}

func getJSONBuffer() *jsonBuffer { return jsonBuffers.Get().(*jsonBuffer) }

func (b *jsonBuffer) encode(v any) error {
	b.Reset()
	if err := b.encoder.Encode(v); err != nil {
		b.encoder = nil // it keeps its error for ever
		return err
	}
	b.Truncate(b.Len() - 1) // the newline that Encode appends
	return nil
}

// put gives the buffer back unless it is spoilt or has grown so large that
// keeping it would hold the memory of one unusual answer.
func (b *jsonBuffer) put() {
	const most = 64 << 10
	if b.encoder != nil && b.Cap() <= most {
		jsonBuffers.Put(b)
	}
}
