package roottest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
	"github.com/apiroutes/apiroutes/testutil"
)

// nextjsRow is one measured behaviour: routes, and requests with the answers
// that the library gives. Each is sent as it is written over a connection.
type nextjsRow struct {
	row    string
	setup  func(r *apiroutes.Router)
	sends  [][2]string // request line, answer as brief has it
	reason string      // why, where the library overrules Next.js
	show   string      // a header to append to the answers
}

// nextjsEcho answers with the pattern and all its parameters.
func nextjsEcho(c apiroutes.Context) error {
	text := c.Request().Pattern
	segments, err := params.ParsePattern(text)
	if err != nil {
		return err
	}
	for _, s := range segments {
		switch {
		case s.IsCatchAll():
			text += fmt.Sprintf(" %s=%#v", s.Text, c.Segments(s.Text))
		case s.Kind == params.Param:
			text += fmt.Sprintf(" %s=%q", s.Text, c.Param(s.Text))
		}
	}
	return c.Text(http.StatusOK, text)
}

func nextjsGet(patterns ...string) func(r *apiroutes.Router) {
	return func(r *apiroutes.Router) {
		for _, pattern := range patterns {
			r.Get(pattern, nextjsEcho)
		}
	}
}

// nextjsSend writes one request line to a server of h and reads the answer.
func nextjsSend(t *testing.T, api *testutil.Client, h http.Handler, line string) *testutil.Response {
	t.Helper()
	if line == "OPTIONS *" {
		return pathAsterisk(t, h)
	}
	return pathSend(t, api, line, "Host: app.test")
}

func nextjsRun(t *testing.T, rows []nextjsRow) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.row, func(t *testing.T) {
			r := apiroutes.New()
			row.setup(r)
			api := pathServer(t, r)
			for _, send := range row.sends {
				w := nextjsSend(t, api, r, send[0])
				header := w.Result().Header
				got := brief(w)
				if row.show != "" {
					got += fmt.Sprintf(" %s:%q", row.show, header[row.show])
				}
				if got != send[1] {
					t.Errorf("%s:\n got %s\nwant %s (%s)", nextjsShort(send[0]), nextjsShort(got), nextjsShort(send[1]), row.reason)
				}
				if len(header["Allow"]) > 1 || header.Get("Location") != "" && len(w.Bytes()) > 0 {
					t.Errorf("%s: headers %v, body %q", nextjsShort(send[0]), header, w.Bytes())
				}
			}
		})
	}
}

func nextjsShort(text string) string {
	if len(text) > 300 {
		return fmt.Sprintf("%s... (%d bytes)", text[:300], len(text))
	}
	return text
}

const (
	nextjs404     = `404 {"error":"Not Found"}`
	nextjs405     = `405 {"error":"Method Not Allowed"}`
	nextjsNotUTF8 = `400 {"error":"the path is not valid UTF-8"}`
	nextjsDots    = `400 {"error":"the path holds a dot segment"}`
	nextjsByHTTP  = `400 400 Bad Request` // before any handler
)

func TestNextJSPatterns(t *testing.T) {
	nextjsRun(t, []nextjsRow{
		{row: "1.1", setup: nextjsGet("/u/[id]"), sends: [][2]string{
			{"GET /u/a%20b", `200 /u/[id] id="a b"`}, {"GET /u", nextjs404}, {"GET /u/", nextjs404}, {"GET /u/1/2", nextjs404}}},
		{row: "1.2", setup: nextjsGet("/p/[...p]"), sends: [][2]string{
			{"GET /p/a", `200 /p/[...p] p=[]string{"a"}`}, {"GET /p/a/b%20c", `200 /p/[...p] p=[]string{"a", "b c"}`}, {"GET /p", nextjs404}}},
		{row: "1.3", setup: nextjsGet("/p/[[...p]]"), sends: [][2]string{
			{"GET /p", `200 /p/[[...p]] p=[]string(nil)`}, {"GET /p/a", `200 /p/[[...p]] p=[]string{"a"}`}}},
		{row: "1.5", setup: nextjsGet("/x/s", "/x/[id]", "/x/[...p]", "/[[...all]]"), sends: [][2]string{
			{"GET /x/s", "200 /x/s"}, {"GET /x/t", `200 /x/[id] id="t"`}, {"GET /x/t/u", `200 /x/[...p] p=[]string{"t", "u"}`},
			{"GET /x", `200 /[[...all]] all=[]string{"x"}`}}},
		{row: "1.6", setup: nextjsGet("/a/[x]/c", "/a/b/[y]"), sends: [][2]string{
			{"GET /a/b/c", `200 /a/b/[y] y="c"`}, {"GET /a/d/c", `200 /a/[x]/c x="d"`}}},
		{row: "1.7", setup: nextjsGet("/mix/static", "/mix/static/deep", "/mix/[...all]", "/a/b/[y]", "/a/b/d", "/a/[x]/d/[w]"), sends: [][2]string{
			{"GET /mix/static/other", `200 /mix/[...all] all=[]string{"static", "other"}`}, {"GET /a/b/d/2", `200 /a/[x]/d/[w] x="b" w="2"`}}},
		{row: "1.8", setup: nextjsGet("/e/[id]", "/e/[...id]", "/d/[id]", "/d/[...p]"), sends: [][2]string{
			{"GET /e/1", `200 /e/[id] id="1"`}, {"GET /e/1/2", `200 /e/[...id] id=[]string{"1", "2"}`}, {"GET /d/1/2", `200 /d/[...p] p=[]string{"1", "2"}`}}},
		{row: "1.9", setup: nextjsGet("/o/[id]", "/o/[[...p]]"), sends: [][2]string{
			{"GET /o", `200 /o/[[...p]] p=[]string(nil)`}, {"GET /o/1", `200 /o/[id] id="1"`}, {"GET /o/1/2", `200 /o/[[...p]] p=[]string{"1", "2"}`}}},
		{row: "1.13", setup: nextjsGet("/[helloworld]/[hello-world]"), reason: "Go has no need to turn names into identifiers", sends: [][2]string{
			{"GET /1/2", `200 /[helloworld]/[hello-world] helloworld="1" hello-world="2"`}}},
		{row: "1.23", setup: nextjsGet("/[my-id]/[my_id]/[id2]/[my id]/[é]"), sends: [][2]string{
			{"GET /1/2/3/4/5", `200 /[my-id]/[my_id]/[id2]/[my id]/[é] my-id="1" my_id="2" id2="3" my id="4" é="5"`}}},
		{row: "1.28", setup: nextjsGet("/(group)/x", "/_folder"), reason: "folders are no patterns: both are text", sends: [][2]string{
			{"GET /(group)/x", "200 /(group)/x"}, {"GET /x", nextjs404}, {"GET /_folder", "200 /_folder"}, {"GET /%5Ffolder", "200 /_folder"}}},
		{row: "1.29", setup: func(r *apiroutes.Router) { r.Group("/api").Get("/", nextjsEcho) }, sends: [][2]string{
			{"GET /api", "200 /api"}, {"GET /api/index", nextjs404}}},
		{row: "1.31", setup: nextjsGet("/Api/[id]"), sends: [][2]string{
			{"GET /Api/x", `200 /Api/[id] id="x"`}, {"GET /api/x", nextjs404}}},
	})
}

func TestNextJSPaths(t *testing.T) {
	user := nextjsGet("/u/[id]")
	long := "/" + strings.Repeat("123456789012345678901234567/", 499) + "x" // 500 segments
	nextjsRun(t, []nextjsRow{
		{row: "2.1", setup: user, sends: [][2]string{{"GET /u/a%2Fb", `200 /u/[id] id="a/b"`}, {"GET /u/%2f", `200 /u/[id] id="/"`}}},
		{row: "2.2", setup: user, reason: "NUL is refused: what is behind the handler may end a name there", sends: [][2]string{
			{"GET /u/%20%3F%23%25%22%27%C3%A9%2520", `200 /u/[id] id=" ?#%\"'é%20"`}, {"GET /u/%0D%0A", `200 /u/[id] id="\r\n"`},
			{"GET /u/a%00b", `400 {"error":"the path holds a NUL byte"}`}}},
		{row: "2.3", setup: user, sends: [][2]string{{"GET /u/a+b", `200 /u/[id] id="a+b"`}}},
		{row: "2.4", setup: user, sends: [][2]string{{"GET /u/%zz", nextjsByHTTP}, {"GET /u/%", nextjsByHTTP}, {"GET /u/%4", nextjsByHTTP}}},
		{row: "2.5", setup: user, sends: [][2]string{
			{"GET /u/%FF", nextjsNotUTF8}, {"GET /u/%C0%AF", nextjsNotUTF8}, {"GET /u/%ED%A0%80", nextjsNotUTF8}, {"GET /none/%FF", nextjsNotUTF8}}},
		{row: "2.6", setup: user, reason: "net/http refuses the target before there is a route", sends: [][2]string{{"GET /none/%zz", nextjsByHTTP}}},
		{row: "2.7", setup: nextjsGet("/api/hello"), reason: "RFC 3986 6.2.2.2; errors are never cached", show: "Cache-Control", sends: [][2]string{
			{"GET /api/%68ello", `200 /api/hello Cache-Control:[]`}, {"GET /api/none", nextjs404 + ` Cache-Control:[]`}}},
		{row: "2.8", setup: nextjsGet("/mix/static", "/mix/[id]"), reason: "a guard of the static route must not be by-passed", sends: [][2]string{
			{"GET /mix/st%61tic", "200 /mix/static"}, {"GET /mix/%73%74%61%74%69%63", "200 /mix/static"}}},
		{row: "2.9", setup: nextjsGet("/api/café", "/api/a b"), reason: "compared decoded", sends: [][2]string{
			{"GET /api/caf%C3%A9", "200 /api/café"}, {"GET /api/a%20b", "200 /api/a b"}}},
		{row: "2.10", setup: user, reason: "no redirect to what does not exist; relative, so right below any prefix", sends: [][2]string{
			{"GET /u/1/?x=1&y", "308 -> ../../u/1?x=1&y"}, {"POST /u/1/", "308 -> ../../u/1"}, {"GET /none/", nextjs404}}},
		{row: "2.11", setup: func(r *apiroutes.Router) { user(r.Slashes(apiroutes.SlashServe)) }, reason: "the policy serves both forms instead of the reverse redirect", sends: [][2]string{
			{"GET /u/1", `200 /u/[id] id="1"`}, {"GET /u/1/", `200 /u/[id] id="1"`}, {"GET /u/a.txt/", `200 /u/[id] id="a.txt"`}, {"GET //u///1", `200 /u/[id] id="1"`}}},
		{row: "2.12", setup: nextjsGet("/u/[id]", "/host.test/[id]"), reason: "a backslash is data", sends: [][2]string{
			{"GET //u//1", "308 -> ../../../u/1"}, {"GET //host.test/x", "308 -> ../../host.test/x"}, {`GET /u/a\b`, `200 /u/[id] id="a\\b"`}}},
		{row: "2.13", setup: user, reason: "no Refresh header, no body", show: "Refresh", sends: [][2]string{{"GET /u/1/", "308 -> ../../u/1 Refresh:[]"}}},
		{row: "2.14", setup: user, reason: "a path is never cleaned of dots: what is behind could read it in another way", sends: [][2]string{
			{"GET /./u/1", nextjsDots}, {"GET /u/x/../1", nextjsDots}}},
		{row: "2.15", setup: user, reason: "as 2.14", sends: [][2]string{{"GET /u/.", nextjsDots}, {"GET /u/..", nextjsDots}, {"GET /u/%2E%2E", nextjsDots}, {"GET /u/%2e", nextjsDots}}},
		{row: "2.16", setup: user, sends: [][2]string{{"GET /u/..%2f..%2fetc", `200 /u/[id] id="../../etc"`}}},
		{row: "2.17", setup: user, reason: "RFC 9112 3.2.2", sends: [][2]string{{"GET http://app.test/u/1", `200 /u/[id] id="1"`}, {"GET http://app.test/u/1/", "308 -> ../../u/1"}}},
		{row: "2.18", setup: user, reason: "RFC 9110 9.3.7", sends: [][2]string{{"OPTIONS *", "204"}, {"GET *", `400 {"error":"the request target is not a path"}`}}},
		{row: "2.19", setup: nextjsGet("/[...p]"), sends: [][2]string{{"GET " + long, fmt.Sprintf("200 /[...p] p=%#v", strings.Split(long[1:], "/"))}}},
		{row: "2.21", setup: nextjsGet("/docs/[[...slug]]", "/u/[id]"), reason: "quirks", sends: [][2]string{
			{"GET /docs/index", `200 /docs/[[...slug]] slug=[]string{"index"}`}, {"GET /u/[id]?id=5", `200 /u/[id] id="[id]"`}}},
	})
}

// nextjsQuery registers one handler for each way to read a query.
func nextjsQuery(r *apiroutes.Router) {
	r.Get("/x", func(c apiroutes.Context) error { return c.Text(http.StatusOK, fmt.Sprintf("%q", c.Query("x"))) })
	r.Get("/all", func(c apiroutes.Context) error {
		values, err := c.QueryValues()
		if err != nil {
			return err
		}
		return c.Text(http.StatusOK, fmt.Sprintf("%d %.120q", len(values), values))
	})
	r.Get("/raw", func(c apiroutes.Context) error { return c.Text(http.StatusOK, c.Request().URL.RawQuery) })
	both := func(c apiroutes.Context) error {
		return c.Text(http.StatusOK, fmt.Sprintf("path %q %#v, query %q", c.Param("x"), c.Segments("x"), c.Query("x")))
	}
	r.Get("/u/[x]", both)
	r.Get("/o/[[...x]]", both)
	r.Get("/s", both)
}

func TestNextJSQuery(t *testing.T) {
	keys, many := "", 1100
	for i := range many {
		keys += fmt.Sprintf("&k%d=", i)
	}
	rows := []nextjsRow{
		{row: "3.1", sends: [][2]string{{"GET /u/1?x=2", `200 path "1" []string(nil), query "2"`}}, reason: "kept apart"},
		{row: "3.2", sends: [][2]string{{"GET /o?x=2", `200 path "" []string(nil), query "2"`}}, reason: "kept apart"},
		{row: "3.3", sends: [][2]string{{"GET /x?x=1&x=2", `200 "1"`}, {"GET /all?x=1&y=3&x=2", `200 2 map["x":["1" "2"] "y":["3"]]`}}},
		{row: "3.4", sends: [][2]string{{"GET /all?a&b=&=v&&c=1", `200 4 map["":["v"] "a":[""] "b":[""] "c":["1"]]`}, {"GET /x?&&x", `200 ""`}}},
		{row: "3.5", sends: [][2]string{{"GET /x?x=a+b%20c", `200 "a b c"`}, {"GET /all?x+y=a+b%20c", `200 1 map["x y":["a b c"]]`}}},
		{row: "3.6", sends: [][2]string{{"GET /x?x=%zz", `200 "%zz"`}, {"GET /x?x=50%", `200 "50%"`},
			{"GET /all?x=%zz", `400 {"error":"the query is malformed: invalid URL escape \"%zz\""}`}}, reason: "kept as text, or refused; never lost"},
		{row: "3.7", sends: [][2]string{{"GET /x?x=%FF", `200 "\xff"`}}, reason: "the bytes that were sent"},
		{row: "3.8", sends: [][2]string{{"GET /x?x=1;y=2", `200 "1;y=2"`},
			{"GET /all?x=1;y=2", `400 {"error":"the query is malformed: invalid semicolon separator in query"}`}}, reason: "data, or refused; never lost"},
		{row: "3.9", sends: [][2]string{{"GET /all?x[a]=1&x.b=2&x=1,2", `200 3 map["x":["1,2"] "x.b":["2"] "x[a]":["1"]]`}}},
		{row: "3.10", sends: [][2]string{{"GET /x?" + keys[1:] + "&x=last", `200 "last"`}}},
		{row: "3.11", sends: [][2]string{{"GET /raw?a=1&b=%78&a=2", `200 a=1&b=%78&a=2`}}, reason: "as it came: signatures cover it"},
		{row: "3.13", sends: [][2]string{{"GET /all?__proto__=1&constructor=2", `200 2 map["__proto__":["1"] "constructor":["2"]]`}}},
		{row: "3.14", sends: [][2]string{{"GET /s?x=2", `200 path "" []string(nil), query "2"`}}},
	}
	for i := range rows {
		rows[i].setup = nextjsQuery
	}
	nextjsRun(t, rows)
}

func TestNextJSMethods(t *testing.T) {
	method := func(c apiroutes.Context) error { return c.Text(http.StatusOK, c.Request().Method) }
	raw := func(r *apiroutes.Router) {
		r.Handle("/x", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) }))
	}
	table := func(r *apiroutes.Router) { r.Route("/x", apiroutes.Methods{Get: method, Post: method}) }
	const allow = " [GET, HEAD, OPTIONS, POST]"
	nextjsRun(t, []nextjsRow{
		{row: "4.1", setup: raw, sends: [][2]string{{"GET /x", "200 GET"}, {"OPTIONS /x", "200 OPTIONS"}, {"HEAD /x", "200"}, {"TRACE /x", "200 TRACE"}, {"PROPFIND /x", "200 PROPFIND"}, {"QUERY /x", "200 QUERY"}}},
		{row: "4.2", setup: table, reason: "by the library, in one line", sends: [][2]string{{"DELETE /x", nextjs405 + allow}, {"POST /x", "200 POST"}}},
		{row: "4.3", setup: table, reason: "falls to GET", show: "Content-Length", sends: [][2]string{{"HEAD /x", `200 Content-Length:["4"]`}}},
		{row: "4.4", setup: func(r *apiroutes.Router) {
			r.Route("/x", apiroutes.Methods{Get: method, Head: func(c apiroutes.Context) error { return c.NoContent(http.StatusAccepted) }})
		}, sends: [][2]string{{"HEAD /x", "202"}, {"GET /x", "200 GET"}}},
		{row: "4.5", setup: func(r *apiroutes.Router) {
			table(r)
			r.Route("/own", apiroutes.Methods{Get: method, Options: method})
		}, sends: [][2]string{{"OPTIONS /x", "204 " + allow}, {"OPTIONS /own", "200 OPTIONS"}}},
		{row: "4.6", setup: table, reason: "with Allow: RFC 9110 15.5.6", sends: [][2]string{{"PUT /x", nextjs405 + allow}}},
		{row: "4.7", setup: func(r *apiroutes.Router) {
			table(r)
			r.Method("PROPFIND", "/dav", apiroutes.HandlerFunc(method))
		}, reason: "the route is known, the method is not: 405; any token can be registered", sends: [][2]string{
			{"PROPFIND /x", nextjs405 + allow}, {"TRACE /x", nextjs405 + allow}, {"PROPFIND /dav", "200 PROPFIND"}, {"GET /dav", nextjs405 + " [OPTIONS, PROPFIND]"}}},
		{row: "4.8", setup: func(r *apiroutes.Router) { r.Method("QUERY", "/x", apiroutes.HandlerFunc(method)) }, reason: "any token can be registered", sends: [][2]string{
			{"QUERY /x", "200 QUERY"}, {"OPTIONS /x", "204  [OPTIONS, QUERY]"}}},
		{row: "4.10", setup: nextjsGet("/static", "/[dynamic]"), reason: "one rule for all", sends: [][2]string{
			{"POST /static", nextjs405 + " [GET, HEAD, OPTIONS]"}, {"POST /1", nextjs405 + " [GET, HEAD, OPTIONS]"},
			{"OPTIONS /static", "204  [GET, HEAD, OPTIONS]"}, {"OPTIONS /1", "204  [GET, HEAD, OPTIONS]"}}},
		{row: "4.11", setup: table, reason: "a method is any token, case-sensitive", sends: [][2]string{{"FOO /x", nextjs405 + allow}, {"get /x", nextjs405 + allow}}},
		{row: "4.12", setup: table, reason: "small, in JSON", sends: [][2]string{{"GET /none", nextjs404}, {"POST /none", nextjs404}, {"OPTIONS /none", nextjs404}, {"HEAD /none", "404"}}},
	})
}
