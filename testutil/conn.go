package testutil

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Conn is a bare connection to the server of a [Client], for what no HTTP
// client sends: malformed requests, bodies that stop, lengths that lie,
// requests in a pipeline. It speaks HTTP/1.1, over TLS where the server does. A
// Conn closes when the test ends; it is not safe for concurrent use.
//
//	conn := api.Dial()
//	conn.Send("POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
//	conn.Abort()
//
// The server of [New] has no buffer between it and a Conn: Send waits until
// the server reads, and the server, where it writes, until the Conn does. A
// client that stops reading stops it at once; over TCP some hundred kilobytes
// later.
type Conn struct {
	t        testing.TB
	conn     net.Conn // nil after Dial failed: nothing more is reported
	in       *bufio.Reader
	sent     []byte // since the last Response, at most maxDump
	patience time.Duration
}

// Dial opens a connection.
func (c *Client) Dial() *Conn {
	c.t.Helper()
	wait := c.wait()
	ctx, cancel := context.WithTimeout(c.life, wait)
	defer cancel()
	conn, err := c.host.dial(ctx)
	if err != nil {
		c.t.Errorf("testutil: Dial: %v", err)
		return &Conn{t: c.t}
	}
	c.t.Cleanup(func() { conn.Close() })
	return &Conn{t: c.t, conn: conn, in: bufio.NewReader(conn), patience: wait}
}

// Send writes bytes as they are. The server may have closed its side by then,
// which is no failure: what it answered tells.
func (c *Conn) Send(text string) *Conn {
	c.t.Helper()
	c.send(text)
	return c
}

// SendSlowly writes text in pieces of size bytes with a pause before each, as a
// slow client does.
func (c *Conn) SendSlowly(text string, size int, pause time.Duration) *Conn {
	c.t.Helper()
	for size = max(size, 1); text != ""; {
		n := min(size, len(text))
		time.Sleep(pause) // what the caller asks for
		if !c.send(text[:n]) {
			break
		}
		text = text[n:]
	}
	return c
}

// send reports whether the server still takes what is sent.
func (c *Conn) send(text string) bool {
	c.t.Helper()
	if c.conn == nil {
		return false
	}
	c.sent = append(c.sent, text[:min(len(text), max(0, maxDump-len(c.sent)))]...)
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.patience))
	n, err := io.WriteString(c.conn, text)
	if isTimeout(err) {
		c.t.Errorf("Send: the server took %d of %d bytes, and no more within %v", n, len(text), c.patience)
	}
	return err == nil
}

// Response reads the next answer on the connection, to the end of its body;
// method is that of the request it belongs to. A 1xx is an answer of its own.
// Response reports a connection that closes without one.
func (c *Conn) Response(method string) *Response {
	c.t.Helper()
	r := &Response{t: c.t, sent: string(c.sent), patience: c.patience}
	if c.conn == nil {
		return r
	}
	c.sent = nil
	c.deadline()
	response, err := http.ReadResponse(c.in, &http.Request{Method: method}) //nolint:bodyclose // read at once below
	if err != nil {
		r.err = c.readError(err)
		r.fail("no answer on the connection: %v", r.err)
		return r
	}
	r.response = response
	r.readBody()
	return r
}

// Closed expects that the server has closed the connection, or closes it soon,
// without a further byte.
func (c *Conn) Closed() {
	c.t.Helper()
	if c.conn == nil {
		return
	}
	c.deadline()
	switch rest, err := io.ReadAll(io.LimitReader(c.in, maxDump)); {
	case len(rest) > 0:
		c.t.Errorf("the server sent %q, want a closed connection", rest)
	case isTimeout(err):
		c.t.Errorf("the server keeps the connection open for %v, want it closed", c.patience)
	}
}

// Read reads exactly n bytes of what the server sends, to go on slowly or not
// at all: a client that stops reading is one that calls neither Read nor
// Response any more.
func (c *Conn) Read(n int) string {
	c.t.Helper()
	if c.conn == nil {
		return ""
	}
	c.deadline()
	text := make([]byte, n)
	got, err := io.ReadFull(c.in, text)
	if err != nil {
		c.t.Errorf("read %d bytes of %d: %v\n%q", got, n, c.readError(err), text[:min(got, maxDump)])
	}
	return string(text[:got])
}

// Close closes the connection in order.
func (c *Conn) Close() {
	if c.conn != nil {
		c.conn.Close()
	}
}

// Abort breaks the connection off: over TCP with a reset, so that the server
// sees an error and not the end of a stream.
func (c *Conn) Abort() {
	conn := c.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // without the alert that ends TLS in order
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
	c.Close()
}

// deadline bounds what is read next.
func (c *Conn) deadline() { _ = c.conn.SetReadDeadline(time.Now().Add(c.patience)) }

// readError says what an error of reading means.
func (c *Conn) readError(err error) error {
	switch {
	case isTimeout(err):
		return &lateError{"the server sent nothing more", c.patience}
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed it")
	}
	return err
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
