package kernel_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// sockGen makes a program while it runs on the model.
type sockGen struct {
	*rand.Rand
	k     kernel.Calls
	calls []sockCall
	want  []string
	seed  uint64
	socks []int // sockets that calls go to
	eps   []int
	other []int // pipes, received descriptors, sockets that are only sent
}

// call makes a call on the model and returns its result.
func (g *sockGen) call(name, s string, a ...int) string {
	c := sockCall{name: name, s: s}
	copy(c.a[:], a)
	g.calls = append(g.calls, c)
	g.want = append(g.want, c.do(g.k))
	return g.want[len(g.want)-1]
}

// open makes a call that opens files and remembers them.
func (g *sockGen) open(list *[]int, name, s string, a ...int) (first int) {
	first = 99
	for f := range strings.FieldsSeq(g.call(name, s, a...)) {
		if n, err := strconv.Atoi(f); err == nil && n > 2 {
			*list = append(*list, n)
			first = min(first, n)
		}
	}
	return first
}

func pickOf[T any](g *sockGen, list ...T) T { return list[g.IntN(len(list))] }

func (g *sockGen) sock() int {
	if len(g.socks) == 0 || g.IntN(40) == 0 {
		return pickOf(g, 99, 3, 4)
	}
	if g.IntN(2) == 0 {
		return g.socks[max(0, len(g.socks)-1-g.IntN(4))]
	}
	return pickOf(g, g.socks...)
}

func (g *sockGen) any() int {
	if all := slices.Concat(g.socks, g.eps, g.other); len(all) > 0 {
		return pickOf(g, all...)
	}
	return 99
}

// cargo is what is sent in messages: no socket that carries some itself, because Linux collects cycles when it likes.
func (g *sockGen) cargo() int {
	if all := slices.Concat(g.eps, g.other); len(all) > 0 {
		return pickOf(g, all...)
	}
	return 99
}

func (g *sockGen) name() string {
	name := pickOf(g, "@a", "@b", "@a", "@b", "@c", "p", "q", "p", "q", "r", "@")
	if name[0] == '@' { // a name may live a little longer than its program
		name += strconv.FormatUint(g.seed, 10)
	}
	return name
}

func (g *sockGen) kind() int {
	return pickOf(g, abi.SOCK_STREAM, abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_DGRAM, abi.SOCK_SEQPACKET) | abi.SOCK_NONBLOCK
}

func (g *sockGen) size() int {
	if g.IntN(3) == 0 {
		return 1 + g.IntN(70000)
	}
	return pickOf(g, 0, 1, 1, 1, 2, 3, 192, 193, 704, 705, 1000, 1728, 1729, 3776, 3777, 4096, 5000, 8192, 16064, 16065, 16384, 20000,
		32768, 36544, 36545, 65536, 85696, 85697, 106432, 106433, 200000, 212960, 212961)
}

// flags is 0 most of the time.
func (g *sockGen) flags(list ...int) int {
	if g.IntN(3) > 0 {
		return 0
	}
	return pickOf(g, list...)
}

const allEvents = 0x3fff

func (g *sockGen) watch(ep, fd int) {
	mask := pickOf[abi.Events](g, allEvents, allEvents, abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLIN|abi.EPOLLOUT|abi.EPOLLRDHUP, abi.EPOLLPRI, 0) |
		pickOf[abi.Events](g, 0, abi.EPOLLET, abi.EPOLLET, abi.EPOLLET, abi.EPOLLONESHOT)
	op := pickOf(g, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_ADD, abi.EPOLL_CTL_MOD, abi.EPOLL_CTL_DEL)
	g.call("epoll_ctl", "", ep, op, fd, int(mask))
}

func (g *sockGen) pair() {
	g.open(&g.socks, "socketpair", "", abi.AF_UNIX, g.kind(), 0)
	if len(g.eps) > 0 && g.IntN(2) == 0 {
		for _, fd := range g.socks[max(0, len(g.socks)-2):] {
			g.call("epoll_ctl", "", pickOf(g, g.eps...), abi.EPOLL_CTL_ADD, fd, allEvents|int(abi.EPOLLET))
		}
	}
}

// server is a named socket and some that connect to it.
func (g *sockGen) server() {
	kind, name := g.kind(), g.name()
	fd := g.open(&g.socks, "socket", "", abi.AF_UNIX, kind, 0)
	g.call("bind", name, fd)
	if kind&0xf != abi.SOCK_DGRAM {
		g.call("listen", "", fd, g.IntN(3))
	}
	for range g.IntN(3) {
		c := g.open(&g.socks, "socket", "", abi.AF_UNIX, kind, 0)
		g.call("connect", name, c)
		if len(g.eps) > 0 {
			g.watch(pickOf(g, g.eps...), c)
		}
	}
}

// times is how often a call is repeated: once, or until buffers are full or empty.
func (g *sockGen) times() int {
	if g.IntN(4) > 0 {
		return 1
	}
	return 1 + g.IntN(14)
}

func (g *sockGen) send() {
	n, fd, size := len(g.calls), g.sock(), g.size()
	flags := g.flags(abi.MSG_OOB, abi.MSG_OOB, abi.MSG_DONTWAIT, abi.MSG_NOSIGNAL, abi.MSG_EOR, abi.MSG_MORE)
	for i := range g.times() {
		g.call("send", "", fd, size, flags, n+i)
	}
}

func (g *sockGen) recv() {
	fd, size := g.sock(), g.size()
	flags := g.flags(abi.MSG_OOB, abi.MSG_OOB, abi.MSG_PEEK, abi.MSG_PEEK|abi.MSG_OOB, abi.MSG_TRUNC, abi.MSG_PEEK|abi.MSG_TRUNC,
		abi.MSG_WAITALL, abi.MSG_DONTWAIT, abi.MSG_CMSG_CLOEXEC)
	for range g.times() {
		g.call(pickOf(g, "recv", "recv", "recvfrom"), "", fd, size, flags)
	}
}

func (g *sockGen) recvFds() {
	got := g.call("recv_fds", "", g.sock(), pickOf(g, 0, 1, 1, 5, 5, 5000), g.flags(abi.MSG_PEEK, abi.MSG_OOB, abi.MSG_CMSG_CLOEXEC, abi.MSG_TRUNC))
	_, list, _ := strings.Cut(got, "[")
	list, _, _ = strings.Cut(list, "]")
	for f := range strings.FieldsSeq(list) {
		n, _ := strconv.Atoi(f)
		g.other = append(g.other, n)
	}
}

func (g *sockGen) close() {
	fd := g.any()
	g.call("close", "", fd)
	for _, list := range []*[]int{&g.socks, &g.eps, &g.other} {
		*list = slices.DeleteFunc(*list, func(n int) bool { return n == fd })
	}
}

func (g *sockGen) setsockopt() {
	if g.IntN(2) == 0 {
		value := pickOf(g, 0, 2000, 2304, 3074, 3330, 5000, 30000, 106496, 1000000, -1)
		g.call("setsockopt", "", g.sock(), pickOf(g, abi.SO_SNDBUF, abi.SO_SNDBUF, abi.SO_SNDBUF, abi.SO_RCVBUF, abi.SO_RCVLOWAT), value)
		return
	}
	g.call("setsockopt", "", g.sock(), pickOf(g, abi.SO_OOBINLINE, abi.SO_OOBINLINE, abi.SO_REUSEADDR, abi.SO_KEEPALIVE, abi.SO_BROADCAST,
		abi.SO_REUSEPORT, abi.SO_LINGER, abi.SO_RCVTIMEO, abi.SO_TYPE, abi.SO_ERROR, abi.SO_SNDLOWAT), g.IntN(3), pickOf(g, 0, 5000, 1000000), g.IntN(2))
}

func (g *sockGen) getsockopt() {
	g.call("getsockopt", "", g.sock(), pickOf(g, abi.SO_ERROR, abi.SO_ERROR, abi.SO_ERROR, abi.SO_TYPE, abi.SO_SNDBUF, abi.SO_RCVBUF, abi.SO_DOMAIN,
		abi.SO_PROTOCOL, abi.SO_ACCEPTCONN, abi.SO_RCVLOWAT, abi.SO_SNDLOWAT, abi.SO_OOBINLINE, abi.SO_LINGER, abi.SO_RCVTIMEO, abi.SO_REUSEADDR,
		abi.SO_KEEPALIVE, abi.SO_BROADCAST, abi.SO_REUSEPORT), pickOf(g, abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_SOCKET, abi.SOL_TCP))
}

// steps are what a program is made of, each with its weight.
var steps = []struct {
	weight int
	do     func(g *sockGen)
}{
	{5, (*sockGen).pair},
	{3, func(g *sockGen) { g.open(&g.socks, "socket", "", abi.AF_UNIX, g.kind(), pickOf(g, 0, 0, 0, 1, 2)) }},
	{3, (*sockGen).server},
	{3, func(g *sockGen) { g.call("bind", g.name(), g.sock()) }},
	{2, func(g *sockGen) { g.call("listen", "", g.sock(), pickOf(g, 0, 1, 2, 5, -1)) }},
	{5, func(g *sockGen) { g.call("connect", g.name(), g.sock()) }},
	{1, func(g *sockGen) { g.call("disconnect", "", g.sock()) }},
	{4, func(g *sockGen) {
		g.open(&g.socks, "accept4", "", g.sock(), pickOf(g, abi.SOCK_NONBLOCK, abi.SOCK_NONBLOCK, abi.SOCK_NONBLOCK|abi.SOCK_CLOEXEC))
	}},
	{16, (*sockGen).send},
	{3, func(g *sockGen) {
		g.call("sendto", g.name(), g.sock(), g.size(), g.flags(abi.MSG_OOB, abi.MSG_DONTWAIT), len(g.calls))
	}},
	{3, func(g *sockGen) { g.call("write", "", g.sock(), g.size(), 0, len(g.calls)) }},
	{15, (*sockGen).recv},
	{4, func(g *sockGen) { g.call("read", "", g.any(), g.size()) }},
	{3, func(g *sockGen) {
		second := -1
		if g.IntN(2) == 0 {
			second = g.cargo()
		}
		g.call("send_fds", "", g.sock(), pickOf(g, 0, 1, 1, 1, 5, 40000), g.flags(abi.MSG_OOB, abi.MSG_NOSIGNAL), g.cargo(), second)
	}},
	{3, (*sockGen).recvFds},
	{4, func(g *sockGen) { g.call("shutdown", "", g.sock(), pickOf(g, 0, 1, 1, 2, 3, -1)) }},
	{3, (*sockGen).close},
	{1, func(g *sockGen) { g.open(&g.socks, "dup", "", g.sock()) }},
	{4, (*sockGen).setsockopt},
	{3, (*sockGen).getsockopt},
	{2, func(g *sockGen) { g.call(pickOf(g, "getsockname", "getpeername"), "", g.sock()) }},
	{2, func(g *sockGen) {
		g.call("ioctl", "", g.sock(), pickOf(g, abi.FIONREAD, abi.FIONREAD, abi.TIOCOUTQ, abi.SIOCATMARK, 0x5401))
	}},
	{1, func(g *sockGen) {
		if g.IntN(2) == 0 {
			g.open(&g.other, "pipe2", "")
		} else {
			g.open(&g.other, "socketpair", "", abi.AF_UNIX, g.kind(), 0)
		}
	}},
	{1, func(g *sockGen) {
		g.open(&g.other, "open", pickOf(g, "p", "q", "r"), abi.O_RDWR|abi.O_CREAT|abi.O_NONBLOCK)
	}},
	{1, func(g *sockGen) { g.open(&g.eps, "epoll_create1", "") }},
	{4, func(g *sockGen) {
		if len(g.eps) > 0 {
			g.watch(pickOf(g, g.eps...), g.any())
		}
	}},
	{3, func(g *sockGen) { g.call("poll", "", g.sock(), pickOf(g, allEvents, abi.POLLIN, abi.POLLOUT)) }},
}

func (g *sockGen) step() {
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	r := g.IntN(total)
	for _, s := range steps {
		if r -= s.weight; r < 0 {
			s.do(g)
			return
		}
	}
}

// look asks for what the calls have changed: what the epolls have, and the masks of all sockets.
func (g *sockGen) look(masks bool) {
	for _, ep := range g.eps {
		g.call("epoll_wait", "", ep)
	}
	for _, fd := range g.socks {
		if masks {
			g.call("poll", "", fd, allEvents)
		}
	}
}
