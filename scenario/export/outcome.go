package export

import (
	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
)

// outcome is what a call that succeeded has returned and stored. No return value: it is not compared.
type outcome struct {
	doc string // of the return value and the fields of out, for the reference
	of  func(r *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object)
}

var (
	number         = outcome{"the result", toNumber}
	own            = outcome{"not compared", toOwn}
	ioctlNumber    = outcome{"the result, of `FIONREAD` and the like what was stored; not compared for `TIOCGPTN`", toIoctl}
	optionNumber   = outcome{"the result; not compared for `SO_PEERCRED`", toOption}
	eight          = outcome{"8", toEight}
	value          = outcome{"8; `value` wide", toValue}
	signo          = outcome{"128; `signo` of the one record", toSigno}
	pair           = outcome{"0; `fds` both", toPair}
	events         = outcome{"how many; `events` of `events`, `data` wide", toEvents}
	polled         = outcome{"how many; `ready` of `fd`, `revents`, in the order of the call, without those that are 0", toPolled}
	selected       = outcome{"how many in all; `r`, `w`, `x` the fds left in each set, ascending", toSelected}
	data           = outcome{"how many bytes, not compared with `MSG_TRUNC`; `data`", toData}
	pieces         = outcome{"how many bytes; `data` of all buffers, one behind the other", toPieces}
	address        = outcome{"0; `address`, absent for an abstract name that the kernel chose", toAddress}
	dataAndAddress = outcome{"as `recv`; `data`, `address` of the sender", toDataAndAddress}
	dataAndRights  = outcome{"as `recv`; `data`, `fds` that came with it", toDataAndRights}
	timer          = outcome{"0; `running` (0 or 1: the time that is left is not compared), `interval_ns`", toTimer}
	inotifyEvents  = outcome{"not compared (names are padded); `events` of `wd`, `mask`, `cookie` (counted from 1 as they come), `name`", toInotify}
)

func whole(n int64) *int64 { return &n }

// toNumber is the return value and all there is.
func toNumber(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	return whole(int64(bits(v))), nil
}

// toOwn is a number that means nothing elsewhere.
func toOwn(*recording, starlark.Value, map[string]starlark.Value) (*int64, Object) { return nil, nil }

// toIoctl leaves out what is the number of a pty.
func toIoctl(_ *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object) {
	if bits(params["request"]) == abi.TIOCGPTN {
		return nil, nil
	}
	return whole(int64(bits(v))), nil
}

// toOption leaves out what is a process id.
func toOption(_ *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object) {
	if bits(params["level"]) == abi.SOL_SOCKET && bits(params["opt"]) == abi.SO_PEERCRED {
		return nil, nil
	}
	return whole(int64(bits(v))), nil
}

func toEight(*recording, starlark.Value, map[string]starlark.Value) (*int64, Object) {
	return whole(8), nil
}

func toValue(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	return whole(8), Object{{"value", Wide(bits(v))}}
}

func toSigno(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	return whole(128), Object{{"signo", spelled("SIG", int64(bits(v)))}}
}

func toPair(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	t := v.(starlark.Tuple)
	return whole(0), Object{{"fds", []int64{int64(bits(t[0])), int64(bits(t[1]))}}}
}

func toEvents(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	list := []Object{}
	for _, item := range elements(v) {
		t := item.(starlark.Tuple)
		list = append(list, Object{{"events", spelled("EPOLL", int64(bits(t[0])))}, {"data", Wide(bits(t[1]))}})
	}
	return whole(int64(len(list))), Object{{"events", list}}
}

func toPolled(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	list := []Object{}
	for _, item := range elements(v) {
		t := item.(starlark.Tuple)
		list = append(list, Object{{"fd", int64(bits(t[0]))}, {"revents", spelled("POLL", int64(bits(t[1])))}})
	}
	return whole(int64(len(list))), Object{{"ready", list}}
}

func toSelected(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	var out Object
	total := 0
	for i, set := range v.(starlark.Tuple) {
		list := []int64{}
		for _, fd := range elements(set) {
			list = append(list, int64(bits(fd)))
		}
		total += len(list)
		out = append(out, Field{"rwx"[i : i+1], list})
	}
	return whole(int64(total)), out
}

// toData is what was received. With MSG_TRUNC the return value also counts what did not fit, which a scenario does not see.
func toData(_ *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object) {
	d := dataOf([]byte(v.(starlark.Bytes)))
	out := Object{{"data", d}}
	if flags, ok := params["flags"].(starlark.Int); ok && bits(flags)&abi.MSG_TRUNC != 0 {
		return nil, out
	}
	return whole(int64(d.Len())), out
}

// toPieces is what was received in several buffers: how it is parted follows from their sizes.
func toPieces(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	var all []byte
	for _, item := range elements(v) {
		all = append(all, item.(starlark.Bytes)...)
	}
	return whole(int64(len(all))), Object{{"data", dataOf(all)}}
}

func toAddress(r *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	return whole(0), r.addressOut(v)
}

// addressOut is an address that is the same elsewhere: an abstract name that the kernel has chosen is not.
func (r *recording) addressOut(v starlark.Value) Object {
	a := addressOf(v)
	if len(a.Name) > 0 && a.Name[0] == '@' && !r.bound[a.Name] {
		return nil
	}
	return Object{{"address", a}}
}

func toDataAndAddress(r *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object) {
	t := v.(starlark.Tuple)
	n, out := toData(r, t[0], params)
	return n, append(out, r.addressOut(t[1])...)
}

func toDataAndRights(r *recording, v starlark.Value, params map[string]starlark.Value) (*int64, Object) {
	t := v.(starlark.Tuple)
	n, out := toData(r, t[0], params)
	list := []int64{}
	for _, fd := range elements(t[1]) {
		list = append(list, int64(bits(fd)))
	}
	return n, append(out, Field{"fds", list})
}

// toTimer: how much time is left is the run's own.
func toTimer(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	t := v.(starlark.Tuple)
	running := int64(0)
	if bits(t[0]) != 0 {
		running = 1
	}
	return whole(0), Object{{"running", running}, {"interval_ns", int64(bits(t[1]))}}
}

// toInotify: how many bytes they are is not told, for names are padded.
func toInotify(_ *recording, v starlark.Value, _ map[string]starlark.Value) (*int64, Object) {
	list := []Object{}
	for _, item := range elements(v) {
		t := item.(starlark.Tuple)
		name, _ := starlark.AsString(t[3])
		list = append(list, Object{
			{"wd", int64(bits(t[0]))}, {"mask", spelled("IN", int64(bits(t[1])))}, {"cookie", int64(bits(t[2]))}, {"name", name},
		})
	}
	return nil, Object{{"events", list}}
}
