package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	fields := parseStat("12 (next-server (v1) x) S 1 34 56 7\n")
	if want := []string{"12", "next-server (v1) x", "S", "1", "34", "56", "7"}; !slices.Equal(fields, want) {
		t.Errorf("%q, not %q", fields, want)
	}
	if fields := parseStat("nothing"); fields != nil {
		t.Errorf("%q", fields)
	}
}

// answering serves what the routes want, but for what change makes of it.
func answering(t *testing.T, change func(w http.ResponseWriter, r route) bool) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for _, r := range routes {
			if r.path != req.URL.Path || r.method != req.Method {
				continue
			}
			if body, err := io.ReadAll(req.Body); err != nil || string(body) != r.body {
				http.Error(w, "body", http.StatusBadRequest)
				return
			}
			if change == nil || !change(w, r) {
				w.WriteHeader(r.status)
				_, _ = io.WriteString(w, r.answer)
			}
			return
		}
		http.NotFound(w, req)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	address := answering(t, nil)
	for _, r := range routes {
		if err := load(address, r, 3, 30); err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	for name, change := range map[string]func(w http.ResponseWriter, r route) bool{
		"another status": func(w http.ResponseWriter, r route) bool {
			w.WriteHeader(r.status + 1)
			_, _ = io.WriteString(w, r.answer)
			return true
		},
		"another body": func(w http.ResponseWriter, r route) bool {
			w.WriteHeader(r.status)
			_, _ = io.WriteString(w, `{"id":"43"}`)
			return true
		},
		"a closed connection": func(w http.ResponseWriter, _ route) bool {
			w.Header().Set("Connection", "close")
			return false
		},
	} {
		if err := load(answering(t, change), routes[1], 1, 10); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMain(m *testing.M) {
	if port := os.Getenv("E2E_TEST_PORT"); port != "" {
		serveForTest(port)
	}
	os.Exit(m.Run())
}

// serveForTest is a server as the test binary itself.
func serveForTest(port string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		os.Exit(1)
	}
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for begin := time.Now(); time.Since(begin) < time.Millisecond; { // costs CPU time
		}
		_, _ = io.WriteString(w, routes[0].answer)
	}))
	_ = err
	os.Exit(1)
}

func TestProcess(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env, err := exec.LookPath("env")
	if err != nil {
		t.Fatal(err)
	}
	p, err := server{name: "test", command: []string{env, "E2E_TEST_PORT=$PORT", binary}}.start()
	if err != nil {
		t.Fatal(err)
	}
	before := p.cpu()
	if err := load(p.address, routes[0], 2, 100); err != nil {
		t.Error(err)
	}
	// 100 ms of wall time are spent; on a busy machine less of CPU time.
	if used := p.cpu() - before; used < 20*time.Millisecond || used > 10*time.Second {
		t.Errorf("100 requests took %v", used)
	}
	if mb := p.idle >> 20; mb < 1 || mb > 1000 || p.startUp <= 0 {
		t.Errorf("%d MB, started in %v", mb, p.startUp)
	}
	p.stop()
	if p.cpu() != 0 {
		t.Error("it still runs")
	}
	if _, err := (server{name: "none", command: []string{env, "false"}}).start(); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("a server that ends at once: %v", err)
	}
}

func TestNodeIsLeftOutUnlessSetUp(t *testing.T) {
	t.Parallel()
	if servers := node(t.TempDir()); len(servers) != 0 {
		t.Errorf("%v", servers)
	}
}

// Every Go server answers every route.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(&out, options{rounds: 1, requests: 16, connections: 2, only: regexp.MustCompile("")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range goServers {
		if !strings.Contains(out.String(), "| "+name+" |") {
			t.Errorf("no %s in\n%s", name, out.String())
		}
	}
}
