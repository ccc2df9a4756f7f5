package fallback

import (
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/apiroutes/apiroutes"
)

var silent = log.New(io.Discard, "", 0) // ReverseProxy's: errors are returned

func failed(status int, cause error) error {
	return (&apiroutes.Error{Status: status}).WithCause(cause)
}

// serve answers one request.
func (u *upstream) serve(c apiroutes.Context) error {
	r := c.Request()
	to, ok := u.locate(r)
	switch {
	case !ok:
		return apiroutes.Errorf(http.StatusBadRequest, "the request target is not a path")
	case u.named(r.Header["Via"]):
		return failed(http.StatusLoopDetected, fmt.Errorf("fallback: %s://%s leads back here: Via is %q", u.scheme, u.host, r.Header["Via"]))
	}
	return c.Stream(func(w http.ResponseWriter) error {
		x := &exchange{upstream: u, r: r, to: to, w: newAnswer(w, r)}
		return x.run()
	})
}

// exchange is one request and its answer on their way.
type exchange struct {
	*upstream
	r      *http.Request
	to     *url.URL
	w      *answer
	before http.Header // what middleware has set for the answer

	sent     *requestBody // nil without a body
	asked    bool         // the request was good enough to be sent
	response io.Closer    // the body of the answer, once there is one
	err      error        // why there is none
	broken   error        // why there is no more of it
}

// run passes the request on, and the answer back.
func (x *exchange) run() (err error) {
	header := x.w.Header()
	x.before = header.Clone()
	clear(header)    // or it would go out with a 1xx, and be cleared then
	if x.hasBody() { // which a server of HTTP/1 reads to its end before it answers, else
		_ = x.w.control.EnableFullDuplex()
	}
	x.w.begin()
	defer x.w.end()
	defer func() {
		// ReverseProxy panics if the answer breaks, but below a server of
		// net/http only.
		if x.broken != nil || x.w.err != nil {
			_ = recover()
			err = x.breakage()
		}
	}()
	proxy := httputil.ReverseProxy{
		Rewrite:        x.rewrite,
		Transport:      x.transport,
		FlushInterval:  -1,
		ErrorLog:       silent,
		ModifyResponse: x.receive,
		ErrorHandler:   x.fail,
	}
	proxy.ServeHTTP(x.w, x.r)
	if x.err != nil {
		return x.failure()
	}
	return nil
}

func (x *exchange) hasBody() bool {
	return x.r.ProtoMajor == 1 && x.r.Body != nil && x.r.Body != http.NoBody
}

// closeUnread is called before the header goes out. A body that was not read to
// its end by then may never be, and net/http cannot go on with the connection
// in full duplex: it finds the end of the body after it has stopped to watch
// for a client that leaves, watches again, and panics over the next request.
func (x *exchange) closeUnread() {
	if x.hasBody() && !x.sent.ended() {
		x.w.Header().Set("Connection", "close")
	}
}

// rewrite makes the request to the target.
func (x *exchange) rewrite(p *httputil.ProxyRequest) {
	x.asked = true
	p.Out.URL = x.to
	maps.DeleteFunc(p.Out.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "X-Forwarded-") })
	p.SetXForwarded()
	version := fmt.Sprintf("%d.%d", p.In.ProtoMajor, p.In.ProtoMinor)
	if p.In.ProtoMajor > 1 {
		version = fmt.Sprint(p.In.ProtoMajor)
	}
	// Of In: a client can have Via dropped from Out, by naming it in Connection.
	p.Out.Header["Via"] = append(slices.Clone(p.In.Header["Via"]), version+" "+x.name)
	if p.Out.Body != nil && p.Out.Body != http.NoBody {
		x.sent = &requestBody{ReadCloser: p.Out.Body, from: p.In.Trailer, to: p.Out.Trailer}
		p.Out.Body = x.sent
	}
}

// receive is called with the answer, before its header is copied.
func (x *exchange) receive(res *http.Response) error {
	header := x.w.Header() // empty: ReverseProxy clears it after a 1xx
	for name, values := range x.before {
		if _, replaced := res.Header[name]; !replaced || name == "Set-Cookie" || name == "Vary" {
			header[name] = values
		}
	}
	if _, typed := res.Header["Content-Type"]; !typed {
		header["Content-Type"] = nil // none, rather than a guess of net/http
	}
	x.response = res.Body
	if res.StatusCode != http.StatusSwitchingProtocols { // whose Body is the connection
		res.Body = &responseBody{res.Body, x}
		x.closeUnread()
	}
	return nil
}

// fail is called if there is no answer, or none that can be passed on.
func (x *exchange) fail(_ http.ResponseWriter, _ *http.Request, err error) {
	x.err = err
	if x.response != nil {
		x.response.Close()
	}
	if !x.w.hijacked {
		header := x.w.Header()
		clear(header)
		maps.Copy(header, x.before)
		x.closeUnread()
	}
}

// failure is the error of a request without an answer.
func (x *exchange) failure() error {
	cause := fmt.Errorf("fallback: %s://%s: %w", x.scheme, x.host, x.err)
	var (
		tooLarge *http.MaxBytesError
		timeout  interface{ Timeout() bool }
	)
	switch body := x.sent.failed(); {
	case errors.As(body, &tooLarge):
		return body
	case errors.Is(body, os.ErrDeadlineExceeded): // it also ends the context
		return apiroutes.Errorf(http.StatusRequestTimeout, "the body did not arrive in time").WithCause(cause)
	case x.r.Context().Err() != nil:
		return x.ended(cause)
	case x.w.hijacked:
		return failed(statusClientGone, cause)
	case body != nil:
		return apiroutes.Errorf(http.StatusBadRequest, "the body is malformed or incomplete").WithCause(cause)
	case !x.asked:
		return apiroutes.Errorf(http.StatusBadRequest, "the protocol to upgrade to is invalid").WithCause(cause)
	case errors.As(x.err, &timeout) && timeout.Timeout():
		return failed(http.StatusGatewayTimeout, cause)
	}
	return failed(http.StatusBadGateway, cause)
}

// statusClientGone is what apiroutes logs for a client that has gone.
const statusClientGone = 499

// breakage is the error of an answer of which a part is out.
func (x *exchange) breakage() error {
	switch {
	case x.r.Context().Err() != nil:
		return x.ended(errors.Join(x.w.err, x.broken))
	case x.w.err != nil:
		return failed(statusClientGone, fmt.Errorf("fallback: the client takes no more of the answer: %w", x.w.err))
	case x.sent.failed() != nil: // which breaks the connection to the target
		return failed(statusClientGone, fmt.Errorf("fallback: the client sends no more of its body: %w", x.sent.failed()))
	}
	return failed(http.StatusBadGateway, fmt.Errorf("fallback: %s://%s broke off its answer: %w", x.scheme, x.host, x.broken))
}

// ended is the error of a request whose context is done.
func (x *exchange) ended(cause error) error {
	return fmt.Errorf("%w (%v)", x.r.Context().Err(), cause)
}
