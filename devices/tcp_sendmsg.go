package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/waitqueue"
)

// sendmsg adds what is to be sent to the write queue, and sends what the peer's window and Nagle's algorithm let through.
// With a full send buffer it sleeps, or takes less. Models tcp_sendmsg_locked.
func (t *Tcp) sendmsg(msg *Msg) (sent int, errno abi.Errno) {
	if msg.Flags&abi.MSG_ZEROCOPY != 0 {
		return 0, notModelled(t.m, "sending over TCP with MSG_ZEROCOPY")
	}
	deadline := socketDeadline(t.m, msg.Flags, t.options().sndtimeo)
	if msg.Flags&abi.MSG_FASTOPEN != 0 {
		errno = t.fastOpen(msg, deadline)
	}
	if errno == 0 && !t.state.in(inetEstablished, inetCloseWait) {
		errno = t.waitConnect(deadline)
	}
	if errno == 0 && (t.err != 0 || t.shutdown&sendShutdown != 0) {
		errno = abi.EPIPE
	}
	if errno == 0 {
		sent, errno = t.sendData(msg, deadline)
	}
	if sent > 0 {
		t.push(msg.Flags, t.nagle)
		return sent, 0
	}
	if errno != 0 {
		errno = t.streamError(msg, errno)
		if errno == abi.EAGAIN && t.writeQueue.first == nil && t.rtxQueue.first == nil {
			t.writeSpace() // whoever waits for an edge has one
		}
	}
	return 0, errno
}

// sendData fills the write queue; what it sends on the way are full segments.
func (t *Tcp) sendData(msg *Msg, deadline int64) (sent int, errno abi.Errno) {
	segments, goal, full := 0, t.goal(msg), false
	for sent < len(msg.Data) {
		s := t.writeQueue.last
		if s == nil || s.fin || s.eor || s.len() >= goal || full {
			if !t.memoryFree(false) {
				if errno := t.waitMemory(msg, sent, deadline); errno != 0 {
					return sent, errno
				}
				goal = t.goal(msg)
				continue
			}
			if segments++; segments > 16 {
				segments = 1
				t.flushBacklog()
				goal = t.goal(msg)
				if t.err != 0 || t.shutdown&sendShutdown != 0 {
					return sent, abi.EPIPE
				}
			}
			s = t.newSegment(min(len(msg.Data)-sent, goal))
		}
		n := min(len(msg.Data)-sent, goal-s.len())
		if msg.Pages != nil {
			n = t.net.splicePages(s, msg, n)
		} else {
			n = t.net.fragment(s, n)
		}
		if full = n == 0; full {
			t.markPush(s)
			continue
		}
		t.net.room(s, n)
		copy(s.data.b[s.to:], msg.Data[sent:sent+n])
		if sent == 0 {
			s.psh = false
		}
		s.to += n
		s.end += int64(n)
		s.cost += int32(n)
		t.addWmem(int32(n))
		t.m.Write(t.id, fieldSndNxt)
		t.writeSeq += int64(n)
		s.eor = msg.Flags&abi.MSG_EOR != 0 && sent+n == len(msg.Data)
		if sent += n; sent == len(msg.Data) || s.len() < goal || msg.Flags&abi.MSG_OOB != 0 {
			continue
		}
		if t.writeSeq > t.pushedSeq+t.maxWindow>>1 { // forced_push
			t.markPush(s)
			t.pushPending(naglePush)
		} else if s == t.writeQueue.first {
			t.writeXmit(naglePush, true)
		}
	}
	return sent, 0
}

// newSegment puts an empty segment with room for n bytes at the end of the write queue.
func (t *Tcp) newSegment(n int) *tcpSkb {
	s := t.net.newSkb(t.writeSeq, n)
	t.addWmem(s.cost)
	t.writeQueue.push(s)
	t.nagle &^= naglePush
	t.net.sys.Counters.Allocations++
	return s
}

// goal is how long segments become for one call.
func (t *Tcp) goal(msg *Msg) int {
	if msg.Flags&abi.MSG_OOB != 0 {
		return int(t.mss)
	}
	return t.sizeGoal()
}

// sizeGoal is how long a segment is to become: as long as the loopback can carry, and at most half the peer's window.
// Models tcp_send_mss.
func (t *Tcp) sizeGoal() int {
	goal, mss := int(t.boundToHalfWindow(gsoMaxSize)), int(t.mss)
	return max(goal-goal%mss, mss)
}

// addWmem charges n bytes to the send buffer, or gives them back.
func (t *Tcp) addWmem(n int32) {
	t.m.Write(t.id, fieldWmem)
	t.wmemQueued += n
}

// waitMemory waits for room: what there is goes out first. It marks that somebody wants to know of room. Models the end of
// the loop of tcp_sendmsg_locked with sk_stream_wait_memory.
func (t *Tcp) waitMemory(msg *Msg, sent int, deadline int64) abi.Errno {
	t.setNospace(true)
	if sent > 0 {
		t.push(msg.Flags&^abi.MSG_MORE, naglePush)
	}
	task := t.m.Current()
	e := t.net.sleepers.get(task, 0)
	defer t.net.endSleep(&t.wq, e)
	for {
		if t.err != 0 || t.shutdown&sendShutdown != 0 {
			return abi.EPIPE
		}
		if !mayWait(t.m, deadline) {
			t.setNospace(true)
			return abi.EAGAIN
		}
		if task.SignalPending() {
			return interruptedWait(deadline)
		}
		if t.memoryFree(false) {
			return 0
		}
		t.setNospace(true)
		t.sleep(e, deadline, "sndbuf")
	}
}

// waitConnect waits until there is a connection: sk_stream_wait_connect.
func (t *Tcp) waitConnect(deadline int64) abi.Errno {
	task := t.m.Current()
	e := t.net.sleepers.get(task, 0)
	defer t.net.endSleep(&t.wq, e)
	for {
		if errno := t.takeErr(); errno != 0 {
			return errno
		}
		switch {
		case t.state.in(inetEstablished, inetCloseWait):
			return 0
		case !t.state.in(inetSynSent, inetSynRecv):
			return abi.EPIPE
		case !mayWait(t.m, deadline):
			return abi.EAGAIN
		case task.SignalPending():
			return interruptedWait(deadline)
		}
		t.sleep(e, deadline, "connect")
	}
}

// sleep is one round of a sleep of the owner, who is not that meanwhile: sk_wait_event.
func (t *Tcp) sleep(e *waitqueue.Entry, deadline int64, what string) {
	prepareToWait(&t.wq, e)
	t.releaseSock()
	t.m.Current().ScheduleTimeout(deadline, what, t.id)
	t.lockSock()
}

// streamError is what a send that has sent nothing returns: sk_stream_error.
func (t *Tcp) streamError(msg *Msg, errno abi.Errno) abi.Errno {
	if errno == abi.EPIPE {
		if e := t.takeErr(); e != 0 {
			errno = e
		}
	}
	if errno == abi.EPIPE && msg.Flags&abi.MSG_NOSIGNAL == 0 {
		raiseSigpipe(t.m)
	}
	return errno
}
