package testutil

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// ErrInjected is the error of the faults of this package.
var ErrInjected = errors.New("testutil: injected fault")

// FailingWriter returns a ResponseWriter that passes on to w but fails at the
// n-th Write, counted from 1, and at each later one, with [ErrInjected]: a
// client that is gone. It is safe for concurrent use if w is.
//
//	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		export(testutil.FailingWriter(w, 2), r)
//	})
func FailingWriter(w http.ResponseWriter, n int) http.ResponseWriter {
	return &failingWriter{ResponseWriter: w, n: int64(n)}
}

type failingWriter struct {
	http.ResponseWriter
	n     int64
	calls atomic.Int64
}

// Unwrap leads http.ResponseController to the other abilities of the writer.
func (w *failingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.calls.Add(1) >= w.n {
		return 0, ErrInjected
	}
	return w.ResponseWriter.Write(p)
}

// FailingReader returns a reader that gives the first n bytes of r and then
// fails with [ErrInjected]. As the body of a request, with [Stream], it is a
// client that aborts in the middle.
func FailingReader(r io.Reader, n int64) io.Reader {
	return io.MultiReader(io.LimitReader(r, n), failingReader{ErrInjected})
}

// failingReader fails with err, or ends if that is nil.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, cmp.Or(r.err, io.EOF) }
