package apiroutes

import (
	"net/http"
	"net/url"
	"strings"
)

// mount serves h below the prefix l: it strips as many segments from the path
// as the prefix has. The request is copied, since the path of one that a server
// made is also its caller's.
func mount(l *leaf, h http.Handler) http.Handler {
	_, nested := h.(*Router)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := new(http.Request)
		*inner = *r
		inner.URL = new(url.URL)
		*inner.URL = *r.URL
		inner.URL.Path = stripSegments(r.URL.Path, l.depth)
		inner.URL.RawPath = ""
		if raw, escaped := sentPath(r.URL); escaped {
			inner.URL.RawPath = stripSegments(raw, l.depth)
			inner.URL.Path, _ = url.PathUnescape(inner.URL.RawPath)
		}
		h.ServeHTTP(w, inner)
		if nested && inner.Pattern != l.pattern { // for loggers further out
			r.Pattern = strings.TrimSuffix(l.pattern, "/") + inner.Pattern
		}
	})
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
