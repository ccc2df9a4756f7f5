package roottest

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
)

const (
	valuesAllocTime = "2006-01-02T15:04:05Z"
	valuesAllocUUID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
)

// valuesReaders read the parameter "v" of path and query, each by one function.
func valuesReaders[S params.Source]() map[string]func(S) error {
	return map[string]func(S) error{
		"Int":           func(s S) error { _, err := params.Int(s, "v"); return err },
		"Int64":         func(s S) error { _, err := params.Int64(s, "v"); return err },
		"Uint":          func(s S) error { _, err := params.Uint(s, "v"); return err },
		"Bool":          func(s S) error { _, err := params.Bool(s, "v"); return err },
		"Float":         func(s S) error { _, err := params.Float(s, "v"); return err },
		"Duration":      func(s S) error { _, err := params.Duration(s, "v"); return err },
		"Time":          func(s S) error { _, err := params.Time(s, "v"); return err },
		"UUID":          func(s S) error { _, err := params.UUID(s, "v"); return err },
		"Parse":         func(s S) error { _, err := params.Parse(s, "v", valuesText); return err },
		"Query":         func(s S) error { _, err := params.Query(s, "v"); return err },
		"QueryInt":      func(s S) error { _, err := params.QueryInt(s, "v"); return err },
		"QueryInt64":    func(s S) error { _, err := params.QueryInt64(s, "v"); return err },
		"QueryUint":     func(s S) error { _, err := params.QueryUint(s, "v"); return err },
		"QueryBool":     func(s S) error { _, err := params.QueryBool(s, "v"); return err },
		"QueryFloat":    func(s S) error { _, err := params.QueryFloat(s, "v"); return err },
		"QueryDuration": func(s S) error { _, err := params.QueryDuration(s, "v"); return err },
		"QueryTime":     func(s S) error { _, err := params.QueryTime(s, "v"); return err },
		"QueryUUID":     func(s S) error { _, err := params.QueryUUID(s, "v"); return err },
		"QueryParse":    func(s S) error { _, err := params.QueryParse(s, "v", valuesText); return err },
		"default":       func(s S) error { _, err := params.QueryInt(s, "none", 1); return err },
		"defaults":      func(s S) error { _, err := params.QueryTime(s, "none", time.Time{}); return err },
		"QueryAll, of none": func(s S) error {
			_, err := params.QueryAll(s, "none", valuesText)
			return err
		},
	}
}

// valuesAllocText is a value that a function accepts.
func valuesAllocText(name string) string {
	switch name {
	case "Duration", "QueryDuration":
		return "1h30m"
	case "Time", "QueryTime":
		return valuesAllocTime
	case "UUID", "QueryUUID":
		return valuesAllocUUID
	}
	return "1"
}

// valuesAllocs counts what read allocates beside what reads nothing, below a
// handler that wrap puts somewhere.
func valuesAllocs(t *testing.T, wrap func(apiroutes.HandlerFunc) http.Handler, target string, read func(apiroutes.Context) error) float64 {
	t.Helper()
	nothing := func(apiroutes.Context) error { return nil }
	h := wrap(func(c apiroutes.Context) error {
		err := read(c)
		if err != nil {
			t.Errorf("%s: %v", target, err)
		}
		return err
	})
	return allocsFresh(h, "GET", target) - allocsFresh(wrap(nothing), "GET", target)
}

func TestValuesAllocsOfContext(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for where, wrap := range map[string]func(apiroutes.HandlerFunc) http.Handler{
		"bare": func(h apiroutes.HandlerFunc) http.Handler {
			r := apiroutes.New()
			r.Get("/[v]", h)
			return r
		},
		"behind middleware": func(h apiroutes.HandlerFunc) http.Handler {
			r := apiroutes.New(allocPass)
			r.Get("/[v]", h)
			return r
		},
		"standalone": func(h apiroutes.HandlerFunc) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("GET /{v}", h)
			return mux
		},
	} {
		for name, read := range valuesReaders[apiroutes.Context]() {
			text := valuesAllocText(name)
			if got := valuesAllocs(t, wrap, "/"+text+"?a=b&v="+text+"&c=d", read); got != 0 {
				t.Errorf("%s, %s: %v allocations", name, where, got)
			}
		}
		if got := valuesAllocs(t, wrap, "/F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", valuesReaders[apiroutes.Context]()["UUID"]); got != 1 {
			t.Errorf("UUID in upper case, %s: %v allocations", where, got) // the lower case
		}
	}
}

func TestValuesAllocsOfRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	foreign := valuesReaders[*valuesForeign]()
	for name, read := range valuesReaders[*http.Request]() {
		text := valuesAllocText(name)
		r := httptest.NewRequest("GET", "/?a=b&v="+text+"&c=d", nil)
		r.SetPathValue("v", text)
		source := &valuesForeign{r, true}
		if err := read(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := testing.AllocsPerRun(200, func() { _ = read(r) }); got != 0 {
			t.Errorf("%s of a request: %v allocations", name, got)
		}
		if got := testing.AllocsPerRun(200, func() { _ = foreign[name](source) }); got != 0 {
			t.Errorf("%s of another source: %v allocations", name, got)
		}
	}
}
