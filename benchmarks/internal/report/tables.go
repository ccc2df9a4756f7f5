// Package report writes what was measured as Markdown and as a picture.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
)

// Ours is the router that is compared with the others.
const Ours = "apiroutes"

// Run is one session: only what is in it may be compared.
type Run struct {
	Cells []*measure.Cell
	kinds map[string]*router.Adapter
}

// NewRun returns an empty run of the adapters.
func NewRun(adapters []*router.Adapter) *Run {
	r := &Run{kinds: map[string]*router.Adapter{}}
	for _, a := range adapters {
		r.kinds[a.Name] = a
	}
	return r
}

// get returns a cell that was measured, or nil.
func (r *Run) get(name, on string) *measure.Cell { return measure.Find(r.Cells, name, on) }

// isPeer tells the routers of net/http that ours is compared with.
func (r *Run) isPeer(name string) bool {
	a := r.kinds[name]
	return a != nil && !a.Floor && !a.FastHTTP && name != Ours
}

// best returns the fastest peer on a workload.
func (r *Run) best(on string) (best *measure.Cell) {
	for _, c := range r.Cells {
		if c.Workload == on && c.Skip == "" && r.isPeer(c.Router) && (best == nil || c.NS < best.NS) {
			best = c
		}
	}
	return best
}

// names lists what is in the cells, in the order of the first appearance.
func names(cells []*measure.Cell, of func(*measure.Cell) string) (list []string) {
	for _, c := range cells {
		if name := of(c); !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Tables writes the tables of a group of workloads: times, their spread and
// allocations, and for growth memory and registration.
func (r *Run) Tables(w io.Writer, group string, cells []*measure.Cell) {
	if len(cells) == 0 {
		return
	}
	r.table(w, group+": ns per request (the smallest of the rounds)", cells, func(c *measure.Cell) string {
		text := number(c.NS)
		if best := r.best(c.Workload); best != nil && c.NS <= best.NS && !r.kinds[c.Router].Floor && !r.kinds[c.Router].FastHTTP {
			return "**" + text + "**"
		}
		return text
	})
	r.table(w, group+": spread (largest by smallest round)", cells, func(c *measure.Cell) string {
		return fmt.Sprintf("%.2f", c.Spread)
	})
	if group != Parallel {
		r.table(w, group+": allocations per request", cells, func(c *measure.Cell) string { return count(c.Allocs) })
	}
	if cells[0].HeapPerRoute != 0 {
		r.table(w, group+": heap bytes and registration time per route", cells, func(c *measure.Cell) string {
			return fmt.Sprintf("%.0f B, %.1f µs", c.HeapPerRoute, c.RegisterPerRoute/1000)
		})
	}
	r.skips(w, cells)
}

// Parallel is the group of what all processors do at once, in wall time.
const Parallel = "parallel (wall time)"

func (r *Run) table(w io.Writer, title string, cells []*measure.Cell, show func(*measure.Cell) string) {
	workloads := names(cells, func(c *measure.Cell) string { return c.Workload })
	fmt.Fprintf(w, "### %s\n\n| router | %s |\n|---|%s\n", title, strings.Join(workloads, " | "), strings.Repeat("--:|", len(workloads)))
	for _, name := range names(cells, func(c *measure.Cell) string { return c.Router }) {
		mark := ""
		switch a := r.kinds[name]; {
		case a.Floor:
			mark = " ‡"
		case a.FastHTTP:
			mark = " †"
		}
		fmt.Fprintf(w, "| %s%s |", name, mark)
		for _, on := range workloads {
			text := "-"
			if c := measure.Find(cells, name, on); c != nil {
				text = show(c)
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}

// skips tells what is missing in the tables and why.
func (r *Run) skips(w io.Writer, cells []*measure.Cell) {
	var lines []string
	for _, name := range names(cells, func(c *measure.Cell) string { return c.Router }) {
		reasons := map[string][]string{}
		var order []string
		for _, c := range cells {
			if c.Router == name && c.Skip != "" {
				if reasons[c.Skip] == nil {
					order = append(order, c.Skip)
				}
				reasons[c.Skip] = append(reasons[c.Skip], c.Workload)
			}
		}
		for _, reason := range order {
			lines = append(lines, fmt.Sprintf("%s (%s): %s", name, strings.Join(reasons[reason], ", "), reason))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "Skipped: %s.\n\n", strings.Join(lines, "; "))
	}
}

// number has three significant digits.
func number(x float64) string {
	digits := max(0, 2-int(math.Floor(math.Log10(max(x, 0.01)))))
	return fmt.Sprintf("%.*f", min(digits, 2), x)
}

func count(x float64) string {
	if x == math.Round(x) {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.1f", x)
}
