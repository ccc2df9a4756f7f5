package apiroutes

import (
	"math/bits"
	"slices"
)

// This file makes a matcher from a tree: once, when the first request comes.

// newMatcher lays out a tree.
func newMatcher(tree *node) *matcher {
	m := &matcher{entries: make([]entry, 1), texts: map[uint32]string{}}
	queue := []placed{{tree, 0}}
	for at := 0; at < len(queue); at++ { // breadth first: siblings are neighbours
		from, id := queue[at].node, queue[at].id
		e := &m.entries[id]
		e.leaf, e.rest = from.leaf, from.rest
		e.more = from.param != nil || from.rest != nil
		queue = m.place(queue, id, &from.static)
		if from.param != nil {
			child := uint32(len(m.entries))
			m.entries[id].param = child
			m.entries = append(m.entries, entry{length: noLength})
			queue = append(queue, placed{from.param, child})
		}
	}
	m.entries = tight(m.entries)
	m.leaves = tight(slices.Collect(tree.leaves))
	m.static = newStaticPaths(m)
	return m
}

// placed is a node that has an entry.
type placed struct {
	node *node
	id   uint32
}

// tight returns s with little room for more.
func tight[T any](s []T) []T {
	if cap(s)-len(s) > len(s)/16 {
		s = slices.Clone(s)
	}
	return s
}

// place makes the slots of an entry's static children, and appends these to the
// queue.
func (m *matcher) place(queue []placed, id uint32, static *children) []placed {
	texts := static.sorted()
	if len(texts) == 0 {
		return queue
	}
	var buffer [fewHashes]uint64
	hashes := buffer[:0]
	for _, text := range texts {
		hashes = append(hashes, mix(words(text)))
	}
	e := &m.entries[id]
	e.statics, e.first = true, uint32(len(m.entries))
	perfect := e.spread(hashes)
	if !perfect {
		e.multiplier, e.mask = multiplier(0), 1<<bits.Len(uint(2*len(texts)-1))-1 // at most half full
	}
	first := *e
	m.entries = slices.Grow(m.entries, int(first.mask)+1)
	slots := m.entries[len(m.entries) : len(m.entries)+int(first.mask)+1]
	m.entries = m.entries[:len(m.entries)+len(slots)]
	for i := range slots {
		slots[i] = entry{length: noLength, last: perfect}
	}
	for i, text := range texts {
		at := first.slot(hashes[i])
		for slots[at&first.mask].length != noLength {
			at++
		}
		at &= first.mask
		s := &slots[at]
		s.lo, s.hi = words(text)
		s.length = shortLength(text)
		queue = append(queue, placed{static.get(text), first.first + at})
		if len(text) > 16 {
			m.texts[first.first+at] = text
		}
	}
	for i := range slots {
		next := &slots[uint32(i+1)&first.mask]
		slots[i].last = perfect || slots[i].length == noLength || next.length == noLength
	}
	return queue
}

// fewHashes is up to how many children spread is tried.
const fewHashes = 64

// spread searches a multiplier and a number of slots so that no two hashes share
// one. Sizes from that of the smallest power of two to eight times that, and 64
// multipliers for each, find one for nearly every set of up to 50.
func (e *entry) spread(hashes []uint64) bool {
	const tries = 64
	if len(hashes) == 1 {
		e.mask = 0
		return true
	}
	size := bits.Len(uint(len(hashes) - 1))
	for more := 0; more < 4 && len(hashes) <= fewHashes; more++ {
		e.mask = 1<<(size+more) - 1
	next:
		for try := range uint64(tries) {
			e.multiplier = multiplier(try)
			var taken [fewHashes * 8 / 64]uint64
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
