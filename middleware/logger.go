package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/internal/writer"
)

// Logger logs one record for each request, when that is done, to l; nil stands
// for [slog.Default], asked each time. Its message is "request", and its
// attributes are
//
//	method      as the client sent it
//	pattern     the route's, see http.Request.Pattern; left out if there is none
//	path        URL.Path: never the query, which may hold secrets
//	status      of the answer
//	bytes       of its body, as they came through here
//	duration
//	request_id  the header X-Request-Id of the answer; left out if there is none
//	client_ip   the host of RemoteAddr; left out if there is none
//	error       what a handler or middleware returned, with its cause; left out if nothing
//	aborted     true if a panic passed through, else left out
//
// Method, path and address are those with which the request came here. What a
// client chose is cut after 256 bytes, an error after 4096, and both are
// escaped where they hold control characters, so that a line stays one line
// with any slog handler. Headers and cookies are not logged.
//
// The level is Error for a status of 5xx, Warn for 4xx, else Info; an error that
// came too late for the answer counts with its own status. A client that was
// gone before it got an answer, or during it, is logged with the status 499 of
// nginx, at Info. A panic, [http.ErrAbortHandler] included, is logged with the
// status and bytes sent so far, 0 for none, and goes on unchanged: at the level
// of the error that was recorded for it, else at Error, or at Info if the client
// was gone.
//
// Errors that are answered through [apiroutes.ErrorHandler], by handlers or
// middleware, come to Logger through the writers in between, each of which needs
// an Unwrap method, and are then logged nowhere else, also where l drops the
// record. Logger belongs outside of [Recover].
func Logger(l *slog.Logger) apiroutes.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shared, outermost := writer.Wrap(w)
			if outermost {
				defer shared.Close()
			}
			shared.Listen()
			e := exchange{
				logger: l, w: shared, r: r, start: time.Now(),
				method: r.Method, path: r.URL.Path, remote: r.RemoteAddr,
			}
			// Neither a panic nor runtime.Goexit is recovered: what is not
			// recovered goes on as it is, with its stack.
			defer e.log()
			next.ServeHTTP(shared, r)
			e.returned = true
		})
	}
}

// exchange is a request with what was its answer. Middleware inside may change
// the request, so what the client sent is kept.
type exchange struct {
	logger               *slog.Logger
	w                    *writer.Writer
	r                    *http.Request
	start                time.Time
	method, path, remote string
	returned             bool
}

// Bounds of an attribute, in bytes.
const (
	mostOfClient = 256
	mostOfError  = 4096
)

func (e *exchange) log() {
	recorded, err := e.w.Unlisten()
	logger := e.logger
	if logger == nil {
		logger = slog.Default()
	}
	status, level := e.outcome(recorded)
	ctx := e.r.Context()
	if !logger.Enabled(ctx, level) {
		return
	}
	took := time.Since(e.start)
	var most [10]slog.Attr
	attrs := append(most[:0], slog.String("method", printable(e.method, mostOfClient)))
	if e.r.Pattern != "" {
		attrs = append(attrs, slog.String("pattern", e.r.Pattern))
	}
	attrs = append(attrs,
		slog.String("path", printable(e.path, mostOfClient)),
		slog.Int("status", status),
		slog.Int64("bytes", e.w.Bytes()),
		slog.Duration("duration", took))
	if id := e.w.Header()["X-Request-Id"]; len(id) > 0 && id[0] != "" {
		attrs = append(attrs, slog.String("request_id", printable(id[0], mostOfClient)))
	}
	if ip := host(e.remote); ip != "" {
		attrs = append(attrs, slog.String("client_ip", printable(ip, mostOfClient)))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", printable(errorText(err), mostOfError)))
	}
	if !e.returned {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	// Not LogAttrs: that would ask for the time again, and for the source line,
	// which is always this one.
	record := slog.NewRecord(e.start.Add(took), level, "request", 0)
	record.AddAttrs(attrs...)
	_ = logger.Handler().Handle(ctx, record)
}

// statusClientGone is nginx's: RFC 9110 has no status for a client that left.
const statusClientGone = 499

// outcome returns the status to be logged, and the level. recorded is the status
// of the error that was recorded, 0 for none.
func (e *exchange) outcome(recorded int) (status int, level slog.Level) {
	status = e.w.Status()
	switch {
	case status != 0:
	case e.w.Hijacked():
		status = http.StatusSwitchingProtocols // as a rule, written by hand
	case e.returned:
		status = http.StatusOK // which the server makes of nothing
	}
	left := errors.Is(e.r.Context().Err(), context.Canceled)
	switch {
	case recorded == statusClientGone, recorded == 0 && left && !e.w.Started():
		return statusClientGone, slog.LevelInfo
	case !e.returned && recorded == 0:
		if left { // a proxy aborts an answer that nobody reads any more
			return status, slog.LevelInfo
		}
		return status, slog.LevelError
	}
	switch worst := max(status, recorded); {
	case worst >= 500:
		level = slog.LevelError
	case worst >= 400:
		level = slog.LevelWarn
	}
	return status, level
}

// host returns the host of an address, which may have no port.
func host(address string) string {
	if colon := strings.IndexByte(address, ':'); colon == strings.LastIndexByte(address, ':') && colon >= 0 {
		return address[:colon] // of IPv4, or a name
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

// errorText is err.Error(), but survives a method that panics: the record of a
// request must not be lost to the error it tells of.
func errorText(err error) string { return fmt.Sprint(err) }

// printable cuts text after so many bytes, between characters, and escapes it
// as in Go source if it holds anything but printable characters. Those handlers
// of slog that quote would let pass some that a terminal acts upon, as JSON has
// U+009B, and not all handlers quote.
func printable(text string, most int) string {
	cut := len(text) > most
	if cut {
		text = truncate(text, most)
	}
	if !isPlain(text) && strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }) {
		quoted := strconv.Quote(text)
		text = quoted[1 : len(quoted)-1]
	}
	if cut {
		text += "..."
	}
	return text
}

// isPlain reports whether text is printable ASCII.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// truncate returns the first bytes of text, without the part of a character that
// would be cut in two.
func truncate(text string, most int) string {
	for n := most; n > most-utf8.UTFMax && n > 0; n-- {
		if utf8.RuneStart(text[n]) {
			return text[:n]
		}
	}
	return text[:most] // no UTF-8
}
