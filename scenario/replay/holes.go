package replay

import "github.com/epollsim/epollsim/abi"

// A program that was started with more open than 0, 1 and 2 says nothing of it; its log jumps over their numbers. One below
// the highest that is given out, itself never given out and never used, was open all the time. Where calls overlap that cannot be told
// from a number that another call has taken, so it is found beforehand, in all of the log. To be wrong does no harm: a
// number that nobody is given need not be free.

// holes is gathered by the survey.
type holes struct {
	met  map[int]bool // numbers that calls gave out, or worked on
	most int          // the highest one of those that were the lowest free ones
	hide bool         // the log does not show all that were given out
}

// farthest bounds the numbers that are noted.
const farthest = 1 << 12

// sees takes a call in.
func (h *holes) sees(o *op) {
	if h.met == nil {
		h.met = map[int]bool{}
	}
	meet := func(fd int64) {
		if fd >= 0 && fd < farthest {
			h.met[int(fd)] = true
		}
	}
	h.hide = h.hide || o.unnamed()
	meet(int64(o.fd))
	meet(int64(o.fd2))
	for _, p := range o.polls {
		meet(int64(p.Fd))
	}
	for _, s := range o.sets {
		for _, fd := range s.Fds() {
			meet(int64(fd))
		}
	}
	if !numbers(o) || o.row.name == "close" || o.want.failed() {
		return
	}
	given := o.want.fds
	if len(given) == 0 {
		given = []int{int(o.want.ret)}
	}
	for _, fd := range given {
		if meet(int64(fd)); fd < farthest && o.lowest() == 0 && o.row.name != "dup2" && o.row.name != "dup3" {
			h.most = max(h.most, fd)
		}
	}
}

// below gives them in order.
func (h *holes) below() []int {
	var list []int
	if h.hide {
		return nil
	}
	for fd := 3; fd < h.most; fd++ {
		if !h.met[fd] {
			list = append(list, fd)
		}
	}
	return list
}

// fillHoles opens what the first program of the log must have found open.
func (x *exec) fillHoles(th *thread) {
	if x.log.attached || x.log.blind || len(x.tables) > 1 {
		return
	}
	files := th.k.Files()
	for _, fd := range x.log.holes.below() {
		x.k.PutFile(files, fd, newExternal(x.k.System(), "inherited", abi.O_RDWR, true))
		x.table(files).known[fd] = true
		x.inferred("fd %d of process %d was open before the log began", fd, th.k.Process().Pid())
	}
}
