package strace

import "github.com/epollsim/epollsim/abi"

// form is how one argument stands in a line.
type form uint8

// The forms. Those up to formSocklen show the argument itself, those behind it the memory that it points to: where that
// is read at the end of a call that has failed, strace shows the pointer alone.
const (
	formNumber     form = iota // -1
	formUnsigned               // 4294967295: as wide as C's unsigned int
	formSize                   // 18446744073709551615: as wide as size_t; absent, the length of the buffer before it
	formHex                    // 0x7
	formMode                   // 0644
	formNode                   // S_IFIFO|0666
	formFlags                  // EPOLLIN|EPOLLET, of the group
	formEnum                   // EPOLL_CTL_ADD, of the group
	formSockopt                // TCP_NODELAY, of the group that the level before it means
	formDirfd                  // AT_FDCWD
	formThread                 // 0x7f0000800990: the word in which the kernel clears the id of an ended thread
	formStack                  // child_stack=NULL
	formCloneFlags             // flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD
	formChildTid               // child_tidptr=0x7f0000000a10
	formCloneArgs              // {flags=CLONE_VM, child_tid=…, exit_signal=0, …}
	formCloneTids              // {parent_tid=[3]}
	formResuming               // <... resuming interrupted poll ...>
	formSocklen                // [16], [128 => 16]

	formPointer    // 0x7ffd00001000
	formEvent      // {events=EPOLLIN, data={u32=5, u64=5}}
	formEventsOut  // [{events=EPOLLIN, data={u32=5, u64=5}}], as many as the call returns
	formBytes      // "x", as many as the next argument says
	formBytesOut   // "x", as many as the call returns
	formPath       // "/dev/null"
	formPair       // [3, 4]
	formInt        // [1]
	formPollFds    // [{fd=3, events=POLLIN}]
	formFdSet      // [3 4], the members below the first argument
	formSigSet     // [USR1]
	formSigmask    // {sigmask=[USR1], sigsetsize=8}
	formSigreturn  // {mask=[]}
	formSigAction  // {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}
	formTimespec   // {tv_sec=1, tv_nsec=0}
	formTimeval    // {tv_sec=1, tv_usec=0}
	formItimerspec // {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=1, tv_nsec=0}}
	formRlimit     // {rlim_cur=1024, rlim_max=4096*1024}
	formWaitStatus // [{WIFEXITED(s) && WEXITSTATUS(s) == 0}]
	formSiginfo    // {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=1001, …}, {} of no child
	formSockaddr   // {sa_family=AF_UNIX, sun_path=@"name"}
	formOptval     // [1], {l_onoff=1, l_linger=0}
	formMessage    // {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="x", iov_len=1}], …}
	formMessageOut // the same with what was received, {msg_namelen=0} where nothing was
	formIovec      // [{iov_base="x", iov_len=1}], as many as the next argument says
	formIovecOut   // the same with what was read
	formTermios    // {c_iflag=ICRNL|IXON, …, ...}
	formOffset     // [0], [0] => [100]
	forms
)

// memory reports whether the form shows what the argument points to.
func (f form) memory() bool { return f > formSocklen }

// param is one argument.
type param struct {
	form   form
	group  string // of constants, for [abi.Flags] and [abi.Enum]
	absent string // what glibc passes, where a record leaves the argument out
	atExit bool   // known only when the call has ended: an out-parameter, or behind one
	glue   string // in place of the ", " before it, and printed together with it
}

// result is what stands behind the = of a call that has succeeded.
type result uint8

const (
	resultNumber  result = iota // 3
	resultFlags                 // 0x802 (flags O_RDWR|O_NONBLOCK)
	resultFdFlags               // 0x1 (flags FD_CLOEXEC)
	resultSignal                // 10 (SIGUSR1)
	resultPoll                  // 1 ([{fd=3, revents=POLLIN}]), 0 (Timeout)
	resultSelect                // 1 (in [3], left {tv_sec=0, tv_usec=0}), 0 (Timeout)
	resultNever                 // ?, at once: the call does not come back
	resultZero                  // 0, whatever the model's own result is: C has that in an out-parameter
	results
)

// row is one system call.
type row struct {
	name   string
	params []param
	result result
	own    []int // of the params, those that a method of kernel.Calls has, where a record may hold just these

	// Where an argument decides how others look, params are those common to all, and the rest is found here.
	choose func(args []any) int64
	rest   map[int64]tail
	other  tail // for a choice that is not in rest
}

// tail is the rest of a row.
type tail struct {
	params []param
	result result
}

// The params as the table names them. A group of constants is named by enum and flags.
var (
	fd       = param{form: formNumber}
	number   = param{form: formNumber}
	unsigned = param{form: formUnsigned}
	size     = param{form: formSize}
	address  = param{form: formHex}
	pointer  = param{form: formPointer}

	event     = param{form: formEvent}
	eventsOut = param{form: formEventsOut}
	bytesIn   = param{form: formBytes}
	bytesOut  = param{form: formBytesOut}
	path      = param{form: formPath}
	fdPair    = param{form: formPair}
	intRef    = param{form: formInt}
	pollFds   = param{form: formPollFds}
	fdSet     = param{form: formFdSet}
	sigSet    = param{form: formSigSet, absent: "NULL"}
	setSize   = param{form: formSize, absent: "8"}
	sigAction = param{form: formSigAction, absent: "NULL"}
	timespec  = param{form: formTimespec, absent: "NULL"}
	timeval   = param{form: formTimeval}
	rlimit    = param{form: formRlimit, absent: "NULL"}
	itimer    = param{form: formItimerspec, absent: "NULL"}
	sockaddr  = param{form: formSockaddr, absent: "NULL"}
	socklen   = param{form: formSocklen, absent: "NULL"}
	dirfd     = param{form: formDirfd, absent: "AT_FDCWD"}
	termios   = param{form: formTermios}
	offset    = param{form: formOffset}

	// atExit stands in front of the first argument that is known only when the call has ended.
	atExit = param{form: forms}
)

func flags(group string) param { return param{form: formFlags, group: group} }
func enum(group string) param  { return param{form: formEnum, group: group} }

func (p param) orAbsent(text string) param { p.absent = text; return p }
func (p param) glued(glue string) param    { p.glue = glue; return p }

// args takes the mark atExit out of a list and marks what stands behind it.
func args(list ...param) []param {
	for i, p := range list {
		if p != atExit {
			continue
		}
		list = append(list[:i], list[i+1:]...)
		for ; i < len(list); i++ {
			list[i].atExit = true
		}
		break
	}
	return list
}

// table has a row for each system call. The man page has the meaning, strace(1) the look; what comes behind atExit was
// taken from strace 6.1 by running it.
var table = []row{
	{name: "epoll_create", params: args(number)},
	{name: "epoll_create1", params: args(flags("EPOLL_CREATE1"))},
	{
		name: "epoll_ctl", params: args(fd, enum("EPOLL_CTL"), fd), choose: argument(1),
		rest:  map[int64]tail{abi.EPOLL_CTL_DEL: {params: args(pointer.orAbsent("NULL"))}},
		other: tail{params: args(event)},
	},
	{name: "epoll_wait", params: args(fd, atExit, eventsOut, number, number)},
	{name: "epoll_pwait", params: args(fd, atExit, eventsOut, number, number, sigSet, setSize)},
	{name: "epoll_pwait2", params: args(fd, atExit, eventsOut, number, timespec, sigSet, setSize)},

	{name: "poll", params: args(pollFds, size, number), result: resultPoll},
	{name: "ppoll", params: args(pollFds, size, timespec, sigSet, setSize), result: resultPoll},
	{name: "select", params: args(number, fdSet, fdSet, fdSet, timeval), result: resultSelect},
	{
		name:   "pselect6",
		params: args(number, fdSet, fdSet, fdSet, timespec, param{form: formSigmask, absent: "NULL"}),
		result: resultSelect,
	},

	{name: "read", params: args(fd, atExit, bytesOut, size)},
	{name: "write", params: args(fd, bytesIn, size)},
	{name: "readv", params: args(fd, atExit, param{form: formIovecOut}, size)},
	{name: "writev", params: args(fd, param{form: formIovec}, size)},
	{name: "pread64", params: args(fd, atExit, bytesOut, size, number)},
	{name: "pwrite64", params: args(fd, bytesIn, size, number)},
	{
		name: "sendfile", params: args(fd, fd), choose: whetherNil(2),
		rest:  map[int64]tail{1: {params: args(offset, size)}},
		other: tail{params: args(atExit, offset, size)},
	},
	{name: "splice", params: args(fd, offset, fd, offset, size, flags("SPLICE_F"))},
	{name: "tee", params: args(fd, fd, size, flags("SPLICE_F"))},
	{name: "lseek", params: args(fd, number, enum("SEEK"))},
	{name: "close", params: args(fd)},
	{name: "close_range", params: args(unsigned, unsigned, flags("CLOSE_RANGE"))},
	{name: "dup", params: args(fd)},
	{name: "dup2", params: args(fd, fd)},
	{name: "dup3", params: args(fd, fd, flags("PIPE2"))},
	{
		name: "openat", params: args(dirfd, path, flags("O")), own: []int{1, 2}, choose: creates,
		rest: map[int64]tail{1: {params: args(param{form: formMode, absent: "0666"})}},
	},
	{name: "mkdir", params: args(path, param{form: formMode, absent: "0777"})},
	{name: "rmdir", params: args(path)},
	{name: "link", params: args(path, path)},
	{name: "unlink", params: args(path)},
	{name: "rename", params: args(path, path)},
	{name: "memfd_create", params: args(path, flags("MFD"))},
	{name: "mknodat", params: args(dirfd, path, param{form: formNode}), own: []int{1, 2}},
	{
		name: "fcntl", params: args(fd, enum("F")), choose: argument(1),
		rest: map[int64]tail{
			abi.F_GETFL:         {result: resultFlags},
			abi.F_SETFL:         {params: args(flags("O"))},
			abi.F_GETFD:         {result: resultFdFlags},
			abi.F_SETFD:         {params: args(flags("FD"))},
			abi.F_DUPFD:         {params: args(number)},
			abi.F_DUPFD_CLOEXEC: {params: args(number)},
			abi.F_GETPIPE_SZ:    {},
			abi.F_SETPIPE_SZ:    {params: args(number)},
			abi.F_GETOWN:        {},
			abi.F_SETOWN:        {params: args(number)},
			abi.F_GETSIG:        {result: resultSignal},
			abi.F_SETSIG:        {params: args(enum("SIG"))},
		},
		other: tail{params: args(address)},
	},
	{
		name: "ioctl", params: args(fd, enum("IOCTL")), choose: argument(1),
		rest: map[int64]tail{
			abi.FIONREAD:          {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.SIOCATMARK:        {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.TIOCOUTQ:          {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.TIOCGPTN:          {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.TIOCGPGRP:         {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.TIOCGSID:          {params: args(atExit, intRef.glued(", ")), result: resultZero},
			abi.FIONBIO:           {params: args(intRef)},
			abi.FIOASYNC:          {params: args(intRef)},
			abi.TIOCSPTLCK:        {params: args(intRef)},
			abi.TIOCSPGRP:         {params: args(intRef)},
			abi.TIOCGPTPEER:       {params: args(address)},
			abi.TCGETS:            {params: args(atExit, termios.glued(", "))},
			abi.TCSETS:            {params: args(termios)},
			abi.TCSETSW:           {params: args(termios)},
			abi.TCSETSF:           {params: args(termios)},
			abi.TCFLSH:            {params: args(enum("TCFLSH"))},
			abi.TCXONC:            {params: args(enum("TCXONC"))},
			abi.TFD_IOC_SET_TICKS: {params: args(pointer)},
			abi.FIOCLEX:           {},
			abi.FIONCLEX:          {},
		},
		other: tail{params: args(atExit, address.glued(", "))},
	},

	{name: "pipe", params: args(atExit, fdPair), result: resultZero},
	{name: "pipe2", params: args(atExit, fdPair, flags("PIPE2")), result: resultZero},
	{name: "eventfd2", params: args(unsigned, flags("EFD"))},
	{name: "timerfd_create", params: args(enum("CLOCK"), flags("TFD"))},
	{name: "timerfd_settime", params: args(fd, flags("TFD"), itimer, atExit, itimer)},
	{name: "timerfd_gettime", params: args(fd, atExit, itimer)},
	{name: "signalfd4", params: args(fd, sigSet, setSize, flags("SFD")), own: []int{0, 1, 3}},
	{name: "inotify_init1", params: args(flags("INOTIFY_INIT1"))},
	{name: "inotify_add_watch", params: args(fd, path, flags("IN"))},
	{name: "inotify_rm_watch", params: args(fd, number)},
	{name: "pidfd_open", params: args(number, flags("PIDFD"))},

	{
		name: "socket", params: args(enum("AF"), flags("SOCK")), choose: argument(0),
		rest: map[int64]tail{
			abi.AF_INET:  {params: args(enum("IPPROTO"))},
			abi.AF_INET6: {params: args(enum("IPPROTO"))},
		},
		other: tail{params: args(unsigned)},
	},
	{
		name: "socketpair", params: args(enum("AF"), flags("SOCK"), unsigned, atExit, fdPair), result: resultZero,
	},
	{name: "bind", params: args(fd, sockaddr, number)},
	{name: "listen", params: args(fd, number)},
	{name: "connect", params: args(fd, sockaddr, number)},
	{name: "accept", params: args(fd, atExit, sockaddr, socklen)},
	{
		name: "accept4", params: args(fd), choose: whetherNil(1),
		rest:  map[int64]tail{1: {params: args(sockaddr, socklen, flags("ACCEPT4"))}},
		other: tail{params: args(atExit, sockaddr, socklen, flags("ACCEPT4"))},
	},
	{name: "getsockname", params: args(fd, atExit, sockaddr, socklen)},
	{name: "getpeername", params: args(fd, atExit, sockaddr, socklen)},
	{name: "shutdown", params: args(fd, enum("SHUT"))},
	{name: "sendto", params: args(fd, bytesIn, size, flags("MSG"), sockaddr, number.orAbsent("0"))},
	{name: "sendmsg", params: args(fd, param{form: formMessage}, flags("MSG"))},
	{name: "recvmsg", params: args(fd, atExit, param{form: formMessageOut}, flags("MSG"))},
	{name: "recvfrom", params: args(fd, atExit, bytesOut, size, flags("MSG"), sockaddr, socklen)},
	{
		name:   "setsockopt",
		params: args(fd, enum("SOL"), param{form: formSockopt}, param{form: formOptval}, number.orAbsent("4")),
	},
	{
		name: "getsockopt",
		params: args(fd, enum("SOL"), param{form: formSockopt}, atExit,
			param{form: formOptval}, socklen.orAbsent("[4]")),
		result: resultZero,
	},

	{name: "setrlimit", params: args(enum("RLIMIT"), rlimit)},
	{
		name: "prlimit64", params: args(number.orAbsent("0"), enum("RLIMIT"), rlimit, atExit, rlimit),
		own: []int{1, 2},
	},
	{name: "getpid"},
	{name: "gettid"},
	{
		name: "clone",
		params: args(param{form: formStack}, param{form: formCloneFlags},
			atExit, param{form: formChildTid, glue: ", "}),
	},
	{
		name: "clone3",
		params: args(param{form: formCloneArgs}, atExit, param{form: formCloneTids, glue: " => "},
			size.orAbsent("88").glued(", ")),
	},
	{
		name: "futex", own: []int{2}, // pthread_join
		params: args(param{form: formThread}, number.orAbsent("FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME"), number,
			timespec, address.orAbsent("FUTEX_BITSET_MATCH_ANY")),
	},
	{
		name: "wait4", own: []int{0, 2},
		params: args(number, atExit, param{form: formWaitStatus, absent: "NULL"}, flags("W"),
			pointer.orAbsent("NULL")),
	},
	{
		name: "waitid",
		params: args(enum("P"), number, atExit, param{form: formSiginfo, absent: "NULL"}, flags("W"),
			pointer.orAbsent("NULL")),
		result: resultZero,
	},
	{name: "exit", params: args(number), result: resultNever},
	{name: "exit_group", params: args(number), result: resultNever},

	{name: "kill", params: args(number, enum("SIG"))},
	{name: "tgkill", params: args(number, number, enum("SIG"))},
	{name: "rt_sigaction", params: args(enum("SIG"), sigAction, atExit, sigAction, setSize)},
	{name: "rt_sigprocmask", params: args(enum("SIGPROCMASK"), sigSet, atExit, sigSet, setSize)},
	{name: "rt_sigreturn", params: args(param{form: formSigreturn, absent: "{mask=[]}"})},
	{name: "restart_syscall", params: args(param{form: formResuming})},

	{
		name: "clock_nanosleep", own: []int{2},
		params: args(enum("CLOCK").orAbsent("CLOCK_REALTIME"), flags("TIMER").orAbsent("0"), timespec,
			atExit, pointer.orAbsent("NULL")),
	},
	{name: "clock_gettime", params: args(enum("CLOCK"), atExit, param{form: formTimespec}), result: resultZero},
	{name: "clock_settime", params: args(enum("CLOCK"), timespec)},
	{name: "sched_yield"},
}

// argument chooses by the value of an argument.
func argument(i int) func([]any) int64 {
	return func(args []any) int64 {
		v, _ := integer(args[i])
		return v
	}
}

// whetherNil chooses 1 where an argument is NULL.
func whetherNil(i int) func([]any) int64 {
	return func(args []any) int64 {
		if isNil(args[i]) || args[i] == (absent{}) {
			return 1
		}
		return 0
	}
}

// creates chooses 1 where the flags of openat ask for a mode.
func creates(args []any) int64 {
	if v, _ := integer(args[2]); v&(abi.O_CREAT|abi.O_TMPFILE&^abi.O_DIRECTORY) != 0 {
		return 1
	}
	return 0
}

var rowByName = indexRows()

func indexRows() map[string]*row {
	index := make(map[string]*row, len(table))
	for i := range table {
		index[table[i].name] = &table[i]
	}
	return index
}

// absent stands for an argument that a record leaves out.
type absent struct{}

// align puts the arguments of a record where C has them; the ones left out become absent. Further ones are dropped.
func (r *row) align(args []any) []any {
	all := make([]any, len(r.params)+r.longestRest())
	for i := range all {
		all[i] = absent{}
	}
	if len(args) > len(r.own) {
		copy(all, args)
		return all
	}
	for i, arg := range args {
		all[r.own[i]] = arg
	}
	return all
}

func (r *row) longestRest() int {
	n := len(r.other.params)
	for _, t := range r.rest {
		n = max(n, len(t.params))
	}
	return n
}

// resolve gives the params and the result for these arguments, which are aligned.
func (r *row) resolve(args []any) tail {
	if r.choose == nil {
		return tail{r.params, r.result}
	}
	t, ok := r.rest[r.choose(args)]
	if !ok {
		t = r.other
	}
	return tail{append(r.params[:len(r.params):len(r.params)], t.params...), t.result}
}

// late is the number of params printed at entry.
func (t tail) late() int {
	for i, p := range t.params {
		if p.atExit {
			return i
		}
	}
	return len(t.params)
}

// decoded reports whether strace has printed all it will print when a call begins, but for the number returned.
func (t tail) decoded() bool {
	return t.late() == len(t.params) && t.result != resultPoll && t.result != resultSelect
}
