package apiroutes

import (
	"fmt"

	"github.com/apiroutes/apiroutes/params"
)

// conflict finds what stands in the way of a registration and says so, or
// returns the leaf that it joins, or nothing if its pattern is new. It changes
// nothing.
func (n *node) conflict(segments []params.Segment, l *leaf, e *endpoint) (existing *leaf, problem string) {
	against := func(other *leaf, at site, why string) string {
		return fmt.Sprintf("%q conflicts with %q, registered at %s: %s", l.pattern, other.pattern, at, why)
	}
	for _, s := range segments {
		if s.IsCatchAll() {
			break
		}
		if s.Kind == params.Param && n.param != nil && n.name != s.Text {
			return nil, against(n.namer, n.namer.first.site, fmt.Sprintf("one place has one parameter name: write [%s] or [%s] in both", n.name, s.Text))
		}
		if n = n.descend(s); n == nil {
			return nil, ""
		}
	}
	kind, existing := l.first.shape.kind, n.leaf
	if kind != exact {
		existing = n.rest
	}
	switch rest := n.rest; {
	case kind == exact && rest != nil && rest.first.shape.kind == optional:
		return nil, against(rest, rest.first.site, "the optional catch-all matches this path too: make it [...name], or drop this route")
	case kind == optional && n.leaf != nil:
		return nil, against(n.leaf, n.leaf.first.site, "the optional catch-all matches that path too: make it [...name], or drop that route")
	case existing == nil:
		return nil, ""
	}
	switch own, other := l.first.shape, existing.first.shape; {
	case kind != other.kind && (kind == mounted || other.kind == mounted):
		return nil, against(existing, existing.first.site, "a mount and a catch-all both take the rest of the path: keep one")
	case kind != other.kind:
		return nil, against(existing, existing.first.site, "both take the rest of the path: keep one, [...name] for one or more segments or [[...name]] for zero or more")
	case own.rest != other.rest:
		return nil, against(existing, existing.first.site, fmt.Sprintf("one place has one catch-all name: write %s or %s in both", existing.last(), l.last()))
	}
	for _, other := range existing.registered() {
		switch {
		case kind == mounted:
			return nil, against(existing, other.site, "something is mounted there already")
		case e.method == "" && other.method == "":
			return nil, against(existing, other.site, "it has a handler for every method already")
		case e.method == "" || other.method == "":
			return nil, against(existing, other.site, "a handler for every method (Handle) and a method table exclude each other")
		case e.method == other.method:
			return nil, against(existing, other.site, fmt.Sprintf("%s is registered already", e.method))
		}
	}
	return existing, ""
}
