package roottest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// Files of a form that are too large for memory wait in temporary files. None
// may stay, however a request ends.

// uploadBig is more than the 1 MiB of files that stay in memory.
const uploadBig = 1<<20 + 100_000

func uploadBody(size int) string {
	return formField("a", "1") + formFile("f", "big.bin", strings.Repeat("x", size)) + formEnd
}

// uploadDir is an empty folder for temporary files.
func uploadDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if os.TempDir() != dir {
		t.Skip("this system takes the folder from elsewhere")
	}
	return dir
}

func uploadCount(t testing.TB, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	return len(entries)
}

// uploadLeft counts the files when h is left: net/http removes some of them
// later, but not after a panic, and not those of a copied request.
func uploadLeft(t testing.TB, dir string, left *int, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*left = -1
		defer func() { *left = uploadCount(t, dir) }()
		h.ServeHTTP(w, r)
	})
}

// uploadCopies passes on a copy of the request, as middleware does that sets a
// value in its context.
func uploadCopies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), uploadKey{}, 1)))
	})
}

type uploadKey struct{}

func uploadRecovers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch v := recover(); v {
			case nil:
			case http.ErrAbortHandler:
				panic(v)
			default:
				http.Error(w, "recovered", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// uploadEnds are the ways in which a handler ends.
var uploadEnds = map[string]func(c apiroutes.Context) error{
	"success":           func(c apiroutes.Context) error { return c.Text(http.StatusOK, "done") },
	"error":             func(apiroutes.Context) error { return errOops },
	"panic":             func(apiroutes.Context) error { panic("boom") },
	"stream that fails": func(c apiroutes.Context) error { return c.Stream(uploadPart(errOops)) },
	"stream that panics": func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			_ = uploadPart(nil)(w)
			panic("boom")
		})
	},
	"error that is dropped": func(c apiroutes.Context) error {
		_ = c.Stream(uploadPart(errOops))
		return nil
	},
}

func uploadPart(err error) func(w http.ResponseWriter) error {
	return func(w http.ResponseWriter) error {
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		return err
	}
}

// uploadReads are the ways in which a handler reads a form into files.
var uploadReads = map[string]func(c apiroutes.Context) error{
	"Form": func(c apiroutes.Context) error {
		var form *multipart.Form
		return c.Decode(&form)
	},
	"struct": func(c apiroutes.Context) error {
		var v struct {
			F *multipart.FileHeader `form:"f"`
		}
		return c.Decode(&v)
	},
	"refused": func(c apiroutes.Context) error {
		var v struct {
			F string `form:"f"`
		}
		if err := c.Decode(&v); err == nil {
			return errors.New("a file was accepted as text")
		}
		return nil
	},
	"net/http": func(c apiroutes.Context) error { return c.Request().ParseMultipartForm(1) },
}

// uploadRoutes are the ways to a handler behind which it may read 4 MiB.
var uploadRoutes = map[string]func(h apiroutes.HandlerFunc) http.Handler{
	"view": func(h apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New()
		r.MaxBody(4<<20).Post("/", h)
		return r
	},
	"view with middleware": func(h apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New(tag("a"))
		r.With(tag("b")).MaxBody(4<<20).With(tag("c")).Post("/", h)
		return r
	},
	"recovered": func(h apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New(uploadRecovers)
		r.MaxBody(4<<20).Post("/", h)
		return r
	},
	"mount of a mount": func(h apiroutes.HandlerFunc) http.Handler {
		inner, middle, outer := apiroutes.New(), apiroutes.New(uploadRecovers), apiroutes.New()
		inner.MaxBody(4<<20).Post("/", h)
		middle.Mount("/", inner)
		outer.MaxBody(8<<20).Mount("/", middle)
		return outer
	},
}

// TestUploadsLeaveNoFile crosses routes, readers and ends.
func TestUploadsLeaveNoFile(t *testing.T) {
	dir := uploadDir(t)
	captureLog(t)
	body := uploadBody(uploadBig)
	for _, tr := range transports[:2] {
		for route, build := range uploadRoutes {
			if tr.http2 && route != "recovered" && route != "mount of a mount" {
				continue
			}
			during, left := 0, -1
			w := tr.serve(t, uploadLeft(t, dir, &left, build(func(c apiroutes.Context) error {
				if err := uploadReads[c.Query("read")](c); err != nil {
					t.Errorf("%s, %s, %s: %v", tr.name, route, c.Query("read"), err)
				}
				during = uploadCount(t, dir)
				return uploadEnds[c.Query("end")](c)
			})))
			for read := range uploadReads {
				for end := range uploadEnds {
					req := w.request(t, "/?"+url.Values{"read": {read}, "end": {end}}.Encode())
					req.Header.Set("Content-Type", formMultipart)
					req.Body = io.NopCloser(strings.NewReader(body))
					w.do(t, req)
					if during != 1 || left != 0 {
						t.Errorf("%s, %s, %s, %s: %d files while the handler ran, want 1; %d afterwards, want 0", tr.name, route, read, end, during, left)
					}
				}
			}
		}
	}
}

// uploadCase is a handler that reads a form as net/http does, or gets a copied
// request.
type uploadCase struct {
	name, reason string
	build        func(plain http.Handler, native apiroutes.HandlerFunc) http.Handler
}

var uploadCases = []uploadCase{
	{"plain below a view", "net/http does not know of the copy that has the limit", func(plain http.Handler, _ apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New()
		r.MaxBody(4<<20).Handle("/", plain)
		return r
	}},
	{"plain behind middleware below a view", "", func(plain http.Handler, _ apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New(tag("a"))
		r.MaxBody(4<<20).With(tag("b")).Handle("/", plain)
		return r
	}},
	{"plain mounted", "net/http does not know of the copy that has the path", func(plain http.Handler, _ apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New()
		r.Mount("/", plain)
		return r
	}},
	{"plain mounted below a view", "two copies", func(plain http.Handler, _ apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New()
		r.MaxBody(4<<20).Mount("/", plain)
		return r
	}},
	{"plain in a mounted router", "", func(plain http.Handler, _ apiroutes.HandlerFunc) http.Handler {
		inner, outer := apiroutes.New(), apiroutes.New()
		inner.Handle("/", plain)
		outer.Mount("/", inner)
		return outer
	}},
	{"copied by middleware", "the handler's request is nobody else's", func(_ http.Handler, native apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New(uploadCopies)
		r.MaxBody(4<<20).Post("/", native)
		return r
	}},
	{"copied by middleware inside a view", "", func(_ http.Handler, native apiroutes.HandlerFunc) http.Handler {
		r := apiroutes.New()
		r.MaxBody(4<<20).With(uploadCopies).Post("/", native)
		return r
	}},
	{"alone", "a HandlerFunc of a foreign router", func(_ http.Handler, native apiroutes.HandlerFunc) http.Handler {
		return uploadCopies(apiroutes.HandlerFunc(func(c apiroutes.Context) error { return native(c) }))
	}},
}

// TestUploadsOfCopies: whoever copies a request, or hands out one, cleans up.
func TestUploadsOfCopies(t *testing.T) {
	dir := uploadDir(t)
	captureLog(t)
	for _, tr := range transports[:2] {
		for _, c := range uploadCases {
			for _, end := range []string{"returns", "panics"} {
				t.Run(strings.Join([]string{tr.name, c.name, end}, ", "), func(t *testing.T) {
					during, left := 0, -1
					parse := func(r *http.Request) {
						if err := r.ParseMultipartForm(1); err != nil {
							t.Error(err)
						}
						during = uploadCount(t, dir)
						if end == "panics" {
							panic("boom")
						}
					}
					plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { parse(r) })
					native := func(c apiroutes.Context) error { parse(c.Request()); return nil }
					w := tr.serve(t, uploadLeft(t, dir, &left, c.build(plain, native)))
					req := w.request(t, "/")
					req.Header.Set("Content-Type", formMultipart)
					req.Body = io.NopCloser(strings.NewReader(uploadBody(100_000)))
					w.do(t, req)
					if during != 1 || left != 0 {
						t.Errorf("%d files while the handler ran, want 1; %d afterwards, want 0; %s", during, left, c.reason)
					}
				})
			}
		}
	}
}

// TestUploadsOfOuterMiddleware: a form is removed by who let it be read, and
// not before that is done with it.
func TestUploadsOfOuterMiddleware(t *testing.T) {
	dir := uploadDir(t)
	var states []string
	parses := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(1); err != nil {
				t.Error(err)
			}
			next.ServeHTTP(w, r)
			text, err := formText(r.MultipartForm)
			states = append(states, fmt.Sprintf("%d bytes, %v, %d file", len(text), err, uploadCount(t, dir)))
		})
	}
	native := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		text, err := formText(c.Request().MultipartForm)
		if err != nil {
			return err
		}
		return c.Text(http.StatusOK, fmt.Sprint(len(text)))
	})
	mounted := func(outer *apiroutes.Router, h http.Handler) http.Handler {
		outer.Mount("/", h)
		return outer
	}
	view := func(r *apiroutes.Router, h http.Handler) http.Handler {
		r.MaxBody(4<<20).Handle("/", h)
		return r
	}
	for name, h := range map[string]http.Handler{
		"in the view":         view(apiroutes.New(parses), native),
		"in With":             view(apiroutes.New().With(parses), native),
		"around a view":       parses(view(apiroutes.New(), native)),
		"around a handler":    parses(native),
		"around a mount":      mounted(apiroutes.New(parses), native),
		"around two mounts":   mounted(apiroutes.New(parses), mounted(apiroutes.New(), native)),
		"between the two":     mounted(apiroutes.New(), mounted(apiroutes.New(parses), view(apiroutes.New(), native))),
		"copied further down": view(apiroutes.New(parses, uploadCopies), native),
	} {
		states = nil
		var req *http.Request
		got := brief(testutil.Call(t, h, "POST /", testutil.Body(formMultipart, uploadBody(100_000)), keep(&req)))
		size := len("a=1 files f=big.bin=100000=") + 100_000
		if want := fmt.Sprintf("200 %d", size); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got, want := fmt.Sprint(states), fmt.Sprintf("[%d bytes, <nil>, 1 file]", size); got != want {
			t.Errorf("%s: behind the handler: %s, want %s", name, got, want)
		}
		if form := req.MultipartForm; form != nil { // as the server does
			_ = form.RemoveAll()
		}
		if n := uploadCount(t, dir); n != 0 {
			t.Errorf("%s: %d files are left", name, n)
		}
	}
}

// uploadSlowly signals when a number of bytes was read of a body.
type uploadSlowly struct {
	io.ReadCloser
	rest  int
	reach chan struct{}
}

func (b *uploadSlowly) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if before := b.rest; before > 0 {
		if b.rest -= n; b.rest <= 0 {
			close(b.reach)
		}
	}
	return n, err
}

// TestUploadsThatStop: the client is gone when a part of the file is on disk.
func TestUploadsThatStop(t *testing.T) {
	dir := uploadDir(t)
	captureLog(t)
	for _, tr := range transports[:2] {
		for name, h := range map[string]apiroutes.HandlerFunc{"Decode": formAsPointer, "Parts": formAsParts, "net/http": func(c apiroutes.Context) error {
			return c.Request().ParseMultipartForm(1)
		}} {
			t.Run(tr.name+" "+name, func(t *testing.T) {
				left, failed, reached := -1, make(chan error, 1), make(chan struct{})
				r := apiroutes.New()
				r.MaxBody(8<<20).With(uploadCopies).Post("/", func(c apiroutes.Context) error {
					err := h(c)
					failed <- err
					return err
				})
				w := tr.serve(t, uploadLeft(t, dir, &left, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					req.Body = &uploadSlowly{req.Body, uploadBig + 50_000, reached}
					r.ServeHTTP(w, req)
				})))
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				in, out := io.Pipe()
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.api.URL("/"), in)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", formMultipart)
				answered := make(chan struct{})
				go func() {
					defer close(answered)
					if res, err := w.client.Do(req); err == nil {
						_ = res.Body.Close()
					}
				}()
				go func() { // ends when the client closes the pipe
					body := uploadBody(2 * uploadBig)
					_, _ = io.WriteString(out, body[:uploadBig+200_000])
				}()
				uploadAwait(t, reached)
				during := uploadCount(t, dir)
				if want := 1; name != "Parts" && during != want || name == "Parts" && during != 0 {
					t.Errorf("%d files while it is uploaded", during)
				}
				leave()
				_ = out.CloseWithError(context.Canceled) // a client of HTTP/1.1 waits for the body that it sends
				uploadAwait(t, answered)
				uploadAwait(t, w.left)
				switch err := <-failed; {
				case err == nil:
					t.Error("the handler was told of no error")
				case tr.http2 && name != "net/http" && err != context.Canceled: // HTTP/1.1 cannot tell
					t.Errorf("the handler was told %v, want that the client is gone", err)
				}
				if left != 0 {
					t.Errorf("%d files are left", left)
				}
			})
		}
	}
}

func uploadAwait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happens")
	}
}
