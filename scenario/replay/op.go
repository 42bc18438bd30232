package replay

import (
	"github.com/epollsim/epollsim/abi"
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
	fd2    int      // another one: of epoll_ctl, dup2, splice
	a      [3]int64 // other numbers, as the row has them
	text   string   // a path
	data   []byte   // what it writes, as far as the log has it; of a read of a counter, what it got
	whole  bool     // data is all of it
	event  *abi.EpollEvent
	polls  []abi.PollFd
	sets   [3]*abi.FdSet
	addr   *abi.Sockaddr
	sigs   *abi.SigSet
	spec   abi.Itimerspec
	fds    []int  // passed in or out: pipe2, socketpair, SCM_RIGHTS
	handle uint8  // of sigaction
	port   uint16 // of a connect: the one it was given, 0 if the log does not tell

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

// row is what the replay knows of one system call.
type row struct {
	name string
	// parse takes the arguments and results from the log; false: this form of it is not replayed.
	parse func(o *op, c *strace.Call) bool
	// run makes the call; it is on the thread that the log names.
	run func(x *exec, o *op) outcome
	// ready tells whether run would come to what the log says now; nil: it is not foreseen.
	ready func(x *exec, o *op) bool
	// help lets the world do what run needs, and tells whether it did something.
	help func(x *exec, o *op) bool
	// waits: it may sleep for long, and is begun when the log says so if it would.
	waits bool
	// looks: it changes nothing if it comes to what the log says.
	looks bool
	// allocates: the result is a new number.
	allocates bool
	// ends: the task ends in it.
	ends bool
}

// args gives access to the arguments of a call that is complete.
type args struct {
	c  *strace.Call
	ok bool
}

func (a *args) at(i int) *strace.Value {
	if i < len(a.c.Args) {
		return &a.c.Args[i]
	}
	return &strace.Value{}
}

func (a *args) has(i int) bool { return i < len(a.c.Args) }

// num is a number; without one the call is not replayed.
func (a *args) num(i int) int64 {
	n, ok := a.at(i).Number()
	a.ok = a.ok && ok
	return n
}

func (a *args) int32(i int) int { return int(int32(a.num(i))) }

// numOr is a number, or another one if there is none.
func (a *args) numOr(i int, otherwise int64) int64 {
	if n, ok := a.at(i).Number(); ok {
		return n
	}
	return otherwise
}

// data is a buffer: as many bytes as the call wrote, those that the log left out are zero.
func (a *args) data(i int, size int64) (data []byte, whole bool) {
	v := a.at(i)
	text := v.Text
	if v.Kind != strace.ValueString {
		text = ""
	}
	if size < 0 || size > maxBuffer {
		size = min(max(size, 0), maxBuffer)
	}
	data = make([]byte, size)
	n := copy(data, text)
	return data, int64(n) == size
}

// maxBuffer bounds what a call moves: MAX_RW_COUNT would be memory for nothing.
const maxBuffer = 64 << 20

// result is what the log says came of a call.
func result(c *strace.Call) outcome {
	r := &c.Result
	o := outcome{ret: r.Ret, errno: r.Err, none: r.Unknown && r.Err == 0}
	if r.Failed && r.Err == 0 {
		o.errno = unknownErrno
	}
	if o.errno != 0 {
		o.ret = -1
	}
	return o
}

// unknownErrno stands for an error that package abi has no number for.
const unknownErrno abi.Errno = 4095

// before is what a value was when the call began.
func before(v *strace.Value) *strace.Value {
	if v.Kind == strace.ValueChange && len(v.List) > 0 {
		return &v.List[0]
	}
	return v
}

// sigset is a set of signals as strace shows it.
func sigset(v *strace.Value) *abi.SigSet {
	if v.Kind != strace.ValueArray {
		return nil
	}
	var set abi.SigSet
	for i := range v.List {
		sig, ok := signalByName(v.List[i].Text)
		if n, numbered := v.List[i].Number(); !ok && numbered && n >= 1 && n <= int64(abi.SIGRTMAX) {
			sig, ok = abi.Signal(n), true
		}
		if ok {
			set.Add(sig)
		}
	}
	if v.Negated {
		set = ^set
	}
	return &set
}

func timespec(v *strace.Value) (ts abi.Timespec, ok bool) {
	sec, nsec := v.Field("tv_sec"), v.Field("tv_nsec")
	scale := int64(1)
	if nsec == nil {
		nsec, scale = v.Field("tv_usec"), 1000
	}
	if sec == nil || nsec == nil {
		return ts, false
	}
	s, ok1 := sec.Number()
	n, ok2 := nsec.Number()
	return abi.Timespec{Sec: s, Nsec: n * scale}, ok1 && ok2
}

// millis is a timeout in milliseconds, rounded up; -1 for NULL.
func millis(v *strace.Value) int64 {
	if ts, ok := timespec(v); ok {
		return ts.Sec*1000 + (ts.Nsec+999_999)/1_000_000
	}
	return -1
}

// events are the events of an epoll_wait.
func events(v *strace.Value) (list []abi.EpollEvent, cut bool) {
	for i := range v.List {
		if e := event(&v.List[i]); e != nil {
			list = append(list, *e)
		}
	}
	return list, v.Cut
}

// event is a struct epoll_event in any of the ways strace has shown it.
func event(v *strace.Value) *abi.EpollEvent {
	if v.Kind != strace.ValueStruct || len(v.List) == 0 {
		return nil
	}
	mask, data := v.Field("events"), v.Field("data")
	if mask == nil {
		mask = &v.List[0]
	}
	if data == nil && len(v.List) > 1 {
		data = &v.List[1]
	}
	e := &abi.EpollEvent{}
	n, _ := mask.Number()
	e.Events = abi.Events(uint32(n))
	if data != nil {
		if u := data.Field("u64"); u != nil {
			data = u
		}
		n, _ := data.Number()
		e.Data = uint64(n)
	}
	return e
}

// pollFds are the entries of a poll.
func pollFds(v *strace.Value) ([]abi.PollFd, bool) {
	var list []abi.PollFd
	for i := range v.List {
		p := &v.List[i]
		fd, events, revents := p.Field("fd"), p.Field("events"), p.Field("revents")
		if fd == nil {
			return nil, false
		}
		e := abi.PollFd{}
		n, _ := fd.Number()
		e.Fd = int32(n)
		if events != nil {
			n, _ = events.Number()
			e.Events = int16(n)
		}
		if revents != nil {
			n, _ = revents.Number()
			e.Revents = int16(n)
		}
		list = append(list, e)
	}
	return list, !v.Cut
}

// fdSet is a set of descriptors; nil for NULL.
func fdSet(v *strace.Value) *abi.FdSet {
	if v.Kind != strace.ValueArray {
		return nil
	}
	set := &abi.FdSet{}
	for i := range v.List {
		if fd, ok := v.List[i].Number(); ok && fd >= 0 && fd < 1024 {
			set.Set(int(fd))
		}
	}
	return set
}

// ints are the numbers of an array.
func ints(v *strace.Value) []int {
	var list []int
	for i := range v.List {
		n, ok := v.List[i].Number()
		if !ok {
			return nil
		}
		list = append(list, int(n))
	}
	return list
}
