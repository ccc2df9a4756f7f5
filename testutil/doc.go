// Package testutil tests HTTP handlers with little typing and failures that
// people can read. It knows any [http.Handler], not only those of apiroutes.
//
// There are three ways, from the smallest to the real thing:
//
//	r := testutil.Call(t, handler, "GET /api/hello")     // one handler, no server
//	api := testutil.New(t, routes())                     // the whole app, in memory
//	api := testutil.Serve(t, routes(), testutil.HTTP2)   // the whole app, over loopback
//
// All of them lead to a [Response] with expectations:
//
//	api.Get("/api/user/7").Status(200).JSON(`{"userId":"7"}`)
//	api.PostJSON("/api/data", user).Status(201).Golden("created", testutil.UUIDs)
//
// A request is changed by edits, plain functions on *http.Request: [Header],
// [Cookie], [JSON], [Form], [Multipart] and whatever other packages offer.
//
// For what no HTTP client does there are bare connections, [Client.Dial], and
// faults: [FailingWriter], [FailingReader]. [NoLeaks] and [Main] find goroutines
// that are left behind. The guide for those who know Jest and Supertest is
// docs/testing.md.
package testutil
