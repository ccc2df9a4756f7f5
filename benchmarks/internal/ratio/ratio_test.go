package ratio_test

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/benchmarks/internal/ratio"
)

type ratios = map[string]float64

// Times are made up: a is recorded as 0.5 of x and 2.0 of y, b as 1.0 of x.
var recorded = ratio.Ratios{"a": {"x": 0.5, "y": 2}, "b": {"x": 1}}

var limits = ratio.Limits{Factor: 1.5, Tries: 3}

func TestCompare(t *testing.T) {
	t.Parallel()
	good := ratio.Ratios{"a": {"x": 0.5, "y": 2}, "b": {"x": 1}}
	slowA := ratio.Ratios{"a": {"x": 0.8, "y": 3.2}, "b": {"x": 1}}
	slowB := ratio.Ratios{"a": {"x": 0.5, "y": 2}, "b": {"x": 1.6}}
	for _, row := range []struct {
		name  string
		tries []ratio.Ratios
		calls int
		err   string // "" if nothing fails
	}{
		{"unchanged", []ratio.Ratios{good}, 1, ""},
		{"faster", []ratio.Ratios{{"a": {"x": 0.1, "y": 0.1}, "b": {"x": 0.1}}}, 1, ""},
		{"at the factor", []ratio.Ratios{{"a": {"x": 0.75, "y": 3}, "b": {"x": 1.5}}}, 1, ""},
		{"beyond it once", []ratio.Ratios{slowA, good}, 2, ""},
		{"beyond it twice", []ratio.Ratios{slowA, slowA, good}, 3, ""},
		{"beyond it in all tries", []ratio.Ratios{slowA, slowA, slowA}, 3, "3 of 3 tries: a"},
		{"both beyond it in all tries", []ratio.Ratios{
			{"a": {"x": 0.8, "y": 3.2}, "b": {"x": 2}}, {"a": {"x": 0.8, "y": 3.2}, "b": {"x": 2}}, {"a": {"x": 0.8, "y": 3.2}, "b": {"x": 2}},
		}, 3, "tries: a, b"},
		{"another workload each time", []ratio.Ratios{slowA, slowB}, 2, ""},
		{"one reference became faster", []ratio.Ratios{{"a": {"x": 0.9, "y": 2}, "b": {"x": 1}}}, 1, ""},
		{"a reference is gone", []ratio.Ratios{{"a": {"x": 0.5}, "b": {"x": 1}}}, 1, "against y"},
		{"a workload is gone", []ratio.Ratios{{"a": {"x": 0.5, "y": 2}}}, 1, "b: there is no measurement"},
		{"more than is recorded", []ratio.Ratios{{"a": {"x": 0.5, "y": 2, "z": 9}, "b": {"x": 1}, "c": {"x": 9}}}, 1, ""},
		{"not a number", []ratio.Ratios{{"a": {"x": math.NaN(), "y": 2}, "b": {"x": 1}}}, 1, "must be positive"},
		{"zero", []ratio.Ratios{{"a": {"x": 0, "y": 2}, "b": {"x": 1}}}, 1, "must be positive"},
		{"infinite", []ratio.Ratios{{"a": {"x": math.Inf(1), "y": 2}, "b": {"x": 1}}}, 1, "must be positive"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := limits.Compare(recorded, func([]string) (ratio.Ratios, error) {
				calls++
				if calls > len(row.tries) {
					t.Fatalf("measured %d times, not %d", calls, row.calls)
				}
				return row.tries[calls-1], nil
			}, func(string) {})
			if calls != row.calls {
				t.Errorf("measured %d times, not %d", calls, row.calls)
			}
			switch {
			case row.err == "" && err != nil:
				t.Error(err)
			case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)):
				t.Errorf("error %v, want %q", err, row.err)
			}
		})
	}
}

func TestOnlySuspectsAreMeasuredAgain(t *testing.T) {
	t.Parallel()
	var asked [][]string
	var lines []string
	err := limits.Compare(recorded, func(workloads []string) (ratio.Ratios, error) {
		asked = append(asked, slices.Clone(workloads))
		return ratio.Ratios{"a": {"x": 0.5, "y": 2}, "b": {"x": 3}}, nil
	}, func(line string) { lines = append(lines, line) })
	if err == nil || !strings.HasSuffix(err.Error(), ": b") {
		t.Errorf("error %v", err)
	}
	if want := [][]string{{"a", "b"}, {"b"}, {"b"}}; !reflect.DeepEqual(asked, want) {
		t.Errorf("measured %v, not %v", asked, want)
	}
	if len(lines) != 4 || !strings.Contains(lines[1], "3.00x") || !strings.Contains(lines[1], "too slow") {
		t.Errorf("reported %q", lines)
	}
}

func TestCompareEndsWithAFailedMeasurement(t *testing.T) {
	t.Parallel()
	broken := errors.New("wrong answer")
	err := limits.Compare(recorded, func([]string) (ratio.Ratios, error) { return nil, broken }, func(string) {})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestNothingRecordedFails(t *testing.T) {
	t.Parallel()
	for name, recorded := range map[string]ratio.Ratios{"nothing": {}, "no reference": {"a": {}}} {
		err := limits.Compare(recorded, func([]string) (ratio.Ratios, error) { return ratio.Ratios{"a": ratios{"x": 1}}, nil }, func(string) {})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "ratios.json")
	if err := ratio.Write(name, "go1.26", ratio.Ratios{"a": {"x": 0.12345}}); err != nil {
		t.Fatal(err)
	}
	got, err := ratio.Read(name)
	if want := (ratio.Ratios{"a": {"x": 0.123}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, %v, not %v", got, err, want)
	}
	if _, err := ratio.Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a file that does not exist has no error")
	}
}
