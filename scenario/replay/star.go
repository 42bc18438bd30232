package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Star turns a log of one process into a scenario that makes the same calls, in the order in which the replay ends them,
// and checks the results of the log. Calls on files of which only the log knows are left out, and peers that are not in the
// log are played by the scenario. It is an error if the log has a divergence, or several processes that work on files.
func Star(log *Log, opts Options) (string, error) {
	f, err := explained(log, &opts)
	if err != nil {
		return "", err
	}
	s := &star{names: map[int]bool{}, played: map[sim.ID]bool{}}
	x := execute(log, &opts, f.plan, nil, nil, s)
	if s.table == nil || s.lines == 0 {
		return "", fmt.Errorf("%s:1:1: no call in this log that a scenario could make", log.Name)
	}
	if s.others > 0 {
		return "", fmt.Errorf("%s:%d:1: a second process works on files of its own from here on; a scenario is made of the log of one process",
			log.Name, s.others)
	}
	if x.diverged != nil {
		return "", fmt.Errorf("%s: %s", x.diverged.Pos, x.diverged.Model)
	}
	return fmt.Sprintf("# The calls of %s, made by one thread in the order in which a replay ends them.\n"+
		"signal(SIGPIPE, SIG_IGN)\n%s%s", log.Name, s.limit(), withReadAll(s.text.String())), nil
}

// withReadAll puts in front of a scenario what it needs to read from a stream as much as the log did at once.
func withReadAll(text string) string {
	if !strings.Contains(text, "read_all(") {
		return text
	}
	return `def read_all(fd, n):
    got = 0
    while got < n:
        data = read(fd, n - got)
        if data == EAGAIN:
            if poll([(fd, POLLIN)], timeout = 1000) == []:
                return got
        elif type(data) == "errno" or len(data) == 0:
            return got
        else:
            got += len(data)
    return got
` + text
}

// explained looks for an order that explains the log, without which there is nothing to make a scenario of.
func explained(log *Log, opts *Options) (found, error) {
	f := search(log, opts)
	if d := f.x.diverged; d != nil {
		return f, fmt.Errorf("%s: %s: the log and the model differ here, so there is nothing to export: the log says %s, the model %s",
			d.Pos, d.Call, d.Log, d.Model)
	}
	return f, nil
}

// limit raises the limit of descriptors if the scenario may need that. A host does not allow any number.
func (s *star) limit() string {
	most := 3 + 2*s.lines // no statement opens more than two
	for fd := range s.names {
		most = max(most, fd+1)
	}
	if most <= 1024 {
		return ""
	}
	return fmt.Sprintf("setrlimit(RLIMIT_NOFILE, %d)\n", most)
}

// star collects the statements of a scenario.
type star struct {
	text   strings.Builder
	table  *vfs.FdTable // the only one
	others int          // line at which another one was used
	names  map[int]bool // numbers that are variables
	played map[sim.ID]bool
	lines  int
	cast   *cast  // of a scenario of several threads
	dict   string // the variables of the thread that a statement is of
}

func (s *star) add(format string, args ...any) {
	s.lines++
	if s.cast != nil {
		s.cast.add(fmt.Sprintf(format, args...))
		return
	}
	fmt.Fprintf(&s.text, format+"\n", args...)
}

// variable is where a number is kept.
func (s *star) variable(n int) string {
	if s.cast != nil {
		return fmt.Sprintf("%s[%d]", s.dict, n)
	}
	return "fd" + strconv.Itoa(n)
}

// fd is the variable of a number, or a number that is never open.
func (s *star) fd(n int) string {
	if s.names[n] {
		return s.variable(n)
	}
	return strconv.Itoa(900 + max(n, 0))
}

// peer is the variable of a descriptor of the pilot's.
func peerName(fd int) string { return "peer" + strconv.Itoa(fd) }

// prompt is what exec.prompt does.
func (s *star) prompt(fd int, addr abi.Sockaddr) {
	if anyInet(&addr) {
		s.add("setsockopt(%s, IPPROTO_TCP, TCP_NODELAY, 1)", peerName(fd))
	}
}

// addrText is an address as the builtins take it.
func addrText(a abi.Sockaddr) string {
	if anyInet(&a) {
		return fmt.Sprintf("(%q, %d)", a.Inet.Addr(), a.Inet.Port())
	}
	return strconv.Quote(a.Path)
}

func (s *star) expect(call string, o *op) {
	if o.want.failed() {
		s.add("check(%s == %s)", call, o.want.errno.Name())
	} else {
		s.add("check(%s == %d)", call, o.want.ret)
	}
}

// made adds the call that th has just ended.
func (s *star) made(x *exec, th *thread) {
	o := th.cur
	if o.want.none || o.want.interrupted() || o.want.errno == unknownErrno || o.outside || x.lost(th) {
		return
	}
	if s.renumbered(x, o) || o.row.name != "close" && externalOf(x.file(o, o.fd)) != nil {
		return
	}
	if o.fd >= 0 || o.row.allocates || len(o.want.fds) > 0 {
		switch files := th.k.Files(); {
		case o.row.allocates && externalOf(x.file(o, int(o.want.ret))) != nil || o.row.name == "openat" || o.row.name == "open":
			return
		case o.row.name == "close" && !s.names[o.fd]:
			return
		case s.cast != nil:
		case s.table == nil:
			s.table = files
		case s.table != files:
			if s.others == 0 {
				s.others = o.end.Line
			}
			return
		}
	}
	s.statement(x, o)
}

// renumbered is for calls that give a description another number: the scenario's own numbers are not those of the log.
func (s *star) renumbered(x *exec, o *op) bool {
	from, to := o.fd, o.fd2
	switch {
	case o.row.name == "fcntl" && duplicates(o):
		to = int(o.want.ret)
	case o.row.name == "sendfile":
		if s.names[o.fd2] && o.want.ret > 0 {
			s.add("check(write(%s, b\"x\" * %d) == %d)", s.fd(o.fd2), o.want.ret, o.want.ret)
		}
		return true
	case o.row.name != "dup2" && o.row.name != "dup3":
		return false
	}
	switch {
	case o.want.failed(), from == to:
		return true
	case !s.names[from]:
		if s.names[to] {
			s.add("close(%s)", s.fd(to))
			delete(s.names, to)
		}
	case s.names[to]:
		s.add("dup2(%s, %s)", s.fd(from), s.fd(to))
	default:
		s.names[to] = true
		s.add("%s = dup(%s)", s.variable(to), s.fd(from))
	}
	s.plays(x.file(o, to))
	return true
}

// plays notes that the scenario has a file.
func (s *star) plays(f *vfs.File) {
	if f != nil && externalOf(f) == nil {
		s.played[f.ID()] = true
	}
}

func (s *star) has(f *vfs.File) bool { return f != nil && s.played[f.ID()] }

func (s *star) statement(x *exec, o *op) {
	ok := !o.want.failed()
	alloc := func(call string) {
		if ok {
			s.plays(x.file(o, int(o.want.ret)))
			s.names[int(o.want.ret)] = true
			s.add("%s = %s", s.variable(int(o.want.ret)), call)
		} else {
			s.expect(call, o)
		}
	}
	pair := func(call string) {
		if ok && len(o.want.fds) == 2 {
			s.plays(x.file(o, o.want.fds[0]))
			s.plays(x.file(o, o.want.fds[1]))
			s.names[o.want.fds[0]], s.names[o.want.fds[1]] = true, true
			s.add("%s, %s = %s", s.variable(o.want.fds[0]), s.variable(o.want.fds[1]), call)
		} else {
			s.expect(call, o)
		}
	}
	switch o.row.name {
	case "epoll_create":
		alloc(fmt.Sprintf("epoll_create(%d)", o.a[0]))
	case "epoll_create1":
		alloc(fmt.Sprintf("epoll_create1(%d)", o.a[0]))
	case "eventfd", "eventfd2":
		alloc(fmt.Sprintf("eventfd(%d, %s)", uint32(o.a[0]), flags(o.a[1])))
	case "timerfd_create":
		alloc(fmt.Sprintf("timerfd_create(%d, %s)", o.a[0], flags(o.a[1])))
	case "pipe", "pipe2":
		pair(fmt.Sprintf("pipe2(%s)", flags(o.a[0])))
	case "socketpair":
		pair(fmt.Sprintf("socketpair(%d, %d, %d)", o.a[0], o.a[1], o.a[2]))
	case "socket":
		protocol := o.a[2]
		if protocol == abi.IPPROTO_MPTCP {
			protocol = 0
		}
		alloc(fmt.Sprintf("socket(%d, %d, %d)", o.a[0], o.a[1], protocol))
	case "setsockopt":
		v6only := o.a[0] == abi.IPPROTO_IPV6 && o.a[1] == abi.IPV6_V6ONLY
		if ok && len(o.fds) == 1 && (v6only || o.a[0] == abi.SOL_SOCKET && o.a[1] == abi.SO_REUSEADDR) {
			s.add("check(setsockopt(%s, %d, %d, %d) == 0)", s.fd(o.fd), o.a[0], o.a[1], o.fds[0])
		}
	case "accept", "accept4":
		alloc(fmt.Sprintf("accept4(%s, %d)", s.fd(o.fd), o.a[0]))
	case "dup":
		alloc(fmt.Sprintf("dup(%s)", s.fd(o.fd)))
	case "epoll_ctl":
		s.ctl(x, o)
	case "epoll_wait", "epoll_pwait", "epoll_pwait2":
		s.wait(x, o)
	case "read", "readv", "recvfrom", "recvmsg":
		if len(o.want.fds) > 0 && ok && s.recvFds(x, o) {
			return
		}
		s.read(x, o)
	case "write", "writev", "sendto", "sendmsg":
		if len(o.fds) > 0 && ok && s.sendFds(x, o) {
			return
		}
		if (o.want.failed() || o.want.ret >= 0) && !x.partly(o) {
			s.write(o)
		}
	case "close":
		s.expect(fmt.Sprintf("close(%s)", s.fd(o.fd)), o)
		if ok {
			delete(s.names, o.fd)
		}
	case "bind":
		if o.addr != nil {
			s.expect(fmt.Sprintf("bind(%s, %s)", s.fd(o.fd), addrText(x.connectAddr(*o.addr))), o)
		}
	case "connect":
		if o.addr != nil {
			s.expect(fmt.Sprintf("connect(%s, %s)", s.fd(o.fd), addrText(x.connectAddr(*o.addr))), o)
		}
	case "listen":
		s.expect(fmt.Sprintf("listen(%s, %d)", s.fd(o.fd), int32(o.a[0])), o)
	case "shutdown":
		s.expect(fmt.Sprintf("shutdown(%s, %d)", s.fd(o.fd), o.a[0]), o)
	case "fcntl":
		if o.a[0] == abi.F_SETFL || o.a[0] == abi.F_SETPIPE_SZ {
			s.expect(fmt.Sprintf("fcntl(%s, %d, %s)", s.fd(o.fd), o.a[0], flags(o.a[1]&^0x8000)), o)
		}
	case "ioctl":
		if uint(o.a[0]) == abi.FIONBIO && ok {
			s.add("fcntl(%s, F_SETFL, %s)", s.fd(o.fd), map[bool]string{true: "O_NONBLOCK", false: "0"}[o.a[1] != 0])
		}
	case "timerfd_settime":
		ns := func(ts abi.Timespec) int64 { return ts.Sec*1e9 + ts.Nsec }
		if o.a[0] == 0 && o.spec.Value.Nsec >= 0 && o.spec.Value.Nsec < 1e9 && o.spec.Value.Sec < 1e6 {
			s.expect(fmt.Sprintf("timerfd_settime(%s, 0, value_ns=%d, interval_ns=%d)", s.fd(o.fd), ns(o.spec.Value), ns(o.spec.Interval)), o)
		}
	case "poll":
		s.poll(x, o)
	}
}

// sendFds passes descriptors, unless the scenario has not all of them.
func (s *star) sendFds(x *exec, o *op) bool {
	var list []string
	for _, fd := range o.fds {
		if !s.has(x.file(o, fd)) {
			return false
		}
		list = append(list, s.fd(fd))
	}
	s.add("check(send_fds(%s, b\"x\" * %d, [%s]) == %d)", s.fd(o.fd), len(x.sendData(o)), strings.Join(list, ", "), o.want.ret)
	return true
}

func (s *star) recvFds(x *exec, o *op) bool {
	for _, fd := range o.want.fds {
		if !s.has(x.file(o, fd)) {
			return false
		}
	}
	s.add("passed = recv_fds(%s, %d)", s.fd(o.fd), o.want.ret)
	for i, fd := range o.want.fds {
		s.names[fd] = true
		s.add("%s = passed[1][%d]", s.variable(fd), i)
	}
	return true
}

func flags(v int64) string { return strconv.FormatInt(v, 10) }

// ctl leaves out files that the scenario does not have.
func (s *star) ctl(x *exec, o *op) {
	if f := x.file(o, o.fd2); f != nil && !s.has(f) || !s.has(x.file(o, o.fd)) {
		return
	}
	name := map[int64]string{abi.EPOLL_CTL_ADD: "EPOLL_CTL_ADD", abi.EPOLL_CTL_MOD: "EPOLL_CTL_MOD", abi.EPOLL_CTL_DEL: "EPOLL_CTL_DEL"}[o.a[0]]
	if name == "" || o.event == nil && o.a[0] != abi.EPOLL_CTL_DEL {
		return
	}
	call := fmt.Sprintf("epoll_ctl(%s, %s, %s", s.fd(o.fd), name, s.fd(o.fd2))
	if o.a[0] != abi.EPOLL_CTL_DEL {
		call += fmt.Sprintf(", %s, data=%d", o.event.Events, o.event.Data)
	}
	s.expect(call+")", o)
}

// wait leaves out the events of files that the scenario does not have; time that passed in vain is cut short.
func (s *star) wait(x *exec, o *op) {
	ep := x.epoll(o)
	if ep == nil || o.want.cut || o.a[0] <= 0 || o.want.failed() {
		return
	}
	var list []string
	for _, e := range o.want.events {
		if f, _ := x.itemOf(ep, e.Data); f == nil || s.has(f) {
			list = append(list, fmt.Sprintf("(%s, %d)", e.Events, e.Data))
		}
	}
	if len(list) == 0 && o.want.ret > 0 {
		return // nothing of what it told of is in the scenario
	}
	timeout := o.a[1]
	if len(list) == 0 {
		timeout = min(max(timeout, 0), 20)
	}
	s.add("check(epoll_wait(%s, maxevents=%d, timeout=%d) == [%s])", s.fd(o.fd), o.a[0], timeout, strings.Join(list, ", "))
}

func (s *star) read(x *exec, o *op) {
	switch f := x.file(o, o.fd); {
	case o.want.failed():
		s.expect(fmt.Sprintf("read(%s, %d)", s.fd(o.fd), min(o.a[0], maxBuffer)), o)
	case devices.TimerfdOf(f) != nil:
		s.add("check(timerfd_read(%s) >= 1)", s.fd(o.fd))
	case x.counts(o, o.fd):
		s.add("check(eventfd_read(%s) > 0)", s.fd(o.fd))
	case x.stream(o, o.fd) && o.want.ret > 1:
		s.add("check(read_all(%s, %d) == %d)", s.fd(o.fd), o.want.ret, o.want.ret)
	default:
		size := min(o.a[0], maxBuffer)
		if x.stream(o, o.fd) && o.want.ret > 0 {
			size = o.want.ret
		}
		s.add("check(len(read(%s, %d)) == %d)", s.fd(o.fd), size, o.want.ret)
	}
}

func (s *star) write(o *op) {
	data := fmt.Sprintf("b\"x\" * %d", len(o.data))
	if len(o.data) == 8 && o.whole {
		var b strings.Builder
		for _, c := range o.data {
			fmt.Fprintf(&b, "\\x%02x", c)
		}
		data = `b"` + b.String() + `"`
	}
	s.expect(fmt.Sprintf("write(%s, %s)", s.fd(o.fd), data), o)
}

// partly reports whether a write is one of which the network took a part.
func (x *exec) partly(o *op) bool {
	return x.stream(o, o.fd) && (o.want.failed() || o.want.ret != int64(len(o.data)))
}

func (s *star) poll(x *exec, o *op) {
	if o.want.failed() {
		return
	}
	var asked, got []string
	for _, p := range o.polls {
		if p.Fd >= 0 && externalOf(x.file(o, int(p.Fd))) != nil {
			return
		}
		asked = append(asked, fmt.Sprintf("(%s, %d)", s.fd(int(p.Fd)), p.Events))
	}
	for _, p := range o.want.polls {
		got = append(got, fmt.Sprintf("(%s, %d)", s.fd(int(p.Fd)), p.Revents))
	}
	timeout := o.a[0]
	if len(got) == 0 {
		timeout = min(max(timeout, 0), 20)
	}
	s.add("check(poll([%s], timeout=%d) == [%s])", strings.Join(asked, ", "), timeout, strings.Join(got, ", "))
}
