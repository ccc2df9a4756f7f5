package roottest

import (
	"mime"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
)

// attachmentOf returns the Content-Disposition for a file name.
func attachmentOf(t testing.TB, name string) string {
	t.Helper()
	rec := fileAsk(apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if err := c.Attachment(name); err != nil {
			return err
		}
		return c.NoContent(200)
	}), "GET")
	values := rec.Header()["Content-Disposition"]
	if rec.Code != 200 || len(values) != 1 {
		t.Fatalf("%q: %d with %q", name, rec.Code, values)
	}
	return values[0]
}

func TestAttachment(t *testing.T) {
	for _, c := range []struct{ name, want, reason string }{
		{name: "report.pdf", want: `filename="report.pdf"`},
		{name: "a b.txt", want: `filename="a b.txt"`},
		{name: "a;b,c=d.txt", want: `filename="a;b,c=d.txt"`},
		{name: "it's.txt", want: `filename="it's.txt"`},
		{name: ".profile", want: `filename=".profile"`},
		{name: `a"b.txt`, want: `filename="a_b.txt"; filename*=UTF-8''a%22b.txt`, reason: "no escapes by backslash"},
		{name: "50%25.txt", want: `filename="50_25.txt"; filename*=UTF-8''50%2525.txt`, reason: "some clients unescape the plain form"},
		{name: "é.txt", want: `filename="_.txt"; filename*=UTF-8''%C3%A9.txt`},
		{name: "naïve 'plan'*.txt", want: `filename="na_ve 'plan'*.txt"; filename*=UTF-8''na%C3%AFve%20%27plan%27%2A.txt`, reason: "neither is an attr-char"},
		{name: "€!#$&+-.^_`|~()", want: "filename=\"_!#$&+-.^_`|~()\"; filename*=UTF-8''%E2%82%AC!#$&+-.^_`|~%28%29", reason: "RFC 8187, section 3.2.1"},
		{name: "日本語.txt", want: `filename="___.txt"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.txt`},
		{name: "👩\u200d💻.png", want: `filename="___.png"; filename*=UTF-8''%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB.png`, reason: "the joiner makes it one picture"},
		{name: "a\U0001fae9", want: `filename="a_"; filename*=UTF-8''a%F0%9F%AB%A9`, reason: "newer than the tables of Go may be"},
		{name: "a\ue000", want: `filename="a_"; filename*=UTF-8''a%EE%80%80`, reason: "private, but neither a control nor invisible"},
		{name: "می\u200cخواهم", want: `filename="________"; filename*=UTF-8''%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85`, reason: "the joiner is spelling"},

		{name: "dir/report.pdf", want: `filename="report.pdf"`},
		{name: "/etc/passwd", want: `filename="passwd"`},
		{name: `C:\fakepath\report.pdf`, want: `filename="report.pdf"`},
		{name: `..\..\a/b\c`, want: `filename="c"`},
		{name: `a\b/c`, want: `filename="c"`},
		{name: "../..", want: `filename="download"`},

		{name: "a\r\nSet-Cookie: x=y", want: `filename="aSet-Cookie: x=y"`, reason: "one line"},
		{name: "a\x00b\tc\x7fd\u0085e", want: `filename="abcde"`, reason: "controls of both kinds"},
		{name: "photo\u202efdp.exe", want: `filename="photofdp.exe"`, reason: "would be shown as photoexe.pdf"},
		{name: "a\u200eb\u200fc\u2066d\u2069e\u061cf", want: `filename="abcdef"`, reason: "marks of direction"},
		{name: "a\ufeffb\u00adc\u2060d\u200be", want: `filename="abcde"`, reason: "invisible"},
		{name: "a\u2028b\u2029c", want: `filename="abc"`, reason: "line ends in Unicode"},
		{name: "a\xffb\xc3.txt", want: `filename="ab.txt"`, reason: "not UTF-8"},
		{name: "a\ufffdb", want: `filename="ab"`},
		{name: "a\xed\xa0\x80b", want: `filename="ab"`, reason: "a surrogate is not UTF-8"},

		{name: "", want: `filename="download"`},
		{name: ".", want: `filename="download"`},
		{name: "...", want: `filename="download"`},
		{name: " \t ", want: `filename="download"`},
		{name: "dir/", want: `filename="download"`},
		{name: `dir\`, want: `filename="download"`},
		{name: "\u202e\u200b", want: `filename="download"`},
		{name: " .. ", want: `filename="download"`},
		{name: "  a  ", want: `filename="a"`},
		{name: "\u00a0a\u3000", want: `filename="a"`, reason: "spaces too"},
		{name: " \x01 a", want: `filename="a"`},
	} {
		if got, want := attachmentOf(t, c.name), "attachment; "+c.want; got != want {
			t.Errorf("%q: got %s\nwant %s (%s)", c.name, got, want, c.reason)
		}
		attachmentHolds(t, c.name)
	}
	attachmentHolds(t, strings.Repeat("é/", 1000)+strings.Repeat("ü", 1000))
}

// TestAttachmentBeforeAnswers: it decorates whatever answer follows, but no
// error.
func TestAttachmentBeforeAnswers(t *testing.T) {
	files := fstest.MapFS{"2026/11.pdf": {Data: []byte("%PDF")}}
	r := apiroutes.New()
	r.Get("/[name]", func(c apiroutes.Context) error {
		if err := c.Attachment("report.pdf"); err != nil {
			return err
		}
		if c.Param("name") == "text" {
			return c.Text(200, "text")
		}
		return c.File(files, "2026/"+c.Param("name"))
	})
	for path, want := range map[string]string{
		"/text": `attachment; filename="report.pdf"`, "/11.pdf": `attachment; filename="report.pdf"`, "/12.pdf": "",
	} {
		rec := attachmentHeader(r, path)
		if got := rec.Get("Content-Disposition"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func attachmentHeader(h http.Handler, path string) http.Header {
	rec := fileAsk(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path, r.RequestURI = path, path
		h.ServeHTTP(w, r)
	}), "GET")
	return rec.Result().Header
}

// attachmentName is the file name that is promised.
func attachmentName(name string) string {
	parts := strings.FieldsFunc("x"+name, func(r rune) bool { return r == '/' || r == '\\' })
	last := parts[len(parts)-1]
	if strings.HasSuffix(name, "/") || strings.HasSuffix(name, `\`) {
		last = ""
	} else if len(parts) == 1 {
		last = last[1:]
	}
	var b strings.Builder
	for _, r := range last {
		joiner := r == '\u200c' || r == '\u200d'
		if !joiner && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError {
			continue
		}
		b.WriteRune(r)
	}
	kept := strings.TrimSpace(b.String())
	if strings.ReplaceAll(kept, ".", "") == "" {
		return "download"
	}
	return kept
}

// attachmentHolds checks what is true of the header for every name: one line of
// printable ASCII, from which a parser gets the promised name.
func attachmentHolds(t testing.TB, name string) {
	t.Helper()
	value, want := attachmentOf(t, name), attachmentName(name)
	if i := strings.IndexFunc(value, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
		t.Errorf("%q: byte %d of %q is not printable ASCII", name, i, value)
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || kind != "attachment" || len(params) != 1 || params["filename"] != want {
		t.Errorf("%q: %s is parsed as %q %q (error: %v), want %q", name, value, kind, params, err, want)
	}
	plain, _, _ := strings.Cut(strings.TrimPrefix(value, `attachment; filename="`), `"`)
	if plain == "" || strings.ContainsAny(plain, `%\/"`) {
		t.Errorf("%q: clients read the plain form %q in more than one way", name, plain)
	}
	if utf8.RuneCountInString(plain) != utf8.RuneCountInString(want) {
		t.Errorf("%q: the plain form %q is not of the length of %q", name, plain, want)
	}
}
