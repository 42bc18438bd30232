package strace

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// readers has one for each form: the way back of printers. Of what points to memory, NULL and bare addresses do not come
// here.
var readers [forms]reader

func init() { // a reader looks into the table through its typer
	readers = [forms]reader{
		formNumber:     readNumber,
		formUnsigned:   readNumber,
		formSize:       readNumber,
		formHex:        readNumber,
		formMode:       readNumber,
		formNode:       readNumber,
		formFlags:      readNumber,
		formEnum:       readNumber,
		formSockopt:    readNumber,
		formDirfd:      readNumber,
		formThread:     readNumber,
		formStack:      readAny,
		formCloneFlags: readNumber,
		formChildTid:   readAny,
		formCloneArgs:  readCloneArgs,
		formCloneTids:  readAny,
		formResuming:   readResuming,
		formSocklen:    readSocklen,

		formPointer:    readAny,
		formEvent:      readEvent,
		formEventsOut:  readEvents,
		formBytes:      readBytes,
		formBytesOut:   readBytes,
		formPath:       readPath,
		formPair:       readPair,
		formInt:        readInt,
		formPollFds:    readPollFds,
		formFdSet:      readFdSet,
		formSigSet:     readSigSet,
		formSigmask:    readSigmask,
		formSigreturn:  readSigreturn,
		formSigAction:  readSigAction,
		formTimespec:   readTime,
		formTimeval:    readTimeval,
		formItimerspec: readItimerspec,
		formRlimit:     readRlimit,
		formWaitStatus: readWaitStatus,
		formSiginfo:    readSiginfo,
		formSockaddr:   readSockaddr,
		formOptval:     readOptval,
		formIovec:      readIovec,
		formIovecOut:   readIovec,
		formMessage:    readMessage,
		formMessageOut: readMessage,
		formTermios:    readTermios,
		formOffset:     readOffset,
	}
}

func readNumber(_ *typer, v *Value, _ int) (any, bool) {
	n, ok := v.Number()
	if !ok && v.Kind == ValueFlags && strings.Contains(v.Comment, "???") {
		return int(v.Int), true
	}
	return int(n), ok
}

// readAny is for what the model has no use for.
func readAny(_ *typer, v *Value, _ int) (any, bool) {
	if v.IsNull() {
		return nil, true
	}
	return Pointer(v.Int), true
}

// readOffset reads [0] and [0] => [100].
func readOffset(_ *typer, v *Value, _ int) (any, bool) {
	switch {
	case v.IsNull():
		return nil, true
	case v.Pointer():
		return Pointer(v.Int), true
	case v.Kind == ValueChange:
		before, ok := oneNumber(&v.List[0])
		after, ok2 := oneNumber(&v.List[1])
		return &kernel.Offset{Before: before, After: after}, ok && ok2
	}
	n, ok := oneNumber(v)
	return &kernel.Offset{Before: n, After: n}, ok
}

func oneNumber(v *Value) (int64, bool) {
	if v.Kind != ValueArray || len(v.List) != 1 {
		return 0, false
	}
	return v.List[0].Number()
}

func readEvent(_ *typer, v *Value, _ int) (any, bool) {
	ev, ok := eventOf(v)
	return &ev, ok
}

// eventOf reads {events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLIN, data=0x5} and {EPOLLIN, {u32=5, u64=5}}.
func eventOf(v *Value) (ev abi.EpollEvent, ok bool) {
	events, ok := v.at("events", 0).Number()
	data := v.at("data", 1)
	if data.Kind == ValueStruct {
		data = data.at("u64", 1)
	}
	n, ok2 := data.Number()
	return abi.EpollEvent{Events: abi.Events(events), Data: uint64(n)}, ok && ok2
}

func readEvents(_ *typer, v *Value, _ int) (any, bool) {
	list := make([]abi.EpollEvent, len(v.List))
	for i := range v.List {
		var ok bool
		if list[i], ok = eventOf(&v.List[i]); !ok {
			return nil, false
		}
	}
	return list, v.Kind == ValueArray
}

// readBytes also takes what strace shows as something else than bytes: then none are known.
func readBytes(ty *typer, v *Value, i int) (any, bool) {
	if v.Kind != ValueString {
		ty.Cut |= 1 << i
		return []byte{}, true
	}
	return []byte(v.Text), true
}

func readPath(_ *typer, v *Value, _ int) (any, bool) { return v.Text, v.Kind == ValueString }

func readPair(_ *typer, v *Value, _ int) (any, bool) {
	if v.Kind != ValueArray || len(v.List) != 2 {
		return nil, false
	}
	a, ok := v.List[0].Number()
	b, ok2 := v.List[1].Number()
	return &[2]int{int(a), int(b)}, ok && ok2
}

// readInt reads [1] and [0 => 1].
func readInt(_ *typer, v *Value, _ int) (any, bool) {
	if v.Kind != ValueArray || len(v.List) != 1 {
		return nil, false
	}
	item := &v.List[0]
	if item.Kind == ValueChange {
		item = &item.List[1]
	}
	if n, ok := item.Number(); ok {
		return int(n), true
	}
	if err, ok := abi.ErrnoByName(item.Text); ok { // SO_ERROR
		return int(err), true
	}
	return nil, false
}

func readPollFds(_ *typer, v *Value, _ int) (any, bool) {
	fds := make([]abi.PollFd, len(v.List))
	for i := range v.List {
		fd, ok := v.List[i].at("fd", 0).Number()
		if !ok {
			return nil, false
		}
		events, _ := v.List[i].at("events", 1).Number()
		fds[i] = abi.PollFd{Fd: int32(fd), Events: int16(events)}
	}
	return fds, v.Kind == ValueArray
}

func readFdSet(_ *typer, v *Value, _ int) (any, bool) {
	set, ok := fdSetOf(v)
	return &set, ok
}

func fdSetOf(v *Value) (set abi.FdSet, ok bool) {
	for i := range v.List {
		fd, isNumber := v.List[i].Number()
		if !isNumber {
			return set, false
		}
		set.Set(int(fd))
	}
	return set, v.Kind == ValueArray
}

func readSigSet(_ *typer, v *Value, _ int) (any, bool) {
	set, ok := sigSetOf(v)
	return &set, ok
}

func sigSetOf(v *Value) (set abi.SigSet, ok bool) {
	for i := range v.List {
		name := v.List[i].Text
		sig, known := abi.SignalByName("SIG" + name)
		if !known {
			sig, known = abi.SignalByName(name)
		}
		if n, ok := v.List[i].Number(); !known && ok { // -X raw, -X verbose
			sig, known = abi.Signal(n), n >= 1 && n <= int64(abi.SIGRTMAX)
		}
		if !known {
			return 0, false
		}
		set.Add(sig)
	}
	if v.Negated {
		set = ^set
	}
	return set, v.Kind == ValueArray
}

// readSigmask reads the pair that pselect6 passes.
func readSigmask(_ *typer, v *Value, _ int) (any, bool) {
	mask := v.at("sigmask", 0)
	if mask.IsNull() {
		return (*abi.SigSet)(nil), true
	}
	set, ok := sigSetOf(mask)
	return &set, ok
}

func readSigreturn(_ *typer, v *Value, _ int) (any, bool) {
	set, ok := sigSetOf(v.at("mask", 0))
	return &set, ok
}

func readSigAction(_ *typer, v *Value, _ int) (any, bool) {
	var act kernel.SigAction
	switch handler := v.at("sa_handler", 0); {
	case handler.Is("SIG_DFL"):
	case handler.Is("SIG_IGN"):
		act.Handler = kernel.HandlerIgnore
	default:
		act.Handler = kernel.HandlerFunc
	}
	mask, ok := sigSetOf(v.at("sa_mask", 1))
	flags, _ := v.at("sa_flags", 2).Number()
	act.Mask, act.Flags = mask, uint32(flags&^saRestorer)
	return act, ok
}

func readTime(_ *typer, v *Value, _ int) (any, bool) {
	ts, ok := timeOf(v)
	return &ts, ok
}

func readTimeval(_ *typer, v *Value, _ int) (any, bool) {
	sec, ok := v.at("tv_sec", 0).Number()
	usec, ok2 := v.at("tv_usec", 1).Number()
	return &abi.Timeval{Sec: sec, Usec: usec}, ok && ok2
}

// timeOf reads a struct timespec or timeval.
func timeOf(v *Value) (abi.Timespec, bool) {
	unit := int64(1)
	sec, ok := v.at("tv_sec", 0).Number()
	fraction := v.at("tv_nsec", 1)
	if f := v.Field("tv_usec"); f != nil {
		fraction, unit = f, 1000
	}
	nsec, ok2 := fraction.Number()
	return abi.Timespec{Sec: sec, Nsec: nsec * unit}, ok && ok2
}

func readItimerspec(_ *typer, v *Value, _ int) (any, bool) {
	interval, ok := timeOf(v.at("it_interval", 0))
	first, ok2 := timeOf(v.at("it_value", 1))
	return &abi.Itimerspec{Interval: interval, Value: first}, ok && ok2
}
