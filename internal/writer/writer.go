// Package writer has the one http.ResponseWriter that the middleware of this
// module put around another. It counts and reports what goes through, takes the
// errors that are recorded, and turns inert when its middleware returns.
package writer

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apiroutes/apiroutes"
)

// Writer passes on to another ResponseWriter. One serves a whole stack of
// middleware: see [Wrap]. It is not pooled, since user code can keep it.
//
// Writes exclude each other, and Close waits for the one under way. Everything
// else waits for no client: a deadline can be set while a write is blocked, and
// that is how such a write is ended.
//
// The fields of an answer are set before the inner writer is called, so that
// Started never says no while the first bytes are on their way.
type Writer struct {
	inner http.ResponseWriter

	writing  sync.Mutex        // held during each write
	before   func(http.Header) // see BeforeHeader
	status   atomic.Int32      // of the final header, 0 before
	started  atomic.Bool
	hijacked atomic.Bool
	bytes    atomic.Int64

	closed    atomic.Bool // changed with both locks held: with either it stays as it is
	state     sync.Mutex  // guards the rest, and is never held for long
	listeners int
	errStatus int
	err       error // the first
	later     error // the last of those behind it
}

// Wrap returns the Writer around w: w itself, with false, if it is one. It does
// not look through Unwrap: what a foreign writer in between makes of the answer
// is another level. Whoever gets true defers Close.
func Wrap(w http.ResponseWriter) (shared *Writer, outermost bool) {
	if shared, ok := w.(*Writer); ok {
		return shared, false
	}
	return &Writer{inner: w}, true
}

// Close turns w inert, once the write under way is done: from then on nothing
// reaches the inner writer, writes return [apiroutes.ErrAnswered], and Header
// returns a map of its own, since one that the server reads by then would let a
// goroutine that was left behind crash the process.
func (w *Writer) Close() {
	w.writing.Lock()
	defer w.writing.Unlock()
	if !w.started.Load() {
		w.callBefore()
	}
	w.state.Lock()
	defer w.state.Unlock()
	w.closed.Store(true)
}

// BeforeHeader has f called with the header just before it goes out, or in Close
// if it did not. It is for what a handler may undo, such as a Vary. After a Flush
// that the inner writer cannot do it is called again; f must not use w.
func (w *Writer) BeforeHeader(f func(http.Header)) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if other := w.before; other != nil {
		w.before = func(h http.Header) { other(h); f(h) }
		return
	}
	w.before = f
}

// Status returns the status of the final header: 0 before it, 200 where a write
// implied it. 1xx are not recorded, but for 101, which is final.
func (w *Writer) Status() int { return int(w.status.Load()) }

// Bytes returns how much of the body the inner writer took.
func (w *Writer) Bytes() int64 { return w.bytes.Load() }

// Started reports whether a final header, a byte, a Flush or a Hijack went to
// the inner writer.
func (w *Writer) Started() bool { return w.started.Load() }

// Hijacked reports whether the connection was taken over.
func (w *Writer) Hijacked() bool { return w.hijacked.Load() }

// Listen makes RecordError keep errors, until Unlisten was called as often.
// Errors that come after the listener has logged belong to somebody else.
func (w *Writer) Listen() {
	w.state.Lock()
	defer w.state.Unlock()
	w.listeners++
}

// Unlisten ends a Listen and returns what Err does: an error that comes later
// is no longer taken, so none is lost in between.
func (w *Writer) Unlisten() (status int, err error) {
	w.state.Lock()
	defer w.state.Unlock()
	w.listeners--
	return w.recorded()
}

// RecordError keeps err and returns true if somebody listens, else it returns
// false and err is for the next writer in the Unwrap chain. The first error
// stands, with its status. Of those behind it only the last is kept: it may be a
// panic, but nothing may grow without bounds.
func (w *Writer) RecordError(status int, err error) bool {
	w.state.Lock()
	defer w.state.Unlock()
	switch {
	case w.listeners <= 0 || err == nil:
		return false
	case w.err == nil:
		w.errStatus, w.err = status, err
	default:
		w.errStatus, w.later = max(w.errStatus, status), err
	}
	return true
}

// Err returns the error that was recorded and its status, 0 and nil without
// one. Where several were, it joins the first and the last, with the highest
// status.
func (w *Writer) Err() (status int, err error) {
	w.state.Lock()
	defer w.state.Unlock()
	return w.recorded()
}

func (w *Writer) recorded() (status int, err error) {
	if w.later != nil {
		return w.errStatus, errors.Join(w.err, w.later)
	}
	return w.errStatus, w.err
}

// Unwrap returns the inner writer, for http.ResponseController, and once w is
// inert one that does nothing.
func (w *Writer) Unwrap() http.ResponseWriter {
	if w.closed.Load() {
		return gone{}
	}
	return w.inner
}

// gone is what is left of a closed Writer.
type gone struct{}

func (gone) Header() http.Header       { return http.Header{} }
func (gone) Write([]byte) (int, error) { return 0, apiroutes.ErrAnswered }
func (gone) WriteHeader(int)           {}

// use calls do with the inner writer's controller unless w is closed.
func (w *Writer) use(do func(*http.ResponseController) error) error {
	w.state.Lock()
	defer w.state.Unlock()
	if w.closed.Load() {
		return apiroutes.ErrAnswered
	}
	return do(http.NewResponseController(w.inner))
}

// SetReadDeadline is for http.ResponseController, as are the other two: through
// Unwrap a goroutine that was left behind could still set what is the next
// request's.
func (w *Writer) SetReadDeadline(t time.Time) error {
	return w.use(func(c *http.ResponseController) error { return c.SetReadDeadline(t) })
}

// SetWriteDeadline does not wait for the write that it is to end.
func (w *Writer) SetWriteDeadline(t time.Time) error {
	return w.use(func(c *http.ResponseController) error { return c.SetWriteDeadline(t) })
}

// EnableFullDuplex is for http.ResponseController.
func (w *Writer) EnableFullDuplex() error {
	return w.use((*http.ResponseController).EnableFullDuplex)
}

// Hijack takes the connection over, if the inner writer can.
func (w *Writer) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	err = w.use(func(c *http.ResponseController) error {
		conn, rw, err = c.Hijack()
		return err
	})
	if err == nil {
		w.started.Store(true)
		w.hijacked.Store(true)
	}
	return conn, rw, err
}

// Abort ends a request of which a part is answered so that the client can tell:
// it panics with http.ErrAbortHandler. A foreign middleware around it may take
// that panic for its own and return, whereupon the server would complete the
// answer: so it is not let write any more either. A hijacked connection is its
// new owner's, and stays as it is.
func (w *Writer) Abort() {
	if !w.Hijacked() {
		_ = w.SetWriteDeadline(time.Unix(1, 0)) // long ago
	}
	panic(http.ErrAbortHandler)
}
