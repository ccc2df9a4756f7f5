package apiroutes

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	// maxFormFields is how many fields or parts a form may have. It is the
	// bound that mime/multipart has of its own accord.
	maxFormFields = 1000
	// maxFormMemory is how many bytes of files are kept in memory, per form:
	// what a body of the default limit can hold.
	maxFormMemory = defaultMaxBody
)

// parseURLEncoded reads an urlencoded form as strictly as QueryValues reads a
// query.
func parseURLEncoded(body []byte) (*multipart.Form, error) {
	text := string(body)
	fields := 0
	for pair := range strings.SplitSeq(text, "&") {
		if pair != "" {
			fields++
		}
	}
	if fields > maxFormFields {
		return nil, errTooManyFields
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, Errorf(http.StatusBadRequest, "the form is malformed: %s", bounded(err.Error())).WithCause(err)
	}
	form := &multipart.Form{Value: values}
	return form, checkForm(form)
}

var errTooManyFields = Errorf(http.StatusRequestEntityTooLarge, "the form exceeds the limit of %d fields", maxFormFields)

// readMultipart reads a multipart form. Its temporary files are removed when
// the handler has returned; see removeUploads.
func (c Context) readMultipart(boundary string) (*multipart.Form, error) {
	body, err := c.openBody()
	if err != nil {
		return nil, err
	}
	form, err := body.parts(boundary).ReadForm(maxFormMemory)
	if err != nil {
		return nil, body.formError(err)
	}
	c.r.MultipartForm = form
	if err := body.end(); err != nil {
		return nil, err
	}
	return form, checkForm(form)
}

// parts reads a form with package multipart, which takes one that ends between
// two lines of a part's header for whole.
func (b *body) parts(boundary string) *multipart.Reader {
	return multipart.NewReader(&wholeForm{body: b, last: "\n--" + boundary + "--"}, boundary)
}

// wholeForm ends with io.EOF only right behind the last boundary. Where that
// has its line end, what comes next is read by nobody but body.end.
type wholeForm struct {
	*body
	last string
	tail []byte // of the body so far, as if it began with a line end
}

func (f *wholeForm) Read(p []byte) (int, error) {
	const padding = 64 // space behind a boundary
	if f.tail == nil {
		f.tail = []byte{'\n'}
	}
	n, err := f.body.Read(p)
	most := len(f.last) + padding
	f.tail = append(f.tail, p[max(0, n-most):n]...)
	f.tail = append(f.tail[:0], f.tail[max(0, len(f.tail)-most):]...)
	if err == io.EOF && !bytes.HasSuffix(bytes.TrimRight(f.tail, " \t"), []byte(f.last)) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// end reads what stands behind the last boundary, which is to be ignored (RFC
// 2046, section 5.1.1), so that a body counts as whole only if it was.
func (b *body) end() error {
	_, err := io.Copy(io.Discard, b)
	return err
}

// formError says what a client is told of an error of package multipart.
func (b *body) formError(err error) error {
	var ours *Error
	var file *fs.PathError
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &file), b.c.r.Context().Err() != nil:
		return err // a temporary file cannot be written, or nobody waits any more
	case errors.Is(err, multipart.ErrMessageTooLarge):
		return Errorf(http.StatusRequestEntityTooLarge, "the form exceeds the limit of %d parts, or its headers and text are too long", maxFormFields).WithCause(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Errorf(http.StatusBadRequest, "the form ends after %d bytes, before its last boundary", b.read).WithCause(err)
	}
	return Errorf(http.StatusBadRequest, "the form is malformed within its first %d bytes", b.read).WithCause(err)
}

// isBoundary reports whether text is a boundary of RFC 2046, section 5.1.1. A
// longer one would not fit into what is read ahead.
func isBoundary(text string) bool {
	return text != "" && len(text) <= 70 && !strings.HasSuffix(text, " ") && strings.Trim(text,
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? ") == ""
}

// checkForm refuses names and values that are not UTF-8.
func checkForm(form *multipart.Form) error {
	for name, values := range form.Value {
		if err := checkPart(name, ""); err != nil {
			return err
		}
		for _, value := range values {
			if !utf8.ValidString(value) {
				return fieldError(name, "is not valid UTF-8")
			}
		}
	}
	for name, files := range form.File {
		for _, file := range files {
			if err := checkPart(name, file.Filename); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPart is the part of checkForm for names.
func checkPart(name, filename string) error {
	switch {
	case !utf8.ValidString(name):
		return Errorf(http.StatusBadRequest, "a field's name, %q, is not valid UTF-8", bounded(name))
	case !utf8.ValidString(filename):
		return fieldError(name, "has a file name that is not valid UTF-8")
	}
	return nil
}

// fieldError is the error for one field of a form, which is named as if the
// form were a JSON object.
func fieldError(name, problem string) *Error {
	e := Errorf(http.StatusBadRequest, "field %q %s", bounded(name), problem)
	e.Fields = []FieldError{{Field: "#" + pointerStep(bounded(name)), Message: problem}}
	return e
}

// formValues is the text of a form without files.
func formValues(v *url.Values, form *multipart.Form) error {
	for name := range form.File {
		return fieldError(name, "is a file, which is not accepted")
	}
	*v = form.Value
	return nil
}

// removeUploads is called at the end by who made or was given the request r: it
// removes the temporary files of a form that was read since. A server does that for
// its own request only, not for a copy, and HTTP/1.1 does not after a panic.
func removeUploads(r *http.Request, before *multipart.Form) {
	if form := r.MultipartForm; form != nil && form != before {
		_ = form.RemoveAll()
	}
}

// Part is one part of a multipart form: a field or a file, with its name, file
// name and header. It is read while its turn lasts, by one goroutine. Errors
// of Read have the status for the client. The zero value is of no use.
type Part struct {
	*multipart.Part // as the standard library has it; Part.Read is used instead of its Read
	body            *body
}

// Read reads the content of the part.
func (p *Part) Read(b []byte) (int, error) {
	n, err := p.Part.Read(b)
	if err != nil && err != io.EOF {
		err = p.body.formError(err)
	}
	return n, err
}

// Parts reads a multipart/form-data body part by part, without keeping
// anything: for uploads that are large, or go somewhere else. It has the
// errors and the limits of [Context.Decode]: 1 MiB unless [Router.MaxBody]
// says otherwise, and 1,000 parts. After an error the loop ends.
//
//	for part, err := range c.Parts() {
//		if err != nil {
//			return err
//		}
//		if _, err := io.Copy(store(part.FormName()), part); err != nil {
//			return err
//		}
//	}
//
// What a client says in [multipart.Part.FileName] is reduced to the last
// element of its path, and is still a stranger's choice.
func (c Context) Parts() iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		_, boundary, err := c.contentType([]bodyKind{multipartForm})
		if err != nil {
			yield(nil, err)
			return
		}
		body, err := c.openBody()
		if err != nil {
			yield(nil, err)
			return
		}
		reader := body.parts(boundary)
		for n := 1; ; n++ {
			part, err := reader.NextPart()
			switch {
			case err == io.EOF:
				if err := body.end(); err != nil {
					yield(nil, err)
				}
				return
			case err != nil:
				yield(nil, body.formError(err))
				return
			case n > maxFormFields:
				yield(nil, body.formError(multipart.ErrMessageTooLarge))
				return
			}
			if err := checkPart(part.FormName(), part.FileName()); err != nil {
				yield(nil, err)
				return
			}
			if !yield(&Part{part, body}, nil) {
				return
			}
		}
	}
}
