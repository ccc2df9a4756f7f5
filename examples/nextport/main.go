// Command nextport is an API of Next.js, moved to Go: pages.go has the handlers
// of its pages/api folder, app.go those of its app folder, config.go what its
// next.config.js and proxy.js said, and next.go the few conventions of Next.js
// that the Go side does not share. Its test replays requests that were recorded
// with the original.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/apiroutes/apiroutes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "nextport:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. It writes where it listens to stdout.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("nextport", flag.ContinueOnError)
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
	return apiroutes.Serve(ctx, *addr, mainApp(), func(a net.Addr) {
		fmt.Fprintf(stdout, "listening on http://%s\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/posts/2024/hello-world\n", a)
		fmt.Fprintf(stdout, "  curl -d '{\"name\":\"Ada\"}' -H 'Content-Type: application/json' http://%s/api/crud\n", a)
		fmt.Fprintf(stdout, "  curl 'http://%s/api2/echo?a=1&a=2'\n", a)
	})
}

// mainApp is the app with both folders.
func mainApp() http.Handler {
	r := apiroutes.New()
	pages(r.MaxBody(1 << 20)) // Next.js limits the body of a page: here req.body and Request.Body alike
	appRoutes(r)
	return r
}
