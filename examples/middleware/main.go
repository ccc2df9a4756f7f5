// Command middleware serves an API behind what one needs in production: request
// ids, a log, recovery from panics, CORS and a guard. app.go has all of it, with
// the order of things and why; this file starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/apiroutes/apiroutes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "middleware:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. It writes where it listens to stdout, and the
// log to stderr.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("middleware", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 chooses a free one")
	origin := flags.String("origin", "http://localhost:3000", "`origin` of the app's pages")
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
	pages := pagesOf(*origin)
	if err := pages.Validate(); err != nil { // it comes from outside: CORS would panic
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return apiroutes.Serve(ctx, *addr, site(log, pages), func(a net.Addr) {
		fmt.Fprintf(stdout, "listening on http://%s\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/hello\n", a)
		fmt.Fprintf(stdout, "  curl -H 'Origin: https://anybody.example' http://%s/api/cors\n", a)
		fmt.Fprintf(stdout, "  curl -H 'Authorization: Bearer %s' http://%s/api/admin/stats\n", token, a)
	})
}
