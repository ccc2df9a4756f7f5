package apiroutes

import "math/bits"

// This file is the path tree of tree.go again, in the form in which requests
// search it: the same nodes, tried in the same order, with the same result, but
// laid out for the time that a search takes, which is that of its chain of
// loads, each of which waits for the one before.
//
// Segments. The path is read eight bytes at a time. For a word w the value
//
//	x := w ^ "////////";  (x - 0x01..01) & ^x & 0x80..80
//
// has its lowest bit set in the first byte that is a slash: x is zero there, a
// zero byte borrows in the subtraction, and below the first zero nothing
// borrows. A segment of up to 16 bytes is then two words and a length, so that
// it is compared in registers. Longer ones are compared as text besides.
//
// Children. The static children of a node are in a table of 24-byte slots, found
// by one multiplication. For up to 64 children a multiplier is searched, when
// the table is made, that puts each into a slot of its own; beyond that, or if
// none is found, slots are probed in a row. A slot says whether the search ends
// with it, so that a segment that is no child costs one slot as a rule.
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
// needs more of them starts again in the tree itself.
//
// A search also takes the parameters' places, and checks their bytes. It gives
// up, and says so, on everything that is not an ordinary path: empty and dot
// segments, bytes beyond ASCII, NUL. What becomes of those, and of what a mount
// takes, is decided in dispatch.go, with the tree, which is this one's reference
// in the tests too.

type matcher struct {
	tree   *node
	nodes  []matchNode // of the tree, breadth first; the root is 0
	slots  []slot
	leaves []matchLeaf // 0 is none
	texts  []string    // of the nodes, for segments of more than 16 bytes
	static *staticPaths
}

// matchNode is a node. Several are in one cache line.
type matchNode struct {
	multiplier uint32
	first      uint32 // of its slots
	param      uint32 // a node, or 0
	leaf, rest uint32
	shift      uint8
	statics    bool // there are static children
	more       bool // there is a parameter or a rest, to come back to
}

// slot is a static child. The one without children has an impossible length.
type slot struct {
	lo, hi uint64 // the first 16 bytes
	length uint32
	node   uint32 // in its highest bit: the search ends here
}

// matchLeaf has what most requests need of a leaf, in one place.
type matchLeaf struct {
	get     *endpoint // if that can be called as it is
	pattern string
	*leaf
}

const (
	lastSlot   = 1 << 31
	noLength   = 1 << 31
	slashes    = 0x2f2f2f2f2f2f2f2f
	ones       = 0x0101010101010101
	highs      = 0x8080808080808080
	maxPlaces  = 4
	maxReturns = 8
	// maxMatchPath is the length of paths that are searched here: places are
	// kept in 16 bits.
	maxMatchPath = 1<<16 - 1
)

// load8 returns eight bytes of s, which the compiler makes one load.
func load8(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// word returns the eight bytes of s from i on, with zeros behind its end.
func word(s string, i int) uint64 {
	if i+8 <= len(s) {
		return load8(s, i)
	}
	if len(s) >= 8 {
		return load8(s, len(s)-8) >> (uint(i+8-len(s)) * 8)
	}
	var w uint64
	for j := len(s) - 1; j >= i; j-- {
		w = w<<8 | uint64(s[j])
	}
	return w
}

// firstSlash marks the first slash of a word, perhaps with others behind it.
func firstSlash(w uint64) uint64 {
	x := w ^ slashes
	return (x - ones) &^ x & highs
}

// anyZero is not zero if a byte of w is.
func anyZero(w uint64) uint64 { return (w - ones) &^ w & highs }

// turn is where a search may go back to: a node, and the segment that something
// else takes there. It is the text of a static child, so there is nothing odd in
// it.
type turn struct {
	node       uint32
	start, end uint16
	count      uint16 // of parameters before it
	onlyRest   bool   // a parameter was tried as well
}

// result is how a search ended.
type result uint8

const (
	found   result = iota
	none           // no route: the path is a clean one
	unusual        // it is for the tree to say
)

// match searches an absolute path. Of the leaf it returns the places of the
// first four parameters, as spans does. It is one long function, since the parts
// of it that a call would name share nearly all of their variables, which are
// registers here.
func (m *matcher) match(path string) (l *matchLeaf, s01, s23 uint64, how result) {
	if m.static != nil {
		return m.static.match(path)
	}
	var places [maxPlaces]uint64
	var returns [maxReturns]turn
	pending, count := 0, 0
	id := uint32(0)
	i := 1
	if len(path) == 1 {
		i = 2 // the root has no segment
	}
	for {
		n := &m.nodes[id]
		onlyRest := false
		var end int
		if i > len(path) {
			if n.leaf != 0 {
				return &m.leaves[n.leaf], places[0]<<32 | places[1], places[2]<<32 | places[3], found
			}
			if l := &m.leaves[n.rest]; n.rest != 0 && l.kind != catchAll {
				if count < maxPlaces {
					places[count] = 0 // the rest is absent; what is there was noted on another way
				}
				return l, places[0]<<32 | places[1], places[2]<<32 | places[3], found
			}
		} else {
			var lo, hi uint64
			if i+8 <= len(path) {
				lo = load8(path, i)
			} else {
				lo = word(path, i)
			}
			length := min(8, len(path)-i)
			if t := firstSlash(lo); t != 0 {
				length = bits.TrailingZeros64(t) >> 3
				lo &= 1<<(uint(length)*8) - 1
			} else if i+8 < len(path) {
				hi, length = longSegment(path, i)
			}
			if length == 0 {
				return nil, 0, 0, unusual
			}
			end = i + length
			if n.statics {
				s := &m.slots[n.first+mix(lo, hi, length)*n.multiplier>>n.shift]
				child := s.node &^ lastSlot
				if s.lo != lo || s.hi != hi || s.length != uint32(length) || length > 16 {
					child = 0
					if s.node&lastSlot == 0 || length > 16 {
						child = m.child(n, lo, hi, path[i:end])
					}
				}
				if child != 0 {
					if n.more {
						if pending == maxReturns {
							return nil, 0, 0, unusual
						}
						returns[pending] = turn{id, uint16(i), uint16(end), uint16(count), false}
						pending++
					}
					id, i = child, end+1
					continue
				}
			}
			if n.param != 0 && isOdd(path[i:end], lo, hi) {
				return nil, 0, 0, unusual
			}
		}
		if i > len(path) || !n.more {
			// A dead end: back to the last place where something was left to try.
			if pending == 0 {
				if isOrdinary(path) {
					return nil, 0, 0, none
				}
				return nil, 0, 0, unusual
			}
			pending--
			back := &returns[pending]
			id, i, end, count, onlyRest = back.node, int(back.start), int(back.end), int(back.count), back.onlyRest
			n = &m.nodes[id]
		}
		if n.param != 0 && !onlyRest {
			if n.rest != 0 {
				if pending == maxReturns {
					return nil, 0, 0, unusual
				}
				returns[pending] = turn{id, uint16(i), uint16(end), uint16(count), true}
				pending++
			}
			if count < maxPlaces {
				places[count] = uint64(i)<<16 | uint64(end)
			}
			count++
			id, i = n.param, end+1
			continue
		}
		if l = &m.leaves[n.rest]; !isOrdinary(path[i-1:]) {
			return nil, 0, 0, unusual
		}
		if count < maxPlaces {
			places[count] = uint64(i)<<16 | uint64(len(path))
		}
		return l, places[0]<<32 | places[1], places[2]<<32 | places[3], found
	}
}

// longSegment reads on in a segment of at least 8 bytes: its second word, and
// its length.
func longSegment(path string, i int) (hi uint64, length int) {
	hi = word(path, i+8)
	if t := firstSlash(hi); t != 0 {
		length = bits.TrailingZeros64(t) >> 3
		return hi & (1<<(uint(length)*8) - 1), 8 + length
	}
	if rest := len(path) - i; rest <= 16 {
		return hi, rest
	}
	return hi, segmentEnd(path, i+16) - i
}

// isOdd reports whether a segment with these words is one that no handler may
// see, or may be: of a dot or two, with NUL, or not ASCII.
func isOdd(segment string, lo, hi uint64) bool {
	if (lo|hi)&highs != 0 || segment[0] == '.' {
		return true
	}
	if n := len(segment); n < 8 {
		return anyZero(lo|^uint64(0)<<(uint(n)*8)) != 0
	} else if n < 16 {
		return anyZero(lo)|anyZero(hi|^uint64(0)<<(uint(n-8)*8)) != 0
	}
	for i := range len(segment) {
		if segment[i] == 0 || segment[i] >= 0x80 {
			return true
		}
	}
	return false
}

// child returns the static child of n for a segment, or 0.
func (m *matcher) child(n *matchNode, lo, hi uint64, segment string) uint32 {
	at := mix(lo, hi, len(segment)) * n.multiplier >> n.shift
	for {
		s := &m.slots[n.first+at&n.mask()]
		if s.lo == lo && s.hi == hi && s.length == uint32(len(segment)) {
			node := s.node &^ lastSlot
			if len(segment) <= 16 || m.texts[node] == segment {
				return node
			}
		}
		if s.node&lastSlot != 0 {
			return 0
		}
		at++
	}
}

// mix folds a segment into 32 bits, for a multiplication to spread.
func mix(lo, hi uint64, length int) uint32 {
	h := lo ^ bits.RotateLeft64(hi, 29) ^ uint64(length)<<56
	return uint32(h ^ h>>32)
}

// isOrdinary reports whether a path, or a part of one that begins with its
// slash, is ASCII without NUL, empty segments, and segments that begin with a
// dot.
func isOrdinary(path string) bool {
	if path[len(path)-1] == '/' && len(path) > 1 {
		return false
	}
	for i := 0; i < len(path); i += 8 {
		w := word(path, i)
		if rest := len(path) - i; rest < 8 {
			if anyZero(w|^uint64(0)<<(uint(rest)*8)) != 0 {
				return false
			}
		} else if anyZero(w) != 0 {
			return false
		}
		if w&highs != 0 {
			return false
		}
		for t := firstSlash(w); t != 0; t &= t - 1 {
			at := i + bits.TrailingZeros64(t)>>3
			if path[at] == '/' && at+1 < len(path) && (path[at+1] == '/' || path[at+1] == '.') {
				return false
			}
		}
	}
	return true
}
