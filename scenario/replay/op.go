package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
)

// op is one call of a log, cut down to what the replay needs: a log has many.
type op struct {
	index      int // among the calls of the log
	moment     int // at which it begins
	row        *row
	name       string
	tid        int
	task       int // Serial of its task
	begin, end strace.Mark
	never      bool // it did not come back
	outside    bool // the model has not what it asks for
	free       bool // other calls were under way at the same time

	fd     int      // the descriptor it works on, -1: none
	fd2    int      // another one: of epoll_ctl, dup2, splice, tee
	a      [3]int64 // other numbers, as the row has them
	text   string   // a path
	other  string   // the new one of a rename
	data   payload  // what it writes
	whole  bool     // the log shows all of it
	iov    []int    // the sizes of its buffers, if it has several
	event  *abi.EpollEvent
	polls  []abi.PollFd
	sets   [3]*abi.FdSet
	addr   *abi.Sockaddr
	sigs   *abi.SigSet
	masked bool       // it has a set of signals that the log does not show
	caught abi.SigSet // what was delivered when a signal ended it
	spec   abi.Itimerspec
	odd    any            // a timeout with a negative part, or too many ns: *abi.Timespec, *abi.Timeval of select
	fds    []int          // passed in or out: pipe2, socketpair, SCM_RIGHTS
	handle kernel.Handler // of sigaction
	parts  []*op          // of a call with several messages
	port   uint16         // of a connect: the one it was given, 0 if the log does not tell

	want outcome
}

// outcome is what a call came to: in the log, or in the model.
type outcome struct {
	none   bool // no result: "= ?"
	ret    int64
	errno  abi.Errno
	events []abi.EpollEvent
	cut    bool // events has fewer than ret, the log left out the rest
	polls  []abi.PollFd
	sets   [3]*abi.FdSet
	fds    []int
	value  []byte // of reads whose contents the kernel makes: counters, signals
}

func (o *outcome) failed() bool { return o.errno != 0 }

// interrupted reports whether a signal ended the call.
func (o *outcome) interrupted() bool { return o.errno == abi.EINTR || o.errno >= abi.ERESTARTSYS }

// result is what the log says came of a call.
func result(c *strace.Call) outcome {
	r := &c.Result
	o := outcome{ret: r.Ret, errno: r.Err, none: r.Unknown && r.Err == 0 || r.Ret < 0 && !r.Failed} // a number of a task that is killed
	if r.Failed && r.Err == 0 {
		o.errno = unknownErrno
	}
	if o.errno != 0 {
		o.ret = -1
	}
	return o
}

// filtered reports whether a call was refused before the kernel looked at it: by a filter, or because there is no such call.
func (o *op) filtered() bool {
	return o.want.errno == abi.ENOSYS || o.want.errno == abi.EPERM && o.row.isEpollWait()
}

// unknownErrno stands for an error that package abi has no number for.
const unknownErrno abi.Errno = 4095
