package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
)

func cell(name, on string, ns float64) *measure.Cell {
	return &measure.Cell{Router: name, Workload: on, NS: ns, Spread: 1.1}
}

func allocating(name, on string, allocs float64) *measure.Cell {
	return &measure.Cell{Router: name, Workload: on, NS: 1, Allocs: allocs}
}

func runOf(cells ...*measure.Cell) *Run {
	r := NewRun(router.All())
	r.Cells = cells
	return r
}

func verdictOf(t *testing.T, r *Run, what string) string {
	t.Helper()
	for _, target := range targets {
		if target.what == what {
			measured, verdict := target.judge(r)
			return measured + " " + verdict
		}
	}
	t.Fatalf("there is no target %q", what)
	return ""
}

func TestTargets(t *testing.T) {
	t.Parallel()
	some := &measure.Cell{Router: Ours, Workload: "GrowthParam10000", NS: 1, HeapPerRoute: 300}
	for _, row := range []struct {
		name, what string
		cells      []*measure.Cell
		want       string
	}{
		{"stretch", "GitHub / fox", []*measure.Cell{cell(Ours, "GitHub", 45), cell("fox", "GitHub", 100)}, "0.45 met, stretch too"},
		{"must", "GitHub / fox", []*measure.Cell{cell(Ours, "GitHub", 55), cell("fox", "GitHub", 100)}, "0.55 met"},
		{"not", "GitHub / fox", []*measure.Cell{cell(Ours, "GitHub", 56), cell("fox", "GitHub", 100)}, "0.56 **not met**"},
		{"no fox", "GitHub / fox", []*measure.Cell{cell(Ours, "GitHub", 56)}, "- not measured"},
		{"skipped", "GitHub / fox", []*measure.Cell{cell(Ours, "GitHub", 56), {Router: "fox", Workload: "GitHub", Skip: "no"}}, "- not measured"},
		{"best peer: neither the floor nor fasthttp", "GitHub / best peer", []*measure.Cell{
			cell("bare", "GitHub", 1), cell("fiber", "GitHub", 2), cell(Ours, "GitHub", 60), cell("aero", "GitHub", 100), cell("gin", "GitHub", 120),
		}, "0.60 met, stretch too"},
		{"growth", "growth with parameters, N=1000 / N=100", []*measure.Cell{cell(Ours, "GrowthParam100", 50), cell(Ours, "GrowthParam1000", 60)}, "1.20 **not met**"},
		{"heap", "heap per route, 10k with parameters, bytes", []*measure.Cell{some}, "300 met"},
		{"middleware", "per middleware, ns", []*measure.Cell{cell(Ours, "Middleware0", 20), cell(Ours, "Middleware10", 40)}, "2.0 met"},
		{"stack", "stack / chi", []*measure.Cell{cell(Ours, "Stack", 90), cell("chi", "Stack", 100)}, "0.90 met"},
		{"stack: as fast is not faster", "stack / echo", []*measure.Cell{cell(Ours, "Stack", 100), cell("echo", "Stack", 100)}, "1.00 **not met**"},
		{"stack: allocations, not times", "stack / echo, allocations", []*measure.Cell{allocating(Ours, "Stack", 9), allocating("echo", "Stack", 12)}, "0.75 met, stretch too"},
		{"stack: nothing to divide by", "stack / echo, allocations", []*measure.Cell{allocating(Ours, "Stack", 6), allocating("echo", "Stack", 0)}, "- not measured"},
		{"gzip is the faster the better", "gzip of 100 kB: speed / gzhttp", []*measure.Cell{cell(Ours, "Gzip", 100), cell("ServeMux", "Gzip", 96)}, "0.96 met"},
		{"gzip too slow", "gzip of 100 kB: speed / gzhttp", []*measure.Cell{cell(Ours, "Gzip", 100), cell("ServeMux", "Gzip", 90)}, "0.90 **not met**"},
		{"never measured", "Static / denco", nil, "- not measured: the module proxy does not serve denco"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := verdictOf(t, runOf(row.cells...), row.what); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// A worst value needs all its workloads: a part of them would flatter.
func TestWorstNeedsAll(t *testing.T) {
	t.Parallel()
	const what = "every table / ServeMux (the worst)"
	var cells []*measure.Cell
	for _, on := range []string{"Static", "GitHub", "GPlus", "Parse", "CatchAll", "BacktrackLite", "Miss404"} {
		cells = append(cells, cell(Ours, on, 20), cell("ServeMux", on, 100))
	}
	if got := verdictOf(t, runOf(cells...), what); got != "- not measured" {
		t.Error(got)
	}
	cells = append(cells, cell(Ours, "Wrong405", 30), cell("ServeMux", "Wrong405", 100))
	if got := verdictOf(t, runOf(cells...), what); got != "0.30 met" {
		t.Error(got)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	r := runOf(cell("bare", "GitHub", 3), cell(Ours, "GitHub", 123.4), cell("gin", "GitHub", 56.78), cell("fiber", "GitHub", 30),
		&measure.Cell{Router: "aero", Workload: "GitHub", Skip: "a reason"})
	r.Cells[1].Allocs = 1.5
	var b strings.Builder
	r.Tables(&b, "Group", r.Cells)
	for _, want := range []string{"| bare ‡ | 3.00 |", "| apiroutes | 123 |", "| gin | **56.8** |", "| fiber † | 30.0 |", "| aero | - |", "| apiroutes | 1.5 |", "aero (GitHub): a reason"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestPlot(t *testing.T) {
	t.Parallel()
	r := runOf(cell(Ours, "GitHub", 50), cell("gin", "GitHub", 100), cell(Ours, "Static", 30), &measure.Cell{Router: "gin", Workload: "Static", Skip: "no"})
	file := filepath.Join(t.TempDir(), "p.svg")
	if err := r.Plot(file, "2026-01-02, go1.26"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "2026-01-02, go1.26", "GitHub", "50 ns", "apiroutes"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the picture", want)
		}
	}
	if err := runOf().Plot(file, ""); err == nil {
		t.Error("a picture of nothing")
	}
	if got := r.speeds("gin", []string{"GitHub", "Static"}, pictured); got[0] != 0.5 || got[1] != 0 {
		t.Errorf("speeds %v", got)
	}
	if len(pictured) > len(palette) {
		t.Error("more routers than colours")
	}
}
