package testutil_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/apiroutes/apiroutes/testutil"
)

// These tests are the snippets of docs/testing.md.

func TestDocRequest(t *testing.T) {
	api := testutil.New(t, http.HandlerFunc(echo))
	token := "t-1"

	api.Get("/api/users", testutil.Header("Authorization", "Bearer "+token), testutil.Query("page", "2"))

	asAda := api.With(func(r *http.Request) { r.SetBasicAuth("ada", "secret") })
	asAda.Get("/api/users").Status(http.StatusOK)

	api.PostJSON("/api/data", map[string]any{"name": "Ada"})
	api.Put("/api/data/7", testutil.JSON(map[string]any{"name": "Ada"}))
	api.Post("/api/data", testutil.Body("application/json", `{"name": `)) // malformed on purpose
	api.Post("/api/data", testutil.Form(url.Values{"name": {"Ada"}}))

	api.Post("/api/upload", testutil.Multipart(
		url.Values{"title": {"Ada"}},
		testutil.File{Field: "avatar", Name: "ada.png", Type: "image/png", Content: "\x89PNG"},
	))
}

func TestDocRedirects(t *testing.T) {
	api := testutil.New(t, http.HandlerFunc(redirects))

	api.Get("/302").Status(http.StatusOK) // the end of the way
	api.NoRedirects().Get("/302").
		Status(http.StatusFound).
		Header("Location", "end?x=1")
}

func TestDocExpectations(t *testing.T) {
	api := testutil.New(t, routes())

	r := api.Get("/api/user/7").
		Status(http.StatusOK).
		Header("Content-Type", "application/json; charset=utf-8").
		JSON(`{"userId": "7"}`)
	if r.Result().ContentLength > 100 {
		t.Error("the answer is too long")
	}

	r.JSONContains(`{"userId": "7"}`)
	r.JSONContains(map[string]any{"userId": "7"})
	r.JSON(`{"userId": "?"}`, cmpopts.IgnoreMapEntries(func(key string, _ any) bool { return key == "userId" }))

	type user struct {
		ID string `json:"userId"`
	}
	if u := testutil.Decode[user](r); !strings.HasPrefix(u.ID, "7") {
		t.Errorf("user %q, want 7", u.ID)
	}

	api.PostJSON("/api/data", []int{1, 2}).Golden("created", testutil.UUIDs)
}

func TestDocTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := testutil.New(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Hour)
			fmt.Fprint(w, time.Now().UTC().Format(time.TimeOnly))
		}))
		api.Get("/").Text("01:00:00") // at once: the clock of the bubble starts at midnight
	})
}

func TestDocSetUp(t *testing.T) {
	db := openDatabase(t) // closed by its own t.Cleanup
	api := testutil.New(t, db)
	t.Cleanup(func() { api.Delete("/api/data/7") }) // runs before the server stops

	for _, name := range []string{"Ada", "Grace"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api.For(t).PostJSON("/api/data", name).Status(http.StatusOK)
		})
	}
}

func openDatabase(t *testing.T) http.Handler {
	t.Cleanup(func() {})
	return http.HandlerFunc(echo)
}

func TestDocOutgoing(t *testing.T) {
	weather := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"temperature": 21}`)
	}))
	t.Cleanup(weather.Close)
	api := testutil.New(t, forecast(weather.URL)) // the app takes the address of what it calls

	api.Get("/api/forecast").JSONContains(`{"temperature": 21}`)
}

func forecast(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res, err := http.Get(address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		io.Copy(w, res.Body)
	})
}

func TestDocFaults(t *testing.T) {
	api := testutil.New(t, routes())

	conn := api.Dial()
	conn.Send("POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this") // a length that lies
	conn.Abort()

	body := testutil.FailingReader(strings.NewReader(`{"name": "Ada"}`), 5)
	err := api.Fails("POST", "/api/data", testutil.Stream("application/json", body)) // breaks off after 5 bytes
	t.Logf("the client sees: %v", err)
}
