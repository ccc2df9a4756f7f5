package roottest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

func TestAnswer(t *testing.T) {
	const jsonType, textType = "application/json; charset=utf-8", "text/plain; charset=utf-8"
	bodyTyped := func(contentType string, answer func(c apiroutes.Context) error) func(c apiroutes.Context) error {
		return func(c apiroutes.Context) error {
			return errors.Join(c.SetHeader("Content-Type", contentType), c.SetHeader("Content-Length", "999"), answer(c))
		}
	}
	jsonOf := func(status int, v any) func(c apiroutes.Context) error {
		return func(c apiroutes.Context) error { return c.JSON(status, v) }
	}
	cases := []struct {
		name        string
		serve       apiroutes.HandlerFunc
		status      int
		contentType string // "" for none
		length      string // "" for none
		body        string
	}{
		{"JSON", jsonOf(201, map[string]any{"b": 1, "a": "<é>&"}), 201, jsonType, "19", `{"a":"<é>&","b":1}`},
		{"JSON nil", jsonOf(200, nil), 200, jsonType, "4", "null"},
		{"JSON is compacted", jsonOf(200, json.RawMessage("{ \"a\": [ 1,\n 2 ] }\n")), 200, jsonType, "11", `{"a":[1,2]}`},
		{"JSON string", jsonOf(200, "line\n"), 200, jsonType, "8", `"line\n"`},
		{"JSON with a type", bodyTyped("application/vnd.api+json", jsonOf(200, 1)), 200, "application/vnd.api+json", "1", "1"},
		{"JSON 204", bodyTyped("application/json", jsonOf(204, 1)), 204, "", "", ""},
		{"JSON 205", bodyTyped("application/json", jsonOf(205, 1)), 205, "", "0", ""},
		{"JSON 304", bodyTyped("application/json", jsonOf(304, 1)), 304, "", "", ""},
		{"JSON 599", jsonOf(599, 1), 599, jsonType, "1", "1"},
		{"Text", func(c apiroutes.Context) error { return c.Text(400, "é\n") }, 400, textType, "3", "é\n"},
		{"Text of nothing", func(c apiroutes.Context) error { return c.Text(200, "") }, 200, textType, "0", ""},
		{"Text with a type", bodyTyped("text/html", func(c apiroutes.Context) error { return c.Text(200, "<p>") }), 200, "text/html", "3", "<p>"},
		{"Text 204", func(c apiroutes.Context) error { return c.Text(204, "text") }, 204, "", "", ""},
		{"Bytes", func(c apiroutes.Context) error { return c.Bytes(200, "image/png", []byte("\x89PNG")) }, 200, "image/png", "4", "\x89PNG"},
		{"Bytes of no type", func(c apiroutes.Context) error { return c.Bytes(200, "", []byte("<html>")) }, 200, "application/octet-stream", "6", "<html>"},
		{"Bytes of nothing", func(c apiroutes.Context) error { return c.Bytes(200, "image/png", nil) }, 200, "image/png", "0", ""},
		{"Bytes with a type", bodyTyped("image/gif", func(c apiroutes.Context) error { return c.Bytes(200, "image/png", nil) }), 200, "image/gif", "0", ""},
		{"Bytes 304", func(c apiroutes.Context) error { return c.Bytes(304, "image/png", []byte("x")) }, 304, "", "", ""},
		{"NoContent", func(c apiroutes.Context) error { return c.NoContent(204) }, 204, "", "", ""},
		{"NoContent 202", func(c apiroutes.Context) error { return c.NoContent(202) }, 202, "", "0", ""},
		{"NoContent 205", func(c apiroutes.Context) error { return c.NoContent(205) }, 205, "", "0", ""},
	}
	onTransports(t, func(t *testing.T, tr transport) {
		r := apiroutes.New()
		for i, c := range cases {
			r.Handle(fmt.Sprintf("/%d", i), c.serve)
		}
		w := tr.serve(t, r)
		for i, c := range cases {
			got := w.post(t, fmt.Sprintf("/%d", i))
			if got.err != nil || got.status != c.status || got.body != c.body {
				t.Errorf("%s: got %v, want %d %q", c.name, got, c.status, c.body)
			}
			for name, want := range map[string]string{"Content-Type": c.contentType, "Content-Length": c.length} {
				if values := got.header[name]; strings.Join(values, ", ") != want || want == "" && values != nil {
					t.Errorf("%s: %s is %q, want %q", c.name, name, values, want)
				}
			}
		}
		w.neighbours(t)
	})
}

// TestAnswerStatus refuses what is no final status, before anything happens.
func TestAnswerStatus(t *testing.T) {
	called := false
	for name, answer := range map[string]func(c apiroutes.Context, status int) error{
		"JSON":      func(c apiroutes.Context, status int) error { return c.JSON(status, "x") },
		"Text":      func(c apiroutes.Context, status int) error { return c.Text(status, "x") },
		"Bytes":     func(c apiroutes.Context, status int) error { return c.Bytes(status, "", []byte("x")) },
		"NoContent": func(c apiroutes.Context, status int) error { return c.NoContent(status) },
	} {
		for _, status := range []int{-1, 0, 1, 99, 100, 101, 103, 199, 600, 999, 1000} {
			w := testutil.Call(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
				called = true
				if err := answer(c, status); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("status %d ", status)) {
					t.Errorf("%s with status %d returned %v", name, status, err)
				}
				return c.Text(200, "<b>free") // which nobody sniffs as plain text
			}), "GET /")
			if header := w.Result().Header; brief(w) != "200 <b>free" || header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s with status %d left %s %v", name, status, brief(w), header)
			}
		}
	}
	if !called {
		t.Error("no handler was called")
	}
}

// TestBytesContentType refuses a type that is no header value.
func TestBytesContentType(t *testing.T) {
	w := testutil.Call(t, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		if err := c.Bytes(200, "text/html\r\nX: y", nil); err == nil {
			t.Error("it was accepted")
		}
		return c.Text(200, "free")
	}), "GET /")
	if brief(w) != "200 free" {
		t.Errorf("got %s", brief(w))
	}
}

type answerCycle struct {
	Self *answerCycle
}

type answerMarshaler func() ([]byte, error)

func (m answerMarshaler) MarshalJSON() ([]byte, error) { return m() }

// TestJSONFails encodes what JSON has no words for: a 500 instead of a part.
func TestJSONFails(t *testing.T) {
	cycle := &answerCycle{}
	cycle.Self = cycle
	values := map[string]any{
		"NaN": math.NaN(), "infinity": []any{"much before it", math.Inf(1)}, "cycle": cycle,
		"channel": map[string]any{"a": 1, "b": make(chan int)}, "function": func() {}, "key": map[complex64]int{1: 1},
		"marshaler":         answerMarshaler(func() ([]byte, error) { return nil, errOops }),
		"invalid marshaler": answerMarshaler(func() ([]byte, error) { return []byte("{"), nil }),
	}
	onTransports(t, func(t *testing.T, tr transport) {
		logs := captureLog(t)
		r := apiroutes.New()
		for name, v := range values {
			r.Handle("/"+name, apiroutes.HandlerFunc(func(c apiroutes.Context) error {
				if err := c.SetHeader("Etag", `"1"`); err != nil {
					return err
				}
				return c.JSON(200, v)
			}))
		}
		r.Handle("/fine", apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.JSON(200, "fine") }))
		w := tr.serve(t, r)
		for name := range values {
			got := w.post(t, "/"+url.PathEscape(name))
			if got.err != nil || got.status != 500 || got.body != errorInternal || got.header["Etag"] != nil {
				t.Errorf("%s: got %v %v", name, got, got.header)
			}
			if logged := logs.take(); !strings.Contains(logged, "cannot be encoded as JSON") {
				t.Errorf("%s: log is %q", name, logged)
			}
			if got := w.post(t, "/fine"); got.body != `"fine"` {
				t.Errorf("the answer after %s is %v", name, got)
			}
		}
		w.neighbours(t)
	})
}

// TestJSONConcurrently encodes values of all sizes at once, also from within a
// MarshalJSON: buffers are reused, answers are not.
func TestJSONConcurrently(t *testing.T) {
	h := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		text := strings.Repeat(c.Query("text"), len(c.Query("text"))*100)
		return c.JSON(200, answerMarshaler(func() ([]byte, error) {
			inner := apiroutes.HandlerFunc(func(c apiroutes.Context) error { return c.JSON(200, text) })
			return testutil.Call(t, inner, "GET /").Bytes(), nil
		}))
	})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				text := strings.Repeat(string(rune('a'+i)), 1+j)
				want := `"` + strings.Repeat(text, len(text)*100) + `"`
				w := testutil.Call(t, h, "GET /?text="+text)
				if got := string(w.Bytes()); got != want || w.Result().Header.Get("Content-Length") != strconv.Itoa(len(want)) {
					t.Errorf("%s × %d is %d bytes long, want %d", text[:1], j, len(got), len(want))
				}
			}
		})
	}
	wg.Wait()
}

// TestHead compares HEAD with GET on the wire: the same header, no body.
func TestHead(t *testing.T) {
	onTransports(t, func(t *testing.T, tr transport) {
		captureLog(t)
		r := apiroutes.New()
		size := 100_000
		if tr.gzip {
			size = 100 // what is compressed has no length
		}
		r.Get("/text", says(strings.Repeat("x", size)))
		r.Get("/json", func(c apiroutes.Context) error { return c.JSON(201, []int{1, 2}) })
		r.Get("/none", func(c apiroutes.Context) error { return c.NoContent(204) })
		r.Get("/error", func(c apiroutes.Context) error { return errOops })
		r.Get("/stream", func(c apiroutes.Context) error {
			return c.Stream(func(w http.ResponseWriter) error {
				w.Header().Set("Content-Type", "text/csv")
				w.Header().Set("Content-Length", "3")
				_, err := io.WriteString(w, "a,b")
				return err
			})
		})
		w := tr.serve(t, r)
		for _, path := range []string{"/text", "/json", "/none", "/error", "/stream", "/missing"} {
			var claimAnswers [2]wireReply
			for i, method := range []string{"GET", "HEAD"} {
				req := w.request(t, path)
				req.Method = method
				claimAnswers[i] = w.do(t, req)
				claimAnswers[i].header.Del("Date")
			}
			get, head := claimAnswers[0], claimAnswers[1]
			if get.err != nil || head.err != nil || head.closes || get.status != head.status || !reflect.DeepEqual(get.header, head.header) {
				t.Errorf("%s: HEAD has %v %v, GET %v %v", path, head, head.header, get, get.header)
			}
			if head.body != "" && !tr.recorder { // a recorder keeps what a server would not send
				t.Errorf("%s: HEAD has a body: %v", path, head)
			}
		}
		w.neighbours(t)
	})
}
