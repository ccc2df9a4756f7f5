package roottest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/apiroutes/apiroutes"
)

// fileRefusals are answers that are errors.
var fileRefusals = []struct {
	header, value string
	status        int
	contentRange  string
}{
	{"Range", "bytes=1000-", 416, "bytes */1000"},
	{"Range", "bytes=2-1", 416, ""},
	{"If-Match", `"x"`, 412, ""},
	{"If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT", 412, ""},
}

// fileHeader is the header as it would be sent.
func fileHeader(rec *httptest.ResponseRecorder) string {
	header := rec.Result().Header
	maps.DeleteFunc(header, func(_ string, values []string) bool { return len(values) == 0 })
	return fmt.Sprint(header)
}

// TestFileRefusals: errors go the way of all errors, with no header of the file
// that was not sent, but those that were set before are back for another answer.
func TestFileRefusals(t *testing.T) {
	files := fstest.MapFS{"a.txt": {Data: []byte(fileContent), ModTime: fileTime}}
	for _, c := range fileRefusals {
		var seen *apiroutes.Error
		r := apiroutes.New().OnError(func(w http.ResponseWriter, r *http.Request, e *apiroutes.Error) {
			seen = e
			w.Header().Set("Content-Type", "text/own")
			w.WriteHeader(e.StatusCode())
			_, _ = io.WriteString(w, e.PublicMessage())
		})
		r.Get("/", fileHandler(files, "a.txt"))
		got := fileAsk(r, "GET", c.header, c.value)
		want := http.Header{"Content-Type": {"text/own"}}
		if c.contentRange != "" {
			want.Set("Content-Range", c.contentRange)
		}
		if got.Code != c.status || fileHeader(got) != fmt.Sprint(want) || got.Body.String() != http.StatusText(c.status) {
			t.Errorf("%s %s: %d %q %v, want the header %v", c.header, c.value, got.Code, got.Body, got.Result().Header, want)
		}
		if seen == nil || seen.StatusCode() != c.status {
			t.Errorf("%s %s: the renderer saw %v", c.header, c.value, seen)
		}
	}
}

func TestFileAnotherAnswerInstead(t *testing.T) {
	files := fstest.MapFS{"a.txt": {Data: []byte(fileContent), ModTime: fileTime}}
	for _, c := range fileRefusals {
		h := apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
			for name, value := range map[string]string{"Content-Type": "text/mine", "ETag": `"mine"`, "Cache-Control": "no-cache"} {
				if err := ctx.SetHeader(name, value); err != nil {
					return err
				}
			}
			if err := ctx.File(files, "a.txt"); err == nil || errors.Is(err, apiroutes.ErrAnswered) {
				t.Errorf("%s %s: File returned %v", c.header, c.value, err)
			}
			return ctx.Text(200, "instead")
		})
		rec := fileAsk(h, "GET", c.header, c.value)
		want := http.Header{"Content-Type": {"text/mine"}, "Etag": {`"mine"`}, "Cache-Control": {"no-cache"}, "Content-Length": {"7"}}
		if got := fileHeader(rec); rec.Code != 200 || rec.Body.String() != "instead" || got != fmt.Sprint(want) {
			t.Errorf("%s %s: %d %q %v, want the header %v", c.header, c.value, rec.Code, rec.Body, got, want)
		}
	}
}

// TestFileAnotherStatus: the length of the file belongs to the 416 only.
func TestFileAnotherStatus(t *testing.T) {
	files := fstest.MapFS{"a.txt": {Data: []byte(fileContent), ModTime: fileTime}}
	rec := fileAsk(apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return apiroutes.Errorf(404, "").WithCause(c.File(files, "a.txt"))
	}), "GET", "Range", "bytes=1000-")
	if rec.Code != 404 || len(rec.Header()["Content-Range"]) > 0 {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}

// TestFileClaims: a file is one answer, and not a late one.
func TestFileClaims(t *testing.T) {
	fsys := &fileFaults{FS: fstest.MapFS{"a.txt": {Data: []byte(fileContent), ModTime: fileTime}}}
	file := func(c apiroutes.Context) error { return c.File(fsys, "a.txt") }
	runClaims(t, []claimCase{
		{
			name: "twice",
			serve: func(c apiroutes.Context, note func(error)) error {
				note(file(c))
				note(file(c))
				note(c.Text(200, "late"))
				note(c.Attachment("late"))
				note(c.Redirect(307, "/late"))
				return nil
			},
			status: 200, body: fileContent,
			notes: append([]error{nil}, abortNotes(apiroutes.ErrAnswered, 4)...),
		},
		{
			name: "behind another answer",
			serve: func(c apiroutes.Context, note func(error)) error {
				note(c.Text(202, "first"))
				note(file(c))
				return nil
			},
			status: 202, body: "first", notes: []error{nil, apiroutes.ErrAnswered},
		},
		{
			name: "instead of a missing one",
			serve: func(c apiroutes.Context, note func(error)) error {
				note(c.File(fsys, "nosuch"))
				return file(c)
			},
			status: 200, body: fileContent, notes: []error{fs.ErrNotExist},
		},
		{
			name: "a part that is dropped", reason: "the error need not be returned",
			serve: func(c apiroutes.Context, note func(error)) error {
				broken := &fileFaults{FS: fsys.FS, op: "Read", n: 1}
				note(c.File(broken, "a.txt"))
				note(c.Text(200, "instead"))
				return nil
			},
			aborted: true, logged: errFault.Error(), notes: []error{errFault, apiroutes.ErrAnswered},
		},
	})
	var late apiroutes.Context
	fileAsk(apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		late = c
		return nil
	}), "GET")
	if err := file(late); err == nil {
		t.Error("a file after the handler has returned")
	}
	if _, opened, closed := fsys.state(); opened == 0 || opened != closed {
		t.Errorf("%d files were opened, %d closed", opened, closed)
	}
}

// fileReaderFrom notes what it is given to read from, as net/http's writer that
// can let the kernel copy.
type fileReaderFrom struct {
	*httptest.ResponseRecorder
	from io.Reader
}

func (w *fileReaderFrom) ReadFrom(r io.Reader) (int64, error) {
	w.from = r
	return io.Copy(w.ResponseRecorder, r)
}

func TestFileWithoutCopying(t *testing.T) {
	dir := t.TempDir()
	fileMust(t, os.WriteFile(filepath.Join(dir, "a"), []byte(fileLong), 0o600))
	r := apiroutes.New()
	r.Get("/", fileHandler(os.DirFS(dir), "a"))
	for _, ranges := range []string{"", "bytes=1-50000"} {
		w := &fileReaderFrom{ResponseRecorder: httptest.NewRecorder()}
		req := httptest.NewRequest("GET", "/", nil)
		if ranges != "" {
			req.Header.Set("Range", ranges)
		}
		r.ServeHTTP(w, req)
		limited, ok := w.from.(*io.LimitedReader)
		if !ok {
			t.Fatalf("%q: the writer reads from %T", ranges, w.from)
		}
		if _, ok := limited.R.(*os.File); !ok {
			t.Errorf("%q: the writer reads from %T, limited: no kernel copies that", ranges, limited.R)
		}
		if !bytes.Contains([]byte(fileLong), w.Body.Bytes()) || w.Body.Len() < 50000 {
			t.Errorf("%q: %d bytes", ranges, w.Body.Len())
		}
	}
}

// fileLax opens whatever it is asked for, as a file system may that does not
// check names, and notes it.
type fileLax struct{ opened []string }

func (f *fileLax) Open(name string) (fs.File, error) {
	f.opened = append(f.opened, name)
	return fstest.MapFS{"x": {Data: []byte("SECRET")}}.Open("x")
}

func TestFileChecksNamesItself(t *testing.T) {
	lax := new(fileLax)
	for _, name := range []string{"", "..", "../x", "a/../x", "/x", "x/", "a//x", "./x", "x\x00", "\xff"} {
		if rec := fileAsk(fileHandler(lax, name), "GET"); rec.Code != 404 {
			t.Errorf("%q: %d %q", name, rec.Code, rec.Body)
		}
	}
	if len(lax.opened) > 0 {
		t.Errorf("the file system was asked for %q", lax.opened)
	}
	if rec := fileAsk(fileHandler(lax, "x"), "GET"); rec.Code != 200 || len(lax.opened) != 1 {
		t.Errorf("a valid name: %d, and it was asked for %q", rec.Code, lax.opened)
	}
}

// TestFileClosesOthers: what is no regular file is closed too.
func TestFileClosesOthers(t *testing.T) {
	fsys := &fileFaults{FS: fstest.MapFS{"sub/x": {}, "dev": {Mode: fs.ModeDevice}}}
	for _, name := range []string{".", "sub", "dev"} {
		if rec := fileAsk(fileHandler(fsys, name), "GET"); rec.Code != 404 {
			t.Errorf("%q: %d", name, rec.Code)
		}
	}
	if _, opened, closed := fsys.state(); opened != 3 || closed != 3 {
		t.Errorf("%d were opened, %d closed", opened, closed)
	}
}
