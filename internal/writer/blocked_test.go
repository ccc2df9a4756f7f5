package writer_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
	"github.com/apiroutes/apiroutes/testutil"
)

// soon waits for done, which must not take long.
func soon(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: not within 10 seconds", what)
	}
}

// stuck is a writer whose client does not read.
type stuck struct {
	*httptest.ResponseRecorder
	entered, free chan struct{}
}

func newStuck() *stuck {
	return &stuck{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
}

func (s *stuck) Write(p []byte) (int, error) {
	close(s.entered)
	<-s.free
	return s.ResponseRecorder.Write(p)
}

func (s *stuck) SetWriteDeadline(time.Time) error {
	close(s.free)
	return nil
}

// TestBlockedWrite is what a watchdog needs: while a write hangs, all that does
// not write goes on, and a deadline ends it.
func TestBlockedWrite(t *testing.T) {
	inner := newStuck()
	w, _ := writer.Wrap(inner)
	w.Listen()
	written, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		_, _ = w.Write([]byte("x"))
	}()
	soon(t, "the write", inner.entered)
	go func() {
		defer close(done)
		if !w.Started() || w.Status() != 200 {
			t.Error("an answer that is on its way has not started")
		}
		w.Header()
		w.RecordError(500, errors.New("oops"))
		w.Err()
		if w.Unwrap() != http.ResponseWriter(inner) {
			t.Error("it cannot be unwrapped")
		}
		_ = w.SetWriteDeadline(time.Unix(1, 0))
	}()
	soon(t, "what does not write", done)
	soon(t, "the end of the write", written)
}

func TestCloseWaits(t *testing.T) {
	inner := newStuck()
	w, _ := writer.Wrap(inner)
	written, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		if _, err := w.Write([]byte("x")); err != nil {
			t.Errorf("a write that began before Close: %v", err)
		}
	}()
	soon(t, "the write", inner.entered)
	go func() {
		defer close(closed)
		w.Close()
		if inner.Body.String() != "x" {
			t.Error("Close has returned while a write was under way")
		}
	}()
	for range 1000 {
		runtime.Gosched() // time for a Close that would not wait
	}
	close(inner.free)
	soon(t, "Close", closed)
	soon(t, "the write", written)
}

// TestSilentSource: a source that says nothing, such as another client's body,
// does not keep Close waiting, and what it says later reaches nobody.
func TestSilentSource(t *testing.T) {
	rec := httptest.NewRecorder()
	w, _ := writer.Wrap(rec)
	source, feed := io.Pipe()
	copied, closed := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := io.Copy(w, source)
		copied <- err
	}()
	_, _ = feed.Write([]byte("before"))
	_, _ = feed.Write(nil) // returns when "before" was taken and the next read has begun
	go func() {
		defer close(closed)
		w.Close()
	}()
	soon(t, "Close", closed)
	_, _ = feed.Write([]byte("after"))
	if err := <-copied; !errors.Is(err, apiroutes.ErrAnswered) {
		t.Errorf("the copy ends with %v", err)
	}
	if rec.Body.String() != "before" {
		t.Errorf("the answer is %q", rec.Body)
	}
}

func regularFile(t testing.TB, content string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// sender notes whether a source came through ReadFrom.
type sender struct {
	*httptest.ResponseRecorder
	sources int
	err     error
}

func (s *sender) ReadFrom(src io.Reader) (int64, error) {
	s.sources++
	if s.err != nil {
		return 0, s.err
	}
	return io.Copy(s.ResponseRecorder, src)
}

// TestSendFile: a regular file, and nothing else, goes to the inner ReadFrom,
// from where the kernel may send it.
func TestSendFile(t *testing.T) {
	pipe, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	_, _ = feed.WriteString("content")
	feed.Close()
	for _, c := range []struct {
		name    string
		copy    func(w io.Writer) (int64, error)
		passed  int
		started bool
		want    string
	}{
		{"a file", func(w io.Writer) (int64, error) { return io.Copy(w, regularFile(t, "content")) }, 1, true, "content"},
		{"its start", func(w io.Writer) (int64, error) { return io.CopyN(w, regularFile(t, "content"), 3) }, 1, true, "con"},
		{"an empty file", func(w io.Writer) (int64, error) { return io.Copy(w, regularFile(t, "")) }, 1, false, ""},
		{"an empty file behind the header", func(w io.Writer) (int64, error) {
			w.(http.ResponseWriter).WriteHeader(200)
			return io.Copy(w, regularFile(t, ""))
		}, 1, true, ""},
		{"a pipe may be silent", func(w io.Writer) (int64, error) { return io.Copy(w, pipe) }, 0, true, "content"},
		{"memory", func(w io.Writer) (int64, error) { return io.Copy(w, io.LimitReader(strings.NewReader("content"), 4)) }, 0, true, "cont"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, able := range []bool{true, false} {
				inner := &sender{ResponseRecorder: httptest.NewRecorder()}
				var under http.ResponseWriter = inner
				passed := c.passed
				if !able {
					if c.name == "a pipe may be silent" {
						return // it is read
					}
					under, passed = bare{inner}, 0
				}
				w, _ := writer.Wrap(under)
				n, err := c.copy(w)
				if err != nil || n != int64(len(c.want)) || w.Bytes() != n || inner.Body.String() != c.want || inner.sources != passed || w.Started() != c.started {
					t.Errorf("%v: %d, %v, %q; counted %d, started %v; ReadFrom called %d times, want %d",
						able, n, err, inner.Body, w.Bytes(), w.Started(), inner.sources, passed)
				}
			}
		})
	}
	failing := &sender{ResponseRecorder: httptest.NewRecorder(), err: errors.New("I/O error")}
	w, _ := writer.Wrap(failing)
	if _, err := w.ReadFrom(regularFile(t, "content")); err != failing.err || w.Started() {
		t.Errorf("a file that cannot be read: %v, started %v", err, w.Started())
	}
}

// TestConcurrentClose has goroutines that go on writing when their handler is
// done. Run it with -race: a recorder is not safe for concurrent use.
func TestConcurrentClose(t *testing.T) {
	for range 50 {
		rec := &sender{ResponseRecorder: httptest.NewRecorder()}
		w, _ := writer.Wrap(rec)
		var wg sync.WaitGroup
		for range 4 {
			file := regularFile(t, "x")
			wg.Go(func() {
				for {
					w.WriteHeader(http.StatusOK)
					w.Flush()
					if _, err := w.ReadFrom(file); err != nil {
						return
					}
					if _, err := w.Write([]byte("x")); err != nil {
						return
					}
				}
			})
		}
		for w.Bytes() == 0 {
			runtime.Gosched()
		}
		w.Close()
		before := rec.Body.Len()
		wg.Wait()
		if rec.Body.Len() != before || int64(before) != w.Bytes() {
			t.Fatalf("%d bytes at Close, %d counted, %d later", before, w.Bytes(), rec.Body.Len())
		}
	}
}

// TestInnerPanic: a panic of the inner writer, such as net/http's for what is no
// status, leaves w usable and Close possible.
func TestInnerPanic(t *testing.T) {
	w, _ := writer.Wrap(httptest.NewRecorder())
	defer w.Close()
	panics(func() { w.WriteHeader(-1) })
	w.WriteHeader(202)
	if w.Status() != 202 {
		t.Errorf("the status is %d", w.Status())
	}
}

// TestHijack takes a connection, whose deadlines an Abort must not touch.
func TestHijack(t *testing.T) {
	api := testutil.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, _ := writer.Wrap(foreign{rw})
		defer w.Close()
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, err = w.Write([]byte("x"))
		if !w.Started() || !w.Hijacked() || w.Status() != 0 || w.Bytes() != 0 || !errors.Is(err, http.ErrHijacked) {
			t.Errorf("started %v, hijacked %v, status %d, %d bytes, %v", w.Started(), w.Hijacked(), w.Status(), w.Bytes(), err)
		}
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("Abort panics with %v", v)
				}
			}()
			w.Abort()
		}()
		fmt.Fprint(buffered, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
		if err := buffered.Flush(); err != nil {
			t.Errorf("the connection of its new owner: %v", err)
		}
	}), testutil.HTTP)
	api.Get("/").Status(200).Text("taken")
}

// TestLateGoroutine leaves goroutines behind that write for as long as they can,
// and looks at the answers of others on the same connection.
func TestLateGoroutine(t *testing.T) {
	for _, protocol := range []testutil.Protocol{testutil.HTTP, testutil.HTTP2} {
		t.Run(string(protocol), func(t *testing.T) {
			var late sync.WaitGroup
			defer late.Wait()
			api := testutil.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				w, _ := writer.Wrap(rw)
				defer w.Close()
				id := r.URL.Query().Get("id")
				_, _ = io.WriteString(w, id)
				late.Go(func() {
					var err error
					for err == nil { // until the handler has returned
						runtime.Gosched()
						_, err = w.Write(nil)
					}
					for _, c := range calls {
						if err := c.do(w); c.name != "WriteHeader" && !errors.Is(err, apiroutes.ErrAnswered) {
							t.Errorf("%s after the end: %v", c.name, err)
						}
					}
					w.Header().Set("Late", id)
				})
			}), protocol)
			for i := range 100 {
				api.Get(fmt.Sprintf("/?id=%d", i)).Status(200).Text(fmt.Sprint(i)).Header("Late", "")
			}
		})
	}
}

var _ interface { // what ResponseController and net/http look for
	http.Flusher
	http.Hijacker
	io.ReaderFrom
	io.StringWriter
	FlushError() error
} = (*writer.Writer)(nil)
