package export

import (
	"fmt"
	"math"
	"strings"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
)

// arguments gives the arguments of a call their form; why that cannot be, or "".
func (r *row) arguments(rec *recording, params map[string]starlark.Value) (Object, string) {
	if r.args != nil {
		return r.args(rec, params)
	}
	var args Object
	for _, p := range r.params {
		args = append(args, Field{p.name, p.convert(params[p.name])})
	}
	return args, ""
}

func (p param) convert(v starlark.Value) any {
	if v == starlark.None {
		return nil
	}
	switch p.form {
	case asData:
		return dataOf([]byte(v.(starlark.Bytes)))
	case asText:
		return string(v.(starlark.String))
	case asWide:
		return Wide(bits(v))
	case asAddress:
		return addressOf(v)
	case asFds, asSizes:
		return fdList(v)
	case asBuffers:
		list := []Data{}
		for _, item := range elements(v) {
			list = append(list, dataOf([]byte(item.(starlark.Bytes))))
		}
		return list
	case asSignals:
		return signalNames(v)
	case asPolls:
		return pollList(v)
	case asMillis:
		return nanoseconds(v)
	}
	if p.group != "" {
		return spelled(p.group, int64(bits(v)))
	}
	return int64(bits(v))
}

// bits is an integer as 64 bits, whatever its sign.
func bits(v starlark.Value) uint64 {
	n := v.(starlark.Int)
	if i, ok := n.Int64(); ok {
		return uint64(i)
	}
	u, _ := n.Uint64()
	return u
}

// enums are the groups of which an argument is one value.
var enums = map[string]bool{
	"EPOLL_CTL": true, "F": true, "AF": true, "SHUT": true, "SOL": true, "SO": true, "TCP": true, "IOCTL": true, "RLIMIT": true,
	"CLOCK": true, "SIG": true, "SIGACTION": true, "SIGPROCMASK": true, "IPPROTO": true,
}

// unnamed are bits that strace has names for and the headers of C do not.
var unnamed = strings.NewReplacer("POLL_BUSY_LOOP", "0x8000", "__O_SYNC", "0x100000")

// spelled is v in the names of C, without the comments of strace on what has none.
func spelled(group string, v int64) Names {
	text := ""
	if enums[group] {
		text = abi.Enum(group, v)
	} else {
		text = unnamed.Replace(abi.Flags(group, v))
	}
	text, _, _ = strings.Cut(text, " /*")
	if strings.Contains(text, "(") { // _IOC(…)
		text = fmt.Sprintf("%#x", uint32(v))
	}
	return Names(text)
}

func elements(v starlark.Value) []starlark.Value {
	var all []starlark.Value
	for item := range starlark.Elements(v.(starlark.Iterable)) {
		all = append(all, item)
	}
	return all
}

func fdList(v starlark.Value) any {
	list := []int64{}
	for _, item := range elements(v) {
		list = append(list, int64(bits(item)))
	}
	return list
}

func pollList(v starlark.Value) any {
	list := []Object{}
	for _, item := range elements(v) {
		p := elements(item)
		list = append(list, Object{{"fd", int64(bits(p[0]))}, {"events", spelled("POLL", int64(uint16(bits(p[1]))))}})
	}
	return list
}

func signalNames(v starlark.Value) any {
	list := []Names{}
	for _, item := range elements(v) {
		list = append(list, spelled("SIG", int64(bits(item))))
	}
	return list
}

func nanoseconds(v starlark.Value) int64 {
	if f, ok := v.(starlark.Float); ok {
		return int64(math.Round(float64(f) * 1e6))
	}
	return int64(bits(v)) * 1e6
}

// Ports that a kernel gives to who does not ask for one.
const firstGiven, lastGiven = 32768, 60999

func addressOf(v starlark.Value) Address {
	t, ok := v.(starlark.Tuple)
	if !ok {
		return Address{Name: string(v.(starlark.String))}
	}
	ip, _ := starlark.AsString(t[0])
	port := int(bits(t[1]))
	return Address{IP: ip, Port: port, Given: port >= firstGiven && port <= lastGiven}
}

// epollCtlArgs: a DEL that gives no event passes NULL, as programs do.
func epollCtlArgs(_ *recording, params map[string]starlark.Value) (Object, string) {
	op, mask := int64(bits(params["op"])), int64(uint32(bits(params["events"])))
	args := Object{{"epfd", int64(bits(params["epfd"]))}, {"op", spelled("EPOLL_CTL", op)}, {"fd", int64(bits(params["fd"]))}}
	data, given := params["data"].(starlark.Int)
	if op == abi.EPOLL_CTL_DEL && mask == 0 && !given {
		return append(args, Field{"event", nil}), ""
	}
	if !given {
		data = starlark.MakeUint64(uint64(uint32(bits(params["fd"]))))
	}
	return append(args, Field{"event", Object{{"events", spelled("EPOLL", mask)}, {"data", Wide(bits(data))}}}), ""
}

func epollCtlCall(args Object) string {
	if args.get("event") == nil {
		return "call_epoll_ctl_null"
	}
	return "call_epoll_ctl"
}

// option spells the name of an option of a level.
func option(level, opt int64) any {
	switch level {
	case abi.SOL_SOCKET:
		return spelled("SO", opt)
	case abi.SOL_TCP:
		return spelled("TCP", opt)
	}
	return opt
}

func selectArgs(_ *recording, params map[string]starlark.Value) (Object, string) {
	var args Object
	for _, set := range []string{"r", "w", "x"} {
		args = append(args, Field{set, param{form: asFds}.convert(params[set])})
	}
	if timeval, ok := params["timeout"].(starlark.Tuple); ok {
		return append(args, Field{"seconds", int64(bits(timeval[0]))}, Field{"microseconds", int64(bits(timeval[1]))}), ""
	}
	return append(args, Field{"timeout", int64(bits(params["timeout"]))}), ""
}

func selectCall(args Object) string {
	if args.get("seconds") != nil {
		return "call_select_timeval"
	}
	return "call_select"
}

func getsockoptArgs(_ *recording, params map[string]starlark.Value) (Object, string) {
	level, opt := int64(bits(params["level"])), int64(bits(params["opt"]))
	return Object{{"fd", int64(bits(params["fd"]))}, {"level", spelled("SOL", level)}, {"opt", option(level, opt)}}, ""
}

func setsockoptArgs(rec *recording, params map[string]starlark.Value) (Object, string) {
	args, _ := getsockoptArgs(rec, params)
	if n, ok := params["value"].(starlark.Int); ok {
		return append(args, Field{"value", int64(bits(n))}), ""
	}
	var value []int64
	for _, item := range elements(params["value"]) {
		value = append(value, int64(bits(item)))
	}
	return append(args, Field{"value", value}), ""
}

func signalArgs(_ *recording, params map[string]starlark.Value) (Object, string) {
	handler := Names("handler")
	if n, ok := params["handler"].(starlark.Int); ok {
		handler = spelled("SIGACTION", int64(bits(n)))
	}
	args := Object{{"sig", spelled("SIG", int64(bits(params["sig"])))}, {"handler", handler}}
	if flags := int64(bits(params["flags"])); flags != 0 {
		args = append(args, Field{"flags", spelled("SA", flags)})
	}
	return args, ""
}

func signalCall(args Object) string {
	if args.get("flags") != nil {
		return "call_signal_flags"
	}
	return "call_signal"
}

const otherProcess = "names a process other than its own, or by a number that getpid() has not told"

func killArgs(rec *recording, params map[string]starlark.Value) (Object, string) {
	sig := Field{"sig", spelled("SIG", int64(bits(params["sig"])))}
	if n := rec.threads.of(params["t"]); n >= 0 {
		return Object{{"thread", int64(n)}, sig}, ""
	}
	if !rec.self(params["t"]) {
		return nil, "kill() " + otherProcess
	}
	return Object{sig}, ""
}

func killCall(args Object) string {
	if args.get("thread") == nil {
		return "call_kill_self"
	}
	return "call_kill_thread"
}

func pidfdArgs(rec *recording, params map[string]starlark.Value) (Object, string) {
	if !rec.self(params["task"]) {
		return nil, "pidfd_open() " + otherProcess
	}
	return Object{{"flags", spelled("PIDFD", int64(bits(params["flags"])))}}, ""
}

// self reports whether v is the number of the program's own process.
func (r *recording) self(v starlark.Value) bool {
	n, ok := v.(starlark.Int)
	return ok && bits(r.pid) != 0 && bits(n) == bits(r.pid)
}

// settimeArgs: a time of a clock is told as what lies between it and the time at which the call is made, and the clock.
func settimeArgs(rec *recording, params map[string]starlark.Value) (Object, string) {
	fd, flags, value := int64(bits(params["fd"])), int64(bits(params["flags"])), int64(bits(params["value_ns"]))
	args := Object{{"fd", fd}, {"flags", spelled("TFD", flags)}, {"value_ns", value}, {"interval_ns", int64(bits(params["interval_ns"]))}}
	clock, ok := rec.clockOf(int(fd))
	if flags&abi.TFD_TIMER_ABSTIME == 0 || value <= 0 || !ok {
		return args, "" // 0 stops the timer, less than that is refused
	}
	now, _ := rec.kernel.Current().ClockGettime(clock)
	args[2].Value = value - now
	return append(args, Field{"clock", spelled("CLOCK", int64(clock))}), ""
}

// clockOf is the clock of the timer that fd refers to. That of an alarm cannot be read everywhere, but runs as its like.
func (r *recording) clockOf(fd int) (clock int, ok bool) {
	t := r.kernel.Current().(*kernel.Thread)
	f := t.Files().At(fd)
	if f == nil {
		return 0, false
	}
	tf := devices.TimerfdOf(f)
	if tf == nil {
		return 0, false
	}
	switch clock = tf.State().Clock; clock {
	case abi.CLOCK_REALTIME_ALARM:
		clock = abi.CLOCK_REALTIME
	case abi.CLOCK_BOOTTIME_ALARM:
		clock = abi.CLOCK_BOOTTIME
	}
	return clock, true
}

func settimeCall(args Object) string {
	if args.get("clock") == nil {
		return "call_timerfd_settime"
	}
	return "call_timerfd_settime_from_now"
}
