// Package middleware has middleware for [net/http] handlers, one behaviour in
// each file. All of it is func(http.Handler) http.Handler and works around any
// handler, below a Router of this module or below none:
//
//	r := apiroutes.New(middleware.Logger(nil), middleware.Recover())
//
// The first one is the outermost. Logger belongs outside of Recover, so that its
// line tells of the answer that Recover gives.
//
// Middleware of this package that stands side by side shares one
// ResponseWriter, which passes on Flush, Hijack, ReadFrom and deadlines. Once
// the outermost one has returned, the writer is inert: a goroutine that was left
// behind gets [apiroutes.ErrAnswered] for each write, and cannot write into the
// answer to somebody else. A header map that it holds by then is the server's
// own, and must not be changed.
//
// The values returned are safe for concurrent use.
package middleware
