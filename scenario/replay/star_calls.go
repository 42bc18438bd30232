package replay

import (
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// spelling puts a call of the model into words. It is called when the call begins, and what it gives when that has ended: nil if
// the call is of no consequence.
type spelling func(l *line) func()

// spellings are the calls that a scenario makes, by the name that the model's tracer has for them.
var spellings = map[string]spelling{}

func init() {
	for _, table := range []map[string]spelling{fileSpellings, socketSpellings, waitSpellings} {
		maps.Copy(spellings, table)
	}
}

func (l *line) int(i int) int {
	switch n := l.c.Args[i].(type) {
	case int:
		return n
	case int64:
		return int(n)
	case uint32:
		return int(n)
	case uint:
		return int(n)
	}
	return 0
}

var fileSpellings = map[string]spelling{
	"epoll_create": func(l *line) func() { return l.opens("ep", "epoll_create(%d)", l.int(0)) },
	"epoll_create1": func(l *line) func() {
		return l.opens("ep", "epoll_create1(%s)", optional(flagWord("EPOLL_CREATE1", l.int(0)), l.int(0)))
	},
	"eventfd2": func(l *line) func() { return l.opens("evfd", "eventfd(%d%s)", l.int(0), andFlags("EFD", l.int(1))) },
	"timerfd_create": func(l *line) func() {
		return l.opens("timer", "timerfd_create(%s%s)", enumWord("CLOCK", l.int(0)), andFlags("TFD", l.int(1)))
	},
	"pipe2": func(l *line) func() {
		return l.opensPair(0, "pipe_r", "pipe_w", fmt.Sprintf("pipe2(%s)", optional(flagWord("PIPE2", l.int(1)), l.int(1))))
	},
	"timerfd_settime": spellSettime,
	"read":            func(l *line) func() { return l.reads(l.int(2), 0) },
	"write":           func(l *line) func() { return l.writes(0) },
	"pread64": func(l *line) func() {
		call := fmt.Sprintf("pread(%s, %d, %d)", l.fd(l.int(0)), l.int(2), l.int(3))
		return func() { l.check(call) }
	},
	"pwrite64": func(l *line) func() {
		call := fmt.Sprintf("pwrite(%s, b\"x\" * %d, %d)", l.fd(l.int(0)), l.int(2), l.int(3))
		return func() { l.check(call) }
	},
	"readv":  spellReadv,
	"writev": spellWritev,
	"splice": func(l *line) func() {
		if l.int(0) < 0 { // of files that the world has
			return nil
		}
		call := fmt.Sprintf("splice(%s, None, %s, None, %d%s)", l.fd(l.int(0)), l.fd(l.int(2)), l.int(4), andFlags("SPLICE_F", l.int(5)))
		return func() { l.check(call) }
	},
	"tee": func(l *line) func() {
		call := fmt.Sprintf("tee(%s, %s, %d%s)", l.fd(l.int(0)), l.fd(l.int(1)), l.int(2), andFlags("SPLICE_F", l.int(3)))
		return func() { l.check(call) }
	},
	"lseek": func(l *line) func() {
		call := fmt.Sprintf("lseek(%s, %d, %s)", l.fd(l.int(0)), l.int(1), enumWord("SEEK", l.int(2)))
		return func() { l.check(call) }
	},
	"close": spellClose,
	"dup":   func(l *line) func() { return l.duplicates() },
	"dup2":  func(l *line) func() { return l.duplicatesTo() },
	"dup3":  func(l *line) func() { return l.duplicatesTo() },
	"fcntl": spellFcntl,
	"ioctl": spellIoctl,
	"unlink": func(l *line) func() {
		return func() { l.check(fmt.Sprintf("unlink(%q)", l.c.Args[0])) }
	},
}

// optional is an argument that may be left out if it is 0.
func optional(text string, v int) string {
	if v == 0 {
		return ""
	}
	return text
}

// opens is a call that gives out a number.
func (l *line) opens(kind, format string, args ...any) func() {
	call := fmt.Sprintf(format, args...)
	return func() {
		switch {
		case l.c.Err == abi.EMFILE: // the scenario has other numbers
			l.say("setrlimit(RLIMIT_NOFILE, 0)")
			l.check(call)
			l.say("setrlimit(RLIMIT_NOFILE, 1024)")
		case l.c.Err != 0:
			l.check(call)
		default:
			fd := int(l.c.Ret)
			l.say("%s = %s", l.define(l.kindFor(kind), fd, l.files.At(fd)), call)
		}
	}
}

// kindFor is what a file of a kind is called: those of the world are its peers.
func (l *line) kindFor(kind string) string {
	if l.pilot {
		return "peer"
	}
	return kind
}

func (l *line) opensPair(arg int, a, b, call string) func() {
	return func() {
		if l.c.Err != 0 {
			l.opens("", "%s", call)()
			return
		}
		fds := l.c.Args[arg].(*[2]int)
		first := l.define(a, fds[0], l.files.At(fds[0]))
		l.say("%s, %s = %s", first, l.define(b, fds[1], l.files.At(fds[1])), call)
	}
}

func spellClose(l *line) func() {
	fd := l.int(0)
	call := fmt.Sprintf("close(%s)", l.fd(fd))
	return func() {
		l.check(call)
		if l.c.Err == 0 {
			l.forget(fd)
		}
	}
}

// duplicates is a call that gives a file the lowest number.
func (l *line) duplicates() func() {
	from := l.int(0)
	call := fmt.Sprintf("dup(%s)", l.fd(from))
	kind := ""
	if v := l.names[from].v; v != nil {
		kind = v.kind
	}
	return l.opens(kind, "%s", call)
}

// duplicatesTo gives a file a number. The numbers of the scenario are its own, so that one it has not is a new one.
func (l *line) duplicatesTo() func() {
	from, to := l.int(0), l.int(1)
	old := l.fd(from)
	gone, foreign := l.names[to].v, l.foreign
	if gone != nil && l.names[to].file != l.files.At(to) {
		gone = nil
	}
	l.foreign = foreign && gone == nil
	return func() {
		switch {
		case l.c.Err != 0:
			if !foreign && gone != nil {
				l.check(fmt.Sprintf("dup2(%s, %s)", old, l.use(gone)))
			}
		case from == to:
		case foreign:
			l.say("close(%s)", l.use(gone))
			l.forget(to)
		case gone != nil:
			l.say("check(dup2(%s, %s) == %[2]s)", old, l.use(gone))
			l.names[to] = slot{gone, l.files.At(to)}
		default:
			l.say("%s = dup(%s)", l.define(l.names[from].v.kind, to, l.files.At(to)), old)
		}
	}
}

func spellFcntl(l *line) func() {
	cmd := l.int(1)
	fd := l.fd(l.int(0))
	switch cmd {
	case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC:
		return l.duplicates()
	case abi.F_SETFL:
		call := fmt.Sprintf("fcntl(%s, F_SETFL, %s)", fd, flagWord("O", l.int(2)&^0x8000))
		return func() { l.check(call) }
	case abi.F_SETPIPE_SZ, abi.F_GETPIPE_SZ:
		call := fmt.Sprintf("fcntl(%s, %s, %d)", fd, enumWord("F", cmd), l.int(2))
		return func() { l.check(call) }
	}
	return nil
}

func spellIoctl(l *line) func() {
	fd := l.fd(l.int(0))
	stream := devices.TcpOf(l.files.At(l.int(0))) != nil
	switch uint(l.int(1)) {
	case abi.FIONBIO:
		return func() { l.check(fmt.Sprintf("ioctl(%s, FIONBIO, %d)", fd, l.int(2))) }
	case abi.FIONREAD:
		return func() {
			if !stream || l.c.Err != 0 {
				l.check(fmt.Sprintf("ioctl(%s, FIONREAD)", fd))
			}
		}
	}
	return nil
}

// spellSettime arms a timer. A time of a clock is one from now on.
func spellSettime(l *line) func() {
	spec, ok := l.c.Args[2].(*abi.Itimerspec)
	if !ok || spec == nil || max(spec.Value.Sec, spec.Interval.Sec) > 9e9 || min(spec.Value.Nsec, spec.Interval.Nsec) < 0 ||
		max(spec.Value.Nsec, spec.Interval.Nsec) >= 1e9 {
		return nil // a scenario has one number for a time
	}
	fd, flags := l.fd(l.int(0)), l.int(1)
	f := l.files.At(l.int(0))
	value, interval := spec.Value.Sec*1e9+spec.Value.Nsec, spec.Interval.Sec*1e9+spec.Interval.Nsec
	began, absolute := int64(0), flags&abi.TFD_TIMER_ABSTIME != 0
	if th := l.s.x.byTid[l.c.Tid]; th != nil && th.cur != nil {
		began = th.cur.begin.Time
	}
	return func() {
		tf := devices.TimerfdOf(f)
		if absolute && l.c.Err == 0 && value > 0 { // the clock of the log is not that of the scenario
			switch {
			case began > 0 && value > began-1e15 && value < began+1e15: // it is the wall clock
				value -= began
			case tf != nil && tf.Timer().Armed():
				value = tf.Timer().Expiry() - l.s.x.m.Now()
			}
			value, flags = max(value, 1), flags&^abi.TFD_TIMER_ABSTIME
		}
		if value < 0 || value >= maxTimer || interval < 0 || interval >= maxTimer {
			return // nobody waits for it
		}
		spell := func() string {
			return fmt.Sprintf("timerfd_settime(%s, %s, value_ns = %d, interval_ns = %d)", fd, flagWord("TFD", flags), value, interval)
		}
		l.check(spell())
		delete(l.s.sooner, f)
		if sc, at := l.scene, len(l.scene.lines)-1; absolute && value > int64(time.Second) && l.c.Err == 0 {
			l.s.sooner[f] = func() {
				value = 20 * int64(time.Millisecond)
				sc.lines[at] = spell()
			}
		}
		l.s.due[f] = l.s.clock + value
	}
}

// maxTimer bounds how long a timer runs.
const maxTimer = int64(1e8 * 1e9)

// passes lets time pass until the timer f has expired, if the scenario has not waited for that.
func (l *line) passes(f *vfs.File, waits bool) {
	if sooner := l.s.sooner[f]; sooner != nil { // of a clock of which the log does not tell the time: it was over soon
		sooner()
		delete(l.s.sooner, f)
		l.s.due[f] = min(l.s.due[f], l.s.clock+20*int64(time.Millisecond))
	}
	due, ok := l.s.due[f]
	if !ok || due <= l.s.clock {
		return
	}
	if !waits {
		l.say("sleep(%d)", (due-l.s.clock)/int64(time.Millisecond)+1)
	}
	l.s.clock = due
	delete(l.s.due, f)
}

// reads is a call that reads up to size bytes.
func (l *line) reads(size int, flags int) func() {
	fd := l.fd(l.int(0))
	f := l.files.At(l.int(0))
	buf, _ := l.c.Args[1].([]byte)
	recv := fmt.Sprintf("read(%s, %d)", fd, size)
	if l.c.Name == "recvfrom" {
		recv = fmt.Sprintf("recv(%s, %d%s)", fd, size, andFlags("MSG", flags))
	}
	return func() {
		n := int(l.c.Ret)
		plain := flags&^(abi.MSG_DONTWAIT|abi.MSG_NOSIGNAL|abi.MSG_CMSG_CLOEXEC) == 0
		switch {
		case l.c.Err != 0:
			l.check(recv)
		case devices.TimerfdOf(f) != nil:
			l.passes(f, !f.NonBlocking())
			l.say("check(timerfd_read(%s) >= 1)", fd)
		case devices.SignalfdOf(f) != nil:
			l.say("signalfd_read(%s)", fd)
		case isEventfd(f):
			l.say("check(eventfd_read(%s) == %d)", fd, binary.LittleEndian.Uint64(buf))
		case n == 0:
			l.say(`check(%s == b"")`, recv)
		case devices.TcpOf(f) == nil:
			l.say("check(count(%s) == %d)", recv, n)
		case plain && n > 1:
			l.say("check(read_all(%s, %d) == %[2]d)", fd, n)
		default:
			l.say("check(count(%s) > 0)", recv)
		}
	}
}

// writes is a call that writes.
func (l *line) writes(flags int) func() {
	fd := l.fd(l.int(0))
	f := l.files.At(l.int(0))
	data, ok := l.c.Args[1].([]byte)
	if !ok || data == nil {
		return nil
	}
	var call string
	switch {
	case l.c.Name != "write":
		call = fmt.Sprintf("send(%s, %s%s)", fd, dataText(data), andFlags("MSG", flags))
	case isEventfd(f) && len(data) == 8:
		call = fmt.Sprintf("eventfd_write(%s, %d)", fd, binary.LittleEndian.Uint64(data))
		return func() {
			if l.c.Err == 0 {
				l.c.Ret = 0
			}
			l.check(call)
		}
	default:
		call = fmt.Sprintf("write(%s, %s)", fd, dataText(data))
	}
	return func() { l.check(call) }
}

func isEventfd(f *vfs.File) bool {
	if f == nil {
		return false
	}
	_, ok := f.Ops.(*devices.Eventfd)
	return ok
}

func spellReadv(l *line) func() {
	fd := l.fd(l.int(0))
	iov, _ := l.c.Args[1].([][]byte)
	var room []string
	for _, p := range iov {
		room = append(room, fmt.Sprint(len(p)))
	}
	call := fmt.Sprintf("readv(%s, [%s])", fd, strings.Join(room, ", "))
	return func() {
		if l.c.Err != 0 {
			l.check(call)
			return
		}
		left := int(l.c.Ret)
		var got []string
		for _, p := range iov {
			n := min(left, len(p))
			got, left = append(got, fmt.Sprint(n)), left-n
		}
		l.say("check(counts(%s) == [%s])", call, strings.Join(got, ", "))
	}
}

func spellWritev(l *line) func() {
	fd := l.fd(l.int(0))
	iov, _ := l.c.Args[1].([][]byte)
	var data []string
	for _, p := range iov {
		data = append(data, dataText(p))
	}
	call := fmt.Sprintf("writev(%s, [%s])", fd, strings.Join(data, ", "))
	return func() { l.check(call) }
}
