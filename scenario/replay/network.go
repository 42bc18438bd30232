package replay

import (
	"slices"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Time on the network: acknowledgements that wait, and what waits for them.

// networkLate is how long a timer of the network may be overdue before it expires although nothing in the log asks for that.
// Linux takes them at ticks, behind other work, and measures its pauses more finely than the model does.
const networkLate = int64(100 * time.Millisecond)

// network takes the interrupts that have been due for late ns and are nobody's to decide: those of neither sleepers nor
// timerfds. It reports whether there were any.
func (x *exec) network(late int64) bool {
	if x.m.Interrupts() == 0 {
		return false
	}
	any := false
	for _, t := range x.m.Tasks() {
		if !t.Interrupt() {
			continue
		}
		switch t.Owner.(type) {
		case *sim.Task, *devices.Timerfd:
			continue
		}
		if t.Expires().Expiry() <= x.m.Now()-late {
			x.grant(t)
			any = true
		}
	}
	return any
}

// underWay bounds how far the log is looked through for whether something sent had come.
const underWay = 300

// hold keeps what o is about to send over TCP to another end in the log from arriving, if the log shows that it did not at
// once: the next wait or read that would have found it does not. It comes when something asks for it.
func (x *exec) hold(o *op) {
	t := x.tcp(o, o.fd)
	if t == nil || t.Peer() == nil || !o.row.sends() {
		return
	}
	peer, looked := t.Peer(), 0
	held := x.log.next(x.at, func(w *op) lookahead {
		if looked++; looked > underWay {
			return lookNo
		}
		if w.begin.Seq < o.end.Seq && w != o {
			return lookOn
		}
		return x.finds(w, peer)
	})
	if held && !peer.Readable() && t.Hold() {
		x.inferred("what was sent to fd %d was under way for a while", o.fd)
	}
}

// finds tells whether a call of the log saw that something had come for the socket t: lookYes if it saw that nothing had.
func (x *exec) finds(w *op, t *devices.Tcp) lookahead {
	asked, told := false, false
	switch {
	case w.want.failed() && w.want.errno != abi.EAGAIN:
	case w.row.isEpollWait():
		ep := x.epoll(w)
		if ep == nil || x.threads[w.task] == nil {
			return lookOn
		}
		ep.EachItem(func(f *vfs.File, _ int, item abi.EpollEvent) bool {
			if devices.TcpOf(f) == t && item.Events&abi.EPOLLIN != 0 {
				asked = w.want.ret < w.a[0] && !w.want.cut
				told = told || slices.ContainsFunc(w.want.events, func(e abi.EpollEvent) bool { return e.Data == item.Data })
			}
			return true
		})
	case w.row.parseIsWait():
		for _, p := range w.polls {
			if x.tcp(w, int(p.Fd)) == t && abi.Events(uint16(p.Events))&abi.EPOLLIN != 0 {
				asked = true
				told = told || slices.ContainsFunc(w.want.polls, func(e abi.PollFd) bool { return e.Fd == p.Fd && abi.Events(uint16(e.Revents))&abi.EPOLLIN != 0 })
			}
		}
		for _, fd := range w.sets[0].Fds() {
			if x.tcp(w, fd) == t {
				asked, told = true, told || w.want.sets[0].Has(fd)
			}
		}
	case w.row.looks && w.fd >= 0 && x.tcp(w, w.fd) == t:
		asked, told = true, w.want.errno != abi.EAGAIN
	case w.row.name == "close" && x.tcp(w, w.fd) == t:
		return lookNo
	}
	switch {
	case told:
		return lookNo
	case asked:
		return lookYes
	}
	return lookOn
}

// acknowledged lets what waits at the other end of f's TCP connection come, or what f's end has withheld be acknowledged, or else
// what the other end has. It reports whether anything was.
func (x *exec) acknowledged(f *vfs.File) bool {
	t := devices.TcpOf(f)
	if t == nil {
		return false
	}
	if peer := t.Peer(); peer != nil && peer.LetGo() {
		return true
	}
	for _, tm := range t.AckTimers() {
		if tm.Armed() && tm.Expiry() < x.m.Now()+int64(time.Second) && x.expire(tm) {
			return true
		}
	}
	return x.later()
}

// later lets the timers of the network expire that are due, or the time pass up to the next one; false if there is none soon.
func (x *exec) later() bool {
	if x.network(0) {
		return true
	}
	before := x.m.Now()
	for range 100 {
		next := x.m.NextExpiry()
		if next == sim.Forever || next > before+int64(time.Second) {
			return false
		}
		x.m.AdvanceTo(next)
		if x.network(0) {
			return true
		}
	}
	return false
}

// tcp gives the socket of TCP that fd is in the thread that makes o, nil for anything else.
func (x *exec) tcp(o *op, fd int) *devices.Tcp {
	if f := x.file(o, fd); f != nil {
		return devices.TcpOf(f)
	}
	return nil
}
