// Package compat proves, by tests alone, that a Router of apiroutes gives the
// same answers inside chi and gin as on its own, and that their routers,
// handlers and middleware work inside a Router. What a host changes in spite of
// that is pinned here too, with the way around it, so that a new version of
// either side cannot change it unseen.
//
// It is a module of its own: what it requires reaches no user of apiroutes.
package compat
