package fallback_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/fallback"
	"github.com/apiroutes/apiroutes/testutil"
)

// node starts testdata/server.mjs and returns its address.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not in PATH")
	}
	cmd := exec.Command(path, "testdata/server.mjs")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // its end ends the server
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("node does not listen: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func route(name string) testutil.Edit { return testutil.Header("X-Route", name) }

// nodeEcho is what Node has of a request.
type nodeEcho struct {
	Method, Body string
	URL          []byte
	RawHeaders   []string
	Trailers     map[string]string
}

func (e nodeEcho) header(name string) (values []string) {
	for i := 0; i+1 < len(e.RawHeaders); i += 2 {
		if strings.EqualFold(e.RawHeaders[i], name) {
			values = append(values, e.RawHeaders[i+1])
		}
	}
	return values
}

func TestNode(t *testing.T) {
	t.Parallel()
	target := node(t)
	r := apiroutes.New()
	r.Get("/api/user/[id]", func(c apiroutes.Context) error { return c.Text(200, "ported") })
	r.Mount("/", fallback.To(target))
	for _, p := range protocols {
		t.Run(string(p), func(t *testing.T) {
			api := testutil.Serve(t, r, p)
			nodeRequests(t, api)
			nodeAnswers(t, api)
			nodeStreams(t, api)
		})
	}
	t.Run("targets", func(t *testing.T) { nodeTargets(t, testutil.Serve(t, r, testutil.HTTP)) })
	t.Run("upgrade", func(t *testing.T) {
		conn := testutil.Serve(t, r, testutil.HTTP).Dial()
		conn.Send(upgradeRequest).Response("GET").Status(101).Header("Upgrade", "echo")
		if got := conn.Send("hello").Read(5); got != "hello" {
			t.Errorf("%q came back", got)
		}
	})
}

// nodeTargets: byte for byte. Node itself refuses what is not ASCII.
func nodeTargets(t *testing.T, api *testutil.Client) {
	conn := api.Dial()
	for _, target := range rawTargets {
		if len(target) > 8<<10 {
			continue // Node has 16 KiB for the whole header
		}
		res := conn.Send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n").Response("GET")
		if strings.ContainsFunc(target, func(c rune) bool { return c > 0x7f }) {
			res.Status(400)
			continue
		}
		if got := testutil.Decode[nodeEcho](res.Status(200)).URL; string(got) != target {
			t.Errorf("Node got %q for %q", got, target)
		}
	}
}

func nodeRequests(t *testing.T, api *testutil.Client) {
	api.Get("/api/user/7").Status(200).Text("ported")
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		got := testutil.Decode[nodeEcho](api.Do(method, "/api/user/7/posts?a;b=%zz", testutil.Header("Host", "shop.example"),
			testutil.Body("a/b", "body"), header("X-Multi", "1", "2"), testutil.Header("X-Forwarded-For", "1.2.3.4")))
		if got.Method != method || got.Body != "body" || string(got.URL) != "/api/user/7/posts?a;b=%zz" {
			t.Errorf("%s: Node got %+v", method, got)
		}
		for name, want := range map[string][]string{
			"Host": {"shop.example"}, "X-Forwarded-Host": {"shop.example"}, "X-Forwarded-For": {"127.0.0.1"},
			"X-Multi": {"1", "2"}, "Content-Length": {"4"}, "Transfer-Encoding": nil, "Accept-Encoding": nil,
		} {
			if values := got.header(name); !slices.Equal(values, want) {
				t.Errorf("%s: Node got %s: %q, want %q", method, name, values, want)
			}
		}
	}
	got := testutil.Decode[nodeEcho](api.Post("/", testutil.Stream("a/b", strings.NewReader("streamed")), func(r *http.Request) {
		r.Trailer = http.Header{"X-Sum": {"7"}}
	}))
	if got.Body != "streamed" || got.Trailers["x-sum"] != "7" || got.header("Content-Length") != nil {
		t.Errorf("Node got %+v", got)
	}
}

func nodeAnswers(t *testing.T, api *testutil.Client) {
	r := api.NoRedirects().Get("/", route("answer"), testutil.Header("Host", "shop.example")).Status(307)
	r.Header("Location", "/there?a;b=%zz").Header("Set-Cookie", "a=1; Path=/, b=2").Header("ETag", `"e"`).Header("X-Host", "shop.example")
	api.Do("HEAD", "/", route("head")).Status(200).Header("Content-Length", "1234").Text("")
	api.Get("/", route("none")).Status(204).Header("ETag", `"n"`).Header("Content-Length", "").Text("")
	api.Get("/", route("slow")).Status(200).Text("late")
	if got := api.Get("/", route("trailers")).Text("body").Result().Trailer.Get("X-Sum"); got != "7" {
		t.Errorf("the trailer is %q", got)
	}
	api.Fails("POST", "/", route("crash"))
	api.Fails("POST", "/", route("chunkedCrash"))
}

func nodeStreams(t *testing.T, api *testutil.Client) {
	events := api.Get("/", route("events")).Status(200)
	for i := range 3 {
		if got := events.NextEvent(); got.Data != fmt.Sprint(i) {
			t.Errorf("event %+v, want %d", got, i)
		}
	}
	events.End()

	body, send := io.Pipe()
	res := api.Post("/", route("stream"), testutil.Stream("a/b", body)).Status(200).Result()
	defer send.Close()
	in := bufio.NewReader(res.Body)
	for i := range 5 {
		part := fmt.Sprintf("part %d\n", i)
		_, _ = io.WriteString(send, part)
		if got, err := in.ReadString('\n'); got != part || err != nil {
			t.Fatalf("%q came back, %v, want %q", got, err, part)
		}
	}
	large := strings.Repeat("0123456789abcdef", 1<<18)
	api.Post("/", route("sum"), testutil.Stream("a/b", strings.NewReader(large))).Text(fmt.Sprintf("%x", sha256.Sum256([]byte(large))))
}
