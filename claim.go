package apiroutes

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"unsafe"
)

// ErrAnswered is returned by the answering methods of Context when the request
// was answered before, or when its handler has returned. Nothing was written.
var ErrAnswered = errors.New("apiroutes: the request was already answered, or its handler has returned")

// This file keeps, per request, who may answer it. net/http itself lets any
// goroutine write to a ResponseWriter at any time; a write after the handler
// returned lands in another client's answer, since writers' buffers are
// reused. Here an answer is claimed first:
//
//	open ──claim──> answering ──settle──> answered, or broken (part of a stream)
//	  │                 │
//	  └──handler        └──handler returns first: it waits for the answer
//	     returns──> returned: later claims fail
//
// The state is a pointer to one of a few marks in Request.Response, a field
// that servers never set or read, so that a claim costs no allocation and
// disappears with the request. The steps are atomic: a goroutine that a
// handler leaves behind either claims before the handler returns, and then the
// handler's return waits until the answer is written, or finds it returned.

type state uint8

const (
	open      state = iota // nobody has answered
	answering              // an answer is being written
	answered               // a whole answer was written
	broken                 // part of an answer was written, then it failed
	returned               // the handler returned without an answer
)

// mark is what Request.Response points to, through Response.Body, which is the
// one field of http.Response that can hold a type of ours.
type mark struct {
	io.ReadCloser // never set: a mark is no body
	state         state
	cause         error         // broken: why
	done          chan struct{} // answering with somebody waiting: closed at the end
}

func newMark(m *mark) *http.Response { return &http.Response{Body: m} }

var (
	markAnswering = newMark(&mark{state: answering})
	markAnswered  = newMark(&mark{state: answered})
	markReturned  = newMark(&mark{state: returned})
)

// place is Request.Response as an atomic word. There is no safe way to use a
// field of another package's struct atomically; a mutex or a separate state
// would have to be found per request, which needs an allocation or a table.
func place(r *http.Request) *unsafe.Pointer {
	return (*unsafe.Pointer)(unsafe.Pointer(&r.Response))
}

func load(r *http.Request) *http.Response { return (*http.Response)(atomic.LoadPointer(place(r))) }

func swap(r *http.Request, from, to *http.Response) bool {
	return atomic.CompareAndSwapPointer(place(r), unsafe.Pointer(from), unsafe.Pointer(to))
}

// markOf reads a mark. A Response that is not ours, such as that of a client
// redirect, counts as open.
func markOf(p *http.Response) *mark {
	if p != nil {
		if m, ok := p.Body.(*mark); ok {
			return m
		}
	}
	return &openMark
}

var openMark = mark{state: open}

// enter prepares a request at the outermost handler of ours that sees it. A
// request that was served before (a test that uses one twice) starts anew. One
// that arrives from within a Stream is served as a copy: the stream's claim is
// not the inner handler's.
func enter(r *http.Request) *http.Request {
	p := load(r)
	if p == nil {
		return r
	}
	if markOf(p).state == answering {
		inner := new(http.Request)
		*inner = *r
		inner.Response = nil
		return inner
	}
	swap(r, p, nil)
	return r
}

// claim takes the right to answer r. It fails with the error of the request's
// context once that is done: net/http cancels it when the client is gone and
// when the handler has returned, and other servers' timeouts cancel it too.
func claim(r *http.Request) error {
	if err := r.Context().Err(); err != nil {
		return err
	}
	for {
		p := load(r)
		if markOf(p).state != open {
			return ErrAnswered
		}
		if swap(r, p, markAnswering) {
			return nil
		}
	}
}

// settle ends a claim with the state to, nil for open, and wakes the waiter.
func settle(r *http.Request, to *http.Response) {
	if swap(r, markAnswering, to) {
		return
	}
	waited := load(r)
	swap(r, waited, to)
	close(markOf(waited).done)
}

// leave is called when the handler has returned: an answer that another
// goroutine is writing is waited for, a request that nobody answered is closed
// to late ones. The mark says how the request stands.
func leave(r *http.Request) *mark {
	for {
		p := load(r)
		switch m := markOf(p); {
		case m.state == open:
			if swap(r, p, markReturned) {
				return markOf(markReturned)
			}
		case m.state == answering:
			done := make(chan struct{})
			if swap(r, p, newMark(&mark{state: answering, done: done})) {
				<-done
			}
		default:
			return m
		}
	}
}
