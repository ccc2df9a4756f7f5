package roottest

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

const (
	formURLEncoded = "application/x-www-form-urlencoded"
	formMultipart  = "multipart/form-data; boundary=b"
)

// formField is one part of a form with the boundary b, without the line that
// ends it.
func formField(name, value string) string {
	return "--b\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n"
}

func formFile(name, file, content string) string {
	return fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=%s; filename=\"%s\"\r\nContent-Type: text/plain\r\n\r\n%s\r\n", name, file, content)
}

const formEnd = "--b--\r\n"

// formText tells of a form in one line, files with their content.
func formText(form *multipart.Form) (string, error) {
	var b strings.Builder
	b.WriteString(url.Values(form.Value).Encode())
	files := url.Values{}
	for name, all := range form.File {
		for _, file := range all {
			f, err := file.Open()
			if err != nil {
				return "", err
			}
			content, err := io.ReadAll(f)
			_ = f.Close()
			if err != nil {
				return "", err
			}
			files.Add(name, fmt.Sprintf("%s=%d=%s", file.Filename, file.Size, content))
		}
	}
	if len(files) > 0 {
		text, _ := url.QueryUnescape(files.Encode())
		b.WriteString(" files " + text)
	}
	return b.String(), nil
}

func formAnswer(c apiroutes.Context, form *multipart.Form) error {
	text, err := formText(form)
	if err != nil {
		return err
	}
	return c.Text(http.StatusOK, text)
}

// Handlers that read a form in each way, and answer alike.
func formAsValues(c apiroutes.Context) error {
	var v url.Values
	if err := c.Decode(&v); err != nil {
		return err
	}
	return formAnswer(c, &multipart.Form{Value: v})
}

func formAsForm(c apiroutes.Context) error {
	var form multipart.Form
	if err := c.Decode(&form); err != nil {
		return err
	}
	return formAnswer(c, &form)
}

func formAsPointer(c apiroutes.Context) error {
	var form *multipart.Form
	if err := c.Decode(&form); err != nil {
		return err
	}
	return formAnswer(c, form)
}

func formAsParts(c apiroutes.Context) error {
	values, files := url.Values{}, url.Values{}
	for part, err := range c.Parts() {
		if err != nil {
			return err
		}
		content, err := io.ReadAll(part)
		switch {
		case err != nil:
			return err
		case part.FormName() == "":
		case part.FileName() == "":
			values.Add(part.FormName(), string(content))
		default:
			files.Add(part.FormName(), fmt.Sprintf("%s=%d=%s", part.FileName(), len(content), content))
		}
	}
	text := values.Encode()
	if len(files) > 0 {
		all, _ := url.QueryUnescape(files.Encode())
		text += " files " + all
	}
	return c.Text(http.StatusOK, text)
}

// formReaders are those that take files, and so multipart/form-data alone.
var formReaders = map[string]apiroutes.HandlerFunc{"Form": formAsForm, "*Form": formAsPointer, "Parts": formAsParts}

func formSend(t testing.TB, h http.Handler, contentType, body string) string {
	t.Helper()
	return brief(bodyDecode(t, h, body, bodyTyped(contentType)))
}

func formBad(text string) string { return `400 {"error":"` + text + `"}` }

// TestURLEncoded is strict where parsers differ.
func TestURLEncoded(t *testing.T) {
	for _, c := range []struct{ body, want, reason string }{
		{"a=1&b=2&a=3", "200 a=1&a=3&b=2", ""},
		{"", "200", "a form without fields"},
		{"a", "200 a=", ""},
		{"=1", "200 =1", ""},
		{"a=b=c", "200 a=b%3Dc", ""},
		{"a=%C3%A9+x%2B", "200 a=%C3%A9+x%2B", ""},
		{"&&a=1&", "200 a=1", ""},
		{"a[999999999]=1&b.c=2", "200 a%5B999999999%5D=1&b.c=2", "names are flat"},
		{"__proto__=1", "200 __proto__=1", ""},
		{"a=%00", "200 a=%00", "data, not text for C"},
		{"a=%", formBad(`the form is malformed: invalid URL escape \"%\"`), ""},
		{"a=%zz", formBad(`the form is malformed: invalid URL escape \"%zz\"`), ""},
		{"%zz=1&a=1", formBad(`the form is malformed: invalid URL escape \"%zz\"`), "not a shorter map"},
		{"a=1;b=2", formBad("the form is malformed: invalid semicolon separator in query"), "servers disagree"},
		{"a=%ff", formBad(`field \"a\" is not valid UTF-8`), ""},
		{"%ff=a", formBad(`a field's name, \"\\xff\", is not valid UTF-8`), ""},
		{"a=\xff", formBad(`field \"a\" is not valid UTF-8`), "not escaped"},
	} {
		if got := formSend(t, apiroutes.HandlerFunc(formAsValues), formURLEncoded, c.body); got != c.want {
			t.Errorf("%q: %s, want %s; %s", c.body, got, c.want, c.reason)
		}
	}
	long := strings.Repeat("%zz", 10_000)
	if got := formSend(t, apiroutes.HandlerFunc(formAsValues), formURLEncoded, "a="+long); !strings.HasPrefix(got, "400 ") || len(got) > 500 {
		t.Errorf("a long mistake comes back: %.600s", got)
	}
}

// TestMultipart reads what clients send, in each way alike.
func TestMultipart(t *testing.T) {
	one := formField("a", "1")
	for _, c := range []struct{ body, want, reason string }{
		{one + formField("b", "2") + formField("a", "3") + formEnd, "200 a=1&a=3&b=2", ""},
		{formEnd, "200", "a form without parts"},
		{one + "--b--", "200 a=1", "RFC 2046 5.1.1: no line ends behind the last boundary"},
		{one + "--b-- \t", "200 a=1", "both"},
		{"--b--", "200", "nothing but the last boundary"},
		{one + "--b-- \t\r\n", "200 a=1", "RFC 2046 5.1.1: transport padding"},
		{"a preamble\r\n--c\r\n\r\n" + one + formEnd, "200 a=1", "RFC 2046 5.1.1"},
		{one + formEnd + "an epilogue\r\n" + formField("b", "2"), "200 a=1", "RFC 2046 5.1.1"},
		{strings.ReplaceAll(one+formEnd, "\r\n", "\n"), "200 a=1", "some clients do"},
		{formField("a", "x\r\n--bc\r\n--") + formEnd, "200 a=x%0D%0A--bc%0D%0A--", "what looks like a boundary"},
		{formField("a", "") + formEnd, "200 a=", ""},
		{formFile("f", "x.txt", "hello") + one + formEnd, "200 a=1 files f=x.txt=5=hello", ""},
		{formFile("f", "", "") + formEnd, "200 f=", "an input without a file"},
		{formFile("f", "x", "") + formEnd, "200 files f=x=0=", "an empty file"},
		{formFile("f", "../../etc/passwd", "x") + formEnd, "200 files f=passwd=1=x", "the last element"},
		{formFile("f", "/etc/passwd", "x") + formEnd, "200 files f=passwd=1=x", ""},
		{formFile("f", "a/b/", "x") + formEnd, "200 files f=b=1=x", ""},
		{"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + one + formEnd, "200 a=1", "a part without a name"},
		{"--b\r\n\r\nx\r\n" + one + formEnd, "200 a=1", "a part without a header"},
		{"--b\r\nContent-Disposition: attachment; name=x\r\n\r\nx\r\n" + one + formEnd, "200 a=1", "no form-data"},
		{"--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9 =\r\nx\r\n" + formEnd, "200 a=%C3%A9+x", ""},
		{"--b\r\nContent-Disposition: form-data; name=\"f\"; filename*=UTF-8''%C3%A9.txt\r\n\r\nx\r\n" + formEnd, "200 files f=é.txt=1=x", "RFC 8187"},
	} {
		for name, h := range formReaders {
			if got := formSend(t, h, formMultipart, c.body); got != strings.TrimSpace(c.want) {
				t.Errorf("%s: %q:\n%s, want\n%s; %s", name, c.body, got, c.want, c.reason)
			}
		}
		want := c.want
		if strings.Contains(want, " files ") {
			want = formBad(`field \"f\" is a file, which is not accepted`)
		}
		if got := formSend(t, apiroutes.HandlerFunc(formAsValues), formMultipart, c.body); got != want {
			t.Errorf("Values: %q: %s, want %s", c.body, got, want)
		}
	}
}

// TestMultipartMalformed: what a form lost on its way, or never had, is no
// form. A body that ends in a chunk of length zero is whole for HTTP.
func TestMultipartMalformed(t *testing.T) {
	one := formField("a", "1")
	truncated := func(body string) string {
		return formBad(fmt.Sprintf("the form ends after %d bytes, before its last boundary", len(body)))
	}
	malformed := func(body string) string {
		return formBad(fmt.Sprintf("the form is malformed within its first %d bytes", len(body)))
	}
	for _, c := range []struct {
		body   string
		want   func(body string) string
		reason string
	}{
		{"", truncated, "nothing"},
		{"x", truncated, "a preamble"},
		{"--b", truncated, "in the first boundary"},
		{"--b\r\n", truncated, "before a header"},
		{one, truncated, "before the last boundary"},
		{one + "--b", truncated, "in the last boundary"},
		{one + "--b-", truncated, "in the last boundary"},
		{one + "--b\r\n", truncated, "before a further header"},
		{one + "--b\r\nContent-Disposition: form-data; name=b", truncated, "in a header's value"},
		{one + "--b\r\nContent-Disposition: form-data; name=b\r\n", truncated, "behind a header's line"},
		{one + "--b\r\nContent-Disposition: form-data; name=b\r\n\r\n", truncated, "before the content"},
		{one + "--b\r\nContent-Disposition: form-data; name=b\r\n\r\n2", truncated, "in the content"},
		{one + formFile("f", "x", "content")[:90], truncated, "in a file"},
		{one + "--b\r\nX: --b--", truncated, "what looks like the last boundary, in a header"},
		{one + "--b\r\nContent-Disp", malformed, "in a header's name"},
		{one + "--b\r\nno header\r\n\r\nx\r\n" + formEnd, malformed, ""},
		{one + "--b\r\n: x\r\n\r\nx\r\n" + formEnd, malformed, ""},
		{one + "--b x\r\n\r\nx\r\n" + formEnd, malformed, "a boundary with more on its line"},
	} {
		for name, h := range formReaders {
			if got, want := formSend(t, h, formMultipart, c.body), c.want(c.body); got != want {
				t.Errorf("%s: %q, %s:\n%s, want\n%s", name, c.body, c.reason, got, want)
			}
		}
	}
	for body, want := range map[string]string{
		formField("a", "\xff") + formEnd:         formBad(`field \"a\" is not valid UTF-8`),
		formField("\"\xff\"", "1") + formEnd:     formBad(`a field's name, \"\\xff\", is not valid UTF-8`),
		formFile("\"\xff\"", "x", "1") + formEnd: formBad(`a field's name, \"\\xff\", is not valid UTF-8`),
		formFile("f", "\xff", "1") + formEnd:     formBad(`field \"f\" has a file name that is not valid UTF-8`),
		formFile("f", "x", "\xff") + formEnd:     "200 files f=x=1=\xff",
	} {
		if got := formSend(t, apiroutes.HandlerFunc(formAsForm), formMultipart, body); got != strings.TrimSpace(want) {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	}
}

// TestBoundary refuses a boundary that RFC 2046 has not.
func TestBoundary(t *testing.T) {
	for _, c := range []struct{ contentType, boundary, reason string }{
		{"multipart/form-data; boundary=%s", "b", ""},
		{"Multipart/Form-Data; Boundary=\"%s\"; charset=utf-8", "a b", "a space inside"},
		{"multipart/form-data; boundary=\"%s\"", "0aZ'()+_,-./:=? x", "all characters"},
		{"multipart/form-data; boundary=%s", strings.Repeat("x", 70), "the longest"},
	} {
		body := strings.ReplaceAll(formField("a", "1")+formEnd, "--b", "--"+c.boundary)
		for name, h := range formReaders {
			if got := formSend(t, h, fmt.Sprintf(c.contentType, c.boundary), body); got != "200 a=1" {
				t.Errorf("%s: boundary %q: %s; %s", name, c.boundary, got, c.reason)
			}
		}
	}
	for _, contentType := range []string{
		"multipart/form-data", `multipart/form-data; boundary=""`, "multipart/form-data; boundary=" + strings.Repeat("x", 71),
		`multipart/form-data; boundary="b "`, `multipart/form-data; boundary=" "`, `multipart/form-data; boundary="a@b"`, `multipart/form-data; boundary="a;b"`, "multipart/form-data; boundary=\"\u00e9\"",
		"multipart/form-data; boundary*=UTF-8''%0D%0A", "multipart/form-data; charset=utf-8",
	} {
		for name, h := range formReaders {
			got := formSend(t, h, contentType, formField("a", "1")+formEnd)
			if !strings.HasPrefix(got, "400 ") || !strings.HasSuffix(got, ` has no valid boundary (RFC 2046 5.1.1)"}`) {
				t.Errorf("%s: %q: %s", name, contentType, got)
			}
		}
	}
}

// TestFormTypes says for each target what it takes.
func TestFormTypes(t *testing.T) {
	const (
		multipartOnly = "multipart/form-data"
		forms         = "application/x-www-form-urlencoded or multipart/form-data"
		jsonAndForms  = "application/json, application/x-www-form-urlencoded or multipart/form-data"
	)
	sample := map[string]string{"application/json": "{}", formURLEncoded: "", formMultipart: formEnd, "text/plain": "", "multipart/mixed; boundary=b": formEnd}
	type withTag struct {
		A string `form:"a"`
	}
	type withFile struct {
		F *multipart.FileHeader `form:"f"`
	}
	for name, c := range map[string]struct {
		h     http.Handler
		takes string
	}{
		"any":         {bodyOf[any](), "application/json"},
		"no tag":      {bodyOf[bodyStruct](), "application/json"},
		"map":         {bodyOf[map[string]string](), "application/json"},
		"Values":      {apiroutes.HandlerFunc(formAsValues), jsonAndForms},
		"struct":      {bodyOf[withTag](), jsonAndForms},
		"file struct": {bodyOf[withFile](), forms},
		"Form":        {apiroutes.HandlerFunc(formAsForm), multipartOnly},
		"*Form":       {apiroutes.HandlerFunc(formAsPointer), multipartOnly},
		"Parts":       {apiroutes.HandlerFunc(formAsParts), multipartOnly},
		"string":      {bodyOf[string](), "application/json or text/plain"},
	} {
		for contentType, body := range sample {
			mediaType, _, _ := strings.Cut(contentType, ";")
			want := fmt.Sprintf(`415 {"error":"Content-Type \"%s\" is not accepted: send %s"}`, mediaType, c.takes)
			got := formSend(t, c.h, contentType, body)
			if strings.Contains(c.takes, mediaType) {
				if strings.HasPrefix(got, "415") {
					t.Errorf("%s from %s: %s", name, contentType, got)
				}
			} else if got != want {
				t.Errorf("%s from %s: %s, want %s", name, contentType, got, want)
			}
		}
		if got, want := brief(bodyDecode(t, c.h, "", nil)), `415 {"error":"there is no Content-Type: send `+c.takes+`"}`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		header := bodyTyped(formMultipart)
		header.Set("Content-Encoding", "gzip")
		if got, want := brief(bodyDecode(t, c.h, "", header)), `415 {"error":"Content-Encoding \"gzip\" is not accepted: send `+c.takes+`"}`; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestFormMisuse is the program's mistake, whatever the client sent.
func TestFormMisuse(t *testing.T) {
	logs := captureLog(t)
	type withTag struct {
		A string `form:"a"`
	}
	for name, v := range map[string]any{
		"*url.Values": (*url.Values)(nil), "*multipart.Form": (*multipart.Form)(nil), "**multipart.Form": (**multipart.Form)(nil), "struct": (*withTag)(nil),
		"*string": (*string)(nil), "*[]byte": (*[]byte)(nil),
	} {
		for _, contentType := range []string{formURLEncoded, formMultipart, "application/json", "x"} {
			h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Decode(v) })
			if got := formSend(t, h, contentType, ""); got != "500 "+errorInternal {
				t.Errorf("%s from %s: %s", name, contentType, got)
			}
			if logged := logs.take(); !strings.Contains(logged, "Decode needs a pointer to a value, not a nil pointer") {
				t.Errorf("%s: the log is %q", name, logged)
			}
		}
	}
}

// TestPartsLoop ends early, or reads no content, or goes round twice.
func TestPartsLoop(t *testing.T) {
	body := formField("a", "1") + formField("b", "2") + formFile("f", "x", "3") + formEnd
	read := func(name string, fn func(c apiroutes.Context) string, want string) {
		t.Helper()
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(200, fn(c)) })
		if got := brief(testutil.Call(t, h, "POST /", testutil.Body(formMultipart, body))); got != "200 "+want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	names := func(c apiroutes.Context, most int) (text string) {
		for part, err := range c.Parts() {
			if err != nil {
				return text + "error " + err.(*apiroutes.Error).Message
			}
			if text += part.FormName() + " "; len(text) >= most {
				break
			}
		}
		return text
	}
	read("unread parts", func(c apiroutes.Context) string { return names(c, 99) }, "a b f")
	read("break", func(c apiroutes.Context) string { return names(c, 1) }, "a")
	read("twice", func(c apiroutes.Context) string { return names(c, 99) + names(c, 99) },
		"a b f error the form ends after 0 bytes, before its last boundary")
	read("after an error", func(c apiroutes.Context) string {
		rounds := 0
		for range c.Parts() {
			rounds++
		}
		for range c.Parts() { // one error
			rounds++
		}
		return fmt.Sprint(rounds)
	}, "4")
}
