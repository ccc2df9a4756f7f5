package router

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// Build registers a table and turns what a router panics with into an error.
func (a *Adapter) Build(t *workload.Table, p *Probe) (i Instance, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s does not register %s: %v", a.Name, t.Name, v)
		}
	}()
	return a.Prepare(t, p)(), nil
}

// Verify serves every request of a workload once and compares the route, each
// parameter and the status with what they must be. A router that answers
// wrongly can be as fast as it likes.
func Verify(a *Adapter, i Instance, p *Probe, w *workload.Workload) error {
	if a.Floor {
		return nil
	}
	p.Record(true)
	defer p.Record(false)
	worker := i.Worker()
	for _, request := range w.Each() {
		p.Record(true)
		if err := verifyOne(worker, p, w, request); err != nil {
			return fmt.Errorf("%s, %s: %s %s: %w", a.Name, w.Name, request.Want.Method, request.Want.Path, err)
		}
	}
	return nil
}

func verifyOne(worker Worker, p *Probe, w *workload.Workload, request workload.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panics: %v", v)
		}
	}()
	want := request.Want
	status, header, body := worker.Answer(request)
	if status != want.Status {
		return fmt.Errorf("status %d, not %d", status, want.Status)
	}
	if p.Route != want.Route {
		return fmt.Errorf("route %d, not %d", p.Route, want.Route)
	}
	if w.Kind == workload.Gzip {
		return verifyGzip(header, body)
	}
	if len(p.Values) != len(want.Values) {
		return fmt.Errorf("parameters %q, not %q", p.Values, want.Values)
	}
	for i, value := range p.Values {
		// Some have the slash before a catch-all in its value.
		if value != want.Values[i] && strings.TrimPrefix(value, "/") != want.Values[i] {
			return fmt.Errorf("parameters %q, not %q", p.Values, want.Values)
		}
	}
	switch w.Kind {
	case workload.JSON:
		return verifyJSON(want.Values[0], body)
	case workload.Stack:
		return verifyStack(worker, p, request, header, body)
	}
	return nil
}

func verifyJSON(id string, body []byte) error {
	var got workload.User
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("body %q: %w", body, err)
	}
	if want := workload.UserOf(id); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("user %+v, not %+v", got, want)
	}
	return nil
}

func verifyGzip(header http.Header, body []byte) error {
	if got := header.Get("Content-Encoding"); got != "gzip" {
		return fmt.Errorf("Content-Encoding %q", got)
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	if !bytes.Equal(text, workload.Document) {
		return fmt.Errorf("a document of %d bytes, not the one of %d", len(text), len(workload.Document))
	}
	return nil
}

// verifyStack compares what each middleware of a stack does: the header of the
// request id, the record of the access log, and the headers of CORS. Recovery
// cannot be seen here. A second answer must have another id.
func verifyStack(worker Worker, p *Probe, request workload.Request, header http.Header, body []byte) error {
	if want := workload.Text(request.Want.Values...); string(body) != want {
		return fmt.Errorf("body %q, not %q", body, want)
	}
	if got := header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		return fmt.Errorf("Content-Type %q", got)
	}
	if got := header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != workload.Origin {
		return fmt.Errorf("the header Access-Control-Allow-Origin %q", got)
	}
	if got := header.Values("Vary"); len(got) != 1 || got[0] != "Origin" {
		return fmt.Errorf("the header Vary %q", got)
	}
	id := header.Get("X-Request-Id")
	if len(p.Logs) != 1 {
		return fmt.Errorf("%d records in the access log", len(p.Logs))
	}
	for name, want := range map[string]string{
		"method": request.Want.Method, "path": request.Want.Path, "status": "200",
		"bytes": strconv.Itoa(len(body)), "request_id": id,
	} {
		if got := p.Logs[0][name]; got != want {
			return fmt.Errorf("the access log has %s %q, not %q", name, got, want)
		}
	}
	if got, err := time.ParseDuration(p.Logs[0]["duration"]); err != nil || got <= 0 {
		return fmt.Errorf("the access log has duration %q", p.Logs[0]["duration"])
	}
	_, header, _ = worker.Answer(request)
	if next := header.Get("X-Request-Id"); id == "" || next == "" || id == next {
		return fmt.Errorf("X-Request-Id %q, then %q", id, next)
	}
	return nil
}
