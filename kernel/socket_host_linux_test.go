package kernel_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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

// Random programs of socket calls on the running kernel and on the model, result by result: counts, errnos, bytes, names,
// descriptors, masks, and what level- and edge-triggered epolls see.
//
//	SOCKET_PROGRAMS=100000 SOCKET_SEED=1 go test -run TestSocketsLikeHost ./kernel

// sockCall is one call of a program: its name, its numbers, and an address.
type sockCall struct {
	name string
	a    [5]int
	s    string
}

func (c sockCall) String() string { return fmt.Sprintf("%s%v %q", c.name, c.a, c.s) }

// payload is what call number n sends.
func payload(n, size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(n*31 + i + i>>8*7)
	}
	return p
}

// Results as text.

func numberText(n int, err error) string {
	if err != nil {
		return err.(abi.Errno).Name()
	}
	return strconv.Itoa(n)
}

func zeroText(err error) string { return numberText(0, err) }

func bytesText(p []byte, n int, err error) string {
	if err != nil {
		return err.(abi.Errno).Name()
	}
	h := fnv.New32a()
	h.Write(p[:max(0, min(n, len(p)))])
	return fmt.Sprintf("%d %x", n, h.Sum32())
}

func pairText(fds [2]int, err error) string { return fmt.Sprint(fds[0], " ", numberText(fds[1], err)) }

// sockCalls has what each call does and tells its result. A batch asks twice, so it must not remember.
var sockCalls = map[string]func(k kernel.Calls, a [5]int, s string) string{
	"socketpair": func(k kernel.Calls, a [5]int, _ string) string { return pairText(k.Socketpair(a[0], a[1], a[2])) },
	"socket":     func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.Socket(a[0], a[1], a[2])) },
	"bind":       func(k kernel.Calls, a [5]int, s string) string { return zeroText(k.Bind(a[0], abi.UnixAddr(s))) },
	"listen":     func(k kernel.Calls, a [5]int, _ string) string { return zeroText(k.Listen(a[0], a[1])) },
	"connect":    func(k kernel.Calls, a [5]int, s string) string { return zeroText(k.Connect(a[0], abi.UnixAddr(s))) },
	"disconnect": func(k kernel.Calls, a [5]int, _ string) string { return zeroText(k.Connect(a[0], abi.Sockaddr{})) },
	"accept4":    func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.Accept4(a[0], a[1])) },
	"shutdown":   func(k kernel.Calls, a [5]int, _ string) string { return zeroText(k.Shutdown(a[0], a[1])) },
	"getsockname": func(k kernel.Calls, a [5]int, _ string) string {
		addr, err := k.Getsockname(a[0])
		return addr.Path + " " + zeroText(err)
	},
	"getpeername": func(k kernel.Calls, a [5]int, _ string) string {
		addr, err := k.Getpeername(a[0])
		return addr.Path + " " + zeroText(err)
	},
	"setsockopt": func(k kernel.Calls, a [5]int, _ string) string {
		return zeroText(k.Setsockopt(a[0], abi.SOL_SOCKET, a[1], kernel.SockOpt{A: a[2], B: a[3], Pair: a[4] != 0}))
	},
	"getsockopt": func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.Getsockopt(a[0], a[2], a[1])) },
	"send": func(k kernel.Calls, a [5]int, _ string) string {
		return numberText(k.Sendto(a[0], payload(a[3], a[1]), a[2], nil))
	},
	"sendto": func(k kernel.Calls, a [5]int, s string) string {
		addr := abi.UnixAddr(s)
		return numberText(k.Sendto(a[0], payload(a[3], a[1]), a[2], &addr))
	},
	"write": func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.Write(a[0], payload(a[3], a[1]))) },
	"read": func(k kernel.Calls, a [5]int, _ string) string {
		p := make([]byte, a[1])
		n, err := k.Read(a[0], p)
		return bytesText(p, n, err)
	},
	"recv": func(k kernel.Calls, a [5]int, _ string) string {
		p := make([]byte, a[1])
		n, err := k.Recvfrom(a[0], p, a[2], nil)
		return bytesText(p, n, err)
	},
	"recvfrom": func(k kernel.Calls, a [5]int, _ string) string {
		p := make([]byte, a[1])
		addr := abi.UnixAddr("untouched")
		n, err := k.Recvfrom(a[0], p, a[2], &addr)
		return bytesText(p, n, err) + " " + addr.Path
	},
	"send_fds": func(k kernel.Calls, a [5]int, _ string) string {
		fds := []int{a[3]}
		if a[4] >= 0 {
			fds = append(fds, a[4])
		}
		return numberText(k.SendFds(a[0], payload(a[3], a[1]), fds, a[2]))
	},
	"recv_fds": func(k kernel.Calls, a [5]int, _ string) string {
		p := make([]byte, a[1])
		n, fds, flags, err := k.RecvFds(a[0], p, a[2])
		return fmt.Sprint(bytesText(p, n, err), " ", fds, " ", flags)
	},
	"ioctl": func(k kernel.Calls, a [5]int, _ string) string {
		n, err := k.Ioctl(a[0], uint(a[1]), 0)
		return numberText(int(n), err)
	},
	"poll": func(k kernel.Calls, a [5]int, _ string) string {
		fds := []abi.PollFd{{Fd: int32(a[0]), Events: int16(a[1])}}
		n, err := k.Poll(fds, 0)
		return numberText(n, err) + " " + abi.Events(uint16(fds[0].Revents)).String()
	},
	"close":         func(k kernel.Calls, a [5]int, _ string) string { return zeroText(k.Close(a[0])) },
	"dup":           func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.Dup(a[0])) },
	"open":          func(k kernel.Calls, a [5]int, s string) string { return numberText(k.Open(s, a[0])) },
	"pipe2":         func(k kernel.Calls, a [5]int, _ string) string { return pairText(k.Pipe2(abi.O_NONBLOCK)) },
	"epoll_create1": func(k kernel.Calls, a [5]int, _ string) string { return numberText(k.EpollCreate1(0)) },
	"epoll_ctl": func(k kernel.Calls, a [5]int, _ string) string {
		return zeroText(k.EpollCtl(a[0], a[1], a[2], &abi.EpollEvent{Events: abi.Events(uint32(a[3])), Data: uint64(a[2])}))
	},
	"epoll_wait": func(k kernel.Calls, a [5]int, _ string) string {
		ev := make([]abi.EpollEvent, 16)
		n, err := k.EpollWait(a[0], ev, 16, 0)
		text := numberText(n, err)
		for _, e := range ev[:max(n, 0)] {
			text += fmt.Sprintf(" (%s, %d)", e.Events, e.Data)
		}
		return text
	},
}

func (c sockCall) do(k kernel.Calls) string { return sockCalls[c.name](k, c.a, c.s) }

// socketProgram makes the program of a seed.
func socketProgram(t testing.TB, pool *sim.Pool, seed uint64, length int) ([]sockCall, []string) {
	g := &sockGen{Rand: rand.New(rand.NewPCG(seed, 7)), seed: seed}
	onQuietModel(t, pool, func(k kernel.Calls) {
		g.k = k
		masks, lazy := g.IntN(2) == 0, g.IntN(2) == 0
		for range g.IntN(3) {
			g.open(&g.eps, "epoll_create1", "")
		}
		for len(g.calls) < length {
			g.step()
			if !lazy || g.IntN(4) == 0 {
				g.look(masks)
			}
		}
	})
	return g.calls, g.want
}

func onQuietModel(t testing.TB, pool *sim.Pool, fn func(k kernel.Calls)) {
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Pool: pool, MaxSteps: 10_000_000}})
	require.NoError(t, k.Run(func(c kernel.Calls) {
		c.Sigaction(abi.SIGPIPE, kernel.SigAction{Handler: kernel.HandlerIgnore})
		fn(c)
		if err := k.Check(); err != nil {
			t.Errorf("after the program: %v", err)
		}
	}))
}

// runCalls runs a program that was made before.
func runCalls(t testing.TB, pool *sim.Pool, calls []sockCall) []string {
	var got []string
	onQuietModel(t, pool, func(k kernel.Calls) {
		for _, c := range calls {
			got = append(got, c.do(k))
		}
	})
	return got
}

func hostCalls(t testing.TB, w *host.Worker, calls []sockCall) []string {
	require.NoError(t, w.Reset(true))
	got := make([]string, len(calls))
	n, err := w.Batch(0).Run(len(calls), 3*time.Second, func(i int, c kernel.Calls) { got[i] = calls[i].do(c) })
	require.NoError(t, err)
	if n < len(calls) {
		got[n] = "(blocked)"
		require.NoError(t, w.Renew())
	}
	return got
}

// differ returns the first call that the two kernels answer differently, -1 if there is none.
func differ(a, b []string) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}

// environment is a number of the environment, for longer runs.
func environment(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

func TestSocketsLikeHost(t *testing.T) {
	w, err := host.NewWorker(1)
	if errors.Is(err, host.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer w.Close()
	pool := &sim.Pool{}
	defer pool.Close()
	programs, first := uint64(form.Of(50, 1000)), environment("SOCKET_SEED", 1)
	programs = environment("SOCKET_PROGRAMS", programs)
	total := 0
	for seed := first; seed < first+programs; seed++ {
		calls, want := socketProgram(t, pool, seed, 60+int(seed%5)*30)
		total += len(calls)
		got := hostCalls(t, w, calls)
		i := differ(want, got)
		if i < 0 {
			continue
		}
		calls = calls[:i+1]
		for drop := len(calls) - 2; drop >= 0; drop-- { // leave out what is not needed
			less := slices.Delete(slices.Clone(calls), drop, drop+1)
			if j := differ(runCalls(t, pool, less), hostCalls(t, w, less)); j == len(less)-1 {
				calls = less
			}
		}
		want, got = runCalls(t, pool, calls), hostCalls(t, w, calls)
		var b strings.Builder
		for i, c := range calls {
			fmt.Fprintf(&b, "  %-60s = %s", c, want[i])
			if want[i] != got[i] {
				fmt.Fprintf(&b, "   HOST: %s", got[i])
			}
			b.WriteByte('\n')
		}
		t.Fatalf("seed %d differs:\n%s", seed, b.String())
	}
	t.Logf("%d programs, %d calls agree", programs, total)
}
