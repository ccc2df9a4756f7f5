package testutil_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocsPage: each Go snippet of docs/testing.md is part of a file that is
// compiled and run, but for its indentation.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	var compiled string
	for _, file := range []string{"nextjs_test.go", "example_test.go", "../examples/testing/hello_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		compiled += "\n" + flat(string(text))
	}
	snippets := 0
	for i, block := range strings.Split(string(page), "```") {
		if snippet, ok := strings.CutPrefix(block, "go\n"); i%2 == 1 && ok {
			snippets++
			if !strings.Contains(compiled, "\n"+flat(snippet)) {
				t.Errorf("this snippet is not compiled:\n%s", snippet)
			}
		}
	}
	if snippets < 10 {
		t.Errorf("only %d snippets", snippets)
	}
}

// flat drops indentation and blank lines.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}
