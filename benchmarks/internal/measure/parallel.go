package measure

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// Parallel measures the adapters on all processors at once, in wall time per
// request. That is as noisy as the machine; it tells whether a router scales.
func Parallel(adapters []*router.Adapter, w *workload.Workload, rounds int) ([]*Cell, error) {
	if flag.Lookup("test.benchtime") == nil {
		testing.Init()
	}
	if err := flag.Set("test.benchtime", "50ms"); err != nil {
		return nil, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(runtime.NumCPU()))
	var cells []*Cell
	var instances []router.Instance
	for _, a := range adapters {
		cell := &Cell{Router: a.Name, Workload: w.Name + "Parallel", Skip: a.Reason(w)}
		cells = append(cells, cell)
		if cell.Skip != "" {
			instances = append(instances, nil)
			continue
		}
		probe := router.NewProbe()
		instance, err := a.Build(&w.Table, probe)
		if err != nil {
			return nil, err
		}
		if err := router.Verify(a, instance, probe, w); err != nil {
			return nil, fmt.Errorf("not measured, for it is wrong: %w", err)
		}
		instances = append(instances, instance)
	}
	for range rounds {
		for i, cell := range cells {
			if instances[i] == nil {
				continue
			}
			ns := parallel(instances[i], w)
			if cell.NS == 0 {
				cell.NS = ns
			}
			cell.NS, cell.Spread = min(cell.NS, ns), max(cell.Spread, ns)
		}
	}
	for _, cell := range cells {
		cell.Spread /= cell.NS
	}
	return cells, nil
}

func parallel(instance router.Instance, w *workload.Workload) float64 {
	workers := make(chan []workload.Request, runtime.GOMAXPROCS(0))
	for range cap(workers) { // not while the clock runs
		workers <- w.Sequence()
	}
	result := testing.Benchmark(func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			sequence := <-workers
			worker := instance.Worker()
			for i := 0; pb.Next(); i++ {
				at := i & (len(sequence) - 1)
				worker.Serve(sequence[at : at+1])
			}
			workers <- sequence
		})
	})
	return float64(result.T.Nanoseconds()) / float64(result.N)
}
