package apiroutes

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/apiroutes/apiroutes/params"
)

// The path tree has one node for each distinct sequence of pattern segments:
//
//	/a/b/[y]        root ─ a ─┬ b ───┬ [y]        (leaf)
//	/a/b/d                    │      └ d          (leaf)
//	/a/[x]/c                  └ [x] ─┬ c          (leaf)
//	/a/[x]/d/[w]                     └ d ─ [w]    (leaf)
//
// A search tries, at each node, the static child that equals the segment, then
// the parameter, then what takes the rest of the path; the first way that
// reaches the end of the path wins. That is the order of Next.js, patterns
// sorted by precedence from left to right and the first match taken, because
// a subtree holds exactly the patterns that are equal up to its node, and the
// subtrees of a node are tried in the order of precedence.
//
// The surprise is that a search must go back: for /a/b/d/2 it enters a, b and
// d, finds no child for "2", has no parameter left to try at d, steps back to
// b, whose [y] would have to be the end of the path, and to a, where [x] leads
// to /a/[x]/d/[w]. Each node is visited at most once per search, since only one
// sequence of segments leads to it: the work is bounded by the registered
// nodes, not by two to the depth.
//
// The order of registration plays no part, for nodes are found by their
// segments alone.

type node struct {
	static children
	param  *node  // for one segment of any value
	name   string // of param
	namer  *leaf  // the first pattern that named param
	leaf   *leaf  // the pattern that ends here
	rest   *leaf  // the catch-all or mount that takes what follows
}

// leaf is a pattern with what is registered for it.
type leaf struct {
	pattern string
	kind    leafKind
	names   []string // of the parameters, in order
	places  []int    // the segment number of each parameter
	rest    string   // the name of the catch-all, which is the last one; or ""
	restKey string   // restKey(rest)
	depth   int      // number of segments before the rest
	site    site

	methods []*endpoint // by method
	get     *endpoint   // of methods
	all     *endpoint   // for every method: Handle, Mount
	nests   bool        // all is a mount or a Router
	allow   []string    // the value of Allow
	common  *scope      // the longest common path of all registrations

	// Composed when the table is frozen; nil without middleware.
	automatic, redirect handler
}

type leafKind uint8

const (
	exact    leafKind = iota // static segments and parameters only
	catchAll                 // [...name]
	optional                 // [[...name]]
	mounted                  // a prefix
)

// find returns the leaf that wins a canonical path, or nil.
func (n *node) find(path string) *leaf {
	switch path {
	case "", "/":
		return n.walk(path, len(path)+1)
	}
	if path[0] == '/' {
		return n.walk(path, 1)
	}
	return n.walk(path, 0) // below http.StripPrefix("/v1/", ...)
}

// walk searches below n; the next segment begins at i, which is beyond the
// path's length when none is left. An empty segment matches nothing but a
// mount.
func (n *node) walk(path string, i int) *leaf {
	if i > len(path) {
		if n.leaf != nil {
			return n.leaf
		}
		if n.rest != nil && n.rest.kind != catchAll {
			return n.rest
		}
		return nil
	}
	end := segmentEnd(path, i)
	if end > i {
		if child := n.static.get(path[i:end]); child != nil {
			if l := child.walk(path, end+1); l != nil {
				return l
			}
		}
		if n.param != nil {
			if l := n.param.walk(path, end+1); l != nil {
				return l
			}
		}
	}
	if n.rest != nil && (n.rest.kind == mounted || end > i && isClean(path[i:])) {
		return n.rest
	}
	return nil
}

// descend returns the child for a segment of a pattern, nil if there is none.
func (n *node) descend(s params.Segment) *node {
	if s.Kind == params.Static {
		return n.static.get(s.Text)
	}
	return n.param
}

// insert creates the nodes of l's pattern and puts l at their end. conflict
// was asked before, so that nothing is in the way.
func (n *node) insert(segments []params.Segment, l *leaf) {
	for _, s := range segments {
		if s.IsCatchAll() {
			break // always the last
		}
		child := n.descend(s)
		if child == nil {
			child = new(node)
			if s.Kind == params.Static {
				n.static.add(s.Text, child)
			} else {
				n.param, n.name, n.namer = child, s.Text, l
			}
		}
		n = child
	}
	if l.kind == exact {
		n.leaf = l
	} else {
		n.rest = l
	}
}

// leaves calls yield for each leaf in the order in which paths try them.
func (n *node) leaves(yield func(*leaf)) {
	if n.leaf != nil {
		yield(n.leaf)
	}
	for _, text := range n.static.sorted() {
		n.static.get(text).leaves(yield)
	}
	if n.param != nil {
		n.param.leaves(yield)
	}
	if n.rest != nil {
		yield(n.rest)
	}
}

// children maps the text of static segments to nodes. A few are compared one
// after the other, which is faster than hashing.
type children struct {
	texts []string
	nodes []*node
	table map[string]*node
}

const fewChildren = 8

func (c *children) get(text string) *node {
	if c.table != nil {
		return c.table[text]
	}
	for i, t := range c.texts {
		if t == text {
			return c.nodes[i]
		}
	}
	return nil
}

func (c *children) add(text string, n *node) {
	if c.table == nil && len(c.texts) < fewChildren {
		c.texts, c.nodes = append(c.texts, text), append(c.nodes, n)
		return
	}
	if c.table == nil {
		c.table = make(map[string]*node, 2*fewChildren)
		for i, t := range c.texts {
			c.table[t] = c.nodes[i]
		}
		c.texts, c.nodes = nil, nil
	}
	c.table[text] = n
}

func (c *children) sorted() []string {
	if c.table != nil {
		return slices.Sorted(maps.Keys(c.table))
	}
	return slices.Sorted(slices.Values(c.texts))
}

// spans returns where the first four parameters stand in a clean canonical
// path, and so in URL.Path, which has the same length: two per word, each start
// and end in 16 bits. Zero means to look for the segment again, as is done for
// further ones and in very long paths.
func (l *leaf) spans(path string) (s01, s23 uint64) {
	if len(l.places) == 0 || len(path) > 0xffff {
		return 0, 0
	}
	var spans [4]uint64
	i, place := 0, 0
	for start, end := segmentAt(path, 0); start < len(path) && i < min(len(l.places), len(spans)); start, end = segmentAt(path, end) {
		if place == l.places[i] {
			if place == l.depth && l.rest != "" {
				end = len(path)
			}
			spans[i] = uint64(start)<<16 | uint64(end)
			i++
		}
		place++
	}
	return spans[0]<<32 | spans[1], spans[2]<<32 | spans[3]
}

// canonicalValue returns parameter number i of a canonical path, in that form.
func (l *leaf) canonicalValue(path string, i int) string {
	if place := l.places[i]; l.rest == "" || place < l.depth {
		start, end := segmentNumber(path, place)
		return path[start:end]
	}
	return restFrom(path, l.depth)
}

// value returns parameter number i of a URL.
func (l *leaf) value(u *url.URL, i int) string {
	path, _, _ := canonicalPath(u)
	return plain(l.canonicalValue(path, i))
}

// valueAfter returns parameter number i, of 4 and more, of a clean path in which
// number 3 ends at end.
func (l *leaf) valueAfter(path string, i, end int) string {
	end = min(end, len(path)) // a handler may have changed the path
	start := end
	for range l.places[i] - l.places[3] {
		start, end = segmentAt(path, end)
	}
	if l.rest != "" && l.places[i] == l.depth {
		end = len(path)
	}
	return path[start:end]
}

// restKey is the name under which the canonical remainder of a catch-all is
// kept in a request's path values. No pattern can have a parameter of that
// name, for the brackets.
func restKey(name string) string {
	var b strings.Builder
	b.WriteString("[...")
	b.WriteString(name)
	b.WriteByte(']')
	return b.String()
}
