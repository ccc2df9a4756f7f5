package main

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"sync"

	"github.com/apiroutes/apiroutes"
)

// store keeps files in a folder, each under an id that it chooses itself.
type store struct {
	root  *os.Root // nothing leads out of it, no link either
	mu    sync.Mutex
	files []file
}

type file struct {
	ID    string `json:"id"`
	Name  string `json:"name"` // the client's: for people, never a path here
	Title string `json:"title,omitempty"`
	Size  int64  `json:"size"`
}

// save copies a file into the store. Half a file is not kept.
func (s *store) save(name, title string, r io.Reader) (f file, err error) {
	f = file{ID: rand.Text(), Name: name, Title: title}
	w, err := s.root.Create(f.ID)
	if err != nil {
		return f, err
	}
	f.Size, err = io.Copy(w, r)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = s.root.Remove(f.ID)
		return f, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
	return f, nil
}

func (s *store) all() []file {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.files)
}

func (s *store) list(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, struct {
		Files []file `json:"files"`
	}{append([]file{}, s.all()...)}) // [] rather than null for none
}

// upload takes a form as a whole. A file that does not fit into memory waits in
// a temporary one, which is removed when the handler returns.
func (s *store) upload(c apiroutes.Context) error {
	var form struct {
		Title string                `form:"title"`
		File  *multipart.FileHeader `form:"file"`
	}
	if err := c.Decode(&form); err != nil {
		return err // 400, 413 or 415, with what is wrong
	}
	if form.File == nil {
		return apiroutes.Errorf(http.StatusBadRequest, `the form has no file "file"`)
	}
	content, err := form.File.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	f, err := s.save(form.File.Filename, form.Title, content)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, f)
}

// uploadLarge stores the files of a form while they arrive, and tells how far
// it is in lines of JSON.
func (s *store) uploadLarge(c apiroutes.Context) error {
	return c.Stream(func(w http.ResponseWriter) error {
		stream := http.NewResponseController(w)
		w.Header().Set("Content-Type", "application/x-ndjson")
		lines := json.NewEncoder(w)
		for part, err := range c.Parts() {
			if err != nil {
				return err
			}
			if part.FileName() == "" {
				continue
			}
			f, err := s.save(part.FileName(), "", &progress{Reader: part, report: func(n int64) error {
				_ = stream.EnableFullDuplex() // to answer while the client sends; HTTP/2 always can
				if err := lines.Encode(map[string]int64{"received": n}); err != nil {
					return err
				}
				return stream.Flush()
			}})
			if err != nil {
				return err
			}
			if err := lines.Encode(f); err != nil {
				return err
			}
		}
		return nil
	})
}

// progress reports after each MiB that is read through it, and at the end.
type progress struct {
	io.Reader
	report   func(total int64) error
	n, until int64
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if p.n += int64(n); p.n >= p.until || err == io.EOF {
		p.until = p.n + 1<<20
		if failed := p.report(p.n); failed != nil {
			return n, failed
		}
	}
	return n, err
}

func (s *store) download(c apiroutes.Context) error {
	files := s.all()
	i := slices.IndexFunc(files, func(f file) bool { return f.ID == c.Param("id") })
	if i < 0 {
		return apiroutes.Errorf(http.StatusNotFound, "no such file")
	}
	if err := c.Attachment(files[i].Name); err != nil {
		return err
	}
	return c.File(s.root.FS(), files[i].ID)
}
