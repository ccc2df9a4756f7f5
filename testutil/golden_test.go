package testutil_test

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

// withUpdate sets the flag -update for a while.
func withUpdate(t *testing.T, on bool, test func()) {
	t.Helper()
	before := flag.Lookup("update").Value.String()
	defer flag.Set("update", before)
	flag.Set("update", strconv.FormatBool(on))
	if testutil.Updating() != on {
		t.Errorf("Updating is not %t", on)
	}
	test()
}

func call(t testing.TB, contentType, body string) *testutil.Response {
	t.Helper()
	return testutil.Call(t, answers(200, contentType, body), "GET /x")
}

// TestGoldenText: what is written, for each kind of body, and that it then
// compares equal.
func TestGoldenText(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		reason, contentType, body, want string
		scrubs                          []testutil.Scrub
	}{
		{"keys are sorted, numbers and < keep their spelling", "application/json", `{"b":[1.0,9007199254740993,1e5],"a":{"z":null,"y":"<&>"}}`, `200 OK
Content-Type: application/json

{
  "a": {
    "y": "<&>",
    "z": null
  },
  "b": [
    1.0,
    9007199254740993,
    1e5
  ]
}
`, nil},
		{"text gets a line feed", "text/plain", "a\r\nb", "200 OK\nContent-Type: text/plain\n\na\r\nb\n", nil},
		{"and keeps its own", "text/plain", "a\n", "200 OK\nContent-Type: text/plain\n\na\n", nil},
		{"no body", "text/plain", "", "200 OK\nContent-Type: text/plain\n", nil},
		{"binary is hex", "image/png", "\x89PNG", "200 OK\nContent-Type: image/png\n\n00000000  89 50 4e 47                                       |.PNG|\n", nil},
		{"JSON lines are text", "application/jsonl", "{\"b\":1,\"a\":2}\n{}", "200 OK\nContent-Type: application/jsonl\n\n{\"b\":1,\"a\":2}\n{}\n", nil},
		{"and so is JSON with a stray bracket", "application/json", "{}]", "200 OK\nContent-Type: application/json\n\n{}]\n", nil},
		{"scrubs apply in order, to all of the text", "text/plain", "id 5", "200 OK\nContent-Type: <type>\n\n<id>\n", []testutil.Scrub{
			testutil.Replace(`\d+$`, "N"), testutil.Replace(`text/\w+`, "<type>"), strings.TrimSpace,
			func(text string) string { return strings.ReplaceAll(text, "id 5", "<id>") + "\n" }}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			withUpdate(t, true, func() { call(t, tt.contentType, tt.body).Golden("sub/x", tt.scrubs...) })
			text, err := os.ReadFile(filepath.Join("testdata", "sub", "x.golden"))
			if string(text) != tt.want || err != nil {
				t.Errorf("wrote %q, want %q (%v)", text, tt.want, err)
			}
			withUpdate(t, false, func() {
				call(t, tt.contentType, tt.body).Golden("sub/x", tt.scrubs...)
				wantFailures(t, failures(t, func(t testing.TB) { call(t, tt.contentType, tt.body+"2").Golden("sub/x") }),
					filepath.FromSlash("testdata/sub/x.golden differs (-want +got; go test -update rewrites it):"))
			})
		})
	}
}

func TestGoldenFailures(t *testing.T) {
	t.Chdir(t.TempDir())
	withUpdate(t, false, func() {
		wantFailures(t, failures(t, func(t testing.TB) { call(t, "text/plain", "a").Golden("none") }),
			"golden file: open "+filepath.Join("testdata", "none.golden")+": ")
	})
	if _, err := os.Stat("testdata"); err == nil {
		t.Error("a file was written without -update")
	}
	withUpdate(t, true, func() {
		wantFailures(t, failures(t, func(t testing.TB) {
			testutil.New(t, http.HandlerFunc(sample)).Get("/broken").Golden("none")
		}), "the answer is broken")
		if _, err := os.Stat("testdata"); err == nil {
			t.Error("a broken answer was written")
		}
		if err := os.WriteFile("testdata", nil, 0o666); err != nil {
			t.Fatal(err)
		}
		wantFailures(t, failures(t, func(t testing.TB) { call(t, "text/plain", "a").Golden("none") }), "golden file: mkdir testdata: ")
	})
}

// TestGoldenCRLF: git may have changed all line ends of a file, and a body may
// have CRLF of its own.
func TestGoldenCRLF(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		file, body string
		equal      bool
	}{
		{"200 OK\r\nContent-Type: text/csv\r\n\r\na,b\r\nc\r\n", "a,b\nc\n", true},
		{"200 OK\r\nContent-Type: text/csv\r\n\r\na,b\r\nc\r\n", "a,b\r\nc\r\n", true},
		{"200 OK\r\nContent-Type: text/csv\r\n\r\na,b\r\nc\r\n", "a,b\nd\n", false},
		{"200 OK\nContent-Type: text/csv\n\na,b\r\nc\r\n", "a,b\r\nc\r\n", true},
		{"200 OK\nContent-Type: text/csv\n\na,b\r\nc\r\n", "a,b\nc\n", false},
		{"200 OK\nContent-Type: text/csv\n\na,b\nc\n", "a,b\r\nc\n", false},
	} {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("testdata", "x.golden"), []byte(tt.file), 0o666); err != nil {
			t.Fatal(err)
		}
		var got []string
		withUpdate(t, false, func() {
			got = failures(t, func(t testing.TB) { call(t, "text/csv", tt.body).Golden("x") })
		})
		if (len(got) == 0) != tt.equal {
			t.Errorf("%q against file %q: %q, want equal: %t", tt.body, tt.file, got, tt.equal)
		}
	}
}

func TestScrubs(t *testing.T) {
	for _, tt := range []struct {
		scrub    testutil.Scrub
		in, want string
	}{
		{testutil.UUIDs, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8", /6BA7B810-9DAD-11D1-80B4-00C04FD430C8/`, `"<uuid>", /<uuid>/`},
		{testutil.UUIDs, "6ba7b810-9dad-11d1-80b4-00c04fd430c81 x6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430c81 x6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
		{testutil.Times, `"2026-11-24T15:04:05Z" "2026-11-24T15:04:05.123456789+01:00" 2026-11-24 15:04:05`, `"<time>" "<time>" <time>`},
		{testutil.Times, "Tue, 24 Nov 2026 15:04:05 GMT", "<time>"},
		{testutil.Times, "2026-11-24 and 15:04", "2026-11-24 and 15:04"},
		{testutil.Tokens, `"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln-_" "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."`, `"<token>" "<token>"`},
		{testutil.Tokens, "eyJ.x keyJabc.d.e", "eyJ.x keyJabc.d.e"},
		{testutil.Replace(`"id": (\d)\d*`, `"id": <$1>`), `"id": 123`, `"id": <1>`},
	} {
		if got := tt.scrub(tt.in); got != tt.want {
			t.Errorf("%q scrubbed is %q, want %q", tt.in, got, tt.want)
		}
	}
}
