package testutil

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Get requests a target: a path, with or without a query, or an address of the
// server, such as a Location.
func (c *Client) Get(target string, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodGet, target, edits...)
}

// Post sends a POST; see [JSON], [Form], [Multipart] and [Body] for its body.
func (c *Client) Post(target string, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodPost, target, edits...)
}

// PostJSON sends a POST with v as JSON.
func (c *Client) PostJSON(target string, v any, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodPost, target, append([]Edit{JSON(v)}, edits...)...)
}

// Put sends a PUT.
func (c *Client) Put(target string, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodPut, target, edits...)
}

// Patch sends a PATCH.
func (c *Client) Patch(target string, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodPatch, target, edits...)
}

// Delete sends a DELETE.
func (c *Client) Delete(target string, edits ...Edit) *Response {
	c.t.Helper()
	return c.Do(http.MethodDelete, target, edits...)
}

// Do sends a request with any method. The target is sent byte for byte; what
// no HTTP client can send goes through [Client.Dial].
func (c *Client) Do(method, target string, edits ...Edit) *Response {
	c.t.Helper()
	r := c.send(method, target, edits)
	if r.err != nil {
		r.fail("no answer: %v", r.err)
	}
	return r
}

// Fails sends a request and expects that no whole answer comes, because the
// connection breaks or the request cannot be sent to its end. It returns that
// error, or nil after it reported a whole answer, or none in time.
func (c *Client) Fails(method, target string, edits ...Edit) error {
	c.t.Helper()
	r := c.send(method, target, edits)
	if r.request == nil {
		return nil // and reported
	}
	r.readBody()
	err := r.err
	if r.response != nil {
		err = r.bodyErr
	}
	var late *lateError
	switch {
	case err == nil:
		r.fail("the answer is whole, want a broken one")
	case errors.As(err, &late):
		r.fail("%v, want a broken connection", err)
		return nil
	}
	return err
}

// send returns what came, or an error in its place. It reports a request that
// cannot be made and returns a Response without one.
func (c *Client) send(method, target string, edits []Edit) *Response {
	c.t.Helper()
	u, err := c.locate(target)
	if err != nil {
		c.t.Errorf("testutil: %s %q: %v", method, target, err)
		return &Response{t: c.t}
	}
	req, err := http.NewRequestWithContext(c.life, method, c.URL("/"), nil)
	if err != nil {
		c.t.Errorf("testutil: %q %q: %v", method, target, err)
		return &Response{t: c.t}
	}
	req.URL = u
	for _, edit := range append(c.edits[:len(c.edits):len(c.edits)], edits...) {
		edit(req)
	}
	return c.exchange(req)
}

func (c *Client) exchange(req *http.Request) *Response {
	wait := c.wait()
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(c.life, cancel) // an edit may have set another context
	late := time.AfterFunc(wait, cancel)
	r := &Response{t: c.t, request: req.WithContext(ctx), patience: wait}
	response, err := c.http.Do(r.request) //nolint:bodyclose // by r.close
	inTime := late.Stop()
	switch {
	case err == nil && inTime:
		r.response = response
		r.close = func() {
			response.Body.Close()
			stop()
			cancel()
		}
		return r
	case err == nil:
		response.Body.Close()
		fallthrough
	case !inTime:
		r.err = &lateError{"it did not come", wait}
	default:
		r.err = r.cause(err)
	}
	stop()
	cancel()
	return r
}

// cause drops what http.Client puts around an error: the method and URL of
// the request, unless it was redirected.
func (r *Response) cause(err error) error {
	var wrapped *url.Error
	if !errors.As(err, &wrapped) {
		return err
	}
	if wrapped.URL != r.request.URL.String() {
		return fmt.Errorf("%w (at %s)", wrapped.Err, wrapped.URL)
	}
	return wrapped.Err
}

// lateError tells that patience ran out.
type lateError struct {
	what string
	wait time.Duration
}

func (e *lateError) Error() string { return fmt.Sprintf("%s within %v", e.what, e.wait) }
