package testutil

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Call calls a handler alone, without a server: a request with a method and
// target, "GET /api/user/7", changed by edits, and what the handler answered.
//
//	testutil.Call(t, apiroutes.HandlerFunc(showUser), "GET /api/user/7", testutil.PathValue("id", "7")).Status(200)
//
// The handler runs in the caller's goroutine, so that its panic is that of the
// test, with one exception: [http.ErrAbortHandler] is a broken answer. As below
// a server, the request's context is done when the handler returned; bodies of
// HEAD, 204 and 304 are dropped, and so are 1xx before the answer.
func Call(t testing.TB, h http.Handler, line string, edits ...Edit) *Response {
	t.Helper()
	_, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + " HTTP/1.1\r\nHost: example.com\r\n\r\n")))
	if err != nil || strings.ContainsAny(line, "\r\n") {
		t.Errorf(`testutil: Call(%q): want "METHOD target", such as "GET /api/hello"`, line)
		return &Response{t: t}
	}
	method, target, _ := strings.Cut(line, " ")
	ctx, cancel := context.WithCancel(context.Background()) // not of t: clean-ups call handlers too
	defer cancel()
	req := httptest.NewRequestWithContext(ctx, method, target, nil)
	before := *req.URL
	for _, edit := range edits {
		edit(req)
	}
	if *req.URL != before {
		req.RequestURI = changedTarget(target, before, *req.URL)
	}
	sent := req.Clone(context.Background()) // handlers may change theirs
	req.GetBody = nil                       // which a server does not have

	recorder := httptest.NewRecorder()
	aborted := callHandler(h, finalWriter{recorder}, req)
	r := &Response{t: t, request: sent, response: recorder.Result(), patience: defaultPatience()}
	r.response.Request = sent
	header := r.response.Header
	if _, ok := header["Content-Type"]; !ok && recorder.Body.Len() > 0 && header.Get("Content-Encoding") == "" {
		header.Set("Content-Type", http.DetectContentType(recorder.Body.Bytes())) // as servers do after WriteHeader too
	}
	switch code := r.response.StatusCode; {
	case aborted:
		r.response.Body = io.NopCloser(io.MultiReader(r.response.Body, failingReader{errAborted}))
	case method == http.MethodHead || code == http.StatusNoContent || code == http.StatusNotModified:
		r.response.Body = http.NoBody
	}
	return r
}

// changedTarget is the target after edits. Where they left the path alone it
// keeps its spelling.
func changedTarget(target string, before, now url.URL) string {
	before.RawQuery, before.ForceQuery = now.RawQuery, now.ForceQuery
	if before != now {
		return now.RequestURI()
	}
	path, _, _ := strings.Cut(target, "?")
	if now.RawQuery != "" || now.ForceQuery {
		path += "?" + now.RawQuery
	}
	return path
}

var errAborted = errors.New("the handler aborted the connection")

// callHandler reports whether h aborted.
func callHandler(h http.Handler, w http.ResponseWriter, r *http.Request) (aborted bool) {
	returned := false
	defer func() {
		if returned {
			return
		}
		switch v := recover(); v {
		case nil: // runtime.Goexit, by t.FailNow
		case http.ErrAbortHandler:
			aborted = true
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	returned = true
	return false
}

// finalWriter records the answer and not the 1xx before it.
type finalWriter struct{ *httptest.ResponseRecorder }

func (w finalWriter) WriteHeader(status int) {
	if status < 100 || status > 199 || status == http.StatusSwitchingProtocols {
		w.ResponseRecorder.WriteHeader(status)
	}
}
