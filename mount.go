package apiroutes

import (
	"net/http"
	"net/url"
	"strings"
)

// outerKey is the name under which the pattern of a mux around the outermost
// router is kept in the path values of a request for a mount. It is no name
// that a pattern can have. See isSubtree.
const outerKey = "[outer]"

// mount serves h below a prefix: it strips as many segments from the path
// as the prefix has. The request is copied, since the path of one that a server
// made is also its caller's.
func mount(prefix *shape, pattern string, h http.Handler) http.Handler {
	_, nested := h.(*Router)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := new(http.Request)
		*inner = *r
		defer removeUploads(inner, r.MultipartForm)
		inner.URL = new(url.URL)
		*inner.URL = *r.URL
		inner.URL.Path = stripSegments(r.URL.Path, prefix.depth)
		inner.URL.RawPath = ""
		if raw, escaped := sentPath(r.URL); escaped {
			inner.URL.RawPath = stripSegments(raw, prefix.depth)
			inner.URL.Path, _ = url.PathUnescape(inner.URL.RawPath)
		}
		if !nested {
			h.ServeHTTP(w, inner)
			return
		}
		inner.Pattern = ""
		h.ServeHTTP(w, inner)
		if inner.Pattern != "" { // for loggers further out
			r.Pattern = joinPatterns(pattern, inner.Pattern)
		}
	})
}

// joinPatterns puts a mount's prefix before the pattern of a route in it.
func joinPatterns(prefix, pattern string) string {
	if pattern == "/" {
		return prefix
	}
	return strings.TrimSuffix(prefix, "/") + pattern
}

func stripSegments(path string, segments int) string {
	_, end := segmentNumber(path, segments-1)
	if segments == 0 {
		end = 0
	}
	if path = path[end:]; path == "" || path[0] != '/' {
		return "/" + path
	}
	return path
}
