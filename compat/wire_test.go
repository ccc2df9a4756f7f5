package compat

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestStream: the first event arrives while the handler waits to be told that
// it did.
func TestStream(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, g, _ := h.start(t)
			r := client.Get(h.base+"/events").Status(200).Header("Content-Type", "text/event-stream")
			if got := r.NextEvent().Data; got != "one" {
				t.Errorf("the first event is %q", got)
			}
			close(g.release)
			if got := r.NextEvent().Data; got != "two" {
				t.Errorf("the second event is %q", got)
			}
			r.End()
		})
	}
}

func TestHijack(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			client.Get(h.base + "/hijack").Status(200).Text("mine")
		})
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789abcdef", 3<<16) // 3 MiB
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			client.Post(h.base+"/upload", testutil.Multipart(nil,
				testutil.File{Field: "a", Name: "a.bin", Content: large},
				testutil.File{Field: "b", Name: "b.txt", Content: "B"},
			)).Status(201).Text(fmt.Sprintf("a %d %x\nb 1 %x", len(large), sha256.Sum256([]byte(large)), sha256.Sum256([]byte("B"))))
			client.Post(h.base+"/upload", testutil.Multipart(nil,
				testutil.File{Field: "a", Name: "a.bin", Content: large + large},
			)).Status(413).JSON(`{"error":"the body exceeds the limit of 4194304 bytes"}`)
			client.Post(h.base+"/upload", testutil.JSON("no form")).Status(415)
		})
	}
}

// TestUploadProgress: the first part is confirmed before the second is sent.
func TestUploadProgress(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			in, out := io.Pipe()
			form := multipart.NewWriter(out)
			confirmed, sent := make(chan struct{}), make(chan error)
			go func() {
				a, err1 := form.CreateFormFile("a", "a")
				_, err2 := io.WriteString(a, "first")
				b, err3 := form.CreateFormFile("b", "b") // its boundary ends the first part
				<-confirmed
				_, err4 := io.WriteString(b, "second")
				err5 := form.Close()
				out.Close()
				sent <- errors.Join(err1, err2, err3, err4, err5)
			}()
			r := client.Post(h.base+"/progress", testutil.Stream(form.FormDataContentType(), in)).Status(200)
			if got := r.NextEvent().Data; got != "a" {
				t.Errorf("the first event is %q, want a", got)
			}
			close(confirmed)
			if got := r.NextEvent().Data; got != "b" {
				t.Errorf("the second event is %q, want b", got)
			}
			r.End()
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLateAnswer: an answer after the host is done writes nothing, although gin
// and chi give what they serve a request with to the next one.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, g, _ := h.start(t)
			client.Get(h.base + "/late").Status(200).Text("in time")
			if err := <-g.late; !errors.Is(err, apiroutes.ErrAnswered) && !errors.Is(err, context.Canceled) {
				t.Errorf("the late answer got %v", err)
			}
			client.Get(h.base + "/hello").Status(200).Text("hello")
		})
	}
}

// TestPanic: a panic before the answer is the host's to answer.
func TestPanic(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, _, _ := h.start(t)
			if !strings.HasPrefix(h.name, "chi") && !strings.HasPrefix(h.name, "gin") {
				client.Fails("GET", h.base+"/panic") // nobody recovers
				return
			}
			client.Get(h.base + "/panic").Status(500).Text("")
			client.Get(h.base + "/hello").Status(200).Text("hello")
		})
	}
}

// TestAbort: an answer that broke in the middle reaches the client as a broken
// one, also through a recovery that takes http.ErrAbortHandler for its own, as
// gin's does.
func TestAbort(t *testing.T) {
	t.Parallel()
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			client, g, seen := h.start(t)
			for _, path := range []string{"/part", "/part-panic"} {
				if err := client.Fails("GET", h.base+path); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: the client sees %v, want an unexpected end", path, err)
				}
			}
			testutil.Serve(t, h.put(g, seen), testutil.HTTP2).Fails("GET", h.base+"/part")
		})
	}
}
