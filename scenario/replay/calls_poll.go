package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

func pollRows() []row {
	return []row{
		row{
			name: "poll", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				var whole bool
				o.polls, whole = pollFds(a.at(0))
				o.a[0] = int64(a.int32(2))
				parsePolled(o, a)
				a.ok = a.ok && whole && (len(o.polls) > 0 || a.num(1) == 0)
			}),
			run:   runPoll,
			ready: readyPoll, help: helpPoll,
		},
		row{
			name: "ppoll", waits: true, looks: true,
			parse: parseWith(func(o *op, a *args) {
				var whole bool
				o.polls, whole = pollFds(a.at(0))
				o.a[0] = millis(a.at(2))
				o.sigs = sigset(a.at(3))
				o.maskSize(a, 3, 4)
				parsePolled(o, a)
				a.ok = a.ok && whole && (len(o.polls) > 0 || a.num(1) == 0)
			}),
			run:   runPoll,
			ready: readyPoll, help: helpPoll,
		},
		row{
			name: "select", waits: true, looks: true,
			parse: parseSelect,
			run:   runSelect, ready: readySelect, help: helpSelect,
		},
		row{
			name: "pselect6", waits: true, looks: true,
			parse: func(o *op, c *strace.Call) bool {
				if !parseSelect(o, c) {
					return false
				}
				a := &args{c: c}
				if v := a.at(5).Field("sigmask"); v != nil {
					o.sigs = sigset(v)
				} else if len(a.at(5).List) > 0 {
					o.sigs = sigset(&a.at(5).List[0])
				}
				return true
			},
			run: runSelect, ready: readySelect, help: helpSelect,
		},
	}
}

// parsePolled reads which of the entries were ready: strace shows those behind the result.
func parsePolled(o *op, a *args) {
	for i := range a.c.Result.Notes {
		if v := &a.c.Result.Notes[i]; v.Kind == strace.ValueArray {
			o.want.polls, _ = pollFds(v)
			o.want.cut = v.Cut
		}
	}
}

// maskSize notes a signal mask of a wrong size, which is refused before anything else.
func (o *op) maskSize(a *args, mask, size int) {
	o.a[2] = 0
	if !a.at(mask).IsNull() && a.has(size) && a.numOr(size, sizeofSigset) != sizeofSigset {
		o.a[2] = 1
	}
}

const sizeofSigset = 8

func runPoll(x *exec, o *op) outcome {
	if o.a[2] != 0 {
		return outcome{ret: -1, errno: abi.EINVAL}
	}
	fds := append([]abi.PollFd{}, o.polls...)
	var n int
	var err error
	if o.sigs != nil {
		n, err = x.calls(o).Ppoll(fds, x.millisSpec(o.a[0]), o.sigs)
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

func parseSelect(o *op, c *strace.Call) bool {
	a := &args{c: c, ok: true}
	o.fd2 = a.int32(0)
	for i := range o.sets {
		o.sets[i] = fdSet(a.at(1 + i))
	}
	o.a[0] = millis(a.at(4))
	for i := range c.Result.Notes {
		v := &c.Result.Notes[i]
		for j, name := range [...]string{"in", "out", "except"} {
			if v.Name == name || v.Name == "exc" && j == 2 {
				o.want.sets[j] = fdSet(v)
			}
		}
	}
	return a.ok && o.fd2 <= abi.FdSetSize
}

func runSelect(x *exec, o *op) outcome {
	var sets [3]*abi.FdSet
	for i, s := range o.sets {
		if s != nil {
			own := *s
			sets[i] = &own
		}
	}
	var n int
	var err error
	if o.sigs != nil {
		n, err = x.calls(o).Pselect6(o.fd2, sets[0], sets[1], sets[2], x.millisSpec(o.a[0]), o.sigs)
	} else {
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
