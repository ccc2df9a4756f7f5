package writer_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apiroutes/apiroutes/internal/writer"
)

// TestBeforeHeader: what is to be in the header is there, whichever way the
// answer begins, and in the order in which it was asked for.
func TestBeforeHeader(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, begin := range map[string]func(w *writer.Writer){
		"nothing":     func(w *writer.Writer) {},
		"WriteHeader": func(w *writer.Writer) { w.WriteHeader(http.StatusTeapot) },
		"Write":       func(w *writer.Writer) { w.Write([]byte("x")) },
		"WriteString": func(w *writer.Writer) { w.WriteString("x") },
		"Flush":       func(w *writer.Writer) { w.Flush() },
		"ReadFrom":    func(w *writer.Writer) { w.ReadFrom(strings.NewReader("x")) },
		"a file": func(w *writer.Writer) {
			file, err := os.Open(name)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			w.ReadFrom(file)
		},
	} {
		rec := httptest.NewRecorder()
		w, _ := writer.Wrap(rec)
		w.BeforeHeader(func(h http.Header) { h["Said"] = append(h["Said"], "first") })
		w.BeforeHeader(func(h http.Header) { h["Said"] = append(h["Said"], "then") })
		w.Header()["Said"] = []string{"the handler"}
		begin(w)
		w.Close()
		if got := strings.Join(rec.Result().Header["Said"], ", "); got != "the handler, first, then" {
			t.Errorf("%s: the header says %q", what, got)
		}
	}
}

// TestBeforeHeaderOnce: behind the header it is too late, and not done.
func TestBeforeHeaderOnce(t *testing.T) {
	calls := 0
	w, _ := writer.Wrap(httptest.NewRecorder())
	w.BeforeHeader(func(http.Header) { calls++ })
	w.WriteHeader(http.StatusEarlyHints)
	if calls != 0 {
		t.Error("called for a 103")
	}
	io.WriteString(w, "x")
	w.WriteHeader(http.StatusOK)
	w.Flush()
	w.Close()
	if calls != 1 {
		t.Errorf("called %d times", calls)
	}
}
