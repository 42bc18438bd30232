package replay

import (
	"errors"
	"io"
	"slices"

	"github.com/epollsim/epollsim/scenario/strace"
)

// bounds are how much of a log is in memory, in moments.
type bounds struct {
	whole  int // a log of at most so many is kept
	ahead  int // of a longer one: before the moment that is replayed
	behind int // behind it
	stride int // how far the window moves at once
}

var usual = bounds{whole: 1 << 16, ahead: 1 << 14, behind: 1 << 13, stride: 1 << 12}

// window is the part of a log that is in memory.
type window struct {
	bounds
	open  Opener // gives the log again; nil: all of it is in the window
	in    *intake
	done  func()
	list  []logEvent
	first int  // the moment at its begin
	over  bool // it reaches to the end of the log
	err   error
}

// rewind goes back to the begin of the log.
func (log *Log) rewind() {
	if log.open == nil || log.first == 0 && len(log.list) > 0 {
		return
	}
	log.Close()
	var src strace.Source
	src, log.done, log.err = log.open()
	log.in = &intake{log: log, src: src}
	log.list, log.first, log.over = log.list[:0], 0, log.err != nil
}

// Close ends the reading of a log.
func (log *Log) Close() {
	if log.done != nil {
		log.done()
		log.done = nil
	}
}

// reach moves the window so that it has moment i and those to which one may look from there; false if there is no such moment.
func (log *Log) reach(i int) bool {
	if !log.over && i+log.ahead >= log.first+len(log.list) {
		if gone := i - log.behind - log.first; gone >= log.stride {
			log.list = slices.Delete(log.list, 0, gone)
			log.first += gone
		}
		for !log.over && i+log.ahead+log.stride > log.first+len(log.list) {
			log.read()
		}
	}
	return i < log.first+len(log.list)
}

// read takes one more moment into the window.
func (log *Log) read() {
	e, err := log.in.next()
	switch {
	case err == nil:
		log.list = append(log.list, e)
		log.over = log.first+len(log.list) == log.moments // what was written behind it since is not looked at
	case errors.Is(err, io.EOF):
		log.over = true
	default:
		log.over, log.err = true, err
	}
	if log.over {
		log.in.end()
	}
}

// at gives a moment of the window, the last one for those behind it.
func (log *Log) at(i int) *logEvent {
	return &log.list[min(i-log.first, len(log.list)-1)]
}

// oldest gives the index of the first call in the window.
func (log *Log) oldest() int {
	for i := range log.list {
		if o := log.list[i].op; o != nil && log.list[i].kind != eventExit {
			return o.index
		}
	}
	return 0
}

// lookahead is what a look at a later call came to.
type lookahead uint8

const (
	lookOn lookahead = iota
	lookYes
	lookNo
)

// farAhead is how many moments of the log a look ahead goes through.
const farAhead = 4000

// next looks at the calls that end behind a moment of the log, and tells whether look said yes.
func (log *Log) next(at int, look func(*op) lookahead) bool {
	end := log.first + len(log.list)
	for i := at + 1; i < end && i < at+farAhead; i++ {
		e := log.at(i)
		if e.op == nil || e.op.row == nil || e.kind == eventEnter {
			continue
		}
		switch look(e.op) {
		case lookYes:
			return true
		case lookNo:
			return false
		}
	}
	return false
}

// following gives the next moment of a task behind at but for the signals that it takes, nil if it has none soon.
func (log *Log) following(at, task int) *logEvent {
	end := log.first + len(log.list)
	for i := at + 1; i < end && i < at+farAhead; i++ {
		if e := log.at(i); e.task == task && e.kind != eventSignal {
			return e
		}
	}
	return nil
}
