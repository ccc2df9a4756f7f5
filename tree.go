package apiroutes

import (
	"maps"
	"slices"

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
	if l.first.shape.kind == exact {
		n.leaf = l
	} else {
		n.rest = l
	}
}

// leaves yields the leaves in the order in which paths try them.
func (n *node) leaves(yield func(*leaf) bool) { n.yieldLeaves(yield) }

func (n *node) yieldLeaves(yield func(*leaf) bool) bool {
	if n.leaf != nil && !yield(n.leaf) {
		return false
	}
	for _, text := range n.static.sorted() {
		if !n.static.get(text).yieldLeaves(yield) {
			return false
		}
	}
	return (n.param == nil || n.param.yieldLeaves(yield)) && (n.rest == nil || yield(n.rest))
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
	if len(c.texts) == 1 {
		return c.texts
	}
	if c.table != nil {
		return slices.Sorted(maps.Keys(c.table))
	}
	return slices.Sorted(slices.Values(c.texts))
}
