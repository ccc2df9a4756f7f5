package main

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
	"github.com/apiroutes/apiroutes/benchmarks/internal/ratio"
	"github.com/apiroutes/apiroutes/benchmarks/internal/report"
	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// checked are the workloads of -check and -record.
var checked = regexp.MustCompile(`^(Static|GitHub|CatchAll|Backtrack|Miss404|Wrong405|Param5|GrowthParam1000|Middleware10|JSON)$`)

// references are what the times of -check are divided by: the standard
// library, and the one other router that does all of them without allocating.
var references = regexp.MustCompile(`^(ServeMux|fox)$`)

// limits of -check: wide, and more than once, for CI machines are shared.
var limits = ratio.Limits{Factor: 1.5, Tries: 3}

// check fails if a workload is much slower than recorded, by its ratio.
func check(o options) error {
	recorded, err := ratio.Read(o.check)
	if err != nil {
		return err
	}
	return limits.Compare(recorded, func(workloads []string) (ratio.Ratios, error) { return ratios(o.measure, workloads) },
		func(line string) { fmt.Println(line) })
}

func record(o options) error {
	measured, err := ratios(o.measure, nil)
	if err != nil {
		return err
	}
	return ratio.Write(o.record, runtime.Version(), measured)
}

// ratios measures the workloads of these names, or all that are checked.
func ratios(o measure.Options, names []string) (ratio.Ratios, error) {
	adapters := router.Named(regexp.MustCompile("^" + report.Ours + "$|" + references.String()))
	found := ratio.Ratios{}
	for _, make := range checkedWorkloads() {
		w := make()
		if names != nil && !slices.Contains(names, w.Name) {
			continue
		}
		cells, err := measure.Workload(adapters, w, o)
		if err != nil {
			return nil, err
		}
		ours := measure.Find(cells, report.Ours, w.Name)
		if ours == nil {
			return nil, fmt.Errorf("%s skips %s", report.Ours, w.Name)
		}
		found[w.Name] = map[string]float64{}
		for _, c := range cells {
			if c.Skip == "" && c.Router != report.Ours {
				found[w.Name][c.Router] = ours.NS / c.NS
			}
		}
	}
	return found, nil
}

func checkedWorkloads() (list []func() *workload.Workload) {
	for _, g := range groups {
		list = append(list, g.workloads(checked)...)
	}
	return list
}
