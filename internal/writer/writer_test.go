package writer_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
	"github.com/apiroutes/apiroutes/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// bare has the three methods and nothing else.
type bare struct{ http.ResponseWriter }

// foreign is a wrapper as others have it.
type foreign struct{ http.ResponseWriter }

func (w foreign) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestWrap(t *testing.T) {
	rec := httptest.NewRecorder()
	outer, outermost := writer.Wrap(rec)
	if !outermost || outer.Unwrap() != http.ResponseWriter(rec) {
		t.Fatalf("Wrap of a foreign writer: outermost %v, around %T", outermost, outer.Unwrap())
	}
	if again, outermost := writer.Wrap(outer); again != outer || outermost {
		t.Errorf("Wrap of a Writer: %p, %v, want itself, false", again, outermost)
	}
	// What a compressing writer in between makes of the answer is another level.
	if level, outermost := writer.Wrap(foreign{outer}); level == outer || !outermost {
		t.Error("Wrap looks through a foreign writer")
	}
}

// unflushable has a client that is gone.
type unflushable struct{ http.ResponseWriter }

func (unflushable) FlushError() error { return io.ErrClosedPipe }

func TestState(t *testing.T) {
	failing := func(w http.ResponseWriter) http.ResponseWriter { return testutil.FailingWriter(w, 1) }
	for _, c := range []struct {
		name    string
		inner   func(http.ResponseWriter) http.ResponseWriter // nil: the recorder
		do      func(w *writer.Writer)
		status  int
		bytes   int64
		started bool
	}{
		{name: "nothing", do: func(w *writer.Writer) { w.Header().Set("A", "b") }},
		{name: "an informational header", do: func(w *writer.Writer) { w.WriteHeader(103) }},
		{name: "then the final one", do: func(w *writer.Writer) { w.WriteHeader(103); w.WriteHeader(201) }, status: 201, started: true},
		{name: "101 is final", do: func(w *writer.Writer) { w.WriteHeader(101) }, status: 101, started: true},
		{name: "100 is not", do: func(w *writer.Writer) { w.WriteHeader(100) }},
		{name: "199 is not", do: func(w *writer.Writer) { w.WriteHeader(199) }},
		{name: "200", do: func(w *writer.Writer) { w.WriteHeader(200) }, status: 200, started: true},
		{name: "999 is a status for net/http", do: func(w *writer.Writer) { w.WriteHeader(999) }, status: 999, started: true},
		{name: "the first final header stands", do: func(w *writer.Writer) { w.WriteHeader(404); w.WriteHeader(200) }, status: 404, started: true},
		{name: "a write implies 200", do: func(w *writer.Writer) { _, _ = w.Write([]byte("abc")) }, status: 200, bytes: 3, started: true},
		{name: "an empty one, too", do: func(w *writer.Writer) { _, _ = w.Write(nil) }, status: 200, started: true},
		{name: "after a header", do: func(w *writer.Writer) { w.WriteHeader(404); _, _ = w.Write([]byte("abc")) }, status: 404, bytes: 3, started: true},
		{name: "a string", do: func(w *writer.Writer) { _, _ = io.WriteString(w, "abc") }, status: 200, bytes: 3, started: true},
		{name: "several", do: func(w *writer.Writer) { _, _ = io.WriteString(w, "abc"); _, _ = w.Write([]byte("de")) }, status: 200, bytes: 5, started: true},
		{name: "a flush sends the header", do: func(w *writer.Writer) { w.Flush() }, status: 200, started: true},
		{name: "one that cannot sends nothing", inner: func(w http.ResponseWriter) http.ResponseWriter { return bare{w} }, do: func(w *writer.Writer) { w.Flush() }},
		{name: "nor takes anything back", inner: func(w http.ResponseWriter) http.ResponseWriter { return bare{w} }, do: func(w *writer.Writer) { w.WriteHeader(202); w.Flush() }, status: 202, started: true},
		{name: "a flush that fails", inner: func(w http.ResponseWriter) http.ResponseWriter { return unflushable{w} }, do: func(w *writer.Writer) { w.Flush() }, status: 200, started: true},
		{name: "a write that fails", inner: failing, do: func(w *writer.Writer) { _, _ = w.Write([]byte("abc")) }, status: 200, started: true},
		{name: "a source with nothing in it", do: func(w *writer.Writer) { _, _ = w.ReadFrom(strings.NewReader("")) }},
		{name: "a source", do: func(w *writer.Writer) { _, _ = w.ReadFrom(strings.NewReader("abcd")) }, status: 200, bytes: 4, started: true},
		{name: "what is no status", do: func(w *writer.Writer) { panics(func() { w.WriteHeader(1000) }) }},
		{name: "nor this", do: func(w *writer.Writer) { panics(func() { w.WriteHeader(99) }) }},
		{name: "a hijack that cannot be", do: func(w *writer.Writer) { _, _, _ = w.Hijack() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var inner http.ResponseWriter = httptest.NewRecorder()
			if c.inner != nil {
				inner = c.inner(inner)
			}
			w, _ := writer.Wrap(inner)
			c.do(w)
			if w.Status() != c.status || w.Bytes() != c.bytes || w.Started() != c.started || w.Hijacked() {
				t.Errorf("status %d, %d bytes, started %v, hijacked %v; want %d, %d, %v, false",
					w.Status(), w.Bytes(), w.Started(), w.Hijacked(), c.status, c.bytes, c.started)
			}
		})
	}
}

// panics calls do, which must panic.
func panics(do func()) {
	defer func() {
		if recover() == nil {
			panic("it did not panic")
		}
	}()
	do()
}

func TestRecordError(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	w, _ := writer.Wrap(httptest.NewRecorder())
	want := func(wantStatus int, wantErrs ...error) {
		t.Helper()
		status, err := w.Err()
		if status != wantStatus || (err != nil) != (len(wantErrs) > 0) {
			t.Errorf("Err() = %d, %v, want %d, %v", status, err, wantStatus, wantErrs)
		}
		for _, e := range wantErrs {
			if !errors.Is(err, e) {
				t.Errorf("Err() = %v, without %v", err, e)
			}
		}
	}
	if w.RecordError(500, a) {
		t.Error("it takes an error for which nobody listens")
	}
	want(0)
	w.Listen()
	if w.RecordError(500, nil) {
		t.Error("it takes nil")
	}
	want(0)
	if !w.RecordError(404, a) {
		t.Error("it does not take an error")
	}
	want(404, a)
	if _, err := w.Err(); err != a {
		t.Errorf("the only error comes back as %v", err)
	}
	if !w.RecordError(500, b) {
		t.Error("it does not take a second error")
	}
	want(500, a, b)
	w.RecordError(404, c)
	want(500, a, c)
	if _, err := w.Err(); errors.Is(err, b) {
		t.Error("it keeps all errors, however many")
	}
	w.Listen()
	w.Unlisten()
	if !w.RecordError(404, c) {
		t.Error("one listener of two is gone, and it takes no error")
	}
	if status, err := w.Unlisten(); status != 500 || !errors.Is(err, a) {
		t.Errorf("Unlisten() = %d, %v", status, err)
	}
	if w.RecordError(500, b) {
		t.Error("it takes an error when all listeners are gone")
	}
}

// spy counts what reaches it; it has all that a server's writer has.
type spy struct {
	header http.Header
	calls  []string
}

func (s *spy) note(call string) { s.calls = append(s.calls, call) }

func (s *spy) Header() http.Header                 { return s.header }
func (s *spy) WriteHeader(int)                     { s.note("WriteHeader") }
func (s *spy) Write(p []byte) (int, error)         { s.note("Write"); return len(p), nil }
func (s *spy) WriteString(p string) (int, error)   { s.note("WriteString"); return len(p), nil }
func (s *spy) Flush()                              { s.note("Flush") }
func (s *spy) SetReadDeadline(time.Time) error     { s.note("SetReadDeadline"); return nil }
func (s *spy) SetWriteDeadline(time.Time) error    { s.note("SetWriteDeadline"); return nil }
func (s *spy) EnableFullDuplex() error             { s.note("EnableFullDuplex"); return nil }
func (s *spy) ReadFrom(r io.Reader) (int64, error) { s.note("ReadFrom"); return io.Copy(io.Discard, r) }

var calls = []struct {
	name string
	do   func(w http.ResponseWriter) error
}{
	{"Write", func(w http.ResponseWriter) error { _, err := w.Write([]byte("x")); return err }},
	{"WriteString", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "x"); return err }},
	{"Flush", func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }},
	{"SetReadDeadline", func(w http.ResponseWriter) error {
		return http.NewResponseController(w).SetReadDeadline(time.Time{})
	}},
	{"SetWriteDeadline", func(w http.ResponseWriter) error {
		return http.NewResponseController(w).SetWriteDeadline(time.Time{})
	}},
	{"EnableFullDuplex", func(w http.ResponseWriter) error { return http.NewResponseController(w).EnableFullDuplex() }},
	{"WriteHeader", func(w http.ResponseWriter) error { w.WriteHeader(204); return nil }},
}

func TestPassesOn(t *testing.T) {
	for _, c := range calls {
		inner := new(spy)
		w, _ := writer.Wrap(inner)
		if err := c.do(w); err != nil || strings.Join(inner.calls, " ") != c.name {
			t.Errorf("%s: %v, and the inner writer got %q", c.name, err, inner.calls)
		}
	}
}

func TestClosedIsInert(t *testing.T) {
	file := regularFile(t, "content")
	for _, c := range append(calls, []struct {
		name string
		do   func(w http.ResponseWriter) error
	}{
		{"ReadFrom a file", func(w http.ResponseWriter) error { _, err := w.(io.ReaderFrom).ReadFrom(file); return err }},
		{"ReadFrom", func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
			return err
		}},
		{"Hijack", func(w http.ResponseWriter) error { _, _, err := http.NewResponseController(w).Hijack(); return err }},
		{"Unwrap", func(w http.ResponseWriter) error {
			inner := w.(interface{ Unwrap() http.ResponseWriter }).Unwrap()
			inner.WriteHeader(200)
			inner.Header().Set("A", "b")
			_, err := inner.Write([]byte("x"))
			return err
		}},
	}...) {
		t.Run(c.name, func(t *testing.T) {
			inner := &spy{header: http.Header{}}
			w, _ := writer.Wrap(inner)
			w.Close()
			w.Close() // a second one does nothing
			if err := c.do(w); c.name != "WriteHeader" && !errors.Is(err, apiroutes.ErrAnswered) {
				t.Errorf("the error is %v", err)
			}
			w.Header().Set("A", "b")
			if len(inner.calls) > 0 || len(inner.header) > 0 {
				t.Errorf("the inner writer got %q, and the header %v", inner.calls, inner.header)
			}
			if w.Status() != 0 || w.Bytes() != 0 || w.Started() || w.Hijacked() {
				t.Errorf("it counts what was not sent: %d, %d bytes, %v", w.Status(), w.Bytes(), w.Started())
			}
		})
	}
}

// TestAbort sets a deadline in the past, so that nothing more is written, and
// panics as net/http wants it.
func TestAbort(t *testing.T) {
	inner := new(spy)
	w, _ := writer.Wrap(inner)
	defer func() {
		if v := recover(); v != http.ErrAbortHandler || strings.Join(inner.calls, " ") != "SetWriteDeadline" {
			t.Errorf("panic %v, calls %q", v, inner.calls)
		}
	}()
	w.Abort()
}
