package apiroutes

import (
	"math/bits"
	"slices"
)

// This file makes a matcher from a tree: once, when the first request comes.

// newMatcher lays out a tree.
func newMatcher(tree *node) *matcher {
	m := &matcher{entries: make([]entry, 1), texts: map[uint32]string{}}
	type placed struct {
		node *node
		id   uint32
	}
	queue := []placed{{tree, 0}}
	for at := 0; at < len(queue); at++ { // breadth first: siblings are neighbours
		from, e := queue[at].node, &m.entries[queue[at].id]
		e.leaf, e.rest = from.leaf, from.rest
		if from.param != nil || from.rest != nil {
			e.kinds |= hasMore
		}
		texts := from.static.sorted()
		for i, id := range m.place(queue[at].id, texts) {
			queue = append(queue, placed{from.static.get(texts[i]), id})
		}
		if from.param != nil {
			id := uint32(len(m.entries))
			m.entries[queue[at].id].param = id
			m.entries = append(m.entries, entry{length: noLength})
			queue = append(queue, placed{from.param, id})
		}
	}
	m.entries, m.leaves = slices.Clone(m.entries), slices.Clone(slices.Collect(tree.leaves)) // without room for more
	m.static = newStaticPaths(m)
	return m
}

// place makes the slots of an entry's static children, and returns those of the
// texts. For few of them it searches a multiplier that gives each its own.
func (m *matcher) place(id uint32, texts []string) (ids []uint32) {
	if len(texts) == 0 {
		return nil
	}
	hashes := make([]uint64, len(texts))
	for i, text := range texts {
		hashes[i] = mix(words(text))
	}
	e := &m.entries[id]
	e.kinds, e.first = e.kinds|hasStatics, uint32(len(m.entries))
	perfect := e.spread(hashes)
	if !perfect {
		e.multiplier, e.mask = multiplier(0), 1<<bits.Len(uint(2*len(texts)-1))-1 // at most half full
	}
	slots := make([]entry, e.mask+1)
	for i := range slots {
		slots[i].length = noLength
	}
	for i, text := range texts {
		at := e.slot(hashes[i])
		for slots[at&e.mask].length != noLength {
			at++
		}
		s := &slots[at&e.mask]
		s.lo, s.hi = words(text)
		s.length = shortLength(text)
		ids = append(ids, e.first+at&e.mask)
		if len(text) > 16 {
			m.texts[e.first+at&e.mask] = text
		}
	}
	for i := range slots {
		next := slots[uint32(i+1)&e.mask]
		slots[i].last = perfect || slots[i].length == noLength || next.length == noLength
	}
	m.entries = append(m.entries, slots...)
	return ids
}

// spread searches a multiplier and a number of slots so that no two hashes share
// one. Sizes from that of the smallest power of two to eight times that, and 64
// multipliers for each, find one for nearly every set of up to 64.
func (e *entry) spread(hashes []uint64) bool {
	const tries, few = 64, 64
	if len(hashes) == 1 {
		e.mask = 0
		return true
	}
	size := bits.Len(uint(len(hashes) - 1))
	for more := 0; more < 4 && len(hashes) <= few; more++ {
		e.mask = 1<<(size+more) - 1
	next:
		for try := range uint64(tries) {
			e.multiplier = multiplier(try)
			var taken [few * 8 / 64]uint64
			for _, h := range hashes {
				at := e.slot(h)
				if taken[at/64]>>(at%64)&1 != 0 {
					continue next
				}
				taken[at/64] |= 1 << (at % 64)
			}
			return true
		}
	}
	return false
}

// multiplier returns odd numbers that look random (splitmix64).
func multiplier(i uint64) uint64 {
	z := (i + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31 | 1
}
