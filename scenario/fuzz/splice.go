package fuzz

import (
	"math"

	"github.com/epollsim/epollsim/abi"
)

// Rows of sendfile, splice and tee. What was spliced from a file shares its pages on Linux, so files are not written to any
// more.

var (
	spliceSizes   = []int64{100, 1, 4096, 65536, 5000, 2, 4095, 0, 100000, 20000, math.MaxInt64, -1}
	spliceFlags   = []int64{0, abi.SPLICE_F_NONBLOCK, 0, abi.SPLICE_F_MORE, abi.SPLICE_F_MOVE | abi.SPLICE_F_NONBLOCK, 0x10}
	spliceOffsets = []int64{noOffset, noOffset, 0, 100, noOffset, 4096, -1, 5000, 70000}
)

// noOffset stands for NULL.
const noOffset = math.MinInt64

const (
	isSpliceIn  = isReadable | isPty&^(1<<ptySlave)
	isSpliceOut = isWritable &^ isUdp // what would cork one is not modelled
	isPipeRead  = 1<<pipeRead | isFifo
	isPipeWrite = 1<<pipeWrite | isFifo
)

var spliceOps = []*op{
	{
		name: "sendfile", weight: 8, act: 2, second: 3, blocks: true, form: "sendfile({0:fd}, {1:fd}, {2:offset}, {3})",
		choose: func(g *generator) bool {
			in, out := g.fd([]set{1 << regular, 1 << regular, isSpliceIn}[g.pick(3)]), g.fd(isSpliceOut)
			if kinds(g.kindOf(in))&kinds(g.kindOf(out))&(1<<regular) != 0 || g.isShared(out) { // a file may be both, by another number
				return false
			}
			return g.splices(out, in, spliceOffsets[g.pick(len(spliceOffsets))], spliceSizes[g.pick(len(spliceSizes))])
		},
		run: func(r *runner, a []int64) { r.int(r.Sendfile(int(a[0]), int(a[1]), offset(a[2]), int(a[3]))) },
		effect: func(g *generator, a []int64, r *runner) {
			g.shares(a[1], r)
		},
	},
	{
		name: "splice", weight: 14, act: 4, second: 8, blocks: true, form: "splice({0:fd}, {2:offset}, {1:fd}, {3:offset}, {4}, {5:SPLICE_F})",
		choose: func(g *generator) bool {
			in, out := g.fd(isPipeRead), int64(0)
			switch g.pick(4) {
			case 0:
				out = g.fd(isPipeWrite)
			case 1:
				in, out = g.fd(isSpliceIn), g.fd(isPipeWrite)
			default:
				out = g.fd(isSpliceOut)
			}
			if g.isShared(out) {
				return false
			}
			from, to := int64(noOffset), int64(noOffset)
			switch g.pick(8) {
			case 6:
				from = spliceOffsets[g.pick(len(spliceOffsets))]
			case 7:
				to = spliceOffsets[g.pick(len(spliceOffsets))]
			}
			return g.splices(in, out, from, to, spliceSizes[g.pick(len(spliceSizes))], spliceFlags[g.pick(len(spliceFlags))])
		},
		run: func(r *runner, a []int64) {
			r.int(r.Splice(int(a[0]), offset(a[2]), int(a[1]), offset(a[3]), int(a[4]), int(a[5])))
		},
		effect: func(g *generator, a []int64, r *runner) { g.shares(a[0], r) },
	},
	{
		name: "tee", weight: 5, act: 1, second: 3, blocks: true, form: "tee({0:fd}, {1:fd}, {2}, {3:SPLICE_F})",
		choose: func(g *generator) bool {
			return g.splices(g.fd(isPipeRead), g.fd(isPipeWrite), spliceSizes[g.pick(len(spliceSizes))], spliceFlags[g.pick(len(spliceFlags))])
		},
		run: func(r *runner, a []int64) { r.int(r.Tee(int(a[0]), int(a[1]), int(a[2]), int(a[3]))) },
	},
	{name: "file to splice", weight: 4, setup: 3, expand: fileToSplice},
	{name: "chain of pipes", weight: 4, setup: 8, expand: chainOfPipes},
	{name: "splice between all", weight: 5, expand: spliceBetweenAll},
}

func offset(v int64) *int64 {
	if v == noOffset {
		return nil
	}
	return &v
}

// splices stores arguments, the first two of which are files that do not sleep where nobody would wake them.
func (g *generator) splices(args ...int64) bool {
	for _, fd := range args[:2] {
		k := kinds(g.kindOf(fd))
		switch {
		case k&isTerminal != 0:
			return false
		case g.concurrent:
			g.pagesShared = g.pagesShared || k&(1<<regular) != 0
		case k&(1<<none|1<<regular|1<<device) == 0 && !g.nonBlocking(fd):
			return false
		}
	}
	return g.args(args...)
}

// shares notes that pages of a file may be elsewhere.
func (g *generator) shares(fd int64, r *runner) {
	if g.kindOf(fd) == regular && r.ret > 0 {
		g.pagesShared = true
	}
}

// isShared reports whether a write to fd may show where pages were spliced to.
func (g *generator) isShared(fd int64) bool { return g.pagesShared && g.kindOf(fd) == regular }

// fileToSplice opens a file with something in it.
func fileToSplice(g *generator) {
	fd := g.call("memfd_create", 0)
	for range 1 + g.pick(3) {
		g.call("write", fd, 'a'+int64(len(g.calls)%26), []int64{100, 5000, 65536, 100000, 4096}[g.pick(5)])
	}
	g.call("lseek", fd, []int64{0, 0, 100, 4000}[g.pick(4)], abi.SEEK_SET)
}

// chainOfPipes opens two watched pipes, with something in the first.
func chainOfPipes(g *generator) {
	ep := g.anEpoll()
	for i := range 2 {
		flags := []int{0, 0, 3}
		if g.twoThreads {
			flags = []int{0, 2, 6}
		}
		r := g.call("pipe2", pipeFlags[flags[g.pick(3)]])
		w := int64(g.runner.ret2)
		if g.pick(3) == 0 {
			g.call("fcntl F_SETPIPE_SZ", w, pipeSizes[g.pick(2)])
		}
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, r, g.mask(), r)
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, w, g.mask(), w)
		if i == 0 {
			for range 1 + g.pick(4) {
				g.call("write", w, 'p', writeSizes[g.pick(9)])
			}
		}
	}
}

// spliceBetweenAll moves bytes among a file, two pipes and two sockets, all watched, and looks who is told.
func spliceBetweenAll(g *generator) {
	var from, to []int64
	ep := g.anEpoll()
	watched := func(fd int64) int64 {
		g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
		return fd
	}
	for range 2 {
		r := watched(g.call("pipe2", abi.O_NONBLOCK))
		from, to = append(from, r), append(to, watched(int64(g.runner.ret2)))
	}
	if g.pick(2) == 0 || g.tty() {
		a, b := g.pair(abi.SOCK_STREAM | abi.SOCK_NONBLOCK)
		from, to = append(from, watched(a), watched(b)), append(to, a, b)
	} else {
		tcpPair(g)
		for i := len(g.open) - 1; i >= 0 && len(to) < 4; i-- {
			if fd := int64(g.open[i]); g.kindOf(fd) == tcp {
				from, to = append(from, fd), append(to, fd)
			}
		}
	}
	fileToSplice(g)
	if len(g.open) == 0 {
		return // RLIMIT_NOFILE lets nothing be opened
	}
	file := g.open[len(g.open)-1]
	for range 4 + g.pick(12) {
		size := spliceSizes[g.pick(7)]
		switch g.pick(6) {
		case 0:
			if kinds(g.kindOf(int64(file)))&(1<<regular) != 0 {
				g.call("sendfile", to[g.pick(len(to))], int64(file), noOffset, size)
				g.call("lseek", int64(file), 0, abi.SEEK_SET)
			}
		case 1:
			g.call("write", to[g.pick(len(to))], g.letter(), size)
		case 2:
			g.call("read", from[g.pick(len(from))], size)
		case 3:
			g.call("tee", from[g.pick(2)], to[g.pick(2)], size, abi.SPLICE_F_NONBLOCK)
		default:
			in := g.pick(len(from))
			out := g.pick(2)
			if in < 2 {
				out = g.pick(len(to))
			}
			g.call("splice", from[in], to[out], noOffset, noOffset, size, abi.SPLICE_F_NONBLOCK)
		}
		g.call("epoll_wait", ep, 64, 0)
	}
}
