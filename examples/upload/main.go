// Command upload takes files: from a form, as a whole; from a large form, part
// by part, with its progress as a stream; and gives them back.
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
		fmt.Fprintln(os.Stderr, "upload:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. It keeps the files in a temporary folder, and
// writes where it listens to stdout.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("upload", flag.ContinueOnError)
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
	folder, err := os.MkdirTemp("", "upload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	return apiroutes.Serve(ctx, *addr, routes(&store{root: root}), func(a net.Addr) {
		fmt.Fprintf(stdout, "listening on http://%s (a form in a browser)\n", a)
		fmt.Fprintf(stdout, "  curl -F title=Readme -F file=@README.md http://%s/api/files\n", a)
		fmt.Fprintf(stdout, "  curl -N -F file=@README.md http://%s/api/large\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/files\n", a)
	})
}

func routes(s *store) *apiroutes.Router {
	r := apiroutes.New()
	r.Get("/", page)
	r.Route("/api/files", apiroutes.Methods{Get: s.list, Post: s.upload})
	r.Get("/api/files/[id]", s.download)
	r.MaxBody(10<<30).Post("/api/large", s.uploadLarge) // 10 GiB; everything else has 1 MiB
	return r
}

func page(c apiroutes.Context) error {
	return c.HTML(http.StatusOK, `<!doctype html>
<title>Upload</title>
<form method="post" action="/api/files" enctype="multipart/form-data">
<input name="title" placeholder="Title"> <input type="file" name="file" required> <button>Upload</button>
</form>
`)
}
