package report

import (
	"fmt"
	"io"
)

// target is a row of the table of targets.
type target struct {
	what    string
	format  string // of the values
	must    float64
	stretch float64
	atLeast bool // the value must not be below, else not above
	value   func(r *Run) (value float64, ok bool)
	missing string // why it is never measured
}

// ratio divides the time of ours by that of another router.
func ratio(on, by string, must, stretch float64) target {
	return target{
		what: on + " / " + by, format: "%.2f", must: must, stretch: stretch,
		value: func(r *Run) (float64, bool) { return r.ratio(on, by) },
	}
}

func (r *Run) ratio(on, by string) (float64, bool) {
	ours, other := r.get(Ours, on), r.get(by, on)
	if ours == nil || other == nil {
		return 0, false
	}
	return ours.NS / other.NS, true
}

// bestRatio divides by the fastest peer of the run.
func bestRatio(on string, must, stretch float64) target {
	return target{
		what: on + " / best peer", format: "%.2f", must: must, stretch: stretch,
		value: func(r *Run) (float64, bool) {
			if best := r.best(on); best != nil {
				return r.ratio(on, best.Router)
			}
			return 0, false
		},
	}
}

// growth divides the times of two sizes.
func growth(n, by int, must, stretch float64) target {
	return target{
		what: fmt.Sprintf("growth with parameters, N=%d / N=%d", n, by), format: "%.2f", must: must, stretch: stretch,
		value: func(r *Run) (float64, bool) {
			large, small := r.get(Ours, fmt.Sprintf("GrowthParam%d", n)), r.get(Ours, fmt.Sprintf("GrowthParam%d", by))
			if large == nil || small == nil {
				return 0, false
			}
			return large.NS / small.NS, true
		},
	}
}

// worst is the largest of a value over workloads, all of which it needs.
func worst(of func(r *Run, on string) (float64, bool), workloads ...string) func(*Run) (float64, bool) {
	return func(r *Run) (largest float64, ok bool) {
		for _, on := range workloads {
			value, ok := of(r, on)
			if !ok {
				return 0, false
			}
			largest = max(largest, value)
		}
		return largest, true
	}
}

func allocs(r *Run, on string) (float64, bool) {
	c := r.get(Ours, on)
	if c == nil {
		return 0, false
	}
	return c.Allocs, true
}

// stackTimes and stackAllocs divide by those of another router's own stack of
// middleware.
func stackTimes(by string) func(*Run) (float64, bool) {
	return worst(func(r *Run, on string) (float64, bool) { return r.ratio(on, by) }, "Stack")
}

func stackAllocs(by string) func(*Run) (float64, bool) {
	return worst(func(r *Run, on string) (float64, bool) {
		ours, other := r.get(Ours, on), r.get(by, on)
		if ours == nil || other == nil || other.Allocs == 0 {
			return 0, false
		}
		return ours.Allocs / other.Allocs, true
	}, "Stack")
}

func toServeMux(r *Run, on string) (float64, bool) { return r.ratio(on, "ServeMux") }

func registration(r *Run, on string) (float64, bool) {
	c := r.get(Ours, on)
	if c == nil {
		return 0, false
	}
	return c.RegisterPerRoute / 1000, true
}

func heapPerRoute(r *Run, on string) (float64, bool) {
	c := r.get(Ours, on)
	if c == nil {
		return 0, false
	}
	return c.HeapPerRoute, true
}

// perMiddleware is what each of ten costs.
func perMiddleware(r *Run) (float64, bool) {
	none, ten := r.get(Ours, "Middleware0"), r.get(Ours, "Middleware10")
	if none == nil || ten == nil {
		return 0, false
	}
	return (ten.NS - none.NS) / 10, true
}

// gzipBy tells how many times as fast ours compresses.
func gzipBy(by string) func(*Run) (float64, bool) {
	return func(r *Run) (float64, bool) {
		value, ok := r.ratio("Gzip", by)
		if !ok {
			return 0, false
		}
		return 1 / value, true
	}
}

// targets are those that the project has set itself.
var targets = []target{
	{what: "allocations: Static, GitHub, CatchAll, Backtrack, Miss404, Wrong405, Param5 (the most)", format: "%.1f",
		value: worst(allocs, "Static", "GitHub", "CatchAll", "Backtrack", "Miss404", "Wrong405", "Param5")},
	bestRatio("GitHub", 0.80, 0.65),
	ratio("GitHub", "fox", 0.55, 0.45),
	bestRatio("GPlus", 0.92, 0.75),
	bestRatio("Parse", 0.92, 0.75),
	bestRatio("CatchAll", 0.92, 0.75),
	ratio("Static", "aero", 0.80, 0.70),
	{what: "Static / denco", format: "%.2f", must: 1.00, stretch: 0.85, missing: "the module proxy does not serve denco"},
	ratio("Backtrack", "echo", 0.95, 0.75),
	ratio("Backtrack", "fox", 0.75, 0.55),
	ratio("Param5", "aero", 0.95, 0.85),
	ratio("GitHubParam1", "aero", 0.88, 0.75),
	ratio("Miss404", "httptreemux", 0.45, 0.30),
	ratio("Wrong405", "httptreemux", 0.35, 0.25),
	{what: "every table / ServeMux (the worst)", format: "%.2f", must: 0.35, stretch: 0.25,
		value: worst(toServeMux, "Static", "GitHub", "GPlus", "Parse", "CatchAll", "BacktrackLite", "Miss404", "Wrong405")},
	growth(1000, 100, 1.15, 1.05),
	growth(10_000, 100, 2.2, 1.6),
	growth(100_000, 100, 12, 6),
	{what: "heap per route, 10k with parameters, bytes", format: "%.0f", must: 320, stretch: 225,
		value: worst(heapPerRoute, "GrowthParam10000")},
	{what: "registration of 100k routes, µs each", format: "%.1f", must: 3, stretch: 1.5,
		value: worst(registration, "GrowthStatic100000", "GrowthParam100000")},
	{what: "per middleware, ns", format: "%.1f", must: 2.5, stretch: 1.7, value: perMiddleware},
	{what: "ten middlewares, allocations", format: "%.1f", value: worst(allocs, "Middleware10")},
	{what: "parameter behind middleware, by PathValue, allocations", format: "%.1f", must: 3, stretch: 2,
		value: worst(allocs, "MiddlewareParam")},
	{what: "stack / chi", format: "%.2f", must: 0.99, stretch: 0.80, value: stackTimes("chi")},
	{what: "stack / chi, allocations", format: "%.2f", must: 0.99, stretch: 0.80, value: stackAllocs("chi")},
	{what: "stack / echo", format: "%.2f", must: 0.99, stretch: 0.80, value: stackTimes("echo")},
	{what: "stack / echo, allocations", format: "%.2f", must: 0.99, stretch: 0.80, value: stackAllocs("echo")},
	ratio("JSON", "ServeMux", 0.90, 0.80),
	{what: "gzip of 100 kB: speed / gzhttp", format: "%.2f", must: 0.95, stretch: 1.0, atLeast: true, value: gzipBy("ServeMux")},
	{what: "gzip of 100 kB: speed / chi's Compress", format: "%.2f", must: 3.5, stretch: 3.7, atLeast: true, value: gzipBy("chi")},
}

// Targets writes the table of targets.
func (r *Run) Targets(w io.Writer) {
	fmt.Fprint(w, "### Targets\n\n| what | measured | must | stretch | |\n|---|--:|--:|--:|---|\n")
	for _, t := range targets {
		sign := "<="
		if t.atLeast {
			sign = ">="
		}
		measured, verdict := t.judge(r)
		fmt.Fprintf(w, "| %s | %s | %s "+t.format+" | %s "+t.format+" | %s |\n", t.what, measured, sign, t.must, sign, t.stretch, verdict)
	}
	fmt.Fprintln(w)
}

// judge tells whether a target is met.
func (t target) judge(r *Run) (measured, verdict string) {
	if t.missing != "" {
		return "-", "not measured: " + t.missing
	}
	value, ok := t.value(r)
	if !ok {
		return "-", "not measured"
	}
	measured = fmt.Sprintf(t.format, value)
	within := func(bound float64) bool {
		if t.atLeast {
			return value >= bound
		}
		return value <= bound
	}
	switch {
	case within(t.stretch):
		return measured, "met, stretch too"
	case within(t.must):
		return measured, "met"
	}
	return measured, "**not met**"
}
