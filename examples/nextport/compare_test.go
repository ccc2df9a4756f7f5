package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"mime"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/internal/programtest"
)

var quiet = log.New(io.Discard, "", 0)

// verdict is what becomes of a case.
type verdict string

const (
	same     verdict = "same"
	better   verdict = "documented" // another answer, on purpose: see differences
	platform verdict = "platform"   // made by Node or by net/http
	wrong    verdict = "wrong"
)

// TestReplay sends what was sent to Next.js, and prints how many of the answers
// agree, by group.
func TestReplay(t *testing.T) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // 500s on purpose
	running := servers{}
	etags := map[string]string{}
	counts := map[string]map[verdict]int{}
	used := map[string]bool{}
	for _, c := range readCases(t) {
		addr := running.addr(t, c.App, c.Sequence)
		got := exchange(t, addr, c.Request, etags[c.ETagFrom])
		if got.header != nil {
			etags[c.ID] = got.header.Get("Etag")
		}
		v, problem := c.judge(got)
		if v == wrong {
			if d := c.difference(got); d != nil {
				v, used[d.cases+d.reason] = better, true
			} else {
				t.Errorf("%s (%s): %s\n  %s %s\n  got  %d %v %.200q %v\n  want %d %v\n  note: %s",
					c.ID, c.Compare, problem, c.Request.Method, c.Request.target(), got.status, got.header, got.body, got.err, c.Response.Status, c.Response.Headers, c.Note)
			}
		}
		group, _, _ := strings.Cut(c.ID, ".")
		if counts[group] == nil {
			counts[group] = map[verdict]int{}
		}
		counts[group][v]++
		counts[group][""]++
	}
	report(t, counts)
	for _, d := range differences {
		if !used[d.cases+d.reason] && !d.elsewhere {
			t.Errorf("no recorded case needs the difference %q: %s", d.cases, d.reason)
		}
	}
}

// report prints the shares.
func report(t *testing.T, counts map[string]map[verdict]int) {
	t.Helper()
	total := map[verdict]int{}
	var b strings.Builder
	row := func(name string, n map[verdict]int) {
		fmt.Fprintf(&b, "%-10s %5d %5d %11d %9d %6d\n", name, n[""], n[same], n[better], n[platform], n[wrong])
	}
	fmt.Fprintf(&b, "\n%-10s %5s %5s %11s %9s %6s\n", "group", "cases", same, better, platform, wrong)
	var groups []string
	for group := range counts {
		groups = append(groups, group)
	}
	slices.Sort(groups)
	for _, group := range groups {
		row(group, counts[group])
		for v, n := range counts[group] {
			total[v] += n
		}
	}
	row("all", total)
	fmt.Fprintf(&b, "of the %d that are not the platform's, %.1f %% agree\n", total[""]-total[platform], 100*float64(total[same])/float64(total[""]-total[platform]))
	t.Log(b.String())
}

// judge compares an answer with the recorded one.
func (c *recorded) judge(got answer) (v verdict, problem string) {
	ours := got.status == 400 && strings.HasPrefix(string(got.body), "400 Bad Request") // written by net/http itself
	if c.Compare == "platform" || ours && got.status != c.Response.Status {
		if got.status < 200 && got.err == nil {
			return wrong, "not a sane answer"
		}
		return platform, ""
	}
	switch {
	case got.err != nil && c.Response.ConnectionAfter == "reset": // so was theirs
		return same, ""
	case got.err != nil:
		return wrong, "no whole answer"
	case got.status != c.Response.Status:
		return wrong, "another status"
	case c.Compare == "status" || c.Volatile, c.Response.BodyHTML != nil: // a page for people
		return same, ""
	}
	if problem := c.compareHeaders(got); problem != "" {
		return wrong, problem
	}
	// The bodies of errors and redirects are the library's.
	if isOurs := got.status >= 300; isOurs && !c.ownBody() {
		return same, ""
	}
	return c.compareBody(got)
}

// ownBody reports whether the body of an error is the handler's own, which
// writes it as JSON.
func (c *recorded) ownBody() bool {
	types := c.Response.Headers["content-type"]
	return len(types) > 0 && strings.HasPrefix(types[0], "application/json")
}

func (c *recorded) compareHeaders(got answer) (problem string) {
	for name, want := range c.Response.Headers {
		have := got.header.Values(name)
		equal := true
		switch name {
		case "location":
			equal = len(have) == 1 && c.resolve(have[0]) == c.resolve(want[0])
		case "allow", "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers":
			equal = reflect.DeepEqual(set(have), set(want))
		case "set-cookie":
			equal = reflect.DeepEqual(cookiesOf(have), cookiesOf(want))
		case "cache-control":
			equal = reflect.DeepEqual(set(have), set(want))
		case "content-type":
			equal = len(have) == 1 && mediaType(have[0]) == mediaType(want[0])
		}
		if !equal {
			return fmt.Sprintf("%s is %q, want %q", name, have, want)
		}
	}
	for _, name := range []string{"location", "allow", "set-cookie", "cache-control"} {
		if have := got.header.Values(name); len(have) > 0 && c.Response.Headers[name] == nil {
			return fmt.Sprintf("%s is %q, want none", name, have)
		}
	}
	return ""
}

// resolve is the absolute form of a Location.
func (c *recorded) resolve(location string) string {
	base, err := url.Parse("http://app.test" + path.Join("/", "x")) // the host; the path is set as it was sent
	if err != nil {
		return err.Error()
	}
	target, query, _ := strings.Cut(c.Request.target(), "?")
	base.Path, base.RawQuery = target, query
	to, err := base.Parse(location)
	if err != nil {
		return err.Error()
	}
	return to.String()
}

func set(lists []string) map[string]bool {
	items := map[string]bool{}
	for item := range strings.SplitSeq(strings.Join(lists, ","), ",") {
		items[strings.TrimSpace(item)] = true
	}
	return items
}

// cookiesOf are the cookies that are set, each with its attributes, whose
// order and case mean nothing.
func cookiesOf(lines []string) (all []string) {
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		var sorted []string
		for a := range strings.SplitSeq(attributes, ";") {
			sorted = append(sorted, strings.ToLower(strings.TrimSpace(a)))
		}
		slices.Sort(sorted)
		all = append(all, pair+";"+strings.Join(sorted, ";"))
	}
	return all
}

func mediaType(text string) string {
	t, parameters, err := mime.ParseMediaType(text)
	if err != nil {
		return text
	}
	return t + ";" + strings.ToLower(parameters["charset"])
}

func (c *recorded) compareBody(got answer) (v verdict, problem string) {
	r := c.Response
	switch {
	case r.BodyLen != nil:
		if sum := sha256.Sum256(got.body); len(got.body) != *r.BodyLen || hex.EncodeToString(sum[:]) != r.Sha256 {
			return wrong, fmt.Sprintf("%d other bytes", len(got.body))
		}
	case r.BodyB64 != nil:
		if want, err := base64.StdEncoding.DecodeString(*r.BodyB64); err != nil || !bytes.Equal(got.body, want) {
			return wrong, "other bytes"
		}
	case r.Body != nil:
		if !equalBodies(string(got.body), *r.Body) {
			return wrong, fmt.Sprintf("body %.300q, want %.300q", got.body, *r.Body)
		}
	}
	return same, ""
}

// equalBodies compares JSON by value. The field url of the echo page is left
// out: Next.js rewrites it.
func equalBodies(got, want string) bool {
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil {
		return got == want
	}
	for _, v := range []any{a, b} {
		if m, ok := v.(map[string]any); ok && m["bodyType"] != nil {
			delete(m, "url")
		}
	}
	return reflect.DeepEqual(a, b)
}

func TestProgram(t *testing.T) { programtest.Contract(t, run) }

func TestPrintedCommands(t *testing.T) {
	want := []string{
		`{"query":{"slug":"hello-world","year":"2024"},"route":"/api/posts/[year]/[slug]"}`,
		`{"id":"1","name":"Ada"}`,
		`{"contentType":null,"cookies":[],"err":null,"method":"GET","params":"\u003cundefined\u003e","pathname":"/api2/echo","query":[["a","1"],["a","2"]],"search":"?a=1\u0026a=2","text":"","xtest":null}`,
	}
	for i, answer := range programtest.Start(t, run).Commands(t) {
		if !equalBodies(answer, want[i]) {
			t.Errorf("command %d gives %s", i+1, answer)
		}
	}
}
