package testutil

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// NoLeaks fails the test if goroutines that did not run before it still run
// after it, and after the clean-ups that are registered later: call it first.
// It is not for parallel tests, whose goroutines it would count too.
func NoLeaks(t testing.TB) {
	t.Helper()
	before := goroutines()
	t.Cleanup(func() {
		t.Helper()
		if leaked := leaked(before); leaked != "" {
			t.Errorf("%s", leaked)
		}
	})
}

// Main runs the tests of a package and fails if they leave goroutines behind:
//
//	func TestMain(m *testing.M) { testutil.Main(m) }
func Main(m *testing.M) {
	before := goroutines()
	code := m.Run()
	if code == 0 {
		if leaked := leaked(before); leaked != "" {
			fmt.Fprintf(os.Stderr, "FAIL: %s\n", leaked)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked waits until none but the given goroutines run, and describes those
// that stay.
func leaked(before map[string]string) string {
	const poll, patience = 2 * time.Millisecond, 3 * time.Second // net/http keeps some for a second
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(patience); ; {
		now := goroutines()
		maps.DeleteFunc(now, func(id, _ string) bool { return before[id] != "" })
		if len(now) == 0 {
			return ""
		}
		if time.Now().After(deadline) {
			stacks := slices.Sorted(maps.Values(now))
			return fmt.Sprintf("goroutines left behind: %d:\n\n%s", len(stacks), cut(strings.Join(stacks, "\n\n")))
		}
		time.Sleep(poll) // nothing signals the end of a goroutine
	}
}

// goroutines returns the stacks of all goroutines, by their ids, but for one
// that never ends by intent: os/signal's.
func goroutines() map[string]string {
	all := make([]byte, 1<<16)
	for {
		n := runtime.Stack(all, true)
		if n < len(all) {
			all = all[:n]
			break
		}
		all = make([]byte, 2*len(all))
	}
	stacks := map[string]string{}
	for stack := range strings.SplitSeq(strings.TrimSpace(string(all)), "\n\n") {
		if id, _, ok := strings.Cut(stack, " ["); ok && !strings.Contains(stack, "os/signal.loop(") {
			stacks[id] = stack
		}
	}
	return stacks
}
