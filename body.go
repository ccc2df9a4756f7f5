package apiroutes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"
)

// defaultMaxBody is how many bytes Decode reads where MaxBody says nothing: 1
// MiB, as in Next.js.
const defaultMaxBody = 1 << 20

// Decode reads the request's body into v, by the exact Content-Type:
//
//   - application/json and types ending in +json into any v, as
//     [json.Unmarshal] does, but to the end and in valid UTF-8 (a byte order
//     mark is dropped); unknown fields are accepted;
//   - text/plain and other text types into a *string or *[]byte, in UTF-8.
//
// The error has the status for the client: 400 for a body that is empty,
// malformed, truncated, or of other types than v's, with what and where; 408 for one
// that does not arrive before the server's read timeout; 413 for one over the
// limit of [Router.MaxBody], 1 MiB by default; 415 for a missing or another
// Content-Type, charset or Content-Encoding, with what is accepted.
// What v holds after an error is undefined. The body can be read once.
func (c Context) Decode(v any) error {
	decode, err := c.decoder(v)
	if err != nil {
		return err
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return Errorf(http.StatusBadRequest, "the body is not valid UTF-8 at byte %d", invalidUTF8(body))
	}
	return decode(body)
}

// decoder chooses by Content-Type, before anything is read.
func (c Context) decoder(v any) (func([]byte) error, error) {
	accepted := "application/json"
	switch v.(type) {
	case *string, *[]byte:
		accepted += " or text/plain"
	}
	unsupported := func(what string) error {
		return Errorf(http.StatusUnsupportedMediaType, "%s: send %s", what, accepted)
	}
	header := c.r.Header
	for _, coding := range header["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return nil, unsupported(fmt.Sprintf("Content-Encoding %q is not accepted", bounded(coding)))
		}
	}
	given := header["Content-Type"]
	switch {
	case len(given) > 1:
		return nil, unsupported("there is more than one Content-Type")
	case len(given) == 0, given[0] == "":
		return nil, unsupported("there is no Content-Type")
	}
	mediaType, parameters, err := mime.ParseMediaType(given[0])
	if err != nil {
		return nil, unsupported(fmt.Sprintf("Content-Type %q is malformed", bounded(given[0])))
	}
	switch charset := strings.ToLower(parameters["charset"]); charset {
	case "", "utf-8", "us-ascii":
	default:
		return nil, unsupported(fmt.Sprintf("charset %q is not accepted, only utf-8", bounded(charset)))
	}
	switch {
	case mediaType == "application/json", strings.Contains(mediaType, "/") && strings.HasSuffix(mediaType, "+json"):
		return func(body []byte) error { return decodeJSON(body, v) }, nil
	case strings.HasPrefix(mediaType, "text/"):
		switch v := v.(type) {
		case *string:
			if v != nil {
				return func(body []byte) error { *v = string(body); return nil }, nil
			}
			return nil, errors.New("apiroutes: Decode needs a pointer, not a nil *string")
		case *[]byte:
			if v != nil {
				return func(body []byte) error { *v = body; return nil }, nil
			}
			return nil, errors.New("apiroutes: Decode needs a pointer, not a nil *[]byte")
		}
	}
	return nil, unsupported(fmt.Sprintf("Content-Type %q is not accepted", bounded(mediaType)))
}

// readBody reads the whole body within the limit.
func (c Context) readBody() ([]byte, error) {
	limit := c.route.scope.maxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	tooLarge := Errorf(http.StatusRequestEntityTooLarge, "%s", tooLargeMessage(limit))
	if c.r.ContentLength > limit {
		return nil, tooLarge
	}
	if c.r.Body == nil {
		return nil, nil
	}
	var buffer bytes.Buffer
	if n := c.r.ContentLength; n > 0 {
		const most = 64 << 10 // what a length that may be a lie can make us allocate
		buffer.Grow(int(min(n, most)) + bytes.MinRead)
	}
	_, err := buffer.ReadFrom(http.MaxBytesReader(c.w, c.r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return buffer.Bytes(), nil
	case errors.As(err, &over):
		return nil, tooLarge.WithCause(err)
	case errors.Is(err, os.ErrDeadlineExceeded): // the server's read timeout
		return nil, Errorf(http.StatusRequestTimeout, "the body did not arrive in time").WithCause(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, Errorf(http.StatusBadRequest, "the body ends after %d bytes, before its announced end", buffer.Len()).WithCause(err)
	case c.r.Context().Err() != nil:
		return nil, c.r.Context().Err()
	}
	return nil, Errorf(http.StatusBadRequest, "the body cannot be read").WithCause(err)
}

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
		return Errorf(http.StatusBadRequest, "%s must be %s, not %s (before byte %d)",
			where, jsonTypeOf(typed.Type), bounded(typed.Value), int(typed.Offset)+skipped).WithCause(err)
	}
	return Errorf(http.StatusBadRequest, "the body does not fit").WithCause(err) // an error of an UnmarshalJSON: its text is not ours to publish
}

// jsonTypeOf names what encoding/json accepts for a Go type.
func jsonTypeOf(t reflect.Type) string {
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

func invalidUTF8(body []byte) int {
	at := 0
	for at < len(body) {
		r, size := utf8.DecodeRune(body[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// limitBody returns a copy of r with a bounded body: the body of the request
// that came from outside stays its owner's.
func limitBody(w http.ResponseWriter, r *http.Request, limit int64) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	limited := new(http.Request)
	*limited = *r
	limited.Body = http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength > limit {
		limited.Body = refusedBody{r.Body, limit}
	}
	return limited
}

// refusedBody is a body that was announced to be too large: nothing of it is
// read, so that the server closes the connection instead of receiving it.
type refusedBody struct {
	io.Closer
	limit int64
}

func (b refusedBody) Read([]byte) (int, error) { return 0, &http.MaxBytesError{Limit: b.limit} }
