package apiroutes

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The answering methods write a whole answer with its Content-Length. The
// first one claims the request; each later one, and each one after the handler
// has returned, writes nothing and returns [ErrAnswered] or the error of the
// request's context. All refuse a status outside 200 to 599 before anything is
// written. A Content-Type that was set before is kept.

// JSON answers with v as compact JSON, without HTML escaping and without a
// trailing newline, as application/json; charset=utf-8. It encodes v before
// anything is written, so that an error can still become an answer.
func (c Context) JSON(status int, v any) error {
	buffer := getJSONBuffer()
	defer buffer.put()
	if err := buffer.encode(v); err != nil {
		return fmt.Errorf("apiroutes: the answer cannot be encoded as JSON: %w", err)
	}
	return c.whole(status, jsonType, len(buffer.Bytes()), func(w io.Writer) error {
		_, err := w.Write(buffer.Bytes())
		return err
	})
}

// Text answers with text as text/plain; charset=utf-8.
func (c Context) Text(status int, text string) error {
	return c.whole(status, plainType, len(text), func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// HTML answers with html as text/html; charset=utf-8. It escapes nothing: what
// comes from elsewhere goes through [html/template] first.
func (c Context) HTML(status int, html string) error {
	return c.whole(status, htmlType, len(html), func(w io.Writer) error {
		_, err := io.WriteString(w, html)
		return err
	})
}

// Bytes answers with body as contentType, which must be a valid header value;
// empty means application/octet-stream.
func (c Context) Bytes(status int, contentType string, body []byte) error {
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	if err := checkHeader("Content-Type", contentType); err != nil {
		return err
	}
	return c.whole(status, []string{contentType}, len(body), func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	})
}

// NoContent answers with a status and no body: 204 as a rule, or another one
// for an answer that has only headers, such as 202 or 304.
func (c Context) NoContent(status int) error {
	return c.whole(status, nil, 0, func(io.Writer) error { return nil })
}

var (
	plainType = []string{"text/plain; charset=utf-8"}
	htmlType  = []string{"text/html; charset=utf-8"}
)

// whole claims the request and writes an answer of length bytes with write.
func (c Context) whole(status int, contentType []string, length int, write func(io.Writer) error) error {
	if status < 200 || status > 599 {
		return fmt.Errorf("apiroutes: status %d is no final HTTP status: use one from 200 to 599", status)
	}
	if err := claim(c.r); err != nil {
		return err
	}
	err := errPanicked
	defer func() {
		if err != nil { // part of the answer may be out: a truncated one must not look complete
			settle(c.r, newMark(&mark{state: broken, cause: err}))
			return
		}
		settle(c.r, markAnswered)
	}()
	header := c.w.Header()
	switch status {
	case http.StatusNoContent, http.StatusNotModified: // have no body (RFC 9110 6.4.1)
		delete(header, "Content-Type")
		delete(header, "Content-Length")
		c.w.WriteHeader(status)
		err = nil
		return nil
	case http.StatusResetContent: // has an empty one (RFC 9110 15.3.6)
		contentType, length = nil, 0
		delete(header, "Content-Type")
	}
	if _, set := header["Content-Type"]; !set && contentType != nil {
		header["Content-Type"] = contentType
	}
	header["Content-Length"] = lengthValue(length)
	c.w.WriteHeader(status)
	if length == 0 {
		err = nil
		return nil
	}
	err = write(c.w)
	return err
}

// SetHeader sets a header of the answer. It returns an error, and sets
// nothing, for a name that is no token, for a value with control bytes (which
// net/http would replace or send), and once the request was answered.
func (c Context) SetHeader(name, value string) error {
	if err := c.checkHeader(name, value); err != nil {
		return err
	}
	c.w.Header().Set(name, value)
	return nil
}

// AddHeader is as [Context.SetHeader] but keeps the values that are there.
func (c Context) AddHeader(name, value string) error {
	if err := c.checkHeader(name, value); err != nil {
		return err
	}
	c.w.Header().Add(name, value)
	return nil
}

// SetCookie adds a Set-Cookie header. It returns an error, and sets nothing,
// for a cookie of which [http.SetCookie] would silently drop all or a part,
// and once the request was answered.
func (c Context) SetCookie(cookie *http.Cookie) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	if err := cookie.Valid(); err != nil {
		return fmt.Errorf("apiroutes: cookie not set: %w", err)
	}
	if cookie.SameSite < 0 || cookie.SameSite > http.SameSiteNoneMode {
		return fmt.Errorf("apiroutes: cookie not set: SameSite %d is unknown", cookie.SameSite)
	}
	http.SetCookie(c.w, cookie)
	return nil
}

// mayAnswer fails once headers have no effect any more: the header map may
// belong to another request by then.
func (c Context) mayAnswer() error {
	if err := c.r.Context().Err(); err != nil {
		return err
	}
	if markOf(load(c.r)).state != open {
		return ErrAnswered
	}
	return nil
}

func (c Context) checkHeader(name, value string) error {
	if err := c.mayAnswer(); err != nil {
		return err
	}
	return checkHeader(name, value)
}

// checkHeader refuses what RFC 9110 5.1 and 5.5 forbid in a field.
func checkHeader(name, value string) error {
	if !isToken(name) {
		return fmt.Errorf("apiroutes: header name %q is not a token", bounded(name))
	}
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	if i := strings.IndexFunc(value, control); i >= 0 {
		return fmt.Errorf("apiroutes: the value of header %q holds the control byte %q", name, value[i])
	}
	return nil
}

// isToken reports whether text is a token of RFC 9110 5.6.2.
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return text != ""
}

// lengthValue is a value of Content-Length. Small ones are shared by all answers:
// their capacity is their length, so that an Add copies them.
func lengthValue(n int) []string {
	if n < len(smallLengths) {
		return smallLengths[n : n+1 : n+1]
	}
	return []string{strconv.Itoa(n)}
}

var smallLengths = func() (values [1024]string) {
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	return values
}()
