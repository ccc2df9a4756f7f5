// Command e2e measures servers over loopback: the CPU time that the server
// process takes per request, how long it takes to start, and its memory. The
// load comes from this process, so it is not counted.
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

type options struct {
	rounds, requests, connections int
	only                          *regexp.Regexp
	nextjs                        string
}

func main() {
	o := options{}
	flag.IntVar(&o.rounds, "rounds", 5, "interleaved rounds; each result is the smallest of them")
	flag.IntVar(&o.requests, "requests", 40_000, "requests in a round, for each route of each server; a tenth of it for Node")
	flag.IntVar(&o.connections, "connections", 8, "connections, kept alive")
	flag.StringVar(&o.nextjs, "nextjs", "", "folder with the Next.js and express servers, if they are set up")
	only := flag.String("only", "", "regular expression of servers")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err == nil {
		err = run(os.Stdout, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

// result is what was measured of a server.
type result struct {
	process *process
	starts  []time.Duration
	perRequ []float64 // µs, by route
	loaded  int64     // bytes of resident memory after the load
}

func run(out io.Writer, o options) error {
	folder, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	servers, err := build(folder)
	if err != nil {
		return err
	}
	if o.nextjs != "" {
		servers = append(servers, node(o.nextjs)...)
	}
	var results []*result
	defer func() {
		for _, r := range results {
			r.process.stop()
		}
	}()
	for _, s := range servers {
		if !o.only.MatchString(s.name) {
			continue
		}
		r, err := launch(s, o)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "round %d\n", round+1)
		for _, r := range results {
			if err := r.round(o); err != nil {
				return fmt.Errorf("%s: %w", r.process.name, err)
			}
		}
	}
	table(out, results, o)
	return nil
}

// goServers are those in ./servers, the floor first.
var goServers = []string{"bare", "servemux", "chi", "gin", "echo", "apiroutes"}

// build compiles them, each alone: start-up and memory are those of what a
// router brings with it.
func build(folder string) (servers []server, err error) {
	command := exec.Command("go", "build", "-o", folder+"/", "github.com/apiroutes/apiroutes/benchmarks/e2e/servers/...")
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("the servers do not build (run this in the folder of the module): %w", err)
	}
	for _, name := range goServers {
		servers = append(servers, server{name: name, command: []string{filepath.Join(folder, name)}})
	}
	return servers, nil
}

// node returns the servers of a folder whose packages are installed.
func node(folder string) (servers []server) {
	missing := func(path string) bool {
		_, err := os.Stat(filepath.Join(folder, path))
		if err != nil {
			fmt.Fprintf(os.Stderr, "left out: %v; see README.md there\n", err)
		}
		return err != nil
	}
	if !missing("node_modules/express") {
		servers = append(servers, server{"express", folder, []string{"node", "express/server.js"}})
	}
	if !missing("node_modules/next") && !missing(".next/BUILD_ID") {
		next := []string{"node", "node_modules/next/dist/bin/next", "start", "--hostname", "127.0.0.1", "--port", "$PORT"}
		servers = append(servers, server{"next.js", folder, next})
	}
	return servers
}

// launch starts a server some times and lets the last one run.
func launch(s server, o options) (*result, error) {
	r := &result{}
	for i := range o.rounds {
		p, err := s.start()
		if err != nil {
			return nil, err
		}
		r.starts = append(r.starts, p.startUp)
		if i < o.rounds-1 {
			p.stop()
			continue
		}
		r.process = p
	}
	for range routes {
		r.perRequ = append(r.perRequ, math.Inf(1))
	}
	return r, nil
}

// round loads every route of a server.
func (r *result) round(o options) error {
	n := o.requests
	if r.process.isNode() {
		n /= 10
	}
	for i, route := range routes {
		before := r.process.cpu()
		if err := load(r.process.address, route, o.connections, n); err != nil {
			return err
		}
		used := float64((r.process.cpu() - before).Microseconds())
		r.perRequ[i] = min(r.perRequ[i], used/float64(n/o.connections*o.connections))
	}
	r.loaded = r.process.resident()
	return nil
}

func (s server) isNode() bool { return s.folder != "" }

// table prints the results.
func table(out io.Writer, results []*result, o options) {
	fmt.Fprintf(out, "## Servers (%s, %s, %s/%s, %d CPUs)\n\n", time.Now().UTC().Format("2006-01-02"), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Fprintf(out, "CPU time of the server process per request, µs, over loopback: the smallest of %d rounds, %d connections.\n"+
		"Start: until the first answer, ms, the smallest. Memory: resident, MB, after the first answer and after the load.\n\n", o.rounds, o.connections)
	fmt.Fprint(out, "| server |")
	for _, route := range routes {
		fmt.Fprintf(out, " %s |", route.name)
	}
	fmt.Fprintln(out, " start | memory | loaded |\n|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range results {
		fmt.Fprintf(out, "| %s |", r.process.name)
		for _, us := range r.perRequ {
			fmt.Fprintf(out, " %.1f |", us)
		}
		best := r.starts[0]
		for _, d := range r.starts {
			best = min(best, d)
		}
		const mb = 1 << 20
		fmt.Fprintf(out, " %.0f | %.0f | %.0f |\n", float64(best.Microseconds())/1000, float64(r.process.idle)/mb, float64(r.loaded)/mb)
	}
}
