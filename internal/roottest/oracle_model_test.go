package roottest

import (
	"fmt"
	"net/url"
	pathpkg "path"
	"slices"
	"strings"
	"unicode/utf8"
)

// The oracle is the router as one would explain it: the patterns are sorted,
// segment by segment, static before [id] before [...rest] before [[...rest]]
// before a mount, and the first that matches wins. The tests beside this file
// give random routes and paths to both.

// The ranks of a pattern's parts, in order of precedence. A mount ends in a
// part of its own, that takes whatever follows.
const (
	oracleStatic = iota
	oracleParam
	oracleCatchAll
	oracleOptional
	oracleMount
)

type oraclePart struct {
	rank int
	text string
}

type oracleRoute struct {
	method  string // "" for every method
	pattern string
	parts   []oraclePart
	plain   bool // has a handler that reads the path by itself
}

func (o oracleRoute) String() string {
	switch {
	case o.isMount():
		return "MOUNT " + o.pattern
	case o.method == "":
		return "* " + o.pattern
	}
	return o.method + " " + o.pattern
}

func (o oracleRoute) isMount() bool {
	return len(o.parts) > 0 && o.parts[len(o.parts)-1].rank == oracleMount
}

// oracleParse reads "GET /a/[id]", "* /a" for every method, or "MOUNT /a".
func oracleParse(line string) oracleRoute {
	method, pattern, _ := strings.Cut(line, " ")
	o := oracleRoute{method: method, pattern: pattern}
	for _, text := range strings.Split(pattern, "/")[1:] {
		part := oraclePart{oracleStatic, text}
		switch {
		case text == "": // the root
			continue
		case strings.HasPrefix(text, "[[..."):
			part = oraclePart{oracleOptional, text[5 : len(text)-2]}
		case strings.HasPrefix(text, "[..."):
			part = oraclePart{oracleCatchAll, text[4 : len(text)-1]}
		case strings.HasPrefix(text, "["):
			part = oraclePart{oracleParam, text[1 : len(text)-1]}
		}
		o.parts = append(o.parts, part)
	}
	if method == "MOUNT" {
		o.parts = append(o.parts, oraclePart{rank: oracleMount})
	}
	if method == "MOUNT" || method == "*" {
		o.method = ""
	}
	return o
}

// oracleConflict reports whether two routes must not stand side by side.
func oracleConflict(a, b oracleRoute) bool {
	sameMethod := a.method == b.method || a.method == "" || b.method == ""
	for i := 0; ; i++ {
		switch {
		case i == len(a.parts) && i == len(b.parts):
			return sameMethod
		case i == len(a.parts):
			return b.parts[i].rank == oracleOptional
		case i == len(b.parts):
			return a.parts[i].rank == oracleOptional
		}
		p, q := a.parts[i], b.parts[i]
		switch {
		case p.rank >= oracleCatchAll && q.rank >= oracleCatchAll:
			return p != q || sameMethod
		case p.rank != q.rank, p.rank == oracleStatic && p.text != q.text:
			return false // they part ways here
		case p.text != q.text:
			return true // two names for one place
		}
	}
}

// oracleTable is a set of routes without conflicts, in order of precedence.
type oracleTable []oracleRoute

func newOracleTable(routes []oracleRoute) oracleTable {
	table := slices.Clone(routes)
	slices.SortFunc(table, func(a, b oracleRoute) int {
		return slices.CompareFunc(a.parts, b.parts, func(p, q oraclePart) int {
			if p.rank != q.rank {
				return p.rank - q.rank
			}
			return strings.Compare(p.text, q.text)
		})
	})
	return table
}

// matches says whether the path of these segments is one of the route's.
func (o oracleRoute) matches(segments []string) bool {
	for i, p := range o.parts {
		switch {
		case p.rank == oracleMount:
			return true
		case p.rank == oracleOptional:
			return !slices.Contains(segments[i:], "")
		case i == len(segments), segments[i] == "":
			return false
		case p.rank == oracleCatchAll:
			return !slices.Contains(segments[i:], "")
		case p.rank == oracleStatic && p.text != segments[i]:
			return false
		}
	}
	return len(o.parts) == len(segments)
}

// winner returns the first route that matches, of several methods any.
func (table oracleTable) winner(segments []string) (oracleRoute, bool) {
	i := slices.IndexFunc(table, func(o oracleRoute) bool { return o.matches(segments) })
	if i < 0 {
		return oracleRoute{}, false
	}
	return table[i], true
}

// oracleSegments splits a raw path and decodes each segment.
func oracleSegments(path string) []string {
	if path == "/" {
		return nil
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		segments[i], _ = url.PathUnescape(s)
	}
	return segments
}

// oracleBad is for segments that make a path unfit for everybody.
func oracleBad(segment string) bool {
	return segment == "." || segment == ".." || strings.Contains(segment, "\x00") || !utf8.ValidString(segment)
}

func oracleNonEmpty(segments []string) []string {
	return slices.DeleteFunc(slices.Clone(segments), func(s string) bool { return s == "" })
}

// oracleAnswer is what becomes of a request.
type oracleAnswer struct {
	what   string // the route that serves it, or a status
	params string // values by name, as written by oracleValues
	rest   string // the segments of the catch-all, or what is below the mount
}

// answer decides on a request.
func (table oracleTable) answer(method, path string) oracleAnswer {
	segments := oracleSegments(path)
	w, found := table.winner(segments)
	if status := table.refuses(segments, w, found); status != "" {
		return oracleAnswer{what: status}
	}
	for _, o := range table {
		if o.samePlace(w) && (o.method == "" || o.method == method) {
			if o.plain && !o.isMount() && table.misread(segments, o) {
				return oracleAnswer{what: "400"}
			}
			return o.served(segments)
		}
	}
	return oracleAnswer{what: "405"}
}

// samePlace reports whether two routes are methods of one path.
func (o oracleRoute) samePlace(other oracleRoute) bool {
	return o.pattern == other.pattern && o.isMount() == other.isMount()
}

// refuses returns the status for a path that no handler gets, or "". What wins
// it, if anything does, is w.
func (table oracleTable) refuses(segments []string, w oracleRoute, found bool) string {
	bad := func(segments []string) bool { return slices.ContainsFunc(segments, oracleBad) }
	checked := segments
	if found && w.isMount() { // what is below a mount is not ours to judge
		checked = segments[:len(w.parts)-1]
	}
	if bad(checked) || strings.Contains(strings.Join(segments, ""), "\x00") {
		return "400"
	}
	if found && !w.isMount() {
		return ""
	}
	// What is registered for another spelling of the path ranks before a mount.
	clean := oracleNonEmpty(segments)
	other, exists := table.winner(clean)
	switch {
	case len(clean) < len(segments) && exists && !(found && other.samePlace(w)):
		if bad(clean) {
			return "400"
		}
		return "308"
	case !found:
		return "404"
	}
	if table.misread(segments, w) {
		return "400"
	}
	return ""
}

// misread reports whether a handler that resolves dot segments in the rest of
// a path, and takes an encoded slash for a slash, would read the path as one
// that is registered in another place.
func (table oracleTable) misread(segments []string, o oracleRoute) bool {
	last := len(o.parts) - 1
	if last < 0 || o.parts[last].rank < oracleCatchAll {
		return false
	}
	below := pathpkg.Clean("/" + strings.Join(segments[last:], "/"))
	other, _ := table.winner(slices.Concat(segments[:last], oracleNonEmpty(strings.Split(below, "/"))))
	return !other.samePlace(o)
}

// served is what the route's handler sees.
func (o oracleRoute) served(segments []string) oracleAnswer {
	values := map[string]string{}
	rest := []string(nil)
	for i, p := range o.parts {
		switch p.rank {
		case oracleParam:
			values[p.text] = segments[i]
		case oracleCatchAll, oracleOptional:
			rest = append(rest, segments[i:]...)
			values[p.text] = strings.Join(rest, "/")
		case oracleMount:
			rest = append(rest, segments[i:]...)
			if len(rest) == 0 {
				rest = []string{""} // the mounted handler sees "/"
			}
		}
	}
	return oracleAnswer{o.String(), oracleValues(o, func(name string) string { return values[name] }), fmt.Sprintf("%#v", rest)}
}

// oracleValues writes down all parameters of a route.
func oracleValues(o oracleRoute, value func(name string) string) string {
	var b strings.Builder
	for _, p := range o.parts {
		if p.rank != oracleStatic && p.rank != oracleMount {
			fmt.Fprintf(&b, "%s=%q ", p.text, value(p.text))
		}
	}
	return b.String()
}
