package roottest

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/testutil"
)

// secAllocated returns how many bytes do allocates.
func secAllocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Go CVE-2022-41725, CVE-2023-24536, CVE-2023-45290: a multipart form used much
// more memory, files or time than it has bytes.
func TestSecurityMultipartAmplification(t *testing.T) {
	dir := uploadDir(t)
	fill := func(unit string) string { return strings.Repeat(unit, (bodyDefault-100)/len(unit)) }
	for _, c := range []struct{ name, body, want string }{
		{"many small parts", fill(formField("a", "")) + formEnd, "413 "},
		{"many small files", fill(formFile("f", "x", "")) + formEnd, "413 "},
		{"many header lines", "--b\r\n" + fill("A:\r\n") + "\r\n" + formEnd, "413 "},
		{"an endless header line", "--b\r\nA: " + fill("x"), "400 "},
		{"an endless parameter", "--b\r\nContent-Disposition: form-data; name=" + fill("x") + "\r\n\r\n\r\n" + formEnd, "200 "},
		{"many parameters", "--b\r\nContent-Disposition: form-data; " + fill("a=b; ") + "\r\n\r\n\r\n" + formEnd, "200"},
		{"an endless preamble", fill("x"), "400 "},
		{"a preamble of lines", fill("\n"), "400 "},
		{"almost boundaries", formField("a", fill("\r\n--")) + formEnd, "200 "},
		{"almost last boundaries", formField("a", fill("\r\n--b-")) + formEnd, "200 "},
		{"an epilogue of boundaries", formEnd + fill(formEnd), "200"},
	} {
		for _, name := range []string{"Form", "Parts"} {
			h := formReaders[name]
			queryWithin(t, 2*time.Second, func() {
				got := ""
				used := secAllocated(func() { got = formSend(t, h, formMultipart, c.body) })
				if !strings.HasPrefix(got, strings.TrimSpace(c.want)) {
					t.Errorf("%s, %s: %.200s, want %s", name, c.name, got, c.want)
				}
				if most := uint64(64 * bodyDefault); used > most { // the answer takes half of it
					t.Errorf("%s, %s: %d KiB were allocated for %d KiB", name, c.name, used>>10, len(c.body)>>10)
				}
			})
		}
	}
	if n := uploadCount(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// Go CVE-2025-61726: fields without number; and its fix, which left some out
// where a caller ignored the error. A form is whole or refused.
func TestSecurityFormIsWhole(t *testing.T) {
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "x%d=&", i)
	}
	guarded := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		var v struct {
			Role string `form:"role"`
		}
		if err := c.Decode(&v); err != nil {
			return err
		}
		return c.Text(http.StatusOK, "role "+v.Role)
	})
	for _, c := range []struct{ name, body, status string }{
		{"beyond the number of fields", many.String() + "role=user", "413 "},
		{"behind a bad escape", "x=%zz&role=user", "400 "},
		{"behind a semicolon", "x=1;y=2&role=user", "400 "},
		{"hidden by a semicolon", "role=user;role=admin", "400 "},
		{"twice", "role=user&role=admin", "400 "},
		{"another spelling", "ROLE=admin&role=user", "200 role user"},
		{"an escaped name", "%72ole=user", "200 role user"},
	} {
		if got := formSend(t, guarded, formURLEncoded, c.body); !strings.HasPrefix(got, c.status) {
			t.Errorf("%s: %s, want %s", c.name, got, c.status)
		}
		query := ""
		readContext(t, "POST /", func(ctx apiroutes.Context) {
			values, err := ctx.QueryValues()
			query = fmt.Sprint(values["role"], err)
		}, queryOf(c.body))
		if strings.HasPrefix(c.status, "400") && c.name != "twice" && !strings.HasPrefix(query, "[] 400 ") {
			t.Errorf("%s, in a query: %s", c.name, query)
		}
	}
	for _, body := range []string{
		formField("role", "user") + formField("role", "admin") + formEnd,
		formField("x", "1") + "--b\r\nContent-Disposition: form-data; name=role\r\n",
		formField("x", "1") + strings.Repeat("--b\r\n\r\n\r\n", 1000) + formField("role", "user") + formEnd,
	} {
		if got := formSend(t, guarded, formMultipart, body); strings.HasPrefix(got, "200") {
			t.Errorf("%.100q: %s", body, got)
		}
	}
}

// gorilla/schema CVE-2024-37298, Fiber CVE-2025-48075 and CVE-2025-54801: an
// index in a name chose the length of a slice.
func TestSecurityFormNamesAreFlat(t *testing.T) {
	type form struct {
		List []int             `form:"a"`
		Map  map[string]string // no tag
	}
	for _, name := range []string{"a[999999999]", "a.999999999", "a[999999999].b", "a[-1]", "a[]", "a.0", "a[a[a[a", "Map[x]", "Map.x", "List[999999999]", "List"} {
		var v form
		var err error
		used := secAllocated(func() { err = fieldsDecode(t, &v, testutil.Form(url.Values{name: {"1"}})) })
		if err != nil || v.List != nil || v.Map != nil {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if used > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// gin and echo took {"a":1}x and bodies that were cut off: a decoder stopped
// behind the first value.
func TestSecurityBodyToItsEnd(t *testing.T) {
	for _, c := range []struct {
		contentType string
		h           apiroutes.HandlerFunc
		bodies      []string
	}{
		{"application/json", bodyOf[any](), []string{`{"a":1}x`, `{"a":1}{"a":2}`, `{"a":1`, `{"a":1}` + "\x00", `1 2`}},
		{formMultipart, formAsForm, []string{formField("a", "1"), formField("a", "1") + "--b\r\n", formField("a", "1") + "--b\r\nX: y\r\n"}},
		{formMultipart, formAsParts, []string{formField("a", "1"), formField("a", "1") + "--b\r\n", formField("a", "1") + "--b\r\nX: y\r\n"}},
	} {
		for _, body := range c.bodies {
			if got := formSend(t, c.h, c.contentType, body); !strings.HasPrefix(got, "400 ") {
				t.Errorf("%s: %q: %s, want 400", c.contentType, body, got)
			}
		}
	}
}

// Go CVE-2025-22871, CVE-2022-1705, CVE-2019-16276 and the smuggling of others:
// what is refused unread must not become the next request of the connection.
func TestSecurityRefusedBodiesStayInStep(t *testing.T) {
	smuggled := "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	r := apiroutes.New()
	for path, h := range formDoors {
		r.MaxBody(50).Handle(path, h)
	}
	r.Handle("/smuggled", apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		t.Error("a body was served as a request")
		return nil
	}))
	w := transports[0].serve(t, r)
	const next = "POST /neighbour?id=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
	for path := range formDoors {
		for _, contentType := range []string{"text/plain", formMultipart, "multipart/form-data", "application/json; charset=x"} {
			for _, framed := range []string{
				fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(smuggled), smuggled),
				fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled),
				fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x;x=y\r\n%s\r\n0\r\nX: y\r\n\r\n", len(smuggled), smuggled),
			} {
				c := bodyRawCase{path, "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + contentType + "\r\n" + framed + next, false, "; "}
				first, second, _ := strings.Cut(w.raw(t, c), "; ")
				if first[:1] != "4" || second != "200 "+neighbourBody("1") && !strings.HasSuffix(second, "EOF") {
					t.Errorf("%s as %s: %s; then %.60s", path, contentType, first, second)
				}
			}
		}
	}
}

// Fiber CVE-2020-15111, gin CVE-2023-29401: a file name of a client's became
// other parameters or headers of the answer.
func TestSecurityFileNamesComeBack(t *testing.T) {
	r := apiroutes.New()
	r.Post("/", func(c apiroutes.Context) error {
		for part, err := range c.Parts() {
			if err != nil {
				return err
			}
			if err := c.Attachment(part.FileName()); err != nil {
				return err
			}
		}
		return c.NoContent(http.StatusNoContent)
	})
	for _, disposition := range []string{
		`filename="a\"; filename=\"evil.html"`, `filename*=UTF-8''a%0D%0ASet-Cookie:%20x=y`, `filename*=UTF-8''a%00.html`, `filename*=UTF-8''a%22%3B%20filename%3Devil`,
		`filename="../../etc/passwd"`, `filename="C:\\x\\y.txt"`, `filename=".."`, `filename="/"`, `filename*=UTF-8''%E2%80%AEfdp.exe`, `filename*=UTF-8''%C2%85%E2%80%A8`, `filename="` + strings.Repeat("x", 5000) + `"`,
	} {
		w := testutil.Call(t, r, "POST /", testutil.Body(formMultipart, "--b\r\nContent-Disposition: form-data; name=f; "+disposition+"\r\n\r\n\r\n"+formEnd)).Status(http.StatusNoContent)
		value := w.Result().Header.Get("Content-Disposition")
		media, parameters, err := mime.ParseMediaType(value)
		name := parameters["filename"]
		if err != nil || media != "attachment" || len(parameters) != 1 || strings.ContainsAny(name, "/\\\r\n\x00") || strings.Trim(name, ".") == "" || strings.ContainsFunc(value, unicode.IsControl) {
			t.Errorf("%.100s: %.200q: %q, %v", disposition, value, parameters, err)
		}
		if w.Result().Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: it set a cookie", disposition)
		}
	}
}

// net/http sends a NUL that Header().Set was given, and replaces line ends.
func TestSecurityHeadersRefuseControls(t *testing.T) {
	for b := range 256 {
		value := "a" + string([]byte{byte(b)}) + "b"
		bad := b < ' ' && b != '\t' || b == 0x7f
		readContext(t, "GET /", func(c apiroutes.Context) {
			for name, err := range map[string]error{"SetHeader": c.SetHeader("X", value), "AddHeader": c.AddHeader("X", value)} {
				if (err != nil) != bad {
					t.Errorf("%s with byte %#x: %v", name, b, err)
				}
			}
		})
	}
}

// go-jose CVE-2024-28180, jwx CVE-2024-28122: a limit was applied before a body
// was decompressed. Nothing here decompresses, or reads what is compressed.
func TestSecurityNoDecompression(t *testing.T) {
	for path, h := range formDoors {
		for _, coding := range []string{"gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "gzip;q=0", "identity;q=1"} {
			body := &bodyCounted{Reader: strings.NewReader("\x1f\x8b" + formField("a", "1") + formEnd)}
			w := testutil.Call(t, h, "POST /", func(r *http.Request) {
				r.Body, r.ContentLength = body, -1
				r.Header = http.Header{"Content-Type": {formMultipart}, "Content-Encoding": {coding}}
			})
			if got := brief(w); !strings.HasPrefix(got, "415 ") || body.read != 0 {
				t.Errorf("%s, %s: %s; %d bytes were read", path, coding, got, body.read)
			}
		}
	}
}

// Go CVE-2026-42507, gin CVE-2020-36567: what a client sent broke lines of logs
// and came back at any length.
func TestSecurityTextIsQuotedAndCut(t *testing.T) {
	hostile := "x\r\nSet-Cookie: a=b\x1b[2J\u2028\x00" + strings.Repeat("y", 10_000)
	escaped := url.QueryEscape(hostile)
	type target struct {
		N int `form:"n"`
	}
	logs := captureLog(t)
	fails := apiroutes.HandlerFunc(func(c apiroutes.Context) error {
		err := c.Decode(new(target))
		return fmt.Errorf("decoding: %w", apiroutes.Errorf(http.StatusInternalServerError, "broken").WithCause(err))
	})
	for _, h := range []http.Handler{bodyOf[target](), fails, apiroutes.HandlerFunc(formAsValues), apiroutes.HandlerFunc(formAsForm), apiroutes.HandlerFunc(formAsParts)} {
		for _, c := range []struct{ contentType, body string }{
			{formURLEncoded, "n=" + escaped},
			{formURLEncoded, escaped + "=%ff"},
			{formURLEncoded, escaped + "%ff=1"},
			{formURLEncoded, "n=%zz" + hostile},
			{formMultipart, formField("n", hostile) + formEnd},
			{formMultipart, "--b\r\nContent-Disposition: form-data; name*=UTF-8''" + escaped + "\r\n\r\n\xff\r\n" + formEnd},
			{formMultipart, "--b\r\n" + hostile + "\r\n\r\n" + formEnd},
			{formMultipart + hostile, ""},
			{"multipart/form-data; boundary=\"" + strings.Repeat("z", 10_000) + "\"", ""},
			{"application/json; charset=\"" + hostile, ""},
			{"x/" + strings.Repeat("y", 10_000), ""},
		} {
			w := testutil.Call(t, h, "POST /", testutil.Body("", c.body), func(r *http.Request) { r.Header = bodyTyped(c.contentType) })
			answer, status := string(w.Bytes()), w.Result().StatusCode
			if status != http.StatusOK && (strings.ContainsFunc(answer, unicode.IsControl) || len(answer) > 2000) {
				t.Errorf("%.60q as %.60q: %d %.300q (%d bytes)", c.body, c.contentType, status, answer, len(answer))
			}
			for line := range strings.Lines(logs.take()) {
				if !strings.HasPrefix(line, "time=") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) || len(line) > 8000 {
					t.Errorf("%.60q as %.60q: logged is %.300q (%d bytes)", c.body, c.contentType, line, len(line))
				}
			}
		}
	}
}

// Mass assignment, by which a GitHub user became an administrator in 2012: a
// form filled fields that nobody had meant for it.
func TestSecurityOnlyTaggedFields(t *testing.T) {
	type user struct {
		Name    string `form:"name"`
		IsAdmin bool
		Role    string `json:"role"`
		Secret  string `form:"-"`
	}
	sent := url.Values{"name": {"n"}}
	for _, name := range []string{"IsAdmin", "isadmin", "is_admin", "Role", "role", "Secret", "secret", "-", "user.IsAdmin", "user[IsAdmin]"} {
		sent.Set(name, "true")
	}
	for _, edit := range []testutil.Edit{testutil.Form(sent), testutil.Multipart(sent)} {
		v := user{Role: "guest"}
		if err := fieldsDecode(t, &v, edit); err != nil || v != (user{Name: "n", Role: "guest"}) {
			t.Errorf("%+v, %v", v, err)
		}
	}
}
