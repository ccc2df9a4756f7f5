package roottest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// largeFile is a file of n bytes that are never all there: each block of 64 KiB
// begins with its number.
type largeFile struct {
	n, at int64
	block []byte
}

func newLargeFile(n int64) *largeFile {
	return &largeFile{n: n, block: []byte(strings.Repeat("0123456789abcde\n", 4096))}
}

func (f *largeFile) Read(p []byte) (int, error) {
	if f.at == f.n {
		return 0, io.EOF
	}
	size := int64(len(f.block))
	if f.at%size == 0 {
		copy(f.block, fmt.Sprintf("%014d", f.at/size))
	}
	p = p[:min(int64(len(p)), f.n-f.at)]
	n := copy(p, f.block[f.at%size:])
	f.at += int64(n)
	return n, nil
}

// largeMemory is what the process uses: the heap, and what is resident where the
// system tells.
func largeMemory(t testing.TB) (heap, resident int64) {
	t.Helper()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	resident = int64(stats.Sys - stats.HeapReleased)
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		if fields := strings.Fields(rest); len(fields) > 0 {
			kib, err := strconv.ParseInt(fields[0], 10, 64)
			if err != nil {
				t.Errorf("VmRSS: %v", err)
			}
			resident = kib << 10
		}
	}
	return int64(stats.HeapAlloc), resident
}

// TestLargeUpload streams a file through Parts, with memory that stays as it
// was and no file on disk.
func TestLargeUpload(t *testing.T) {
	sizes := map[string]int64{"64 MiB": 64 << 20}
	if *slow {
		sizes["1 GiB"] = 1 << 30
	}
	dir := uploadDir(t)
	for _, tr := range transports[:2] {
		for name, size := range sizes {
			t.Run(tr.name+" "+name, func(t *testing.T) { largeUpload(t, tr, dir, size) })
		}
	}
}

func largeUpload(t *testing.T, tr transport, dir string, size int64) {
	sum := sha256.New()
	if _, err := io.Copy(sum, newLargeFile(size)); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("a=1 f=%d=%x z=2", size, sum.Sum(nil))
	debug.FreeOSMemory()
	heap, resident := largeMemory(t)
	mostHeap, mostResident := heap, resident
	r := apiroutes.New()
	r.MaxBody(size+1000).Post("/", func(c apiroutes.Context) error {
		var text []string
		for part, err := range c.Parts() {
			if err != nil {
				return err
			}
			if part.FileName() == "" {
				value, err := io.ReadAll(part)
				if err != nil {
					return err
				}
				text = append(text, part.FormName()+"="+string(value))
				continue
			}
			sum, n := sha256.New(), int64(0)
			for {
				more, err := io.CopyN(sum, part, 4<<20)
				n += more
				if err == io.EOF {
					break
				}
				if err != nil {
					return err
				}
				h, r := largeMemory(t)
				mostHeap, mostResident = max(mostHeap, h), max(mostResident, r)
			}
			text = append(text, fmt.Sprintf("%s=%d=%x", part.FormName(), n, sum.Sum(nil)))
		}
		return c.Text(http.StatusOK, strings.Join(text, " "))
	})
	w := tr.serve(t, r)
	head := strings.TrimSuffix(formFile("f", "x", ""), "\r\n") // its content follows
	body := io.MultiReader(strings.NewReader(formField("a", "1")+head), newLargeFile(size), strings.NewReader("\r\n"+formField("z", "2")+formEnd))
	w.api.Patience(5*time.Minute).Post("/", testutil.Stream(formMultipart, body)).Status(http.StatusOK).Text(want)
	const most = 16 << 20
	// The race detector keeps several bytes for each one of the heap.
	if mostHeap-heap > most || mostResident-resident > most && !raceEnabled {
		t.Errorf("the heap grew by %d KiB and the process by %d KiB", (mostHeap-heap)>>10, (mostResident-resident)>>10)
	}
	if n := uploadCount(t, dir); n != 0 {
		t.Errorf("there are %d files", n)
	}
}

// TestUploadsRefused: a form that is refused only when its file is there.
func TestUploadsRefused(t *testing.T) {
	dir := uploadDir(t)
	big := formFile("f", "x", strings.Repeat("x", uploadBig))
	const limit = 2 << 20
	for _, c := range []struct{ name, body, want string }{
		{"truncated behind a file", big, "400 "},
		{"truncated in a header", big + "--b\r\nContent-Disposition: form-data; name=a\r\n", "400 "},
		{"malformed behind a file", big + "--b\r\nx\r\n\r\n", "400 "},
		{"not UTF-8", big + formField("a", "\xff") + formEnd, `400 {"error":"field \"a\" is not valid UTF-8"}`},
		{"over the limit", big + formFile("g", "x", strings.Repeat("x", uploadBig)) + formEnd, `413 {"error":"the body exceeds the limit of 2097152 bytes"}`},
		{"an epilogue over the limit", big + formEnd + strings.Repeat("x", limit), `413 {"error":"the body exceeds the limit of 2097152 bytes"}`},
		{"too many parts", big + strings.Repeat(formField("a", ""), 1000) + formEnd, "413 "},
	} {
		left := -1
		r := apiroutes.New()
		r.MaxBody(limit).With(uploadCopies).Post("/", formAsPointer)
		w := testutil.Call(t, uploadLeft(t, dir, &left, r), "POST /", testutil.Stream(formMultipart, strings.NewReader(c.body)))
		if got := brief(w); !strings.HasPrefix(got, c.want) || left != 0 {
			t.Errorf("%s: %s, want %s; %d files are left", c.name, got, c.want, left)
		}
	}
}

// TestUploadsWithoutFolder: that a file cannot be written is no fault of the
// client's and tells it nothing.
func TestUploadsWithoutFolder(t *testing.T) {
	dir := uploadDir(t)
	logs := captureLog(t)
	missing := filepath.Join(dir, "missing")
	t.Setenv("TMPDIR", missing)
	r := apiroutes.New()
	r.MaxBody(4<<20).Post("/", formAsPointer)
	if got := formSend(t, r, formMultipart, uploadBody(uploadBig)); got != "500 "+errorInternal {
		t.Errorf("got %s", got)
	}
	if logged := logs.take(); !strings.Contains(logged, missing) {
		t.Errorf("the log is %q", logged)
	}
	if got := formSend(t, r, formMultipart, uploadBody(100)); !strings.HasPrefix(got, "200 ") {
		t.Errorf("a file that fits into memory: %s", got)
	}
}

// TestUploadsInMemory: files of 1 MiB in all need no folder, and what is read
// with Parts never does.
func TestUploadsInMemory(t *testing.T) {
	dir := uploadDir(t)
	for _, c := range []struct{ size, files int }{{1 << 20, 0}, {1<<20 + 1, 1}} {
		during := -1
		r := apiroutes.New()
		r.MaxBody(4<<20).Post("/", func(c apiroutes.Context) error {
			var form multipart.Form
			err := c.Decode(&form)
			during = uploadCount(t, dir)
			return err
		})
		if got := formSend(t, r, formMultipart, uploadBody(c.size)); got != "200" || during != c.files {
			t.Errorf("%d bytes: %s with %d files, want %d", c.size, got, during, c.files)
		}
	}
	if n := uploadCount(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}
