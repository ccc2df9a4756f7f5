package apiroutes

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Stream answers in parts: fn writes to w, with Flush, Hijack and deadlines
// through [http.ResponseController] where the server has them. w is safe for
// concurrent use and turns inert when fn returns: later writes return
// [ErrAnswered].
//
// If fn fails before it wrote anything, the error is returned as if nothing
// had happened and can still be rendered. If it fails later the connection is
// aborted once the handler returns, even when the handler drops the error,
// since a truncated answer must not look complete.
//
// To write before the body was read to its end, over HTTP/1.1, call
// [http.ResponseController.EnableFullDuplex], and read that body or fail.
//
//	return c.Stream(func(w http.ResponseWriter) error {
//		w.Header().Set("Content-Type", "text/event-stream")
//		for event := range events {
//			if _, err := fmt.Fprintf(w, "data: %s\n\n", event); err != nil {
//				return err
//			}
//			if err := http.NewResponseController(w).Flush(); err != nil {
//				return err
//			}
//		}
//		return nil
//	})
func (c Context) Stream(fn func(w http.ResponseWriter) error) error {
	if err := claim(c.r); err != nil {
		return err
	}
	s := &streamWriter{w: c.w}
	err := errPanicked
	defer func() {
		end := markAnswered
		if started, hijacked := s.close(); err != nil && !hijacked { // a hijacked connection is its new owner's to close
			end = nil
			if started {
				end = newMark(&mark{state: broken, cause: err})
			}
		}
		settle(c.r, end)
	}()
	err = fn(s)
	return err
}

// errPanicked stands for the error of an answer that ended in a panic.
var errPanicked = errors.New("apiroutes: writing the answer panicked")

// streamWriter lends a ResponseWriter for the duration of one function. It has
// no Unwrap: that would hand out the writer itself, for ever. The lock is held
// during each call, so that close returns only when no call is under way.
type streamWriter struct {
	mu       sync.Mutex
	w        http.ResponseWriter // nil when closed
	started  bool                // a final status or a byte went out, or the connection was taken
	hijacked bool
}

func (s *streamWriter) close() (started, hijacked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = nil
	return s.started, s.hijacked
}

// use calls do with the writer while it is lent.
func (s *streamWriter) use(do func(w http.ResponseWriter) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return ErrAnswered
	}
	return do(s.w)
}

// Header returns the header of the answer, and an empty one once the writer is
// inert.
func (s *streamWriter) Header() http.Header {
	header := http.Header{}
	s.use(func(w http.ResponseWriter) error {
		header = w.Header()
		return nil
	})
	return header
}

func (s *streamWriter) WriteHeader(status int) {
	s.use(func(w http.ResponseWriter) error {
		// 1xx answers precede the final one; 101 is final.
		s.started = s.started || status >= 200 || status == http.StatusSwitchingProtocols
		w.WriteHeader(status)
		return nil
	})
}

func (s *streamWriter) Write(p []byte) (n int, err error) {
	err = s.use(func(w http.ResponseWriter) error {
		s.started = true
		n, err = w.Write(p)
		return err
	})
	return n, err
}

func (s *streamWriter) WriteString(p string) (n int, err error) {
	err = s.use(func(w http.ResponseWriter) error {
		s.started = true
		n, err = io.WriteString(w, p)
		return err
	})
	return n, err
}

func (s *streamWriter) Flush() { _ = s.FlushError() }

func (s *streamWriter) FlushError() error {
	return s.use(func(w http.ResponseWriter) error {
		err := http.NewResponseController(w).Flush()
		s.started = s.started || err == nil
		return err
	})
}

func (s *streamWriter) Hijack() (conn net.Conn, rw *bufio.ReadWriter, err error) {
	err = s.use(func(w http.ResponseWriter) error {
		conn, rw, err = http.NewResponseController(w).Hijack()
		if err == nil {
			s.started, s.hijacked = true, true
		}
		return err
	})
	return conn, rw, err
}

func (s *streamWriter) SetReadDeadline(t time.Time) error {
	return s.use(func(w http.ResponseWriter) error {
		return http.NewResponseController(w).SetReadDeadline(t)
	})
}

func (s *streamWriter) SetWriteDeadline(t time.Time) error {
	return s.use(func(w http.ResponseWriter) error {
		return http.NewResponseController(w).SetWriteDeadline(t)
	})
}

func (s *streamWriter) EnableFullDuplex() error {
	return s.use(func(w http.ResponseWriter) error {
		return http.NewResponseController(w).EnableFullDuplex()
	})
}
