package roottest

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// formDoors are a form's readers, with the paths that wire tests give them.
var formDoors = map[string]apiroutes.HandlerFunc{
	"/values": formAsValues, "/form": formAsForm, "/struct": formAsStruct, "/parts": formAsParts,
}

func formAsStruct(c apiroutes.Context) error {
	var v struct {
		A    string                `form:"a"`
		File *multipart.FileHeader `form:"f"`
	}
	if err := c.Decode(&v); err != nil {
		return err
	}
	return c.Text(http.StatusOK, url.Values{"a": {v.A}}.Encode())
}

// formOfLength is a form with the field a, in so many bytes.
func formOfLength(contentType string, length int) string {
	if contentType == formURLEncoded {
		return "a=" + strings.Repeat("x", length-len("a="))
	}
	return formField("a", strings.Repeat("x", length-len(formField("a", "")+formEnd))) + formEnd
}

func formWireRouter(limit int64) *apiroutes.Router {
	r := apiroutes.New()
	for path, h := range formDoors {
		r.MaxBody(limit).Handle(path, h)
		r.MaxBody(limit).With(tag("a")).Handle("/behind"+path, h)
		r.Handle("/default"+path, h)
	}
	return r
}

// TestFormLimits sends forms around the limit, in each way that their length
// can be announced. The client sees the answer, and the connection is in step.
func TestFormLimits(t *testing.T) {
	const limit = 1000
	for _, tr := range transports {
		if tr.gzip || tr.buffers {
			continue // nothing about requests
		}
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			w := tr.serve(t, formWireRouter(limit))
			for path := range formDoors {
				for _, contentType := range []string{formURLEncoded, formMultipart} {
					if path != "/values" && path != "/struct" && contentType == formURLEncoded {
						continue
					}
					for _, length := range []int{limit - 1, limit, limit + 1, 300_000} {
						formLimit(t, w, path, contentType, limit, length)
					}
					formLimit(t, w, "/behind"+path, contentType, limit, limit)
					formLimit(t, w, "/behind"+path, contentType, limit, limit+1)
					if tr.recorder { // the same bytes go over the wire
						formLimit(t, w, "/default"+path, contentType, bodyDefault, bodyDefault)
						formLimit(t, w, "/default"+path, contentType, bodyDefault, bodyDefault+1)
					}
				}
			}
		})
	}
}

func formLimit(t *testing.T, w *wire, path, contentType string, limit, length int) {
	t.Helper()
	for _, announced := range []int64{int64(length), -1} {
		body := formOfLength(contentType, length)
		req := w.request(t, path)
		req.Header.Set("Content-Type", contentType)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), announced
		status, want := 200, "a="+strings.Repeat("x", strings.Count(body, "x")-strings.Count(contentType, "x"))
		if contentType == formURLEncoded {
			want = body
		}
		if length > limit {
			status, want = 413, fmt.Sprintf(`{"error":"the body exceeds the limit of %d bytes"}`, limit)
		}
		got := w.do(t, req)
		if got.err != nil || got.status != status || got.body != want {
			t.Errorf("%s as %s, %d bytes, %d announced: %v", path, contentType, length, announced, got)
		}
		if !w.recorder {
			w.neighbours(t)
		}
	}
}

// TestFormCounts: 1,000 fields are a form, one more is an attack. Names do not
// matter, nor whether anybody wants the field.
func TestFormCounts(t *testing.T) {
	for _, c := range []struct {
		name, contentType, paths string
		one                      func(i int) string
		end                      string
	}{
		{"one name", formURLEncoded, "/values /struct", func(int) string { return "b=&" }, ""},
		{"names", formURLEncoded, "/values /struct", func(i int) string { return fmt.Sprintf("x%d&", i) }, ""},
		{"nothing", formURLEncoded, "/values /struct", func(int) string { return "&" }, ""},
		{"one name", formMultipart, "/values /form /struct /parts", func(int) string { return formField("b", "") }, formEnd},
		{"names", formMultipart, "/values /form /struct /parts", func(i int) string { return formField(fmt.Sprintf("x%d", i), "") }, formEnd},
		{"no names", formMultipart, "/values /form /struct /parts", func(int) string { return "--b\r\n\r\n\r\n" }, formEnd},
		{"files", formMultipart, "/form /struct /parts", func(i int) string { return formFile(fmt.Sprintf("x%d", i), "x", "") }, formEnd},
	} {
		for path := range strings.FieldsSeq(c.paths) {
			for _, count := range []int{1000, 1001} {
				var body strings.Builder
				for i := range count {
					body.WriteString(c.one(i))
				}
				text := strings.TrimSuffix(body.String(), "&")
				if c.name == "nothing" {
					text = strings.Repeat("&", count-1)
				}
				got := formSend(t, formDoors[path], c.contentType, text+c.end)
				want := "200"
				switch {
				case c.name == "nothing": // between separators is no field
				case count > 1000 && c.contentType == formURLEncoded:
					want = `413 {"error":"the form exceeds the limit of 1000 fields"}`
				case count > 1000:
					want = `413 {"error":"the form exceeds the limit of 1000 parts, or its headers and text are too long"}`
				}
				if got != want && !(want == "200" && strings.HasPrefix(got, "200 ")) {
					t.Errorf("%s, %s, %s, %d: %.200s, want %s", c.contentType, path, c.name, count, got, want)
				}
			}
		}
	}
}

// TestFormMemory: what a form may hold besides files is bounded, however large
// the body may be.
func TestFormMemory(t *testing.T) {
	const tooMuch = `413 {"error":"the form exceeds the limit of 1000 parts, or its headers and text are too long"}`
	uploadDir(t)
	r := apiroutes.New()
	for path, h := range formDoors {
		r.MaxBody(64<<20).Handle(path, h)
	}
	head := strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 12_000)
	for _, c := range []struct{ name, body, paths, want string }{
		{"text of 12 MiB", formField("b", strings.Repeat("x", 12<<20)) + formEnd, "/struct", tooMuch},
		{"text in 12 fields", strings.Repeat(formField("b", strings.Repeat("x", 1<<20)), 12) + formEnd, "/form", tooMuch},
		{"text of 8 MiB", formField("b", strings.Repeat("x", 8<<20)) + formEnd, "/struct", "200 a="},
		{"a header of 12 MB", "--b\r\n" + head + "\r\n" + formEnd, "/form /parts", tooMuch},
		{"10,001 header lines", "--b\r\n" + strings.Repeat("X:\r\n", 10_001) + "\r\n" + formEnd, "/values /form /struct /parts", tooMuch},
		{"a file of 12 MiB", formFile("f", "x", strings.Repeat("x", 12<<20)) + formEnd, "/struct", "200 a="},
	} {
		for path := range strings.FieldsSeq(c.paths) {
			w := testutil.Call(t, r, "POST "+path, testutil.Body(formMultipart, c.body))
			if got := brief(w); got != c.want {
				t.Errorf("%s, %s: %.200s, want %s", path, c.name, got, c.want)
			}
		}
	}
}

// TestFormRaw sends forms that are not as announced. A form that lost its end
// is never taken for a smaller one.
func TestFormRaw(t *testing.T) {
	const next = "POST /neighbour?id=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	head := func(path, contentType string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + contentType + "\r\n"
	}
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) + "\r\n\r\n" }
	chunk := func(text string) string { return strconv.FormatInt(int64(len(text)), 16) + "\r\n" + text + "\r\n" }
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	const ok, tooLarge = "200 a=1", `413 {"error":"the body exceeds the limit of 1000 bytes"}`
	one, whole := formField("a", "1"), formField("a", "1")+formEnd
	ends := func(n int) string {
		return fmt.Sprintf(`400 {"error":"the body ends after %d bytes, before its announced end"}`, n)
	}
	lost := func(n int) string {
		return fmt.Sprintf(`400 {"error":"the form ends after %d bytes, before its last boundary"}`, n)
	}
	neighbour := "; 200 " + neighbourBody("1")
	half := one + "--b\r\nContent-Disposition: form-data; name=c\r\n"
	var cases []bodyRawCase
	for path := range formDoors {
		h := head(path, formMultipart)
		cases = append(cases, []bodyRawCase{
			{path + " right", h + length(len(whole)) + whole + next, false, ok + neighbour},
			{path + " chunked", h + chunked + chunk(one[:30]) + chunk(one[30:]+formEnd) + "0\r\n\r\n" + next, false, ok + neighbour},
			{path + " length too large", h + length(len(whole)+100) + whole, true, ends(len(whole))},
			{path + " length too large, within a header", h + length(len(whole)+100) + half, true, ends(len(half))},
			{path + " length too small", h + length(len(one)) + whole, false, lost(len(one))},
			{path + " length too small, within a header", h + length(len(half)) + half + "\r\nsecret", false, lost(len(half))},
			{path + " chunked, ends within a header", h + chunked + chunk(half) + "0\r\n\r\n" + next, false, lost(len(half)) + neighbour},
			{path + " chunked, ends within a part", h + chunked + chunk(one[:len(one)-2]) + "0\r\n\r\n" + next, false, lost(len(one)-2) + neighbour},
			{path + " chunked, ends before the last boundary", h + chunked + chunk(one) + "0\r\n\r\n" + next, false, lost(len(one)) + neighbour},
			{path + " chunked, cut off behind the last boundary", h + chunked + chunk(whole), true, ends(len(whole))},
			{path + " chunked, cut off in a chunk", h + chunked + "fff\r\n" + one, true, ends(len(one))},
			{path + " far over, nothing sent", h + length(1<<30), false, tooLarge},
			{path + " far over the default, nothing sent", head("/default"+path, formMultipart) + length(1<<30), false, `413 {"error":"the body exceeds the limit of 1048576 bytes"}`},
			{path + " far over, asks first", h + "Expect: 100-continue\r\n" + length(1<<30), false, tooLarge},
			{path + " one over, chunked", h + chunked + chunk(formOfLength(formMultipart, 1001)) + "0\r\n\r\n", false, tooLarge},
			{path + " an epilogue over the limit", h + chunked + chunk(whole) + chunk(strings.Repeat("x", 1000)) + "0\r\n\r\n", false, tooLarge},
		}...)
	}
	h := head("/values", formURLEncoded)
	cases = append(cases, []bodyRawCase{
		{"urlencoded", h + length(3) + "a=1" + next, false, ok + neighbour},
		{"urlencoded, length too large", h + length(9) + "a=1", true, ends(3)},
		{"urlencoded, chunked, cut off", h + chunked + chunk("a=1"), true, ends(3)},
		{"urlencoded, far over, nothing sent", h + length(1<<30), false, tooLarge},
		{"urlencoded, one over, chunked", h + chunked + chunk(formOfLength(formURLEncoded, 1001)) + "0\r\n\r\n", false, tooLarge},
	}...)
	w := transports[0].serve(t, formWireRouter(1000))
	for _, c := range cases {
		if got := w.raw(t, c); got != c.want {
			t.Errorf("%s: the client has\n%s, want\n%s", c.name, got, c.want)
		}
	}
	w.neighbours(t)
}

// TestFormTimeout: a form that does not arrive before the server's read
// deadline is a 408, and whatever arrived of it is not taken.
func TestFormTimeout(t *testing.T) {
	dir := uploadDir(t)
	for _, tr := range transports[:2] {
		for path := range formDoors {
			for _, contentType := range []string{formURLEncoded, formMultipart} {
				if contentType == formURLEncoded && path != "/values" && path != "/struct" {
					continue
				}
				t.Run(tr.name+path+" "+contentType, func(t *testing.T) {
					r := apiroutes.New()
					r.MaxBody(4<<20).Handle(path, formDoors[path])
					reached := make(chan struct{})
					w := tr.serve(t, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
						req.Body = &formDeadline{uploadSlowly{req.Body, 500, reached}, http.NewResponseController(rw)}
						r.ServeHTTP(rw, req)
					}))
					in, out := io.Pipe()
					defer out.Close()
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.api.URL(path), in)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Content-Type", contentType)
					go func() { _, _ = io.WriteString(out, formOfLength(contentType, 1000)[:900]) }()
					got := w.roundTrip(req)
					if got.err != nil || got.status != http.StatusRequestTimeout || got.body != `{"error":"the body did not arrive in time"}` {
						t.Errorf("got %v", got)
					}
				})
			}
		}
	}
	if n := uploadCount(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// formDeadline lets the deadline pass when a part of the body was read.
type formDeadline struct {
	uploadSlowly
	controller *http.ResponseController
}

func (b *formDeadline) Read(p []byte) (int, error) {
	n, err := b.uploadSlowly.Read(p)
	if b.rest <= 0 {
		_ = b.controller.SetReadDeadline(time.Now().Add(-time.Second))
	}
	return n, err
}
