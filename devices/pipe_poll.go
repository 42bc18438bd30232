package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Poll shows IN while a slot is used and HUP without writers to who can read, OUT while a slot is free and ERR without
// readers to who can write. It counts slots: a full ring whose last page has room is not OUT. The first poll of either end
// makes every later write wake the readers' queue. No lock is taken. Models pipe_poll.
func (end *pipeFile) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	p, m := end.Pipe, end.m
	m.Read(p.id, fieldPollUsage)
	if !p.pollUsage {
		m.Write(p.id, fieldPollUsage)
		p.pollUsage = true
	}
	var head, tail uint32
	if p.rules.PollSamplesFirst {
		head, tail = p.index()
	}
	if f.Readable() {
		pt.Wait(f, &p.rdWait)
	}
	if f.Writable() {
		pt.Wait(f, &p.wrWait)
	}
	if !p.rules.PollSamplesFirst {
		head, tail = p.index()
	}
	var mask abi.Events
	if f.Readable() {
		if head != tail {
			mask |= readKey
		}
		if end.hungUp() {
			mask |= abi.EPOLLHUP
		}
	}
	if f.Writable() {
		m.Read(p.id, fieldMaxUsage)
		if head-tail < p.maxUsage {
			mask |= writeKey
		}
		m.Read(p.id, fieldReaders)
		if p.readers == 0 {
			mask |= abi.EPOLLERR
		}
	}
	return mask
}

// hungUp is whether there is no writer, but was one since this description was opened.
func (end *pipeFile) hungUp() bool {
	p := end.Pipe
	p.m.Read(p.id, fieldWriters)
	if p.writers > 0 {
		return false
	}
	p.m.Read(p.id, fieldWCounter)
	return end.seen != p.wCounter
}
