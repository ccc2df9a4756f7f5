package testutil

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

func init() {
	if flag.Lookup("update") == nil { // or another package of the test defines it
		flag.Bool("update", false, "rewrite the golden files in testdata")
	}
}

// Updating reports whether the test runs with -update, for tests that keep
// golden files of their own. This package defines the flag: a test that imports
// it cannot define another one of that name.
func Updating() bool { return flag.Lookup("update").Value.String() == "true" }

// A Scrub replaces what differs from run to run in a golden file.
type Scrub = func(text string) string

// Replace is a [Scrub] that replaces what a regular expression matches. It
// panics if the expression is malformed.
func Replace(expression, with string) Scrub {
	re := regexp.MustCompile(expression)
	return func(text string) string { return re.ReplaceAllString(text, with) }
}

// The scrubs that most answers need.
var (
	// UUIDs replaces UUIDs by <uuid>.
	UUIDs = Replace(`\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b`, "<uuid>")
	// Times replaces times of RFC 3339 and of HTTP by <time>.
	Times = Replace(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`, "<time>")
	// Tokens replaces JSON Web Tokens by <token>.
	Tokens = Replace(`\beyJ[\w-]+\.[\w-]+\.[\w-]*`, "<token>")
)

// Golden compares status, Content-Type and body with the file
// testdata/NAME.golden; go test with -update writes it. The name may have
// folders, as in "user/created".
//
// A body of JSON is indented, with sorted keys, so that the file does not
// depend on their order; a body that is no text is written as hex, and one that
// does not end with a line feed gets one. The scrubs are applied to the text of
// the file, before it is compared or written. A file that was checked out with
// CRLF line ends is compared without regard to them.
func (r *Response) Golden(name string, scrubs ...Scrub) *Response {
	r.t.Helper()
	if !r.ready() {
		return r
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		r.t.Errorf("testutil: Golden(%q): want the name of a file in testdata", name)
		return r
	}
	got := r.golden()
	for _, scrub := range scrubs {
		got = scrub(got)
	}
	file := filepath.Join("testdata", filepath.FromSlash(name)+".golden")
	if Updating() {
		if err := writeFile(file, got); err != nil {
			r.t.Errorf("golden file: %v", err)
		}
		return r
	}
	text, err := os.ReadFile(file)
	if err != nil {
		r.fail("golden file: %v (go test -update writes it)", err)
		return r
	}
	want, compared := string(text), got
	if first, _, _ := strings.Cut(want, "\n"); strings.HasSuffix(first, "\r") {
		want, compared = withoutCR(want), withoutCR(got)
	}
	if want != compared {
		r.fail("%s differs (-want +got; go test -update rewrites it):\n%s", file, textDiff(want, compared))
	}
	return r
}

func withoutCR(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// golden is the answer as text.
func (r *Response) golden() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", r.response.StatusCode, http.StatusText(r.response.StatusCode))
	if contentType := r.response.Header.Get("Content-Type"); contentType != "" {
		fmt.Fprintf(&b, "Content-Type: %s\n", contentType)
	}
	if len(r.body) == 0 {
		return b.String()
	}
	b.WriteByte('\n')
	if isText(r.body) {
		b.Write(stableJSON(r.body))
	} else {
		b.WriteString(hex.Dump(r.body))
	}
	if !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// stableJSON indents JSON and sorts its keys; other bodies stay as they are.
func stableJSON(body []byte) []byte {
	v, err := parseJSON(body)
	if err != nil {
		return body
	}
	var stable bytes.Buffer
	encoder := json.NewEncoder(&stable)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return body
	}
	return stable.Bytes()
}

func writeFile(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o666)
}
