package router_test

import (
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// stackAnswer is what a router with a stack of middleware makes of a request.
type stackAnswer struct {
	header, log map[string]string
	records     int
	body        string
}

// stackRouter answers as it should, but for what change does.
type stackRouter struct {
	probe  *router.Probe
	change func(number int, a *stackAnswer)
	number int
}

func (s *stackRouter) Worker() router.Worker    { return s }
func (s *stackRouter) Serve([]workload.Request) {}

func (s *stackRouter) Answer(request workload.Request) (status int, header http.Header, body []byte) {
	s.probe.Hit(request.Want.Route)
	for _, value := range request.Want.Values {
		s.probe.Param(value)
	}
	s.number++
	id := strconv.Itoa(s.number)
	a := stackAnswer{
		header: map[string]string{
			"X-Request-Id": id, "Vary": "Origin", "Content-Type": "text/plain",
			"Access-Control-Allow-Origin": request.Shared.Header.Get("Origin"),
		},
		log: map[string]string{
			"method": "GET", "path": request.Want.Path, "status": "200", "bytes": "2", "request_id": id, "duration": "1ms",
		},
		records: 1,
		body:    "42",
	}
	s.change(s.number, &a)
	record := slog.NewRecord(time.Time{}, slog.LevelInfo, "request", 0)
	for name, value := range a.log {
		record.AddAttrs(slog.String(name, value))
	}
	for range a.records {
		s.probe.Logged(record)
	}
	header = http.Header{}
	for name, value := range a.header {
		header.Set(name, value)
	}
	return http.StatusOK, header, []byte(a.body)
}

func TestVerifyFindsWrongStacks(t *testing.T) {
	t.Parallel()
	var stack *workload.Workload
	for _, w := range workload.Special() {
		if w.Name == "StackParam" {
			stack = w
		}
	}
	without := func(name string) func(int, *stackAnswer) {
		return func(_ int, a *stackAnswer) { delete(a.header, name) }
	}
	logs := func(name, value string) func(int, *stackAnswer) {
		return func(_ int, a *stackAnswer) { maps.Copy(a.log, map[string]string{name: value}) }
	}
	for _, row := range []struct {
		name   string
		change func(number int, a *stackAnswer)
		want   string // "" if all is right
	}{
		{"right", func(int, *stackAnswer) {}, ""},
		{"another body", func(_ int, a *stackAnswer) { a.body = "43" }, "body"},
		{"JSON", func(_ int, a *stackAnswer) { a.header["Content-Type"] = "application/json" }, "Content-Type"},
		{"no CORS", without("Access-Control-Allow-Origin"), "Access-Control-Allow-Origin"},
		{"another origin", func(_ int, a *stackAnswer) { a.header["Access-Control-Allow-Origin"] = "*" }, "Access-Control-Allow-Origin"},
		{"no Vary", without("Vary"), "Vary"},
		{"no id", func(_ int, a *stackAnswer) { delete(a.header, "X-Request-Id"); a.log["request_id"] = "" }, "X-Request-Id"},
		{"no id in the second answer", func(number int, a *stackAnswer) {
			if number == 2 {
				delete(a.header, "X-Request-Id")
			}
		}, "X-Request-Id"},
		{"the same id twice", func(_ int, a *stackAnswer) { a.header["X-Request-Id"], a.log["request_id"] = "1", "1" }, "X-Request-Id"},
		{"no log", func(_ int, a *stackAnswer) { a.records = 0 }, "0 records"},
		{"two records", func(_ int, a *stackAnswer) { a.records = 2 }, "2 records"},
		{"another method in the log", logs("method", "POST"), "method"},
		{"another path in the log", logs("path", "/user"), "path"},
		{"another status in the log", logs("status", "0"), "status"},
		{"another size in the log", logs("bytes", "0"), "bytes"},
		{"another id in the log", logs("request_id", "0"), "request_id"},
		{"no time in the log", logs("duration", "0s"), "duration"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := router.NewProbe()
			err := router.Verify(&router.Adapter{Name: "fake"}, &stackRouter{probe: p, change: row.change}, p, stack)
			switch {
			case row.want == "" && err != nil:
				t.Error(err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

// What the targets of the stack need is measured, and who has no stack says so.
func TestStackRouters(t *testing.T) {
	t.Parallel()
	has := map[string]bool{"bare": true, "apiroutes": true, "chi": true, "echo": true, "fiber": true}
	for _, w := range workload.Special() {
		if w.Kind != workload.Stack {
			continue
		}
		for _, a := range router.All() {
			if reason := a.Reason(w); has[a.Name] != (reason == "") {
				t.Errorf("%s, %s: reason to skip %q", a.Name, w.Name, reason)
			}
		}
	}
}
