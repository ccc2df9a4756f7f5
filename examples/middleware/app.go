package main

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/middleware"
)

// site is the whole API. Middleware is listed from the outside in.
func site(log *slog.Logger, pages middleware.CORSConfig) *apiroutes.Router {
	r := apiroutes.New(
		middleware.RequestID(), // first: every answer and every line of the log has the id
		middleware.Logger(log), // outside of Recover: its line has the status 500 and the cause
		middleware.Recover(),   // outside of all that may panic, middleware included
		nosniff,                // outside of what refuses, so that refusals have it too
	)

	// For anybody: CORS around one route.
	anybody := middleware.CORS(middleware.CORSConfig{Origins: []string{"*"}, Methods: []string{"GET"}})
	r.With(anybody).Get("/api/cors", cors)

	// For the pages of the app: CORS in the parent of its groups. It would be in
	// New if it were the only one, and then 404s would have it too.
	api := r.Group("/api", middleware.CORS(pages))
	call := calls{log}
	api.Get("/hello", call.withLogger(hello))
	api.Get("/report", report)
	api.Get("/crash", crash)

	// The guard is inside of CORS: a preflight brings no token, and a page must
	// be able to read a 401.
	admin := api.Group("/admin", guard)
	admin.Get("/stats", stats)
	return r
}

// pagesOf is CORS for the pages of one origin. They send a token, and may read
// the id of a request, to show it with an error.
func pagesOf(origin string) middleware.CORSConfig {
	return middleware.CORSConfig{
		Origins:        []string{origin},
		Headers:        []string{"Authorization"},
		ExposedHeaders: []string{"X-Request-Id"},
		MaxAge:         10 * time.Minute,
	}
}

// nosniff is a middleware in five lines.
func nosniff(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// token stands for the users that a real guard would look up.
const token = "demo"

// guard is a middleware that refuses. It answers through ErrorHandler, so that
// its errors look as those of handlers do and Logger has them.
func guard(next http.Handler) http.Handler {
	fail := apiroutes.ErrorHandler(next) // once, not for each request
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, r, apiroutes.Errorf(http.StatusUnauthorized, "a token is required"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

type calls struct{ log *slog.Logger }

// withLogger is that of the Next.js tutorial: a function around one handler. It
// needs no http.Handler, and nothing to register.
func (l calls) withLogger(handler apiroutes.HandlerFunc) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error {
		l.log.Info("called", "method", c.Request().Method, "path", c.Request().URL.Path,
			"request_id", middleware.RequestIDFrom(c.Context()))
		return handler(c)
	}
}

type message struct {
	Message string `json:"message"`
}

func hello(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, message{"Hello from API Routes!"})
}

func cors(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, message{"CORS enabled"})
}

var errDatabase = errors.New("dial tcp 192.0.2.7:5432: connection refused")

// report returns an error with a cause: the client gets the first part, the log
// has both.
func report(apiroutes.Context) error {
	return apiroutes.Errorf(http.StatusServiceUnavailable, "try again in a minute").WithCause(errDatabase)
}

// crash has a bug. The client gets a bare 500, the log has the panic and its
// stack, and the server goes on.
func crash(c apiroutes.Context) error {
	var names []string
	return c.Text(http.StatusOK, names[0])
}

func stats(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, map[string]int{"users": 1})
}
