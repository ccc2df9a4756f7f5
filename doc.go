// Package apiroutes serves API routes as Next.js has them, on net/http.
//
// Handlers are registered by pattern, take a [Context] and return an error:
//
//	r := apiroutes.New()
//
//	r.Get("/api/hello", func(c apiroutes.Context) error {
//		return c.JSON(http.StatusOK, map[string]string{"message": "Hello from API Routes!"})
//	})
//	r.Route("/api/data", apiroutes.Methods{Get: getData, Post: postData})
//	r.Get("/api/user/[id]", func(c apiroutes.Context) error {
//		id, err := params.Int(c, "id")
//		if err != nil {
//			return err // 400, with what was expected
//		}
//		user, err := users.Find(c.Context(), id)
//		if errors.Is(err, sql.ErrNoRows) {
//			return apiroutes.Errorf(http.StatusNotFound, "no such user").WithCause(err)
//		}
//		if err != nil {
//			return err // 500, the text goes to the log only
//		}
//		return c.JSON(http.StatusOK, user)
//	})
//
//	http.Handle("/api/", r)                               // on any mux, or
//	log.Fatal(apiroutes.Serve(ctx, "127.0.0.1:8080", r))  // with sane limits
//
// # What it promises
//
// A [Router], a [HandlerFunc] and [Methods] are each an [http.Handler], and
// middleware is func(http.Handler) http.Handler: everything of the net/http
// ecosystem fits, in both directions.
//
// A [Context] cannot leak. It is a value that no other request reuses, and an
// answer is claimed before it is written: a second answer, or one from a
// goroutine that outlived its handler, writes nothing and returns an error,
// instead of ending up in the answer to somebody else.
//
// An answer is whole or visibly broken: values are encoded before the status
// is written, and a stream that fails half-way aborts the connection.
//
// # Patterns
//
//	/api/hello      that path
//	[id]            one non-empty segment           c.Param("id")
//	[...rest]       one or more segments            c.Segments("rest")
//	[[...rest]]     zero or more; nil when none     c.Segments("rest")
//
// Package params owns the grammar. Everything that is not in it is refused at
// registration, with a message that says how to write it.
//
// # Precedence
//
// From left to right, segment by segment: static text, then [id], then
// [...rest], then [[...rest]], with full backtracking. For /a/b/c the pattern
// /a/b/[y] wins over /a/[x]/c; for /a/b/d/2 a route /a/[x]/d/[w] is still found
// beside /a/b/d. The order of registration never matters. Two patterns that
// could not be told apart are refused, with the places of both registrations.
//
// # Paths
//
// A path is split at its slashes, and each segment is decoded once: "%2F"
// stays in its segment. A segment "." or "..", a NUL byte and bad UTF-8 are
// answered 400, never cleaned. Doubled and trailing slashes are redirected
// with 308 where the clean path matches a route; see [Router.Slashes].
//
// # Methods
//
// The path decides first. HEAD is answered by the handler of GET, OPTIONS by
// 204 with Allow, a method without a handler by 405 with the full Allow,
// unless handlers for them are registered. All run behind the middleware that
// the registrations of the pattern share.
//
// # Errors
//
// A handler returns an error, a middleware calls what [ErrorHandler] gave it,
// and the view's [ErrorRenderer] writes the answer: [JSONError] unless
// [Router.OnError] sets another one, such as [Problem]. The same goes for 400,
// 404, 405 and what else the router answers. [Error] lists how an error says
// what a client may see of it.
//
// # From Next.js
//
//	pages/api/user/[id].ts, app/.../route.ts   r.Get("/api/user/[id]", h)
//	if (req.method === "POST"), export POST    r.Route(p, apiroutes.Methods{Post: h})
//	req.query (path)                           c.Param, c.Segments
//	req.query (search)                         c.Query, c.QueryValues
//	req.cookies, req.headers                   c.Cookie, c.Header
//	parseInt(req.query.id)                     params.Int(c, "id"), params.QueryInt(c, "page", 1)
//	req.body, formidable                       c.Decode(&v), c.Parts()
//	res.status(201).json(v)                    return c.JSON(201, v)
//	res.send(text), res.send(buffer)           c.Text, c.Bytes
//	res.status(204).end()                      c.NoContent(204)
//	res.redirect(307, "/login")                c.Redirect(307, "/login")
//	fs.createReadStream(p).pipe(res)           c.File(fsys, name), c.Attachment(name)
//	res.setHeader                              c.SetHeader, c.AddHeader, c.SetCookie
//	throw, try/catch with res.status(500)      return err
//	withLogger(handler), middleware.ts         any func(http.Handler) http.Handler
//	bodyParser.sizeLimit                       r.MaxBody(n)
package apiroutes
