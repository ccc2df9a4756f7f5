package apiroutes

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// File answers GET and HEAD with a file of fsys, whole or the ranges that the
// request asks for, and its conditions (RFC 9110, sections 13 and 14) by the
// file's time and by an ETag: that which was set before, or one made of time
// and size. The Content-Type is that of the name's extension, unless one was
// set; the content is never guessed at.
//
// A name that is no valid path ([fs.ValidPath]), such as one with "..", or
// not that of a regular file, is a 404 error, an impossible range 416, a failed
// precondition 412. The name may come from a client: it cannot leave fsys. But
// [os.DirFS] follows symbolic links, so that root.FS() of an [os.Root] is the
// better choice where others may make some.
//
// If the file cannot be read to its end the connection is aborted.
func (c Context) File(fsys fs.FS, name string) error {
	content, err := openFile(fsys, name)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := claim(c.r); err != nil {
		return err
	}
	w := &fileWriter{ResponseWriter: c.w, length: content.info.Size()}
	header, before := c.w.Header(), maps.Clone(c.w.Header())
	err = errPanicked
	defer func() {
		switch {
		case err == nil:
			settle(c.r, markAnswered)
		case w.started:
			settle(c.r, newMark(&mark{state: broken, cause: err}))
		default: // another answer may follow
			rangeOf := header["Content-Range"]
			clear(header)
			maps.Copy(header, before)
			if w.refused == http.StatusRequestedRangeNotSatisfiable {
				header["Content-Range"] = rangeOf
			}
			settle(c.r, nil)
		}
	}()
	content.describe(header)
	http.ServeContent(w, content.boundRanges(c.r), "", content.info.ModTime(), content.seeker)
	err = w.err(c.r.Method)
	return err
}

// content is an open file.
type content struct {
	fs.File
	info   fs.FileInfo
	seeker io.ReadSeeker
	name   string
}

// openFile opens a regular file. Its errors have the status for the client.
func openFile(fsys fs.FS, name string) (*content, error) {
	missing := func(cause error) error { return (&Error{Status: http.StatusNotFound}).WithCause(cause) }
	if !fs.ValidPath(name) || strings.Contains(name, "\x00") {
		return nil, missing(&fs.PathError{Op: "open", Path: bounded(name), Err: fs.ErrInvalid})
	}
	file, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) {
		return nil, missing(err)
	} else if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		file.Close()
		return nil, err
	case !info.Mode().IsRegular():
		file.Close()
		return nil, missing(&fs.PathError{Op: "open", Path: bounded(name), Err: errors.New("not a regular file")})
	}
	c := &content{File: file, info: info, name: name}
	if seeker, ok := file.(io.ReadSeeker); ok {
		c.seeker = seeker
	} else {
		c.seeker = &reopener{fsys: fsys, content: c}
	}
	return c, nil
}

// describe sets the headers that http.ServeContent would guess at, or leave
// out.
func (c *content) describe(header http.Header) {
	if _, set := header["Content-Type"]; !set {
		contentType := mime.TypeByExtension(path.Ext(c.name))
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		header["Content-Type"] = []string{contentType}
	}
	if _, set := header["X-Content-Type-Options"]; !set {
		header["X-Content-Type-Options"] = []string{"nosniff"}
	}
	// A time that reproducible builds set says nothing, to net/http either.
	if modified := c.info.ModTime(); !modified.IsZero() && modified.Unix() != 0 {
		if _, set := header["Etag"]; !set {
			header["Etag"] = []string{fmt.Sprintf(`"%x-%x"`, modified.UnixNano(), c.info.Size())}
		}
	}
}

// boundRanges takes the header Range from a request that asks for more ranges
// than anybody needs (RFC 9110, section 14.2): each of them costs a seek, and
// where that means to open and read the file again only one is served.
func (c *content) boundRanges(r *http.Request) *http.Request {
	most := 16
	if _, reopens := c.seeker.(*reopener); reopens {
		most = 1
	}
	if strings.Count(r.Header.Get("Range"), ",") < most {
		return r
	}
	whole := new(http.Request)
	*whole = *r
	whole.Header = maps.Clone(r.Header)
	delete(whole.Header, "Range")
	return whole
}

// reopener makes a file seekable that is not, such as one in a zip archive: it
// reads on to a place ahead, and opens the file again for one behind.
type reopener struct {
	fsys    fs.FS
	content *content
	at      int64 // where the next Read is to begin
	read    int64 // where the file stands
}

func (r *reopener) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.content.info.Size()
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	r.at = offset
	return offset, nil
}

func (r *reopener) Read(p []byte) (int, error) {
	if r.at < r.read {
		file, err := r.fsys.Open(r.content.name)
		if err != nil {
			return 0, err
		}
		r.content.File.Close()
		r.content.File, r.read = file, 0
	}
	if skip := r.at - r.read; skip > 0 {
		n, err := io.CopyN(io.Discard, r.content.File, skip)
		r.read += n
		if err != nil {
			return 0, err
		}
	}
	n, err := r.content.File.Read(p)
	r.read += int64(n)
	r.at = r.read
	return n, err
}

// fileWriter passes on what http.ServeContent writes, but keeps its errors back
// for the renderer, and counts.
type fileWriter struct {
	http.ResponseWriter
	started bool   // a status is out
	refused int    // the status of an error
	reason  string // its text, for the log
	length  int64  // to be written
	written int64
	failed  error
}

func (w *fileWriter) WriteHeader(status int) {
	if status >= 400 {
		w.refused = status
		return
	}
	w.started = true
	if status == http.StatusNotModified {
		w.length = 0
	} else if length, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64); err == nil {
		w.length = length
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *fileWriter) Write(p []byte) (int, error) {
	if w.refused != 0 {
		w.reason = string(p)
		return len(p), nil
	}
	n, err := w.ResponseWriter.Write(p)
	w.count(int64(n), err)
	return n, err
}

// ReadFrom lets the server send a file without copying it.
func (w *fileWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, r)
	w.count(n, err)
	return n, err
}

func (w *fileWriter) count(n int64, err error) {
	w.written += n
	if w.failed == nil {
		w.failed = err
	}
}

// err tells how it went.
func (w *fileWriter) err(method string) error {
	switch {
	case w.refused != 0:
		return (&Error{Status: w.refused}).WithCause(errors.New(strings.TrimSpace(w.reason)))
	case w.failed != nil:
		return w.failed
	case w.written < w.length && method != http.MethodHead:
		return fmt.Errorf("apiroutes: the file ended after %d of %d bytes: %w", w.written, w.length, io.ErrUnexpectedEOF)
	}
	return nil
}

// Attachment makes the answer that follows one to be saved, under a file name:
// it sets Content-Disposition (RFC 6266), with the name in UTF-8 (RFC 8187) for
// one that is not plain ASCII. The name may be anybody's: only the part behind
// its last slash or backslash is used, without controls and invisible
// formatting, and "download" if nothing is left. It returns an error once the
// request was answered.
//
//	if err := c.Attachment("report.pdf"); err != nil {
//		return err
//	}
//	return c.File(reports, "2026/11.pdf")
func (c Context) Attachment(filename string) error {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c', r == '\u200d': // joiners, which Persian and emoji need
			return r
		case r == unicode.ReplacementChar, r == '\u2028', r == '\u2029', unicode.Is(unicode.C, r):
			return -1 // also the marks that show "exe.pdf" for "fdp.exe"
		}
		return r
	}, name)
	if name = strings.TrimSpace(name); strings.Trim(name, ".") == "" {
		name = "download"
	}
	// The plain form holds nothing that clients are known to read in more than
	// one way (RFC 6266, appendix D): no escapes of either kind.
	plain := strings.Map(func(r rune) rune {
		if r > '~' || r == '"' || r == '%' {
			return '_'
		}
		return r
	}, name)
	value := `attachment; filename="` + plain + `"`
	if plain != name {
		value += "; filename*=UTF-8''" + escapeExtended(name)
	}
	return c.SetHeader("Content-Disposition", value)
}

// escapeExtended escapes what is no attr-char (RFC 8187, section 3.2.1).
func escapeExtended(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!#$&+-.^_`|~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
