// Package params owns the pattern grammar of API routes.
//
// A pattern is a path whose segments are written as file names are in a
// Next.js pages/api folder:
//
//	pattern  = "/" | 1*( "/" segment )
//	segment  = static | "[" name "]"      one non-empty segment
//	last     = segment
//	         | "[..." name "]"            one or more segments
//	         | "[[..." name "]]"          zero or more segments
//
// A static segment is written decoded ("/café", not "/caf%C3%A9"). Names may
// hold any character but brackets, braces and controls and do not begin or
// end with a dot. What looks like a parameter but is none ("v[id]", "{id}",
// "[[id]]", ...) is refused rather than taken as text: a route that can never
// match what its author meant is worse than a program that does not start.
package params

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Kind tells how a segment of a pattern matches. Kinds are strings so that
// they print themselves.
type Kind string

// The kinds of segments, in order of precedence.
const (
	Static           Kind = "static"             // this text
	Param            Kind = "param"              // [name]: one non-empty segment
	CatchAll         Kind = "catch-all"          // [...name]: one or more segments
	OptionalCatchAll Kind = "optional catch-all" // [[...name]]: zero or more segments
)

// Segment is one segment of a pattern.
type Segment struct {
	Kind Kind   // how it matches
	Text string // the decoded text of a static segment, the name of any other
}

// IsCatchAll reports whether the segment takes the rest of the path.
func (s Segment) IsCatchAll() bool { return s.Kind == CatchAll || s.Kind == OptionalCatchAll }

// ParsePattern splits a pattern into its segments; "/" has none. The error
// names the segment, its byte offset, what is wrong, and how to write it.
func ParsePattern(pattern string) ([]Segment, error) {
	if pattern == "/" {
		return nil, nil
	}
	if pattern == "" {
		return nil, fmt.Errorf(`pattern "" is empty: write "/" for the root`)
	}
	if pattern[0] != '/' {
		return nil, fmt.Errorf("pattern %q must begin with a slash: write %q", pattern, "/"+pattern)
	}
	segments := make([]Segment, 0, strings.Count(pattern, "/"))
	for offset := 1; offset <= len(pattern); {
		text, _, _ := strings.Cut(pattern[offset:], "/")
		fail := func(problem string) error {
			return fmt.Errorf("pattern %q: segment %q at offset %d %s", pattern, text, offset, problem)
		}
		if text == "" {
			return nil, fail(fmt.Sprintf("is empty: write %q", squeeze(pattern)))
		}
		if n := len(segments); n > 0 && segments[n-1].IsCatchAll() {
			return nil, fail(fmt.Sprintf("follows the catch-all %q, which takes the rest of the path: let the catch-all be last", segments[n-1].Text))
		}
		segment, problem := parseSegment(text)
		if problem != "" {
			return nil, fail(problem)
		}
		if segment.Kind != Static {
			for _, s := range segments {
				if s.Kind != Static && s.Text == segment.Text {
					return nil, fail(fmt.Sprintf("repeats the name %q: give each parameter of a pattern its own name", segment.Text))
				}
			}
		}
		segments = append(segments, segment)
		offset += len(text) + 1
	}
	return segments, nil
}

// parseSegment reads one segment; problem is empty or says what is wrong and
// how to write it.
func parseSegment(text string) (s Segment, problem string) {
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }); i >= 0 {
		return s, fmt.Sprintf("holds the control character %q: remove it", text[i])
	}
	if !utf8.ValidString(text) {
		return s, "is not valid UTF-8: patterns are written decoded, in UTF-8"
	}
	if strings.ContainsAny(text, "{}") {
		return s, fmt.Sprintf("has braces: parameters are written in brackets, such as [%s]", suggestedName(text))
	}
	if !strings.ContainsAny(text, "[]") {
		return Segment{Static, text}, checkStatic(text)
	}
	return parseBrackets(text)
}

// checkStatic refuses text that no request path can equal or whose author
// meant something else.
func checkStatic(text string) (problem string) {
	switch {
	case text == "." || text == "..":
		return "is a dot segment, which no request may hold: write the path without it"
	case strings.ContainsAny(text, "?#"):
		return "holds '?' or '#': a pattern is a path only; read the query with Context.Query"
	}
	decoded, escape := decode(text)
	if escape == "" {
		return ""
	}
	if again, problem := parseSegment(decoded); problem != "" || again.Kind != Static || strings.Contains(decoded, "/") {
		return fmt.Sprintf("holds the escape %q of what a pattern cannot hold: patterns are written decoded", escape)
	}
	return fmt.Sprintf("holds the escape %q: patterns are written decoded, as %q", escape, decoded)
}

// decode decodes the percent escapes of text, and returns the first of them.
func decode(text string) (decoded, escape string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if i+3 <= len(text) {
			if c, err := url.PathUnescape(text[i : i+3]); err == nil && len(c) == 1 {
				if escape == "" {
					escape = text[i : i+3]
				}
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), escape
}

// parseBrackets reads a segment that has at least one bracket.
func parseBrackets(text string) (s Segment, problem string) {
	name := suggestedName(text)
	inner, single := strings.CutPrefix(text, "[")
	if single {
		inner, single = strings.CutSuffix(inner, "]")
	}
	if !single {
		if balanced(text) {
			return s, fmt.Sprintf("mixes a parameter with other text: a parameter is a whole segment, [%s]", name)
		}
		return s, fmt.Sprintf("has unbalanced brackets: write [%s], [...%s] or [[...%s]]", name, name, name)
	}
	kind := Param
	if strings.HasPrefix(inner, "[") && strings.HasSuffix(inner, "]") && len(inner) > 1 {
		kind, inner = OptionalCatchAll, inner[1:len(inner)-1]
	}
	if strings.ContainsAny(inner, "[]") {
		if kind == Param && balanced(text) && !strings.HasPrefix(inner, "[") && !strings.HasSuffix(inner, "]") {
			return s, fmt.Sprintf("holds more than one parameter: a parameter is a whole segment, [%s]", name)
		}
		return s, fmt.Sprintf("has extra or unbalanced brackets: write [%s], [...%s] or [[...%s]]", name, name, name)
	}
	if strings.Contains(inner, "…") {
		return s, fmt.Sprintf("holds the character '…' (U+2026): write three dots, [...%s]", name)
	}
	bare, dots := strings.CutPrefix(inner, "...")
	switch {
	case bare == "" || strings.Trim(bare, " ") == "":
		return s, "has no name: write one, such as [id], [...path] or [[...path]]"
	case bare[0] == '.' || bare[len(bare)-1] == '.':
		return s, fmt.Sprintf("has stray dots: write [%s] for one segment, [...%s] or [[...%s]] for the rest", name, name, name)
	case kind == OptionalCatchAll && !dots:
		return s, fmt.Sprintf("is an optional parameter, which does not exist: write [%s], or [[...%s]] for zero or more segments", name, name)
	case kind == Param && dots:
		kind = CatchAll
	}
	return Segment{kind, bare}, ""
}

// suggestedName is the name that the author of a bad segment most likely
// meant, for messages.
func suggestedName(text string) string {
	if i := strings.IndexAny(text, "[{"); i >= 0 {
		if rest := strings.TrimLeft(text[i:], "[{.…"); strings.Trim(rest, "[]{}.… ") != "" {
			text = rest
		}
	}
	if i := strings.IndexAny(text, "[]{}"); i > 0 {
		text = text[:i]
	}
	text = strings.ReplaceAll(strings.Trim(text, "[]{}.… "), "…", "")
	if text == "" {
		return "name"
	}
	return text
}

// balanced reports whether each bracket of text has its partner.
func balanced(text string) bool {
	depth := 0
	for _, r := range text {
		switch r {
		case '[':
			depth++
		case ']':
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}

// squeeze drops empty segments.
func squeeze(pattern string) string {
	parts := strings.FieldsFunc(pattern, func(r rune) bool { return r == '/' })
	return "/" + strings.Join(parts, "/")
}
