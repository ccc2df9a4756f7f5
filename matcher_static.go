package apiroutes

import "math/bits"

// staticPaths finds whole paths where a router has nothing but static ones: with
// one probe instead of one for each segment. In front of a tree with parameters
// it would cost each request for those more than it saves the others.
type staticPaths struct {
	multiplier uint64
	shift      uint8
	slots      []staticSlot
}

// staticSlot is a path: four words that cover up to 32 bytes, and its length. Of
// longer paths the leaf has the rest.
type staticSlot struct {
	a, b, c, d uint64
	size       int // 0: none
	leaf       *leaf
}

// staticKey reads the first and the last two words of a path. They overlap in a
// short one, so that there is no branch for its length.
func staticKey(path string) (a, b, c, d uint64) {
	if len(path) < 8 {
		return word(path, 0), 0, 0, 0
	}
	last := len(path) - 8
	return load8(path, 0), load8(path, min(8, last)), load8(path, max(0, last-8)), load8(path, last)
}

func staticHash(a, b, c, d uint64, size int) uint64 {
	return a ^ bits.RotateLeft64(b, 13) ^ bits.RotateLeft64(c, 29) ^ bits.RotateLeft64(d, 43) ^ uint64(size)<<56
}

func (t *staticPaths) match(path string) (*leaf, uint64, uint64, result) {
	a, b, c, d := staticKey(path)
	at := staticHash(a, b, c, d, len(path)) * t.multiplier >> t.shift
	for {
		s := &t.slots[at&uint64(len(t.slots)-1)]
		if s.size == 0 {
			break
		}
		if s.a == a && s.b == b && s.c == c && s.d == d && s.size == len(path) {
			if len(path) <= 32 || s.leaf.pattern == path {
				return s.leaf, 0, 0, found
			}
		}
		at++
	}
	if isOrdinary(path) {
		return nil, 0, 0, none
	}
	return nil, 0, 0, unusual
}

// newStaticPaths returns nil for a tree with anything but static paths, or with
// none. Of some multipliers it takes the one with the fewest further probes.
func newStaticPaths(m *matcher) *staticPaths {
	const tries = 64
	for i := range m.entries {
		if m.entries[i].more {
			return nil
		}
	}
	if len(m.leaves) == 0 {
		return nil
	}
	best, least := (*staticPaths)(nil), 0
	for try := range uint64(tries) {
		size := bits.Len(uint(len(m.leaves))) + 1 // at most half full
		t := &staticPaths{
			multiplier: multiplier(try), shift: uint8(64 - size),
			slots: make([]staticSlot, 1<<size),
		}
		if probes := t.fill(m.leaves); best == nil || probes < least {
			best, least = t, probes
		}
		if least == 0 || len(m.leaves) > 4096 {
			break
		}
	}
	return best
}

// fill places the leaves, and returns how many further probes they need.
func (t *staticPaths) fill(leaves []*leaf) (probes int) {
	for _, l := range leaves {
		path := l.pattern
		a, b, c, d := staticKey(path)
		at := staticHash(a, b, c, d, len(path)) * t.multiplier >> t.shift
		for t.slots[at&uint64(len(t.slots)-1)].size != 0 {
			at++
			probes++
		}
		t.slots[at&uint64(len(t.slots)-1)] = staticSlot{a, b, c, d, len(path), l}
	}
	return probes
}
