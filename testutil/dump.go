package testutil

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	maxDump = 2 << 10 // bytes that a failure prints of a body
	maxHex  = 256     // of one that is no text
	maxDiff = 8 << 10 // of a diff
)

// dump prints the exchange for a failure message.
func (r *Response) dump() string {
	var b strings.Builder
	if r.request != nil {
		dumpRequest(&b, "--- request", r.request)
		dumpBody(&b, requestBody(r.request))
	} else if r.sent != "" {
		b.WriteString("--- sent\n")
		dumpBytes(&b, []byte(r.sent))
	}
	if r.response == nil {
		return strings.TrimRight(b.String(), "\n")
	}
	for _, next := range r.redirects() {
		dumpRequest(&b, fmt.Sprintf("--- redirected with %d", next.Response.StatusCode), next)
	}
	fmt.Fprintf(&b, "--- answer\n%s %s\n", r.response.Proto, r.response.Status)
	dumpHeader(&b, r.response.Header)
	if r.stream != nil || !r.read && isEventStream(r.response) { // which may have no end
		b.WriteString("\n(" + r.stream.String() + ")\n")
	} else {
		r.readBody()
		dumpBody(&b, r.body)
		if r.bodyErr != nil {
			fmt.Fprintf(&b, "(broken off: %v)\n", r.bodyErr)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// redirects lists the requests that followed the first one.
func (r *Response) redirects() (all []*http.Request) {
	for next := r.response.Request; next != nil && next.Response != nil; next = next.Response.Request {
		all = append(all, next)
	}
	slices.Reverse(all)
	return all
}

func isEventStream(response *http.Response) bool {
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return media == "text/event-stream"
}

func dumpRequest(b *strings.Builder, title string, r *http.Request) {
	target := r.URL.RequestURI()
	if r.RequestURI != "" { // of Call
		target = r.RequestURI
	}
	fmt.Fprintf(b, "%s\n%s %s\n", title, r.Method, target)
	if r.Host != "" && r.Host != r.URL.Host && r.URL.Host != "" {
		fmt.Fprintf(b, "Host: %s\n", quoteControls(r.Host))
	}
	dumpHeader(b, r.Header)
}

// requestBody returns what was sent, or a note if that cannot be had again.
func requestBody(r *http.Request) []byte {
	switch {
	case r.GetBody != nil:
		if body, err := r.GetBody(); err == nil {
			defer body.Close()
			sent, _ := io.ReadAll(body)
			return sent
		}
	case r.Body != nil && r.Body != http.NoBody:
		return []byte("(a streamed body)")
	}
	return nil
}

func dumpHeader(b *strings.Builder, header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(b, "%s: %s\n", name, quoteControls(value))
		}
	}
}

// dumpBody prints what follows the header, if anything does.
func dumpBody(b *strings.Builder, body []byte) {
	if len(body) > 0 {
		b.WriteByte('\n')
		dumpBytes(b, body)
	}
}

// dumpBytes prints the start of text as it is and of everything else as hex.
func dumpBytes(b *strings.Builder, body []byte) {
	limit := maxDump
	text := isText(body)
	if !text {
		limit = maxHex
	}
	shown := body[:min(len(body), limit)]
	if text {
		for len(shown) < len(body) && len(shown) > 0 && !utf8.RuneStart(body[len(shown)]) {
			shown = shown[:len(shown)-1] // not in the middle of a character
		}
		b.Write(shown)
		if len(shown) > 0 && !bytes.HasSuffix(shown, []byte("\n")) {
			b.WriteByte('\n')
		}
	} else {
		b.WriteString(hex.Dump(shown))
	}
	if more := len(body) - len(shown); more > 0 {
		fmt.Fprintf(b, "(and %d bytes more)\n", more)
	}
}

// isText reports whether bytes can be printed as they are.
func isText(body []byte) bool {
	return utf8.Valid(body) && bytes.IndexFunc(body, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || 0x7f <= r && r < 0xa0
	}) < 0
}

func quoteControls(value string) string {
	if isText([]byte(value)) && !strings.ContainsAny(value, "\r\n") {
		return value
	}
	return fmt.Sprintf("%q", value)
}

// textDiff is a diff of two texts that differ. Of long ones it looks at where
// they begin to, since a diff takes more than linear time.
func textDiff(want, got string) string {
	const long, before, after = 32 << 10, 200, 1000
	if len(want)+len(got) <= long {
		return cut(cmp.Diff(want, got))
	}
	from := 0
	for from < min(len(want), len(got)) && want[from] == got[from] {
		from++
	}
	part := func(text string) string { return text[min(len(text), max(0, from-before)):min(len(text), from+after)] }
	return fmt.Sprintf("of %d bytes wanted and %d bytes got, around byte %d:\n%s",
		len(want), len(got), from, cut(cmp.Diff(part(want), part(got))))
}

// jsonDiff is a diff of two values that differ.
func jsonDiff(want, got any, options []cmp.Option) string {
	if diff := cmp.Diff(shorten(want), shorten(got), options...); diff != "" {
		return cut(diff)
	}
	return "in strings that are too long to show"
}

// shorten copies a value without most of its long strings, and with what tells
// them apart.
func shorten(v any) any {
	const long, kept = 8 << 10, 100
	switch v := v.(type) {
	case map[string]any:
		short := make(map[string]any, len(v))
		for key, element := range v {
			short[key] = shorten(element)
		}
		return short
	case []any:
		short := make([]any, len(v))
		for i, element := range v {
			short[i] = shorten(element)
		}
		return short
	case string:
		if len(v) > long {
			return fmt.Sprintf("%s... (%d bytes, SHA-256 %x)", strings.ToValidUTF8(v[:kept], ""), len(v), sha256.Sum256([]byte(v)))
		}
	}
	return v
}

// cut bounds a diff.
func cut(text string) string {
	if len(text) <= maxDiff {
		return text
	}
	return fmt.Sprintf("%s\n(and %d bytes more)", strings.ToValidUTF8(text[:maxDiff], ""), len(text)-maxDiff)
}
