package writer

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"syscall"

	"github.com/apiroutes/apiroutes"
)

// What writes the answer.

// Header returns the header of the answer, and an empty one once w is closed.
func (w *Writer) Header() http.Header {
	if w.closed.Load() {
		return http.Header{}
	}
	return w.inner.Header()
}

// begin notes that an answer with that status begins, unless one has, and
// reports whether it does. The caller holds w.writing.
func (w *Writer) begin(status int) bool {
	if w.status.Load() != 0 || w.hijacked.Load() {
		return false
	}
	w.callBefore()
	w.status.Store(int32(status))
	w.started.Store(true)
	return true
}

func (w *Writer) callBefore() {
	if w.before != nil {
		w.before(w.inner.Header())
	}
}

// unbegin takes a begin back, of which nothing came.
func (w *Writer) unbegin() {
	w.started.Store(false)
	w.status.Store(0)
}

// WriteHeader passes on each status, and keeps the first final one.
func (w *Writer) WriteHeader(status int) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.closed.Load() {
		return
	}
	// The inner writer panics for what is no status, and has then sent nothing.
	if status >= 200 && status <= 999 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.inner.WriteHeader(status)
}

// write calls do, which writes to the inner writer, unless w is closed.
func (w *Writer) write(do func(http.ResponseWriter) (int, error)) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.closed.Load() {
		return 0, apiroutes.ErrAnswered
	}
	w.begin(http.StatusOK)
	n, err := do(w.inner)
	w.bytes.Add(int64(n))
	return n, err
}

// Write passes p on.
func (w *Writer) Write(p []byte) (int, error) {
	return w.write(func(inner http.ResponseWriter) (int, error) { return inner.Write(p) })
}

// WriteString passes s on, without a copy if the inner writer can.
func (w *Writer) WriteString(s string) (int, error) {
	return w.write(func(inner http.ResponseWriter) (int, error) { return io.WriteString(inner, s) })
}

// Flush is FlushError for those who look for an http.Flusher.
func (w *Writer) Flush() { _ = w.FlushError() }

// FlushError sends what is buffered, with the header before it.
func (w *Writer) FlushError() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.closed.Load() {
		return apiroutes.ErrAnswered
	}
	begun := w.begin(http.StatusOK)
	err := http.NewResponseController(w.inner).Flush()
	if begun && errors.Is(err, http.ErrNotSupported) {
		w.unbegin()
	}
	return err
}

// ReadFrom hands a regular file to the inner writer's ReadFrom, if it has one,
// which may let the kernel send it. Any other source is read between writes, not
// during one: it may be silent for ever, and Close must not wait for it.
func (w *Writer) ReadFrom(src io.Reader) (int64, error) {
	if to, ok := w.inner.(io.ReaderFrom); ok && isFile(src) {
		return w.sendFile(to, src)
	}
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, buffer[:])
}

// buffers are lent to sources for one Read at a time, which must not keep them.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func (w *Writer) sendFile(to io.ReaderFrom, file io.Reader) (int64, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if w.closed.Load() {
		return 0, apiroutes.ErrAnswered
	}
	begun := w.begin(http.StatusOK)
	n, err := to.ReadFrom(file)
	if begun && n == 0 { // net/http sends no header before it has read something
		w.unbegin()
	}
	w.bytes.Add(n)
	return n, err
}

// isFile reports whether src is a regular file, or the start of one, in the
// forms in which io.Copy and io.CopyN hand it over.
func isFile(src io.Reader) bool {
	if limited, ok := src.(*io.LimitedReader); ok {
		src = limited.R
	}
	file, ok := src.(interface {
		syscall.Conn
		Stat() (fs.FileInfo, error)
	})
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}
