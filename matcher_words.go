package apiroutes

// This file reads text in words of eight bytes, the first byte lowest.
//
// For a word w the value
//
//	x := w ^ "////////";  (x - 0x01..01) & ^x & 0x80..80
//
// has its lowest bit in the first byte that is a slash: x is zero there, a zero
// byte borrows in the subtraction, and below the first zero nothing borrows.
// What is below that bit, moved to the byte's beginning, is the mask of all that
// comes before the slash.

const (
	slashes = 0x2f2f2f2f2f2f2f2f
	ones    = 0x0101010101010101
	highs   = 0x8080808080808080
	lows    = ^uint64(highs)
)

// load8 returns eight bytes of s, which the compiler makes one load.
func load8(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// tails are slashes in the last bytes of a word, by their number.
var tails = func() (tails [16]uint64) {
	for i := range 8 {
		tails[i] = slashes &^ (1<<(64-8*i) - 1)
	}
	return tails
}()

// firstSlash marks the first slash of a word, perhaps with others behind it.
func firstSlash(w uint64) uint64 {
	x := w ^ slashes
	return (x - ones) &^ x & highs
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

// hasOddBytes reports whether a path of at least a word has NUL in it or is not
// ASCII. A byte less one has its highest bit only then.
func hasOddBytes(path string) bool {
	last := len(path) - 8
	w := load8(path, last)
	odd := w | (w - ones)
	for i := 0; i < last; i += 8 {
		w := load8(path, i)
		odd |= w | (w - ones)
	}
	return odd&highs != 0
}

// isOrdinary reports whether a path, or a part of one that begins with its
// slash, is ASCII without NUL, empty segments, and segments that begin with a
// dot. It looks at each word without a branch for what it finds.
func isOrdinary(path string) bool {
	n, i := len(path), 0
	if n > 1 && path[n-1] == '/' {
		return false
	}
	var odd, all, slash uint64
	for ; i+8 <= n; i += 8 {
		odd, slash = oddities(load8(path, i), slash)
		all |= odd
	}
	switch {
	case i == n:
	case n >= 8: // some bytes twice
		odd, _ = oddities(load8(path, n-8), 0)
		all |= odd
	default:
		odd, _ = oddities(word(path, 0)|0x6161616161616161<<(uint(n)*8), 0)
		all |= odd
	}
	return all == 0
}

// oddities is not zero if a word has a byte that is NUL or not ASCII, or a slash
// or a dot behind a slash: the mask of the slashes, moved by a byte, must not meet
// that of slashes and dots. before is the second result for the word before: its
// last byte, if that is a slash.
func oddities(w, before uint64) (odd, last uint64) {
	slash := zeros(w ^ slashes)
	return (w|(w-ones))&highs | (slash<<8|before)&zeros((w|ones)^slashes), slash >> 56
}

// zeros marks the bytes of w that are zero, each in its highest bit, and no
// others.
func zeros(w uint64) uint64 { return ^(w&lows + lows | w) & highs }

// words returns the first 16 bytes of a segment.
func words(segment string) (lo, hi uint64) {
	if len(segment) > 8 {
		hi = word(segment, 8)
	}
	return word(segment, 0), hi
}
