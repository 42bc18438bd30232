package fuzz

import (
	"bytes"
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// runner makes calls on a kernel and turns each result into text: the Starlark value that a scenario gets.
type runner struct {
	kernel.Calls
	text      []byte
	ret, ret2 int
	err       error

	events  []abi.EpollEvent
	bytes   []byte
	letter  byte // what filled is filled with
	filled  []byte
	pollfds []abi.PollFd
	sets    [3]abi.FdSet
	mask    abi.SigSet
	ts      abi.Timespec
	masks   map[abi.Events]string
}

func newRunner() *runner { return &runner{masks: map[abi.Events]string{}} }

// do makes one call; its result is in text until the next.
func (r *runner) do(o *op, args []int64) []byte {
	r.text, r.ret, r.ret2, r.err = r.text[:0], -1, -1, nil
	o.run(r, args)
	return r.text
}

// failed writes the errno of a call that failed.
func (r *runner) failed(err error) bool {
	r.err = err
	if err == nil {
		return false
	}
	if e, ok := err.(abi.Errno); ok {
		r.text = append(r.text, e.Name()...)
	} else {
		r.text = append(r.text, err.Error()...)
	}
	return true
}

func (r *runner) number(n int64) { r.text = strconv.AppendInt(r.text, n, 10) }

func (r *runner) int(n int, err error) {
	if !r.failed(err) {
		r.ret = n
		r.number(int64(n))
	}
}

func (r *runner) long(n int64, err error) { r.int(int(n), err) }

func (r *runner) zero(err error) { r.int(0, err) }

func (r *runner) unsigned(n uint64, err error) {
	if !r.failed(err) {
		r.text = strconv.AppendUint(r.text, n, 10)
	}
}

func (r *runner) pair(fds [2]int, err error) {
	if r.failed(err) {
		return
	}
	r.ret, r.ret2 = fds[0], fds[1]
	r.text = append(r.text, '(')
	r.number(int64(fds[0]))
	r.text = append(r.text, ", "...)
	r.number(int64(fds[1]))
	r.text = append(r.text, ')')
}

// mostEvents is more than a program can have ready.
const mostEvents = 2048

func (r *runner) eventBuffer(maxevents int) []abi.EpollEvent {
	n := min(max(maxevents, 0), mostEvents)
	if cap(r.events) < n {
		r.events = make([]abi.EpollEvent, n)
	}
	if r.events == nil {
		r.events = make([]abi.EpollEvent, 64)
	}
	r.events = r.events[:n]
	return r.events
}

// delivered writes a list of events.
func (r *runner) delivered(n int, err error) {
	if r.failed(err) {
		return
	}
	r.ret = n
	r.text = append(r.text, '[')
	for i, e := range r.events[:min(n, len(r.events))] {
		if i > 0 {
			r.text = append(r.text, ", "...)
		}
		r.text = append(r.text, '(')
		r.text = append(r.text, r.maskText(e.Events)...)
		r.text = append(r.text, ", "...)
		r.text = strconv.AppendUint(r.text, e.Data, 10)
		r.text = append(r.text, ')')
	}
	r.text = append(r.text, ']')
}

func (r *runner) maskText(e abi.Events) string {
	s, ok := r.masks[e]
	if !ok {
		s = symbols("EPOLL", int64(e))
		r.masks[e] = s
	}
	return s
}

// quote writes a string.
func (r *runner) quote(s string) { r.text = strconv.AppendQuote(r.text, s) }

// buffer returns n bytes to read into.
func (r *runner) buffer(n int) []byte {
	if cap(r.bytes) < n || r.bytes == nil {
		r.bytes = make([]byte, max(n, 64))
	}
	return r.bytes[:n]
}

// fill returns n times the letter.
func (r *runner) fill(letter byte, n int) []byte {
	if len(r.filled) < n || r.filled == nil || r.letter != letter {
		r.filled, r.letter = bytes.Repeat([]byte{letter}, max(n, 64)), letter
	}
	return r.filled[:n]
}

// parts writes what came into each buffer.
func (r *runner) parts(iov [][]byte, n int, err error) {
	if r.failed(err) {
		return
	}
	left := n
	r.text = append(r.text, '[')
	for i, p := range iov {
		if i > 0 {
			r.text = append(r.text, ", "...)
		}
		k := min(left, len(p))
		r.data(p, k, nil)
		left -= k
	}
	r.text = append(r.text, ']')
	r.ret = n
}

// data writes what was read, equal bytes together.
func (r *runner) data(p []byte, n int, err error) {
	if r.failed(err) {
		return
	}
	r.ret = n
	p = p[:n]
	if n == 0 {
		r.text = append(r.text, `b""`...)
	}
	for first := true; len(p) > 0; first = false {
		k := runLength(p)
		if !first {
			r.text = append(r.text, " + "...)
		}
		r.text = appendByte(r.text, p[0])
		if k > 1 {
			r.text = append(r.text, " * "...)
			r.number(int64(k))
		}
		p = p[k:]
	}
}

// runLength counts how many bytes p begins with are the same.
func runLength(p []byte) int {
	k := 1
	for step := 1; k < len(p); {
		n := min(step, len(p)-k)
		if bytes.Equal(p[k:k+n], p[k-1:k-1+n]) {
			k += n
			step *= 2
			continue
		}
		if n == 1 {
			break
		}
		step = max(n/2, 1)
	}
	return k
}

func appendByte(text []byte, b byte) []byte {
	const digits = "0123456789abcdef"
	if b > ' ' && b < 0x7f && b != '"' && b != '\\' {
		return append(text, 'b', '"', b, '"')
	}
	return append(text, 'b', '"', '\\', 'x', digits[b>>4], digits[b&15], '"')
}

// pollFds is the array of a poll call: pairs of fd and events.
func (r *runner) pollFds(pairs []int64) []abi.PollFd {
	r.pollfds = r.pollfds[:0]
	for i := 0; i < len(pairs); i += 2 {
		r.pollfds = append(r.pollfds, abi.PollFd{Fd: int32(pairs[i]), Events: int16(pairs[i+1])})
	}
	return r.pollfds
}

// polled writes the entries with an answer.
func (r *runner) polled(fds []abi.PollFd, n int, err error) {
	if r.failed(err) {
		return
	}
	r.ret = n
	r.text = append(r.text, '[')
	hits := 0
	for _, f := range fds {
		if f.Revents == 0 {
			continue
		}
		if hits++; hits > 1 {
			r.text = append(r.text, ", "...)
		}
		r.text = append(r.text, '(')
		r.number(int64(f.Fd))
		r.text = append(r.text, ", "...)
		r.text = append(r.text, r.maskText(abi.Events(uint16(f.Revents)))...)
		r.text = append(r.text, ')')
	}
	r.text = append(r.text, ']')
	r.odd(n, hits)
}

// odd marks a count that does not fit to what was stored.
func (r *runner) odd(n, want int) {
	if n != want {
		r.text = append(r.text, " # returned "...)
		r.number(int64(n))
	}
}

// fdSets are the sets of a select call, each up to four fds as bytes above a mark, and the number above all of them.
func (r *runner) fdSets(a []int64) (sets [3]*abi.FdSet, nfds int) {
	for i := range sets {
		fds, some := setMembers(a[i])
		if !some {
			continue
		}
		r.sets[i] = abi.FdSet{}
		sets[i] = &r.sets[i]
		for _, fd := range fds {
			sets[i].Set(fd)
			nfds = max(nfds, fd+1)
		}
	}
	return sets, nfds
}

// selected writes the sets that a select call has left.
func (r *runner) selected(sets [3]*abi.FdSet, n int, err error) {
	if r.failed(err) {
		return
	}
	r.ret = n
	for i, set := range sets {
		r.text = append(r.text, []string{"([", "], [", "], ["}[i]...)
		for j, fd := range set.Fds() {
			if j > 0 {
				r.text = append(r.text, ", "...)
			}
			r.number(int64(fd))
		}
	}
	r.text = append(r.text, "])"...)
}

// setMembers unpacks a set: 0 is no set at all; below the top bit each 10 bits are a number plus one.
func setMembers(v int64) (fds []int, some bool) {
	if v == 0 {
		return nil, false
	}
	for v &^= setMark; v != 0; v >>= 10 {
		fds = append(fds, int(v&1023)-1)
	}
	return fds, true
}

const setMark = 1 << 62

// sigmask is the mask of an epoll_pwait: none, or one of signalSets.
func (r *runner) sigmask(v int64) *abi.SigSet {
	if v == 0 {
		return nil
	}
	r.mask = r.set(v - 1)
	return &r.mask
}
