package testutil

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
)

// An Edit changes a request before it is sent. It is a plain function, so that
// any package can offer its own, such as one that logs a user in. Edits are
// applied in order, and those of this package may be applied to many requests,
// also concurrently, except [Stream].
//
//	basic := func(r *http.Request) { r.SetBasicAuth("ada", "secret") }
//	api.Get("/api/me", basic).Status(200)
type Edit = func(r *http.Request)

// Header sets a request header. Host sets the request's host.
func Header(name, value string) Edit {
	return func(r *http.Request) {
		if strings.EqualFold(name, "Host") {
			r.Host = value
			return
		}
		r.Header.Set(name, value)
	}
}

// Cookie adds a cookie to the request, beside those of the client's jar. What
// [http.Cookie] cannot hold goes through Header("Cookie", ...).
func Cookie(name, value string) Edit {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

// Query adds a query parameter to the target.
func Query(name, value string) Edit {
	return func(r *http.Request) {
		if r.URL.RawQuery != "" {
			r.URL.RawQuery += "&"
		}
		r.URL.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(value)
	}
}

// PathValue sets a path parameter for [Call], where no router does. A
// catch-all is the decoded remainder of the path, such as "a/b". A server does
// not see it.
func PathValue(name, value string) Edit {
	return func(r *http.Request) { r.SetPathValue(name, value) }
}

// Body sets the request's body and Content-Type; an empty contentType sets
// none.
func Body(contentType, body string) Edit {
	return func(r *http.Request) {
		setContentType(r, contentType)
		r.ContentLength = int64(len(body))
		r.GetBody = func() (io.ReadCloser, error) {
			if body == "" {
				return http.NoBody, nil
			}
			return io.NopCloser(strings.NewReader(body)), nil
		}
		r.Body, _ = r.GetBody()
	}
}

// Stream sets a body that is sent in chunks as it is read, of unknown length.
// It serves one request.
func Stream(contentType string, body io.Reader) Edit {
	return func(r *http.Request) {
		setContentType(r, contentType)
		r.Body, r.GetBody, r.ContentLength = io.NopCloser(body), nil, -1
	}
}

func setContentType(r *http.Request, contentType string) {
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
}

// JSON sets a body of application/json. It panics if v cannot be encoded. A
// string is encoded as any value is; for JSON that is malformed on purpose, or
// at hand as text, use [Body].
func JSON(v any) Edit {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("testutil.JSON(%T): %v", v, err))
	}
	return Body("application/json", string(body))
}

// Form sets a body of application/x-www-form-urlencoded.
func Form(values url.Values) Edit {
	return Body("application/x-www-form-urlencoded", values.Encode())
}

// File is an uploaded file of [Multipart].
type File struct {
	Field   string // Field is the name of the form's field.
	Name    string // Name is the file's name, as the client tells it.
	Type    string // Type is the Content-Type; "" stands for application/octet-stream.
	Content string // Content is the file's bytes.
}

// Multipart sets a body of multipart/form-data: the fields, sorted by name, and
// then the files. For other parts write the body with [multipart.Writer] and
// use [Body].
func Multipart(fields url.Values, files ...File) Edit {
	var body bytes.Buffer // to which no write fails
	w := multipart.NewWriter(&body)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			_ = w.WriteField(name, value)
		}
	}
	for _, file := range files {
		part, _ := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition(file.Field, file.Name)},
			"Content-Type":        {cmp.Or(file.Type, "application/octet-stream")},
		})
		_, _ = io.WriteString(part, file.Content)
	}
	_ = w.Close()
	return Body(w.FormDataContentType(), body.String())
}
