package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// User is what a JSON handler answers.
type User struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Active bool     `json:"active"`
	Tags   []string `json:"tags"`
}

// UserOf is the user with an ID.
func UserOf(id string) User {
	return User{ID: id, Name: "Ada Lovelace", Email: "ada@example.com", Active: true, Tags: []string{"admin", "author"}}
}

// Document is a JSON text of 100 kB.
var Document = document()

func document() []byte {
	random := rand.New(rand.NewPCG(9, 10))
	var users []User
	for size := 0; size < 100_000; {
		user := UserOf(value(random, param) + value(random, param))
		user.Name, user.Email = value(random, param), value(random, param)+"@example.com"
		text, err := json.Marshal(user)
		if err != nil {
			panic(err)
		}
		users, size = append(users, user), size+len(text)+1
	}
	text, err := json.Marshal(users)
	if err != nil {
		panic(err)
	}
	return text
}

// Text is what a Stack handler answers.
func Text(values ...string) string {
	if len(values) == 0 {
		return "hello"
	}
	return values[0]
}

// Special are the workloads of middleware, JSON and compression.
func Special() (list []*Workload) {
	user := routes("GET /user/[id]")
	for _, n := range []int{0, 1, 5, 10} {
		hello := routes("GET /hello")
		list = append(list, newWorkload(Table{Name: fmt.Sprintf("Middleware%d", n), Routes: hello, Middleware: n}, matching(hello, "/hello"), sequenceLength))
	}
	return append(list,
		newWorkload(Table{Name: "MiddlewareParam", Routes: user, Kind: PathValues, Middleware: 1}, matching(user, "/user/42"), sequenceLength),
		newWorkload(Table{Name: "Stack", Routes: routes("GET /hello"), Kind: Stack}, matching(routes("GET /hello"), "/hello"), sequenceLength),
		newWorkload(Table{Name: "StackParam", Routes: user, Kind: Stack}, matching(user, "/user/42"), sequenceLength),
		newWorkload(Table{Name: "JSON", Routes: user, Kind: JSON}, matching(user, "/user/42"), sequenceLength),
		newWorkload(Table{Name: "Gzip", Routes: routes("GET /document"), Kind: Gzip}, matching(routes("GET /document"), "/document"), 1),
	)
}

// Sizes are the numbers of routes of the growth workloads.
var Sizes = []int{10, 100, 1000, 10_000, 100_000}

// maxRequests bounds the different requests of a growth workload.
const maxRequests = 1 << 16

// GrowthName is the name of a growth workload.
func GrowthName(n int, params bool) string {
	if params {
		return fmt.Sprintf("GrowthParam%d", n)
	}
	return fmt.Sprintf("GrowthStatic%d", n)
}

// Growth is a workload over n routes, static or with parameters. Its requests
// cover the table, up to 64k of them.
func Growth(n int, params bool) *Workload {
	list := growthStatic(n)
	if params {
		list = growthParam(n)
	}
	random := rand.New(rand.NewPCG(11, 12))
	var requests []Want
	for len(requests) < min(max(n, sequenceLength), maxRequests) {
		for _, i := range random.Perm(n) {
			path, values := list[i].path(func(kind segmentKind) string { return value(random, kind) })
			requests = append(requests, Want{Method: list[i].Method, Path: path, Route: i, Values: values, Status: http.StatusOK})
		}
	}
	requests = requests[:min(max(n, sequenceLength), maxRequests)]
	w := newWorkload(Table{Name: GrowthName(n, params), Routes: list}, requests, len(requests))
	w.spread = true
	return w
}

// word is number i of an endless list of made-up words.
func word(i int) string {
	const consonants, vowels = "bcdfghklmnprstvw", "aeiou"
	var b strings.Builder
	for n := i; ; n /= 80 {
		b.WriteByte(consonants[n%16])
		b.WriteByte(vowels[n/16%5])
		if n < 80 {
			break
		}
	}
	return b.String() + "nts"[i%3:]
}

// growthStatic makes up routes of three segments.
func growthStatic(n int) (list []Route) {
	width := 4
	for width*width*width < n {
		width++
	}
	for i := range n {
		list = append(list, NewRoute(http.MethodGet, fmt.Sprintf("/%s/%s/%s",
			word(i%width), word(i/width%width), word(i/width/width))))
	}
	return list
}

// growthParam makes up routes of the usual resources: a quarter
// /things/[id], a half /things/[id]/parts, a quarter /things/[id]/parts/[part].
func growthParam(n int) (list []Route) {
	for i := 0; len(list) < n; i++ {
		thing := "/" + word(i)
		list = append(list, NewRoute(http.MethodGet, thing+"/[id]"))
		for j := range 3 {
			if len(list) < n {
				list = append(list, NewRoute(http.MethodGet, thing+"/[id]/"+word(i%7+j)))
			}
			if j == 1 && len(list) < n {
				list = append(list, NewRoute(http.MethodGet, thing+"/[id]/"+word(i%7)+"/[part]"))
			}
		}
	}
	return list[:n]
}

// IsGrowth tells the growth workloads.
func (w *Workload) IsGrowth() bool { return w.spread }
