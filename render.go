package apiroutes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// ErrorRenderer writes the answer for an error, with headers, status and body.
// The headers that described a successful answer are already removed. e is
// what the client may see: read StatusCode and PublicMessage, which are never
// empty; the error that was returned is found through errors.As and errors.Is.
// e is shared: it must not be changed. A renderer is called concurrently.
type ErrorRenderer = func(w http.ResponseWriter, r *http.Request, e *Error)

// JSONError is the default [ErrorRenderer]. It answers
//
//	{"error":"Method Not Allowed"}
//
// with "code" and "details" behind it where the error has them. What else is in
// an Error is left to [Problem].
func JSONError(w http.ResponseWriter, r *http.Request, e *Error) {
	status := e.StatusCode()
	if answer := &statusAnswers[status-400]; answer.body != nil && e.Code == "" && e.Details == nil && e.PublicMessage() == answer.message {
		header := w.Header()
		header["Content-Type"] = jsonType
		header["Content-Length"] = lengthValue(len(answer.body))
		w.WriteHeader(status)
		_, _ = w.Write(answer.body)
		return
	}
	writeErrorBody(w, status, jsonType, nil, struct {
		Error   string `json:"error"`
		Code    string `json:"code,omitempty"`
		Details any    `json:"details,omitempty"`
	}{e.PublicMessage(), e.Code, encodable(e.Details)})
}

// Problem is the [ErrorRenderer] of RFC 9457. It answers
// application/problem+json:
//
//	{"type":"about:blank","title":"Not Found","status":404,"detail":"no user 7"}
//
// with "instance" and the extensions of the error where it has them, among them
// "code", "details", and "errors": what is wrong with each part of the request,
// with a "pointer" into the body or the name of a "parameter". An error without
// a title has that of its status, and detail is left out where it would repeat
// the title.
func Problem(w http.ResponseWriter, r *http.Request, e *Error) {
	status := e.StatusCode()
	typ, title, detail := e.Type, e.Title, e.PublicMessage()
	if typ == "" {
		typ = "about:blank"
	}
	if title == "" {
		title = statusText(status)
	}
	if detail == title {
		detail = ""
	}
	writeErrorBody(w, status, problemType, e.Extensions, struct {
		Type     string      `json:"type"`
		Title    string      `json:"title"`
		Status   int         `json:"status"`
		Detail   string      `json:"detail,omitempty"`
		Instance string      `json:"instance,omitempty"`
		Code     string      `json:"code,omitempty"`
		Details  any         `json:"details,omitempty"`
		Errors   []fieldPart `json:"errors,omitempty"`
	}{typ, title, status, detail, e.Instance, e.Code, encodable(e.Details), fieldParts(e.Fields)})
}

// fieldPart is a [FieldError] as in the example of RFC 9457, section 3, which
// points into bodies only.
type fieldPart struct {
	Detail    string `json:"detail"`
	Pointer   string `json:"pointer,omitempty"`
	Parameter string `json:"parameter,omitempty"`
}

func fieldParts(fields []FieldError) (parts []fieldPart) {
	for _, f := range fields {
		part := fieldPart{Detail: f.Message}
		if strings.HasPrefix(f.Field, "#") {
			part.Pointer = f.Field
		} else {
			part.Parameter = f.Field
		}
		parts = append(parts, part)
	}
	return parts
}

// reservedMembers are those that an extension must not imitate.
var reservedMembers = map[string]bool{
	"type": true, "title": true, "status": true, "detail": true, "instance": true,
	"code": true, "details": true, "errors": true,
}

// Values of Content-Type, shared by all answers. Their capacity is their
// length, so that an Add copies them.
var (
	jsonType    = []string{"application/json; charset=utf-8"}
	problemType = []string{"application/problem+json"}
)

// writeErrorBody writes body, which is a struct, as a JSON object, with the
// extensions as further members.
func writeErrorBody(w http.ResponseWriter, status int, contentType []string, extensions map[string]any, body any) {
	buffer := getJSONBuffer()
	defer buffer.put()
	if err := buffer.encode(body); err != nil {
		return // cannot happen: details were encoded before
	}
	if len(extensions) > 0 {
		buffer.extend(extensions)
	}
	header := w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = lengthValue(buffer.Len())
	w.WriteHeader(status)
	_, _ = w.Write(buffer.Bytes())
}

// extend adds those of the extensions that can be written to the object that
// the buffer holds.
func (b *jsonBuffer) extend(extensions map[string]any) {
	members := map[string]any{}
	for name, value := range extensions {
		if value := encodable(value); value != nil && !reservedMembers[name] {
			members[name] = value
		}
	}
	if len(members) > 0 {
		b.Truncate(b.Len() - 1)
		b.WriteByte(',')
		b.Write(encodable(members).(json.RawMessage)[1:])
	}
}

// encodable returns details as JSON, or nil if they cannot be encoded: an
// answer without them is better than none.
func encodable(details any) any {
	if details == nil {
		return nil
	}
	buffer := getJSONBuffer()
	defer buffer.put()
	if err := buffer.encode(details); err != nil {
		return nil
	}
	return json.RawMessage(bytes.Clone(buffer.Bytes()))
}

// statusAnswers are the complete answers for errors whose message is the text
// of their status, so that a flood of 404 costs no allocation.
var statusAnswers = func() (answers [200]statusAnswer) {
	for i := range answers {
		if text := http.StatusText(400 + i); text != "" {
			body, _ := json.Marshal(map[string]string{"error": text})
			answers[i] = statusAnswer{text, body}
		}
	}
	return answers
}()

type statusAnswer struct {
	message string
	body    []byte
}
