package roottest

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// fuzzStatus checks an error that a client gets for a form, and returns its
// status.
func fuzzStatus(t *testing.T, err error) int {
	t.Helper()
	var public *apiroutes.Error
	switch {
	case err == nil:
		return http.StatusOK
	case !errors.As(err, &public):
		t.Errorf("an error without a status: %v", err)
		return http.StatusInternalServerError
	case !slices.Contains([]int{400, 413, 415}, public.StatusCode()) || public.Message == "" || !utf8.ValidString(public.Message) || len(public.Message) > 2000:
		t.Errorf("%d %q", public.StatusCode(), public.Message)
	}
	return public.StatusCode()
}

// FuzzURLEncoded compares with url.ParseQuery: a form is what that returns, or
// refused as a whole.
func FuzzURLEncoded(f *testing.F) {
	for _, body := range []string{"", "a=1&b=2&a=3", "a", "=", "&&", "a=%zz", "a;b", "a=%ff", "\xff=1", "%00", "a[1]=2", "+=+", "a=b=c", "n=1&n=x&s=&l=1&l=2"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var values url.Values
		var v struct {
			N int      `form:"n"`
			S *string  `form:"s"`
			L []string `form:"l"`
		}
		edit := testutil.Body(formURLEncoded, body)
		err, structErr := fieldsDecode(t, &values, edit), fieldsDecode(t, &v, edit)
		status, structStatus := fuzzStatus(t, err), fuzzStatus(t, structErr)
		want, wantErr := url.ParseQuery(body)
		valid := wantErr == nil
		for name, texts := range want {
			valid = valid && utf8.ValidString(name) && !slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) })
		}
		switch count := strings.Count(body, "&") + 1; {
		case len(body) > bodyDefault || count > 1000:
			if status != http.StatusRequestEntityTooLarge {
				t.Errorf("%.200q: %d, want 413", body, status)
			}
		case valid != (status == http.StatusOK):
			t.Errorf("%q: %v; ParseQuery: %v", body, err, wantErr)
		case valid && !reflect.DeepEqual(values, want):
			t.Errorf("%q: %v, want %v", body, values, want)
		case !valid && structStatus == http.StatusOK:
			t.Errorf("%q is no form, but fills a struct", body)
		case structStatus == http.StatusOK && (!slices.Equal(v.L, want["l"]) || len(want["n"]) > 1 || len(want["s"]) > 1):
			t.Errorf("%q fills %+v", body, v)
		}
	})
}

// fuzzPart is a part with a name, as either reader has it.
type fuzzPart struct {
	name, file, content string
}

func fuzzSorted(parts []fuzzPart) []fuzzPart {
	slices.SortStableFunc(parts, func(a, b fuzzPart) int {
		return strings.Compare(a.name+"\x00"+fuzzBool(a.file != ""), b.name+"\x00"+fuzzBool(b.file != ""))
	})
	return parts
}

func fuzzBool(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func fuzzForm(t *testing.T, form *multipart.Form) (parts []fuzzPart) {
	t.Helper()
	for name, texts := range form.Value {
		for _, text := range texts {
			parts = append(parts, fuzzPart{name: name, content: text})
		}
	}
	for name, files := range form.File {
		for _, file := range files {
			f, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(f)
			_ = f.Close()
			if err != nil || int64(len(content)) != file.Size {
				t.Errorf("%d bytes of %d: %v", len(content), file.Size, err)
			}
			parts = append(parts, fuzzPart{name, file.Filename, string(content)})
		}
	}
	return fuzzSorted(parts)
}

func fuzzParts(c apiroutes.Context) (parts []fuzzPart, err error) {
	for part, err := range c.Parts() {
		if err != nil {
			return nil, err
		}
		if part.FormName() == "" {
			continue // ReadForm does not look at its content either
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, fuzzPart{part.FormName(), part.FileName(), string(content)})
	}
	return fuzzSorted(parts), nil
}

// fuzzUTF8 reports whether all of a form that must be UTF-8 is.
func fuzzUTF8(parts []fuzzPart) bool {
	return !slices.ContainsFunc(parts, func(p fuzzPart) bool {
		return !utf8.ValidString(p.name) || !utf8.ValidString(p.file) || p.file == "" && !utf8.ValidString(p.content)
	})
}

// fuzzEnds reports whether a body has a line that is the last boundary: package
// multipart also takes a form that ends in a header.
func fuzzEnds(body []byte, boundary string) bool {
	for line := range bytes.Lines(body) {
		if rest, ok := bytes.CutPrefix(line, []byte("--"+boundary+"--")); ok && len(bytes.Trim(rest, " \t\r\n")) == 0 {
			return true
		}
	}
	return false
}

// FuzzMultipart compares with mime/multipart on the same bytes, and the two
// readers of this package with each other.
func FuzzMultipart(f *testing.F) {
	for _, body := range []string{
		formField("a", "1") + formFile("f", "x.txt", "content") + formEnd, formEnd, "", "--b", "--b\r\n", "--b--", formField("a", "1"), formField("a", "1") + "--b\r\nContent-Disposition: form-data; name=c\r\n",
		"preamble\r\n" + formField("a", "\xff") + formEnd + "epilogue", strings.ReplaceAll(formField("a", "1")+formEnd, "\r\n", "\n"), formFile("\xff", "\xff", "\xff") + formEnd,
		"--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9=\r\n=\r\n" + formEnd, "--b\r\nx\r\n\r\n" + formEnd, "--b\r\nX: y\r\n--b--", formFile("f", "../..", "") + formEnd,
		"--b \t\r\n\r\n\r\n--b-- \t", formFile("big", "x", strings.Repeat("x", 20)) + formField("a", "1") + formEnd,
	} {
		f.Add([]byte(body), "b")
	}
	f.Add([]byte("--a b\r\n\r\n\r\n--a b--"), "a b")
	f.Add([]byte("----\r\n\r\n\r\n------"), "--")
	dir := f.TempDir()
	f.Setenv("TMPDIR", dir)
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		edit := func(r *http.Request) {
			r.Header.Set("Content-Type", `multipart/form-data; boundary="`+boundary+`"`)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
		}
		var decoded, streamed []fuzzPart
		var err, partsErr error
		readContext(t, "POST /", func(c apiroutes.Context) {
			var form multipart.Form
			if err = c.Decode(&form); err == nil {
				decoded = fuzzForm(t, &form)
			}
		}, edit)
		readContext(t, "POST /", func(c apiroutes.Context) { streamed, partsErr = fuzzParts(c) }, edit)
		status, partsStatus := fuzzStatus(t, err), fuzzStatus(t, partsErr)
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%d files are left: %v", len(entries), err)
		}
		switch {
		case err == nil && (partsErr != nil || !slices.Equal(decoded, streamed)):
			t.Errorf("Decode has %q, Parts %q, %v", decoded, streamed, partsErr)
		case err != nil && partsErr == nil && fuzzUTF8(streamed):
			t.Errorf("Parts has %q, Decode %v", streamed, err)
		case err != nil && partsErr != nil && status != partsStatus:
			t.Errorf("Decode: %v; Parts: %v", err, partsErr)
		}
		if strings.ContainsAny(boundary, `"\`) || status == http.StatusUnsupportedMediaType {
			return // the boundary is another one, or none
		}
		form, wantErr := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(1 << 30)
		switch {
		case err == nil && wantErr != nil:
			t.Errorf("Decode has %q, ReadForm %v", decoded, wantErr)
		case err == nil && !slices.Equal(decoded, fuzzForm(t, form)):
			t.Errorf("Decode has %q, ReadForm %q", decoded, fuzzForm(t, form))
		case err == nil && !fuzzEnds(body, boundary):
			t.Errorf("Decode has %q of a form without an end", decoded)
		case err != nil && wantErr == nil && len(body) <= bodyDefault && fuzzEnds(body, boundary) && fuzzUTF8(fuzzForm(t, form)) && !strings.Contains(err.Error(), "boundary"):
			t.Errorf("ReadForm has %q, Decode %v", fuzzForm(t, form), err)
		}
	})
}
