package testutil

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Event is one event of a text/event-stream.
type Event struct {
	Name string // Name is the field event; "" stands for "message".
	ID   string // ID is the last id of the stream so far, as a browser would resume from it.
	Data string // Data is the lines of data, joined by "\n".
}

var errEnded = errors.New("the stream has ended")

// NextEvent waits for the next event of a text/event-stream while the handler
// still runs, as a browser reads it (WHATWG HTML 9.2). It reports a stream that
// ends, breaks or stays silent, and then returns the zero Event. A stream is
// read either by NextEvent and [Response.End] or as a whole, not both.
func (r *Response) NextEvent() Event {
	r.t.Helper()
	event, err := r.nextEvent()
	if err != nil && !r.broken {
		r.broken = true
		r.fail("no event: %v", err)
	}
	return event
}

// End expects that the stream ends without a further event.
func (r *Response) End() {
	r.t.Helper()
	event, err := r.nextEvent()
	switch {
	case r.broken || errors.Is(err, errEnded):
	case err == nil:
		r.fail("an event, want the end of the stream: %s", cut(fmt.Sprintf("%+v", event)))
	default:
		r.broken = true
		r.fail("the stream did not end: %v", err)
	}
}

// nextEvent reads an event. It reports an answer that is no stream.
func (r *Response) nextEvent() (Event, error) {
	r.t.Helper()
	if r.response == nil || r.broken {
		r.broken = true
		return Event{}, errEnded
	}
	if r.stream == nil {
		if !isEventStream(r.response) {
			r.broken = true
			r.fail("the answer is no text/event-stream but %q", r.response.Header.Get("Content-Type"))
			return Event{}, errEnded
		}
		body := io.Reader(r.response.Body)
		if r.read {
			body = io.MultiReader(bytes.NewReader(r.body), failingReader{r.bodyErr})
		}
		r.stream = &eventStream{in: bufio.NewReader(body)}
	}
	late := time.AfterFunc(r.patience, r.Close)
	event, err := r.stream.next()
	if !late.Stop() && err != nil {
		err = &lateError{"nothing came", r.patience}
	}
	return event, err
}

// eventStream parses events.
type eventStream struct {
	in      *bufio.Reader
	afterCR bool // a line feed that follows belongs to the line end
	lines   int
	id      string
	events  int
}

func (s *eventStream) String() string {
	if s == nil {
		return "a stream"
	}
	return fmt.Sprintf("a stream, %d events read", s.events)
}

// next reads lines up to the end of an event. An event that the end of the
// stream cuts off is none.
func (s *eventStream) next() (Event, error) {
	var name string
	var data []string
	for {
		line, err := s.line()
		if err != nil {
			return Event{}, err
		}
		if line == "" {
			if data != nil {
				s.events++
				return Event{Name: name, ID: s.id, Data: strings.Join(data, "\n")}, nil
			}
			name = ""
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field { // "" is a comment, and others are ignored
		case "event":
			name = value
		case "data":
			data = append(data, value)
		case "id":
			if !strings.Contains(value, "\x00") {
				s.id = value
			}
		}
	}
}

// line reads a line that ends with CR, LF or both. It does not wait for what
// may follow a CR.
func (s *eventStream) line() (string, error) {
	var line []byte
	for {
		b, err := s.in.ReadByte()
		switch {
		case err == io.EOF:
			return "", errEnded
		case err != nil:
			return "", err
		case b == '\n' && s.afterCR:
			s.afterCR = false
			continue
		case len(line) > maxBody:
			return "", fmt.Errorf("a line is longer than %d MiB", maxBody>>20)
		}
		s.afterCR = b == '\r'
		if b != '\r' && b != '\n' {
			line = append(line, b)
			continue
		}
		s.lines++
		if s.lines == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		return string(line), nil
	}
}
