package fuzz

import "github.com/epollsim/epollsim/abi"

// Rows of pseudo-terminals. On Linux a worker of the kernel carries what is written to the other end, so the host gets a
// moment after every call (judge.go). Writes are short: while more than 4 kB are written in one call the worker makes room,
// and how much fits varies.

var (
	typed = []string{
		"a", "ab\n", "\n", "x\x7f", "\x04", "abc\ndef\n", "\x15", "\x13", "\x11", "\r", "\t", "\x03", "y\x04", "\x16\x03", "\xc3\xa9\x7f", "",
	}
	ttySizes  = []int64{1, 100, 4096, 127, 129, 1000, 2048, 4095, 0}
	ttyReads  = []int64{100, 1, 4096, 2, 64, 0, 10000}
	peerFlags = []int64{abi.O_RDWR | abi.O_NOCTTY | abi.O_NONBLOCK, abi.O_RDWR | abi.O_NOCTTY | abi.O_NONBLOCK | abi.O_CLOEXEC, abi.O_RDONLY | abi.O_NOCTTY | abi.O_NONBLOCK}
)

var ttyRows = []*op{
	{
		name: "open ptmx", weight: 1, alone: true, form: `open("/dev/ptmx", {0:O})`,
		choose: func(g *generator) bool { return g.tty() && g.args(abi.O_RDWR|abi.O_NONBLOCK) },
		run:    func(r *runner, a []int64) { r.int(r.Open("/dev/ptmx", int(a[0]))) },
		effect: func(g *generator, _ []int64, r *runner) {
			g.opened(r.ret, ptyMaster)
			if !g.prog.slow {
				g.prog.slow, g.prog.slowFrom = true, len(g.calls)-1
			}
		},
	},
	{
		name: "ioctl TIOCSPTLCK", weight: 1, alone: true, form: "ioctl({0:fd}, TIOCSPTLCK, {1})",
		choose: func(g *generator) bool { return g.tty() && g.args(g.fd(kinds(ptyMaster)), int64(g.pick(2))) },
		run:    func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TIOCSPTLCK, a[1])) },
	},
	{
		name: "ioctl TIOCGPTPEER", weight: 2, alone: true, form: "ioctl({0:fd}, TIOCGPTPEER, {1:O})",
		choose: func(g *generator) bool {
			return g.tty() && g.args(g.fd(kinds(ptyMaster)), peerFlags[g.pick(len(peerFlags))])
		},
		run:    func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TIOCGPTPEER, a[1])) },
		effect: opens(ptySlave),
	},
	{name: "pty", weight: 2, alone: true, expand: aPty},
	{
		name: "type", weight: 9, alone: true, blocks: true, count: 2, form: "write({0:fd}, {1:typed})",
		choose: func(g *generator) bool {
			fd, text := g.fd(isPty), g.pick(len(typed))
			return kinds(g.kindOf(fd))&isPty != 0 && g.args(fd, int64(text), int64(len(typed[text])))
		},
		run: func(r *runner, a []int64) { r.int(r.Write(int(a[0]), []byte(typed[a[1]]))) },
	},
	{
		name: "tty write", weight: 4, alone: true, blocks: true, count: 2, form: "write({0:fd}, {1:bytes} * {2})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return kinds(g.kindOf(fd))&isPty != 0 && g.args(fd, g.letter(), ttySizes[g.pick(len(ttySizes))])
		},
		run: func(r *runner, a []int64) { r.int(r.Write(int(a[0]), r.fill(byte(a[1]), int(a[2])))) },
	},
	{
		name: "tty read", weight: 9, alone: true, blocks: true, form: "read({0:fd}, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return kinds(g.kindOf(fd))&isPty != 0 && g.args(fd, ttyReads[g.pick(len(ttyReads))])
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Read(int(a[0]), p)
			r.data(p, n, err)
		},
	},
	{
		name: "tcsetraw", weight: 2, alone: true, form: "tcsetraw({0:fd})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return g.tty() && g.kindOf(fd) != tty && g.args(fd)
		},
		run: func(r *runner, a []int64) { r.zero(r.Tcsetraw(int(a[0]))) },
	},
	{
		name: "ioctl TCFLSH", weight: 2, alone: true, form: "ioctl({0:fd}, TCFLSH, {1:TCFLSH})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return g.tty() && g.kindOf(fd) != tty && g.args(fd, int64(g.pick(4)))
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TCFLSH, a[1])) },
	},
	{
		name: "ioctl TCXONC", weight: 4, alone: true, form: "ioctl({0:fd}, TCXONC, {1:TCXONC})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return g.tty() && g.kindOf(fd) != tty && g.args(fd, int64(g.pick(5)))
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TCXONC, a[1])) },
	},
	{
		name: "ioctl TIOCPKT", weight: 2, alone: true, form: "ioctl({0:fd}, TIOCPKT, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(kinds(ptyMaster))
			return g.tty() && g.kindOf(fd) != tty && g.args(fd, int64(g.pick(2)))
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.TIOCPKT, a[1])) },
	},
	{
		name: "ioctl of a tty", weight: 2, alone: true, form: "ioctl({0:fd}, {1:IOCTL})",
		choose: func(g *generator) bool {
			fd := g.fd(isPty)
			return g.tty() && g.kindOf(fd) != tty && g.args(fd, []int64{abi.FIONREAD, abi.TIOCOUTQ}[g.pick(2)])
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), uint(a[1]), 0)) },
	},
}

// tty reports whether the program has a terminal: what is for them is made of other files only then.
func (g *generator) tty() bool { return g.prog.slow }

// aPty opens a pair, raw or not, and watches it. Most programs have none: they would be slow. Those with connections of TCP
// have none at all: its timers would expire while the host is given its moments.
func aPty(g *generator) {
	if g.prog.timed || !g.tty() && g.pick(5) != 4 {
		return
	}
	master := g.call("open ptmx", abi.O_RDWR|abi.O_NONBLOCK)
	g.call("ioctl TIOCSPTLCK", master, 0)
	slave := g.call("ioctl TIOCGPTPEER", master, peerFlags[0])
	if g.pick(2) == 1 {
		g.call("tcsetraw", slave)
	}
	ep := g.anEpoll()
	g.watch(ep, slave)
	if g.pick(2) == 0 {
		g.watch(ep, master)
	}
	end := []int64{master, slave}[g.pick(2)]
	for range g.pick(3) {
		text := g.pick(len(typed))
		g.call("type", end, int64(text), int64(len(typed[text])))
		g.call("epoll_wait", ep, 64, 0)
	}
}
