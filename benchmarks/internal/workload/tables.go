package workload

import (
	"embed"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

//go:embed tables/*.txt
var tables embed.FS

// load reads a table of "METHOD /pattern" lines.
func load(name string) []Route {
	text, err := tables.ReadFile("tables/" + name + ".txt")
	if err != nil {
		panic(err)
	}
	return routes(strings.Split(strings.TrimSpace(string(text)), "\n")...)
}

func routes(lines ...string) (list []Route) {
	for _, line := range lines {
		method, pattern, _ := strings.Cut(line, " ")
		list = append(list, NewRoute(method, pattern))
	}
	return list
}

// Fixed are the workloads over fixed tables.
func Fixed() []*Workload {
	github := load("github")
	fixed := func(name string, list []Route, requests []Want) *Workload {
		return newWorkload(Table{Name: name, Routes: list}, requests, sequenceLength)
	}
	return []*Workload{
		all("Static", load("static")),
		all("GitHub", github),
		all("GPlus", load("gplus")),
		all("Parse", load("parse")),
		all("CatchAll", load("catchall")),
		fixed("Backtrack", load("backtrack"), matching(load("backtrack"),
			"/api/users/me/posts", "/api/users/me/posts/17", "/api/users/me/settings", "/api/users/melanie/posts",
			"/api/shop/books/new/reviews", "/api/shop/books/new/stock", "/api/shop/books/42/reviews", "/api/shop/music/new/reviews",
			"/api/shop/books/42/price/history", "/api/shop/music/77/price/history",
			"/api/a/b/c/d/f", "/api/a/b/c/e/x", "/api/a/x/c/d/e", "/api/a/b/x/d/y",
			"/api/files/report.txt", "/api/files/archive/2024/report.txt", "/api/files/archive/index/old/list")),
		fixed("BacktrackLite", load("backtracklite"), matching(load("backtracklite"),
			"/users/me/posts", "/users/me/settings", "/users/melanie/posts", "/users/42/followers",
			"/shop/new/form", "/shop/new/reviews", "/shop/news/reviews", "/shop/17/stock",
			"/docs/latest/search", "/docs/latest/pages/intro", "/docs/v1/pages/intro", "/docs/latest/history")),
		fixed("Miss404", github, misses(github)),
		fixed("Wrong405", github, wrongMethods(github)),
		fixed("GitHubStatic1", github, matching(github, "/user/repos")),
		fixed("GitHubParam1", github, matching(github, "/repos/julienschmidt/httprouter/stargazers")),
		fixed("Param5", routes("GET /[a]/[b]/[c]/[d]/[e]"), matching(routes("GET /[a]/[b]/[c]/[d]/[e]"), "/test/tests/testing/tested/tester")),
	}
}

// all has one request for each route.
func all(name string, list []Route) *Workload {
	random := rand.New(rand.NewPCG(3, 4))
	var requests []Want
	for i, route := range list {
		path, values := route.path(func(kind segmentKind) string { return value(random, kind) })
		requests = append(requests, Want{Method: route.Method, Path: path, Route: i, Values: values, Status: http.StatusOK})
	}
	return newWorkload(Table{Name: name, Routes: list}, requests, sequenceLength)
}

// value makes up the value of a parameter.
func value(random *rand.Rand, kind segmentKind) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	word := func() string {
		b := make([]byte, 2+random.IntN(11))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	if kind == param {
		return word()
	}
	parts := make([]string, 1+random.IntN(4))
	for i := range parts {
		parts[i] = word()
	}
	return strings.Join(parts, "/")
}

// matching has GET requests for paths, each for the route that Find names.
func matching(list []Route, paths ...string) (requests []Want) {
	for _, path := range paths {
		route, values := Find(list, http.MethodGet, path)
		if route < 0 {
			panic(fmt.Sprintf("no route for %s", path))
		}
		requests = append(requests, Want{Method: http.MethodGet, Path: path, Route: route, Values: values, Status: http.StatusOK})
	}
	return requests
}

// misses are paths near those of the routes: one segment more, or another
// first or last static one.
func misses(list []Route) (requests []Want) {
	random := rand.New(rand.NewPCG(5, 6))
	for i, route := range list {
		pattern := route.Pattern
		switch cut := strings.LastIndexByte(pattern, '/'); i % 3 {
		case 0:
			pattern += "/x/y/z"
		case 1:
			pattern = "/" + pattern[1:2] + "x" + pattern[1:]
		case 2:
			pattern = pattern[:cut] + "/" + pattern[1:2] + "x/" + pattern[cut+1:] + "/x"
		}
		path, _ := NewRoute(route.Method, pattern).path(func(kind segmentKind) string { return value(random, kind) })
		if len(findAny(list, path)) == 0 {
			requests = append(requests, Want{Method: route.Method, Path: path, Route: -1, Status: http.StatusNotFound})
		}
	}
	return requests
}

// wrongMethods are paths of routes with a method that no route for them has.
func wrongMethods(list []Route) (requests []Want) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, route := range list {
		path, _ := route.path(func(kind segmentKind) string { return value(random, kind) })
		has := map[string]bool{}
		for _, number := range findAny(list, path) {
			has[list[number].Method] = true
		}
		for _, method := range []string{"PUT", "POST", "DELETE", "GET"} {
			if !has[method] {
				requests = append(requests, Want{Method: method, Path: path, Route: -1, Status: http.StatusMethodNotAllowed})
				break
			}
		}
	}
	return requests
}
