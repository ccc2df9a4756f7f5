package apiroutes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
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
// with "code" and "details" behind it where the error has them.
func JSONError(w http.ResponseWriter, r *http.Request, e *Error) {
	status := e.StatusCode()
	if answer, ok := statusAnswers[status]; ok && e.Code == "" && e.Details == nil && e.PublicMessage() == answer.message {
		header := w.Header()
		header["Content-Type"] = jsonType
		header["Content-Length"] = answer.length
		w.WriteHeader(status)
		_, _ = w.Write(answer.body)
		return
	}
	writeErrorBody(w, status, jsonType, struct {
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
// with the extensions "code" and "details" where the error has them. detail is
// left out where it would repeat the title.
func Problem(w http.ResponseWriter, r *http.Request, e *Error) {
	status := e.StatusCode()
	title, detail := statusText(status), e.PublicMessage()
	if detail == title {
		detail = ""
	}
	writeErrorBody(w, status, problemType, struct {
		Type    string `json:"type"`
		Title   string `json:"title"`
		Status  int    `json:"status"`
		Detail  string `json:"detail,omitempty"`
		Code    string `json:"code,omitempty"`
		Details any    `json:"details,omitempty"`
	}{"about:blank", title, status, detail, e.Code, encodable(e.Details)})
}

// Values of Content-Type, shared by all answers. Their capacity is their
// length, so that an Add copies them.
var (
	jsonType    = []string{"application/json; charset=utf-8"}
	problemType = []string{"application/problem+json"}
)

func writeErrorBody(w http.ResponseWriter, status int, contentType []string, body any) {
	buffer := getJSONBuffer()
	defer buffer.put()
	if err := buffer.encode(body); err != nil {
		return // cannot happen: details were encoded before
	}
	header := w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(buffer.Len())}
	w.WriteHeader(status)
	_, _ = w.Write(buffer.Bytes())
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
var statusAnswers = func() map[int]statusAnswer {
	answers := map[int]statusAnswer{}
	for status := 400; status < 600; status++ {
		if text := http.StatusText(status); text != "" {
			body, _ := json.Marshal(map[string]string{"error": text})
			answers[status] = statusAnswer{text, body, []string{strconv.Itoa(len(body))}}
		}
	}
	return answers
}()

type statusAnswer struct {
	message string
	body    []byte
	length  []string
}
