package vfs

import (
	"strconv"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/waitqueue"
)

// Traced is a file whose functions have names of their own in traces: "pipe" for pipe_poll and pipe_release, and
// its identity. Other files show as vfs_poll.
type Traced interface {
	Traced() (prefix string, id sim.ID)
}

// traced returns the name of a function of f in traces, and the object that it works on.
func (f *File) traced(function, otherwise string) (string, sim.ID) {
	if t, ok := f.Ops.(Traced); ok {
		prefix, id := t.Traced()
		return prefix + function, id
	}
	return otherwise, f.id
}

// TracedRead is Ops.Read of a traced run.
func (f *File) TracedRead(p []byte) (int, abi.Errno) {
	m := f.Sys.M
	name, id := f.traced("_read", "vfs_read")
	m.EnterOn(id, name, "")
	n, errno := f.Ops.Read(f, p)
	m.LeaveWith(name, resultText(n, errno))
	return n, errno
}

// TracedWrite is Ops.Write of a traced run.
func (f *File) TracedWrite(p []byte) (int, abi.Errno) {
	m := f.Sys.M
	name, id := f.traced("_write", "vfs_write")
	m.EnterOn(id, name, "")
	n, errno := f.Ops.Write(f, p)
	m.LeaveWith(name, resultText(n, errno))
	return n, errno
}

func resultText(n int, errno abi.Errno) string {
	if errno != 0 {
		return "-" + errno.Name()
	}
	return strconv.Itoa(n)
}

func (f *File) tracedPoll(pt *PollTable) abi.Events {
	m := f.Sys.M
	name, id := f.traced("_poll", "vfs_poll")
	m.EnterOn(id, name, "")
	mask := f.poller.Poll(f, pt)
	m.LeaveWith(name, mask.Short())
	return mask
}

func (f *File) tracedFput() {
	m := f.Sys.M
	m.EnterOn(f.id, "__fput", "")
	f.fput()
	m.Leave("__fput")
}

// Stater is a file that shows what it keeps in snapshots.
type Stater interface {
	FileState() FileState
}

// FileState is a file, or what several descriptions share, as plain data.
type FileState struct {
	Struct string            `json:"struct"` // the kernel's name of it: "pipe_inode_info"
	ID     string            `json:"id"`
	Fields []FieldState      `json:"fields"`
	Queues []waitqueue.State `json:"queues"`
}

// FieldState is one field, its value as text.
type FieldState struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
