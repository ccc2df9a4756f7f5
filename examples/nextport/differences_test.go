package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// difference is an answer that is not that of Next.js, on purpose.
type difference struct {
	cases     string // ids, as a pattern of path.Match
	when      func(c *recorded, got answer) bool
	reason    string // the RFC, or why
	elsewhere bool   // shown by requests beyond this sample
}

// differences are looked at where an answer is not the recorded one. Each says
// what is answered instead, so that another mistake does not hide behind it.
var differences = []difference{
	// Methods.
	{"*", allowIsFuller, "a 405 carries Allow (RFC 9110, 15.5.6), and Allow names all that is answered: HEAD for GET, and OPTIONS", false},
	{"*", isStatus(405, 400, 500), "an unknown method is answered 405 where the path is known (RFC 9110, 9.1)", false},
	{"app.query-export", isStatus(200, 400), "any method can be registered", false},
	{"*", func(c *recorded, got answer) bool {
		return slices.Contains([]string{"/api/data", "/api/crud", "/api/crud/[id]"}, c.Route) &&
			(c.Request.Method == "HEAD" && got.status == 200 || c.Request.Method == "OPTIONS" && got.status == 204 || got.status == 405)
	}, "a method table answers HEAD and OPTIONS by itself (RFC 9110, 9.3.2 and 9.3.7), and 405 before the handler looks for anything", true},
	{"app.statictime-options", isStatus(204, 405), "one rule for all routes", false},

	// Paths.
	{"basic.absolute-form", isStatus(200, 308), "the absolute form is served (RFC 9112, 3.2.2)", false},
	{"route.literal-rest", nil, "a segment in brackets is text like any other, and one segment is [id]", false},
	{"*", func(c *recorded, got answer) bool {
		return got.status == 400 && strings.Contains(c.Request.target(), "%00")
	},
		"a NUL byte is refused in every path", false},
	{"*", func(c *recorded, got answer) bool {
		return strings.Contains(c.Request.target(), "\\") && got.status == 200
	},
		"a backslash is no separator (RFC 3986, 3.3)", false},
	{"path.*", func(c *recorded, got answer) bool { return got.status == 308 && c.Response.Status == 308 },
		"one redirect leads to the clean path", false},
	{"*", isStatus(404, 308), "a path without a route is a 404 at once, without a redirect before it", false},
	{"*", func(c *recorded, got answer) bool {
		return got.status == 400 && strings.Contains(strings.ToLower(strings.ReplaceAll(c.Request.target(), "%2e", ".")), "/.")
	}, "dot segments are refused, in every spelling", false},
	{"*", func(c *recorded, got answer) bool {
		return got.status == 200 && c.Response.Status == 404 && strings.Contains(c.Request.target(), "%")
	}, "an escaped letter is the letter (RFC 3986, 6.2.2.2)", false},
	{"tslash.*", func(c *recorded, got answer) bool { return got.status == 200 && c.Response.Status == 308 },
		"trailingSlash: true is not offered; SlashServe serves both forms", false},

	// Bodies.
	{"body.json-deep", isStatus(200, 500), "5,000 nested lists are no reason to fail", false},
	{"body.json-escapes", nil, "a lone surrogate is U+FFFD in UTF-8", true},
	{"body.json-ct-noise", nil, "a semicolon without a parameter behind it means nothing", false},
	{"body.*", isStatus(415, 400, 200), "codings and charsets that are not read are 415 (RFC 9110, 15.5.16)", false},
	{"app.form-*", isStatus(415, 500), "a type that is not read is 415", false},
	{"app.json-*", isStatus(400, 500), "a bad body is the client's mistake", true},
	{"app.body-twice", isStatus(200, 500), "a body that was read is empty", true},

	// Answers.
	{"status.*", func(c *recorded, got answer) bool {
		var code int
		_, err := fmt.Sscanf(c.Request.target(), "/api/status/%d", &code)
		return err == nil && got.status == 500 && (code < 200 || code > 599)
	}, "statuses beyond 200 to 599 are refused (RFC 9110, 15)", false},
	{"status.205-*", isStatus(205, 205), "a 205 has no content (RFC 9110, 15.3.6)", false},
	{"redirect.*", isStatus(500, 200, 307), "a redirect has a redirect's status, and a target that is a URI of this site", true},
	{"redirect.crlf", isStatus(400, 500), "a target with controls is refused", false},
	{"redirect.proto", isStatus(400, 307), "a target with two slashes in front is another site", true},
	{"redirect.statusfirst", isStatus(302, 307), "there is one status", true},
	{"throw.statuserror", isStatus(418, 500), "an error may have a status", false},
	{"*", func(c *recorded, got answer) bool {
		return got.err != nil && c.Compare == "differs"
	}, "a part of an answer never looks whole: the connection is aborted", false},
	{"app.redirect-nr*", nil, "Location is relative, as it was given (RFC 9110, 10.2.2)", false},
	{"etag.*", func(c *recorded, got answer) bool { return c.Response.Status == 304 && got.status != 304 },
		"conditions count for answers of 2xx with an ETag (RFC 9110, 13.2.1), which a middleware makes", false},
	{"header.request-latin1", nil, "header bytes stay as they are", false},
	{"*.*proto*", func(c *recorded, got answer) bool { return got.status == 200 && c.Compare == "differs" },
		"__proto__ is a name", false},

	// CORS.
	{"cors.get-no-origin", func(_ *recorded, got answer) bool {
		return got.status == 200 && got.header.Get("Access-Control-Allow-Origin") == "" && got.header.Get("Vary") == "Origin"
	}, "a request without Origin is that of no page", false},
	{"cors.options", func(_ *recorded, got answer) bool {
		return got.status == 204 && got.header.Get("Access-Control-Allow-Methods") == "POST"
	}, "a preflight asks for one method, and is answered for that (Fetch, CORS-preflight fetch)", false},

	// Features that are not offered.
	{"gzip.*", isStatus(200, 200), "no coding unless a middleware makes it, and never deflate", false},
	{"preview.*", nil, "there are no pages to preview, nor to revalidate", false},
}

// isStatus is for answers of one status where another was recorded.
func isStatus(ours int, theirs ...int) func(*recorded, answer) bool {
	return func(c *recorded, got answer) bool {
		return got.err == nil && got.status == ours && slices.Contains(theirs, c.Response.Status)
	}
}

// allowIsFuller is for a 405 or an answer to OPTIONS that tells more methods.
func allowIsFuller(c *recorded, got answer) bool {
	if got.status != c.Response.Status || got.header.Get("Allow") == "" {
		return false
	}
	ours, theirs := set(got.header.Values("Allow")), set(c.Response.Headers["allow"])
	for method := range theirs {
		if method != "" && !ours[method] {
			return false
		}
	}
	return true
}

func (c *recorded) difference(got answer) *difference {
	for i, d := range differences {
		if ok, err := path.Match(d.cases, c.ID); err == nil && ok && (d.when == nil || d.when(c, got)) {
			return &differences[i]
		}
	}
	return nil
}
