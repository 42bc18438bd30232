package replay

import "github.com/epollsim/epollsim/abi"

func pollRows() []row {
	return []row{
		row{
			name: "poll", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				o.a[0] = int64(a.int32(2))
				a.polled(o)
			}),
			run:   runPoll,
			ready: readyPoll, help: helpPoll,
		},
		row{
			name: "ppoll", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				a.masked(o, 3)
				a.timeout(o, 2)
				if size := a.numOr(4, sizeofSigset); !a.null(3) && size != sizeofSigset {
					o.a[2] = 1 // refused before anything else
				}
				a.polled(o)
			}),
			run:   runPoll,
			ready: readyPoll, help: helpPoll,
		},
		row{
			name: "select", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) { a.selected(o) }),
			run:   runSelect, ready: readySelect, help: helpSelect,
		},
		row{
			name: "pselect6", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				a.selected(o)
				a.masked(o, 5)
			}),
			run: runSelect, ready: readySelect, help: helpSelect,
		},
	}
}

// polled reads the entries of a poll, and which of them were ready. One of which the log does not show all is not replayed.
func (a *args) polled(o *op) {
	fds, _ := a.at(0).([]abi.PollFd)
	o.want.cut = a.More
	o.want.polls = hits(fds)
	for i := range fds {
		fds[i].Revents = 0
	}
	o.polls = fds
	a.ok = a.ok && a.Shown(0) && int64(len(fds)) == a.num(1)
}

const sizeofSigset = 8

func runPoll(x *exec, o *op) outcome {
	if o.want.errno == abi.EFAULT { // the model has all memory
		return o.want
	}
	if o.a[2] != 0 {
		return outcome{ret: -1, errno: abi.EINVAL}
	}
	fds := append([]abi.PollFd{}, o.polls...)
	var n int
	var err error
	if sigs := x.sigmask(o); sigs != nil || o.odd != nil {
		n, err = x.calls(o).Ppoll(fds, o.timespec(), sigs)
	} else {
		n, err = x.calls(o).Poll(fds, int(o.a[0]))
	}
	out := outcomeOf(n, err)
	if n > 0 {
		out.polls = hits(fds)
	}
	return out
}

// hits are the entries with something in them, as strace shows them.
func hits(fds []abi.PollFd) []abi.PollFd {
	var list []abi.PollFd
	for _, p := range fds {
		if p.Revents != 0 {
			list = append(list, abi.PollFd{Fd: p.Fd, Revents: p.Revents})
		}
	}
	return list
}

// readyPoll tells whether a poll would bring what the log says.
func readyPoll(x *exec, o *op) bool {
	if o.want.failed() {
		return o.want.errno != abi.EINTR
	}
	return samePolls(x.foreseePoll(o), &o.want)
}

// foreseePoll gives the entries that a poll would find ready now.
func (x *exec) foreseePoll(o *op) []abi.PollFd {
	var list []abi.PollFd
	for _, p := range o.polls {
		if p.Fd < 0 {
			continue
		}
		bits := abi.EPOLLNVAL
		if f := x.file(o, int(p.Fd)); f != nil {
			bits = x.peek(f) & (abi.Events(uint16(p.Events)) | abi.EPOLLERR | abi.EPOLLHUP)
		}
		if bits != 0 {
			list = append(list, abi.PollFd{Fd: p.Fd, Revents: int16(bits)})
		}
	}
	return list
}

func samePolls(got []abi.PollFd, want *outcome) bool {
	if int64(len(got)) != want.ret {
		return false
	}
	for i, p := range want.polls {
		if i >= len(got) || got[i].Fd != p.Fd || got[i].Revents != p.Revents {
			return false
		}
	}
	return true
}

// selected reads the sets of a select, and what of them was ready.
func (a *args) selected(o *op) {
	o.fd2 = a.int32(0)
	for i := range o.sets {
		o.sets[i], _ = a.at(1 + i).(*abi.FdSet)
	}
	a.timeout(o, 4)
	if a.Ready != nil {
		for i := range o.want.sets {
			if set := &a.Ready[i]; *set != (abi.FdSet{}) {
				o.want.sets[i] = set
			}
		}
	}
	a.ok = a.ok && o.fd2 <= abi.FdSetSize
}

func runSelect(x *exec, o *op) outcome {
	if o.want.errno == abi.EFAULT {
		return o.want
	}
	var sets [3]*abi.FdSet
	for i, s := range o.sets {
		if s != nil {
			own := *s
			sets[i] = &own
		}
	}
	var n int
	var err error
	sigs := x.sigmask(o)
	switch tv, odd := o.odd.(*abi.Timeval); {
	case odd:
		own := *tv
		n, err = x.calls(o).SelectTimeval(o.fd2, sets[0], sets[1], sets[2], &own)
	case sigs != nil || o.odd != nil:
		n, err = x.calls(o).Pselect6(o.fd2, sets[0], sets[1], sets[2], o.timespec(), sigs)
	default:
		n, err = x.calls(o).Select(o.fd2, sets[0], sets[1], sets[2], int(o.a[0]))
	}
	out := outcomeOf(n, err)
	if n > 0 {
		out.sets = sets
	}
	return out
}

// The bits that select's three sets ask for: POLLIN_SET, POLLOUT_SET and POLLEX_SET.
var selectBits = [3]abi.Events{
	abi.EPOLLRDNORM | abi.EPOLLRDBAND | abi.EPOLLIN | abi.EPOLLHUP | abi.EPOLLERR,
	abi.EPOLLWRBAND | abi.EPOLLWRNORM | abi.EPOLLOUT | abi.EPOLLERR,
	abi.EPOLLPRI,
}

func readySelect(x *exec, o *op) bool {
	if o.want.failed() {
		return o.want.errno != abi.EINTR
	}
	count := int64(0)
	for i, s := range o.sets {
		for _, fd := range s.Fds() {
			hit := x.peek(x.file(o, fd))&selectBits[i] != 0
			if hit {
				count++
			}
			if hit != o.want.sets[i].Has(fd) {
				return false
			}
		}
	}
	return count == o.want.ret
}
