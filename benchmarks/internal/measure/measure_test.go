package measure_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

var short = measure.Options{Rounds: 2, Cell: time.Millisecond}

func fixed(t *testing.T, name string) *workload.Workload {
	t.Helper()
	for _, w := range workload.Fixed() {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("no workload %s", name)
	return nil
}

func TestWorkload(t *testing.T) {
	adapters := router.Named(regexp.MustCompile("^(bare|apiroutes|aero|httprouter)$"))
	cells, err := measure.Workload(adapters, fixed(t, "Param5"), short)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.NS <= 0 || c.Spread < 1 {
			t.Errorf("%+v", c)
		}
	}
	if c := measure.Find(cells, "httprouter", "Param5"); c == nil || c.Allocs != 1 {
		t.Errorf("httprouter allocates its parameters: %+v", c)
	}
	if bare, other := measure.Find(cells, "bare", "Param5"), measure.Find(cells, "httprouter", "Param5"); bare.NS >= other.NS {
		t.Errorf("the floor takes %v, a router %v", bare.NS, other.NS)
	}
	cells, err = measure.Workload(adapters, fixed(t, "Backtrack"), short)
	if err != nil {
		t.Fatal(err)
	}
	if measure.Find(cells, "aero", "Backtrack") != nil {
		t.Error("a skipped workload has a result")
	}
}

func TestGrowth(t *testing.T) {
	cells, err := measure.Workload(router.Named(regexp.MustCompile("^apiroutes$")), workload.Growth(1000, true), short)
	if err != nil {
		t.Fatal(err)
	}
	if c := cells[0]; c.HeapPerRoute < 10 || c.HeapPerRoute > 100_000 || c.RegisterPerRoute <= 0 {
		t.Errorf("%+v", c)
	}
}

// What answers wrongly is not measured.
func TestWrongRoutersAreRefused(t *testing.T) {
	wrong := *router.All()[0]
	wrong.Name, wrong.Floor = "wrong", false
	if _, err := measure.Workload([]*router.Adapter{&wrong}, fixed(t, "Miss404"), short); err == nil || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("error %v", err)
	}
	if _, err := measure.Parallel([]*router.Adapter{&wrong}, fixed(t, "Miss404"), 1); err == nil {
		t.Error("in parallel it is measured")
	}
}

func TestParallel(t *testing.T) {
	cells, err := measure.Parallel(router.Named(regexp.MustCompile("^apiroutes$")), fixed(t, "GitHub"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if c := cells[0]; c.Workload != "GitHubParallel" || c.NS <= 0 || c.Spread != 1 {
		t.Errorf("%+v", c)
	}
}
