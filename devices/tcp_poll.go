package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// What a socket shows. The keys of wake-ups are those of all sockets.
const (
	tcpIn  = abi.EPOLLIN | abi.EPOLLRDNORM
	tcpOut = abi.EPOLLOUT | abi.EPOLLWRNORM
)

// Poll shows the state. Who finds no room to write marks that he wants to know of it. Models tcp_poll.
func (t *Tcp) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &t.wq)
	state := t.readState()
	if state == inetListen {
		t.m.Read(t.id, fieldAcceptQ)
		if t.listener.first != nil {
			return tcpIn
		}
		return 0
	}
	mask := abi.Events(0)
	shutdown := t.readShutdown()
	if shutdown == shutdownMask || state == inetClose {
		mask |= abi.EPOLLHUP
	}
	if shutdown&rcvShutdown != 0 {
		mask |= tcpIn | abi.EPOLLRDHUP
	}
	if state != inetSynSent && state != inetSynRecv {
		mask |= t.pollStream(shutdown)
	}
	t.m.Read(t.id, fieldErr)
	if t.err != 0 {
		mask |= abi.EPOLLERR
	}
	return mask
}

// pollStream is what there is to read, and whether there is room to write.
func (t *Tcp) pollStream(shutdown uint8) (mask abi.Events) {
	t.m.Read(t.id, fieldLowat)
	target := int64(t.rcvlowat)
	t.m.Read(t.id, fieldUrg)
	urg := t.urgData
	if urg != 0 && t.urgSeq == t.copiedSeq && !t.options().oobInline {
		target++
	}
	if t.epollinReady(target) {
		mask |= tcpIn
	}
	switch {
	case shutdown&sendShutdown != 0 || t.writable():
		mask |= tcpOut
	default:
		t.setNospace(true)
		if t.writable() { // an ACK has come in between
			mask |= tcpOut
		}
	}
	if urg&urgValid != 0 {
		mask |= abi.EPOLLPRI
	}
	return mask
}

// epollinReady: at least target bytes can be read, or the peer cannot send more. Models tcp_epollin_ready.
func (t *Tcp) epollinReady(target int64) bool {
	t.m.Read(t.id, fieldRcvNxt)
	unread := t.rcvNxt
	t.m.Read(t.id, fieldCopied)
	if unread -= t.copiedSeq; unread <= 0 || t.hidden {
		return false
	}
	return unread >= target || t.rmem > t.rcvbuf-t.rcvbuf>>3 || t.receiveWindow() <= int64(t.rcvMss)
}

// writable: a third of the send buffer is free. Models __sk_stream_is_writeable.
func (t *Tcp) writable() bool {
	t.m.Read(t.id, fieldWmem)
	queued := t.wmemQueued
	t.m.Read(t.id, fieldSndbuf)
	return !t.full && t.sndbuf-queued >= queued>>1 && t.memoryFree(true)
}

// memoryFree: there is room at all, and with TCP_NOTSENT_LOWAT not too much that was not sent; wake: half of that. Models
// __sk_stream_memory_free and tcp_stream_memory_free.
func (t *Tcp) memoryFree(wake bool) bool {
	t.m.Read(t.id, fieldWmem)
	if t.wmemQueued >= t.sndbuf {
		return false
	}
	lowat := t.options().notsentLowat
	if lowat == math.MaxUint32 {
		return true
	}
	t.m.Read(t.id, fieldSndNxt)
	notsent := t.writeSeq - t.sndNxt
	if wake {
		notsent *= 2
	}
	return notsent < int64(lowat)
}

func (t *Tcp) setNospace(on bool) {
	t.m.Write(t.id, fieldNospace)
	t.nospace = on
}

// checkSpace tells who wants to know that there is room: tcp_check_space.
func (t *Tcp) checkSpace() {
	t.m.Read(t.id, fieldNospace)
	if t.nospace && !t.dead {
		if t.packets < t.cwnd {
			t.expandSndbuf()
		}
		t.writeSpace()
	}
}

// writeSpace says that t may write, if that is so: sk_stream_write_space.
func (t *Tcp) writeSpace() {
	if !t.dead && t.writable() {
		t.setNospace(false)
		if t.awake() {
			t.wq.WakeUp(sim.Interruptible, 1, false, unixOut)
		}
	}
}

// awake reports whether somebody waits for t: skwq_has_sleeper.
func (t *Tcp) awake() bool {
	t.m.Read(t.id, fieldWq)
	return !t.dead && t.wq.Active()
}

// dataReady says that there is something to read, if it is enough: tcp_data_ready.
func (t *Tcp) dataReady() {
	if t.done || t.epollinReady(int64(t.rcvlowat)) {
		t.dataReadyAlways()
	}
}

// dataReadyAlways models sock_def_readable.
func (t *Tcp) dataReadyAlways() {
	if t.awake() {
		t.wq.WakeUp(sim.Interruptible, 1, true, unixReadKey)
	}
}

// stateChange says that t is connected, shut, or closed: sock_def_wakeup.
func (t *Tcp) stateChange() {
	if t.awake() {
		t.wq.WakeUpInterruptibleAll()
	}
}

// reportErr says that err is set: sock_def_error_report.
func (t *Tcp) reportErr() {
	if t.awake() {
		t.wq.WakeUp(sim.Interruptible, 1, false, abi.EPOLLERR)
	}
}

// WakesIfActive is vfs.WakesIfActive: sock_def_readable and its like look for sleepers first.
func (t *Tcp) WakesIfActive() {}
