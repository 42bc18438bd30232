package kernel_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// ends makes two ends of a device of each kind; what is written to one shows at the other, or at the same.
var ends = map[string]func(c kernel.Calls) (a, b int){
	"stream":   func(c kernel.Calls) (int, int) { return pairOf(c, abi.SOCK_STREAM) },
	"dgram":    func(c kernel.Calls) (int, int) { return pairOf(c, abi.SOCK_DGRAM) },
	"tcp":      func(c kernel.Calls) (int, int) { a, b, l := loopback(c); must(0, c.Close(l)); return a, b },
	"listener": func(c kernel.Calls) (int, int) { a, b, l := loopback(c); must(0, c.Close(b)); return l, a },
	"udp":      func(c kernel.Calls) (int, int) { return datagrams(c) },
	"tty":      func(c kernel.Calls) (int, int) { m, s, err := c.Openpty(); must(0, err); return m, s },
	"semaphore": func(c kernel.Calls) (int, int) {
		e := must(c.Eventfd2(1, abi.EFD_SEMAPHORE|abi.EFD_NONBLOCK))
		return e, e
	},
	"signalfd": func(c kernel.Calls) (int, int) {
		set := abi.SigSet(1 << (abi.SIGUSR1 - 1))
		must(c.Sigprocmask(abi.SIG_BLOCK, set))
		e := must(c.Eventfd2(0, abi.EFD_NONBLOCK))
		return must(c.Signalfd4(-1, &set, abi.SFD_NONBLOCK)), e
	},
	"fifo": func(c kernel.Calls) (int, int) {
		must(0, c.Mkfifo("f"))
		r := must(c.Open("f", abi.O_RDONLY|abi.O_NONBLOCK))
		return r, must(c.Open("f", abi.O_WRONLY|abi.O_NONBLOCK))
	},
	"inotify": func(c kernel.Calls) (int, int) {
		must(0, c.Mkfifo("f"))
		w := must(c.Open("f", abi.O_RDWR|abi.O_NONBLOCK))
		i := must(c.InotifyInit1(abi.IN_NONBLOCK))
		must(c.InotifyAddWatch(i, "f", abi.IN_MODIFY|abi.IN_OPEN|abi.IN_CLOSE_WRITE))
		return i, w
	},
}

// home is 127.0.0.1, and any port.
var home = abi.InetAddr(netip.MustParseAddrPort("127.0.0.1:0"))

func pairOf(c kernel.Calls, typ int) (int, int) {
	p := must(c.Socketpair(abi.AF_UNIX, typ|abi.SOCK_NONBLOCK, 0))
	return p[0], p[1]
}

func loopback(c kernel.Calls) (a, b, l int) {
	l = must(c.Socket(abi.AF_INET, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0))
	must(0, c.Bind(l, home))
	must(0, c.Listen(l, 2))
	a = must(c.Socket(abi.AF_INET, abi.SOCK_STREAM, 0))
	must(0, c.Connect(a, must(c.Getsockname(l))))
	b = must(c.Accept4(l, abi.SOCK_NONBLOCK))
	must(c.Fcntl(a, abi.F_SETFL, abi.O_NONBLOCK))
	return a, b, l
}

func datagrams(c kernel.Calls) (int, int) {
	var fds [2]int
	var addrs [2]abi.Sockaddr
	for i := range fds {
		fds[i] = must(c.Socket(abi.AF_INET, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0))
		must(0, c.Bind(fds[i], home))
		addrs[i] = must(c.Getsockname(fds[i]))
	}
	for i := range fds {
		must(0, c.Connect(fds[i], addrs[1-i]))
	}
	return fds[0], fds[1]
}

// deviceOp is a call on one end of a device.
type deviceOp struct {
	Kind string
	End  int
	Arg  int
}

var deviceOps = rapid.Custom(func(t *rapid.T) deviceOp {
	return deviceOp{
		Kind: rapid.SampledFrom([]string{
			"write", "write", "read", "read", "add", "mod", "del", "wait", "wait", "poll", "close", "shutdown", "connect", "accept",
			"kill", "peek", "buffer", "error", "blocks", "pass",
		}).Draw(t, "kind"),
		End: rapid.IntRange(0, 1).Draw(t, "end"),
		Arg: rapid.IntRange(0, 2).Draw(t, "arg"),
	}
})

// deviceProgram is what threads do with a device of one kind, which an epoll instance watches.
type deviceProgram struct {
	Device  string
	Threads [][]deviceOp
}

var devicePrograms = rapid.Custom(func(t *rapid.T) deviceProgram {
	return deviceProgram{
		rapid.SampledFrom(slices.Sorted(maps.Keys(ends))).Draw(t, "device"),
		rapid.SliceOfN(rapid.SliceOfN(deviceOps, 1, 2), 2, 3).Draw(t, "threads"),
	}
})

func (p deviceProgram) run(opts sim.Options) explore.Result {
	opts.MaxSteps = 5000
	k := kernel.Boot(kernel.Options{Machine: opts, UserMemory: kernel.NoUserMemory})
	logs := make([]strings.Builder, len(p.Threads))
	err := k.RunThread(func(th *kernel.Thread) {
		handle(th, abi.SIGUSR1, 0, nil)
		must(0, th.Sigaction(abi.SIGPIPE, kernel.SigAction{Handler: abi.SIG_IGN}))
		w := deviceRun{ep: must(th.EpollCreate1(0)), pid: th.Getpid()}
		w.ends[0], w.ends[1] = ends[p.Device](th)
		must(0, add(th, w.ep, w.ends[0], abi.EPOLLIN|abi.EPOLLET))
		for i, ops := range p.Threads[1:] {
			must(th.Clone(fmt.Sprint("t", i+1), func(c kernel.Calls) { w.do(c, ops, &logs[i+1]) }))
		}
		w.do(th, p.Threads[0], &logs[0])
	})
	var s strings.Builder
	for i := range logs {
		fmt.Fprintf(&s, "%d: %s; ", i, logs[i].String())
	}
	if err != nil {
		fmt.Fprint(&s, "ended by ", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	return explore.Result{State: s.String()}
}

type deviceRun struct {
	ep, pid int
	ends    [2]int
}

func (w *deviceRun) do(c kernel.Calls, ops []deviceOp, log *strings.Builder) {
	for _, o := range ops {
		fd := w.ends[o.End]
		ev := &abi.EpollEvent{Events: []abi.Events{abi.EPOLLIN, abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLET, abi.EPOLLOUT | abi.EPOLLRDHUP | abi.EPOLLONESHOT}[o.Arg], Data: uint64(fd)}
		n, err := 0, error(nil)
		switch o.Kind {
		case "write":
			n, err = c.Write(fd, append([]byte("a\n"), one...)[2*(o.Arg%2):])
		case "read":
			p := make([]byte, 128>>(3*o.Arg))
			n, err = c.Read(fd, p)
		case "add":
			err = c.EpollCtl(w.ep, abi.EPOLL_CTL_ADD, fd, ev)
		case "mod":
			err = c.EpollCtl(w.ep, abi.EPOLL_CTL_MOD, fd, ev)
		case "del":
			err = c.EpollCtl(w.ep, abi.EPOLL_CTL_DEL, fd, nil)
		case "wait":
			events := make([]abi.EpollEvent, 2)
			if n, err = c.EpollWait(w.ep, events, 2, o.Arg-1); n > 0 {
				fmt.Fprint(log, events[:n])
			}
		case "poll":
			p := []abi.PollFd{{Fd: int32(fd), Events: abi.POLLIN | abi.POLLOUT}}
			n, err = c.Poll(p, o.Arg)
			fmt.Fprint(log, p)
		case "close":
			err = c.Close(fd)
		case "shutdown":
			err = c.Shutdown(fd, o.Arg)
		case "connect":
			var s int
			if s, err = c.Socket(abi.AF_INET, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0); err == nil {
				var to abi.Sockaddr
				if to, err = c.Getsockname(w.ends[0]); err == nil {
					n, err = s, c.Connect(s, to)
				}
			}
		case "accept":
			n, err = c.Accept4(fd, abi.SOCK_NONBLOCK)
		case "kill":
			err = c.Kill(w.pid, abi.SIGUSR1)
		case "peek":
			n, err = c.Recvfrom(fd, make([]byte, 8), abi.MSG_PEEK|abi.MSG_DONTWAIT, nil)
		case "buffer":
			err = c.Setsockopt(fd, abi.SOL_SOCKET, []int{abi.SO_SNDBUF, abi.SO_RCVBUF, abi.SO_RCVLOWAT}[o.Arg], kernel.SockOpt{A: 4})
		case "error":
			n, err = c.Getsockopt(fd, abi.SOL_SOCKET, abi.SO_ERROR)
		case "blocks":
			_, err = c.Fcntl(fd, abi.F_SETFL, 0)
		case "pass":
			n, err = c.SendFds(fd, []byte("p"), []int{w.ends[0]}, abi.MSG_DONTWAIT)
		}
		fmt.Fprint(log, o.Kind, " ", n, " ", err, " ")
	}
}

// What is shown of a device is what plain enumeration shows: every field that a device's calls share is in their footprints.
func TestExplorationOfDevicesShowsWhatEnumerationDoes(t *testing.T) {
	plain, reduced, compared := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := devicePrograms.Draw(rt, "program")
		bound := rapid.IntRange(0, 2).Draw(rt, "bound")
		want, n := enumerated(p.run, bound, 2000)
		if want == nil {
			return
		}
		r := explore.Explore(p.run, explore.Options{Bound: explore.UpTo(bound), Direct: true})
		require.NoError(rt, r.Err)
		plain, reduced, compared = plain+n, reduced+int(r.Runs), compared+1
		require.Equal(rt, slices.Sorted(maps.Keys(want)), statesOf(r), "%d runs, %d", r.Runs, n)
		r = explore.Explore(p.run, explore.Options{Direct: true, MaxSchedules: 2000})
		require.NoError(rt, r.Err)
		if r.Exhaustive {
			got := statesOf(r)
			for s := range want {
				require.Contains(rt, got, s)
			}
		}
	})
	t.Logf("%d programs, %d schedules, %d explored", compared, plain, reduced)
}
