package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// What a socket shows, and what its queue is woken with. Shutdown and close come without a key.
const (
	unixIn      = abi.EPOLLIN | abi.EPOLLRDNORM
	unixOut     = abi.EPOLLOUT | abi.EPOLLWRNORM | abi.EPOLLWRBAND
	unixReadKey = abi.EPOLLIN | abi.EPOLLPRI | abi.EPOLLRDNORM | abi.EPOLLRDBAND
)

// Poll shows the state. Models sock_poll.
func (u *Unix) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &u.wq)
	if u.kind == abi.SOCK_STREAM {
		return u.pollStream()
	}
	return u.pollDgram(pt)
}

// WakesIfActive is vfs.WakesIfActive: sock_def_readable and its like look for sleepers first.
func (u *Unix) WakesIfActive() {}

// pollStream: OUT while messages that are not read take at most a quarter of the send buffer, whatever the other side
// has shut. Models unix_poll.
func (u *Unix) pollStream() abi.Events {
	mask, state := u.pollState()
	u.m.Read(u.id, fieldOob)
	if u.oob != nil {
		mask |= abi.EPOLLPRI
	}
	if state == unixClose {
		mask |= abi.EPOLLHUP
	}
	if u.writable(state) {
		mask |= unixOut
	}
	return mask
}

// pollDgram is for datagrams and records. OUT is looked at only if it is wanted, because that has a consequence: a socket
// whose peer's queue is full gets in line there. Models unix_dgram_poll.
func (u *Unix) pollDgram(pt *vfs.PollTable) abi.Events {
	mask, state := u.pollState()
	if u.kind == abi.SOCK_SEQPACKET && state == unixClose {
		mask |= abi.EPOLLHUP
	}
	if !pt.Wants(unixOut) {
		return mask
	}
	writable := u.writable(state)
	if writable {
		u.lock.Lock()
		if other := u.peer; other != nil && other.readPeer() != u && other.full() && u.peerWakeMe(other) {
			writable = false
		}
		u.lock.Unlock()
	}
	if writable {
		mask |= unixOut
	}
	return mask
}

// pollState is what the polls of all types say alike, and the state that the rest depends on.
func (u *Unix) pollState() (abi.Events, unixState) {
	var mask abi.Events
	shutdown := u.readShutdown()
	state := u.readState()
	u.m.Read(u.id, fieldErr)
	if u.err != 0 {
		mask |= abi.EPOLLERR
	}
	if shutdown == shutdownMask {
		mask |= abi.EPOLLHUP
	}
	if shutdown&rcvShutdown != 0 {
		mask |= abi.EPOLLRDHUP | unixIn
	}
	u.m.Read(u.id, fieldQueue)
	if u.queue.len > 0 {
		mask |= unixIn
	}
	return mask, state
}

// awake reports whether somebody waits for u: skwq_has_sleeper.
func (u *Unix) awake() bool { return !u.readDead() && u.wq.Active() }

// dataReady says that a message has come: sock_def_readable.
func (u *Unix) dataReady() {
	if u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, true, unixReadKey)
	}
}

// writeSpace says that u may write, if that is so: unix_write_space.
func (u *Unix) writeSpace() {
	if u.writable(u.readState()) && u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, true, unixOut)
	}
}

// stateChange says that u was shut: sock_def_wakeup.
func (u *Unix) stateChange() {
	if u.awake() {
		u.wq.WakeUpInterruptibleAll()
	}
}

// reportErr says that err is set: sock_def_error_report.
func (u *Unix) reportErr() {
	if u.awake() {
		u.wq.WakeUp(sim.Interruptible, 1, false, abi.EPOLLERR)
	}
}

// wakePlain is wake_up_interruptible_poll, whether or not there is room, or somebody.
func (u *Unix) wakePlain(key abi.Events) {
	if !u.readDead() {
		u.wq.WakeUp(sim.Interruptible, 1, false, key)
	}
}

// prepareToWait queues e unless it is queued, and makes its task a sleeper: prepare_to_wait, and for an exclusive entry
// prepare_to_wait_exclusive. Unlike Head.PrepareToWait it does not look for signals.
func prepareToWait(h *waitqueue.Head, e *waitqueue.Entry) {
	h.Lock.Lock()
	if !e.Queued() {
		if e.Flags&waitqueue.Exclusive != 0 {
			h.AddExclusiveLocked(e)
		} else {
			h.AddLocked(e)
		}
	}
	e.Private.(*sim.Task).SetState(sim.Interruptible)
	h.Lock.Unlock()
}

// sleeper returns an entry for the running task: DEFINE_WAIT_FUNC.
func (n *UnixNet) sleeper(flags waitqueue.Flags, fn waitqueue.WakeFunc) *waitqueue.Entry {
	e := n.sleepers.get(n.sys.M.Current(), flags)
	e.Func = fn
	return e
}

// endSleep takes the entry off h and back: finish_wait.
func (n *UnixNet) endSleep(h *waitqueue.Head, e *waitqueue.Entry) {
	h.FinishWait(e)
	n.sleepers.put(e)
}

// wakeReceiver is the wake function of who waits for a datagram or a connection: room to write does not concern it.
// Models receiver_wake_function.
func wakeReceiver(e *waitqueue.Entry, mode sim.State, sync bool, key abi.Events) int {
	if key != 0 && key&(abi.EPOLLIN|abi.EPOLLERR) == 0 {
		return 0
	}
	return waitqueue.AutoremoveWake(e, mode, sync, key)
}
