// Command mount serves one registry in three places of one program: as it is
// on a ServeMux, below a prefix that is stripped, and within another Router.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/apiroutes/apiroutes"
	"github.com/apiroutes/apiroutes/params"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mount:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. It writes where it listens to stdout.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("mount", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 chooses a free one")
	flags.SetOutput(io.Discard) // main prints the error
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stdout)
		flags.Usage()
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return apiroutes.Serve(ctx, *addr, site(slog.Default()), func(a net.Addr) {
		fmt.Fprintf(stdout, "listening on http://%s\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/users/7\n", a)
		fmt.Fprintf(stdout, "  curl -L http://%s/v1/api/users/7/\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/inner/api/files/a%%2Fb/c\n", a)
	})
}

// routes is the registry. Nothing in it knows where it will stand.
func routes() *apiroutes.Router {
	r := apiroutes.New(showID)
	r.Get("/api", index)
	r.Get("/api/users/[id]", user)
	r.Get("/api/files/[...path]", files)
	return r
}

// site puts one registry in three places.
func site(log *slog.Logger) http.Handler {
	r := routes()
	outer := apiroutes.New()
	outer.Mount("/inner", r)

	mux := http.NewServeMux()
	mux.Handle("/api/", r)                         // its patterns begin with /api
	mux.Handle("/v1/", http.StripPrefix("/v1", r)) // they do not know of /v1
	mux.Handle("/inner/", outer)                   // nor of /inner
	return logPattern(log, mux)
}

// logPattern logs which route served a request. It stands outside of all
// routers, so it asks afterwards. A Router tells it the whole pattern, that of
// a Mount included. Below StripPrefix it is the mux's, "/v1/": what that
// serves is a copy of the request. Middleware of New sees the route's there.
func logPattern(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		log.Info(r.Method, "path", r.URL.Path, "pattern", r.Pattern)
	})
}

// showID is middleware: it sees pattern and path values wherever the registry
// stands.
func showID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Route", r.Pattern)
		w.Header().Set("X-ID", r.PathValue("id"))
		next.ServeHTTP(w, r)
	})
}

func index(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"message": "Hello from wherever this is mounted!"})
}

func user(c apiroutes.Context) error {
	id, err := params.Int(c, "id")
	if err != nil {
		return err // 400, with what was expected
	}
	if id > 1000 {
		return apiroutes.Errorf(http.StatusNotFound, "no user %d", id)
	}
	return c.JSON(http.StatusOK, map[string]int{"id": id})
}

func files(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, map[string][]string{"path": c.Segments("path")})
}
