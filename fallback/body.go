package fallback

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// requestBody notes why the client's body could not be read, and copies its
// trailers. It is read by a goroutine of the transport.
type requestBody struct {
	io.ReadCloser
	from, to http.Header

	mu  sync.Mutex
	err error // io.EOF at the end
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		for name := range b.to { // what was announced
			b.to[name] = b.from[name]
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	return n, err
}

// ended reports whether the body was read to its end.
func (b *requestBody) ended() bool { return b != nil && b.state() == io.EOF }

// failed returns why it could not be, or nil.
func (b *requestBody) failed() error {
	if b == nil || b.state() == io.EOF {
		return nil
	}
	return b.state()
}

func (b *requestBody) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// responseBody notes why the target's answer could not be read to its end.
type responseBody struct {
	io.ReadCloser
	x *exchange
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.x.broken = err
	}
	return n, err
}

// answer is the client's end. It notes why it could not be written to, and
// gives each write the time that the server has for a whole answer.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	limit    time.Duration // 0: none
	err      error
	hijacked bool
}

func newAnswer(w http.ResponseWriter, r *http.Request) *answer {
	a := &answer{ResponseWriter: w, control: http.NewResponseController(w)}
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		a.limit = server.WriteTimeout
	}
	return a
}

// begin lifts the time limit. In HTTP/2 one that passes ends a stream even if
// nothing is being written.
func (a *answer) begin() {
	if a.limit > 0 {
		_ = a.control.SetWriteDeadline(time.Time{})
	}
}

// end sets the time limit for what the server writes after an answer.
func (a *answer) end() {
	if a.limit > 0 && !a.hijacked {
		_ = a.control.SetWriteDeadline(time.Now().Add(a.limit))
	}
}

func (a *answer) WriteHeader(status int) {
	if status == http.StatusContinue {
		return // the server sends its own when the body is read, which the target's leads to
	}
	a.end()
	a.ResponseWriter.WriteHeader(status)
	a.begin()
}

func (a *answer) Write(p []byte) (int, error) {
	a.end()
	n, err := a.ResponseWriter.Write(p)
	if err != nil {
		a.err = err
	}
	return n, err // a flush follows
}

// FlushError lifts the limit again when all is written.
func (a *answer) FlushError() error {
	a.end()
	err := a.control.Flush()
	a.begin()
	return err
}

// Hijack takes the connection, from which the server takes its time limits.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := a.control.Hijack()
	a.hijacked = err == nil
	return conn, rw, err
}
