package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/apiroutes/apiroutes/internal/programtest"
	"github.com/apiroutes/apiroutes/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestProgram(t *testing.T) { programtest.Contract(t, run) }

func TestPrintedCommands(t *testing.T) {
	t.Parallel()
	answers := programtest.Start(t, run).Commands(t)
	for i, want := range []string{
		`^\{"id":"\w+","name":"README\.md","title":"Readme","size":\d+\}$`,
		`^\{"received":\d+\}\n(\{"received":\d+\}\n)*\{"id":"\w+","name":"README\.md","size":\d+\}\n$`,
		`^\{"files":\[\{.*"title":"Readme".*\},\{.*\}\]\}$`,
	} {
		if !regexp.MustCompile(want).MatchString(answers[i]) {
			t.Errorf("command %d gives %q, want %s", i+1, answers[i], want)
		}
	}
}

// app is the example with a folder of its own.
func app(t *testing.T) (api *testutil.Client, folder fs.FS) {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return testutil.Serve(t, routes(&store{root: root}), testutil.HTTP), root.FS()
}

func TestUploadAndDownload(t *testing.T) {
	api, folder := app(t)
	api.Get("/api/files").Status(200).JSON(`{"files":[]}`)
	photo := testutil.File{Field: "file", Name: "../../Füße.jpg", Content: "not really a photo"}
	saved := testutil.Decode[file](api.Post("/api/files", testutil.Multipart(url.Values{"title": {"Feet"}}, photo)).Status(201))
	if saved.Name != "Füße.jpg" || saved.Title != "Feet" || saved.Size != 18 {
		t.Errorf("saved is %+v", saved)
	}
	api.Get("/api/files/"+saved.ID).Status(200).Text("not really a photo").
		Header("Content-Disposition", `attachment; filename="F__e.jpg"; filename*=UTF-8''F%C3%BC%C3%9Fe.jpg`)
	api.Get("/api/files/"+saved.ID, testutil.Header("Range", "bytes=-5")).Status(206).Text("photo")
	api.Get("/api/files/other").Status(404)
	api.Get("/api/files/..%2F" + saved.ID).Status(404)
	if entries, err := fs.ReadDir(folder, "."); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

func TestRefused(t *testing.T) {
	api, folder := app(t)
	api.Post("/api/files", testutil.Multipart(url.Values{"title": {"none"}})).Status(400).JSON(`{"error":"the form has no file \"file\""}`)
	api.Post("/api/files", testutil.Multipart(url.Values{"file": {"text"}})).Status(400).JSON(`{"error":"field \"file\" must be a file"}`)
	api.PostJSON("/api/files", map[string]any{"title": "x", "file": map[string]any{"Filename": "/etc/passwd"}}).Status(415)
	api.Post("/api/files", testutil.Multipart(nil, testutil.File{Field: "file", Name: "x", Content: strings.Repeat("x", 1<<20)})).Status(413)
	api.Post("/api/large", testutil.Body("text/plain", strings.Repeat("x", 5<<20))).Status(415)
	torn := "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n" + strings.Repeat("x", 2<<20)
	api.Fails("POST", "/api/large", testutil.Body("multipart/form-data; boundary=b", torn))
	if entries, err := fs.ReadDir(folder, "."); err != nil || len(entries) != 0 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}

// TestProgress reads of each part that was sent before it sends the next.
func TestProgress(t *testing.T) {
	api, folder := app(t)
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api.URL("/api/large"), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	written := make(chan error, 1)
	next := make(chan struct{}, 1)
	next <- struct{}{}
	go func() {
		written <- func() error {
			file, err := form.CreateFormFile("file", "large.bin")
			for i := 0; i < 3 && err == nil; i++ {
				select {
				case <-next:
					_, err = file.Write(make([]byte, 1<<20))
				case <-time.After(10 * time.Second):
					err = fmt.Errorf("no progress after %d MiB", i)
				}
			}
			if err == nil {
				err = form.Close()
			}
			w.CloseWithError(err)
			return err
		}()
	}()
	resp, err := api.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	var last string
	for mib := int64(0); lines.Scan(); last = lines.Text() {
		var line struct{ Received int64 }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Received > mib<<20 && mib < 3 {
			mib++
			next <- struct{}{}
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if !strings.Contains(last, `"size":3145728`) {
		t.Errorf("the last line is %s", last)
	}
	if entries, err := fs.ReadDir(folder, "."); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}
