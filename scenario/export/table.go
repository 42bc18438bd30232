package export

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// row is one builtin: its parameters in the order of the C function call_NAME, each with the group of constants that
// spells it, or "as:FORM" for one that is no plain number; the file of c/ with that function; and what it returns.
type row struct {
	sig  string // "epoll_ctl(epfd, op:EPOLL_CTL, fd)"
	file string
	out  outcome
	args func(*recording, map[string]starlark.Value) (Object, string) // nil: by the signature
	call func(Object) string                                          // of the C function, if not call_NAME

	name   string
	params []param
}

// param is one parameter.
type param struct {
	name, group string
	form        form // "" for a number
}

// form is how a parameter is written.
type form string

// The forms besides numbers.
const (
	asData    form = "data"    // bytes
	asText    form = "text"    // a string
	asWide    form = "wide"    // 64 bits
	asLong    form = "long"    // a number of 64 bits with a sign
	asAddress form = "address" // of a socket
	asFds     form = "fds"     // a list of numbers, or none
	asSignals form = "signals" // a list of signals, or none
	asPolls   form = "polls"   // a list of (fd, events)
	asSizes   form = "sizes"   // a list of numbers of bytes
	asBuffers form = "buffers" // a list of bytes
	asNS      form = "ns"      // nanoseconds, or none
	asPlace   form = "place"   // an offset of a file, or none
	asMillis  form = "ms"      // milliseconds, a fraction too, as nanoseconds
	asEvent   form = "event"   // of epoll_ctl, by its own function as the next two
	asOption  form = "option"
	asPair    form = "pair"
)

var rows = []row{
	{sig: "epoll_create(size)", file: "epoll", out: number},
	{sig: "epoll_create1(flags:EPOLL_CREATE1)", file: "epoll", out: number},
	{sig: "epoll_ctl(epfd, op:EPOLL_CTL, fd, event as event)", file: "epoll", out: number, args: epollCtlArgs, call: epollCtlCall},
	{sig: "epoll_wait(epfd, maxevents, timeout)", file: "epoll", out: events},
	{sig: "epoll_pwait(epfd, maxevents, timeout, sigmask as signals)", file: "epoll signal", out: events},
	{sig: "epoll_pwait2(epfd, maxevents, timeout_ns as ns, sigmask as signals)", file: "epoll signal time", out: events},

	{sig: "eventfd(initval, flags:EFD)", file: "file", out: number},
	{sig: "eventfd_read(fd)", file: "file", out: value},
	{sig: "eventfd_write(fd, n as wide)", file: "file", out: eight},
	{sig: "timerfd_read(fd)", file: "file", out: value},
	{sig: "pipe()", file: "file", out: pair},
	{sig: "pipe2(flags:PIPE2)", file: "file", out: pair},
	{sig: "open(name as text, flags:O)", file: "file", out: number},
	{sig: "read(fd, n as long)", file: "file", out: data},
	{sig: "write(fd, data as data)", file: "file", out: number},
	{sig: "close(fd)", file: "file", out: number},
	{sig: "close_range(first, last, flags:CLOSE_RANGE)", file: "file", out: number},
	{sig: "lseek(fd, offset as long, whence:SEEK)", file: "file", out: number},
	{sig: "dup(fd)", file: "file", out: number},
	{sig: "dup2(oldfd, newfd)", file: "file", out: number},
	{sig: "dup3(oldfd, newfd, flags:PIPE2)", file: "file", out: number},
	{sig: "fcntl(fd, cmd:F, arg as long)", file: "file", out: number},
	{sig: "ioctl(fd, request:IOCTL, arg as long)", file: "file", out: ioctlNumber},
	{sig: "setrlimit(resource:RLIMIT, n as wide)", file: "file", out: number},
	{sig: "mkfifo(name as text)", file: "file", out: number},
	{sig: "mkdir(name as text)", file: "file", out: number},
	{sig: "rmdir(name as text)", file: "file", out: number},
	{sig: "link(old as text, new as text)", file: "file", out: number},
	{sig: "unlink(name as text)", file: "file", out: number},
	{sig: "rename(old as text, new as text)", file: "file", out: number},
	{sig: "memfd_create(name as text, flags:MFD)", file: "file", out: number},

	{sig: "readv(fd, sizes as sizes)", file: "vector", out: pieces},
	{sig: "writev(fd, buffers as buffers)", file: "vector", out: number},
	{sig: "pread(fd, n as long, offset as long)", file: "vector", out: data},
	{sig: "pwrite(fd, data as data, offset as long)", file: "vector", out: number},

	{sig: "sendfile(out_fd, in_fd, offset as place, count as long)", file: "splice", out: number},
	{sig: "splice(fd_in, off_in as place, fd_out, off_out as place, size as long, flags:SPLICE_F)", file: "splice", out: number},
	{sig: "tee(fd_in, fd_out, size as long, flags:SPLICE_F)", file: "splice", out: number},

	{sig: "socket(domain:AF, type:SOCK, proto)", file: "socket", out: number},
	{sig: "socketpair(domain:AF, type:SOCK, proto)", file: "socket", out: pair},
	{sig: "bind(fd, addr as address)", file: "socket", out: number},
	{sig: "listen(fd, backlog)", file: "socket", out: number},
	{sig: "accept(fd)", file: "socket", out: number},
	{sig: "accept4(fd, flags:ACCEPT4)", file: "socket", out: number},
	{sig: "connect(fd, addr as address)", file: "socket", out: number},
	{sig: "shutdown(fd, how:SHUT)", file: "socket", out: number},
	{sig: "getsockname(fd)", file: "socket", out: address},
	{sig: "getpeername(fd)", file: "socket", out: address},
	{sig: "setsockopt(fd, level:SOL, opt as option, value as pair)", file: "socket", out: number, args: setsockoptArgs},
	{sig: "getsockopt(fd, level:SOL, opt as option)", file: "socket", out: optionNumber, args: getsockoptArgs},
	{sig: "send(fd, data as data, flags:MSG)", file: "socket", out: number},
	{sig: "recv(fd, n as long, flags:MSG)", file: "socket", out: data},
	{sig: "sendto(fd, data as data, addr as address, flags:MSG)", file: "socket", out: number},
	{sig: "recvfrom(fd, n as long, flags:MSG)", file: "socket", out: dataAndAddress},
	{sig: "send_fds(fd, data as data, fds as fds, flags:MSG)", file: "socket", out: number},
	{sig: "recv_fds(fd, n as long, flags:MSG)", file: "socket", out: dataAndRights},

	{sig: "poll(fds as polls, timeout)", file: "poll", out: polled},
	{sig: "ppoll(fds as polls, timeout_ns as ns, sigmask as signals)", file: "poll signal time", out: polled},
	{sig: "select(r as fds, w as fds, x as fds, timeout)", file: "poll", args: selectArgs, call: selectCall, out: selected},
	{sig: "pselect(r as fds, w as fds, x as fds, timeout_ns as ns, sigmask as signals)", file: "poll signal time", out: selected},

	{sig: "timerfd_create(clock:CLOCK, flags:TFD)", file: "time", out: number},
	{sig: "timerfd_settime(fd, flags:TFD, value_ns as long, interval_ns as long)", file: "time", out: number, args: settimeArgs, call: settimeCall},
	{sig: "timerfd_gettime(fd)", file: "time", out: timer},
	{sig: "clock_gettime(clock:CLOCK)", file: "time", out: own},
	{sig: "now()", file: "time", out: own},
	{sig: "sleep(ms as ms)", file: "time", out: number},

	{sig: "signalfd(signals as signals, flags:SFD, fd)", file: "signal", out: number},
	{sig: "signalfd_read(fd)", file: "file signal", out: signo},
	{sig: "sigprocmask(how:SIGPROCMASK, signals as signals)", file: "signal", out: number},
	{sig: "signal(sig:SIG, handler:SIGACTION, flags:SA)", file: "signal", out: number, args: signalArgs, call: signalCall},
	{sig: "kill(sig:SIG)", file: "signal", out: number, args: killArgs, call: killCall},
	{sig: "pidfd_open(flags:PIDFD)", file: "signal", out: number, args: pidfdArgs, call: func(Object) string { return "call_pidfd_open_self" }},
	{sig: "getpid()", file: "signal", out: own},
	{sig: "spawn(thread)", file: "thread", out: own, args: spawnArgs},
	{sig: "join(thread)", file: "thread", out: number, args: joinArgs},
	{sig: "sched_yield()", file: "signal", out: number},

	{sig: "openpty()", file: "file tty", out: pair},
	{sig: "tcsetraw(fd)", file: "tty", out: number},

	{sig: "inotify_init1(flags:INOTIFY_INIT1)", file: "inotify", out: number},
	{sig: "inotify_add_watch(fd, name as text, mask:IN)", file: "inotify", out: number},
	{sig: "inotify_rm_watch(fd, watch)", file: "inotify", out: number},
	{sig: "inotify_read(fd, n as long)", file: "file inotify", out: inotifyEvents},
}

// byName is the table, signatures parsed.
var byName = func() map[string]*row {
	all := map[string]*row{}
	for i := range rows {
		r := &rows[i]
		r.parse()
		all[r.name] = r
	}
	return all
}()

func rowOf(name string) *row { return byName[name] }

func (r *row) parse() {
	name, list, _ := strings.Cut(strings.TrimSuffix(r.sig, ")"), "(")
	r.name = name
	for text := range strings.SplitSeq(list, ", ") {
		if text == "" {
			continue
		}
		var p param
		text, f, _ := strings.Cut(text, " as ")
		p.form = form(f)
		p.name, p.group, _ = strings.Cut(text, ":")
		r.params = append(r.params, p)
	}
}

// Reference is the table of calls for docs/export.md: what each has as args, and what it returns.
func Reference() string {
	var b strings.Builder
	b.WriteString("| call | args | return; out |\n|---|---|---|\n")
	for _, r := range rows {
		args := make([]string, len(r.params))
		for i, p := range r.params {
			args[i] = p.String()
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.name, strings.Join(args, ", "), r.out.doc)
	}
	return b.String()
}

// String is the parameter, and how it is written if it is no plain number.
func (p param) String() string {
	how := map[form]string{
		asData: "data", asText: "string", asWide: "wide", asAddress: "address or null", asFds: "list or null", asSignals: "names or null",
		asPolls: "list of `fd`, `events`", asSizes: "list of numbers", asBuffers: "list of data", asNS: "ns or null", asPlace: "number or null", asMillis: "ns", asEvent: "`events`, `data` wide; or null",
		asOption: "name or number", asPair: "number or pair",
	}[p.form]
	if p.group != "" {
		how = "names"
	}
	if how == "" {
		return "`" + p.name + "`"
	}
	return "`" + p.name + "` (" + how + ")"
}
