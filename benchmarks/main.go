// Command benchmarks measures apiroutes and other routers on the same
// workloads and prints the results as Markdown. See README.md.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/measure"
	"github.com/apiroutes/apiroutes/benchmarks/internal/report"
	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// options are the flags.
type options struct {
	measure       measure.Options
	only, routers *regexp.Regexp
	out, plot     string
	check, record string
}

func parse(args []string) (options, error) {
	o := options{}
	set := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	rounds := set.Int("rounds", 10, "interleaved rounds; each result is the smallest of them")
	cell := set.Duration("cell", 10*time.Millisecond, "CPU time of one router on one workload in a round")
	only := set.String("only", "", "regular expression of workloads")
	routers := set.String("routers", "", "regular expression of routers; apiroutes is always among them")
	set.StringVar(&o.out, "out", "", "file for the tables, besides standard output")
	set.StringVar(&o.plot, "plot", "", "file for a picture (.svg) of the fixed tables")
	set.StringVar(&o.check, "check", "", "compare ratios with this file and fail if one is much worse")
	set.StringVar(&o.record, "record", "", "measure ratios and write this file")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if *rounds < 1 || *cell <= 0 {
		return o, fmt.Errorf("-rounds and -cell must be positive")
	}
	o.measure = measure.Options{Rounds: *rounds, Cell: *cell}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	if *routers != "" {
		*routers += "|^" + report.Ours + "$"
	}
	o.routers, err = regexp.Compile(*routers)
	return o, err
}

func main() {
	o, err := parse(os.Args[1:])
	if err == flag.ErrHelp {
		return
	}
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	runtime.GOMAXPROCS(1)
	switch {
	case o.check != "":
		return check(o)
	case o.record != "":
		return record(o)
	case o.plot != "":
		return plot(o)
	}
	text := &bytes.Buffer{}
	if err := tables(io.MultiWriter(os.Stdout, text), o); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, text.Bytes(), 0o644)
}

// title says what the figures belong to.
func title() string {
	return fmt.Sprintf("%s, %s, %s/%s, %d CPUs", time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// groups are the workloads in the order of the report. Growth is made when it
// is measured: its tables are large.
var groups = []struct {
	name      string
	workloads func(only *regexp.Regexp) []func() *workload.Workload
}{
	{"Fixed tables", func(only *regexp.Regexp) []func() *workload.Workload { return named(only, workload.Fixed()) }},
	{"Growth, static", func(only *regexp.Regexp) []func() *workload.Workload { return grown(only, false) }},
	{"Growth, parameters", func(only *regexp.Regexp) []func() *workload.Workload { return grown(only, true) }},
	{"Middleware, JSON, compression", func(only *regexp.Regexp) []func() *workload.Workload { return named(only, workload.Special()) }},
}

func named(only *regexp.Regexp, all []*workload.Workload) (list []func() *workload.Workload) {
	for _, w := range all {
		if only.MatchString(w.Name) {
			list = append(list, func() *workload.Workload { return w })
		}
	}
	return list
}

func grown(only *regexp.Regexp, params bool) (list []func() *workload.Workload) {
	for _, n := range workload.Sizes {
		if only.MatchString(workload.GrowthName(n, params)) {
			list = append(list, func() *workload.Workload { return workload.Growth(n, params) })
		}
	}
	return list
}

// tables measures everything and writes the report as it goes.
func tables(out io.Writer, o options) error {
	adapters := router.Named(o.routers)
	r := report.NewRun(adapters)
	fmt.Fprintf(out, "## Routers (%s)\n\n%d interleaved rounds, one CPU, process CPU time.\n"+
		"‡ no router: the loop and an empty handler. † fasthttp: includes filling a request. Bold: the fastest router of net/http.\n\n", title(), o.measure.Rounds)
	for _, g := range groups {
		var cells []*measure.Cell
		for _, make := range g.workloads(o.only) {
			w := make()
			fmt.Fprintln(os.Stderr, w.Name)
			measured, err := measure.Workload(adapters, w, o.measure)
			if err != nil {
				return err
			}
			cells = append(cells, measured...)
			runtime.GC()
		}
		r.Cells = append(r.Cells, cells...)
		r.Tables(out, g.name, cells)
	}
	if o.only.MatchString("GitHubParallel") {
		for _, w := range workload.Fixed() {
			if w.Name != "GitHub" {
				continue
			}
			fmt.Fprintln(os.Stderr, "GitHubParallel")
			cells, err := measure.Parallel(adapters, w, min(o.measure.Rounds, 5))
			if err != nil {
				return err
			}
			r.Tables(out, report.Parallel, cells)
		}
	}
	r.Targets(out)
	return nil
}

// plot measures the fixed tables and draws them.
func plot(o options) error {
	adapters := router.Named(o.routers)
	r := report.NewRun(adapters)
	for _, w := range workload.Fixed() {
		if !o.only.MatchString(w.Name) || strings.HasSuffix(w.Name, "1") {
			continue
		}
		fmt.Fprintln(os.Stderr, w.Name)
		cells, err := measure.Workload(adapters, w, o.measure)
		if err != nil {
			return err
		}
		r.Cells = append(r.Cells, cells...)
	}
	return r.Plot(o.plot, title())
}
