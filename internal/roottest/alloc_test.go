package roottest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/apiroutes/apiroutes"
)

// allocWriter is a ResponseWriter that allocates nothing, and whose header map
// has room: what is counted is the library's own.
type allocWriter struct{ header http.Header }

func (w *allocWriter) Header() http.Header         { return w.header }
func (w *allocWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *allocWriter) WriteHeader(int)             {}

// allocsPerRequest serves the same request again and again.
func allocsPerRequest(h http.Handler, method, target string) float64 {
	req := httptest.NewRequest(method, target, nil)
	w := &allocWriter{header: http.Header{"Allow": nil, "Content-Type": nil, "Content-Length": nil, "Location": nil}}
	return testing.AllocsPerRun(200, func() { h.ServeHTTP(w, req) })
}

// allocPass is a middleware that costs nothing itself.
func allocPass(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
}

func allocRoutes(mw ...apiroutes.Middleware) *apiroutes.Router {
	nothing := apiroutes.HandlerFunc(func(apiroutes.Context) error { return nil })
	reads := func(names ...string) apiroutes.HandlerFunc {
		return func(c apiroutes.Context) error {
			for _, name := range names {
				if c.Param(name) == "" {
					return apiroutes.Errorf(http.StatusInternalServerError, "no %s", name)
				}
			}
			return nil
		}
	}
	r := apiroutes.New(mw...)
	r.Get("/", nothing)
	r.Get("/api/hello", nothing)
	r.Post("/api/hello", nothing)
	r.Get("/p1/[a]", reads("a"))
	r.Get("/p5/[a]/[b]/[c]/[d]/[e]", reads("a", "b", "c", "d", "e"))
	r.Get("/unread/[a]/[b]", nothing)
	r.Get("/all/[...rest]", nothing)
	r.Get("/optional/[[...rest]]", nothing)
	r.Get("/param/[...rest]", reads("rest"))
	r.Get("/segments/[...rest]", func(c apiroutes.Context) error {
		if len(c.Segments("rest")) == 0 {
			return apiroutes.Errorf(http.StatusInternalServerError, "no segments")
		}
		return nil
	})
	r.Get("/back/a/b/d", nothing)
	r.Get("/back/a/b/[y]", nothing)
	r.Get("/back/[x]/c", nothing)
	r.Get("/back/[x]/b/d/[w]/[v]", reads("x", "w", "v"))
	for _, text := range "abcdefghijklmnop" { // more than are compared one by one
		r.Get("/many/"+string(text), nothing)
	}
	return r
}

// TestAllocs keeps the budgets: routing by itself allocates nothing, also for
// what floods consist of.
func TestAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	bare := allocRoutes()
	for _, row := range []struct {
		name, method, target string
		most                 float64
	}{
		{"root", "GET", "/", 0},
		{"static", "GET", "/api/hello", 0},
		{"static of many", "GET", "/many/k", 0},
		{"HEAD", "HEAD", "/api/hello", 0},
		{"one parameter", "GET", "/p1/7", 0},
		{"five parameters", "GET", "/p5/1/2/3/4/5", 0},
		{"a query", "GET", "/p1/7?a=b", 0},
		{"catch-all", "GET", "/all/a/b/c", 0},
		{"optional catch-all", "GET", "/optional/a/b", 0},
		{"absent optional catch-all", "GET", "/optional", 0},
		{"a catch-all as text", "GET", "/param/a/b/c", 0},
		{"Segments", "GET", "/segments/a/b/c/d/e", 1},
		{"backtracking", "GET", "/back/a/b/d/w/v", 0},
		{"escaped, canonical form", "GET", "/unread/caf%C3%A9/x", 0},
		{"escaped, not read", "GET", "/unread/a%2Fb/c%2Fd", 1}, // the canonical path
		{"escaped, one read", "GET", "/p1/a%2Fb", 2},
		{"escaped, five read", "GET", "/p5/1%2F/2%2F/3%2F/4%2F/5%2F", 6},
		{"404", "GET", "/none", 0},
		{"404 deep", "GET", "/back/a/b/d/w/v/none", 0},
		{"404, unclean", "GET", "/none//x/", 1}, // the clean path
		{"400", "GET", "/p1/..", 2},             // its text is not that of the status
		{"405", "DELETE", "/api/hello", 0},
		{"405 of an unknown method", "UNKNOWN", "/p1/7", 0},
		{"OPTIONS", "OPTIONS", "/api/hello", 0},
	} {
		if got := allocsPerRequest(bare, row.method, row.target); got > row.most {
			t.Errorf("%s: %s %s: %v allocations, budget %v", row.name, row.method, row.target, got, row.most)
		}
	}
}

// TestAllocsBehindMiddleware: with path values for net/http at most three,
// and nothing for each further link.
func TestAllocsBehindMiddleware(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	one := allocRoutes(allocPass)
	ten := allocRoutes(allocPass, allocPass, allocPass, allocPass, allocPass, allocPass, allocPass, allocPass, allocPass, allocPass)
	for _, row := range []struct {
		method, target string
		most           float64
	}{
		{"GET", "/api/hello", 0},
		{"GET", "/p1/7", 3},
		{"GET", "/p5/1/2/3/4/5", 3},
		{"GET", "/all/a/b/c", 3},
		{"GET", "/optional", 3},
		{"GET", "/back/a/b/d/w/v", 3},
		{"GET", "/none", 0},
		{"DELETE", "/api/hello", 0},
		{"DELETE", "/p1/7", 3},
		{"OPTIONS", "/api/hello", 0},
	} {
		first, tenth := allocsFresh(one, row.method, row.target), allocsFresh(ten, row.method, row.target)
		if first > row.most {
			t.Errorf("behind one middleware: %s %s: %v allocations, budget %v", row.method, row.target, first, row.most)
		}
		if tenth != first {
			t.Errorf("%s %s: %v allocations behind one middleware, %v behind ten", row.method, row.target, first, tenth)
		}
	}
}

// allocsFresh is as allocsPerRequest but gives each run a request that has no
// path values yet, as a server's has none, and counts without its making.
func allocsFresh(h http.Handler, method, target string) float64 {
	const runs = 200
	made := make([]*http.Request, runs+1)
	for i := range made {
		made[i] = httptest.NewRequest(method, target, nil)
	}
	w := &allocWriter{header: http.Header{"Allow": nil, "Content-Type": nil, "Content-Length": nil}}
	next := 0
	return testing.AllocsPerRun(runs, func() {
		h.ServeHTTP(w, made[next])
		next++
	})
}

// TestAllocsMethods: a table on its own costs no more than a router.
func TestAllocsMethods(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	m := apiroutes.Methods{Get: func(apiroutes.Context) error { return nil }, Post: func(apiroutes.Context) error { return nil }}
	for method, most := range map[string]float64{"GET": 0, "POST": 0} {
		if got := allocsPerRequest(m, method, "/"); got > most {
			t.Errorf("Methods: %s: %v allocations, budget %v", method, got, most)
		}
	}
}
