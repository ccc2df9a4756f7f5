package middleware

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// CORSConfig says which pages may read answers, and what they may send for
// them. The zero value is refused, for it allows nobody: name an origin.
type CORSConfig struct {
	// Origins are the origins of the pages, each as browsers send it:
	// "https://app.example", "http://localhost:3000". They are compared byte for
	// byte; there are no patterns, which so often match the origin of somebody
	// else. With Credentials, an origin of http gives whoever controls a network
	// on the way what the user may see: name it for development only.
	//
	// "*" alone is any origin, for an API that is public to everybody.
	Origins []string

	// Methods are the methods of requests. GET stands for HEAD too, and OPTIONS
	// is always allowed. None stands for GET, HEAD, POST, PUT, PATCH and DELETE:
	// which of them a path has is the router's to say, by a 405 that the page can
	// read. GET, HEAD and POST are sent without a question, so that without them
	// here the request is served, but the page cannot read the answer.
	Methods []string

	// Headers are the request headers that a page may set, besides those that
	// need no permission, and Content-Type, without which there is no JSON.
	// "*" is all but Authorization, which can be named beside it; it is refused
	// with Credentials.
	Headers []string

	// ExposedHeaders are the answer's headers that a page may read, besides
	// Content-Type, Content-Length, Cache-Control, Content-Language, Expires,
	// Last-Modified and Pragma, which it always may. "*" alone is all of them; it
	// is refused with Credentials.
	ExposedHeaders []string

	// Credentials lets a page send and receive cookies, and what else a browser
	// keeps for a user, and read what is answered to them. An Authorization header
	// that the page sets itself does not need it.
	Credentials bool

	// MaxAge is how long a browser may keep the answer to a preflight, in whole
	// seconds, at most 24 hours; Chromium keeps it for two. Zero leaves it to
	// browsers: five seconds.
	MaxAge time.Duration
}

// corsMaxAge is the most that a browser honours: Firefox's limit.
const corsMaxAge = 24 * time.Hour

// Validate returns nil, or all mistakes in c as one error, as by [errors.Join]:
// each says what is wrong and how to write it.
func (c CORSConfig) Validate() error {
	var mistakes []error
	report := func(field, format string, args ...any) {
		mistakes = append(mistakes, fmt.Errorf("middleware: CORSConfig.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	each := func(field string, values []string, same func(a, b string) bool, mistake func(string) string) {
		for i, value := range values {
			field := fmt.Sprintf("%s[%d]", field, i)
			if first := slices.IndexFunc(values, func(v string) bool { return same(v, value) }); first < i {
				report(field, "%s is listed already, at %d: drop one", quoteValue(value), first)
			} else if text := mistake(value); text != "" {
				report(field, "%s %s", quoteValue(value), text)
			}
		}
	}
	exact := func(a, b string) bool { return a == b }

	if len(c.Origins) == 0 {
		report("Origins", `no origin is allowed: list those of your pages, such as "https://app.example", or "*" alone for any`)
	}
	each("Origins", c.Origins, exact, c.originMistake)
	each("Methods", c.Methods, exact, methodMistake)
	each("Headers", c.Headers, strings.EqualFold, c.headerMistake)
	each("ExposedHeaders", c.ExposedHeaders, strings.EqualFold, c.exposedMistake)
	switch {
	case c.MaxAge < 0:
		report("MaxAge", "%v is negative: write 0 to leave it to browsers, which keep a preflight for 5 seconds", c.MaxAge)
	case c.MaxAge%time.Second != 0:
		report("MaxAge", "%v is not in whole seconds, which is what the header has: write 600 * time.Second for ten minutes", c.MaxAge)
	case c.MaxAge > corsMaxAge:
		report("MaxAge", "%v is longer than any browser honours: write at most 24 * time.Hour", c.MaxAge)
	}
	return errors.Join(mistakes...)
}

func quoteValue(value string) string {
	if len(value) > 256 {
		return fmt.Sprintf("%.256q...", value)
	}
	return fmt.Sprintf("%q", value)
}

func (c CORSConfig) originMistake(origin string) string {
	switch {
	case origin != "*":
	case c.Credentials:
		return "with Credentials would let any page act as its visitor: list the origins, or drop Credentials"
	case len(c.Origins) > 1:
		return "is any origin already: let it stand alone, or drop it"
	default:
		return ""
	}
	why, right := checkOrigin(origin)
	if right == "" {
		return why
	}
	for { // one mistake may hide another: what is proposed must be right
		next, better := checkOrigin(right)
		switch {
		case next == "":
			return fmt.Sprintf("%s: write %q", why, right)
		case better == "":
			return why + ": and it " + next
		}
		right = better
	}
}

func methodMistake(method string) string {
	upper := strings.ToUpper(method)
	switch {
	case method == "*":
		return "is no method: leave Methods empty for all that are usual, or list them"
	case !isHTTPToken(method):
		return `is no method: write one token, such as "GET"`
	case slices.Contains([]string{"CONNECT", "TRACE", "TRACK"}, upper):
		return "cannot be sent by a page: drop it"
	case upper != method && slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, upper):
		return fmt.Sprintf("is another method than %q, for methods are case-sensitive: write %q", upper, upper)
	}
	return ""
}

func (c CORSConfig) headerMistake(name string) string {
	lower := strings.ToLower(name)
	switch {
	case name == "*" && c.Credentials:
		return "is not allowed with Credentials: list the headers"
	case name == "*":
		return ""
	case !isHTTPToken(name):
		return `is no header name: write one token, such as "X-Api-Key"`
	case slices.Contains(forbiddenRequestHeaders, lower), strings.HasPrefix(lower, "sec-"), strings.HasPrefix(lower, "proxy-"):
		return "is set by the browser, never by a page: drop it"
	case strings.HasPrefix(lower, "access-control-"):
		return "is a header of the CORS protocol itself, which this middleware writes: drop it"
	case slices.Contains(c.Headers, "*") && lower != "authorization":
		return `is covered by "*": drop one of them`
	}
	return ""
}

func (c CORSConfig) exposedMistake(name string) string {
	lower := strings.ToLower(name)
	switch {
	case name == "*" && c.Credentials:
		return "means nothing to browsers with Credentials: list the headers"
	case name == "*" && len(c.ExposedHeaders) > 1:
		return "is every header already: let it stand alone, or drop it"
	case name == "*":
		return ""
	case !isHTTPToken(name):
		return `is no header name: write one token, such as "X-Request-Id"`
	case lower == "set-cookie", lower == "set-cookie2":
		return "is kept from pages by browsers: drop it"
	case lower == "origin", strings.HasPrefix(lower, "access-control-"):
		return "is a header of the CORS protocol itself, which no page reads: drop it"
	}
	return ""
}

// forbiddenRequestHeaders are those of
// https://fetch.spec.whatwg.org/#forbidden-request-header, in lower case.
var forbiddenRequestHeaders = []string{
	"accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
	"access-control-request-private-network", "connection", "content-length", "cookie", "cookie2", "date", "dnt",
	"expect", "host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding",
	"upgrade", "via",
}

// isHTTPToken is RFC 9110, section 5.6.2.
func isHTTPToken(text string) bool {
	for i := range len(text) {
		if b := text[i]; !isAlphanumeric(b) && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return text != ""
}

func isAlphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}
