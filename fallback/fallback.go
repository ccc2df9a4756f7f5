package fallback

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/apiroutes/apiroutes"
)

// To returns a handler that passes every request on to the server at target:
// http or https, a host, and a port if need be, as in "http://127.0.0.1:3000".
// It panics if target is anything else. A path has no place in it, since
// requests keep their own; see the package comment for what else reaches the
// server and what comes back.
//
// The handler is for [apiroutes.Router.Mount], and for any other place that
// takes an [http.Handler].
func To(target string) http.Handler {
	u, err := parseTarget(target)
	if err != nil {
		panic(fmt.Sprintf("fallback: To(%q): %v", withoutUser(target), err))
	}
	return newUpstream(u, new(net.Dialer).DialContext).handler()
}

// upstream is a server that requests are passed on to.
type upstream struct {
	scheme, host string
	name         string // in Via
	transport    *http.Transport
}

func newUpstream(u *url.URL, dial dialer) *upstream {
	return &upstream{u.Scheme, u.Host, pseudonym(u), newTransport(dial)}
}

func (u *upstream) handler() http.Handler { return apiroutes.HandlerFunc(u.serve) }

// parseTarget reads a target, and says what is wrong with it.
func parseTarget(target string) (*url.URL, error) {
	u, err := url.Parse(target)
	scheme, _, _ := strings.Cut(target, "://")
	switch {
	case target == "":
		return nil, errors.New(`the target is empty: write it as "http://127.0.0.1:3000"`)
	case scheme == target:
		return nil, fmt.Errorf("the target has no scheme: write %q", "http://"+strings.TrimLeft(withoutUser(target), "/"))
	case err != nil:
		var reason *url.Error
		if errors.As(err, &reason) {
			err = reason.Err // without the text of the target
		}
		return nil, fmt.Errorf(`the target is no URL: %w: write it as "http://127.0.0.1:3000"`, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("the scheme %q is neither http nor https: write %q", u.Scheme, "http://"+u.Host)
	case u.Hostname() == "":
		return nil, fmt.Errorf("the target has no host: write %q", u.Scheme+"://127.0.0.1"+portOf(u))
	}
	clean := u.Scheme + "://" + u.Host
	switch port, err := strconv.ParseUint(u.Port(), 10, 16); {
	case u.User != nil:
		return nil, fmt.Errorf("the target has a user name, which would not be sent: write %q", clean)
	case strings.HasSuffix(u.Host, ":"):
		return nil, fmt.Errorf("the port is missing: write %q, or a number behind the colon", strings.TrimSuffix(clean, ":"))
	case u.Port() != "" && (err != nil || port == 0):
		return nil, fmt.Errorf("the port %s is none: write a number from 1 to 65535", u.Port())
	case u.RawQuery != "" || u.ForceQuery:
		return nil, fmt.Errorf("the target has a query, but requests keep their own: write %q", clean)
	case strings.Contains(target, "#"):
		return nil, fmt.Errorf("the target has a fragment, which is never sent: write %q", clean)
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("the target has the path %q, but requests keep the whole path that the client sent: write %q", u.EscapedPath(), clean)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return ":" + port
	}
	return ""
}

// withoutUser cuts out what may be a password, of something that may be no URL.
func withoutUser(target string) string {
	at := strings.LastIndexByte(target, '@')
	if at < 0 {
		return target
	}
	if scheme, _, found := strings.Cut(target[:at], "://"); found {
		return scheme + "://" + target[at+1:]
	}
	return target[at+1:]
}

// pseudonym names the handlers for a target in Via (RFC 9110, section 7.6.3).
// It does not show the target, and is the same in each instance of a program,
// so that a loop through several ends at the first that was there before.
func pseudonym(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	sum := sha256.Sum256([]byte(u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)))
	return fmt.Sprintf("apiroutes-%x", sum[:8])
}

// named reports whether a handler for the same target is in Via already. Only
// "[protocol/]version name" counts. A client that writes the name itself gets
// the 508 that it asks for.
func (u *upstream) named(via []string) bool {
	for _, line := range via {
		for element := range strings.SplitSeq(line, ",") {
			if fields := strings.Fields(element); len(fields) > 1 && strings.EqualFold(fields[1], u.name) {
				return true
			}
		}
	}
	return false
}
