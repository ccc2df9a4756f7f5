package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recorded is one request that was sent to Next.js, and its answer. The format
// is described in testdata/cases.json.
type recorded struct {
	ID, App, Route, Compare, Sequence, Note string
	Volatile                                bool
	ETagFrom                                string `json:"etag_from"`
	Request                                 request
	Response                                struct {
		Status          int
		Headers         map[string][]string
		Body            *string
		BodyB64         *string         `json:"body_b64"`
		BodyLen         *int            `json:"body_len"`
		BodyHTML        json.RawMessage `json:"body_html"`
		ConnectionAfter string          `json:"connection_after"`
		Sha256          string          `json:"body_sha256"`
	}
}

type request struct {
	Method    string
	Target    *string
	TargetGen struct {
		Prefix, Repeat, Join, Item string
		Count                      int
	} `json:"target_gen"`
	Headers    [][2]string
	Version    string `json:"http_version"`
	Body       *string
	BodyB64    *string `json:"body_b64"`
	BodyRepeat *struct {
		Unit  string
		Count int
	} `json:"body_repeat"`
	BodyGen *struct {
		Join         string
		Item         string
		PrefixRepeat string `json:"prefix_repeat"`
		SuffixRepeat string `json:"suffix_repeat"`
		Count        int
	} `json:"body_gen"`
	Chunked   bool
	RawTail   *string `json:"raw_tail"`
	HalfClose bool    `json:"half_close"`
}

// answer is what our side sends, as it comes over the wire.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error // it never came, or was cut off
}

func readCases(t *testing.T) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []recorded }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	return file.Cases
}

// bytes is the request as it goes over the wire.
func (r request) bytes(t *testing.T, etag string) []byte {
	t.Helper()
	var b bytes.Buffer
	version := "1.1"
	if r.Version != "" {
		version = r.Version
	}
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\n", r.Method, r.target(), version)
	for _, h := range r.Headers {
		value := h[1]
		if rest, ok := strings.CutPrefix(value, "@repeat:"); ok {
			prefix, rest, _ := strings.Cut(rest, ":")
			unit, count, _ := strings.Cut(rest, ":")
			n, err := strconv.Atoi(count)
			if err != nil {
				t.Fatal(err)
			}
			value = prefix + strings.Repeat(unit, n)
		}
		if etag != "" && strings.EqualFold(h[0], "If-None-Match") {
			value = etag
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], value)
	}
	body, sent := r.body(t)
	switch {
	case r.RawTail != nil:
		for _, c := range *r.RawTail {
			b.WriteByte(byte(c)) // Latin-1
		}
		return b.Bytes()
	case r.Chunked && body == "":
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	case r.Chunked:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case sent:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		b.WriteString("\r\n")
	}
	return b.Bytes()
}

func (r request) target() string {
	if r.Target != nil {
		return *r.Target
	}
	g := r.TargetGen
	return g.Prefix + generate(g.Repeat, g.Join, g.Item, g.Count)
}

// generate repeats a text, or joins an item in which i counts from 0.
func generate(repeat, join, item string, count int) string {
	if repeat != "" {
		return strings.Repeat(repeat, count)
	}
	items := make([]string, count)
	for i := range items {
		items[i] = strings.NewReplacer("{i}", strconv.Itoa(i), "${i}", strconv.Itoa(i)).Replace(item)
	}
	return strings.Join(items, join)
}

func (r request) body(t *testing.T) (body string, sent bool) {
	t.Helper()
	switch {
	case r.Body != nil:
		return *r.Body, true
	case r.BodyB64 != nil:
		b, err := base64.StdEncoding.DecodeString(*r.BodyB64)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), true
	case r.BodyRepeat != nil:
		return strings.Repeat(r.BodyRepeat.Unit, r.BodyRepeat.Count), true
	case r.BodyGen != nil:
		g := r.BodyGen
		if g.PrefixRepeat != "" {
			return strings.Repeat(g.PrefixRepeat, g.Count) + strings.Repeat(g.SuffixRepeat, g.Count), true
		}
		return generate("", g.Join, g.Item, g.Count), true
	}
	return "", false
}

// exchange sends a request on a connection of its own.
func exchange(t *testing.T, addr string, r request, etag string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go func() {
		_, _ = conn.Write(r.bytes(t, etag)) // an error shows in the answer
		if r.HalfClose {
			conn.(*net.TCPConn).CloseWrite()
		}
	}()
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: r.Method})
		if err != nil {
			return answer{err: err}
		}
		if resp.StatusCode < 200 && resp.StatusCode != 101 {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		return answer{resp.StatusCode, resp.Header, body, err}
	}
}

// apps are the recorded ones.
var apps = map[string]func() http.Handler{"main": mainApp, "trailing-slash": trailingSlashApp, "base-path": basePathApp}

// servers starts an app when it is first asked for, and anew for a sequence.
type servers map[string]*httptest.Server

func (s servers) addr(t *testing.T, app, sequence string) string {
	t.Helper()
	key := app + " " + sequence
	if s[key] == nil {
		newApp, ok := apps[app]
		if !ok {
			t.Fatalf("no app %q", app)
		}
		s[key] = httptest.NewUnstartedServer(newApp())
		s[key].Config.ErrorLog = quiet
		s[key].Start()
		t.Cleanup(s[key].Close)
	}
	return s[key].Listener.Addr().String()
}
