package replay

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/vfs"
)

// thread gives the thread that makes o.
func (x *exec) thread(o *op) *thread { return x.threads[o.task] }

func (x *exec) calls(o *op) kernel.Calls { return x.thread(o).k }

// file gives what fd refers to in the thread that makes o, nil for nothing.
func (x *exec) file(o *op, fd int) *vfs.File {
	th := x.threads[o.task]
	if th == nil || th.k == nil || fd < 0 {
		return nil
	}
	if th.inWait(o) && fd == o.fd && th.on != nil { // whatever its number stands for by now
		return th.on
	}
	return th.k.Files().At(fd)
}

// number is what the process that makes o calls f, -1 if it has it not.
func (x *exec) number(o *op, f *vfs.File) int {
	if x.file(o, o.fd) == f || o.row.name == "close" && x.thread(o).closes == f {
		return o.fd
	}
	if !x.opts.Inferences || len(x.inferences) >= maxInferences { // nobody will read it
		return -1
	}
	if th := x.threads[o.task]; th != nil && th.k != nil {
		for _, fd := range th.k.Files().Open() {
			if th.k.Files().At(fd) == f {
				return fd
			}
		}
	}
	return -1
}

// perform makes a call on the thread of the log. One on a file of which only the log knows comes to what the log says.
func (x *exec) perform(th *thread, o *op) outcome {
	if e := externalOf(x.file(o, o.fd)); e != nil && !o.row.local() || o.outside {
		return x.injected(o, e)
	}
	if o.filtered() {
		x.inferred("%s is refused: the kernel does not have it, or a seccomp filter does not let it through", o.name)
		return o.want
	}
	x.running = o
	x.tally.made++
	if tf := x.timerfd(o); tf != nil && o.row.looks {
		x.ticks(tf, o)
	}
	f := x.file(o, o.fd)
	if files := th.k.Files(); files.Users > 1 && numbers(o) {
		x.table(files).shared = true
	}
	x.hold(o)
	out := x.roomy(o)
	if o.row.allocates && !out.failed() && len(x.newcomers) > 0 {
		x.made(o, int(out.ret))
	}
	if t := x.table(th.k.Files()); o.row.allocates && !out.failed() && t.inherited {
		t.known[int(out.ret)] = true // it was not there before the log
	}
	switch {
	case out.failed():
	case o.row.name == "close" && len(x.peers) > 0:
		if p, ok := x.peers[f.ID()]; ok && f.Count() == 0 {
			delete(x.peers, f.ID())
			x.orphans = append(x.orphans, p.fd)
		}
	case len(out.fds) == 2:
		x.couple(x.file(o, out.fds[0]), x.file(o, out.fds[1]))
	case o.row.isAccept():
		x.accepted(o, int(out.ret))
	case o.row.name == "bind" && o.addr != nil && o.addr.Family == abi.AF_UNIX:
		x.names[x.localAddr(o).Path] = true
	}
	return out
}

func (x *exec) timerfd(o *op) *devices.Timerfd {
	if f := x.file(o, o.fd); f != nil {
		return devices.TimerfdOf(f)
	}
	return nil
}

// injected is a call whose result only the log knows.
func (x *exec) injected(o *op, e *external) outcome {
	if e != nil && (len(x.notifiers) > 0 || o.row.name == "inotify_add_watch") {
		x.running = o
		if out := x.did(o, e); x.notifierOf(e) != nil && o.row.looks {
			return out // checked
		}
	}
	x.tally.injected++
	switch {
	case e == nil && !o.row.allocates:
	case o.want.errno == abi.EAGAIN && o.row.looks:
		e.bits &^= abi.EPOLLIN | abi.EPOLLRDNORM
	case o.want.errno == abi.EAGAIN:
		e.bits &^= abi.EPOLLOUT | abi.EPOLLWRNORM
	case o.want.failed():
	case o.row.allocates:
		return x.installExternal(o, "socket:", socketFlags(int(o.a[0])), true)
	case o.row.name == "recvmsg":
		for range o.want.fds {
			x.installExternal(o, "received", 0, true)
		}
	}
	return o.want
}

// buffer is memory for what o reads.
func (x *exec) buffer(o *op, n int) []byte {
	th := x.thread(o)
	n = max(n, 0)
	if cap(th.buf) < n {
		th.buf = make([]byte, n)
	}
	return th.buf[:n]
}

func (x *exec) eventBuffer(o *op, n int) []abi.EpollEvent {
	th := x.thread(o)
	if cap(th.eventBuf) < n {
		th.eventBuf = make([]abi.EpollEvent, n)
	}
	return th.eventBuf[:n]
}

// timespec is the timeout of an epoll_pwait2.
func (x *exec) timespec(o *op) *abi.Timespec {
	if o.a[1] < 0 {
		return nil
	}
	ts := o.spec.Value
	return &ts
}

// timespec is the timeout of a ppoll or pselect6.
func (o *op) timespec() *abi.Timespec {
	switch ts, odd := o.odd.(*abi.Timespec); {
	case odd:
		own := *ts
		return &own
	case o.a[0] < 0:
		return nil
	default:
		return &abi.Timespec{Sec: o.a[0] / 1000, Nsec: o.a[0] % 1000 * 1_000_000}
	}
}

// counts reports whether what is read from fd is made by the kernel.
func (x *exec) counts(o *op, fd int) bool {
	f := x.file(o, fd)
	if f == nil {
		return false
	}
	switch f.Ops.(type) {
	case *devices.Eventfd, *devices.Timerfd:
		return true
	}
	return false
}

// mayDiffer reports whether only the log knows the state of fd.
func (x *exec) mayDiffer(o *op, fd int) bool { return externalOf(x.file(o, fd)) != nil }

// execve is what execve(2) does to th.
func (x *exec) execve(th *thread) {
	old := th.k.Files()
	th.k.Exec()
	if th.k.Files() != old {
		x.copyTable(old, th.k.Files())
	}
	harden(th.k.Process())
	if x.script != nil {
		x.script.executed(th, old)
	}
}

func (x *exec) unshare(t *kernel.Thread) {
	old := t.Files()
	t.Unshare()
	if t.Files() != old {
		x.copyTable(old, t.Files())
		if x.script != nil {
			x.script.unshared(t, old)
		}
	}
}

func errnoOf(err error) abi.Errno {
	var errno abi.Errno
	errors.As(err, &errno)
	return errno
}

// couple notes that two files are the ends of one thing.
func (x *exec) couple(a, b *vfs.File) {
	if a != nil && b != nil && (x.log.overlaps > 0 || x.endsUnseen()) {
		x.trail.couple(a, b)
	}
}

// outside reports whether the result of a wait is about files of which only the log knows.
func (x *exec) outside(o *op) bool {
	for _, p := range o.want.polls {
		if e := externalOf(x.file(o, int(p.Fd))); e != nil && !x.owes(e) {
			return true
		}
	}
	for i := range o.sets {
		for _, fd := range o.sets[i].Fds() {
			if e := externalOf(x.file(o, fd)); e != nil && !x.owes(e) {
				return true
			}
		}
	}
	if !o.row.isEpollWait() {
		return false
	}
	ep := x.epoll(o)
	return ep != nil && x.hasExternal(ep) && !x.ownEvents(o, ep)
}

// maxInferences bounds those that are listed.
const maxInferences = 10_000

// inferred notes what must have happened outside of the log.
func (x *exec) inferred(format string, args ...any) {
	x.tally.inferred++
	if x.opts.Inferences && len(x.inferences) < maxInferences {
		x.inferences = append(x.inferences, Inference{Line: x.log.at(x.at).mark.Line, What: fmt.Sprintf(format, args...)})
	}
}

// foreign notes that an epoll has items of which nothing is known.
func (x *exec) foreign(f *vfs.File) { x.foreignFiles[f] = true }

func (x *exec) inherited(f *vfs.File) bool { return x.foreignFiles[f] }
