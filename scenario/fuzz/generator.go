package fuzz

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// kind is what an fd is of, as far as the choice of calls goes.
type kind uint8

const (
	none kind = iota
	epoll
	eventfd
	pipeRead
	pipeWrite
	regular
	directory
	device
	tty
	timerfd
	fifo
	inotify
	stream
	seqpacket
	dgram
	listener
	passed // came over a socket
	signalfd
	pidfd
	ptyMaster
	ptySlave
	tcp
	udp
)

// set is a set of kinds.
type set uint32

func kinds(k kind) set { return 1 << k }

const (
	isOther    set = 1<<passed | 1<<signalfd | 1<<pidfd
	isAny      set = 1<<epoll | 1<<eventfd | isPipe | 1<<regular | 1<<directory | 1<<device | isTimerfd | isFifo | isInotify | isSocket | isOther | isPty | isTcp | isUdp
	isEpoll    set = 1 << epoll
	isEventfd  set = 1 << eventfd
	isPipe     set = 1<<pipeRead | 1<<pipeWrite
	isTimerfd  set = 1 << timerfd
	isFifo     set = 1 << fifo
	isInotify  set = 1 << inotify
	isUdp      set = 1 << udp
	isSocket   set = 1<<stream | 1<<seqpacket | 1<<dgram | 1<<listener
	isPollable set = 1<<epoll | 1<<eventfd | isPipe | isTimerfd | isFifo | isInotify | isSocket | isOther | isPty | isTcp | isUdp
	isReadable set = 1<<eventfd | 1<<pipeRead | 1<<regular | 1<<directory | 1<<device | isTimerfd | isFifo | isSocket | isOther | isTcp | isUdp
	isWritable set = 1<<eventfd | 1<<pipeWrite | 1<<regular | 1<<device | isFifo | isSocket | 1<<passed | isTcp | isUdp
	isPty      set = 1<<ptyMaster | 1<<ptySlave
	isTerminal set = isPty | 1<<tty
	isCargo    set = 1<<epoll | 1<<eventfd | isPipe | 1<<regular | 1<<device | isTimerfd | isFifo // what may be sent
	isTcp      set = 1 << tcp
)

// generator decodes random numbers into calls. It makes each call on the model at once, so that the next one
// is chosen with its result in view.
type generator struct {
	runner      *runner
	prog        *program
	calls       []call    // those of prog that are being made
	bits        [2]uint64 // left of the two random numbers of a row
	end         int       // most calls
	children    int       // so far
	fifos       bool      // any name may be that of a FIFO
	pagesShared bool      // of files, which were spliced

	kinds [1024]kind
	open  []int16 // in order of opening

	twoThreads bool // the program is one of two threads, which share their descriptors from the beginning
	concurrent bool // the calls are not made now: two threads will
	argv       []int64
}

// begin starts a program.
func (g *generator) begin(p *program, c kernel.Calls, limit int) {
	p.reset()
	g.prog, g.calls, g.end, g.children, g.fifos, g.twoThreads, g.concurrent, g.pagesShared = p, p.calls, limit, 0, false, false, false, false
	g.runner.Calls = c
	for _, fd := range g.open {
		g.kinds[fd] = none
	}
	g.open = g.open[:0]
	g.kinds[0], g.kinds[1], g.kinds[2] = tty, tty, tty
}

// sequential makes the calls of one thread.
func (g *generator) sequential(words []uint64, slots []*op) {
	for i := 0; i+1 < len(words) && len(g.calls) < g.end; i += 2 {
		g.row(words[i], words[i+1], slots)
	}
	g.prog.calls = g.calls
}

// row makes the calls of two random numbers; 0 is no call.
func (g *generator) row(a, b uint64, slots []*op) {
	if a == 0 {
		return
	}
	g.bits = [2]uint64{a - 1, b}
	o := slots[g.pick(len(slots))]
	if o.expand != nil {
		o.expand(g)
		return
	}
	g.argv = g.argv[:0]
	if o.choose(g) {
		g.make(o, g.argv)
	}
}

// pick takes one of n choices from the random numbers in turn: rapid's are short more often than long. Used up
// they are 0 for ever: the plainest choice.
func (g *generator) pick(n int) int { return int(g.pick64(uint64(n))) }

func (g *generator) pick64(n uint64) int64 {
	v := g.bits[0] % n
	g.bits[0], g.bits[1] = g.bits[1], g.bits[0]/n
	return int64(v)
}

// args stores the arguments that a row has chosen.
func (g *generator) args(args ...int64) bool {
	g.argv = append(g.argv[:0], args...)
	return true
}

func (g *generator) take() []int64 { return make([]int64, 0, 12) }

// make makes a call, or notes it for later.
func (g *generator) make(o *op, args []int64) {
	if len(g.calls) >= g.end {
		return
	}
	at := len(g.prog.arena)
	g.prog.arena = append(g.prog.arena, args...)
	args = g.prog.arena[at:len(g.prog.arena):len(g.prog.arena)]
	if g.concurrent {
		g.calls = append(g.calls, call{op: o, args: args})
		g.mayChange(o, args)
		return
	}
	if o.blocks {
		g.makeWithoutBlocking(o, args)
		return
	}
	g.runner.do(o, args)
	g.note(o, args)
}

// mayChange notes that a call which is made later may leave more behind than a reset undoes.
func (g *generator) mayChange(o *op, args []int64) {
	for _, a := range args {
		if o.effect != nil && (a >= 0 && a < 3 || a >= highest) {
			g.prog.spoil = true
		}
	}
}

// call makes a call of the row with this name and returns its result.
func (g *generator) call(name string, args ...int64) int64 {
	if len(g.calls) >= g.end {
		return -1
	}
	g.make(rows[name], args)
	return int64(g.runner.ret)
}

// note adds the call that the runner made last to the program.
func (g *generator) note(o *op, args []int64) {
	r := g.runner
	want := append(make([]byte, 0, len(r.text)), r.text...)
	g.calls = append(g.calls, call{op: o, args: args, want: want, ret: r.ret, ret2: r.ret2})
	if r.err == nil && o.effect != nil {
		o.effect(g, args, r)
	}
}

// makeWithoutBlocking makes a call that might sleep. It is made on a non-blocking description; if it did
// everything at once that changes nothing, and the description gets its mode back. If not, the change of mode
// becomes part of the program.
func (g *generator) makeWithoutBlocking(o *op, args []int64) {
	c, fd := g.runner.Calls, int(args[0])
	flags, err := c.Fcntl(fd, abi.F_GETFL, 0)
	if err != nil || flags&abi.O_NONBLOCK != 0 || o.waitless != nil && o.waitless(args) {
		g.runner.do(o, args)
		g.note(o, args)
		return
	}
	c.Fcntl(fd, abi.F_SETFL, flags|abi.O_NONBLOCK)
	g.runner.do(o, args)
	r := g.runner
	stuck := r.err == abi.EAGAIN || r.err == nil && (o.count > 0 && r.ret < int(args[o.count]) || o.count == 0 && g.waitsForMore(fd))
	if !stuck {
		c.Fcntl(fd, abi.F_SETFL, flags)
		g.note(o, args)
		return
	}
	setfl := rows["fcntl F_SETFL"]
	g.calls = append(g.calls, call{op: setfl, args: []int64{args[0], int64(flags | abi.O_NONBLOCK)}, want: []byte("0")})
	g.note(o, args)
}

// waitsForMore reports whether a read of fd that blocks may wait for more than one byte.
func (g *generator) waitsForMore(fd int) bool {
	lowat, err := g.runner.Getsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVLOWAT)
	return err == nil && lowat > 1
}

// highest is the last number but one that a fresh fd table has room for. When it is taken, any call may make the
// table larger, even one that fails: a pair takes two numbers first.
const highest = 62

func (g *generator) kindOf(fd int64) kind {
	if fd < 0 || fd >= int64(len(g.kinds)) {
		return none
	}
	return g.kinds[fd]
}

func (g *generator) opened(fd int, k kind) {
	if fd < 0 || fd >= len(g.kinds) {
		return
	}
	if fd < 3 {
		g.prog.spoil = true
	} else if g.kinds[fd] == none {
		g.open = append(g.open, int16(fd))
	}
	if fd >= highest {
		g.prog.spoil = true
	}
	g.kinds[fd] = k
}

func (g *generator) closed(fd int64) {
	if fd < 3 {
		g.prog.spoil = true
	}
	g.kinds[fd] = none
	for i, o := range g.open {
		if int64(o) == fd {
			g.open = append(g.open[:i], g.open[i+1:]...)
			return
		}
	}
}

// fd picks an open file of a kind, the latest first, or rarely anything else.
func (g *generator) fd(of set) int64 {
	const near = 12
	var found [near]int64
	n := 0
	for i := len(g.open) - 1; i >= 0 && n < near; i-- {
		if fd := g.open[i]; of&kinds(g.kinds[fd]) != 0 {
			found[n] = int64(fd)
			n++
		}
	}
	v := g.pick(64)
	if v < 60 && n > 0 {
		return found[v%n]
	}
	fd := g.oddFd(v % 4)
	if of&isSocket != 0 && of&isUdp == 0 && g.kindOf(fd) == udp {
		return -1 // names of unix sockets are longer on the host
	}
	return fd
}

// oddFd is a number that is of any kind, or of none.
func (g *generator) oddFd(which int) int64 {
	if n := len(g.open); which < 2 && n > 0 {
		return int64(g.open[g.pick(n)])
	}
	fd := []int64{-1, 0, 63, 1, 999, 2, 64, 40}[g.pick(8)]
	if g.concurrent && g.kindOf(fd) == tty {
		return -1 // copies of the terminal would go unnoticed
	}
	return fd
}

// newfd picks a number to open: one in use, the next, or far away.
func (g *generator) newfd() int64 {
	v := g.pick(32)
	switch {
	case v < 16 && len(g.open) > 0:
		return int64(g.open[len(g.open)-1-v%len(g.open)])
	case v < 31:
		return int64(3 + g.pick(40))
	}
	g.prog.spoil = true
	return []int64{64, 200, -1, 1023, 1024, 0, 127, 128}[g.pick(8)]
}

func (g *generator) mask() int64 {
	v := g.pick(len(epollMasks) + 1)
	if v == len(epollMasks) {
		return g.pick64(1 << 32)
	}
	return int64(epollMasks[v])
}

// timeout is 0, or for a thread that may sleep some milliseconds or for ever.
func (g *generator) timeout() int64 {
	if !g.concurrent {
		return 0
	}
	return []int64{2, 1, 3, 0, 2, 4, -1, 1}[g.pick(8)]
}

// sigmask is no mask, or one of signalSets.
func (g *generator) sigmask() int64 { return []int64{0, 1, 8, 3, 0, 2}[g.pick(6)] }

// fdSet picks up to four fds for select.
func (g *generator) fdSet() int64 {
	n := g.pick(5)
	if n == 4 {
		return 0
	}
	v, shift := int64(setMark), 0
	for range n {
		if fd := g.fd(isAny); fd >= 0 && fd < 1022 {
			v |= (fd + 1) << shift
			shift += 10
		}
	}
	return v
}
