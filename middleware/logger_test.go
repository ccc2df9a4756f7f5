package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
	"github.com/apiroutes/apiroutes/testutil"
)

var errLogSecret = errors.New("connection refused: db-7")

// logRoutes are routes behind a Logger, and what else is given inside of it.
func logRoutes(h slog.Handler, inside ...apiroutes.Middleware) *apiroutes.Router {
	r := apiroutes.New(append([]apiroutes.Middleware{middleware.Logger(slog.New(h))}, inside...)...)
	r.Get("/api/user/[id]", func(c apiroutes.Context) error { return c.Text(200, "user "+c.Param("id")) })
	r.Get("/api/empty", func(c apiroutes.Context) error { return c.NoContent(204) })
	r.Handle("/api/nothing", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r.Get("/api/fails", func(c apiroutes.Context) error { return errLogSecret })
	r.Get("/api/unavailable", func(c apiroutes.Context) error { return apiroutes.Errorf(503, "later") })
	r.Get("/api/gone", func(c apiroutes.Context) error {
		return apiroutes.Errorf(410, "no such thing").WithCause(errLogSecret)
	})
	r.Get("/api/late", func(c apiroutes.Context) error {
		_ = c.Text(200, "all is well")
		return errLogSecret
	})
	r.Get("/api/hints", func(c apiroutes.Context) error {
		return c.Stream(func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
			_, err := io.WriteString(w, "abc")
			return err
		})
	})
	r.Get("/api/id", func(c apiroutes.Context) error {
		if err := c.SetHeader("X-Request-Id", "id-7"); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	r.Get("/api/noid", func(c apiroutes.Context) error {
		if err := c.SetHeader("X-Request-Id", ""); err != nil {
			return err
		}
		return c.NoContent(204)
	})
	r.Get("/api/moved", func(c apiroutes.Context) error { return c.Redirect(307, "/api/empty") })
	return r
}

func TestLogger(t *testing.T) {
	from := func(address string) testutil.Edit {
		return func(r *http.Request) { r.RemoteAddr = address }
	}
	for _, c := range []struct {
		line   string
		edit   testutil.Edit
		want   []string
		reason string
	}{
		{line: "GET /api/user/7", want: []string{"msg=request", "level=INFO", "method=GET", "pattern=/api/user/[id]", "path=/api/user/7", "status=200", "bytes=6", "client_ip=192.0.2.1", "request_id=", "error=", "aborted="}},
		{line: "HEAD /api/user/7", want: []string{"method=HEAD", "status=200"}},
		{line: "GET /api/empty", want: []string{"level=INFO", "status=204", "bytes=0"}},
		{line: "GET /api/nothing", want: []string{"status=200", "bytes=0"}, reason: "the server answers so"},
		{line: "GET /api/hints", want: []string{"status=202", "bytes=3"}, reason: "103 is not the answer"},
		{line: "GET /api/moved", want: []string{"level=INFO", "status=307"}},
		{line: "GET /api/fails", want: []string{"level=ERROR", "status=500", "bytes=33", "error=connection refused: db-7"}},
		{line: "GET /api/unavailable", want: []string{"level=ERROR", "status=503", "error=503 later"}},
		{line: "GET /api/gone", want: []string{"level=WARN", "status=410", "error=410 no such thing: connection refused: db-7"}},
		{line: "GET /api/late", want: []string{"level=ERROR", "status=200", "bytes=11", "error=connection refused: db-7"}, reason: "what was sent, but the failure must not hide at Info"},
		{line: "GET /nowhere", want: []string{"level=WARN", "status=404", "pattern=", "path=/nowhere", "error=404 Not Found"}},
		{line: "POST /api/empty", want: []string{"level=WARN", "status=405", "pattern=/api/empty"}},
		{line: "GET /api/%2e%2e/x", want: []string{"level=WARN", "status=400"}},
		{line: "GET /api/user/a%2Fb", want: []string{"path=/api/user/a/b", "status=200"}, reason: "URL.Path"},
		{line: "GET /api/id", want: []string{"request_id=id-7"}},
		{line: "GET /api/noid", want: []string{"request_id="}},
		{line: "GET /api/empty", edit: from("[2001:db8::1]:443"), want: []string{"client_ip=2001:db8::1"}},
		{line: "GET /api/empty", edit: from("[fe80::1%eth0]:443"), want: []string{"client_ip=fe80::1%eth0"}},
		{line: "GET /api/empty", edit: from("@"), want: []string{"client_ip=@"}, reason: "a Unix socket has no port"},
		{line: "GET /api/empty", edit: from(""), want: []string{"client_ip="}},
		{line: "GET /api/empty", edit: testutil.Header("X-Forwarded-For", "203.0.113.9"), want: []string{"client_ip=192.0.2.1"}, reason: "no header is believed"},
		{line: "GET /api/empty", edit: testutil.Header("X-Request-Id", "forged"), want: []string{"request_id="}, reason: "that of the answer counts"},
	} {
		t.Run(c.line+" "+c.reason, func(t *testing.T) {
			t.Parallel()
			records := newLogRecords()
			edits := []testutil.Edit{from("192.0.2.1:1234")}
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			testutil.Call(t, logRoutes(records), c.line, edits...)
			got := records.next(t).is(t, c.want...)
			if d, err := time.ParseDuration(got["duration"]); err != nil || d < 0 || d > time.Minute {
				t.Errorf("duration is %q", got["duration"])
			}
			records.none(t)
		})
	}
}

// TestLoggerRequestID reads the answer's header at the end: whoever sets it
// may stand inside or outside, and may copy the request.
func TestLoggerRequestID(t *testing.T) {
	set := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "id-8")
			next.ServeHTTP(w, r.Clone(r.Context()))
		})
	}
	for name, in := range map[string]apiroutes.Chain{"outside": {set}, "inside": nil} {
		records := newLogRecords()
		inside := []apiroutes.Middleware{}
		if in == nil {
			inside = append(inside, set)
		}
		testutil.Call(t, in.Then(logRoutes(records, inside...)), "GET /api/user/7")
		records.next(t).is(t, "request_id=id-8", "status=200")
		t.Log(name)
	}
}

// TestLoggerKeepsTheRequest logs what the client asked for, not what middleware
// made of it.
func TestLoggerKeepsTheRequest(t *testing.T) {
	records := newLogRecords()
	h := middleware.Logger(slog.New(records))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Method, r.URL.Path, r.RemoteAddr = "FORGED", "/forged", "203.0.113.9:1"
	}))
	testutil.Call(t, h, "GET /asked", func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" })
	records.next(t).is(t, "method=GET", "path=/asked", "client_ip=192.0.2.1")
}

// TestLoggerForeignMiddleware has others' middleware inside of a Logger. They
// copy the request, so that its pattern stays with them, and wrap the writer.
func TestLoggerForeignMiddleware(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	compress := func(next http.Handler) http.Handler { return gzhttp.GzipHandler(next) }
	h := func(c apiroutes.Context) error {
		if c.Query("fail") != "" {
			return apiroutes.Errorf(418, "no tea").WithCause(errLogSecret)
		}
		return c.Text(201, long)
	}
	for _, mw := range []apiroutes.Chain{{foreignCopy}, {foreignCopy, foreignCopy}, {compress}, {foreignCopy, compress}, {compress, middleware.Recover(), foreignCopy}} {
		records := newLogRecords()
		r := apiroutes.New(mw...)
		r.Get("/x", h)
		logged := middleware.Logger(slog.New(records))(r)
		res := testutil.Call(t, logged, "GET /x", testutil.Header("Accept-Encoding", "gzip")).Status(201)
		sent := len(res.Bytes())
		if zipped := res.Result().Header.Get("Content-Encoding") == "gzip"; zipped != (sent < 1000) {
			t.Errorf("%d bytes, compressed: %v", sent, zipped)
		}
		records.next(t).is(t, "status=201", fmt.Sprintf("bytes=%d", sent), "error=")
		testutil.Call(t, logged, "GET /x?fail=1").Status(418)
		records.next(t).is(t, "status=418", "level=WARN", "error=418 no tea: connection refused: db-7")
		records.none(t)
	}
}

// TestLoggerNested: each Logger has its record, and none hides the error from
// the other.
func TestLoggerNested(t *testing.T) {
	setDefaultLog(t, newLogRecords())
	outer, inner := newLogRecords(), newLogRecords()
	h := middleware.Logger(slog.New(outer))(logRoutes(inner))
	testutil.Call(t, h, "GET /api/fails").Status(500)
	for _, records := range []logRecords{inner, outer} {
		records.next(t).is(t, "status=500", "bytes=33", "error=connection refused: db-7")
		records.none(t)
	}
}

// TestLoggerDefault asks for the default logger when there is something to log.
// Whatever comes to a Logger is logged there and nowhere else.
func TestLoggerDefault(t *testing.T) {
	r := apiroutes.New(middleware.Logger(nil))
	r.Get("/fails", func(c apiroutes.Context) error { return errLogSecret })
	for range 2 {
		records := newLogRecords()
		setDefaultLog(t, records)
		testutil.Call(t, r, "GET /fails").Status(500)
		records.next(t).is(t, "msg=request", "status=500")
		records.none(t)
	}
	records := newLogRecords()
	setDefaultLog(t, records)
	r = apiroutes.New(middleware.Logger(slog.New(slog.DiscardHandler)))
	r.Get("/fails", func(c apiroutes.Context) error { return errLogSecret })
	testutil.Call(t, r, "GET /fails").Status(500)
	records.none(t)
}

// logAtLeast is a handler for a level and above.
type logAtLeast struct {
	logRecords
	min slog.Level
}

func (h logAtLeast) Enabled(_ context.Context, level slog.Level) bool { return level >= h.min }

func TestLoggerLevelDisabled(t *testing.T) {
	h := logAtLeast{newLogRecords(), slog.LevelWarn}
	r := logRoutes(h)
	testutil.Call(t, r, "GET /api/user/7")
	h.none(t)
	testutil.Call(t, r, "GET /nowhere")
	h.next(t).is(t, "status=404")
	h.min = slog.LevelError
	testutil.Call(t, logRoutes(h), "GET /nowhere")
	h.none(t)
}

// logPlain is a slog handler that quotes nothing.
type logPlain struct {
	logRecords
	to io.Writer
}

func (h logPlain) Handle(_ context.Context, r slog.Record) error {
	fmt.Fprint(h.to, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprint(h.to, " ", a.Key, "=", a.Value)
		return true
	})
	fmt.Fprintln(h.to)
	return nil
}

var logControl = regexp.MustCompile(`[\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}\x{2028}\x{2029}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{FFFD}]`)

// TestLoggerOneLine sends what breaks lines, moves cursors or looks like another
// record, wherever a client has a say, and long values. Handlers differ in what
// they quote: with each of them the record is one line without controls.
func TestLoggerOneLine(t *testing.T) {
	var out bytes.Buffer
	handlers := map[string]slog.Handler{
		"text":  slog.NewTextHandler(&out, nil),
		"JSON":  slog.NewJSONHandler(&out, nil),
		"plain": logPlain{nil, &out},
	}
	hostile := []string{
		"a\nlevel=ERROR msg=forged", "a\r\nb", "a\x00b", "\x1b[2J\x1b]0;title\a", "\x7f", "a\u009b2Jb", "a\u2028b\u2029c", "\u202egpj.exe",
		"\xff\xfe", "\u0085", "\t\v\f\b", "\ufeff", "a\u200bb", strings.Repeat("\n", 10_000), strings.Repeat("x", 10_000), strings.Repeat("\U000e0001", 10_000),
	}
	for name, h := range handlers {
		logger := middleware.Logger(slog.New(h))
		for _, text := range hostile {
			fail := apiroutes.ErrorHandler(nil)
			served := logger(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["X-Request-Id"] = []string{text}
				fail(w, r, errors.New("bad: "+text))
			}))
			r := httptest.NewRequest("GET", "/", nil)
			r.Method, r.URL.Path, r.RemoteAddr = "M"+text, "/"+text, text
			out.Reset()
			served.ServeHTTP(httptest.NewRecorder(), r)
			line := out.String()
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || logControl.MatchString(line) {
				t.Errorf("%s, %.30q: the line is %.500q", name, text, line)
			}
			if len(line) > 60_000 { // 4096+4*256 bytes, of which four may become ten, and twice as many backslashes
				t.Errorf("%s, %.30q: a line of %d bytes", name, text, len(line))
			}
		}
	}
}

func TestLoggerBounds(t *testing.T) {
	for _, c := range []struct{ text, want, reason string }{
		{"/" + strings.Repeat("x", 255), "/" + strings.Repeat("x", 255), "256 fit"},
		{"/" + strings.Repeat("x", 256), "/" + strings.Repeat("x", 255) + "...", "one more does not"},
		{"/" + strings.Repeat("x", 254) + "é", "/" + strings.Repeat("x", 254) + "...", "no half character"},
		{"/" + strings.Repeat("x", 253) + "é", "/" + strings.Repeat("x", 253) + "é", "a whole one"},
		{"/" + strings.Repeat("x", 252) + "\U0001F600z", "/" + strings.Repeat("x", 252) + "...", "of four bytes"},
		{"/a" + strings.Repeat("\x80", 300), "/a" + strings.Repeat(`\x80`, 254) + "...", "no characters at all"},
		{"/a b", "/a b", "a handler quotes that"},
		{`/a"\b`, `/a"\b`, "and that"},
		{"/é\U0001F600", "/é\U0001F600", "printable"},
		{"/a\nb\"", `/a\nb\"`, "escaped"},
	} {
		records := newLogRecords()
		h := middleware.Logger(slog.New(records))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			apiroutes.ErrorHandler(nil)(w, r, errors.New(strings.Repeat("e", 3840)+c.text))
		}))
		testutil.Call(t, h, "GET /", func(r *http.Request) { r.URL.Path = c.text })
		got := records.next(t).is(t, "path="+c.want)
		if want := strings.Repeat("e", 3840) + c.want; got["error"] != want {
			t.Errorf("%s: the error ends with %q, want %q", c.reason, got["error"][3800:], want[3800:])
		}
	}
}

// TestLoggerCredentials: what must not be in a log is in none of its attributes.
func TestLoggerCredentials(t *testing.T) {
	onProtocols(t, func(t *testing.T, p testutil.Protocol) {
		records := newLogRecords()
		api := testutil.Serve(t, logRoutes(records, middleware.Recover()), p)
		check := func() {
			t.Helper()
			if text := fmt.Sprint(records.next(t)); strings.Contains(text, "s3cret") || !strings.Contains(text, "path:/") {
				t.Errorf("the record is %s", text)
			}
		}
		for _, path := range []string{"/api/user/7", "/nowhere", "/api/fails"} {
			api.Get(path+"?token=s3cret&s3cret", testutil.Header("Authorization", "Bearer s3cret"), testutil.Cookie("session", "s3cret"),
				testutil.Header("Referer", "https://x/?s3cret"), testutil.Header("User-Agent", "s3cret")).Bytes()
			check()
		}
		if p == testutil.HTTP {
			api.Dial().Send("GET http://ada:s3cret@x/api/user/7?s3cret HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET").Status(200)
			check()
		}
	})
}

// logPanicking is an error whose text cannot be had.
type logPanicking struct{}

func (logPanicking) Error() string { panic("no text") }

func TestLoggerErrorThatPanics(t *testing.T) {
	records := newLogRecords()
	h := middleware.Logger(slog.New(records))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		apiroutes.ErrorHandler(nil)(w, r, logPanicking{})
	}))
	testutil.Call(t, h, "GET /").Status(500)
	records.next(t).is(t, "status=500").has(t, "error", "no text")
}
