package apiroutes

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// How a path is read, in one place for matching, parameters and redirects.
//
// A path is split at the slashes that the client sent as slashes, and each
// segment is decoded once. URL.Path alone tells that only while URL.RawPath is
// empty; net/url sets RawPath whenever encoding Path again would not give what
// was sent, so whenever a segment holds "%2F".
//
// The tree matches the canonical form of a path: segments decoded, joined by
// slashes, with a NUL in place of each slash that is data. NUL itself is never
// accepted in a path, so the form is unambiguous; without RawPath it is
// URL.Path itself.

// slashData stands for a slash inside a segment of a canonical path.
const slashData = 0

// plain turns a segment of a canonical path into its value.
func plain(segment string) string {
	if strings.IndexByte(segment, slashData) < 0 {
		return segment
	}
	return strings.ReplaceAll(segment, "\x00", "/")
}

// sentPath returns the path to split: RawPath if that is set and an encoding of
// Path, else Path. URL.EscapedPath would drop a RawPath that holds bytes which
// should have been escaped too, such as a quote, and so turn a "%2F" beside
// them into a separator.
func sentPath(u *url.URL) (path string, escaped bool) {
	if u.RawPath == "" {
		return u.Path, false
	}
	n := 0
	for i := 0; i < len(u.RawPath); i++ {
		b := u.RawPath[i]
		if b == '%' {
			value, ok := unescapeByte(u.RawPath[i:])
			if !ok {
				return u.Path, false
			}
			b = value
			i += 2
		}
		if n == len(u.Path) || u.Path[n] != b {
			return u.Path, false
		}
		n++
	}
	if n != len(u.Path) {
		return u.Path, false
	}
	return u.RawPath, true
}

// canonicalPath returns the canonical form of u's path, and whether it was
// made from RawPath. The error is for an encoded NUL, for which the form has no
// place.
func canonicalPath(u *url.URL) (path string, escaped bool, err *Error) {
	sent, escaped := sentPath(u)
	if !escaped {
		return sent, false, nil
	}
	var canonical strings.Builder
	canonical.Grow(len(u.Path))
	for i := 0; i < len(sent); i++ {
		b := sent[i]
		if value, ok := unescapeByte(sent[i:]); ok {
			b = value
			i += 2
			switch b {
			case 0:
				err = errNul
			case '/':
				b = slashData
			}
		}
		canonical.WriteByte(b)
	}
	return canonical.String(), true, err
}

// unescapeByte decodes the escape that text begins with, if it does.
func unescapeByte(text string) (b byte, ok bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, ok1 := unhex(text[1])
	low, ok2 := unhex(text[2])
	return high<<4 | low, ok1 && ok2
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// segmentAt returns where the next segment at or after i stands, passing over
// slashes. start is len(path) at the end. Empty segments do not count: where
// an unclean path is served, it is served as its clean form.
func segmentAt(path string, i int) (start, end int) {
	for i < len(path) && path[i] == '/' {
		i++
	}
	return i, segmentEnd(path, i)
}

func segmentEnd(path string, i int) int {
	if n := strings.IndexByte(path[i:], '/'); n >= 0 {
		return i + n
	}
	return len(path)
}

// segmentNumber returns where segment number place stands, from 0.
func segmentNumber(path string, place int) (start, end int) {
	start, end = segmentAt(path, 0)
	for range place {
		start, end = segmentAt(path, end)
	}
	return start, end
}

// isClean reports whether a path has neither doubled nor trailing slashes.
func isClean(path string) bool {
	return path == "/" || !strings.Contains(path, "//") && !strings.HasSuffix(path, "/")
}

// clean drops empty segments.
func clean(path string) string {
	if path != "" && path[0] == '/' && isClean(path) {
		return path
	}
	var b strings.Builder
	b.Grow(len(path) + 1)
	for start, end := segmentAt(path, 0); start < len(path); start, end = segmentAt(path, end) {
		b.WriteByte('/')
		b.WriteString(path[start:end])
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// checkPath returns the error for a canonical path that no handler shall see,
// whether a route matches it or not. Such paths are refused, never cleaned: a
// handler or a file system behind it could read them in another way than the
// guard before it did.
func checkPath(path string, escaped bool) *Error {
	for start, end := segmentAt(path, 0); start < len(path); start, end = segmentAt(path, end) {
		if segment := path[start:end]; segment == "." || segment == ".." {
			return errDotSegment
		}
	}
	if err := checkNul(path, escaped); err != nil {
		return err
	}
	if !utf8.ValidString(path) {
		return errNotUTF8
	}
	return nil
}

// checkNul is the part of checkPath that holds below mounts too: no path could
// be read unambiguously with a NUL in it. One that was escaped is found by
// canonicalPath.
func checkNul(path string, escaped bool) *Error {
	if !escaped && strings.IndexByte(path, 0) >= 0 {
		return errNul
	}
	return nil
}

// segmentsFrom returns the values of the segments from number place on.
func segmentsFrom(u *url.URL, place int) []string {
	path, _, _ := canonicalPath(u)
	start, end := segmentNumber(path, place)
	if start == len(path) {
		return nil
	}
	segments := make([]string, 0, 1+strings.Count(path[end:], "/"))
	for ; start < len(path); start, end = segmentAt(path, end) {
		segments = append(segments, plain(path[start:end]))
	}
	return segments
}

// restFrom returns the canonical path from segment number place on, clean and
// without a leading slash.
func restFrom(path string, place int) string {
	start, _ := segmentNumber(path, place)
	if rest := path[start:]; rest == "" || isClean(rest) {
		return rest
	}
	return clean(path[start:])[1:]
}

// redirectTarget is the Location that leads from an unclean path to its clean
// form. It is relative and climbs to the directory in which the path, as this
// handler sees it, begins: so it is right below any prefix that was stripped
// on the way, and neither Host nor a header takes part. The path is not
// "//host" even where it looks so, since it always begins with "../".
func redirectTarget(u *url.URL) string {
	path, raw := sentPath(u)
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	target := []byte(strings.Repeat("../", strings.Count(path, "/")-1))
	target = appendEscaped(target, clean(path)[1:], raw, "/-._~!$&'()*+,;=:@")
	if u.RawQuery != "" || u.ForceQuery {
		target = append(target, '?')
		target = appendEscaped(target, u.RawQuery, true, "/-._~!$&'()*+,;=:@?%[]|^`{}\\")
	}
	return string(target)
}

// appendEscaped appends text with all but letters, digits and the bytes of
// allowed percent-encoded; raw text keeps its own escapes.
func appendEscaped(target []byte, text string, raw bool, allowed string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte(allowed, c) >= 0, c == '%' && raw:
			target = append(target, c)
		default:
			target = append(target, '%', hex[c>>4], hex[c&15])
		}
	}
	return target
}

// redirect answers 308 with the clean form of the path. It does without
// http.Redirect, which makes the target absolute and so wrong below a prefix.
func redirect(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["Location"] = []string{redirectTarget(r.URL)}
	header["Content-Length"] = lengthValue(0)
	w.WriteHeader(http.StatusPermanentRedirect)
}

// isSubtree reports whether path, but for one trailing slash, is the place at
// which an outer ServeMux pattern roots a subtree: "/api/" for the pattern
// "GET /api/" or "/v1/{tenant}/api/{rest...}" (with a prefix stripped). Such a
// mux redirects "/api" to "/api/", so the reverse redirect here would loop.
func isSubtree(pattern, path string) bool {
	i := strings.IndexByte(pattern, '/')
	if i < 0 || !strings.HasSuffix(path, "/") || !isClean(strings.TrimSuffix(path, "/")) {
		return false
	}
	pattern = pattern[i:]
	last := strings.LastIndexByte(pattern, '/') + 1
	if tail := pattern[last:]; tail != "" && tail != "{$}" && !strings.HasSuffix(tail, "...}") {
		return false
	}
	want := strings.Split(strings.Trim(pattern[:last], "/"), "/")
	have := strings.Split(strings.Trim(path, "/"), "/")
	if len(have) > len(want) {
		return false
	}
	want = want[len(want)-len(have):]
	for i, w := range want {
		if strings.HasPrefix(w, "{") {
			continue
		}
		if text, err := url.PathUnescape(w); err != nil || text != plain(have[i]) {
			return false
		}
	}
	return true
}

// isTarget reports whether the request's target is a path. The others are the
// asterisk of "OPTIONS *", and such as "mailto:x", which net/http passes on.
func isTarget(r *http.Request) bool {
	if r.URL.Opaque != "" {
		return false
	}
	return r.URL.Path != "*" || r.RequestURI != "" && r.RequestURI != "*"
}
