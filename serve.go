package apiroutes

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// What Serve allows a client and its requests.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	shutdownTimeout   = 10 * time.Second
)

// Serve listens on addr and serves h until ctx is done, then stops gracefully:
// it closes the listener, gives requests under way 10 seconds, cancels the
// contexts of those that are left and closes their connections.
//
// A request has 5 seconds for its header of at most 64 KiB, 30 for its body
// and 60 for its answer; a stream that lives longer moves its deadline with
// [http.ResponseController.SetWriteDeadline]. Idle connections close after two
// minutes. Whoever needs other values, TLS or another listener uses an
// [http.Server].
//
// Each listening function is called with the address once connections are
// accepted; port 0 in addr chooses a free port. Without one the address is
// logged. Serve returns nil after a graceful stop, an error if it cannot listen
// or serve, and context.DeadlineExceeded if requests were cut off.
func Serve(ctx context.Context, addr string, h http.Handler, listening ...func(net.Addr)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	// Requests outlive ctx: it says when to stop accepting them.
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	server := &http.Server{
		Handler:           h,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	if len(listening) == 0 {
		slog.InfoContext(ctx, "listening", "addr", listener.Addr().String())
	}
	for _, report := range listening {
		report(listener.Addr())
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(requests, shutdownTimeout)
	defer cancel()
	err = server.Shutdown(grace)
	if err != nil {
		cancelRequests()
		err = errors.Join(err, server.Close())
	}
	<-served // a server that had not begun to serve closes its listener only now
	return err
}
