package roottest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

const bodyDefault = 1 << 20 // the limit without MaxBody

// bodyOf is a handler that decodes into a new T and answers with it, or with
// what Decode returned.
func bodyOf[T any]() apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error {
		var v T
		if err := c.Decode(&v); err != nil {
			return err
		}
		return c.Text(200, fmt.Sprintf("%+v", v))
	}
}

// bodyDecode sends a body in a request of a type and headers; a nil type is none.
func bodyDecode(t testing.TB, h http.Handler, body string, header http.Header) *testutil.Response {
	t.Helper()
	return testutil.Call(t, h, "POST /", testutil.Body("", body), func(r *http.Request) { r.Header = header })
}

func bodyTyped(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

type bodyInner struct{ N int8 }

type bodyStruct struct {
	Name  string
	Age   int64          `json:"age"`
	On    bool           `json:"on"`
	Ratio float64        `json:"ratio"`
	Tags  []string       `json:"tags"`
	Inner bodyInner      `json:"inner"`
	More  map[string]int `json:"more"`
	When  time.Time      `json:"when"`
	Ch    chan int       `json:"ch"`
}

// TestDecodeJSON pins the errors too: they tell a client what to change, in
// its own terms.
func TestDecodeJSON(t *testing.T) {
	const bad = `400 {"error":"`
	for _, c := range []struct{ body, want, reason string }{
		{`{"name":"a","age":1,"on":true,"ratio":1.5,"tags":["x"],"inner":{"N":5},"more":{"k":1}}`,
			"200 {Name:a Age:1 On:true Ratio:1.5 Tags:[x] Inner:{N:5} More:map[k:1] When:0001-01-01 00:00:00 +0000 UTC Ch:<nil>}", ""},
		{"{\"NAME\":\"\\u00e9\"} \r\n\t", "200 {Name:é Age:0 On:false Ratio:0 Tags:[] Inner:{N:0} More:map[] When:0001-01-01 00:00:00 +0000 UTC Ch:<nil>}", "space at the end"},
		{"\xef\xbb\xbf{\"age\":2}", "200 {Name: Age:2 On:false Ratio:0 Tags:[] Inner:{N:0} More:map[] When:0001-01-01 00:00:00 +0000 UTC Ch:<nil>}", "a byte order mark"},
		{`{"unknown":{"deep":[1]},"age":3}`, "200 {Name: Age:3 On:false Ratio:0 Tags:[] Inner:{N:0} More:map[] When:0001-01-01 00:00:00 +0000 UTC Ch:<nil>}", "unknown fields"},
		{"", bad + `the body is empty: send JSON"}`, ""},
		{" \n", bad + `the body is empty: send JSON"}`, ""},
		{"\xef\xbb\xbf", bad + `the body is empty: send JSON"}`, "a byte order mark alone"},
		{`{"age":1`, bad + `the body is not valid JSON: * at byte 8"}`, "truncated"},
		{`{"age":1} {}`, bad + `the body is not valid JSON: * at byte 11"}`, "trailing data"},
		{`{"age":1}x`, bad + `the body is not valid JSON: * at byte 10"}`, "trailing data"},
		{"\xef\xbb\xbf{\"age\":x}", bad + `the body is not valid JSON: * at byte 11"}`, "bytes as the client counts them"},
		{"\xef\xbb\xbf\xef\xbb\xbf{}", bad + `the body is not valid JSON: * at byte 4"}`, "one byte order mark"},
		{`{'age':1}`, bad + `the body is not valid JSON: * at byte 2"}`, ""},
		{`{"age":NaN}`, bad + `the body is not valid JSON: * at byte 8"}`, ""},
		{"{\"name\":\"\xff\"}", bad + `the body is not valid UTF-8 at byte 9"}`, "encoding/json would replace it"},
		{"{\"name\":\"é\xc3\"}", bad + `the body is not valid UTF-8 at byte 11"}`, ""},
		{"{\"name\":\"\xed\xa0\x80\"}", bad + `the body is not valid UTF-8 at byte 9"}`, "a surrogate"},
		{"\xff\xfe{\x00}\x00", bad + `the body is not valid UTF-8 at byte 0"}`, "UTF-16"},
		{`{"name":1}`, bad + `field \"Name\" must be a string, not number (before byte 9)"}`, ""},
		{`{"age":"1"}`, bad + `field \"age\" must be an integer of 64 bits, not string (before byte 10)"}`, ""},
		{`{"age":1.5}`, bad + `field \"age\" must be an integer of 64 bits, not number 1.5 (before byte 10)"}`, ""},
		{`{"inner":{"N":300}}`, bad + `field \"inner.N\" must be an integer of 8 bits, not number 300 (before byte 17)"}`, "out of range"},
		{`{"on":0}`, bad + `field \"on\" must be a boolean, not number (before byte 7)"}`, ""},
		{`{"ratio":[]}`, bad + `field \"ratio\" must be a number, not array (before byte 10)"}`, ""},
		{`{"tags":{}}`, bad + `field \"tags\" must be an array, not object (before byte 9)"}`, ""},
		{`{"inner":[]}`, bad + `field \"inner\" must be an object, not array (before byte 10)"}`, ""},
		{`{"more":1}`, bad + `field \"more\" must be an object, not number (before byte 9)"}`, ""},
		{`{"ch":1}`, bad + `field \"ch\" must be of another type, not number (before byte 7)"}`, ""},
		{`[]`, bad + `the body must be an object, not array (before byte 1)"}`, ""},
		{`{"when":"yesterday"}`, bad + `the body does not fit"}`, "the text of another package's error is not ours to publish"},
		{strings.Repeat("[", 100_000), bad + `the body is not valid JSON: * at byte 10001"}`, ""},
		{strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), bad + `the body is not valid JSON: * at byte 10001"}`, ""},
	} {
		got := brief(bodyDecode(t, bodyOf[bodyStruct](), c.body, bodyTyped("application/json")))
		before, after, cut := strings.Cut(c.want, "*") // the text of encoding/json
		if got != c.want && !(cut && strings.HasPrefix(got, before) && strings.HasSuffix(got, after)) {
			t.Errorf("%.60q: %s, want %s; %s", c.body, got, c.want, c.reason)
		}
	}
}

// TestDecodeType chooses by the exact media type and says what is accepted.
func TestDecodeType(t *testing.T) {
	asAny, asString, asBytes := bodyOf[any](), bodyOf[string](), bodyOf[[]byte]()
	const wantJSON, wantText = `: send application/json"}`, `: send application/json or text/plain"}`
	unsupported := func(what string) string { return `415 {"error":"` + what }
	for _, c := range []struct {
		header http.Header
		h      apiroutes.HandlerFunc
		want   string
	}{
		{bodyTyped("application/json"), asAny, "200 map[a:1]"},
		{bodyTyped("Application/JSON; Charset=UTF-8"), asAny, "200 map[a:1]"},
		{bodyTyped("application/json;charset=us-ascii"), asAny, "200 map[a:1]"},
		{bodyTyped(`application/json; charset="utf-8"; q=1`), asAny, "200 map[a:1]"},
		{bodyTyped("application/merge-patch+json"), asAny, "200 map[a:1]"},
		{bodyTyped("text/plain"), asString, `200 {"a":1}`},
		{bodyTyped("text/csv; header=present"), asString, `200 {"a":1}`},
		{bodyTyped("text/plain"), asBytes, "200 [123 34 97 34 58 49 125]"},
		{bodyTyped("application/json"), asString, `400 {"error":"the body must be a string, not object (before byte 1)"}`},
		{nil, asAny, unsupported("there is no Content-Type" + wantJSON)},
		{nil, asString, unsupported("there is no Content-Type" + wantText)},
		{http.Header{"Content-Type": {"application/json", "text/plain"}}, asAny, unsupported("there is more than one Content-Type" + wantJSON)},
		{bodyTyped("text/plain"), asAny, unsupported(`Content-Type \"text/plain\" is not accepted` + wantJSON)},
		{bodyTyped("application/jsonp"), asAny, unsupported(`Content-Type \"application/jsonp\" is not accepted` + wantJSON)},
		{bodyTyped("application/json+xml"), asAny, unsupported(`Content-Type \"application/json+xml\" is not accepted` + wantJSON)},
		{bodyTyped("application/x-www-form-urlencoded"), asAny, unsupported(`Content-Type \"application/x-www-form-urlencoded\" is not accepted` + wantJSON)},
		{bodyTyped("application/octet-stream"), asBytes, unsupported(`Content-Type \"application/octet-stream\" is not accepted` + wantText)},
		{bodyTyped("application/json, text/plain"), asAny, unsupported(`Content-Type \"application/json, text/plain\" is malformed` + wantJSON)},
		{bodyTyped("application/json; charset"), asAny, unsupported(`Content-Type \"application/json; charset\" is malformed` + wantJSON)},
		{bodyTyped("application/json; charset=utf-16"), asAny, unsupported(`charset \"utf-16\" is not accepted, only utf-8` + wantJSON)},
		{bodyTyped("application/json; charset=latin1"), asAny, unsupported(`charset \"latin1\" is not accepted, only utf-8` + wantJSON)},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, asAny, unsupported(`Content-Encoding \"gzip\" is not accepted` + wantJSON)},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"Identity"}}, asAny, "200 map[a:1]"},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"identity", "gzip"}}, asAny, unsupported(`Content-Encoding \"gzip\" is not accepted` + wantJSON)},
		{http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"%!w(x"}}, asAny, unsupported(`Content-Encoding \"%!w(x\" is not accepted` + wantJSON)},
		{bodyTyped(`application/json; charset="%!w(x"`), asAny, unsupported(`charset \"%!w(x\" is not accepted, only utf-8` + wantJSON)},
	} {
		if got := brief(bodyDecode(t, c.h, `{"a":1}`, c.header)); got != c.want {
			t.Errorf("%q: %s, want %s", c.header, got, c.want)
		}
	}
	if got := brief(bodyDecode(t, asAny, "", bodyTyped(strings.Repeat("x", 10_000)))); len(got) > 500 {
		t.Errorf("a long Content-Type comes back: %s", got)
	}
	for _, body := range []string{"", "é", "a\x00b"} {
		if got := bodyDecode(t, asString, body, bodyTyped("text/plain")); got.Result().StatusCode != 200 || string(got.Bytes()) != body {
			t.Errorf("text %q is %v", body, brief(got))
		}
	}
	if got := brief(bodyDecode(t, asString, "a\xff", bodyTyped("text/plain"))); got != `400 {"error":"the body is not valid UTF-8 at byte 1"}` {
		t.Errorf("text: %s", got)
	}
}

// TestDecodeMisuse is a mistake of the program, not of the client.
func TestDecodeMisuse(t *testing.T) {
	captureLog(t)
	for name, v := range map[string]any{"no pointer": bodyStruct{}, "nil": nil, "nil pointer": (*bodyStruct)(nil)} {
		h := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.Decode(v) })
		if got := brief(bodyDecode(t, h, "{}", bodyTyped("application/json"))); got != "500 "+errorInternal {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestDecodeOnce reads the body a second time.
func TestDecodeOnce(t *testing.T) {
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		var v any
		return errors.Join(c.Decode(&v), c.Decode(&v))
	})
	if got := brief(bodyDecode(t, h, "1", bodyTyped("application/json"))); got != `400 {"error":"the body is empty: send JSON"}` {
		t.Errorf("got %s", got)
	}
}

// bodyCounted counts what is read of it.
type bodyCounted struct {
	io.Reader
	read int
}

func (b *bodyCounted) Close() error { return nil }

func (b *bodyCounted) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

// TestBodyLimit decodes and reads bodies of all lengths around the limit, with
// their length announced, not announced, and announced wrongly.
func TestBodyLimit(t *testing.T) {
	text := bodyOf[string]()
	reading := func(http.Handler) http.Handler { return bodyReadAll }
	r := apiroutes.New()
	r.Handle("/default", text)
	limits := map[string]int{"/default": bodyDefault}
	for _, limit := range []int{1, 10, 1_100_000} {
		path := func(kind string, n int) string {
			path := fmt.Sprintf("/%s/%d", kind, limit)
			limits[path] = n
			return path
		}
		view := r.MaxBody(int64(limit))
		view.Handle(path("decode", limit), text)
		view.Handle(path("plain", limit), bodyReadAll)
		view.With(reading).Handle(path("middleware", limit), text)
		view.With(tag("a")).MaxBody(7).Handle(path("smaller", 7), text) // the innermost counts
		r.MaxBody(7).With(tag("a")).MaxBody(int64(limit)).Handle(path("larger", limit), text)
	}
	for path, limit := range limits {
		lengths := []int{limit, limit + 1}
		if limit < 100 {
			lengths = append(lengths, 0, limit-1, limit+100_000)
		}
		for _, length := range lengths {
			for _, announced := range []int{length, -1, 1, limit + 1} {
				body := &bodyCounted{Reader: strings.NewReader(strings.Repeat("x", length))}
				w := testutil.Call(t, r, "POST "+path, testutil.Header("Content-Type", "text/plain"), func(r *http.Request) {
					r.Body, r.ContentLength = body, int64(announced)
				})
				status, want := 200, strings.Repeat("x", length)
				if max(length, announced) > limit {
					status, want = 413, fmt.Sprintf(`{"error":"the body exceeds the limit of %d bytes"}`, limit)
				}
				if got, code := string(w.Bytes()), w.Result().StatusCode; code != status || got != want {
					t.Errorf("%s with %d bytes, %d announced: %d %.100s, want %d %.100s", path, length, announced, code, got, status, want)
				}
				if announced > limit && body.read > 0 || body.read > limit+1 {
					t.Errorf("%s with %d bytes, %d announced: %d were read", path, length, announced, body.read)
				}
			}
		}
	}
}

// TestAnnouncedMemory announces much and sends little: memory is for what comes.
func TestAnnouncedMemory(t *testing.T) {
	r := apiroutes.New().MaxBody(1 << 40)
	r.Handle("/", bodyOf[string]())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := testutil.Call(t, r, "POST /", testutil.Body("text/plain", "little"), func(r *http.Request) { r.ContentLength = 1 << 28 })
	runtime.ReadMemStats(&after)
	if got := brief(w); got != "200 little" {
		t.Errorf("got %s", got)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
}

// TestNoBody serves requests whose Body is nil, as programs make them.
func TestNoBody(t *testing.T) {
	r := apiroutes.New().MaxBody(10)
	r.Post("/", bodyOf[string]())
	w := testutil.Call(t, r, "POST /", testutil.Header("Content-Type", "text/plain"), func(r *http.Request) { r.Body = nil })
	if got := brief(w); got != "200" {
		t.Errorf("got %s", got)
	}
}

// FuzzDecode compares with json.Unmarshal: what is accepted is equal, what is
// not is one of three statuses.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"a":[1,"é",null,true,1e3]}`, "", "\xef\xbb\xbf1", "[1] 2", "{\"a\":\"\xff\"}", "[[[[", `"\ud800"`, "\xef\xbb\xbf"} {
		f.Add(body, "application/json")
		f.Add(body, "text/plain; charset=utf-8")
	}
	f.Add("1", "application/x+json;charset=utf-16")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		var v any
		var text string
		var failed, textFailed error
		edits := []testutil.Edit{testutil.Body("", body), testutil.Header("Content-Type", contentType)} // also an empty one
		readContext(t, "POST /", func(c apiroutes.Context) { failed = c.Decode(&v) }, edits...)
		readContext(t, "POST /", func(c apiroutes.Context) { textFailed = c.Decode(&text) }, edits...)
		for _, err := range []error{failed, textFailed} {
			var errorPublic *apiroutes.Error
			if err != nil && (!errors.As(err, &errorPublic) || !slices.Contains([]int{400, 413, 415}, errorPublic.StatusCode()) || !utf8.ValidString(errorPublic.Message)) {
				t.Errorf("%q as %q: %v", body, contentType, err)
			}
		}
		if textFailed == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "text/plain") && text != body {
			t.Errorf("%q as %q is %q", body, contentType, text)
		}
		var want any
		err := json.Unmarshal([]byte(strings.TrimPrefix(body, "\xef\xbb\xbf")), &want)
		switch accepted := err == nil && utf8.ValidString(body); {
		case failed == nil && (!accepted || !reflect.DeepEqual(v, want)):
			t.Errorf("%q as %q is %v, want %v, %v", body, contentType, v, want, err)
		case failed != nil && accepted && contentType == "application/json":
			t.Errorf("%q is refused: %v", body, failed)
		}
	})
}
