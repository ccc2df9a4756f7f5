// Command tutorial serves the endpoints of the usual Next.js API Routes
// tutorial: static, dynamic and catch-all routes, methods, query, errors and
// middleware.
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
	"github.com/apiroutes/apiroutes/middleware"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tutorial:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. It writes where it listens to stdout, and a line
// for each request to slog.Default.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("tutorial", flag.ContinueOnError)
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
	return apiroutes.Serve(ctx, *addr, routes(), func(a net.Addr) {
		fmt.Fprintf(stdout, "listening on http://%s\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/hello\n", a)
		fmt.Fprintf(stdout, "  curl -d '{\"name\":\"Ada\"}' -H 'Content-Type: application/json' http://%s/api/data\n", a)
		fmt.Fprintf(stdout, "  curl http://%s/api/user/profile/settings\n", a)
	})
}

// routes is the whole API. Each registration stands for one file of a
// pages/api folder.
func routes() *apiroutes.Router {
	anyOrigin := middleware.CORS(middleware.CORSConfig{Origins: []string{"*"}, Methods: []string{"GET"}}) // and HEAD

	r := apiroutes.New(middleware.Logger(nil), middleware.Recover())
	r.Get("/api/hello", hello)                                        // hello.js
	r.Route("/api/data", apiroutes.Methods{Get: getData, Post: post}) // data.js
	r.Get("/api/user/[id]", user)                                     // user/[id].js
	r.Get("/api/user/[...params]", userPath)                          // user/[...params].js
	r.Get("/api/docs/[[...slug]]", docs)                              // docs/[[...slug]].js
	r.Get("/api/item", item)                                          // item.js
	r.With(anyOrigin).Get("/api/cors", cors)                          // cors.js
	return r
}

type message struct {
	Message string `json:"message"`
}

func hello(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, message{"Hello from API Routes!"})
}

func getData(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, struct {
		Data string `json:"data"`
	}{"This is a GET response"})
}

func post(c apiroutes.Context) error {
	var body struct {
		Name string `json:"name"`
	}
	if err := c.Decode(&body); err != nil {
		return err // 400, 413 or 415, with what is wrong
	}
	return c.JSON(http.StatusCreated, message{fmt.Sprintf("Hello, %s!", body.Name)})
}

func user(c apiroutes.Context) error {
	id := c.Param("id")
	return c.JSON(http.StatusOK, struct {
		UserID  string `json:"userId"`
		Message string `json:"message"`
	}{id, "User details for " + id})
}

func userPath(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, struct {
		Params  []string `json:"params"`
		Message string   `json:"message"`
	}{c.Segments("params"), "Catch-all API Route"})
}

func docs(c apiroutes.Context) error {
	slug := c.Segments("slug")
	if slug == nil {
		slug = []string{} // JSON has [] for an empty list, null for a nil slice
	}
	return c.JSON(http.StatusOK, struct {
		Slug []string `json:"slug"`
	}{slug})
}

func item(c apiroutes.Context) error {
	id := c.Query("id")
	if id == "" {
		return apiroutes.Errorf(http.StatusBadRequest, "ID is required")
	}
	return c.JSON(http.StatusOK, struct {
		Data string `json:"data"`
		ID   string `json:"id"`
	}{"Success", id})
}

func cors(c apiroutes.Context) error {
	return c.JSON(http.StatusOK, message{"CORS enabled"})
}
