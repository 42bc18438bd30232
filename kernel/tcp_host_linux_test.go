package kernel_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/sim"
)

// Random programs of one connection of TCP on the running kernel and on the model: bursts of sends of all sizes, with
// TCP_NODELAY, TCP_CORK and MSG_MORE, reads, and what FIONREAD, SIOCOUTQ, SIOCOUTQNSD, poll and an edge-triggered epoll
// say in between.
//
//	TCP_PROGRAMS=20000 TCP_SEED=1 go test -run TestTcpLikeHost ./kernel
//
// TCP_LARGE=1 lets them send so much that receive buffers grow, which depends on how fast the machine is; TCP_SLEEPS=1 lets
// them sleep.

// Descriptors of these programs.
const (
	tcpListens = iota + 3
	tcpConnects
	tcpAccepts
	tcpWatches
)

// tcpCalls has what each call does and tells its result, as sockCalls.
var tcpCalls = map[string]func(k kernel.Calls, a [5]int) string{
	"socket": func(k kernel.Calls, a [5]int) string {
		return numberText(k.Socket(a[0], abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0))
	},
	"bind": func(k kernel.Calls, a [5]int) string {
		addr := "127.0.0.1:0"
		if a[1] == abi.AF_INET6 {
			addr = "[::1]:0"
		}
		return zeroText(k.Bind(a[0], abi.InetAddr(netip.MustParseAddrPort(addr))))
	},
	"listen":  func(k kernel.Calls, a [5]int) string { return zeroText(k.Listen(a[0], 5)) },
	"connect": func(k kernel.Calls, a [5]int) string { return zeroText(connectTo(k, a[0], a[1])) },
	"accept4": func(k kernel.Calls, a [5]int) string { return numberText(k.Accept4(a[0], abi.SOCK_NONBLOCK)) },
	"setsockopt": func(k kernel.Calls, a [5]int) string {
		return zeroText(k.Setsockopt(a[0], a[1], a[2], kernel.SockOpt{A: a[3]}))
	},
	"getsockopt": func(k kernel.Calls, a [5]int) string { return numberText(k.Getsockopt(a[0], a[1], a[2])) },
	"send": func(k kernel.Calls, a [5]int) string {
		return numberText(k.Sendto(a[0], make([]byte, a[1]), a[2], nil))
	},
	"recv": func(k kernel.Calls, a [5]int) string {
		return numberText(k.Recvfrom(a[0], make([]byte, a[1]), a[2], nil))
	},
	"ioctl": func(k kernel.Calls, a [5]int) string {
		n, err := k.Ioctl(a[0], uint(a[1]), 0)
		return numberText(int(n), err)
	},
	"poll":     func(k kernel.Calls, a [5]int) string { return sockCalls["poll"](k, a, "") },
	"shutdown": func(k kernel.Calls, a [5]int) string { return zeroText(k.Shutdown(a[0], a[1])) },
	"sleep": func(k kernel.Calls, a [5]int) string {
		return zeroText(k.Nanosleep(int64(a[0]) * int64(time.Millisecond)))
	},
	"epoll_create1": func(k kernel.Calls, a [5]int) string {
		return numberText(k.EpollCreate1(0))
	},
	"epoll_ctl":  func(k kernel.Calls, a [5]int) string { return sockCalls["epoll_ctl"](k, a, "") },
	"epoll_wait": func(k kernel.Calls, a [5]int) string { return sockCalls["epoll_wait"](k, a, "") },
}

// connectTo connects fd to the name of another socket, which a batch does not know yet.
func connectTo(k kernel.Calls, fd, of int) error {
	if b, ok := k.(*host.Batch); ok {
		return b.AtName("connect", fd, of)
	}
	return k.Connect(fd, must(k.Getsockname(of)))
}

func (c sockCall) doTcp(k kernel.Calls) string { return tcpCalls[c.name](k, c.a) }

// tcpGen makes a program; it needs no kernel for that.
type tcpGen struct {
	*rand.Rand
	calls []sockCall
	look  bool // after every call
	most  int  // of a send
	left  int  // how much is sent in all
}

func (g *tcpGen) call(name string, a ...int) {
	c := sockCall{name: name}
	copy(c.a[:], a)
	g.calls = append(g.calls, c)
}

func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func (g *tcpGen) end() int { return oneOf(g.Rand, tcpConnects, tcpConnects, tcpAccepts) }

func (g *tcpGen) size() int {
	switch g.IntN(4) {
	case 0:
		return 1 + g.IntN(g.most)
	case 1:
		return 1 + g.IntN(min(g.most, 2000))
	}
	return min(g.most, oneOf(g.Rand, 1, 2, 3, 10, 100, 127, 128, 500, 504, 535, 536, 537, 1000, 1000, 1448, 2000, 4096, 8192, 16384, 32768, 65483, 65536, 100000))
}

// tcpProgram makes the program of a seed.
func tcpProgram(seed uint64, large, sleeps bool) []sockCall {
	g := &tcpGen{Rand: rand.New(rand.NewPCG(seed, 11)), left: 65000}
	if g.most = oneOf(g.Rand, 100, 1500, 5000, 70000); large {
		g.left = 1 << 30
	}
	g.look = g.IntN(2) == 0
	family := oneOf(g.Rand, abi.AF_INET, abi.AF_INET, abi.AF_INET, abi.AF_INET6)
	g.call("socket", family)
	g.call("bind", tcpListens, family)
	g.call("socket", family)
	if g.most <= 500 && g.IntN(8) == 0 {
		g.call("setsockopt", oneOf(g.Rand, tcpListens, tcpConnects), abi.SOL_TCP, abi.TCP_MAXSEG, oneOf(g.Rand, 536, 1460, 1000, 9000, 32741))
	}
	if g.IntN(8) == 0 {
		g.call("setsockopt", oneOf(g.Rand, tcpListens, tcpConnects), abi.SOL_SOCKET, abi.SO_RCVBUF, oneOf(g.Rand, 4096, 20000, 65536, 200000, 1000000))
	}
	if g.IntN(8) == 0 {
		g.call("setsockopt", oneOf(g.Rand, tcpListens, tcpConnects), abi.SOL_SOCKET, abi.SO_SNDBUF, oneOf(g.Rand, 4096, 20000, 65536, 200000, 1000000))
	}
	g.call("listen", tcpListens)
	g.call("connect", tcpConnects, tcpListens)
	g.call("accept4", tcpListens)
	if g.IntN(2) == 0 {
		g.call("epoll_create1")
		for _, fd := range []int{tcpConnects, tcpAccepts} {
			g.call("epoll_ctl", tcpWatches, abi.EPOLL_CTL_ADD, fd, int(abi.EPOLLIN|abi.EPOLLOUT|abi.EPOLLET))
		}
	}
	if g.IntN(2) == 0 {
		g.call("setsockopt", tcpConnects, abi.SOL_TCP, abi.TCP_NODELAY, 1)
	}
	if g.IntN(2) == 0 {
		g.call("setsockopt", tcpAccepts, abi.SOL_TCP, abi.TCP_NODELAY, 1)
	}
	watched := g.calls[len(g.calls)-1].name != "accept4" && slices.ContainsFunc(g.calls, func(c sockCall) bool { return c.name == "epoll_create1" })
	for length := 40 + g.IntN(80); len(g.calls) < length; {
		g.step()
		if watched && g.IntN(2) == 0 {
			g.call("epoll_wait", tcpWatches)
		}
		if sleeps && g.IntN(12) == 0 {
			g.call("sleep", oneOf(g.Rand, 60, 60, 250))
		}
	}
	return g.calls
}

func (g *tcpGen) step() {
	from := g.end()
	to := tcpConnects + tcpAccepts - from
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		g.burst(from, to)
	case 4, 5:
		g.recv(to)
	case 6:
		for range 1 + g.IntN(10) {
			g.send(from, oneOf(g.Rand, 1, 3, 10, 100), 0)
			g.call("recv", to, 1000, 0)
			g.send(to, oneOf(g.Rand, 1, 3, 10, 100), 0)
			g.call("recv", from, 1000, 0)
		}
	case 7:
		g.call("setsockopt", from, abi.SOL_TCP, oneOf(g.Rand, abi.TCP_NODELAY, abi.TCP_CORK, abi.TCP_CORK, abi.TCP_QUICKACK), g.IntN(2))
	case 8:
		g.send(from, g.size(), oneOf(g.Rand, 0, abi.MSG_MORE, abi.MSG_MORE, abi.MSG_EOR))
	case 9:
		g.call("recv", to, 1<<18, 0)
		g.call("recv", to, 1<<18, 0)
	case 10:
		g.lookAt(from, to)
	case 11:
		if g.IntN(4) > 0 {
			return
		}
		g.call("setsockopt", from, abi.SOL_SOCKET, abi.SO_SNDBUF, oneOf(g.Rand, 4096, 20000, 65536, 200000, 1000000))
	}
}

// burst sends several times, of one size or of any.
func (g *tcpGen) burst(from, to int) {
	size, reads := g.size(), g.IntN(4) == 0
	any := g.IntN(3) == 0
	for range 1 + g.IntN(oneOf(g.Rand, 3, 10, 40)) {
		if any {
			size = g.size()
		}
		g.send(from, size, 0)
		if reads && g.IntN(3) == 0 {
			g.recv(to)
		}
	}
	g.lookAt(from, to)
}

func (g *tcpGen) send(fd, size, flags int) {
	size = min(size, g.left)
	g.left -= size
	g.call("send", fd, size, flags)
	if g.look {
		g.lookAt(fd, tcpConnects+tcpAccepts-fd)
	}
}

func (g *tcpGen) recv(fd int) {
	g.call("recv", fd, oneOf(g.Rand, 1, 10, 100, 1000, 4096, 10000, 65536, 1<<18), oneOf(g.Rand, 0, 0, 0, 0, abi.MSG_PEEK))
	if g.look {
		g.lookAt(tcpConnects+tcpAccepts-fd, fd)
	}
}

// lookAt asks what is under way.
func (g *tcpGen) lookAt(from, to int) {
	g.call("ioctl", to, abi.FIONREAD)
	g.call("ioctl", from, abi.TIOCOUTQ)
	g.call("ioctl", from, abi.SIOCOUTQNSD)
	if g.IntN(3) == 0 {
		g.call("poll", from, int(abi.EPOLLIN|abi.EPOLLOUT))
		g.call("poll", to, int(abi.EPOLLIN|abi.EPOLLOUT))
	}
}

func tcpOnModel(t testing.TB, pool *sim.Pool, calls []sockCall) (got []string) {
	onQuietModel(t, pool, func(k kernel.Calls) {
		for _, c := range calls {
			got = append(got, c.doTcp(k))
		}
	})
	return got
}

// tcpOnHost runs calls on the host; late: they took so long that timers of TCP may have played a part.
func tcpOnHost(t testing.TB, w *host.Worker, calls []sockCall) (got []string, late bool) {
	require.NoError(t, w.Reset(false))
	got = make([]string, len(calls))
	b := w.Batch(0)
	b.Stamps = true
	var asked, first, last int64
	for from := 0; from < len(calls); {
		to := b.Record(from, len(calls), func(i int, c kernel.Calls) { calls[i].doTcp(c) })
		require.Greater(t, to, from)
		b.Start()
		require.True(t, b.Wait(10*time.Second))
		require.Equal(t, to, b.Replay(from, to, func(i int, c kernel.Calls) { got[i] = calls[i].doTcp(c) }))
		if from == 0 {
			first = b.Times[0]
		}
		last, from = b.Times[len(b.Times)-1], to
	}
	for _, c := range calls {
		if c.name == "sleep" {
			asked += int64(c.a[0]) * int64(time.Millisecond)
		}
	}
	return got, last-first-asked > int64(20*time.Millisecond)
}

// tcpJudge compares programs with the host.
type tcpJudge struct {
	t    *testing.T
	w    *host.Worker
	pool *sim.Pool
}

// differs returns the first call that the host answers otherwise than the model, -1 if there is none; sure: it does so each
// time.
func (j *tcpJudge) differs(calls []sockCall) (at int, sure bool) {
	want := tcpOnModel(j.t, j.pool, calls)
	for range 5 {
		got, late := tcpOnHost(j.t, j.w, calls)
		if at = differ(want, got); at < 0 {
			return -1, true
		}
		if late {
			continue
		}
		again, late := tcpOnHost(j.t, j.w, calls)
		if i := differ(got, again); i < 0 || i > at && !late {
			return at, true
		}
	}
	return at, false
}

// reduce leaves out what is not needed for a difference.
func (j *tcpJudge) reduce(calls []sockCall) []sockCall {
	for again := true; again; {
		again = false
		for drop := len(calls) - 2; drop >= 0; drop-- {
			if drop >= len(calls)-1 {
				continue
			}
			less := slices.Delete(slices.Clone(calls), drop, drop+1)
			if at, sure := j.differs(less); sure && at >= 0 {
				calls, again = less[:at+1], true
			}
		}
	}
	return calls
}

// show writes what both kernels say.
func (j *tcpJudge) show(calls []sockCall) string {
	want := tcpOnModel(j.t, j.pool, calls)
	got, _ := tcpOnHost(j.t, j.w, calls)
	var b strings.Builder
	for i, c := range calls {
		fmt.Fprintf(&b, "  %-60s = %s", c, want[i])
		if want[i] != got[i] {
			fmt.Fprintf(&b, "   HOST: %s", got[i])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestTcpLikeHost: random programs of one connection agree with the running kernel. A few may differ, because the congestion
// window follows from how fast the machine is once ten packets were acknowledged.
func TestTcpLikeHost(t *testing.T) {
	w, err := host.NewWorker(1)
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer w.Close()
	if control, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control"); err != nil || string(bytes.TrimSpace(control)) != "bbr" {
		t.Skip("the model has the windows of BBR, and this kernel uses another congestion control")
	}
	j := &tcpJudge{t: t, w: w, pool: &sim.Pool{}}
	defer j.pool.Close()
	programs, first := uint64(form.Of(50, 300)), environment("TCP_SEED", 1)
	programs = environment("TCP_PROGRAMS", programs)
	large, sleeps := environment("TCP_LARGE", 0) != 0, environment("TCP_SLEEPS", 0) != 0
	total, bad, unsure := 0, 0, 0
	for seed := first; seed < first+programs; seed++ {
		calls := tcpProgram(seed, large, sleeps)
		total += len(calls)
		switch i, sure := j.differs(calls); {
		case i < 0:
		case !sure:
			unsure++
		default:
			bad++
			t.Logf("seed %d differs:\n%s", seed, j.show(j.reduce(calls[:i+1])))
		}
	}
	t.Logf("%d programs, %d calls: %d differ, %d are not the same each time", programs, total, bad, unsure)
	require.LessOrEqual(t, bad, max(1, int(programs/100)))
	require.LessOrEqual(t, unsure, int(programs/5), "too many to say anything")
}
