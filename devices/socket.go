package devices

import (
	"fmt"
	"math"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Socket is a file that the socket calls work on, models struct proto_ops. The floor above has checked that the file is
// one; O_NONBLOCK is looked up here.
type Socket interface {
	vfs.Operations
	Bind(f *vfs.File, addr abi.Sockaddr) abi.Errno
	Listen(f *vfs.File, backlog int) abi.Errno
	// Accept returns the description of a new connection; of flags, SOCK_NONBLOCK matters.
	Accept(f *vfs.File, flags int) (*vfs.File, abi.Errno)
	Connect(f *vfs.File, addr abi.Sockaddr) abi.Errno
	Shutdown(f *vfs.File, how int) abi.Errno
	Sockname(f *vfs.File) (abi.Sockaddr, abi.Errno)
	Peername(f *vfs.File) (abi.Sockaddr, abi.Errno)
	Setsockopt(f *vfs.File, level, name int, value OptionValue) abi.Errno
	Getsockopt(f *vfs.File, level, name int) (int, abi.Errno)
	Send(f *vfs.File, msg *Msg) (int, abi.Errno)
	Recv(f *vfs.File, msg *Msg) (int, abi.Errno)
}

// SocketOf returns f as a socket, nil if it is none: sock_from_file.
func SocketOf(f *vfs.File) Socket {
	s, _ := f.Ops.(Socket)
	return s
}

// OptionValue is what setsockopt is given: one int, or a pair (struct linger, struct timeval).
type OptionValue struct {
	A, B int
	Pair bool
}

// Msg is what one call sends, or where it receives to. Models struct msghdr.
type Msg struct {
	Data   []byte
	Flags  int           // MSG_*
	Name   *abi.Sockaddr // where to; on receipt, where from. nil: NULL
	Pages  []stretch     // that Data lies in, if they are not copied: MSG_SPLICE_PAGES
	Pipe   *Pipe         // where a stream puts what it has, in place of Data: up to Splice bytes
	Splice int

	// Descriptors, SCM_RIGHTS: the numbers to send, or those received, of this table.
	Table  *vfs.FdTable
	Rights []int
	Room   int // for how many received ones there is room

	// On receipt.
	OutFlags int  // MSG_*
	Unnamed  bool // who sent it has no name; Name is as it was

	files []*vfs.File // references in transit
}

// size is how much is received at most.
func (msg *Msg) size() int {
	if msg.Pipe != nil {
		return msg.Splice
	}
	return len(msg.Data)
}

// takePage takes the next stretch of Pages, or the first n bytes of it.
func (msg *Msg) takePage(n int) stretch {
	page := &msg.Pages[0]
	taken := *page
	taken.n = min(page.n, int32(n))
	page.n -= taken.n
	page.base += taken.n
	page.place += int64(taken.n)
	if page.n == 0 {
		msg.Pages = msg.Pages[1:]
	}
	return taken
}

// noWait is the end of a wait that does not begin.
const noWait = int64(math.MinInt64)

// socketDeadline is when a wait with this timeout in ns ends: sock_rcvtimeo, sock_sndtimeo.
func socketDeadline(m *sim.Machine, flags int, timeout int64) int64 {
	switch {
	case flags&abi.MSG_DONTWAIT != 0 || timeout == 0:
		return noWait
	case timeout == sim.Forever:
		return sim.Forever
	}
	return m.Now() + timeout
}

// mayWait reports whether there is time left.
func mayWait(m *sim.Machine, deadline int64) bool {
	return deadline == sim.Forever || m.Now() < deadline
}

// interruptedWait is what a signal makes of a wait: one with a timeout is not made again. Models sock_intr_errno.
func interruptedWait(deadline int64) abi.Errno {
	if deadline == sim.Forever {
		return abi.ERESTARTSYS
	}
	return abi.EINTR
}

// tick is the grain of the timeouts of sockets: CONFIG_HZ is 250.
const tick = int64(4 * time.Millisecond)

// socketTimeout gives a struct timeval as ns: zero means for ever, a negative time no waiting at all. Models
// sock_set_timeout.
func socketTimeout(sec, usec int64) (int64, abi.Errno) {
	switch {
	case usec < 0 || usec >= 1_000_000:
		return 0, abi.EDOM
	case sec < 0:
		return 0, 0
	case sec == 0 && usec == 0, sec >= sim.Forever/1_000_000_000-1:
		return sim.Forever, 0
	}
	return sec*1_000_000_000 + (usec*1000+tick-1)/tick*tick, 0
}

// raiseSigpipe sends SIGPIPE to the running task: it has written to what nobody reads.
func raiseSigpipe(m *sim.Machine) {
	if t := m.Current(); t != nil {
		if s, ok := t.Owner.(SignalSender); ok {
			s.SendSigpipe()
		}
	}
}

// TaskGroup is met by the owner of a task that has a process: who asks for the peer of a socket is told its id.
type TaskGroup interface{ Tgid() int }

// currentTgid returns the process id of the running task, 0 if it has none.
func currentTgid(m *sim.Machine) int32 {
	if t := m.Current(); t != nil {
		if g, ok := t.Owner.(TaskGroup); ok {
			return int32(g.Tgid())
		}
	}
	return 0
}

// NotModelledError says that a program asked for what Linux has and the model does not.
type NotModelledError struct{ What string }

// Error names what is not modelled.
func (e *NotModelledError) Error() string { return e.What + " is not modelled" }

// notModelled ends the run: what is not modelled is refused by name, never ignored. Without a run it is ENOSYS.
func notModelled(m *sim.Machine, format string, args ...any) abi.Errno {
	if m.Current() != nil {
		m.Stop(&NotModelledError{fmt.Sprintf(format, args...)})
	}
	return abi.ENOSYS
}

// takeErr returns the error that is pending at a place, and clears it; the socket id has it. Models sock_error.
func takeErr(m *sim.Machine, id sim.ID, at *abi.Errno) abi.Errno {
	m.Read(id, fieldErr)
	errno := *at
	if errno != 0 {
		m.Write(id, fieldErr)
		*at = 0
	}
	return errno
}
