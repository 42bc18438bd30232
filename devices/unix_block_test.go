package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Who sleeps on unix sockets, and who is woken.

// unixRun runs main on a fresh machine that is checked after every step.
func unixRun(t *testing.T, main func(task *sim.Task, w *unixWorld)) {
	t.Helper()
	var w *unixWorld
	w = newUnixWorld(t, sim.Options{Check: true, AfterStep: func() {
		if w == nil {
			return
		}
		if err := w.Check(); err != nil {
			w.s.M.Violation("%v", err)
		}
	}})
	spawn(w.s, "main", func(task *sim.Task) { main(task, w) })
	require.NoError(t, w.s.M.Run())
}

// sleepers starts tasks that make a call in turn and log its result.
func logged(task *sim.Task, w *unixWorld, log *[]string, name string, call func() string) {
	spawn(w.s, name, func(*sim.Task) { *log = append(*log, name+" "+call()) })
	settle(task)
}

// TestUnixReadersWake: all of a stream, one after the other of the rest, in order.
func TestUnixReadersWake(t *testing.T) {
	for _, kind := range unixKinds {
		unixRun(t, func(task *sim.Task, w *unixWorld) {
			a, b := w.pair(t, kind)
			var log []string
			for _, name := range []string{"r1", "r2", "r3"} {
				logged(task, w, &log, name, func() string { return text(b, 1, 0) })
			}
			wq := devices.UnixOf(b).State().Wq
			require.Len(t, wq, 3)
			write(a, []byte("x"))
			settle(task)
			if kind == abi.SOCK_STREAM {
				require.Len(t, log, 1, "one of them finds it")
			} else {
				require.Equal(t, []string{"r1 x"}, log, "first come, first served")
				require.Equal(t, wq[1:], devices.UnixOf(b).State().Wq)
			}
			write(a, []byte("y"))
			write(a, []byte("z"))
			settle(task)
			require.Len(t, log, 3)
		})
	}
}

// TestUnixBlockedReaderEnds: by shutdown, by the peer's close, and by time.
func TestUnixBlockedReaderEnds(t *testing.T) {
	for _, kind := range unixKinds {
		for name, end := range map[string]func(a, b *vfs.File){
			"shutdown":   func(_, b *vfs.File) { shut(b, abi.SHUT_RD) },
			"peer shuts": func(a, _ *vfs.File) { shut(a, abi.SHUT_WR) },
			"peer goes":  func(a, _ *vfs.File) { a.Put() },
		} {
			if kind == abi.SOCK_DGRAM && name != "shutdown" {
				continue
			}
			unixRun(t, func(task *sim.Task, w *unixWorld) {
				a, b := w.pair(t, kind)
				var log []string
				logged(task, w, &log, "r", func() string { return text(b, 1, 0) })
				end(a, b)
				settle(task)
				require.Equal(t, []string{"r "}, log, name)
			})
		}
		unixRun(t, func(_ *sim.Task, w *unixWorld) {
			_, b := w.pair(t, kind)
			timeout := devices.OptionValue{A: 1, B: 1500, Pair: true}
			require.Zero(t, sock(b).Setsockopt(b, abi.SOL_SOCKET, abi.SO_RCVTIMEO, timeout))
			require.Equal(t, "EAGAIN", text(b, 1, 0))
			require.EqualValues(t, 1_004_000_000, w.s.M.Now(), "in ticks of 4 ms")
		})
	}
}

// TestUnixInterrupted: without a timeout the call is made again, with one it is not.
func TestUnixInterrupted(t *testing.T) {
	for _, timeout := range []int{0, 1} {
		want := []string{"r 512", "w 512"}
		if timeout > 0 {
			want = []string{"r EINTR", "w EINTR"}
		}
		for _, kind := range unixKinds {
			unixRun(t, func(task *sim.Task, w *unixWorld) {
				a, b := w.pair(t, kind)
				for _, name := range []int{abi.SO_RCVTIMEO, abi.SO_SNDTIMEO} {
					for _, f := range []*vfs.File{a, b} {
						sock(f).Setsockopt(f, abi.SOL_SOCKET, name, devices.OptionValue{A: timeout, Pair: true})
					}
				}
				var log []string
				errno := func(n int) string {
					if n == -int(abi.ERESTARTSYS) {
						return "512"
					}
					return errorName(n)
				}
				var tasks []*sim.Task
				w.s.M.Go("r", nil, func(self *sim.Task) {
					tasks = append(tasks, self)
					_, n := recvFlags(b, 1, 0)
					log = append(log, "r "+errno(n))
				})
				w.s.M.Go("w", nil, func(self *sim.Task) {
					tasks = append(tasks, self)
					for n := 1000; n == 1000; {
						if n = write(b, make([]byte, 1000)); n < 0 {
							log = append(log, "w "+errno(n))
						}
					}
				})
				settle(task)
				for _, sleeper := range tasks {
					signal(sleeper)
					settle(task)
				}
				require.Equal(t, want, log)
			})
		}
	}
}

// TestUnixBlockedWriter: with 278 messages queued, a blocked write goes on after 209 reads, not after one.
func TestUnixBlockedWriter(t *testing.T) {
	for _, kind := range unixKinds {
		unixRun(t, func(task *sim.Task, w *unixWorld) {
			a, b := w.pair(t, kind)
			for range 278 {
				require.Equal(t, 1, write(a, []byte("x")))
			}
			var log []string
			logged(task, w, &log, "w", func() string { return fmt.Sprint(write(a, []byte("y"))) })
			reads := 0
			for len(log) == 0 {
				text(b, 1, 0)
				settle(task)
				reads++
			}
			require.Equal(t, 209, reads)
		})
	}
}

func TestUnixWriterEndsByShutdown(t *testing.T) {
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		a, _ := w.pair(t, abi.SOCK_STREAM)
		var log []string
		th := spawn(w.s, "w", func(*sim.Task) {
			log = append(log, fmt.Sprint(write(a, make([]byte, 1<<20)), " ", errorName(write(a, []byte("x")))))
		})
		settle(task)
		shut(a, abi.SHUT_WR)
		settle(task)
		require.Equal(t, []string{"219264 EPIPE"}, log, "part of it, without a signal; then with one")
		require.Equal(t, 1, th.sigpipes)
	})
}

// TestUnixAcceptOrder: accepts are served in order, and end when the listener is shut.
func TestUnixAcceptOrder(t *testing.T) {
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		l := w.listener(t, abi.SOCK_STREAM, 5)
		var log []string
		for _, name := range []string{"a1", "a2", "a3"} {
			logged(task, w, &log, name, func() string {
				_, n := accept(l, 0)
				return errorName(n)
			})
		}
		require.Zero(t, connect(w.open(t, abi.SOCK_STREAM, ""), "@l"))
		settle(task)
		require.Equal(t, []string{"a1 ok"}, log)
		shut(l, abi.SHUT_RD)
		settle(task)
		require.Equal(t, "a1 ok, a2 EINVAL, a3 EINVAL", strings.Join(log, ", "))
	})
}

// TestUnixBlockedConnects: first come, first served; a larger backlog wakes all; the close of the listener too.
func TestUnixBlockedConnects(t *testing.T) {
	full := func(task *sim.Task, w *unixWorld, log *[]string) *vfs.File {
		l := w.listener(t, abi.SOCK_STREAM, 0)
		require.Zero(t, connect(w.open(t, abi.SOCK_STREAM, ""), "@l"))
		for _, name := range []string{"c1", "c2", "c3"} {
			logged(task, w, log, name, func() string { return errorName(connect(w.open(t, abi.SOCK_STREAM, ""), "@l")) })
		}
		require.Len(t, devices.UnixOf(l).State().PeerWait, 3)
		return l
	}
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		var log []string
		l := full(task, w, &log)
		accept(l, 0)
		settle(task)
		require.Equal(t, []string{"c1 ok"}, log)
		require.Zero(t, sock(l).Listen(l, 3))
		settle(task)
		require.Len(t, log, 3)
	})
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		var log []string
		full(task, w, &log).Put()
		settle(task)
		require.ElementsMatch(t, []string{"c1 ECONNREFUSED", "c2 ECONNREFUSED", "c3 ECONNREFUSED"}, log)
	})
}

// TestUnixBlockedSenders: of a datagram server that is full, in order.
func TestUnixBlockedSenders(t *testing.T) {
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		s := w.open(t, abi.SOCK_DGRAM, "@s")
		var clients []*vfs.File
		for range 3 {
			c := w.open(t, abi.SOCK_DGRAM, "")
			require.Zero(t, connect(c, "@s"))
			clients = append(clients, c)
		}
		n := 0
		for sendFlags(clients[0], "x", abi.MSG_DONTWAIT) == 1 {
			n++
		}
		require.Equal(t, 11, n)
		var log []string
		for i, c := range clients {
			logged(task, w, &log, fmt.Sprintf("s%d", i), func() string { return errorName(write(c, []byte("y"))) })
		}
		text(s, 1, 0)
		settle(task)
		require.Equal(t, []string{"s0 ok"}, log)
		text(s, 1, 0)
		settle(task)
		require.Equal(t, []string{"s0 ok", "s1 ok"}, log)
		s.Put()
		settle(task)
		require.Equal(t, []string{"s0 ok", "s1 ok", "s2 ECONNREFUSED"}, log)
	})
}

// TestUnixRelayIsOneShot: who was told that the server has room, and did not look again, is not told again.
func TestUnixRelayIsOneShot(t *testing.T) {
	w := newUnixWorld(t, sim.Options{})
	s := w.open(t, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, "@s")
	var clients []*vfs.File
	for range 2 {
		c := w.open(t, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, "")
		require.Zero(t, connect(c, "@s"))
		clients = append(clients, c)
	}
	fillSocket(clients[0])
	for write(clients[0], []byte("x")) == 1 {
	}
	waiter := watch(clients[1], out)
	require.Equal(t, none, waiter.harvest(), "full")
	require.Equal(t, []string{"relay to unix#2", "relay to unix#3"}, reversed(devices.UnixOf(s).State().PeerWait))
	text(s, 1, 0)
	require.NotZero(t, waiter.harvest())
	require.Empty(t, devices.UnixOf(s).State().PeerWait)
	write(clients[0], []byte("x"))
	text(s, 1, 0)
	require.Equal(t, none, waiter.harvest(), "full and not full meanwhile, and nobody asked")
	require.NoError(t, w.Check())
}

func reversed(list []string) []string {
	var back []string
	for _, s := range list {
		back = append([]string{s}, back...)
	}
	return back
}

// TestUnixLowWater: SO_RCVLOWAT holds a read back, not poll; MSG_WAITALL waits for all.
func TestUnixLowWater(t *testing.T) {
	unixRun(t, func(task *sim.Task, w *unixWorld) {
		a, b := w.pair(t, abi.SOCK_STREAM)
		option(b, abi.SO_RCVLOWAT, 3)
		var log []string
		logged(task, w, &log, "low", func() string { return text(b, 9, 0) })
		write(a, []byte("ab"))
		settle(task)
		require.Empty(t, log)
		write(a, []byte("cd"))
		settle(task)
		logged(task, w, &log, "all", func() string { return text(b, 3, abi.MSG_WAITALL) })
		for _, s := range []string{"e", "f", "g"} {
			write(a, []byte(s))
			settle(task)
		}
		require.Equal(t, []string{"low abcd", "all efg"}, log)
		write(a, []byte("x"))
		require.Equal(t, "IN|OUT", plain(b))
	})
}
