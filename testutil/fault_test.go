package testutil_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/apiroutes/apiroutes/testutil"
)

func TestFailingWriter(t *testing.T) {
	for n, want := range map[int]string{-1: "", 0: "", 1: "", 2: "0", 3: "01", 9: "01234"} {
		recorder := httptest.NewRecorder()
		w := testutil.FailingWriter(recorder, n)
		w.Header().Set("X-Trace", "t")
		w.WriteHeader(http.StatusAccepted)
		for i := range 5 {
			written, err := io.WriteString(w, fmt.Sprint(i))
			if failed := i+1 >= n; failed != errors.Is(err, testutil.ErrInjected) || failed == (written == 1) {
				t.Errorf("n=%d, write %d: wrote %d bytes, %v", n, i+1, written, err)
			}
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		if recorder.Body.String() != want || recorder.Code != http.StatusAccepted || recorder.Header().Get("X-Trace") != "t" || !recorder.Flushed {
			t.Errorf("n=%d: recorded %d %q, want %q", n, recorder.Code, recorder.Body, want)
		}
	}
}

// TestFailingWriterIsShared: the count is one for all goroutines.
func TestFailingWriterIsShared(t *testing.T) {
	w := testutil.FailingWriter(discard{}, 51)
	results := make(chan error, 100)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := w.Write([]byte("x"))
			results <- err
		})
	}
	wg.Wait()
	close(results)
	failed := 0
	for err := range results {
		if err != nil {
			failed++
		}
	}
	if failed != 50 {
		t.Errorf("%d of 100 writes failed, want 50", failed)
	}
}

type discard struct{ http.ResponseWriter }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestFailingReader(t *testing.T) {
	for n, want := range map[int64]string{0: "", 2: "te", 4: "text", 9: "text"} {
		got, err := io.ReadAll(testutil.FailingReader(strings.NewReader("text"), n))
		if string(got) != want || !errors.Is(err, testutil.ErrInjected) {
			t.Errorf("n=%d: read %q, %v; want %q and an injected fault", n, got, err, want)
		}
	}
}
