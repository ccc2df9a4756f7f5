// Package programtest tests what all example programs have in common: a
// function run(ctx, args, stdout) that takes -addr, prints a URL and three
// commands, serves until ctx is done, and a main that stops on signals.
package programtest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Run is the function that a program's main calls.
type Run = func(ctx context.Context, args []string, stdout io.Writer) error

// Program is one run of a program.
type Program struct {
	URL string // where it listens, without a slash at the end

	out  output
	stop context.CancelFunc
	done chan struct{} // closed when run has returned
	err  error         // what it returned, once done
}

// output is the writer for what a program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

var urlLine = regexp.MustCompile(`(?m)^listening on (http://[^\s/]+)( .*)?\n`)

// commands is how many commands a program prints behind its URL.
const commands = 3

// Start runs a program on a free port until the test ends, which fails if it
// then ends with an error. All is printed when Start returns.
func Start(t testing.TB, run Run) *Program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &Program{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run(ctx, []string{"-addr", "127.0.0.1:0"}, &p.out)
	}()
	t.Cleanup(func() { p.Stop(t) })
	// Polled, since a writer cannot know which of its calls is the last.
	for deadline := time.Now().Add(10 * time.Second); strings.Count(p.out.String(), "\n") < 1+commands; runtime.Gosched() {
		select {
		case <-p.done:
			t.Fatalf("run returned %v; it printed %q", p.err, &p.out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s it has printed %q", &p.out)
		}
	}
	m := urlLine.FindStringSubmatch(p.out.String())
	if m == nil {
		t.Fatalf("no URL in %q", &p.out)
	}
	p.URL = m[1]
	return p
}

// Stop ends the program and waits for that.
func (p *Program) Stop(t testing.TB) {
	t.Helper()
	p.stop()
	<-p.done
	if p.err != nil {
		t.Errorf("run returned %v after its context ended", p.err)
	}
}

// Commands pastes what the program prints into a shell, in the folder from
// which it is started, and returns what each command writes. Without curl it
// skips the test, after it has looked at the commands.
func (p *Program) Commands(t testing.TB) (answers []string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(p.out.String()))
	if len(lines) != 1+commands {
		t.Fatalf("want the URL and %d commands, printed is:\n%s", commands, &p.out)
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "  curl ") || !strings.Contains(line, p.URL+"/") {
			t.Errorf("%q is no curl command for %s", line, p.URL)
		}
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("here is no curl")
	}
	for _, line := range lines[1:] {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Dir = root(t)
		cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*")
		answer, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		answers = append(answers, string(answer))
	}
	p.Stop(t)
	if more := strings.TrimPrefix(p.out.String(), strings.Join(lines, "")); more != "" {
		t.Errorf("more was printed later: %q", more)
	}
	return answers
}

// root is the folder of the go.mod above the test's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			t.Fatalf("no go.mod above %s", dir)
		}
	}
}

// Contract tests flags, help and signals. The last builds the program in the
// test's folder.
func Contract(t *testing.T, run Run) {
	t.Run("flags", func(t *testing.T) { t.Parallel(); badFlags(t, run) })
	t.Run("help", func(t *testing.T) { t.Parallel(); help(t, run) })
	t.Run("signals", func(t *testing.T) { t.Parallel(); signals(t) })
}

func badFlags(t *testing.T, run Run) {
	for _, tt := range []struct {
		args []string
		says string // what the error must name
	}{
		{[]string{"-adr", ":0"}, "adr"},
		{[]string{"-addr"}, "addr"},
		{[]string{"-addr", "127.0.0.1:70000"}, "70000"},
		{[]string{"-addr", "nonsense"}, "nonsense"},
		{[]string{"localhost:80"}, `unexpected argument "localhost:80"`},
	} {
		var stdout bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // or a run that accepts the flags would not end
		err := run(ctx, tt.args, &stdout)
		cancel()
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("run %q returned %v, want an error about %s", tt.args, err, tt.says)
		}
		if stdout.Len() > 0 {
			t.Errorf("run %q printed %q to stdout", tt.args, &stdout)
		}
	}
}

// help: asking for it is no failure.
func help(t *testing.T, run Run) {
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &stdout); err != nil || !strings.Contains(stdout.String(), "-addr") {
		t.Errorf("run -h returned %v and printed %q, want nil and the flags", err, &stdout)
	}
}

// signals stops the program as a terminal and as a service manager do.
func signals(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		watchdog := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		first, err := bufio.NewReader(stdout).ReadString('\n')
		if err != nil || !urlLine.MatchString(first) {
			t.Errorf("it printed %q, %v", first, err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
		if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("after %v it ended with %v, and said %q; want exit code 0 in silence", sig, err, &stderr)
		}
		watchdog.Stop()
	}
}
