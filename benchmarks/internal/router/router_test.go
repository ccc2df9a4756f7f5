package router_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/benchmarks/internal/router"
	"github.com/apiroutes/apiroutes/benchmarks/internal/workload"
)

// workloads are all, with growth up to a size that is fast to verify.
func workloads() []*workload.Workload {
	list := append(workload.Fixed(), workload.Special()...)
	for _, n := range []int{10, 100, 1000} {
		list = append(list, workload.Growth(n, false), workload.Growth(n, true))
	}
	return list
}

func TestEveryAdapterAnswersEveryWorkload(t *testing.T) {
	t.Parallel()
	all := workloads()
	for _, a := range router.All() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			done := 0
			for _, w := range all {
				if a.Reason(w) != "" {
					continue
				}
				p := router.NewProbe()
				instance, err := a.Build(&w.Table, p)
				if err == nil {
					err = router.Verify(a, instance, p, w)
				}
				if err != nil {
					t.Error(err)
				}
				done++
			}
			if done < len(all)/2 {
				t.Errorf("only %d of %d workloads are not skipped", done, len(all))
			}
		})
	}
}

// A reason to skip a fixed table must still be true: routers improve.
func TestSkipsAreTrue(t *testing.T) {
	t.Parallel()
	for _, a := range router.All() {
		for _, w := range workload.Fixed() {
			if a.Reason(w) == "" {
				continue
			}
			p := router.NewProbe()
			instance, err := a.Build(&w.Table, p)
			if err == nil {
				err = router.Verify(a, instance, p, w)
			}
			if err == nil {
				t.Errorf("%s can do %s: it does not %q", a.Name, w.Name, a.Reason(w))
			} else {
				t.Logf("%v (%s)", err, a.Reason(w))
			}
		}
	}
}

// broken is a router that has one route only, whose handler says what it is
// told to.
func broken(route int, values ...string) *router.Adapter {
	a := *router.All()[0]
	a.Name, a.Floor = "broken", false
	prepare := a.Prepare
	a.Prepare = func(t *workload.Table, p *router.Probe) func() router.Instance {
		register := prepare(t, p)
		return func() router.Instance { return lying{register(), p, route, values} }
	}
	return &a
}

type lying struct {
	router.Instance
	probe  *router.Probe
	route  int
	values []string
}

func (l lying) Worker() router.Worker { return liar{l.Instance.Worker(), l} }

type liar struct {
	router.Worker
	lying
}

func (l liar) Answer(request workload.Request) (status int, header http.Header, body []byte) {
	l.probe.Hit(l.route)
	for _, value := range l.values {
		l.probe.Param(value)
	}
	return 200, nil, nil
}

func TestVerifyFindsWrongAnswers(t *testing.T) {
	t.Parallel()
	fixed := map[string]*workload.Workload{}
	for _, w := range workload.Fixed() {
		fixed[w.Name] = w
	}
	five := []string{"test", "tests", "testing", "tested", "tester"}
	for _, row := range []struct {
		name, workload string
		route          int
		values         []string
		want           string // "" if all is right
	}{
		{"right", "Param5", 0, five, ""},
		{"another route", "Param5", 1, five, "route 1"},
		{"a value is missing", "Param5", 0, five[:4], "parameters"},
		{"two values are swapped", "Param5", 0, []string{"tests", "test", "testing", "tested", "tester"}, "parameters"},
		{"200 for a path that no route has", "Miss404", -1, nil, "status 200"},
		{"200 for a method that no route has", "Wrong405", -1, nil, "status 200"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, p := fixed[row.workload], router.NewProbe()
			a := broken(row.route, row.values...)
			instance, err := a.Build(&w.Table, p)
			if err != nil {
				t.Fatal(err)
			}
			err = router.Verify(a, instance, p, w)
			switch {
			case row.want == "" && err != nil:
				t.Error(err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}
