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
	"syscall"
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
			clear(header)
			maps.Copy(header, before)
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
	if stater, ok := fsys.(fs.StatFS); ok { // to open a pipe would wait for its other end
		if info, err := stater.Stat(name); err == nil && !info.Mode().IsRegular() {
			return nil, missing(&fs.PathError{Op: "open", Path: bounded(name), Err: errors.New("not a regular file")})
		}
	}
	file, err := fsys.Open(name)
	if err != nil && namesNothing(err) {
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
		c.seeker = &forward{content: c}
	}
	return c, nil
}

// namesNothing reports whether an error of Open is due to the name.
func namesNothing(err error) bool {
	for _, due := range []error{
		fs.ErrNotExist, fs.ErrInvalid, fs.ErrPermission, syscall.ENOTDIR, syscall.ENAMETOOLONG,
	} {
		if errors.Is(err, due) {
			return true
		}
	}
	return strings.HasSuffix(err.Error(), "path escapes from parent") // os.Root's, which has no name
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
// of a file that can only be read on there is one.
func (c *content) boundRanges(r *http.Request) *http.Request {
	most := 16
	if _, ok := c.seeker.(*forward); ok {
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

// forward makes a file seekable that is not, such as one in a zip archive, as
// far as one range needs it: it reads on to a place ahead.
type forward struct {
	*content
	at   int64 // where the next Read is to begin
	read int64 // where the file stands
}

func (f *forward) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.info.Size()
	}
	if offset < f.read {
		return 0, fs.ErrInvalid
	}
	f.at = offset
	return offset, nil
}

func (f *forward) Read(p []byte) (int, error) {
	if skip := f.at - f.read; skip > 0 {
		n, err := io.CopyN(io.Discard, f.File, skip)
		f.read += n
		if err != nil {
			return 0, err
		}
	}
	n, err := f.File.Read(p)
	f.read += int64(n)
	f.at = f.read
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

// rangeError keeps the header that belongs to a 416, but to no answer that a
// handler gives instead.
type rangeError struct {
	reason       string
	contentRange []string
}

func (e *rangeError) Error() string { return e.reason }

func setContentRange(header http.Header, err error) {
	var e *rangeError
	if errors.As(err, &e) && e.contentRange != nil {
		header["Content-Range"] = e.contentRange
	}
}

// err tells how it went.
func (w *fileWriter) err(method string) error {
	switch {
	case w.refused == http.StatusRequestedRangeNotSatisfiable && strings.HasPrefix(w.reason, "invalid range"):
		return (&Error{Status: w.refused}).WithCause(&rangeError{strings.TrimSpace(w.reason), w.Header()["Content-Range"]})
	case w.refused == http.StatusRequestedRangeNotSatisfiable: // of a seek that failed
		return errors.New("apiroutes: the file cannot be read: " + strings.TrimSpace(w.reason))
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
		case r == unicode.ReplacementChar, r == '\u2028', r == '\u2029', unicode.In(r, unicode.Cc, unicode.Cf):
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
		value += "; filename*=UTF-8''" + string(appendEscaped(nil, name, false, "!#$&+-.^_`|~")) // attr-char of RFC 8187
	}
	return c.SetHeader("Content-Disposition", value)
}
