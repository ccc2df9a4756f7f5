package testutil_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/apiroutes/apiroutes/testutil"
)

var ignoreStrings = cmp.Comparer(func(a, b string) bool { return true })

// TestDump: what a failure prints after its first line.
func TestDump(t *testing.T) {
	for _, tt := range []struct {
		reason string
		edits  []testutil.Edit
		status int
		header http.Header
		body   string
		want   string
	}{
		{"headers are sorted, controls quoted", []testutil.Edit{testutil.Header("B", "2"), testutil.Header("A", "\x1b[31m")}, 404,
			http.Header{"X-B": {"1", "2\x00"}, "X-A": {"é", "\u009b"}, "Content-Type": nil}, "no",
			"--- request\nGET /\nA: \"\\x1b[31m\"\nB: 2\n--- answer\nHTTP/1.1 404 Not Found\nX-A: é\nX-A: \"\\u009b\"\nX-B: 1\nX-B: \"2\\x00\"\n\nno"},
		{"bodies of both sides", []testutil.Edit{testutil.JSON(1)}, 404, nil, "a\nb\n",
			"--- request\nGET /\nContent-Type: application/json\n\n1\n--- answer\nHTTP/1.1 404 Not Found\nContent-Type: text/plain; charset=utf-8\n\na\nb"},
		{"a streamed body", []testutil.Edit{testutil.Stream("", strings.NewReader("x"))}, 404, http.Header{"Content-Type": nil}, "",
			"--- request\nGET /\n\n(a streamed body)\n--- answer\nHTTP/1.1 404 Not Found"},
		{"binary is hex", []testutil.Edit{testutil.Body("", "a\x00b")}, 404, http.Header{"Content-Type": nil}, "\xff\xfe",
			"--- request\nGET /\n\n00000000  61 00 62                                          |a.b|\n--- answer\nHTTP/1.1 404 Not Found\n\n00000000  ff fe                                             |..|"},
		{"escape sequences are binary", nil, 404, http.Header{"Content-Type": nil}, "\x1b[31m",
			"--- request\nGET /\n--- answer\nHTTP/1.1 404 Not Found\n\n00000000  1b 5b 33 31 6d                                    |.[31m|"},
		{"a status without a name", nil, 299, http.Header{"Content-Type": nil}, "",
			"--- request\nGET /\n--- answer\nHTTP/1.1 299"},
		{"long text ends between characters", nil, 404, http.Header{"Content-Type": nil}, "x" + strings.Repeat("ü", 2000),
			"--- request\nGET /\n--- answer\nHTTP/1.1 404 Not Found\n\nx" + strings.Repeat("ü", 1023) + "\n(and 1954 bytes more)"},
		{"long binary is shorter", nil, 404, http.Header{"Content-Type": nil}, strings.Repeat("\x00", 1000),
			"--- request\nGET /\n--- answer\nHTTP/1.1 404 Not Found\n\n" + strings.Join(hexLines(16), "") + "(and 744 bytes more)"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			got := failures(t, func(t testing.TB) { testutil.Call(t, h, "GET /", tt.edits...).Status(1) })
			if len(got) != 1 {
				t.Fatalf("failures %q", got)
			}
			_, dump, _ := strings.Cut(got[0], "\n")
			if diff := cmp.Diff(tt.want, strings.TrimRight(dump, " ")); diff != "" {
				t.Errorf("dump differs (-want +got):\n%s", diff)
			}
		})
	}
}

func hexLines(n int) (lines []string) {
	for i := range n {
		lines = append(lines, "000000"+string("0123456789abcdef"[i])+"0  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n")
	}
	return lines
}

// TestDumpIsBounded: 10 MB in both directions are named, not printed.
func TestDumpIsBounded(t *testing.T) {
	long := strings.Repeat("0123456789", 1<<20)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	got := failures(t, func(t testing.TB) { testutil.New(t, h).Post("/", testutil.Body("", long)).Contains("x") })
	if len(got) != 1 || len(got[0]) > 5<<10 || strings.Count(got[0], "\n(and 10483712 bytes more)") != 2 {
		t.Errorf("%d failures, the first: %.600s", len(got), got[0])
	}
}
