package replay

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var classExternal = sim.NewClass("external")

// external is a file of which the log says all that is known: one that was open before the log began, or of a kind that the
// model has not. Its state is what the results ask for.
type external struct {
	m    *sim.Machine
	id   sim.ID
	head waitqueue.Head
	bits abi.Events

	meant  meant
	closed func() // tells that nobody has it open any more
}

// closedFile is an external file without ->poll.
type closedFile struct{ *external }

// pollable is one with ->poll.
type pollable struct{ *external }

// newExternal makes such a file. One that can be polled is writable at first.
func newExternal(s *vfs.System, name string, flags int, polls bool) *vfs.File {
	return newReady(s, name, flags, polls, abi.EPOLLOUT|abi.EPOLLWRNORM)
}

func newReady(s *vfs.System, name string, flags int, polls bool, bits abi.Events) *vfs.File {
	e := &external{m: s.M, id: s.M.NewID(classExternal), bits: bits}
	e.head.Init(s.M)
	if polls {
		return s.NewFile(pollable{e}, flags, name, s.NextIno())
	}
	return s.NewFile(closedFile{e}, flags, name, s.NextIno())
}

// externalOf returns f as an external file, or nil.
func externalOf(f *vfs.File) *external {
	if f == nil {
		return nil
	}
	switch e := f.Ops.(type) {
	case pollable:
		return e.external
	case closedFile:
		return e.external
	}
	return nil
}

// Read is never asked: the log has what is read.
func (e *external) Read(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Write is never asked.
func (e *external) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Release tells those that watch the file by its name.
func (e *external) Release(*vfs.File) {
	if e.closed != nil {
		e.closed()
	}
}

// Poll reports what the world has made of the file.
func (e pollable) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &e.head)
	return e.bits
}

// normal are the bits that come with IN and OUT from nearly every file.
func normal(bits abi.Events) abi.Events {
	if bits&abi.EPOLLIN != 0 {
		bits |= abi.EPOLLRDNORM
	}
	if bits&abi.EPOLLOUT != 0 {
		bits |= abi.EPOLLWRNORM
	}
	return bits
}

// become makes the file ready for bits, of those that mask names, and wakes who waits for them.
func (e *external) become(bits, mask abi.Events) {
	e.bits = e.bits&^mask | bits
	if bits != 0 {
		e.head.WakeUp(sim.Normal, 0, false, bits)
	}
}

// opened reports whether the log shows with which flags f was opened: by a path.
func opened(f *vfs.File) bool { return externalOf(f) == nil || strings.HasPrefix(f.Name, "/") }

// openOnly are the flags of open that the description does not keep.
const openOnly = abi.O_CLOEXEC | abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC

// installExternal opens a file that the model does not have.
func (x *exec) installExternal(o *op, name string, flags int, polls bool) outcome {
	files := x.thread(o).k.Files()
	fd, errno := files.Reserve(0, flags&abi.O_CLOEXEC != 0)
	if errno != 0 {
		return outcome{ret: -1, errno: errno}
	}
	ready := normal(abi.EPOLLOUT)
	if !polls { // a file on disk, unless the log tells of a wait that finds it otherwise
		ready |= normal(abi.EPOLLIN)
	}
	files.Install(fd, newReady(x.k.System(), name, flags&^openOnly, true, ready))
	if name == "socket:" {
		x.tally.injected++
	}
	return outcome{ret: int64(fd)}
}

// externalPair opens two.
func (x *exec) externalPair(o *op) outcome {
	flags := socketFlags(int(o.a[1]))
	a, b := x.installExternal(o, "socket:", flags, true), x.installExternal(o, "socket:", flags, true)
	return outcome{fds: []int{int(a.ret), int(b.ret)}}
}

func (x *exec) setExternal(f *vfs.File, e *external, want, mask abi.Events) bool {
	if !f.CanPoll() || want&abi.EPOLLNVAL != 0 {
		return false
	}
	e.become(normal(want), normal(mask))
	if want != 0 {
		x.inferred("%s became ready for %s", f.Name, want)
	}
	return true
}
