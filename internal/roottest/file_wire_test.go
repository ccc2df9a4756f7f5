package roottest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// fileFaults is a file system whose n-th call of an operation fails, and that
// counts its open files.
type fileFaults struct {
	fs.FS
	plain bool // its files cannot seek

	mu             sync.Mutex
	op             string
	n              int // counts down
	fired          bool
	opened, closed int
}

var errFault = errors.New("a SECRET of the disk")

// arm makes the n-th op fail, of which "end" is a Read at a file that has
// become shorter.
func (f *fileFaults) arm(op string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.op, f.n, f.fired, f.opened, f.closed = op, n, false, 0, 0
}

func (f *fileFaults) fails(op string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.op != op {
		return false
	}
	f.n--
	f.fired = f.fired || f.n == 0
	return f.n == 0
}

func (f *fileFaults) state() (fired bool, opened, closed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired, f.opened, f.closed
}

func (f *fileFaults) Open(name string) (fs.File, error) {
	if f.fails("Open") {
		return nil, &fs.PathError{Op: "open", Path: "/SECRET", Err: errFault}
	}
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.opened++
	f.mu.Unlock()
	if f.plain {
		return &faultyFile{file, f}, nil
	}
	return &faultySeeker{faultyFile{file, f}}, nil
}

type faultyFile struct {
	fs.File
	faults *fileFaults
}

type faultySeeker struct{ faultyFile }

func (f *faultyFile) Stat() (fs.FileInfo, error) {
	if f.faults.fails("Stat") {
		return nil, errFault
	}
	return f.File.Stat()
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if f.faults.fails("Read") {
		return 0, errFault
	}
	if f.faults.fails("end") {
		return 0, io.EOF
	}
	return f.File.Read(p)
}

func (f *faultyFile) Close() error {
	f.faults.mu.Lock()
	f.faults.closed++
	f.faults.mu.Unlock()
	err := f.File.Close()
	if f.faults.fails("Close") {
		return errFault
	}
	return err
}

func (f *faultySeeker) Seek(offset int64, whence int) (int64, error) {
	if f.faults.fails("Seek") {
		return 0, errFault
	}
	return f.File.(io.Seeker).Seek(offset, whence)
}

var fileLong = strings.Repeat("0123456789abcdef", 100<<10/16)

// TestFileFaults lets each operation fail at its n-th call, for every n until
// none fails any more. Before the answer has begun that is a 500 that tells
// nothing, later the connection breaks; the file is closed in any case.
func TestFileFaults(t *testing.T) {
	for _, ranges := range []string{"", "bytes=1000-90000", "bytes=1000-40000,50000-90000"} {
		for _, plain := range []bool{false, true} {
			for _, method := range []string{"GET", "HEAD"} {
				t.Run(fmt.Sprintf("%s %s plain=%t", method, ranges, plain), func(t *testing.T) {
					onTransports(t, func(t *testing.T, tr transport) {
						if tr.gzip {
							return // has its own test
						}
						captureLog(t)
						fsys := &fileFaults{FS: fstest.MapFS{"a.bin": {Data: []byte(fileLong), ModTime: fileTime}}, plain: plain}
						w := tr.serve(t, fileHandler(fsys, "a.bin"))
						for _, op := range []string{"Open", "Stat", "Seek", "Read", "end", "Close"} {
							fileEachFault(t, w, fsys, op, method, ranges)
						}
					})
				})
			}
		}
	}
}

func fileEachFault(t *testing.T, w *wire, fsys *fileFaults, op, method, ranges string) {
	t.Helper()
	several := strings.Contains(ranges, ",") && !fsys.plain
	for n := 1; ; n++ {
		fsys.arm(op, n)
		got := w.file(t, method, "Range", ranges)
		fired, opened, closed := fsys.state()
		if opened != closed {
			t.Errorf("%s %d: %d files were opened, %d closed", op, n, opened, closed)
		}
		begun := op == "Read" || op == "end" || op == "Seek" && several && n > 2
		switch whole := !fired || op == "Close"; {
		case whole && (got.err != nil || got.status != 200 && got.status != 206):
			t.Errorf("%s %d: nothing failed, the client has %v", op, n, got)
		case !whole && begun && method == "GET" && got.err == nil:
			t.Errorf("%s %d: part of the file looks like a whole: %v", op, n, got)
		case !whole && !begun && (got.err != nil || got.status != 500 || method == "GET" && got.body != errorInternal):
			t.Errorf("%s %d: the client has %v", op, n, got)
		case !whole && !begun && (got.header["Etag"] != nil || got.header["Content-Range"] != nil || got.header["Last-Modified"] != nil || got.header["Accept-Ranges"] != nil):
			t.Errorf("%s %d: the error has headers of the file: %v", op, n, got.header)
		}
		if !fired {
			return
		}
		if n > 100 {
			t.Fatalf("%s fails for ever", op)
		}
	}
}

// file requests the file on a connection of its own: a client would send a GET
// again whose kept connection breaks.
func (w *wire) file(t testing.TB, method string, pairs ...string) wireReply {
	t.Helper()
	if w.client != nil {
		w.client.CloseIdleConnections()
	}
	r := w.request(t, "/")
	r.Method = method
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			r.Header.Set(pairs[i], pairs[i+1])
		}
	}
	return w.do(t, r)
}

// TestFileOnTheWire: the answers of files, whole and in part, between others on
// the same connection.
func TestFileOnTheWire(t *testing.T) {
	files := fstest.MapFS{"a.txt": {Data: []byte(fileLong), ModTime: fileTime}}
	onTransports(t, func(t *testing.T, tr transport) {
		w := tr.serve(t, fileHandler(files, "a.txt"))
		for _, c := range []struct {
			header, value string
			status        int
			body          string
		}{
			{status: 200, body: fileLong},
			{header: "Range", value: "bytes=16-40015", status: 206, body: fileLong[16:40016]},
			{header: "Range", value: "bytes=-16", status: 206, body: fileLong[:16]},
			{header: "If-Modified-Since", value: fileTime.Format(http.TimeFormat), status: 304},
			{header: "If-None-Match", value: "*", status: 304},
		} {
			w.neighbours(t)
			r := w.request(t, "/")
			r.Method = http.MethodGet
			if c.header != "" {
				r.Header.Set(c.header, c.value)
			}
			if got := w.do(t, r); got.err != nil || got.status != c.status || got.body != c.body {
				t.Errorf("%s %s: the client has %v", c.header, c.value, got)
			}
			w.neighbours(t)
		}
	})
}

// TestFileBreaksBehindGzip: a compressed part of a file must not look complete.
func TestFileBreaksBehindGzip(t *testing.T) {
	onTransports(t, func(t *testing.T, tr transport) {
		if !tr.gzip {
			return
		}
		captureLog(t)
		fsys := &fileFaults{FS: fstest.MapFS{"a.txt": {Data: []byte(fileLong), ModTime: fileTime}}}
		w := tr.serve(t, fileHandler(fsys, "a.txt"))
		for _, op := range []string{"Read", "end"} {
			for n := 1; n <= 3; n++ {
				fsys.arm(op, n)
				if got := w.file(t, http.MethodGet); got.err == nil {
					t.Errorf("%s %d: the client has %v", op, n, got)
				}
			}
		}
	})
}

// fileGrows appends to a real file each time that it is described or read.
type fileGrows struct {
	dir string
	on  string // the method
}

type growingFile struct {
	*os.File
	grows fileGrows
}

func (g fileGrows) Open(name string) (fs.File, error) {
	f, err := os.Open(filepath.Join(g.dir, name))
	if err != nil {
		return nil, err
	}
	return &growingFile{f, g}, nil
}

func (f *growingFile) grow(on string) {
	if on != f.grows.on {
		return
	}
	if w, err := os.OpenFile(f.Name(), os.O_WRONLY|os.O_APPEND, 0); err == nil {
		_, _ = w.WriteString("more")
		_ = w.Close()
	}
}

func (f *growingFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	f.grow("Stat")
	return info, err
}

func (f *growingFile) Read(p []byte) (int, error) {
	f.grow("Read")
	return f.File.Read(p)
}

// TestFileGrows: the answer is as long as it says.
func TestFileGrows(t *testing.T) {
	for on, want := range map[string]string{"Stat": "0123456789more", "Read": "0123456789"} {
		onTransports(t, func(t *testing.T, tr transport) {
			dir := t.TempDir()
			fileMust(t, os.WriteFile(filepath.Join(dir, "a"), []byte("0123456789"), 0o600))
			w := tr.serve(t, fileHandler(fileGrows{dir, on}, "a"))
			if got := w.file(t, http.MethodGet); got.err != nil || got.body != want {
				t.Errorf("it grows at %s: the client has %v, want %q", on, got, want)
			}
			w.neighbours(t)
		})
	}
}
