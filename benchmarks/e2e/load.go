package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"time"
)

// route is a request and its answer.
type route struct {
	name, method, path, body string
	status                   int
	answer                   string // as JSON; the order of members is free
}

// routes are what every server serves.
var routes = []route{
	{"hello", "GET", "/api/hello", "", 200, `{"message":"hello"}`},
	{"user/[id]", "GET", "/api/user/42", "", 200, `{"id":"42"}`},
	{"files/[...path]", "GET", "/api/files/a/b/c.txt", "", 200, `{"path":["a","b","c.txt"]}`},
	{"JSON POST", "POST", "/api/data", `{"name":"Ada Lovelace","age":36}`, 201, `{"name":"Ada Lovelace","age":36}`},
}

func (r route) bytes() []byte {
	text := r.method + " " + r.path + " HTTP/1.1\r\nHost: bench.test\r\nAccept: */*\r\n"
	if r.body != "" {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(r.body)) + "\r\n"
	}
	return []byte(text + "\r\n" + r.body)
}

// client is one connection, kept alive.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(address string) (*client, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

func (c *client) close() { _ = c.conn.Close() }

// do sends a request and reads the answer.
func (c *client) do(request []byte) (status int, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, nil, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(response.Body)
	if closing := response.Body.Close(); err == nil {
		err = closing
	}
	if err == nil && response.Close {
		err = fmt.Errorf("the connection is not kept alive")
	}
	return response.StatusCode, body, err
}

// verify compares an answer with what it must be.
func (c *client) verify(r route) error {
	status, body, err := c.do(r.bytes())
	if err != nil {
		return err
	}
	var got, want any
	if err := json.Unmarshal([]byte(r.answer), &want); err != nil {
		return err
	}
	if err := json.Unmarshal(body, &got); err != nil || status != r.status || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s %s: %d %s, not %d %s", r.method, r.path, status, body, r.status, r.answer)
	}
	return nil
}

// load sends n requests over some connections, each the next when it has the
// answer to the last.
func load(address string, r route, connections, n int) error {
	errs := make(chan error, connections)
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs <- err
				return
			}
			defer c.close()
			if err := c.verify(r); err != nil {
				errs <- err
				return
			}
			request := r.bytes()
			for range n/connections - 1 {
				status, _, err := c.do(request)
				if err == nil && status != r.status {
					err = fmt.Errorf("status %d", status)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs
}
