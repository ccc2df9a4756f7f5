package middleware_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

// varyHandlers set Vary, and answer, in each way that there is. The path is the
// name.
var varyHandlers = map[string]func(w http.ResponseWriter, r *http.Request){
	"/nothing":     func(w http.ResponseWriter, r *http.Request) {},
	"/status":      func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) },
	"/write":       func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("x")) },
	"/writestring": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x") },
	"/readfrom": func(w http.ResponseWriter, r *http.Request) {
		w.(io.ReaderFrom).ReadFrom(strings.NewReader("x"))
	},
	"/flush":      func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() },
	"/controller": func(w http.ResponseWriter, r *http.Request) { http.NewResponseController(w).Flush() },
	"/late":       func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "x"); w.Header().Set("Vary", "Late") },
	"/json": apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.JSON(http.StatusOK, "x")
	}).ServeHTTP,
	"/stream": apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			fmt.Fprint(w, "x")
			return http.NewResponseController(w).Flush()
		})
	}).ServeHTTP,
	"/error": apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		return apiroutes.Errorf(http.StatusConflict, "taken")
	}).ServeHTTP,
}

// TestCORSKeepsVary: Origin stays in Vary, whatever a handler does with it, and
// what the handler has there stays too.
func TestCORSKeepsVary(t *testing.T) {
	t.Parallel()
	changes := map[string]func(http.Header){
		"set":     func(h http.Header) { h.Set("Vary", "Accept-Encoding") },
		"add":     func(h http.Header) { h.Add("Vary", "Accept-Encoding") },
		"delete":  func(h http.Header) { h.Del("Vary") },
		"list":    func(h http.Header) { h.Set("Vary", "Accept, origin") },
		"star":    func(h http.Header) { h.Set("Vary", "*") },
		"similar": func(h http.Header) { h.Set("Vary", "X-Origin") },
		"shared":  func(h http.Header) { h["Vary"] = varyShared[:1] },
	}
	want := map[string]string{
		"set": "Accept-Encoding, Origin", "add": "Origin, Accept-Encoding", "delete": "Origin", "list": "Accept, origin",
		"star": "*", "similar": "X-Origin, Origin", "shared": "Accept, Origin",
	}
	h := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		changes[r.URL.Query().Get("vary")](w.Header())
		varyHandlers[r.URL.Path](w, r)
	}))
	corsWays(t, h, func(t *testing.T, do corsDo) {
		for path := range varyHandlers {
			for change := range changes {
				for _, origin := range []testutil.Edit{corsOrigin(), corsOrigin("https://evil.example"), corsOrigin(corsApp)} {
					r := do("GET", path+"?vary="+change, origin).Header("Vary", want[change])
					if path != "/nothing" && path != "/status" && path != "/flush" && path != "/controller" && len(r.Bytes()) == 0 {
						t.Errorf("%s: no body", path)
					}
				}
			}
		}
	})
	if varyShared != [2]string{"Accept", "Cookie"} {
		t.Errorf("a handler's own slice was written to: %q", varyShared)
	}
}

// varyShared has room behind a slice of it.
var varyShared = [2]string{"Accept", "Cookie"}

// TestCORSVaryIsNotShared: what one answer adds does not show in another.
func TestCORSVaryIsNotShared(t *testing.T) {
	t.Parallel()
	var h http.Handler
	h = middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[1:]
		w.Header().Add("Vary", name)
		if name == "First" {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/Second", nil))
		}
		if got := w.Header()["Vary"]; got[1] != name {
			t.Errorf("%s has %q", name, got)
		}
	}))
	testutil.Call(t, h, "GET /First").Header("Vary", "Origin, First")
}

// TestCORSEarlyHints: a 1xx does not end the time to set headers.
func TestCORSEarlyHints(t *testing.T) {
	t.Parallel()
	h := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Vary", "Accept-Encoding")
		io.WriteString(w, "x")
	}))
	corsWays(t, h, func(t *testing.T, do corsDo) {
		do("GET", "/").Status(200).Header("Vary", "Accept-Encoding, Origin").Text("x")
	})
}

// TestCORSPanic: the error of a middleware further out has Vary too.
func TestCORSPanic(t *testing.T) {
	t.Parallel()
	recovering := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					http.Error(w, "broken", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
	h := apiroutes.Chain{recovering, middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})}.Then(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Cookie")
			panic("broken")
		}))
	corsWays(t, h, func(t *testing.T, do corsDo) {
		r := do("GET", "/", corsOrigin(corsApp)).Status(500)
		if got, want := corsSaid(r), "Allow-Origin="+corsApp+" Vary=Cookie, Origin"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestCORSWriter: what the server's writer can do is not hidden.
func TestCORSWriter(t *testing.T) {
	t.Parallel()
	h := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n")
		rw.Flush()
	}))
	testutil.Serve(t, h, testutil.HTTP).Get("/").Status(299).Header("Vary", "")

	cannot := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, err := w.(http.Hijacker).Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack: %v", err)
		}
		if err := w.(interface{ FlushError() error }).FlushError(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("FlushError: %v", err)
		}
	}))
	cannot.ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
}

// varyInert is a writer that a goroutine may use at any time.
type varyInert struct {
	mu   sync.Mutex
	late bool
}

func (w *varyInert) Header() http.Header { return http.Header{} }
func (w *varyInert) WriteHeader(int)     { _, _ = w.Write(nil) }

func (w *varyInert) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.late {
		return 0, apiroutes.ErrAnswered
	}
	return len(p), nil
}

// TestCORSLateWrite: a goroutine that outlives the handler finds what the writer
// further out has for it, and races with nothing.
func TestCORSLateWrite(t *testing.T) {
	t.Parallel()
	cors := middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})
	answers := []func(w http.ResponseWriter){func(w http.ResponseWriter) {}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }}
	for i := range 40 { // a race is found by chance
		var wait sync.WaitGroup
		inert := new(varyInert)
		over := make(chan struct{})
		ready := make(chan struct{})
		cors(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wait.Go(func() {
				close(ready)
				for done := false; !done; {
					select {
					case <-over:
						done = true
					default:
					}
					w.Header()
					if _, err := io.WriteString(w, "late"); done && !errors.Is(err, apiroutes.ErrAnswered) {
						t.Errorf("a late write: %v", err)
					}
				}
			})
			<-ready
			answers[i%2](w)
		})).ServeHTTP(inert, httptest.NewRequest("GET", "/", nil))
		inert.mu.Lock()
		inert.late = true
		inert.mu.Unlock()
		close(over)
		wait.Wait()
	}
}

// varyReader counts what is copied to it by its ReadFrom, as sendfile would.
type varyReader struct {
	*httptest.ResponseRecorder
	copied int64
}

func (w *varyReader) ReadFrom(r io.Reader) (n int64, err error) {
	n, err = io.Copy(w.ResponseRecorder, r)
	w.copied += n
	return n, err
}

// TestCORSSendfile: a file goes to the server's ReadFrom in one piece.
func TestCORSSendfile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, []byte("twelve bytes, and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &varyReader{ResponseRecorder: httptest.NewRecorder()}
	middleware.CORS(middleware.CORSConfig{Origins: []string{corsApp}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer file.Close()
		io.CopyN(w, file, 12)
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.copied != 12 || w.Body.String() != "twelve bytes" {
		t.Errorf("ReadFrom got %d bytes of %q", w.copied, w.Body)
	}
}
