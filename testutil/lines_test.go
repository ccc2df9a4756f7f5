package testutil_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// goTest runs the tests of a package below testdata and returns what they
// print, and whether they passed.
func goTest(t *testing.T, dir string, env ...string) (output string, passed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "./testdata/"+dir)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	return string(out), err == nil
}

// TestLines: go test names the line of the expectation that does not hold, and
// not one of this package, and it names it once.
func TestLines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/lines/lines_test.go")
	if err != nil {
		t.Fatal(err)
	}
	out, passed := goTest(t, "lines")
	if passed {
		t.Error("the tests pass")
	}
	reported := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\s+(\w+\.go:\d+): `).FindAllStringSubmatch(out, -1) {
		reported[m[1]]++
	}
	number, wanted := 0, 0
	for line := range bytes.Lines(source) {
		number++
		place := fmt.Sprintf("lines_test.go:%d", number)
		want := 0
		if bytes.HasSuffix(bytes.TrimSpace(line), []byte("// fails")) {
			want = 1
			wanted++
		}
		if reported[place] != want {
			t.Errorf("%s is reported %d times, want %d: %s", place, reported[place], want, bytes.TrimSpace(line))
		}
		delete(reported, place)
	}
	for place, n := range reported {
		if strings.Contains(out, place+": server: ") {
			continue // the log of a panic
		}
		t.Errorf("%s is reported %d times, which is no line of a test", place, n)
	}
	if wanted < 40 {
		t.Errorf("only %d lines fail on purpose", wanted)
	}
	if t.Failed() {
		t.Logf("go test printed:\n%s", out)
	}
}

// TestMainFails: tests that pass and leave a goroutine behind fail.
func TestMainFails(t *testing.T) {
	t.Parallel()
	if out, passed := goTest(t, "leaky", "LEAK="); !passed {
		t.Errorf("without a leak:\n%s", out)
	}
	out, passed := goTest(t, "leaky", "LEAK=1")
	if passed || !strings.Contains(out, "FAIL: goroutines left behind: 1:\n\ngoroutine ") || !strings.Contains(out, "leaky.leaks(") ||
		strings.Contains(out, "os/signal.loop") || strings.Contains(out, "testing.(*M).Run") {
		t.Errorf("with a leak it passes: %t; it prints:\n%s", passed, out)
	}
}
