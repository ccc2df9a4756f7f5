package apiroutes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"
)

// defaultMaxBody is how many bytes of a body are read where MaxBody says
// nothing: 1 MiB, as in Next.js.
const defaultMaxBody = 1 << 20

// Decode reads the request's body into v, by the exact Content-Type:
//
//   - application/json and types ending in +json into any v, as
//     [json.Unmarshal] does, but to the end and in valid UTF-8 (a byte order
//     mark is dropped); unknown fields are accepted;
//   - application/x-www-form-urlencoded and multipart/form-data into a
//     [*url.Values], or into a pointer to a struct, whose fields with a tag
//     such as form:"name" are filled and all others left alone;
//   - multipart/form-data into a [*multipart.Form];
//   - text/plain and other text types into a *string or *[]byte, in UTF-8.
//
// A form field is a string, boolean ("on" counts as true), number,
// [time.Duration] or [encoding.TextUnmarshaler] such as [time.Time], a pointer
// to one, which tells absent from zero, or a slice of those for one that may be
// repeated; an uploaded file is a [*multipart.FileHeader] or a slice of them. A
// value that is absent leaves its field as it was, and so does an empty one for
// a pointer to anything but a string: an input that was left empty. A form has
// at most 1,000 fields. Files beyond 1 MiB of memory wait in temporary files,
// which are removed when the handler has returned; [Context.Parts] reads a form
// without keeping it.
//
// The error has the status for the client: 400 for a body that is empty,
// malformed, truncated, or of other types than v's, with what and where; 408 for one
// that does not arrive before the server's read timeout; 413 for one over the
// limit of [Router.MaxBody], 1 MiB by default, or with too many fields; 415 for
// a missing or another Content-Type, charset or Content-Encoding, with what is
// accepted. What v holds after an error is undefined. The body can be read
// once, and while the handler runs.
func (c Context) Decode(v any) error {
	t, err := targetOf(v)
	if err != nil {
		return err
	}
	kind, boundary, err := c.contentType(t.accepted())
	if err != nil {
		return err
	}
	if kind == multipartForm {
		form, err := c.readMultipart(boundary)
		if err != nil {
			return err
		}
		return t.form(form)
	}
	body, err := c.readBody()
	switch {
	case err != nil:
		return err
	case kind == urlencodedForm:
		form, err := parseURLEncoded(body)
		if err != nil {
			return err
		}
		return t.form(form)
	case !utf8.Valid(body):
		return Errorf(http.StatusBadRequest, "the body is not valid UTF-8 at byte %d", invalidUTF8(body))
	case kind == textBody:
		t.text(body)
		return nil
	}
	return decodeJSON(body, v)
}

// bodyKind is a group of media types that are read alike. Its text is how a
// client is told of it.
type bodyKind string

const (
	jsonBody       bodyKind = "application/json"
	textBody       bodyKind = "text/plain"
	urlencodedForm bodyKind = "application/x-www-form-urlencoded"
	multipartForm  bodyKind = "multipart/form-data"
)

// kindOf is empty for a media type that is not read.
func kindOf(mediaType string) bodyKind {
	switch {
	case mediaType == string(jsonBody), strings.Contains(mediaType, "/") && strings.HasSuffix(mediaType, "+json"):
		return jsonBody
	case mediaType == string(urlencodedForm), mediaType == string(multipartForm):
		return bodyKind(mediaType)
	case strings.HasPrefix(mediaType, "text/"):
		return textBody
	}
	return ""
}

// target is what Decode fills, with the kinds of bodies that fit it.
type target struct {
	json      bool
	text      func(body []byte)                // nil: takes no text
	form      func(form *multipart.Form) error // nil: takes no form
	multipart bool                             // takes only forms that can hold files
}

func (t target) accepted() (kinds []bodyKind) {
	if t.json {
		kinds = append(kinds, jsonBody)
	}
	if t.text != nil {
		kinds = append(kinds, textBody)
	}
	if t.form != nil && !t.multipart {
		kinds = append(kinds, urlencodedForm)
	}
	if t.form != nil {
		kinds = append(kinds, multipartForm)
	}
	return kinds
}

var errNilPointer = errors.New("apiroutes: Decode needs a pointer to a value, not a nil pointer")

func targetOf(v any) (t target, err error) {
	isNil := false
	switch v := v.(type) {
	case *string:
		isNil = v == nil
		t = target{json: true, text: func(body []byte) { *v = string(body) }}
	case *[]byte:
		isNil = v == nil
		t = target{json: true, text: func(body []byte) { *v = body }}
	case *url.Values:
		isNil = v == nil
		t = target{json: true, form: func(form *multipart.Form) error { return formValues(v, form) }}
	case *multipart.Form:
		isNil = v == nil
		t = target{multipart: true, form: func(form *multipart.Form) error { *v = *form; return nil }}
	case **multipart.Form:
		isNil = v == nil
		t = target{multipart: true, form: func(form *multipart.Form) error { *v = form; return nil }}
	default:
		return structTarget(v)
	}
	if isNil {
		return t, errNilPointer
	}
	return t, nil
}

// contentType chooses among the accepted kinds by the request's headers, before
// anything is read.
func (c Context) contentType(accepted []bodyKind) (kind bodyKind, boundary string, err error) {
	unsupported := func(format string, args ...any) error {
		return Errorf(http.StatusUnsupportedMediaType, "%s: send %s", fmt.Sprintf(format, args...), alternatives(accepted))
	}
	header := c.r.Header
	for _, coding := range header["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return "", "", unsupported("Content-Encoding %q is not accepted", bounded(coding))
		}
	}
	sent := header["Content-Type"]
	switch {
	case len(sent) > 1:
		return "", "", unsupported("there is more than one Content-Type")
	case len(sent) == 0, sent[0] == "":
		return "", "", unsupported("there is no Content-Type")
	}
	mediaType, parameters, err := mime.ParseMediaType(sent[0])
	if err != nil {
		return "", "", unsupported("Content-Type %q is malformed", bounded(sent[0]))
	}
	switch charset := strings.ToLower(parameters["charset"]); charset {
	case "", "utf-8", "us-ascii":
	default:
		return "", "", unsupported("charset %q is not accepted, only utf-8", bounded(charset))
	}
	kind = kindOf(mediaType)
	for _, k := range accepted {
		if k != kind {
			continue
		}
		if boundary = parameters["boundary"]; kind == multipartForm && !isBoundary(boundary) {
			return "", "", Errorf(http.StatusBadRequest, "Content-Type %q has no valid boundary (RFC 2046 5.1.1)", bounded(sent[0]))
		}
		return kind, boundary, nil
	}
	return "", "", unsupported("Content-Type %q is not accepted", bounded(mediaType))
}

// alternatives lists kinds as a sentence does.
func alternatives(kinds []bodyKind) string {
	var b strings.Builder
	for i, kind := range kinds {
		switch {
		case i > 0 && i == len(kinds)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(kind))
	}
	return b.String()
}

// readBody reads the whole body within the limit.
func (c Context) readBody() ([]byte, error) {
	body, err := c.openBody()
	if err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	if n := c.r.ContentLength; n > 0 {
		const most = 64 << 10 // what a length that may be a lie can make us allocate
		buffer.Grow(int(min(n, most)) + bytes.MinRead)
	}
	if _, err := buffer.ReadFrom(body); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// openBody returns a reader of the body whose errors are what a client is told.
func (c Context) openBody() (*body, error) {
	limit := c.route.scope.maxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	if c.r.ContentLength > limit {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "%s", tooLargeMessage(limit))
	}
	if c.r.Body == nil {
		return &body{c: c, reader: http.NoBody}, nil
	}
	return &body{c: c, limit: limit, reader: http.MaxBytesReader(c.w, c.r.Body, limit)}, nil
}

// body reads a request's body within its limit.
type body struct {
	c      Context
	limit  int64
	reader io.Reader
	read   int64 // bytes so far
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	b.read += int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return n, Errorf(http.StatusRequestEntityTooLarge, "%s", tooLargeMessage(b.limit)).WithCause(err)
	case errors.Is(err, os.ErrDeadlineExceeded): // the server's read timeout
		return n, Errorf(http.StatusRequestTimeout, "the body did not arrive in time").WithCause(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, Errorf(http.StatusBadRequest, "the body ends after %d bytes, before its announced end", b.read).WithCause(err)
	case b.c.r.Context().Err() != nil:
		return n, b.c.r.Context().Err()
	}
	return n, Errorf(http.StatusBadRequest, "the body cannot be read").WithCause(err)
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
