package middleware

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// checkOrigin decides whether origin is the serialization of an origin, as a
// browser sends it (https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin,
// with hosts as in https://url.spec.whatwg.org/#host-serializing). If not it
// says why and, where that can be told, what was meant. That may have a further
// mistake; each proposal is nearer to an origin, so that asking on comes to an end.
//
// net/url is of no use for it: it accepts much that no browser sends.
func checkOrigin(origin string) (why, right string) {
	switch {
	case origin == "":
		return `is empty: write an origin, such as "https://app.example"`, ""
	case origin == "null":
		return `is the origin of every page in a sandbox, whoever wrote it: give the page an origin of its own`, ""
	case len(origin) > 512:
		return "is too long for an origin, which has a scheme, a host name of at most 253 bytes and a port", ""
	case strings.ContainsFunc(origin, func(r rune) bool { return r >= 0x80 }):
		return "has characters outside ASCII: write the host in Punycode (xn--...), as location.origin in a browser has it", ""
	case strings.TrimSpace(origin) != origin:
		return "has space around it", strings.TrimSpace(origin)
	case strings.ContainsAny(origin, " \t\r\n,;"):
		return "is more than one origin: make each an element of its own", ""
	case strings.Contains(origin, "*"):
		return "is a pattern, and a pattern matches what others may own: list each origin in full", ""
	case strings.ContainsAny(origin, `\^$()|{}`):
		return "is a regular expression, and those match what others may own: list each origin in full", ""
	case strings.ToLower(origin) != origin:
		return "has upper-case letters, which browsers do not send", strings.ToLower(origin)
	}
	scheme, rest, found := strings.Cut(origin, "://")
	switch {
	case !found:
		return "has no scheme, or not :// behind it", proposeScheme(origin)
	case scheme == "":
		return "has no scheme", "https://" + rest
	case !isScheme(scheme):
		return fmt.Sprintf("has the scheme %q, which cannot be one", scheme), ""
	case scheme == "file":
		return `is no origin that browsers send: for a local file they send "null", as any page can; serve the page over HTTP`, ""
	case scheme == "ws", scheme == "wss":
		return "is not the origin of a page, which browsers send for WebSockets too", "http" + scheme[2:] + "://" + rest
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		return "has a path, query or trailing slash, which no origin has", scheme + "://" + rest[:end]
	}
	if user := strings.LastIndexByte(rest, '@'); user >= 0 {
		return "has a user name, which no origin has", scheme + "://" + rest[user+1:]
	}
	return checkHostPort(scheme, rest)
}

// proposeScheme puts a scheme before what has none, such as "localhost:3000".
func proposeScheme(origin string) string {
	scheme := "https"
	for _, s := range []string{"http", "https"} {
		if rest, found := strings.CutPrefix(origin, s+":"); found {
			scheme, origin = s, rest
		}
	}
	return scheme + "://" + strings.TrimLeft(origin, ":/")
}

// isScheme is RFC 3986, section 3.1, in lower case.
func isScheme(scheme string) bool {
	for i := range len(scheme) {
		if b := scheme[i]; !('a' <= b && b <= 'z') && (i == 0 || !('0' <= b && b <= '9') && b != '+' && b != '-' && b != '.') {
			return false
		}
	}
	return scheme != ""
}

// checkHostPort is checkOrigin for what follows the scheme.
func checkHostPort(scheme, rest string) (why, right string) {
	base := scheme + "://"
	end := strings.IndexByte(rest, ':')
	switch addr, err := netip.ParseAddr(rest); {
	case err == nil && addr.Is6():
		return "has an IPv6 address without brackets", base + "[" + canonicalIPv6(addr) + "]"
	case strings.HasPrefix(rest, "["):
		if end = strings.IndexByte(rest, ']') + 1; end == 0 {
			return "has a bracket that is not closed", ""
		}
	case end < 0:
		end = len(rest)
	}
	host, port := rest[:end], rest[end:]
	if why, right := checkHost(scheme, host); why != "" {
		if right != "" {
			right = base + right + port
		}
		return why, right
	}
	base += host
	if port == "" {
		return "", ""
	}
	n, err := strconv.ParseUint(port[1:], 10, 16)
	switch {
	case port == ":":
		return "has a colon without a port", base
	case port[0] != ':', err != nil, n == 0:
		return fmt.Sprintf("has %q behind the host, where a port of 1 to 65535 can be", port), ""
	case scheme == "https" && n == 443, scheme == "http" && n == 80:
		return "has the default port, which browsers leave out", base
	case strconv.FormatUint(n, 10) != port[1:]:
		return "has a port with leading zeros", fmt.Sprintf("%s:%d", base, n)
	}
	return "", ""
}

// checkHost is checkOrigin for the host alone, with the host that was meant.
func checkHost(scheme, host string) (why, right string) {
	if host == "" {
		return "has no host", ""
	}
	if host[0] == '[' {
		addr, err := netip.ParseAddr(host[1 : len(host)-1])
		switch {
		case err != nil, !addr.Is6():
			return "has no IPv6 address in its brackets", ""
		case host != "["+canonicalIPv6(addr)+"]":
			return "has an IPv6 address that browsers write otherwise", "[" + canonicalIPv6(addr) + "]"
		}
		return "", ""
	}
	if i := strings.IndexFunc(host, func(r rune) bool { return !isAlphanumeric(byte(r)) && !strings.ContainsRune("-._", r) }); i >= 0 {
		return fmt.Sprintf("has %q in its host, which no host name has", host[i]), ""
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".") // "example.com." is an origin of its own
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return "has a host with a label that is empty, or longer than 63 bytes", ""
		}
	}
	if len(host) > 254 {
		return "has a host that is longer than 253 bytes", ""
	}
	if last := labels[len(labels)-1]; (scheme == "http" || scheme == "https") && isNumber(last) {
		right := strings.TrimSuffix(host, ".")
		switch _, err := netip.ParseAddr(right); {
		case err != nil:
			return "has a number as its host, which browsers write as an IPv4 address, in four decimal parts", ""
		case right != host:
			return "has an IPv4 address with a dot behind it", right
		}
	}
	return "", ""
}

// isNumber is https://url.spec.whatwg.org/#ends-in-a-number-checker.
func isNumber(label string) bool {
	if hex, found := strings.CutPrefix(label, "0x"); found {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// canonicalIPv6 writes an address as browsers do: as RFC 5952 has it, but
// without its dotted form for IPv4-mapped ones.
func canonicalIPv6(addr netip.Addr) string {
	if addr = addr.WithZone(""); addr.Is4In6() {
		b := addr.As16()
		return fmt.Sprintf("::ffff:%x:%x", uint16(b[12])<<8|uint16(b[13]), uint16(b[14])<<8|uint16(b[15]))
	}
	return addr.String()
}
