// Package fallback passes on what is not ported yet, for those who move a
// Next.js API to Go route by route:
//
//	r := apiroutes.New()
//	r.Get("/api/user/[id]", showUser)                    // ported
//	r.Mount("/", fallback.To("http://127.0.0.1:3000"))   // everything else
//
// Routes that are registered rank before the mount. One that has only some of
// its methods answers 405 for the others; give those to the target too:
//
//	next := fallback.To("http://127.0.0.1:3000")
//	r.Get("/api/user", listUsers)
//	r.Method("POST", "/api/user", next)
//
// # The request
//
// The request target goes on as the client sent it, byte for byte: the whole
// path, also below a Mount with a prefix or [http.StripPrefix], and the query
// with its semicolons and broken escapes. Only what would end the request line
// early is escaped. A middleware that means to change the target sets
// [http.Request.RequestURI]; if that is empty, the URL counts.
//
// Host goes on too: Next.js builds absolute URLs from it. X-Forwarded-For,
// X-Forwarded-Host and X-Forwarded-Proto tell of the connection. What the
// client sent as X-Forwarded-* or Forwarded is dropped.
//
// Bodies are passed on as they come, in both directions at the same time, and
// of any size: Router.MaxBody limits them only where it is called.
//
// # The answer
//
// The answer goes back as it comes, part by part: streams, events, trailers,
// 1xx. Upgrades such as WebSocket work over HTTP/1.1. A header of the answer
// replaces one that a middleware has set before, but for Set-Cookie and Vary,
// which are added.
//
// The WriteTimeout of the server counts anew for each part that is written,
// not for the whole answer, so that it cuts off slow clients but no streams.
//
// A client that goes away ends the request to the target. An answer that the
// target breaks off is broken off for the client too.
//
// # Errors
//
// These go the way of all errors, through [apiroutes.Router.OnError]. What the
// client sees names neither the target nor the cause, which go to the log:
//
//	502  the target cannot be reached, or does not speak HTTP
//	504  it takes longer than 5 seconds to connect, or, once it has the request, 60 to begin its answer
//	508  the target leads back here
//	400  the request target is no path, or the request's body is malformed
//	408, 413  the request's body is late, or larger than Router.MaxBody
//
// A loop, also one through other programs, is found by the header Via: each
// handler adds a name to it that is derived from its target, and refuses a
// request that bears it.
//
// # The connection
//
// Connections to the target are kept for 3 seconds, less than the 5 of a Node
// server, which may otherwise close one just when a request is sent on it.
// They speak HTTP/1.1 and ignore HTTP_PROXY and its like. The certificate of an
// https target is checked against the system's roots.
package fallback
