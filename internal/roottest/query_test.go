package roottest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// What clients send as query and cookies is read leniently: nothing is lost.

// queryOf sets a query as it was sent, valid or not.
func queryOf(query string) testutil.Edit {
	return func(r *http.Request) { r.URL.RawQuery = query }
}

func TestQuery(t *testing.T) {
	for _, c := range []struct{ query, name, want, reason string }{
		{"a=1&b=2", "b", "2", ""},
		{"a=1&a=2", "a", "1", "the first"},
		{"a&a=2", "a", "", "the first, empty"},
		{"b=2", "a", "", "missing"},
		{"", "a", "", ""},
		{"=1&b=2", "", "1", "an empty name is a name"},
		{"&&a=1&", "a", "1", ""},
		{"&b=1", "", "", "nothing between separators is no pair"},
		{"a=b=c", "a", "b=c", ""},
		{"A=1", "a", "", "names are case-sensitive"},
		{"a=x+y%2Bz%20", "a", "x y+z ", ""},
		{"a=%26%3D%3b&b=2", "a", "&=;", ""},
		{"%61=1&a=2", "a", "1", "an escaped name counts"},
		{"x%3Dy=1", "x=y", "1", ""},
		{"x+y=1", "x y", "1", ""},
		{"x+y=1&x%2By=2", "x+y", "2", "only the decoded name counts"},
		{"%61=1&%2561=2", "%61", "2", "only the decoded name counts"},
		{"a=%zz", "a", "%zz", "a bad escape keeps its text"},
		{"a=100%&b=2", "a", "100%", "and costs no other pair"},
		{"a=100%&b=2", "b", "2", ""},
		{"a=%4", "a", "%4", ""},
		{"a=%%41", "a", "%A", ""},
		{"%zz=1", "%zz", "1", ""},
		{"a=1;b=2", "a", "1;b=2", "a semicolon is data"},
		{"a=1;b=2", "b", "", ""},
		{"a=%00%FF", "a", "\x00\xff", "any byte"},
	} {
		readContext(t, "GET /", func(ctx apiroutes.Context) {
			if got := ctx.Query(c.name); got != c.want {
				t.Errorf("%s: Query(%q) = %q, want %q; %s", c.query, c.name, got, c.want, c.reason)
			}
		}, queryOf(c.query))
	}
}

func TestQueryValues(t *testing.T) {
	for query, want := range map[string]string{
		"a=1&a=x+y&b=%2B": "map[a:[1 x y] b:[+]]",
		"":                "map[]",
		"a=%zz":           `400 the query is malformed: invalid URL escape "%zz"`,
		"a=1;b=2":         "400 the query is malformed: invalid semicolon separator in query",
		"a=1&%4=2":        `400 the query is malformed: invalid URL escape "%4"`,
	} {
		readContext(t, "GET /", func(c apiroutes.Context) {
			values, err := c.QueryValues()
			got := fmt.Sprint(values)
			var public *apiroutes.Error
			if errors.As(err, &public) {
				got = fmt.Sprint(public.StatusCode(), " ", public.PublicMessage())
			}
			if got != want || err != nil && (values != nil || errors.Unwrap(err) == nil) {
				t.Errorf("QueryValues of %q: %s (%v, %v), want %s", query, got, values, err, want)
			}
		}, queryOf(query))
	}
}

// queryWithin fails if fn takes longer than limit each time of several.
func queryWithin(t *testing.T, limit time.Duration, fn func()) {
	t.Helper()
	best := time.Hour
	for range 5 {
		start := time.Now()
		fn()
		took := time.Since(start)
		if best = min(best, took); best < limit || took > time.Second/2 {
			break
		}
	}
	if best >= limit {
		t.Errorf("it took %v, limit is %v", best, limit)
	}
}

func TestManyQueryNames(t *testing.T) {
	const names = 15_000
	var query strings.Builder
	for i := range names {
		fmt.Fprintf(&query, "%%6eame+%d=%%76alue+%d&", i, i)
	}
	readContext(t, "GET /", func(c apiroutes.Context) {
		queryWithin(t, 20*time.Millisecond, func() {
			if got := c.Query(fmt.Sprintf("name %d", names-1)); got != fmt.Sprintf("value %d", names-1) {
				t.Errorf("the last name has %q", got)
			}
		})
		queryWithin(t, 20*time.Millisecond, func() {
			if got := c.Query("missing"); got != "" {
				t.Errorf("a missing name has %q", got)
			}
		})
		if _, err := c.QueryValues(); err == nil || !strings.HasPrefix(err.Error(), "400 ") {
			t.Errorf("QueryValues beyond the limit of net/url: %v", err)
		}
	}, queryOf(query.String()))
}

var queryEscape = regexp.MustCompile("%[0-9A-Fa-f]{2}")

// queryDecoded decodes the valid escapes of text, and nothing else.
func queryDecoded(text string) string {
	return queryEscape.ReplaceAllStringFunc(text, func(e string) string {
		decoded, _ := url.PathUnescape(e)
		return decoded
	})
}

func FuzzQuery(f *testing.F) {
	for _, query := range []string{"a=1&b=2", "a=%zz", "x+y=1&x%2By=2", "a=1;b", "=&=1", "%", "a%3D=b%26", "%61=1&%2561=2", "+", "%2"} {
		f.Add(query, "a")
	}
	f.Fuzz(func(t *testing.T, query, name string) {
		names := []string{name}
		first := map[string]string{}
		for _, pair := range slices.Backward(strings.Split(query, "&")) {
			if pair == "" {
				continue
			}
			key, value, _ := strings.Cut(pair, "=")
			names = append(names, key)
			key, value = queryDecoded(strings.ReplaceAll(key, "+", " ")), queryDecoded(strings.ReplaceAll(value, "+", " "))
			names = append(names, key)
			first[key] = value
		}
		strict, err := url.ParseQuery(query)
		readContext(t, "GET /", func(c apiroutes.Context) {
			for _, name := range names {
				if got := c.Query(name); got != first[name] || err == nil && got != strict.Get(name) {
					t.Errorf("%q: Query(%q) = %q, want %q; net/url has %q", query, name, got, first[name], strict.Get(name))
				}
			}
			if values, err2 := c.QueryValues(); (err == nil) != (err2 == nil) || err == nil && values.Encode() != strict.Encode() {
				t.Errorf("%q: QueryValues has %v, %v", query, values, err2)
			}
		}, queryOf(query))
	})
}

func TestCookie(t *testing.T) {
	for _, c := range []struct {
		lines              []string
		name, want, reason string
	}{
		{[]string{"a=1; b=2"}, "b", "2", ""},
		{[]string{"a=1;b=2"}, "b", "2", "without the space"},
		{[]string{" a = 1 ;\tb\t=\t2\t"}, "b", "2", ""},
		{[]string{"a=1; a=2"}, "a", "1", "the first"},
		{[]string{"a=1", "b=2", "a=3"}, "b", "2", "HTTP/2 may send one line for each"},
		{[]string{"a", "a=1"}, "a", "1", "without a sign it is no cookie"},
		{[]string{"a=; a=1"}, "a", "", "the first, empty"},
		{[]string{"A=1"}, "a", "", "names are case-sensitive"},
		{nil, "a", "", ""},
		{[]string{"a=b=c"}, "a", "b=c", ""},
		{[]string{`a="1 2"`}, "a", "1 2", "quotes are not part of the value"},
		{[]string{`a=""; b="; c="x; d=x"`}, "a", "", ""},
		{[]string{`a=""; b="; c="x; d=x"`}, "b", `"`, "half a pair is"},
		{[]string{`a=""; b="; c="x; d=x"`}, "c", `"x`, ""},
		{[]string{`a=""; b="; c="x; d=x"`}, "d", `x"`, ""},
		{[]string{"a=%7B%22x%22%3A1%7D"}, "a", `{"x":1}`, "as encodeURIComponent writes it"},
		{[]string{`a="%22x%22"`}, "a", `"x"`, "quotes first, then escapes"},
		{[]string{"a=%zz%"}, "a", "%zz%", "a bad escape keeps its text"},
		{[]string{"a=1+2"}, "a", "1+2", "a plus is a plus"},
		{[]string{`a={"x":1,"y":"z"}; b=2`}, "a", `{"x":1,"y":"z"}`, "net/http drops the cookie"},
		{[]string{"a=é\xff"}, "a", "é\xff", "net/http drops the cookie"},
		{[]string{"a[b]=1"}, "a[b]", "1", "net/http drops the cookie"},
		{[]string{"%61=1"}, "a", "", "names are not decoded"},
		{[]string{"=1"}, "", "1", ""},
	} {
		readContext(t, "GET /", func(ctx apiroutes.Context) {
			if got := ctx.Cookie(c.name); got != c.want {
				t.Errorf("%q: Cookie(%q) = %q, want %q; %s", c.lines, c.name, got, c.want, c.reason)
			}
		}, func(r *http.Request) { r.Header["Cookie"] = c.lines })
	}
}

func TestManyCookies(t *testing.T) {
	const cookies = 4_000
	var line strings.Builder
	for i := range cookies {
		fmt.Fprintf(&line, "name%d=value%%20%d; ", i, i)
	}
	readContext(t, "GET /", func(c apiroutes.Context) {
		if len(c.Request().Cookies()) > 0 {
			t.Error("net/http has no limit any more: say so in the comment of Cookie")
		}
		queryWithin(t, 20*time.Millisecond, func() {
			if got := c.Cookie(fmt.Sprintf("name%d", cookies-1)); got != fmt.Sprintf("value %d", cookies-1) {
				t.Errorf("the last cookie has %q", got)
			}
		})
	}, testutil.Header("Cookie", line.String()))
}

func FuzzCookie(f *testing.F) {
	for _, line := range []string{"a=1; b=2", `a="1 2"; a=3`, "a=%zz", "a;a=1", `a="`, " a = \" x \" ", "=;=", "a=\xff", "a=b=c"} {
		f.Add(line, "a")
	}
	f.Fuzz(func(t *testing.T, line, name string) {
		first := map[string]string{}
		for _, pair := range slices.Backward(strings.Split(line, ";")) {
			if key, value, found := strings.Cut(pair, "="); found {
				key, value = strings.Trim(key, " \t"), strings.Trim(value, " \t")
				if quoted := regexp.MustCompile(`(?s)^"(.*)"$`).FindStringSubmatch(value); quoted != nil {
					value = quoted[1]
				}
				first[key] = value
			}
		}
		readContext(t, "GET /", func(c apiroutes.Context) {
			for key := range first {
				if got, want := c.Cookie(key), queryDecoded(first[key]); got != want {
					t.Errorf("%q: Cookie(%q) = %q, want %q", line, key, got, want)
				}
			}
			if got := c.Cookie(name); got != queryDecoded(first[name]) {
				t.Errorf("%q: Cookie(%q) = %q, want %q", line, name, got, queryDecoded(first[name]))
			}
		}, func(r *http.Request) { r.Header["Cookie"] = []string{line} })
	})
}
