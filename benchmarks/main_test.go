package main

import (
	"slices"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
)

func TestParse(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-rounds", "3", "-routers", "^gin$", "-only", "GitHub"})
	if err != nil || o.measure.Rounds != 3 || o.measure.Cell != 10*time.Millisecond {
		t.Fatal(o, err)
	}
	var names []string
	for _, a := range router.Named(o.routers) {
		names = append(names, a.Name)
	}
	if !slices.Equal(names, []string{"apiroutes", "gin"}) {
		t.Errorf("routers %q", names)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"-cell", "0s"}, {"-only", "("}, {"-routers", "("}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q has no error", args)
		}
	}
}

// What -check compares must exist, and ours must be able to do it.
func TestCheckedWorkloads(t *testing.T) {
	t.Parallel()
	list := checkedWorkloads()
	if len(list) != 10 {
		t.Errorf("%d workloads are checked, not 10", len(list))
	}
	for _, a := range router.All() {
		if a.Name != "apiroutes" && !references.MatchString(a.Name) {
			continue
		}
		for _, make := range list {
			if w := make(); a.Reason(w) != "" && !(a.Name == "ServeMux" && w.Name == "Backtrack") {
				t.Errorf("%s skips %s: %s", a.Name, w.Name, a.Reason(w))
			}
		}
	}
}
