// Package ratio decides whether a router became slower, by how its times
// compare with those of other routers in the same run: times themselves depend
// on the machine.
package ratio

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
)

// Ratios are times divided by those of a reference: by workload, then by the
// name of the reference.
type Ratios map[string]map[string]float64

// Limits say what is too slow.
type Limits struct {
	Factor float64 // of the recorded ratio
	Tries  int     // of which all must be beyond it
}

// Compare measures and compares with what was recorded. A workload fails if in
// every try its ratio is beyond the factor, to each of its references: where
// only one of them changed, it is that one's doing. Only what is beyond is
// measured again. report is told about each workload in each try.
func (l Limits) Compare(recorded Ratios, measure func(workloads []string) (Ratios, error), report func(line string)) error {
	suspects := slices.Sorted(maps.Keys(recorded))
	if len(suspects) == 0 {
		return fmt.Errorf("no ratios are recorded")
	}
	for try := 1; try <= l.Tries; try++ {
		measured, err := measure(suspects)
		if err != nil {
			return err
		}
		var beyond []string
		for _, workload := range suspects {
			change, err := Change(recorded[workload], measured[workload])
			if err != nil {
				return fmt.Errorf("%s: %w", workload, err)
			}
			verdict := "ok"
			if change > l.Factor {
				verdict = "too slow"
				beyond = append(beyond, workload)
			}
			report(fmt.Sprintf("try %d: %-16s %.2fx of the recorded ratio, %s (%s)", try, workload, change, verdict, list(measured[workload])))
		}
		if suspects = beyond; len(suspects) == 0 {
			return nil
		}
	}
	return fmt.Errorf("beyond %.2fx of the recorded ratio in %d of %d tries: %s", l.Factor, l.Tries, l.Tries, strings.Join(suspects, ", "))
}

// Change returns how many times as large the measured ratios are: the smallest
// of all references.
func Change(recorded, measured map[string]float64) (float64, error) {
	if len(recorded) == 0 {
		return 0, fmt.Errorf("no reference is recorded")
	}
	smallest := math.Inf(1)
	for reference, was := range recorded {
		is, ok := measured[reference]
		switch {
		case !ok:
			return 0, fmt.Errorf("there is no measurement against %s: record the ratios anew", reference)
		case !(was > 0) || !(is > 0) || math.IsInf(was, 0) || math.IsInf(is, 0):
			return 0, fmt.Errorf("against %s: the recorded ratio %v and the measured one %v must be positive", reference, was, is)
		}
		smallest = min(smallest, is/was)
	}
	return smallest, nil
}

func list(ratios map[string]float64) string {
	var texts []string
	for _, reference := range slices.Sorted(maps.Keys(ratios)) {
		texts = append(texts, fmt.Sprintf("%.2f of %s", ratios[reference], reference))
	}
	return strings.Join(texts, ", ")
}

// file is what is recorded.
type file struct {
	Go     string `json:"go"`
	Ratios Ratios `json:"ratios"`
}

// Read reads recorded ratios.
func Read(name string) (Ratios, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f.Ratios, nil
}

// Write records ratios, rounded: more digits would only make differences.
func Write(name, goVersion string, ratios Ratios) error {
	rounded := Ratios{}
	for workload, references := range ratios {
		rounded[workload] = map[string]float64{}
		for reference, value := range references {
			rounded[workload][reference] = math.Round(value*1000) / 1000
		}
	}
	text, err := json.MarshalIndent(file{goVersion, rounded}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
