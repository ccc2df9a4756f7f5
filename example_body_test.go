package apiroutes_test

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
)

// One struct takes JSON and forms: its tags say what it is called in each. All
// that is wrong with a form is told at once; with Problem also field by field.
func ExampleContext_Decode_form() {
	r := apiroutes.New().OnError(apiroutes.Problem)
	r.Post("/api/users", func(c apiroutes.Context) error {
		var user struct {
			Name  string   `json:"name" form:"name"`
			Age   *int     `json:"age" form:"age"` // nil: not given
			Roles []string `json:"roles" form:"role"`
			Admin bool     // no tag: no form fills it
		}
		if err := c.Decode(&user); err != nil {
			return err
		}
		return c.Text(http.StatusCreated, fmt.Sprintf("%s %v %t", user.Name, user.Roles, user.Admin))
	})

	for _, form := range []string{
		"name=Ada&role=editor&role=author&Admin=true",
		"name=Ada&name=Bob&age=old",
	} {
		req := httptest.NewRequest("POST", "/api/users", strings.NewReader(form))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Code, strings.ReplaceAll(w.Body.String(), `,"`, ",\n  \""))
	}
	// Output:
	// 201 Ada [editor author] false
	// 400 {"type":"about:blank",
	//   "title":"Bad Request",
	//   "status":400,
	//   "detail":"field \"name\" is given 2 times: give it once; field \"age\" must be an integer of 64 bits, not \"old\"",
	//   "errors":[{"detail":"is given 2 times: give it once",
	//   "pointer":"#/name"},{"detail":"must be an integer of 64 bits, not \"old\"",
	//   "pointer":"#/age"}]}
}

// An upload is read part by part, and goes where it shall go without being kept
// in between. MaxBody says how large it may be.
func ExampleContext_Parts() {
	r := apiroutes.New()
	r.MaxBody(1<<30).Post("/api/upload", func(c apiroutes.Context) error {
		var report strings.Builder
		for part, err := range c.Parts() {
			if err != nil {
				return err // 400, 413, 415
			}
			n, err := io.Copy(io.Discard, part)
			if err != nil {
				return err
			}
			fmt.Fprintf(&report, "%s %q has %d bytes\n", part.FormName(), part.FileName(), n)
		}
		return c.Text(http.StatusCreated, report.String())
	})

	var body strings.Builder
	form := multipart.NewWriter(&body)
	form.WriteField("title", "Holidays")
	file, _ := form.CreateFormFile("photo", "../beach.jpg")
	file.Write(make([]byte, 5000))
	form.Close()
	req := httptest.NewRequest("POST", "/api/upload", strings.NewReader(body.String()))
	req.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	fmt.Print(w.Code, "\n", w.Body)
	// Output:
	// 201
	// title "" has 8 bytes
	// photo "beach.jpg" has 5000 bytes
}

// A file of any fs.FS: embedded, of a directory (os.DirFS, or os.Root.FS, which
// follows no link out of it), or in a zip archive. The name may come from a
// client.
func ExampleContext_File() {
	reports := fstest.MapFS{"2026/11.csv": {Data: []byte("day,hits\n1,7\n"), ModTime: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}}
	r := apiroutes.New()
	r.Get("/api/reports/[...name]", func(c apiroutes.Context) error {
		if err := c.Attachment("Bericht für November.csv"); err != nil {
			return err
		}
		return c.File(reports, c.Param("name"))
	})

	for _, target := range []string{"/api/reports/2026/11.csv", "/api/reports/2026/12.csv", "/api/reports/..%2Fsecret"} {
		req := httptest.NewRequest("GET", target, nil)
		req.Header.Set("Range", "bytes=0-7")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Printf("%d %q\n%q\n", w.Code, w.Body, w.Header().Get("Content-Disposition"))
	}
	// Output:
	// 206 "day,hits"
	// "attachment; filename=\"Bericht f_r November.csv\"; filename*=UTF-8''Bericht%20f%C3%BCr%20November.csv"
	// 404 "{\"error\":\"Not Found\"}"
	// ""
	// 404 "{\"error\":\"Not Found\"}"
	// ""
}

// A target that a client chose cannot lead to another site.
func ExampleContext_Redirect() {
	r := apiroutes.New()
	r.Post("/login", func(c apiroutes.Context) error {
		next, err := params.Query(c, "next", "/home")
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, next)
	})

	for _, target := range []string{"/login", "/login?next=/cart", "/login?next=//evil.example"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("POST", target, nil))
		fmt.Printf("%d to %q: %q\n", w.Code, w.Header().Get("Location"), w.Body)
	}
	// Output:
	// 303 to "/home": ""
	// 303 to "/cart": ""
	// 400 to "": "{\"error\":\"the redirect target \\\"//evil.example\\\" begins with two slashes, which a host follows\"}"
}

// An error can carry all that RFC 9457 knows, and members of its own.
func ExampleProblem() {
	r := apiroutes.New().OnError(apiroutes.Problem)
	r.Post("/account/[id]/payments", func(c apiroutes.Context) error {
		return &apiroutes.Error{
			Status:     http.StatusForbidden,
			Type:       "https://example.com/probs/out-of-credit",
			Title:      "You do not have enough credit.",
			Message:    "Your current balance is 30, but that costs 50.",
			Instance:   "/account/12345/payments/abc",
			Extensions: map[string]any{"balance": 30},
		}
	})

	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("POST", "/account/12345/payments", nil))
	fmt.Println(w.Header().Get("Content-Type"))
	fmt.Println(strings.ReplaceAll(w.Body.String(), `,"`, ",\n \""))
	// Output:
	// application/problem+json
	// {"type":"https://example.com/probs/out-of-credit",
	//  "title":"You do not have enough credit.",
	//  "status":403,
	//  "detail":"Your current balance is 30, but that costs 50.",
	//  "instance":"/account/12345/payments/abc",
	//  "balance":30}
}
