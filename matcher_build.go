package apiroutes

import (
	"math/bits"
	"net/http"
)

// This file makes a matcher: once, when the first request comes.

// newMatcher lays out a tree.
func newMatcher(tree *node) *matcher {
	m := &matcher{tree: tree, leaves: make([]matchLeaf, 1)}
	m.leaves[0].leaf = new(leaf)
	queue := []*node{tree}
	m.texts = append(m.texts, "")
	for at := 0; at < len(queue); at++ { // breadth first: siblings are neighbours
		from := queue[at]
		n := matchNode{leaf: m.leaf(from.leaf), rest: m.leaf(from.rest), more: from.param != nil || from.rest != nil}
		texts := from.static.sorted()
		first := len(queue)
		for _, text := range texts {
			queue = append(queue, from.static.get(text))
			m.texts = append(m.texts, text)
		}
		m.place(&n, texts, uint32(first))
		if from.param != nil {
			n.param = uint32(len(queue))
			queue = append(queue, from.param)
			m.texts = append(m.texts, "")
		}
		m.nodes = append(m.nodes, n)
	}
	m.static = newStaticPaths(m)
	return m
}

// leaf returns the number of a leaf, or 0.
func (m *matcher) leaf(l *leaf) uint32 {
	if l == nil {
		return 0
	}
	entry := matchLeaf{leaf: l, pattern: l.pattern}
	if e := l.endpoint(http.MethodGet); e != nil && e.direct {
		entry.get = e
	}
	m.leaves = append(m.leaves, entry)
	return uint32(len(m.leaves) - 1)
}

// place makes the table of a node's static children, which are the nodes from
// first on.
func (m *matcher) place(n *matchNode, texts []string, first uint32) {
	if len(texts) == 0 {
		return
	}
	n.first, n.statics = uint32(len(m.slots)), true
	size := bits.Len(uint(len(texts) - 1))
	const tries, few = 64, 64
	if len(texts) <= few {
		for more := range 4 {
			for try := range uint64(tries) {
				n.shift, n.multiplier = uint8(32-size-more), multiplier(try)
				if table := perfect(n, texts, first); table != nil {
					m.slots = append(m.slots, table...)
					return
				}
			}
		}
	}
	n.shift, n.multiplier = uint8(32-size-1), multiplier(0) // at most half full
	m.slots = append(m.slots, probed(n, texts, first)...)
}

// multiplier returns odd numbers that look random (splitmix64).
func multiplier(i uint64) uint32 {
	z := (i + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32(z^z>>31) | 1
}

func slotOf(text string, node uint32) slot {
	s := slot{length: uint32(len(text)), node: node}
	s.lo = word(text, 0)
	if len(text) > 8 {
		s.hi = word(text, 8)
	}
	return s
}

// perfect returns a table in which each child has the slot that its hash says,
// or nil.
func perfect(n *matchNode, texts []string, first uint32) []slot {
	table := make([]slot, n.mask()+1)
	for i := range table {
		table[i] = slot{length: noLength, node: lastSlot}
	}
	for i, text := range texts {
		s := slotOf(text, first+uint32(i)|lastSlot)
		at := &table[mix(s.lo, s.hi, len(text))*n.multiplier>>n.shift]
		if at.length != noLength {
			return nil
		}
		*at = s
	}
	return table
}

// probed returns a table in which a child has the first free slot from that on
// which its hash says.
func probed(n *matchNode, texts []string, first uint32) []slot {
	table, mask := make([]slot, n.mask()+1), n.mask()
	for i := range table {
		table[i].length = noLength
	}
	for i, text := range texts {
		s := slotOf(text, first+uint32(i))
		at := mix(s.lo, s.hi, len(text)) * n.multiplier >> n.shift
		for table[at&mask].length != noLength {
			at++
		}
		table[at&mask] = s
	}
	for i := range table {
		if next := table[uint32(i+1)&mask]; table[i].length == noLength || next.length == noLength {
			table[i].node |= lastSlot
		}
	}
	return table
}

// mask is the number of slots less one.
func (n *matchNode) mask() uint32 { return 1<<(32-n.shift) - 1 }
