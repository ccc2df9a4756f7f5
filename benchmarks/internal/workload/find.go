package workload

import "strings"

// Find returns the route that serves a path, by trying each: the pattern that
// is more specific at the first segment where they differ wins, a static
// segment before a parameter before a catch-all. It is -1 if there is none.
func Find(list []Route, method, path string) (best int, values []string) {
	best = -1
	for _, number := range findAny(list, path) {
		if list[number].Method == method && (best < 0 || rank(list[number].Pattern) < rank(list[best].Pattern)) {
			best = number
		}
	}
	if best >= 0 {
		values, _ = match(list[best].Pattern, path)
	}
	return best, values
}

// findAny returns the routes of all methods that match a path.
func findAny(list []Route, path string) (found []int) {
	for i, route := range list {
		if _, ok := match(route.Pattern, path); ok {
			found = append(found, i)
		}
	}
	return found
}

// rank orders patterns that match the same path.
func rank(pattern string) string {
	var kinds []byte
	for segment := range strings.SplitSeq(pattern[1:], "/") {
		_, kind := parameter(segment)
		kinds = append(kinds, byte('0'+kind))
	}
	return string(kinds)
}

// match matches one pattern.
func match(pattern, path string) (values []string, ok bool) {
	for pattern != "" && path != "" {
		segment, restOfPattern := cut(pattern)
		text, restOfPath := cut(path)
		switch _, kind := parameter(segment); {
		case kind == catchAll && path != "/":
			return append(values, path[1:]), true
		case kind == param && text != "":
			values = append(values, text)
		case kind != static || segment != text:
			return nil, false
		}
		pattern, path = restOfPattern, restOfPath
	}
	return values, pattern == "" && path == ""
}

// cut splits "/a/b" into "a" and "/b".
func cut(path string) (segment, rest string) {
	if end := strings.IndexByte(path[1:], '/'); end >= 0 {
		return path[1 : end+1], path[end+1:]
	}
	return path[1:], ""
}
