package middleware_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
)

// exampleLog is a log on standard output, without what differs from run to run.
func exampleLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "duration", "client_ip":
			return slog.Attr{}
		case "error":
			text, _, _ := strings.Cut(a.Value.String(), "; at ") // the stack of a panic
			return slog.String(a.Key, text)
		}
		return a
	}}))
}

func ExampleLogger() {
	r := apiroutes.New(middleware.Logger(exampleLog()), middleware.Recover())
	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
		if c.Param("id") == "0" {
			return apiroutes.Errorf(http.StatusNotFound, "no such user").WithCause(os.ErrNotExist)
		}
		return c.Text(http.StatusOK, "user "+c.Param("id"))
	})
	for _, target := range []string{"/api/user/7?token=secret", "/api/user/0", "/api/user/a%0Ab"} {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	}
	// Output:
	// level=INFO msg=request method=GET pattern=/api/user/[id] path=/api/user/7 status=200 bytes=6
	// level=WARN msg=request method=GET pattern=/api/user/[id] path=/api/user/0 status=404 bytes=24 error="404 no such user: file does not exist"
	// level=INFO msg=request method=GET pattern=/api/user/[id] path=/api/user/a\nb status=200 bytes=8
}

func ExampleRecover() {
	r := apiroutes.New(middleware.Logger(slog.New(slog.DiscardHandler)), middleware.Recover())
	r.Get("/api/user", func(c apiroutes.Context) error {
		var names []string
		return c.Text(http.StatusOK, names[0])
	})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/api/user", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 500 {"error":"Internal Server Error"}
}

// INCORRECT: Logger inside of Recover. The panic passes Logger before Recover
// answers it: the line tells of a broken answer, and has neither the status 500
// that the client gets nor the cause, which slog.Default gets instead.
func ExampleLogger_incorrect() {
	defer slog.SetDefault(slog.Default())
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log := exampleLog()
	serve := func(mw ...apiroutes.Middleware) {
		r := apiroutes.New(mw...)
		r.Get("/api/user", func(apiroutes.Context) error { panic("no users") })
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", "/api/user", nil))
		fmt.Println("client:", w.Code)
	}

	serve(middleware.Recover(), middleware.Logger(log))
	serve(middleware.Logger(log), middleware.Recover())
	// Output:
	// level=ERROR msg=request method=GET pattern=/api/user path=/api/user status=0 bytes=0 aborted=true
	// client: 500
	// level=ERROR msg=request method=GET pattern=/api/user path=/api/user status=500 bytes=33 error="500 Internal Server Error: panic: no users"
	// client: 500
}
