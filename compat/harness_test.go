package compat

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
	"github.com/apiroutes/apiroutes/testutil"
)

// TestMain fails the package if its tests leave goroutines behind.
func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // it prints its routes else
	slog.SetDefault(slog.New(slog.DiscardHandler))
	testutil.Main(m)
}

// registry is the app that each host serves.
type registry struct {
	release chan struct{} // lets /events go on after its first event
	late    chan error    // what an answer after the return of /late gets
}

// routes registers everything below prefix, as a host that strips nothing
// wants it; "/" is for one that strips.
func (g *registry) routes(prefix string) *apiroutes.Router {
	r := apiroutes.New(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Pattern", r.Pattern)
			w.Header().Set("Path-Value", r.PathValue("id"))
			next.ServeHTTP(w, r)
		})
	})
	v := r.Group(prefix)
	v.Get("/", text("root"))
	v.Get("/hello", text("hello"))
	v.Route("/data", apiroutes.Methods{Get: text("get"), Put: text("put"), Delete: text("delete")})
	v.Get("/users/[id]", userID)
	v.Get("/text/[id]", func(c apiroutes.Context) error { return c.Text(http.StatusOK, c.Param("id")) })
	v.Get("/files/[...path]", segments)
	v.Get("/taken", func(apiroutes.Context) error { return apiroutes.Errorf(http.StatusConflict, "taken") })
	v.Get("/204", func(c apiroutes.Context) error { return c.NoContent(http.StatusNoContent) })
	v.Get("/empty", func(apiroutes.Context) error { return nil })
	v.Get("/events", g.events)
	v.Get("/part", part)
	v.Get("/part-panic", func(c apiroutes.Context) error { part(c); panic("after a part") })
	v.Get("/panic", func(apiroutes.Context) error { panic("before an answer") })
	v.Get("/late", g.answerLate)
	v.Get("/hijack", hijack)
	v.MaxBody(4<<20).Post("/upload", upload)
	v.MaxBody(4<<20).Post("/progress", progress)
	return r
}

func text(s string) apiroutes.HandlerFunc {
	return func(c apiroutes.Context) error { return c.Text(http.StatusOK, s) }
}

func userID(c apiroutes.Context) error {
	id, err := params.Int(c, "id")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int{"id": id})
}

func segments(c apiroutes.Context) error { return c.JSON(http.StatusOK, c.Segments("path")) }

// events sends its second event only after somebody has seen the first.
func (g *registry) events(c apiroutes.Context) error {
	return c.Stream(func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: one\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		select {
		case <-g.release:
		case <-c.Context().Done():
		}
		_, err := fmt.Fprint(w, "data: two\n\n")
		return err
	})
}

var errPart = errors.New("failed after a part")

// part gives a part of an answer, which the client has when it breaks.
func part(c apiroutes.Context) error {
	return c.Stream(func(w http.ResponseWriter) error {
		fmt.Fprint(w, "a part")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		return errPart
	})
}

// answerLate leaves a goroutine behind that answers once the host is done with
// the request, and has perhaps given its writer to the next one.
func (g *registry) answerLate(c apiroutes.Context) error {
	go func() {
		<-c.Context().Done() // net/http ends it after the outermost handler
		g.late <- c.Text(http.StatusOK, "late")
	}()
	return c.Text(http.StatusOK, "in time")
}

func hijack(c apiroutes.Context) error {
	return c.Stream(func(w http.ResponseWriter) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine")
		return err
	})
}

// upload answers with the size and hash of each part.
func upload(c apiroutes.Context) error {
	var parts []string
	for part, err := range c.Parts() {
		if err != nil {
			return err
		}
		hash := sha256.New()
		n, err := io.Copy(hash, part)
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf("%s %d %x", part.FormName(), n, hash.Sum(nil)))
	}
	return c.Text(http.StatusCreated, strings.Join(parts, "\n"))
}

// progress answers while the body arrives.
func progress(c apiroutes.Context) error {
	return c.Stream(func(w http.ResponseWriter) error {
		stream := http.NewResponseController(w)
		if err := stream.EnableFullDuplex(); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for part, err := range c.Parts() {
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, part); err != nil {
				return err
			}
			fmt.Fprintf(w, "data: %s\n\n", part.FormName())
			if err := stream.Flush(); err != nil {
				return err
			}
		}
		return nil
	})
}

// host puts a registry into a router of somebody else.
type host struct {
	name string
	base string // what stands before the registry's paths in a request
	// pattern is what middleware of the registry sees before its own patterns,
	// and outer what the host's middleware sees for /users/7 afterwards.
	pattern, outer string
	put            func(g *registry, seen *spy) http.Handler

	differs map[string]string // what this host answers in another way
}

// start serves a new registry in a host.
func (h host) start(t *testing.T) (*testutil.Client, *registry, *spy) {
	t.Helper()
	g := &registry{release: make(chan struct{}), late: make(chan error, 1)}
	seen := new(spy)
	return testutil.New(t, h.put(g, seen)), g, seen
}

// spy notes the pattern that stands in a request once it is served.
type spy struct {
	mu      sync.Mutex
	pattern string
}

func (s *spy) note(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pattern = r.Pattern
}

func (s *spy) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pattern
}

// middleware is for routers with standard middleware.
func (s *spy) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		s.note(r)
	})
}

// brief is an answer in one line: "200 body", or "308 -> path", where the
// Location leads to from the target, with the Allow of a 405 or 204 behind it.
func brief(t testing.TB, r *testutil.Response, target string) string {
	t.Helper()
	res := r.Result()
	if res == nil {
		return "no answer"
	}
	line := strings.TrimSpace(fmt.Sprintf("%d %s", res.StatusCode, r.Bytes()))
	if to := res.Header.Get("Location"); to != "" {
		here := &url.URL{Scheme: "http", Host: "example.com"}
		path, query, _ := strings.Cut(target, "?")
		here.Path, here.RawPath, here.RawQuery = path, path, query
		if decoded, err := url.PathUnescape(path); err == nil {
			here.Path = decoded
		}
		there, err := here.Parse(to)
		if err != nil || there.Host != here.Host {
			t.Errorf("%s: Location %q leads to %v, %v", target, to, there, err)
			return line
		}
		line = fmt.Sprintf("%d -> %s", res.StatusCode, there.RequestURI())
	}
	if allow := res.Header.Values("Allow"); len(allow) > 0 {
		line += " [" + strings.Join(allow, ", ") + "]"
	}
	return line
}
