// Package measure takes the time of routers, by the CPU time of the process:
// the wall clock of a shared machine tells more about its neighbours.
package measure

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// CPU returns the CPU time that the process has used.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Cell is what was measured of one router on one workload.
type Cell struct {
	Router, Workload string
	Skip             string  // why there is nothing else
	NS               float64 // per request, the smallest of all rounds
	Spread           float64 // the largest by the smallest
	Allocs           float64 // per request

	// Of growth only.
	HeapPerRoute     float64 // bytes
	RegisterPerRoute float64 // ns, with what the first request prepares
}

// Options say how to measure.
type Options struct {
	Rounds int
	// Cell is the CPU time that one cell of one round takes, about.
	Cell time.Duration
}

// candidate is a router that was built and verified.
type candidate struct {
	cell     *Cell
	worker   router.Worker
	sequence []workload.Request
	repeats  int
	worst    float64
}

// Workload measures the adapters on a workload. All are built and verified
// first; then each round times each one once, so that a disturbance hits all.
func Workload(adapters []*router.Adapter, w *workload.Workload, o Options) ([]*Cell, error) {
	var cells []*Cell
	var candidates []*candidate
	sequence := w.Sequence()
	for _, a := range adapters {
		cell := &Cell{Router: a.Name, Workload: w.Name, Skip: a.Reason(w)}
		cells = append(cells, cell)
		if cell.Skip != "" {
			continue
		}
		c, err := build(a, w, sequence, cell)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, c)
	}
	runtime.GC()
	for _, c := range candidates {
		c.warm(o.Cell)
	}
	for range o.Rounds {
		for _, c := range candidates {
			c.round()
		}
	}
	for _, c := range candidates {
		c.cell.Spread = c.worst / c.cell.NS
		c.cell.Allocs = c.allocs()
	}
	return cells, nil
}

// build registers, verifies, and for growth measures the registration.
func build(a *router.Adapter, w *workload.Workload, sequence []workload.Request, cell *Cell) (*candidate, error) {
	probe := router.NewProbe()
	instance, err := construct(a, w, probe, sequence[:1], cell)
	if err != nil {
		return nil, err
	}
	if err := router.Verify(a, instance, probe, w); err != nil {
		return nil, fmt.Errorf("not measured, for it is wrong: %w", err)
	}
	return &candidate{cell: cell, worker: instance.Worker(), sequence: sequence}, nil
}

// construct registers the routes. Heap and time include the first request, for
// some routers prepare their tables only then. The heap has the handlers and
// the patterns in it, which are alike for all; the time has not.
func construct(a *router.Adapter, w *workload.Workload, probe *router.Probe, first []workload.Request, cell *Cell) (instance router.Instance, err error) {
	if !w.IsGrowth() {
		return a.Build(&w.Table, probe)
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s does not register %s: %v", a.Name, w.Name, v)
		}
	}()
	n := float64(len(w.Routes))
	cell.RegisterPerRoute = math.Inf(1)
	for tries := max(1, min(5, 20_000/len(w.Routes))); tries > 0; tries-- {
		instance = nil
		before := heap()
		register := a.Prepare(&w.Table, probe)
		start := CPU()
		instance = register()
		instance.Worker().Serve(first)
		cell.RegisterPerRoute = min(cell.RegisterPerRoute, float64(CPU()-start)/n)
		register = nil
		cell.HeapPerRoute = float64(heap()-before) / n
	}
	return instance, nil
}

// heap returns the number of bytes that are in use.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held is gone after the second one
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// warm runs a sequence until its cost is known, and decides how often to
// repeat it in a round.
func (c *candidate) warm(cell time.Duration) {
	c.restore()
	c.worker.Serve(c.sequence)
	best := time.Duration(math.MaxInt64)
	for range 2 {
		start := CPU()
		c.worker.Serve(c.sequence)
		best = min(best, CPU()-start)
	}
	c.repeats = max(1, int(cell/max(best, time.Microsecond)))
	c.cell.NS = math.Inf(1)
}

// restore removes what other routers left in the requests.
func (c *candidate) restore() {
	for _, r := range c.sequence {
		*r.Shared = *r.Pristine
	}
}

func (c *candidate) round() {
	c.restore()
	start := CPU()
	for range c.repeats {
		c.worker.Serve(c.sequence)
	}
	ns := float64(CPU()-start) / float64(c.repeats*len(c.sequence))
	c.cell.NS, c.worst = min(c.cell.NS, ns), max(c.worst, ns)
}

// allocs counts allocations as testing.AllocsPerRun does, but to a tenth.
func (c *candidate) allocs() float64 {
	c.restore()
	var before, after runtime.MemStats
	sequence := c.sequence[:min(len(c.sequence), 8192)]
	runtime.ReadMemStats(&before)
	for range 2 {
		c.worker.Serve(sequence)
	}
	runtime.ReadMemStats(&after)
	// What is below a tenth is the runtime's own, or a pool that is filled again.
	return math.Round(10*float64(after.Mallocs-before.Mallocs)/float64(2*len(sequence))) / 10
}

// Find returns the cell of a router on a workload, or nil if there is none, or
// none that was measured.
func Find(cells []*Cell, name, on string) *Cell {
	i := slices.IndexFunc(cells, func(c *Cell) bool { return c.Router == name && c.Workload == on && c.Skip == "" })
	if i < 0 {
		return nil
	}
	return cells[i]
}
