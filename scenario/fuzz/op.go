package fuzz

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// op is one row of the table: a call that programs make. A new call, or a new device, is a new row.
type op struct {
	name   string
	weight int                   // of 300 or so: how often a sequential program makes it
	act    int                   // how often the main thread does while the second one runs
	second int                   // … and the second one itself
	setup  int                   // how much more often than weight says before they begin
	blocks bool                  // may sleep until somebody comes, unless its fd, the first argument, is non-blocking
	count  int                   // which argument says how much it must write before it returns; 0: none
	sleeps func(a []int64) int64 // how long at most (ns), negative: for ever
	form   string                // in Starlark, see form.go
	// waitless says that the arguments ask not to sleep.
	waitless func(a []int64) bool
	hidden   bool // a scenario cannot say it
	alone    bool // not in programs of two threads
	// prelude is what a scenario needs to have before it can say it.
	prelude string
	// choose picks the arguments from the state and the random bits; false: nothing fits.
	choose func(g *generator) bool
	// run makes the call and tells r its result.
	run func(r *runner, a []int64)
	// effect notes what a successful call did to the fd table.
	effect func(g *generator, a []int64, r *runner)
	// expand stands in place of all that: a row that makes several calls of other rows.
	expand func(g *generator)
}

// Row order is order of simplicity: small random numbers, which are frequent and where shrinking ends, take the
// first rows.
var table = []*op{
	{
		name: "epoll_ctl", weight: 46, act: 12, form: "epoll_ctl({0:fd}, {1:EPOLL_CTL}, {2:fd}, {3:EPOLL}, data={4:data})",
		choose: func(g *generator) bool {
			epfd, fd := g.fd(isEpoll), g.fd(isPollable)
			how, mask := ctlOps[g.pick(len(ctlOps))], g.mask()
			data := fd
			if g.pick(8) == 7 {
				data = g.pick64(1 << 40)
			}
			return g.args(epfd, how, fd, mask, int64(uint32(data)))
		},
		run: func(r *runner, a []int64) {
			ev := abi.EpollEvent{Events: abi.Events(a[3]), Data: uint64(a[4])}
			r.zero(r.EpollCtl(int(a[0]), int(a[1]), int(a[2]), &ev))
		},
	},
	{
		name: "epoll_wait", weight: 36, act: 8, second: 30, form: "epoll_wait({0:fd}, maxevents={1}, timeout={2})",
		sleeps: func(a []int64) int64 { return a[2] * 1e6 },
		choose: func(g *generator) bool {
			epfd := g.fd(isEpoll)
			return g.args(epfd, maxEvents[g.pick(len(maxEvents))], g.timeout())
		},
		run: func(r *runner, a []int64) {
			n, err := r.EpollWait(int(a[0]), r.eventBuffer(int(a[1])), int(a[1]), int(a[2]))
			r.delivered(n, err)
		},
	},
	{
		name: "write", weight: 24, act: 16, second: 6, blocks: true, count: 2, form: "write({0:fd}, {1:bytes} * {2})",
		choose: func(g *generator) bool {
			fd := g.fd(isWritable)
			if kinds(g.kindOf(fd))&isTerminal != 0 || g.isShared(fd) {
				return false
			}
			return g.args(fd, 'a'+int64(len(g.calls)%26), writeSizes[g.pick(len(writeSizes))])
		},
		run: func(r *runner, a []int64) { r.int(r.Write(int(a[0]), r.fill(byte(a[1]), int(a[2])))) },
	},
	{
		name: "read", weight: 20, act: 8, second: 14, blocks: true, form: "read({0:fd}, {1})",
		choose: func(g *generator) bool {
			fd, size := g.fd(isReadable), readSizes[g.pick(len(readSizes))]
			switch kind := g.kindOf(fd); {
			case kinds(kind)&isTerminal != 0:
				return false
			case kind == signalfd: // a record says who sent the signal
				size = min(size, sizeofSiginfo-1)
			}
			return g.args(fd, size)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Read(int(a[0]), p)
			r.data(p, n, err)
		},
	},
	{
		name: "writev", weight: 8, act: 4, second: 2, blocks: true, count: 4, form: "writev({0:fd}, [{1:bytes} * {2}, b\"\", {1:bytes} * {3}])",
		choose: func(g *generator) bool {
			fd := g.fd(isWritable)
			if kinds(g.kindOf(fd))&isTerminal != 0 || g.isShared(fd) {
				return false
			}
			first, second := writeSizes[g.pick(len(writeSizes))], writeSizes[g.pick(len(writeSizes))]
			return g.args(fd, 'a'+int64(len(g.calls)%26), first, second, first+second)
		},
		run: func(r *runner, a []int64) {
			r.int(r.Writev(int(a[0]), [][]byte{r.fill(byte(a[1]), int(a[2])), {}, r.fill(byte(a[1]), int(a[3]))}))
		},
	},
	{
		name: "readv", weight: 8, act: 3, second: 3, blocks: true, form: "readv({0:fd}, [{1}, {2}, {3}])",
		choose: func(g *generator) bool {
			fd := g.fd(isReadable)
			kind := g.kindOf(fd)
			if kinds(kind)&isTerminal != 0 {
				return false
			}
			var sizes [3]int64
			for i := range sizes {
				if sizes[i] = readSizes[g.pick(len(readSizes))]; kind == signalfd {
					sizes[i] = min(sizes[i], sizeofSiginfo/4)
				}
			}
			return g.args(fd, sizes[0], sizes[1], sizes[2])
		},
		run: func(r *runner, a []int64) {
			iov := [][]byte{make([]byte, a[1]), make([]byte, a[2]), make([]byte, a[3])}
			n, err := r.Readv(int(a[0]), iov)
			r.parts(iov, n, err)
		},
	},
	{
		name: "pwrite", weight: 3, form: "pwrite({0:fd}, {1:bytes} * {2}, {3})",
		choose: func(g *generator) bool {
			fd := g.fd(isWritable)
			return !g.isShared(fd) && g.args(fd, 'a'+int64(len(g.calls)%26), writeSizes[g.pick(len(writeSizes))], offsets[g.pick(len(offsets))])
		},
		run: func(r *runner, a []int64) { r.int(r.Pwrite64(int(a[0]), r.fill(byte(a[1]), int(a[2])), a[3])) },
	},
	{
		name: "pread", weight: 3, form: "pread({0:fd}, {1}, {2})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isReadable), readSizes[g.pick(len(readSizes))], offsets[g.pick(len(offsets))])
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Pread64(int(a[0]), p, a[2])
			r.data(p, n, err)
		},
	},
	{
		name: "pipe2", weight: 8, form: "pipe2({0:PIPE2})",
		choose: func(g *generator) bool { return g.args(pipeFlags[g.pick(len(pipeFlags))]) },
		run: func(r *runner, a []int64) {
			fds, err := r.Pipe2(int(a[0]))
			r.pair(fds, err)
		},
		effect: func(g *generator, _ []int64, r *runner) {
			g.opened(r.ret, pipeRead)
			g.opened(r.ret2, pipeWrite)
		},
	},
	{
		name: "eventfd", weight: 8, act: 1, form: "eventfd({0:u}, {1:EFD})",
		choose: func(g *generator) bool {
			return g.args(initvals[g.pick(len(initvals))], eventfdFlags[g.pick(len(eventfdFlags))])
		},
		run:    func(r *runner, a []int64) { r.int(r.Eventfd2(uint32(a[0]), int(a[1]))) },
		effect: opens(eventfd),
	},
	{
		name: "epoll_create1", weight: 6, act: 1, form: "epoll_create1({0:EPOLL_CREATE1})",
		choose: func(g *generator) bool { return g.args([]int64{0, 0, 0, abi.EPOLL_CLOEXEC, 1, -1}[g.pick(6)]) },
		run:    func(r *runner, a []int64) { r.int(r.EpollCreate1(int(a[0]))) },
		effect: opens(epoll),
	},
	{name: "watched eventfd", weight: 8, setup: 12, expand: watchedEventfd},
	{name: "watched pipe", weight: 8, setup: 12, expand: watchedPipe},
	{
		name: "eventfd_write", weight: 12, act: 14, second: 4, blocks: true, form: "eventfd_write({0:fd}, {1:u})",
		choose: func(g *generator) bool {
			fd := g.fd(isEventfd)
			if g.kindOf(fd) != eventfd {
				return false
			}
			return g.args(fd, counts[g.pick(len(counts))])
		},
		run: func(r *runner, a []int64) {
			_, err := r.Write(int(a[0]), binary.LittleEndian.AppendUint64(r.buffer(8)[:0], uint64(a[1])))
			r.zero(err)
		},
	},
	{
		name: "eventfd_read", weight: 8, act: 4, second: 10, blocks: true, form: "eventfd_read({0:fd})",
		choose: func(g *generator) bool {
			fd := g.fd(isEventfd)
			return g.kindOf(fd) == eventfd && g.args(fd)
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(8)
			_, err := r.Read(int(a[0]), p)
			r.unsigned(binary.LittleEndian.Uint64(p), err)
		},
	},
	{
		name: "close", weight: 9, act: 5, form: "close({0:fd})",
		choose: func(g *generator) bool { return g.args(g.fd(isAny)) },
		run:    func(r *runner, a []int64) { r.zero(r.Close(int(a[0]))) },
		effect: func(g *generator, a []int64, _ *runner) { g.closed(a[0]) },
	},
	{
		name: "close_range", weight: 2, form: "close_range({0:fd}, {1}, {2:CLOSE_RANGE})",
		choose: func(g *generator) bool {
			first := g.fd(isAny)
			if first < 0 {
				return false // all
			}
			flags := []int64{abi.CLOSE_RANGE_CLOEXEC, 0, abi.CLOSE_RANGE_CLOEXEC, abi.CLOSE_RANGE_UNSHARE | abi.CLOSE_RANGE_CLOEXEC, 1}[g.pick(5)]
			if g.twoThreads {
				flags &^= abi.CLOSE_RANGE_UNSHARE
			}
			return g.args(first, first+[]int64{0, 1, 0, 3, -1}[g.pick(5)], flags)
		},
		run: func(r *runner, a []int64) { r.zero(r.CloseRange(uint32(a[0]), uint32(a[1]), int(a[2]))) },
		effect: func(g *generator, a []int64, _ *runner) {
			for fd := a[0]; fd <= a[1] && a[2]&abi.CLOSE_RANGE_CLOEXEC == 0; fd++ {
				g.closed(fd)
			}
			marks(g, a, nil)
		},
	},
	{
		name: "dup", weight: 4, act: 1, form: "dup({0:fd})",
		choose: func(g *generator) bool { return g.args(g.fd(isAny)) },
		run:    func(r *runner, a []int64) { r.int(r.Dup(int(a[0]))) },
		effect: func(g *generator, a []int64, r *runner) { g.opened(r.ret, g.kindOf(a[0])) },
	},
	{
		name: "dup2", weight: 4, act: 2, form: "dup2({0:fd}, {1:fd})",
		choose: func(g *generator) bool { return g.args(g.fd(isAny), g.newfd()) },
		run:    func(r *runner, a []int64) { r.int(r.Dup2(int(a[0]), int(a[1]))) },
		effect: func(g *generator, a []int64, r *runner) { g.opened(r.ret, g.kindOf(a[0])) },
	},
	{
		name: "dup3", weight: 2, form: "dup3({0:fd}, {1:fd}, {2:PIPE2})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isAny), g.newfd(), []int64{0, abi.O_CLOEXEC, abi.O_NONBLOCK, 1}[g.pick(4)])
		},
		run:    func(r *runner, a []int64) { r.int(r.Dup3(int(a[0]), int(a[1]), int(a[2]))) },
		effect: func(g *generator, a []int64, r *runner) { g.opened(r.ret, g.kindOf(a[0])) },
	},
	{
		name: "poll", weight: 9, act: 1, second: 8, form: "poll([{*1:(fd, POLL)}], timeout={0})",
		sleeps: func(a []int64) int64 { return a[0] * 1e6 },
		choose: func(g *generator) bool {
			n := 1 + g.pick(4)
			args := append(g.take(), 0)
			for range n {
				fd := g.fd(isAny)
				args = append(args, fd, pollMasks[g.pick(len(pollMasks))])
			}
			args[0] = g.timeout()
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			fds := r.pollFds(a[1:])
			n, err := r.Poll(fds, int(a[0]))
			r.polled(fds, n, err)
		},
	},
	{
		name: "select", weight: 6, second: 4, form: "select({1:set}, {2:set}, {3:set}, timeout={0})",
		sleeps: func(a []int64) int64 { return a[0] * 1e6 },
		choose: func(g *generator) bool {
			args := append(g.take(), 0, 0, 0, 0)
			for i := 1; i <= 3; i++ {
				args[i] = g.fdSet()
			}
			args[0] = g.timeout()
			return g.args(args...)
		},
		run: func(r *runner, a []int64) {
			sets, n := r.fdSets(a[1:])
			n, err := r.Select(n, sets[0], sets[1], sets[2], int(a[0]))
			r.selected(sets, n, err)
		},
	},
	{
		name: "fcntl F_SETFL", weight: 5, act: 2, form: "fcntl({0:fd}, F_SETFL, {1:PIPE2})",
		choose: func(g *generator) bool {
			fd, flags := g.fd(isAny), statusFlags[g.pick(len(statusFlags))]
			switch g.kindOf(fd) {
			case tty:
				return false
			case ptyMaster, ptySlave: // whoever sets it gets SIGIO
				flags &^= abi.O_ASYNC
			case regular, directory, fifo: // a file may have taken the name; what O_DIRECT asks for is up to the file system
				flags &^= abi.O_DIRECT
			case tcp:
				flags |= abi.O_NONBLOCK
			}
			return g.args(fd, flags)
		},
		run: func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), abi.F_SETFL, int(a[1]))) },
	},
	{
		name: "fcntl get", weight: 4, form: "fcntl({0:fd}, {1:F})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isAny), []int64{abi.F_GETFL, abi.F_GETFD, abi.F_GETPIPE_SZ}[g.pick(3)])
		},
		run: func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), int(a[1]), 0)) },
	},
	{
		name: "fcntl F_SETPIPE_SZ", weight: 4, act: 1, form: "fcntl({0:fd}, F_SETPIPE_SZ, {1})",
		choose: func(g *generator) bool { return g.args(g.fd(isPipe), pipeSizes[g.pick(len(pipeSizes))]) },
		run:    func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), abi.F_SETPIPE_SZ, int(a[1]))) },
	},
	{
		name: "fcntl F_DUPFD", weight: 2, form: "fcntl({0:fd}, {2:F}, {1})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isAny), g.newfd(), []int64{abi.F_DUPFD, abi.F_DUPFD_CLOEXEC}[g.pick(2)])
		},
		run:    func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), int(a[2]), int(a[1]))) },
		effect: func(g *generator, a []int64, r *runner) { g.opened(r.ret, g.kindOf(a[0])) },
	},
	{
		name: "fcntl F_SETFD", weight: 1, form: "fcntl({0:fd}, F_SETFD, {1})",
		choose: func(g *generator) bool { return g.args(g.fd(isAny), int64(g.pick(4))) },
		run:    func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), abi.F_SETFD, int(a[1]))) },
		effect: marks,
	},
	{
		name: "fcntl unknown", weight: 1, form: "fcntl({0:fd}, {1})",
		choose: func(g *generator) bool { return g.args(g.fd(isAny), []int64{99, 2000, -1}[g.pick(3)]) },
		run:    func(r *runner, a []int64) { r.int(r.Fcntl(int(a[0]), int(a[1]), 0)) },
	},
	{
		name: "ioctl FIONREAD", weight: 4, act: 1, form: "ioctl({0:fd}, FIONREAD)",
		choose: func(g *generator) bool {
			fd := g.fd(isPipe | isSocket | kinds(regular) | kinds(eventfd) | kinds(device))
			return g.kindOf(fd) != tty && g.args(fd)
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.FIONREAD, 0)) },
	},
	{
		name: "ioctl FIONBIO", weight: 2, act: 1, form: "ioctl({0:fd}, FIONBIO, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(isAny)
			on := int64(g.pick(3))
			if g.kindOf(fd) == tcp {
				on = 1
			}
			return g.kindOf(fd) != tty && g.args(fd, on)
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.FIONBIO, a[1])) },
	},
	{
		name: "ioctl FIOCLEX", weight: 1, form: "ioctl({0:fd}, {1:IOCTL})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isAny), []int64{abi.FIOCLEX, abi.FIONCLEX}[g.pick(2)])
		},
		run:    func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), uint(a[1]), 0)) },
		effect: marks,
	},
	{
		name: "ioctl EPIOCSPARAMS", weight: 1, form: "ioctl({0:fd}, EPIOCSPARAMS, {1})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isEpoll), []int64{0, 100, 64 << 32, 1 << 48, 2 << 48, 1 << 56, 1 << 31, 1<<48 | 8<<32 | 7}[g.pick(8)])
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.EPIOCSPARAMS, a[1])) },
	},
	{
		name: "ioctl EPIOCGPARAMS", weight: 1, form: "ioctl({0:fd}, EPIOCGPARAMS)",
		choose: func(g *generator) bool { return g.args(g.fd(isEpoll)) },
		run:    func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.EPIOCGPARAMS, 0)) },
	},
	{
		name: "epoll_pwait", weight: 4, second: 3, form: "epoll_pwait({0:fd}, maxevents={1}, timeout={2}, sigmask={3:sigmask})",
		sleeps: func(a []int64) int64 { return a[2] * 1e6 },
		choose: func(g *generator) bool {
			return g.args(g.fd(isEpoll), maxEvents[g.pick(len(maxEvents))], g.timeout(), g.sigmask())
		},
		run: func(r *runner, a []int64) {
			n, err := r.EpollPwait(int(a[0]), r.eventBuffer(int(a[1])), int(a[1]), int(a[2]), r.sigmask(a[3]))
			r.delivered(n, err)
		},
	},
	{
		name: "epoll_pwait2", weight: 4, second: 3, form: "epoll_pwait2({0:fd}, maxevents={1}, timeout_ns={2}, sigmask={3:sigmask})",
		sleeps: func(a []int64) int64 { return a[2] },
		choose: func(g *generator) bool {
			ns := []int64{0, 0, -1, -2_000_000_000}[g.pick(4)]
			if g.concurrent {
				ns = 1_000_000 * g.timeout()
			}
			return g.args(g.fd(isEpoll), maxEvents[g.pick(len(maxEvents))], ns, g.sigmask())
		},
		run: func(r *runner, a []int64) {
			r.ts = abi.Timespec{Sec: a[2] / 1e9, Nsec: a[2] % 1e9}
			n, err := r.EpollPwait2(int(a[0]), r.eventBuffer(int(a[1])), int(a[1]), &r.ts, r.sigmask(a[3]))
			r.delivered(n, err)
		},
	},
	{
		name: "open", weight: 4, form: "open({0:name}, {1:O})",
		choose: func(g *generator) bool {
			name := int64(g.pick(len(fileNames)))
			flags := openFlags[g.pick(len(openFlags))]
			if g.fifos {
				flags |= abi.O_NONBLOCK
			}
			return g.args(name, flags)
		},
		run: func(r *runner, a []int64) { r.int(r.Open(fileNames[a[0]], int(a[1]))) },
		effect: func(g *generator, a []int64, r *runner) {
			g.opened(r.ret, fileKinds[a[0]])
			g.prog.files = true
		},
	},
	{
		name: "lseek", weight: 2, form: "lseek({0:fd}, {1}, {2:SEEK})",
		choose: func(g *generator) bool {
			fd, whence := g.fd(isAny), int64(g.pick(4))
			switch g.kindOf(fd) {
			case directory: // up to the file system
				return false
			case fifo: // a file or a directory may have taken the name; where that ends is up to the file system
				whence %= 2
			case regular: // where it has holes is up to the file system
				whence %= 3
			}
			return g.args(fd, int64(g.pick(4))*3-2, whence)
		},
		run: func(r *runner, a []int64) { r.long(r.Lseek(int(a[0]), a[1], int(a[2]))) },
	},
	{
		name: "epoll_ctl NULL", weight: 1, hidden: true, form: "epoll_ctl({0:fd}, {1:EPOLL_CTL}, {2:fd}, NULL)",
		choose: func(g *generator) bool { return g.args(g.fd(isEpoll), []int64{1, 3, 0}[g.pick(3)], g.fd(isAny)) },
		run: func(r *runner, a []int64) {
			r.zero(r.EpollCtl(int(a[0]), int(a[1]), int(a[2]), nil))
		},
	},
	{
		name: "epoll_wait NULL", weight: 2, hidden: true, form: "epoll_wait({0:fd}, NULL, maxevents={1}, timeout=0)",
		choose: func(g *generator) bool { return g.args(g.fd(isEpoll), maxEvents[g.pick(len(maxEvents))]) },
		run: func(r *runner, a []int64) {
			n, err := r.EpollWait(int(a[0]), nil, int(a[1]), 0)
			r.int(n, err)
		},
	},
	{
		name: "epoll_create", weight: 1, form: "epoll_create({0})",
		choose: func(g *generator) bool { return g.args([]int64{1, 0, -1, 1000}[g.pick(4)]) },
		run:    func(r *runner, a []int64) { r.int(r.EpollCreate(int(a[0]))) },
		effect: opens(epoll),
	},
	{
		name: "setrlimit", weight: 1, form: "setrlimit(RLIMIT_NOFILE, {0})",
		choose: func(g *generator) bool {
			return g.pick(4) == 3 && g.args([]int64{16, 8, 64, 1024, 4, 0, 100}[g.pick(7)])
		},
		run: func(r *runner, a []int64) { r.zero(r.Setrlimit(abi.RLIMIT_NOFILE, uint64(a[0]))) },
	},
	{name: "full pipe", weight: 4, expand: fullPipe},
	{name: "chain of epolls", weight: 2, expand: epollChain},
	{name: "many eventfds", weight: 3, expand: manyEventfds},
	{name: "fan-in", weight: 1, expand: fanIn},
	{name: "loop of epolls", weight: 1, expand: epollLoop},
	{name: "exclusive pair", weight: 2, setup: 20, expand: exclusivePair},
	{
		name: "sleep", act: 12, form: "sleep({0})",
		sleeps: func(a []int64) int64 { return a[0] * 1e6 },
		choose: func(g *generator) bool { return g.args(int64(1 + g.pick(2))) },
		run:    func(r *runner, a []int64) { r.zero(r.Nanosleep(a[0] * 1e6)) },
	},
}

// opens is the effect of a call that opens one file.
func opens(k kind) func(*generator, []int64, *runner) {
	return func(g *generator, _ []int64, r *runner) { g.opened(r.ret, k) }
}

// marks is the effect of a call that changes the number it is given.
func marks(g *generator, a []int64, _ *runner) {
	if a[0] < 3 {
		g.prog.spoil = true
	}
}

// rows finds a row by its name.
var rows = map[string]*op{}

// The slots of the random numbers: each row as often as its weight says.
var sequentialSlots, setupSlots, actSlots, secondSlots []*op

func init() {
	table = slices.Concat(table, eventRows, fileRows, spliceOps, socketRows, signalRows, ttyRows, tcpRows, udpRows)
	for _, o := range table {
		rows[o.name] = o
		sequentialSlots = repeat(sequentialSlots, o, o.weight)
		if !o.alone {
			setupSlots = repeat(setupSlots, o, o.weight+o.setup)
		}
		actSlots = repeat(actSlots, o, o.act)
		secondSlots = repeat(secondSlots, o, o.second)
	}
}

// Kinds lists the kinds of the calls of programs, sorted: what a focus can begin.
func Kinds() []string {
	var names []string
	for _, o := range table {
		names = append(names, o.name)
	}
	slices.Sort(names)
	return names
}

// focused are the slots of sequential programs with calls whose names begin with focus more often.
func focused(focus string) (slots []*op) {
	const more = 6
	for _, o := range table {
		n := o.weight
		if focus != "" && strings.HasPrefix(o.name, focus) {
			n *= more
		}
		slots = repeat(slots, o, n)
	}
	return slots
}

func repeat(slots []*op, o *op, n int) []*op {
	for range n {
		slots = append(slots, o)
	}
	return slots
}
