package roottest

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
	"github.com/apiroutes/apiroutes/testutil"
)

// Typed values, by each way in which a handler gets its parameters. What a
// value may look like is tested in package params.

// valuesRead reads one parameter of each type from the path, all of them from
// the query, and tells them.
func valuesRead[S params.Source](src S) string {
	var b strings.Builder
	tell := func(v any, err error) { fmt.Fprintf(&b, "%v %v\n", v, err) }
	i, err := params.Int(src, "int")
	tell(i, err)
	i64, err := params.Int64(src, "int64")
	tell(i64, err)
	u, err := params.Uint(src, "uint")
	tell(u, err)
	f, err := params.Float(src, "float")
	tell(f, err)
	yes, err := params.Bool(src, "bool")
	tell(yes, err)
	d, err := params.Duration(src, "duration")
	tell(d, err)
	at, err := params.Time(src, "time")
	tell(at.UTC(), err)
	id, err := params.UUID(src, "uuid")
	tell(id, err)
	addr, err := params.Parse(src, "addr", netip.ParseAddr)
	tell(addr, err)
	rest, err := params.Parse(src, "rest", valuesText)
	tell(rest, err)
	none, err := params.Int(src, "none")
	tell(none, err)
	valuesReadQuery(src, tell)
	return b.String()
}

func valuesReadQuery[S params.Source](src S, tell func(any, error)) {
	i, err := params.QueryInt(src, "int")
	tell(i, err)
	i64, err := params.QueryInt64(src, "int64")
	tell(i64, err)
	u, err := params.QueryUint(src, "uint")
	tell(u, err)
	f, err := params.QueryFloat(src, "float")
	tell(f, err)
	yes, err := params.QueryBool(src, "bool")
	tell(yes, err)
	d, err := params.QueryDuration(src, "duration")
	tell(d, err)
	at, err := params.QueryTime(src, "time")
	tell(at.UTC(), err)
	id, err := params.QueryUUID(src, "uuid")
	tell(id, err)
	addr, err := params.QueryParse(src, "addr", netip.ParseAddr)
	tell(addr, err)
	text, err := params.Query(src, "rest")
	tell(text, err)
	all, err := params.QueryAll(src, "many", strconv.Atoi)
	tell(all, err)
	none, err := params.QueryInt(src, "none", -1)
	tell(none, err)
}

func valuesText(text string) (string, error) { return text, nil }

// valuesForeign is the source of another package, over a request.
type valuesForeign struct {
	r     *http.Request
	query bool // knows params.RawQuery
}

func (s valuesForeign) PathValue(name string) string {
	if s.query && name == params.RawQuery {
		return s.r.URL.RawQuery
	}
	return s.r.PathValue(name)
}

const (
	valuesNames  = "int int64 uint float bool duration time uuid addr"
	valuesPath   = "/-1/2/3/4.5/true/1m/2006-01-02T15:04:05Z/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/::1/a%2Fb/c+d"
	valuesQuery  = "?int=-11&int64=12&uint=13&float=14.5&bool=false&duration=11m&time=2016-01-02T15:04:05%2B01:00&uuid=F81D4FAE-7DEC-11D0-A765-00A0C91E6BFF&addr=::11&rest=x+y%2Bz&many=1&many=2"
	valuesInPath = `-1 <nil>
2 <nil>
3 <nil>
4.5 <nil>
true <nil>
1m0s <nil>
2006-01-02 15:04:05 +0000 UTC <nil>
f81d4fae-7dec-11d0-a765-00a0c91e6bf6 <nil>
::1 <nil>
a/b/c+d <nil>
0 path parameter "none" is missing: it must be an integer of at most 64 bits
`
	valuesInQuery = `-11 <nil>
12 <nil>
13 <nil>
14.5 <nil>
false <nil>
11m0s <nil>
2016-01-02 14:04:05 +0000 UTC <nil>
f81d4fae-7dec-11d0-a765-00a0c91e6bff <nil>
::11 <nil>
x y+z <nil>
[1 2] <nil>
-1 <nil>
`
	valuesNoQuery = `0 query parameter "int" is missing: it must be an integer of at most 64 bits
0 query parameter "int64" is missing: it must be an integer of at most 64 bits
0 query parameter "uint" is missing: it must be an integer of at most 64 bits that is not negative
0 query parameter "float" is missing: it must be a number
false query parameter "bool" is missing: it must be true or false
0s query parameter "duration" is missing: it must be a duration such as 1h30m
0001-01-01 00:00:00 +0000 UTC query parameter "time" is missing: it must be a time such as 2006-01-02T15:04:05Z
 query parameter "uuid" is missing: it must be a UUID
invalid IP query parameter "addr" is missing
 query parameter "rest" is missing
[] <nil>
-1 <nil>
`
)

func TestValuesSources(t *testing.T) {
	pattern, wildcards := "", ""
	for _, name := range strings.Fields(valuesNames) {
		pattern += "/[" + name + "]"
		wildcards += "/{" + name + "}"
	}
	pattern, wildcards = pattern+"/[...rest]", wildcards+"/{rest...}"
	byContext := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(200, valuesRead(c)) })
	byRequest := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, valuesRead(r)) }
	router := func(h http.Handler, mw ...apiroutes.Middleware) *apiroutes.Router {
		r := apiroutes.New(mw...)
		r.Handle(pattern, h)
		return r
	}
	mux := func(h http.Handler) *http.ServeMux {
		m := http.NewServeMux()
		m.Handle(wildcards, h)
		return m
	}
	mounted := apiroutes.New(tag("outer"))
	inner := apiroutes.New()
	inner.Handle(strings.TrimPrefix(pattern, "/[int]"), byContext)
	mounted.Mount("/[int]", inner)
	inMiddleware := func(next http.Handler) http.Handler { return http.HandlerFunc(byRequest) }
	// An interface as the type of the source: what it holds decides.
	byInterface := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Text(200, valuesRead(params.Source(c))) })
	for name, row := range map[string]struct {
		handler http.Handler
		query   string
	}{
		"Context of a bare route":     {router(byContext), valuesInQuery},
		"Context behind middleware":   {router(byContext, tag("a"), tag("b")), valuesInQuery},
		"Context in a mounted router": {mounted, valuesInQuery},
		"Context standalone":          {mux(byContext), valuesInQuery},
		"Context in an interface":     {router(byInterface), valuesInQuery},
		"request of a ServeMux":       {mux(http.HandlerFunc(byRequest)), valuesInQuery},
		"request of a plain handler":  {router(http.HandlerFunc(byRequest)), valuesInQuery},
		"request in middleware":       {router(byContext, inMiddleware), valuesInQuery},
		"foreign, with RawQuery":      {mux(valuesBy(func(r *http.Request) string { return valuesRead(valuesForeign{r, true}) })), valuesInQuery},
		"foreign, without RawQuery":   {mux(valuesBy(func(r *http.Request) string { return valuesRead(valuesForeign{r, false}) })), valuesNoQuery},
		"foreign, a pointer":          {mux(valuesBy(func(r *http.Request) string { return valuesRead(&valuesForeign{r, true}) })), valuesInQuery},
		"request in an interface":     {mux(valuesBy(func(r *http.Request) string { return valuesRead(params.Source(r)) })), valuesInQuery},
	} {
		t.Run(name, func(t *testing.T) {
			api := testutil.New(t, row.handler)
			api.Get(valuesPath + valuesQuery).Status(200).Text(valuesInPath + row.query)
			api.Get(valuesPath).Status(200).Text(valuesInPath + valuesNoQuery)
		})
	}
}

func valuesBy(read func(r *http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, read(r)) })
}

// TestValuesApart: a client cannot pass a path value in the query, or a query
// parameter in the path, also under the name by which a source gives its query.
func TestValuesApart(t *testing.T) {
	read := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		path, pathErr := params.Int(c, "id")
		query, queryErr := params.QueryInt(c, "id", -1)
		return c.Text(200, fmt.Sprint(path, pathErr == nil, query, queryErr == nil, c.PathValue("id") == c.Param("id"), c.Param(params.RawQuery) == ""))
	})
	for name, mw := range map[string][]apiroutes.Middleware{"bare": nil, "behind middleware": {tag("a")}} {
		r := apiroutes.New(mw...)
		r.Get("/u/[id]", read)
		r.Get("/o/[[...id]]", read)
		r.Get("/s", read)
		api := testutil.New(t, r)
		for target, want := range map[string]string{
			"/u/7?id=8":            "7 true 8 true true true",
			"/u/7":                 "7 true -1 true true true",
			"/u/7?%69d=8":          "7 true 8 true true true",
			"/u/x?id=8":            "0 false 8 true true true",
			"/u/7?id=x":            "7 true 0 false true true",
			"/o?id=8":              "0 false 8 true true true", // an absent optional catch-all
			"/o/7":                 "7 true -1 true true true",
			"/s?id=8":              "0 false 8 true true true", // no parameter at all
			"/u/7%3Fid=8":          "0 false -1 true true true",
			"/u/7?%5B%3F%5D=id%3D": "7 true -1 true true true",
			"/s?%5B%3F%5D=id%3D8":  "0 false -1 true true true",
		} {
			if got := brief(api.Get(target)); got != "200 "+want {
				t.Errorf("%s: %s: %s, want %s", name, target, got, want)
			}
		}
	}
}

// TestContextPathValue: it is Param, and the raw query as it was sent.
func TestContextPathValue(t *testing.T) {
	const raw = "a=%zz&b=+;%26"
	for name, handler := range map[string]func(apiroutes.HandlerFunc) http.Handler{
		"bare":              func(h apiroutes.HandlerFunc) http.Handler { return valuesRouter(h) },
		"behind middleware": func(h apiroutes.HandlerFunc) http.Handler { return valuesRouter(h, tag("a")) },
		"standalone": func(h apiroutes.HandlerFunc) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/u/{id}/{rest...}", h)
			return mux
		},
	} {
		called := false
		h := handler(func(c apiroutes.Context) error {
			called = true
			for name, want := range map[string]string{"id": "a/b", "rest": "c d/e", "none": "", "a": "", "": "", "Id": "", params.RawQuery: raw} {
				if got := c.PathValue(name); got != want {
					t.Errorf("PathValue(%q) = %q, want %q", name, got, want)
				}
			}
			return nil
		})
		if testutil.Call(t, h, "GET /u/a%2Fb/c%20d/e", queryOf(raw)).Status(200); !called {
			t.Errorf("%s: the handler was not called", name)
		}
	}
}

func valuesRouter(h apiroutes.HandlerFunc, mw ...apiroutes.Middleware) *apiroutes.Router {
	r := apiroutes.New(mw...)
	r.Get("/u/[id]/[[...rest]]", h)
	return r
}
