package apiroutes

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Redirect answers with a redirect to a target on this site: a path such as
// "/login", or one relative to the request's. The status is 301, 302, 303, 307
// or 308; Next.js takes 307 by default. Bytes that a URI cannot hold are
// escaped.
//
// A target that a browser may take for another site is a 400 error: one with a
// scheme, with two slashes or backslashes in front, with a space there or a
// control anywhere. So a target that came from a client, in "?next=" for example,
// cannot lead away. For other sites there is [Context.RedirectExternal].
func (c Context) Redirect(status int, target string) error {
	if problem := foreign(target); problem != "" {
		return Errorf(http.StatusBadRequest, "the redirect target %q %s", bounded(target), problem).
			WithCause(errors.New("apiroutes: Redirect takes a path of this site: for another one call RedirectExternal"))
	}
	return c.redirect(status, target)
}

// RedirectExternal is as [Context.Redirect], to another site: target is a whole
// URL with http or https and a host, and no user name. Never let a client
// choose it.
func (c Context) RedirectExternal(status int, target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Contains(target, `\`) {
		return fmt.Errorf("apiroutes: RedirectExternal to %q: write a whole URL such as https://example.com/path", bounded(target))
	}
	return c.redirect(status, target)
}

var redirectStatuses = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
	http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

func (c Context) redirect(status int, target string) error {
	if !slices.Contains(redirectStatuses, status) {
		return fmt.Errorf("apiroutes: Redirect with status %d: use 301, 302, 303, 307 or 308", status)
	}
	if err := c.SetHeader("Location", escapeURI(target)); err != nil {
		return err
	}
	return c.whole(status, nil, 0, nil)
}

// foreign says why a target may lead away from this site, as browsers read it
// (WHATWG URL, section 4.4): they drop spaces and controls around it and tabs
// and newlines in it, and take a backslash for a slash.
func foreign(target string) (problem string) {
	switch {
	case target == "":
		return "is empty"
	case strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "holds a control character"
	case target[0] == ' ':
		return "begins with a space"
	case len(target) > 1 && isSlash(target[0]) && isSlash(target[1]):
		return "begins with two slashes, which a host follows"
	}
	// A scheme ends at a colon before any other delimiter. What only looks
	// like one, "a b:c", is refused too.
	if i := strings.IndexAny(target, `:/\?#`); i >= 0 && target[i] == ':' {
		return "has a scheme"
	}
	return ""
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// escapeURI escapes the bytes that a URI cannot hold (RFC 3986, section 2), and
// a percent sign that begins no escape.
func escapeURI(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		_, escape := unescapeByte(text[i:])
		if c == '%' && !escape || c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
