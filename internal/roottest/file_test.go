package roottest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/apiroutes/apiroutes"
)

var (
	fileTime    = time.Date(2024, time.May, 6, 7, 8, 10, 0, time.UTC)
	fileContent = strings.Repeat("0123456789", 100)
)

const fileName = "sub/a.txt"

// fileSystem is a kind of fs.FS that holds fileContent as fileName.
type fileSystem struct {
	name string
	fs.FS
	timeless bool // no time, so no ETag
	reopens  bool // cannot seek
}

func fileSystems(t testing.TB) []fileSystem {
	t.Helper()
	dir := t.TempDir()
	full := filepath.Join(dir, filepath.FromSlash(fileName))
	fileMust(t, os.Mkdir(filepath.Dir(full), 0o700))
	fileMust(t, os.WriteFile(full, []byte(fileContent), 0o600))
	fileMust(t, os.Chtimes(full, fileTime, fileTime))
	root, err := os.OpenRoot(dir)
	fileMust(t, err)
	t.Cleanup(func() { _ = root.Close() })
	return []fileSystem{
		{name: "DirFS", FS: os.DirFS(dir)},
		{name: "Root", FS: root.FS()},
		{name: "MapFS", FS: fstest.MapFS{fileName: {Data: []byte(fileContent), ModTime: fileTime}}},
		{name: "embed", FS: fstest.MapFS{fileName: {Data: []byte(fileContent)}}, timeless: true},
		{name: "epoch", FS: fstest.MapFS{fileName: {Data: []byte(fileContent), ModTime: time.Unix(0, 0)}}, timeless: true},
		{name: "zip", FS: fileZip(t), reopens: true},
	}
}

func fileZip(t testing.TB) fs.FS {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	f, err := w.CreateHeader(&zip.FileHeader{Name: fileName, Method: zip.Deflate, Modified: fileTime})
	fileMust(t, err)
	_, err = f.Write([]byte(fileContent))
	fileMust(t, err)
	fileMust(t, w.Close())
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	fileMust(t, err)
	return r
}

func fileMust(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fileHandler serves one file.
func fileHandler(fsys fs.FS, name string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.File(fsys, name) }
}

// fileAsk calls a handler with a method and headers that are given as pairs.
func fileAsk(h http.Handler, method string, pairs ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != "" {
			r.Header.Add(pairs[i], pairs[i+1])
		}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// fileText is an answer without what differs from one to the next, the boundary,
// and of an error without its body and headers, which are the renderer's.
func fileText(rec *httptest.ResponseRecorder) string {
	header, body := rec.Header().Clone(), rec.Body.String()
	if _, params, err := mime.ParseMediaType(header.Get("Content-Type")); err == nil && params["boundary"] != "" {
		header.Set("Content-Type", strings.ReplaceAll(header.Get("Content-Type"), params["boundary"], "BOUNDARY"))
		body = strings.ReplaceAll(body, params["boundary"], "BOUNDARY")
	}
	if rec.Code >= 400 {
		header, body = http.Header{"Content-Range": header["Content-Range"]}, ""
		if header.Get("Content-Range") == "" {
			header.Del("Content-Range")
		}
	}
	return fmt.Sprintf("%d %v\n%s", rec.Code, header, body)
}

var fileRanges = []struct {
	value string
	whole bool // not served as ranges, whatever net/http does
	zip   bool // nor where the file would have to be opened again
}{
	{value: ""},
	{value: "bytes=0-0"}, {value: "bytes=0-9"}, {value: "bytes=990-"}, {value: "bytes=999-999"},
	{value: "bytes=500-5000"}, {value: "bytes=0-"}, {value: "bytes=-1"}, {value: "bytes=-1000"}, {value: "bytes=-5000"},
	{value: "bytes=-0"}, {value: "bytes=1000-"}, {value: "bytes=5000-6000"},
	{value: "bytes=5-2"}, {value: "bytes=a-b"}, {value: "bytes=--1"}, {value: "bytes"}, {value: "bytes="}, {value: "bytes=-"},
	{value: "lines=1-2"}, {value: "BYTES=0-1"}, {value: "bytes=99999999999999999999-"}, {value: " bytes=0-1"},
	{value: "bytes= 0-1 "}, {value: "bytes=1-2;3-4"},
	{value: "bytes=0-1,4-5", zip: true}, {value: "bytes=990-,0-9", zip: true}, {value: "bytes=0-9, -5", zip: true},
	{value: "bytes=0-99,50-149", zip: true}, {value: "bytes=0-999,0-999", zip: true}, {value: "bytes=0-1,5000-", zip: true},
	{value: "bytes=5000-,6000-", zip: true}, {value: "bytes=0-1,x", zip: true}, {value: "bytes=0-1,", zip: true},
	{value: "bytes=" + fileManyRanges(16), zip: true},
	{value: "bytes=" + fileManyRanges(17), whole: true},
	{value: "bytes=" + fileManyRanges(400), whole: true},
	{value: "bytes=0-1" + strings.Repeat(",", 16), whole: true},
}

func fileManyRanges(n int) string {
	var ranges []string
	for i := range n {
		ranges = append(ranges, fmt.Sprintf("%d-%d", 2*i, 2*i))
	}
	return strings.Join(ranges, ",")
}

// fileConditions are pairs of a header and its value, in which ETAG stands for
// the one of the file.
var fileConditions = func() [][]string {
	at := fileTime.Format(http.TimeFormat)
	before, after := fileTime.Add(-time.Hour).Format(http.TimeFormat), fileTime.Add(time.Hour).Format(http.TimeFormat)
	return [][]string{
		nil,
		{"If-Range", "ETAG"}, {"If-Range", "W/ETAG"}, {"If-Range", `"x"`}, {"If-Range", at}, {"If-Range", before}, {"If-Range", after}, {"If-Range", "x"},
		{"If-None-Match", "ETAG"}, {"If-None-Match", "W/ETAG"}, {"If-None-Match", `"x"`}, {"If-None-Match", "*"},
		{"If-None-Match", `"x", ETAG`}, {"If-None-Match", `"x",W/"y" , W/ETAG`}, {"If-None-Match", `x ETAG`}, {"If-None-Match", ""},
		{"If-Match", "ETAG"}, {"If-Match", "W/ETAG"}, {"If-Match", `"x"`}, {"If-Match", "*"}, {"If-Match", `"x", ETAG`}, {"If-Match", "x"},
		{"If-Modified-Since", at}, {"If-Modified-Since", before}, {"If-Modified-Since", after}, {"If-Modified-Since", "x"},
		{"If-Unmodified-Since", at}, {"If-Unmodified-Since", before}, {"If-Unmodified-Since", after}, {"If-Unmodified-Since", "x"},
		{"If-None-Match", `"x"`, "If-Modified-Since", after}, // a list of tags outranks a time
		{"If-None-Match", "ETAG", "If-Modified-Since", before},
		{"If-Match", "ETAG", "If-Unmodified-Since", before},
		{"If-Match", "ETAG", "If-None-Match", "ETAG"},
	}
}()

// TestFileAgainstServeContent compares each kind of file system with net/http's
// reading of the same bytes.
func TestFileAgainstServeContent(t *testing.T) {
	for _, fsys := range fileSystems(t) {
		t.Run(fsys.name, func(t *testing.T) {
			ours := fileHandler(fsys, fileName)
			plain := fileAsk(ours, "GET")
			etag, modified := plain.Header().Get("ETag"), fileTime
			if (etag == "") != fsys.timeless {
				t.Errorf("the ETag is %q", etag)
			}
			if fsys.timeless {
				modified = time.Time{}
			}
			reference := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				w.Header().Set("X-Content-Type-Options", "nosniff")
				if etag != "" {
					w.Header().Set("ETag", etag)
				}
				http.ServeContent(w, r, "", modified, strings.NewReader(fileContent))
			})
			for _, ranges := range fileRanges {
				for _, condition := range fileConditions {
					for _, method := range []string{"GET", "HEAD"} {
						pairs := append([]string{"Range", ranges.value}, condition...)
						for i := range pairs {
							pairs[i] = strings.ReplaceAll(pairs[i], "ETAG", etag)
						}
						if ranges.value == "" {
							pairs[0] = ""
						}
						got := fileText(fileAsk(ours, method, pairs...))
						if ranges.whole || ranges.zip && fsys.reopens {
							pairs[0] = ""
						}
						if want := fileText(fileAsk(reference, method, pairs...)); got != want {
							t.Errorf("%s, Range %q, %q: got\n%.600s\nwant\n%.600s", method, ranges.value, condition, got, want)
						}
					}
				}
			}
		})
	}
}

// TestFileETag: another time or another size is another tag.
func TestFileETag(t *testing.T) {
	files := fstest.MapFS{
		"a":       {Data: []byte("1234"), ModTime: fileTime},
		"same":    {Data: []byte("5678"), ModTime: fileTime},
		"later":   {Data: []byte("1234"), ModTime: fileTime.Add(1)}, // two writes within one second
		"longer":  {Data: []byte("12345"), ModTime: fileTime},
		"ancient": {Data: []byte("1234"), ModTime: time.Unix(-1, 0)},
	}
	tag := func(name string) string { return fileAsk(fileHandler(files, name), "GET").Header().Get("ETag") }
	if tag("a") != tag("same") {
		t.Errorf("time and size are the same, the tags are %s and %s", tag("a"), tag("same"))
	}
	for _, name := range []string{"later", "longer", "ancient"} {
		got := tag(name)
		if got == tag("a") {
			t.Errorf("%s has the tag of another one, %s", name, got)
		}
		if code := fileAsk(fileHandler(files, name), "GET", "If-None-Match", got).Code; code != http.StatusNotModified {
			t.Errorf("%s: its own tag %s is answered with %d", name, got, code)
		}
	}
}

// TestFileHeaders: what was set before stays, the rest is told by the name.
func TestFileHeaders(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"a.html", "a.HTML", "a.json", "html", "a.", "a.nosuchtype", "dir.html/a", ".html", "a.tar.css"} {
		files[name] = &fstest.MapFile{Data: []byte("<html><script>"), ModTime: fileTime}
	}
	for _, c := range []struct {
		name, set, value string
		header, want     string
	}{
		{name: "a.html", header: "Content-Type", want: "text/html; charset=utf-8"},
		{name: "a.HTML", header: "Content-Type", want: "text/html; charset=utf-8"},
		{name: "a.json", header: "Content-Type", want: "application/json"},
		{name: "a.tar.css", header: "Content-Type", want: "text/css; charset=utf-8"},
		{name: "html", header: "Content-Type", want: "application/octet-stream"}, // not guessed from the content
		{name: "a.", header: "Content-Type", want: "application/octet-stream"},
		{name: "a.nosuchtype", header: "Content-Type", want: "application/octet-stream"},
		{name: "dir.html/a", header: "Content-Type", want: "application/octet-stream"},
		{name: "a.html", set: "Content-Type", value: "text/plain", header: "Content-Type", want: "text/plain"},
		{name: "a.html", header: "X-Content-Type-Options", want: "nosniff"},
		{name: "a.html", set: "Content-Type", value: "text/plain", header: "X-Content-Type-Options", want: "nosniff"},
		{name: "a.html", set: "ETag", value: `"mine"`, header: "ETag", want: `"mine"`},
		{name: "a.html", set: "ETag", value: `W/"mine"`, header: "ETag", want: `W/"mine"`},
		{name: "a.html", set: "Cache-Control", value: "no-store", header: "Cache-Control", want: "no-store"},
		{name: "a.html", header: "Last-Modified", want: fileTime.Format(http.TimeFormat)},
		{name: "a.html", header: "Content-Length", want: "14"},
		{name: "a.html", header: "Accept-Ranges", want: "bytes"},
	} {
		rec := fileAsk(apiroutes.HandlerFunc(func(ctx apiroutes.Context) error {
			if c.set != "" {
				if err := ctx.SetHeader(c.set, c.value); err != nil {
					return err
				}
			}
			return ctx.File(files, c.name)
		}), "GET")
		if got := rec.Header()[http.CanonicalHeaderKey(c.header)]; rec.Code != 200 || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s after %s %q: %d, %s is %q, want %q", c.name, c.set, c.value, rec.Code, c.header, got, c.want)
		}
	}
}

// TestFileOwnETag: the conditions go by the tag that was set.
func TestFileOwnETag(t *testing.T) {
	files := fstest.MapFS{"a": {Data: []byte("text")}}
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if err := c.SetHeader("ETag", `"mine"`); err != nil {
			return err
		}
		return c.File(files, "a")
	})
	for header, want := range map[string]int{"If-None-Match": 304, "If-Match": 200} {
		if got := fileAsk(h, "GET", header, `"mine"`); got.Code != want || got.Header().Get("ETag") != `"mine"` {
			t.Errorf("%s: %d with ETag %q, want %d", header, got.Code, got.Header().Get("ETag"), want)
		}
	}
}

// TestFileNames: a name is one of a regular file within the file system, or
// that of nothing. The parent holds a file that none of them may reach.
func TestFileNames(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "root")
	fileMust(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o700))
	fileMust(t, os.WriteFile(filepath.Join(parent, "secret.txt"), []byte("SECRET"), 0o600))
	fileMust(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("public"), 0o600))
	links := map[string]string{"out": filepath.Join("..", "secret.txt"), "up": "..", "in": "a.txt"}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	if mkfifo, err := exec.LookPath("mkfifo"); err == nil {
		fileMust(t, exec.Command(mkfifo, filepath.Join(dir, "pipe")).Run())
	}
	root, err := os.OpenRoot(dir)
	fileMust(t, err)
	t.Cleanup(func() { _ = root.Close() })
	systems := map[string]fs.FS{
		"DirFS": os.DirFS(dir), "Root": root.FS(),
		"MapFS": fstest.MapFS{"a.txt": {Data: []byte("public")}, "sub/x": {}, "dev": {Mode: fs.ModeDevice}},
		"zip":   fileZip(t),
	}
	names := []string{
		"", ".", "/", "..", "../", "../secret.txt", "sub/../../secret.txt", "sub/../a.txt", "./a.txt", "a.txt/", "/a.txt", "//a.txt",
		"sub", "sub/", "sub//x", "a.txt/.", "a.txt/x", "a.txt/../a.txt", filepath.Join(parent, "secret.txt"), "%2F..%2Fsecret.txt", "..%2fsecret.txt",
		`..\secret.txt`, `sub\..\..\secret.txt`, `\a.txt`, "a.txt\x00", "\x00", "a.txt\x00.png", "\xff", "a.txt ", "..\u2215secret.txt",
		"nosuch", "nosuch/nosuch", strings.Repeat("x", 300), strings.Repeat("x/", 5000) + "x",
		"dev", "pipe",
	}
	for kind, fsys := range systems {
		t.Run(kind, func(t *testing.T) {
			logs := captureLog(t)
			for _, name := range names {
				fileWithin(t, name, func() {
					rec := fileAsk(fileHandler(fsys, name), "GET")
					if rec.Code != 404 || rec.Body.String() != `{"error":"Not Found"}` || len(rec.Header()) != 2 {
						t.Errorf("%.80q: %d %q %v", name, rec.Code, rec.Body, rec.Header())
					}
				})
			}
			if text := logs.take(); text != "" {
				t.Errorf("a client's name is in the log: %.300s", text)
			}
		})
	}
	for _, name := range []string{"out", "up/secret.txt"} {
		if rec := fileAsk(fileHandler(root.FS(), name), "GET"); rec.Code != 404 {
			t.Errorf("%s leads out of the root: %d %q", name, rec.Code, rec.Body)
		}
	}
	if rec := fileAsk(fileHandler(root.FS(), "in"), "GET"); rec.Code != 200 || rec.Body.String() != "public" {
		t.Errorf("a link within the root: %d %q", rec.Code, rec.Body)
	}
}

// fileWithin fails a test that would otherwise hang, in a pipe that nobody
// writes to.
func fileWithin(t *testing.T, name string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Errorf("%.80q hangs", name)
	}
}
