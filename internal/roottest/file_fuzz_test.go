package roottest

import (
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/apiroutes/apiroutes"
)

// FuzzRedirect: no accepted target leads away from this site, and one that is
// accepted for another leads to the host that it names.
func FuzzRedirect(f *testing.F) {
	for _, target := range []string{
		"/login?next=/a#b", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:x", "a:b", "/.//x", "\u00a0//x",
		"/%09/x", "https://x.example/", `https://x.example\@y`, "https://user@x.example/", "https://x.example:8/é", "/\xff",
	} {
		f.Add(target)
	}
	captureLog(f)
	f.Fuzz(func(t *testing.T, target string) {
		status, location := redirectTo(t, func(c apiroutes.Context) error { return c.Redirect(302, target) })
		switch status {
		case 302:
			redirectStays(t, target, location)
		case 400:
		default:
			if !strings.ContainsFunc(target, unicode.IsControl) {
				t.Errorf("%q is answered with %d", target, status)
			}
		}
		external := ""
		redirectTo(t, func(c apiroutes.Context) error {
			err := c.RedirectExternal(302, target)
			if err != nil {
				return c.NoContent(400)
			}
			external = target
			return nil
		})
		if external == "" {
			return
		}
		if status == 302 {
			t.Errorf("%q leads to this site and to another one", target)
		}
		if u, err := url.Parse(target); err != nil || u.Host == "" || u.User != nil {
			t.Errorf("%q leads to no host: %v (error: %v)", target, u, err)
		}
	})
}

// FuzzAttachment: see attachmentHolds.
func FuzzAttachment(f *testing.F) {
	for _, name := range []string{"a.txt", `C:\a"b%41.txt`, "é/ü", "a\r\nB: c", "\u202efdp.exe", "👩\u200d💻", "\xff", " .. ", "\u200d", "';*=x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) { attachmentHolds(t, name) })
}
