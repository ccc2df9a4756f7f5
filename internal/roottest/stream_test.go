package roottest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// What the writer of a stream can do beyond Write, on the transports that can.

// onStreams runs a sub-test on each transport that sends parts at once.
func onStreams(t *testing.T, test func(t *testing.T, tr transport)) {
	t.Helper()
	onTransports(t, func(t *testing.T, tr transport) {
		if tr.recorder || tr.buffers {
			t.Skip("sends no parts")
		}
		test(t, tr)
	})
}

// open sends a request and returns the answer with its body unread.
func (w *wire) open(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	res, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// TestServerSentEvents sends each event only when the client has read the one
// before it.
func TestServerSentEvents(t *testing.T) {
	onStreams(t, func(t *testing.T, tr transport) {
		next := make(chan string)
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				w.Header().Set("Content-Type", "text/event-stream")
				for {
					select {
					case event, ok := <-next:
						if !ok {
							return nil
						}
						_, err := fmt.Fprintf(w, "data: %s\n\n", event)
						if err := errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
							return err
						}
					case <-c.Context().Done():
						return c.Context().Err()
					}
				}
			})
		}))
		go func() { next <- "0" }()
		res := w.open(t, w.request(t, "/"))
		if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("Content-Type is %q", got)
		}
		body := bufio.NewReader(res.Body)
		for i := range 5 {
			if i > 0 {
				next <- fmt.Sprint(i)
			}
			data, err1 := body.ReadString('\n')
			blank, err2 := body.ReadString('\n')
			if got, want := data+blank, fmt.Sprintf("data: %d\n\n", i); got != want || err1 != nil || err2 != nil {
				t.Fatalf("event %d is %q (%v, %v)", i, got, err1, err2)
			}
		}
		close(next)
		if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
			t.Errorf("the stream ends with %q, %v", rest, err)
		}
		<-w.left
		w.neighbours(t)
	})
}

// TestStreamClientGone is a client that hangs up: that is no failure of the
// server, and nothing is logged, whether the handler returns the error of the
// context or that of a write.
func TestStreamClientGone(t *testing.T) {
	onStreams(t, func(t *testing.T, tr transport) {
		logs := captureLog(t)
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				_, err := io.WriteString(w, "part\n")
				if err := errors.Join(err, http.NewResponseController(w).Flush()); err != nil {
					return err
				}
				<-c.Context().Done()
				for i := 0; i < 100_000 && c.Query("write") != ""; i++ {
					if _, err := fmt.Fprintf(w, "%d %d %d\n", i, i*i, i*i*i); err != nil {
						return err
					}
				}
				return c.Context().Err()
			})
		}))
		for _, query := range []string{"", "?write=1"} {
			ctx, hangUp := context.WithCancel(t.Context())
			res := w.open(t, w.request(t, "/"+query).WithContext(ctx))
			if line, err := bufio.NewReader(res.Body).ReadString('\n'); line != "part\n" {
				t.Errorf("the stream begins with %q, %v", line, err)
			}
			hangUp()
			<-w.left
			if logged := logs.take(); logged != "" {
				t.Errorf("log is %q", logged)
			}
			w.neighbours(t)
		}
	})
}

// TestInformationalStatus sends 1xx answers, which are not the answer.
func TestInformationalStatus(t *testing.T) {
	onStreams(t, func(t *testing.T, tr transport) {
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				w.Header().Set("Link", "</style.css>; rel=preload")
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusProcessing)
				return apiroutes.Errorf(http.StatusNotFound, "")
			})
		}))
		var hints []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, header["Link"]))
			return nil
		}}
		r := w.request(t, "/")
		got := w.do(t, r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
		if got.err != nil || got.status != 404 || got.body != `{"error":"Not Found"}` {
			t.Errorf("the client has %v", got)
		}
		if want := "[103 [</style.css>; rel=preload] 102 [</style.css>; rel=preload]]"; fmt.Sprint(hints) != want {
			t.Errorf("before that it has %v, want %v", hints, want)
		}
		w.neighbours(t)
	})
}

// TestSwitchingProtocolsIsFinal distinguishes 101 from the other 1xx.
func TestSwitchingProtocolsIsFinal(t *testing.T) {
	captureLog(t)
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusSwitchingProtocols)
			return errOops
		})
	})
	text := panicText(t, func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)) })
	if text != http.ErrAbortHandler.Error() {
		t.Errorf("panic %q", text)
	}
}

// TestFlushSendsStatus aborts where only a Flush went out: the client has a
// status by then.
func TestFlushSendsStatus(t *testing.T) {
	onStreams(t, func(t *testing.T, tr transport) {
		captureLog(t)
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				w.(http.Flusher).Flush()
				return apiroutes.Errorf(http.StatusNotFound, "")
			})
		}))
		if got := w.post(t, "/"); got.err == nil {
			t.Errorf("the client has %v", got)
		}
		w.neighbours(t)
	})
}

// TestHijack takes the connection over where there is one to take. It outlives
// the handler, whose error concerns nobody but the log then.
func TestHijack(t *testing.T) {
	onTransports(t, func(t *testing.T, tr transport) {
		logs := captureLog(t)
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				conn, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return apiroutes.Errorf(http.StatusUpgradeRequired, "").WithCause(err)
				}
				go func() {
					defer conn.Close()
					_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
					_, _ = io.Copy(conn, rw.Reader)
				}()
				return errOops
			})
		})
		w := tr.serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panic: %v", v)
				}
			}()
			h.ServeHTTP(rw, r)
		}))
		if tr.recorder || tr.http2 || tr.buffers {
			if got := w.post(t, "/"); got.err != nil || got.status != http.StatusUpgradeRequired {
				t.Errorf("the client has %v", got)
			}
			w.neighbours(t)
			return
		}
		conn := w.api.Dial()
		conn.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		<-w.left
		conn.Response("GET").Status(http.StatusSwitchingProtocols)
		for _, line := range []string{"one\n", "two\n"} {
			if got := conn.Send(line).Read(len(line)); got != line {
				t.Errorf("echo of %q is %q", line, got)
			}
		}
		if logged := logs.take(); !strings.Contains(logged, "oops") {
			t.Errorf("log is %q", logged)
		}
	})
}

func TestStreamDeadlines(t *testing.T) {
	past := time.Unix(1, 0)
	onStreams(t, func(t *testing.T, tr transport) {
		captureLog(t)
		r := apiroutes.New()
		readErr := make(chan error, 1)
		r.Handle("/read", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				if err := http.NewResponseController(w).SetReadDeadline(past); err != nil {
					return err
				}
				_, err := io.ReadAll(c.Request().Body)
				readErr <- err
				return apiroutes.Errorf(http.StatusRequestTimeout, "")
			})
		}))
		writes := make(chan error, 1)
		r.Handle("/write", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				rc := http.NewResponseController(w)
				err := rc.SetWriteDeadline(past)
				for i := 0; i < 10_000 && err == nil; i++ {
					_, err = fmt.Fprintf(w, "%d %d %d\n", i, i*i, i*i*i)
					err = errors.Join(err, rc.Flush())
				}
				writes <- err
				return err
			})
		}))
		w := tr.serve(t, r)
		body, sender := io.Pipe() // nothing is ever sent
		defer sender.Close()
		req := w.request(t, "/read")
		req.Body, req.ContentLength = body, -1
		defer context.AfterFunc(req.Context(), func() { sender.Close() })()
		got := w.do(t, req)
		if err := <-readErr; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the body ended with %v; the client has %v", err, got)
		}
		if got.err == nil && got.status != http.StatusRequestTimeout {
			t.Errorf("the client has %v", got)
		}
		if got := w.post(t, "/write"); got.err == nil {
			t.Errorf("the client has %v", got)
		}
		if err := <-writes; err == nil {
			t.Error("no write failed")
		}
	})
}

// TestFullDuplex reads what the client sends after it has seen a part of the
// answer.
func TestFullDuplex(t *testing.T) {
	onStreams(t, func(t *testing.T, tr transport) {
		w := tr.serve(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				rc := http.NewResponseController(w)
				if err := rc.EnableFullDuplex(); err != nil {
					return err
				}
				lines := bufio.NewScanner(c.Request().Body)
				for lines.Scan() {
					if _, err := fmt.Fprintf(w, "%s\n", lines.Text()); err != nil {
						return err
					}
					if err := rc.Flush(); err != nil {
						return err
					}
				}
				return lines.Err()
			})
		}))
		body, sender := io.Pipe()
		req := w.request(t, "/")
		req.Body, req.ContentLength = body, -1
		defer context.AfterFunc(req.Context(), func() { sender.Close() })()
		go fmt.Fprint(sender, "line 0\n")
		res := w.open(t, req)
		in := bufio.NewReader(res.Body)
		for i := range 4 {
			if i > 0 {
				fmt.Fprintf(sender, "line %d\n", i)
			}
			if got, err := in.ReadString('\n'); got != fmt.Sprintf("line %d\n", i) {
				t.Fatalf("line %d is %q, %v", i, got, err)
			}
		}
		sender.Close()
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("the stream ends with %q, %v", rest, err)
		}
		<-w.left
		w.neighbours(t)
	})
}

// TestStreamUnsupported finds the errors of net/http where a writer can do no
// more than write.
func TestStreamUnsupported(t *testing.T) {
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			rc := http.NewResponseController(w)
			_, _, hijack := rc.Hijack()
			for name, err := range map[string]error{
				"Flush": rc.Flush(), "Hijack": hijack, "EnableFullDuplex": rc.EnableFullDuplex(),
				"SetReadDeadline": rc.SetReadDeadline(time.Time{}), "SetWriteDeadline": rc.SetWriteDeadline(time.Time{}),
			} {
				if !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("%s returned %v", name, err)
				}
			}
			return apiroutes.Errorf(http.StatusNotFound, "") // nothing was started
		})
	})
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
	if got := brief(testutil.Call(t, bare, "GET /")); got != `404 {"error":"Not Found"}` {
		t.Errorf("got %s", got)
	}
}

// TestStreamAllocation is the price of a stream beside another answer: its
// writer.
func TestStreamAllocation(t *testing.T) {
	text := []byte("part")
	allocations := func(h apiroutes.HandlerFunc) float64 {
		w, r := streamNullWriter{}, httptest.NewRequest("GET", "/", nil)
		return testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) })
	}
	stream := allocations(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusAccepted)
			_, err := w.Write(text)
			return err
		})
	})
	other := allocations(func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) })
	if stream != other+1 {
		t.Errorf("%v allocations, want 1 more than %v", stream, other)
	}
}

// streamNullWriter keeps its header only.
type streamNullWriter http.Header

func (w streamNullWriter) Header() http.Header         { return http.Header(w) }
func (w streamNullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w streamNullWriter) WriteHeader(int)             {}
