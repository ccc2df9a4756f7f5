package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is one run of the tutorial. It is the writer for what that prints.
type program struct {
	mu      sync.Mutex
	printed bytes.Buffer

	url  string
	stop context.CancelFunc
	done chan struct{} // closed when run has returned
	err  error         // what it returned, once done
}

var urlLine = regexp.MustCompile(`(?m)^listening on (http://\S+)\n`)

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.Write(b)
}

func (p *program) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.String()
}

// start runs the program on a free port until the test ends, which fails if
// it then ends with an error. All is printed when start returns.
func start(t *testing.T) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run(ctx, []string{"-addr", "127.0.0.1:0"}, p)
	}()
	t.Cleanup(func() {
		stop()
		<-p.done
		if p.err != nil {
			t.Errorf("run returned %v after its context ended", p.err)
		}
	})
	// Polled, since a writer cannot know which of its calls is the last.
	for deadline := time.Now().Add(10 * time.Second); strings.Count(p.String(), "\n") < 4; runtime.Gosched() {
		select {
		case <-p.done:
			t.Fatalf("run returned %v; it printed %q", p.err, p)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s it has printed %q", p)
		}
	}
	if m := urlLine.FindStringSubmatch(p.String()); m != nil {
		p.url = m[1]
		return p
	}
	t.Fatalf("no URL in %q", p)
	return nil
}

// request is one request and the exact answer to it. The body is sent as JSON
// unless contentType says otherwise.
type request struct {
	line, body  string // line is "METHOD target", as sent
	contentType string
	status      int
	answer      string
	header      map[string]string
	reason      string
}

const jsonUTF8 = "application/json; charset=utf-8"

// tutorial is what the Next.js original answers.
var tutorial = []request{
	{line: "GET /api/hello", status: 200, answer: `{"message":"Hello from API Routes!"}`},
	{line: "GET /api/data", status: 200, answer: `{"data":"This is a GET response"}`},
	{line: "POST /api/data", body: `{"name":"Ada"}`, status: 201, answer: `{"message":"Hello, Ada!"}`},
	{line: "DELETE /api/data", status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
	{line: "GET /api/user/123", status: 200, answer: `{"userId":"123","message":"User details for 123"}`},
	{line: "GET /api/user/profile/settings", status: 200, answer: `{"params":["profile","settings"],"message":"Catch-all API Route"}`},
	{line: "GET /api/docs", status: 200, answer: `{"slug":[]}`},
	{line: "GET /api/docs/a/b", status: 200, answer: `{"slug":["a","b"]}`},
	{line: "GET /api/item", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?id=7", status: 200, answer: `{"data":"Success","id":"7"}`},
	{line: "GET /api/nowhere", status: 404, answer: `{"error":"Not Found"}`},
	{line: "GET /", status: 404, answer: `{"error":"Not Found"}`},
}

// hostile is what a tutorial leaves out and a client sends all the same.
var hostile = []request{
	{line: "HEAD /api/hello", status: 200, header: map[string]string{"Content-Type": jsonUTF8, "Content-Length": "36"}, reason: "HEAD is GET without the body"},
	{line: "OPTIONS /api/hello", status: 204, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "POST /api/hello", body: `{}`, status: 405, answer: `{"error":"Method Not Allowed"}`, header: map[string]string{"Allow": "GET, HEAD, OPTIONS"}},
	{line: "get /api/hello", status: 405, answer: `{"error":"Method Not Allowed"}`, reason: "methods are case-sensitive"},
	{line: "GET /api/user", status: 404, answer: `{"error":"Not Found"}`, reason: "a catch-all takes at least one segment"},
	{line: "GET /API/hello", status: 404, answer: `{"error":"Not Found"}`, reason: "paths are case-sensitive"},
	{line: "GET /api/hello/", status: 308, header: map[string]string{"Location": "../../api/hello"}},
	{line: "GET //evil.example/api/hello", status: 404, answer: `{"error":"Not Found"}`, reason: "no redirect to another host"},
	{line: "GET /api/user/%2e%2e", status: 400, answer: `{"error":"the path holds a dot segment"}`},
	{line: "GET /api/user/../item", status: 400, answer: `{"error":"the path holds a dot segment"}`},
	{line: "GET /api/user/%00", status: 400, answer: `{"error":"the path holds a NUL byte"}`},
	{line: "GET /api/user/%ff", status: 400, answer: `{"error":"the path is not valid UTF-8"}`},
	{line: "GET /api/user/..%2Fetc", status: 200, answer: `{"userId":"../etc","message":"User details for ../etc"}`, reason: "an encoded slash is data, one segment"},
	{line: "GET /api/docs/a%2Fb/c", status: 200, answer: `{"slug":["a/b","c"]}`, reason: "an encoded slash is data"},
	{line: "GET /api/user/%22%7D", status: 200, answer: `{"userId":"\"}","message":"User details for \"}"}`, reason: "JSON cannot be broken out of"},
	{line: "GET /api/user/7?id=8&params=9", status: 200, answer: `{"userId":"7","message":"User details for 7"}`, reason: "no query poses as a parameter"},
	{line: "GET /api/item?id=", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?ID=7", status: 400, answer: `{"error":"ID is required"}`},
	{line: "GET /api/item?id=7&id=8", status: 200, answer: `{"data":"Success","id":"7"}`, reason: "the first one counts"},
	{line: "GET /api/item?id=a%26b;c", status: 200, answer: `{"data":"Success","id":"a&b;c"}`},
	{line: "POST /api/data", body: `{"name":`, status: 400, answer: `{"error":"the body is not valid JSON: unexpected end of JSON input at byte 8"}`},
	{line: "POST /api/data", body: `{"name":"Ada"}{}`, status: 400, answer: `{"error":"the body is not valid JSON: invalid character '{' after top-level value at byte 15"}`},
	{line: "POST /api/data", body: `{"name":7}`, status: 400, answer: `{"error":"field \"name\" must be a string, not number (before byte 9)"}`},
	{line: "POST /api/data", body: "", status: 400, answer: `{"error":"the body is empty: send JSON"}`},
	{line: "POST /api/data", body: `name=Ada`, contentType: "application/x-www-form-urlencoded", status: 415, answer: `{"error":"Content-Type \"application/x-www-form-urlencoded\" is not accepted: send application/json"}`},
	{line: "POST /api/data", body: strings.Repeat(" ", 1<<20) + `{}`, status: 413, answer: `{"error":"the body exceeds the limit of 1048576 bytes"}`},
}

// send sends r as it is written: no path is cleaned, no redirect followed.
func (r request) send(t *testing.T, client *http.Client, base string) (*http.Response, string) {
	t.Helper()
	method, target, _ := strings.Cut(r.line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", cmp.Or(r.contentType, "application/json"))
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// headers are those that r's answer must have; "" is for none.
func (r request) headers() map[string]string {
	want := map[string]string{"Content-Type": ""}
	if r.answer != "" {
		want["Content-Type"], want["Content-Length"] = jsonUTF8, strconv.Itoa(len(r.answer))
	}
	maps.Copy(want, r.header)
	return want
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	p := start(t)
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	for _, tt := range slices.Concat(tutorial, hostile) {
		resp, body := tt.send(t, client, p.url)
		if resp.StatusCode != tt.status || body != tt.answer {
			t.Errorf("%s %.40s\n got %d %s\nwant %d %s\n     %s", tt.line, tt.body, resp.StatusCode, body, tt.status, tt.answer, tt.reason)
		}
		for name, want := range tt.headers() {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %.40s\n%s is %q, want %q\n%s", tt.line, tt.body, name, got, want, tt.reason)
			}
		}
	}
}

// TestPrintedCommands pastes what the program prints into a shell.
func TestPrintedCommands(t *testing.T) {
	t.Parallel()
	p := start(t)
	answers := []string{
		`{"message":"Hello from API Routes!"}`,
		`{"message":"Hello, Ada!"}`,
		`{"params":["profile","settings"],"message":"Catch-all API Route"}`,
	}
	lines := slices.Collect(strings.Lines(p.String()))
	if len(lines) != 1+len(answers) {
		t.Fatalf("want the URL and %d commands, printed is:\n%s", len(answers), p)
	}
	_, err := exec.LookPath("curl")
	for i, line := range lines[1:] {
		if !strings.HasPrefix(line, "  curl ") || !strings.Contains(line, p.url+"/api/") {
			t.Errorf("%q is no curl command for %s", line, p.url)
		}
		if err != nil {
			continue // the commands are as they should be, but here is no curl
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Env = append(os.Environ(), "no_proxy=*", "NO_PROXY=*")
		if got, err := cmd.Output(); err != nil || string(got) != answers[i] {
			t.Errorf("%s gives %s (%v), want %s", line, got, err, answers[i])
		}
	}
	p.stop()
	<-p.done
	if got := p.String(); got != strings.Join(lines, "") {
		t.Errorf("more was printed later:\n%s", got)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
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

// Asking for help is no failure.
func TestHelp(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &stdout); err != nil || !strings.Contains(stdout.String(), "-addr") {
		t.Errorf("run -h returned %v and printed %q, want nil and the flags", err, &stdout)
	}
}

// TestSignals builds the program and stops it as a terminal and as a service
// manager do.
func TestSignals(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "tutorial")
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
