package apiroutes

import "math/bits"

// This file is the path tree of tree.go in the form in which requests search it,
// laid out for the time that a search takes. That is the time of its longest
// chain of loads, each of which waits for the one before: from the path to where
// a segment ends, from there to the next segment, from an entry to its child, and
// from the leaf to the handler.
//
// Segments. The path is read eight bytes at a time. A segment of up to 16 bytes
// is two words and a length, which are compared in registers; of a longer one the
// text is compared besides. See matcher_words.go.
//
// Children. An entry of the table is a node, and at the same time the slot in
// which its parent finds it. A node's static children are in slots of their own in
// a row, found by one multiplication. For up to 64 children a multiplier is
// searched, when the table is made, with which each has another slot; beyond that,
// or if none is found, slots are probed one after the other. A slot says whether
// the search ends with it, so that a segment that is no child costs one slot as a
// rule.
//
// Going back. Where a search goes down although something else could still be
// tried at a node, it notes the place; a dead end takes up the last one noted:
//
//	/a/b/[y], /a/[x]/c, and a request for /a/x/c: nothing to note at the root,
//	at a the segment "x" is no static child, [x] is the last resort, c matches.
//	For /a/b/c: at a the child b matches, and (a, [x]) is noted; at b [y] takes
//	"c", which is the end. For /a/b/c/d it is none: [y] has no children, so the
//	search goes back to a, [x] takes "b", c matches, but "d" is left: no route.
//
// A node is entered by one sequence of edges only, so each is visited at most
// once per search: the work is bounded by the nodes, and by the length of the
// path, whatever overlaps. The notes are few and on the stack; a search that
// needs more of them is left to walk.
//
// match also takes the parameters' places, and checks their bytes. It gives up,
// and says so, on everything that is not an ordinary path: empty and dot segments,
// bytes beyond ASCII, NUL. What becomes of those, and of what a mount takes, is
// decided in dispatch.go, by walk, which is the same search in a few plain lines.
//
// What was tuned: with 64 multipliers for each size of table, up to eight times the
// smallest, one is found for nearly each set of up to 50 random texts, and for two
// of three sets of 64; 20 children take some 3.5 slots each, 50 take 8. Tried and
// slower: all slashes of the path at once as bits of a word (fewer steps in the
// chain, but more work), a table of whole paths in front of a tree with parameters,
// children and nodes in two tables.

type matcher struct {
	entries []entry           // the root is 0
	leaves  []*leaf           // in the order in which paths try them
	texts   map[uint32]string // of entries for more than 16 bytes
	static  *staticPaths
}

// entry is a node of the tree, and the slot in which its parent finds it: to
// have both in one place saves a load for each segment. It is as large as a cache
// line. Parameters have an entry without a text; free slots have an impossible
// length.
type entry struct {
	lo, hi     uint64 // the first 16 bytes of the segment
	multiplier uint64 // what follows is about the children
	leaf, rest *leaf
	first      uint32 // slot of the static children
	mask       uint32 // the number of slots less one
	param      uint32 // an entry, or 0
	length     uint16
	last       bool // a search of the slots ends here
	statics    bool // there are static children
	more       bool // there is a parameter or a rest, to come back to
}

const (
	noLength = 1<<16 - 1 // of a free slot
	maxTurns = 8
	// maxSpan is the length of paths of which parameters' places are kept.
	maxSpan = 1<<8 - 1
	// maxMatchPath is the length of paths that are searched here.
	maxMatchPath = 1<<16 - 1
)

// result is how a search ended.
type result uint8

const (
	found   result = iota
	none           // no route: the path is a clean one
	unusual        // walk and the rules of dispatch.go have to say
)

// turn is where a search may go back to: an entry, and the segment that something
// else takes there. It is the text of a static child, so there is nothing odd in
// it.
type turn struct {
	entry uint32 // with onlyRest, if a parameter was tried as well
	start uint16
	span  uint16 // the last parameter before it
}

const onlyRest = 1 << 31

// turns are all that a search has taken. They are in memory, where the few of
// them cost a search nothing that has none.
type turns struct {
	n  int
	at [maxTurns]turn
}

// match searches an absolute path. Of the leaf it returns the places of the
// parameters, as shape.spans does. It is one long function, since the parts of it
// that a call would name share nearly all of their variables, which are registers
// here.
func (m *matcher) match(path string) (l *leaf, near, far uint64, how result) {
	if m.static != nil {
		return m.static.match(path)
	}
	n := len(path)
	if n < 8 || path[n-1] == '/' {
		return m.matchShort(path)
	}
	entries := m.entries
	id, e, i := uint32(0), &entries[0], 1
	var back turns
	for {
		// The segment: its first 16 bytes, and where it ends.
		var lo, hi uint64
		if i+8 <= n {
			lo = load8(path, i)
		} else {
			lo = load8(path, n-8)>>(uint(i+8-n)*8&63) | tails[(i+8-n)&15]
		}
		length := 8
		if t := firstSlash(lo); t != 0 {
			lo &= t&-t>>7 - 1
			length = bits.TrailingZeros64(t) >> 3
		} else if i+8 < n {
			if i+16 <= n {
				hi = load8(path, i+8)
			} else {
				hi = load8(path, n-8)>>(uint(i+16-n)*8&63) | tails[(i+16-n)&15]
			}
			if t := firstSlash(hi); t != 0 {
				hi &= t&-t>>7 - 1
				length = 8 + bits.TrailingZeros64(t)>>3
			} else {
				length = segmentEnd(path, i) - i
			}
		}
		end := i + length
		// The static child.
		next := uint32(0)
		if e.statics {
			at := e.first + e.slot(mix(lo, hi))
			c := &entries[at]
			if c.lo == lo && c.hi == hi && int(c.length) == length && length <= 16 {
				next = at
			} else if !c.last || length > 16 {
				next = m.child(e, lo, hi, path[i:end])
			}
			if next != 0 && e.more && !back.push(id, i, near) {
				return nil, 0, 0, unusual
			}
		}
		if next == 0 && e.param != 0 {
			if lo&0xff == '.' || length == 0 || e.rest != nil && !back.push(id|onlyRest, i, near) {
				return nil, 0, 0, unusual
			}
			near, far = pushSpan(near, far, i, end)
			next = e.param
		}
		for {
			if next != 0 {
				id, e, i = next, &entries[next], end+1
				if i <= n {
					break
				}
				if l := e.ending(); l != nil {
					return e.take(l, path, near, far)
				}
			} else if e.rest != nil {
				return e.takeRest(path, i, near, far)
			}
			// A dead end: back to the last place where something was left to try.
			if back.n == 0 {
				return miss(path)
			}
			back.n--
			last := &back.at[back.n]
			for uint16(near) != last.span {
				near, far = near>>16|far<<48, far>>16
				if near == 0 && last.span != 0 {
					return nil, 0, 0, unusual // it was one of too many
				}
			}
			id, i = last.entry&^onlyRest, int(last.start)
			e, end, next = &entries[id], segmentEnd(path, i), 0
			if last.entry&onlyRest == 0 && e.param != 0 {
				if e.rest != nil {
					last.entry |= onlyRest
					back.n++
				}
				near, far = pushSpan(near, far, i, end)
				next = e.param
			}
		}
	}
}

// push notes a turn, if there is room.
func (t *turns) push(entry uint32, start int, near uint64) bool {
	if t.n == maxTurns {
		return false
	}
	t.at[t.n] = turn{entry, uint16(start), uint16(near)}
	t.n++
	return true
}

// ending returns the leaf for a path that ends at e, or nil: the pattern that ends
// there, or what takes the rest, if that may be nothing.
func (e *entry) ending() *leaf {
	if e.leaf == nil && e.rest != nil && e.rest.first.shape.kind != catchAll {
		return e.rest
	}
	return e.leaf
}

// take ends a search at the end of the path, with l, which ends at e.
func (e *entry) take(l *leaf, path string, near, far uint64) (*leaf, uint64, uint64, result) {
	if l == e.rest {
		near, far = pushSpan(near, far, 0, 0) // it is absent
	}
	if near != 0 && hasOddBytes(path) {
		return nil, 0, 0, unusual
	}
	if len(path) > maxSpan {
		near, far = 0, 0
	}
	return l, near, far, found
}

// takeRest ends a search with what takes the path from its segment at i on.
func (e *entry) takeRest(path string, i int, near, far uint64) (*leaf, uint64, uint64, result) {
	unchecked := path[i-1:]
	if near != 0 {
		unchecked = path
	}
	if !isOrdinary(unchecked) {
		return nil, 0, 0, unusual
	}
	if near, far = pushSpan(near, far, i, len(path)); len(path) > maxSpan {
		near, far = 0, 0
	}
	return e.rest, near, far, found
}

// miss ends a search that found nothing.
func miss(path string) (*leaf, uint64, uint64, result) {
	if isOrdinary(path) {
		return nil, 0, 0, none
	}
	return nil, 0, 0, unusual
}

// matchShort is match for a path of less than a word.
func (m *matcher) matchShort(path string) (l *leaf, near, far uint64, how result) {
	if !isOrdinary(path) {
		return nil, 0, 0, unusual
	}
	if l = m.find(path); l == nil {
		return nil, 0, 0, none
	}
	near, far = l.first.shape.spans(path)
	return l, near, far, found
}

// child returns the static child of e for a segment, or 0.
func (m *matcher) child(e *entry, lo, hi uint64, segment string) uint32 {
	if !e.statics {
		return 0
	}
	for at := e.slot(mix(lo, hi)); ; at++ {
		id := e.first + at&e.mask
		c := &m.entries[id]
		if c.lo == lo && c.hi == hi && c.length == shortLength(segment) && (len(segment) <= 16 || m.texts[id] == segment) {
			return id
		}
		if c.last {
			return 0
		}
	}
}

// shortLength is a length as an entry has it.
func shortLength(segment string) uint16 { return uint16(min(len(segment), noLength-1)) }

// slot returns the number that a segment has among the children of e: the bits of
// a product that each bit of the segment has a part in, and no more of them than
// there are slots.
func (e *entry) slot(h uint64) uint32 {
	high, _ := bits.Mul64(h, e.multiplier)
	return uint32(high) & e.mask
}

// mix folds the words of a segment into one.
func mix(lo, hi uint64) uint64 { return lo ^ bits.RotateLeft64(hi, 29) }

// find returns the leaf that wins a canonical path, or nil.
func (m *matcher) find(path string) *leaf {
	switch {
	case path == "" || path == "/":
		return m.walk(&m.entries[0], path, len(path)+1)
	case path[0] == '/':
		return m.walk(&m.entries[0], path, 1)
	}
	return m.walk(&m.entries[0], path, 0) // below http.StripPrefix("/v1/", ...)
}

// walk is match in its plain form, for any canonical path: it searches below an
// entry; the next segment begins at i, which is beyond the path's length when
// none is left. An empty segment matches nothing but a mount.
func (m *matcher) walk(e *entry, path string, i int) *leaf {
	if i > len(path) {
		return e.ending()
	}
	end := segmentEnd(path, i)
	if segment := path[i:end]; segment != "" {
		lo, hi := words(segment)
		if child := m.child(e, lo, hi, segment); child != 0 {
			if l := m.walk(&m.entries[child], path, end+1); l != nil {
				return l
			}
		}
		if e.param != 0 {
			if l := m.walk(&m.entries[e.param], path, end+1); l != nil {
				return l
			}
		}
	}
	if e.rest != nil && (e.rest.first.shape.kind == mounted || end > i && isClean(path[i:])) {
		return e.rest
	}
	return nil
}
