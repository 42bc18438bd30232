package devices_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// udpPair is a receiver at 127.0.0.1:1, or [::1]:1, and a sender that is connected to it.
func udpPair(s *vfs.System, family int) (r, w *vfs.File) {
	net := devices.NewInetNet(s)
	addr := inetAddr(map[int]string{abi.AF_INET: "127.0.0.1:1", abi.AF_INET6: "[::1]:1"}[family])
	r, w = udpSocket(net, family), udpSocket(net, family)
	sock(r).Bind(r, addr)
	sock(w).Connect(w, addr)
	return r, w
}

// A datagram costs what the kernel's allocator gives for it; measured on Linux 6.18 for each size.
func TestUdpCost(t *testing.T) {
	costs := map[int][]struct{ upTo, cost int }{
		abi.AF_INET:  {{197, 832}, {645, 1280}, {1669, 2304}, {3717, 4352}, {7813, 8448}, {16004, 16640}},
		abi.AF_INET6: {{184, 832}, {632, 1280}, {1656, 2304}, {3704, 4352}, {7800, 8448}, {15991, 16640}},
	}
	for family, rows := range costs {
		inTask(t, func(s *vfs.System) {
			r, w := udpPair(s, family)
			cost := func(n int) int {
				require.Equal(t, n, write(w, make([]byte, n)))
				rmem := devices.UdpOf(r).State().Rmem
				read(r, make([]byte, 1))
				require.Zero(t, devices.UdpOf(r).State().Rmem)
				return rmem
			}
			from := 0
			for _, row := range rows {
				require.Equal(t, row.cost, cost(from), "%d bytes", from)
				require.Equal(t, row.cost, cost(row.upTo), "%d bytes", row.upTo)
				from = row.upTo + 1
			}
			require.Equal(t, from+832, cost(from), "in pages")
			require.Equal(t, 60000+832, cost(60000))
			if family == abi.AF_INET6 {
				require.Equal(t, 65488+832, cost(65488))
				require.Equal(t, 67144, cost(65489), "two fragments")
				require.Equal(t, 67144, cost(65527))
				require.Equal(t, -int(abi.EMSGSIZE), write(w, make([]byte, 65528)))
			} else {
				require.Equal(t, 65507+832, cost(65507))
				require.Equal(t, -int(abi.EMSGSIZE), write(w, make([]byte, 65508)))
			}
		})
	}
}

// Blocked readers are served first come, first served, one a datagram.
func TestUdpBlockedReaders(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	s := &vfs.System{M: m}
	r, w := udpPair(s, abi.AF_INET)
	r.SetNonBlocking(false)
	var got []string
	for i := range 3 {
		m.Go(fmt.Sprintf("reader %d", i), nil, func(task *sim.Task) {
			p := make([]byte, 10)
			task.SleepUntil(int64(i), "test")
			got = append(got, fmt.Sprintf("%d %s", i, p[:max(0, read(r, p))]))
		})
	}
	m.Go("writer", nil, func(task *sim.Task) {
		for i := range 3 {
			task.SleepUntil(int64(1000*(i+1)), "test")
			write(w, []byte{'a' + byte(i)})
		}
	})
	require.NoError(t, m.Run())
	require.Equal(t, []string{"0 a", "1 b", "2 c"}, got)
}

func TestUdpReadEnds(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	s := &vfs.System{M: m}
	r, w := udpPair(s, abi.AF_INET)
	r.SetNonBlocking(false)
	p := make([]byte, 10)
	m.Go("main", nil, func(task *sim.Task) {
		sock(r).Setsockopt(r, abi.SOL_SOCKET, abi.SO_RCVTIMEO, devices.OptionValue{A: 1, Pair: true})
		require.Equal(t, -int(abi.EAGAIN), read(r, p), "the time is over")
		require.EqualValues(t, 1e9, m.Now())
		m.Go("shutdown", nil, func(*sim.Task) { sock(r).Shutdown(r, abi.SHUT_RD) })
		require.Equal(t, 0, read(r, p), "the end, for who may block")
		require.EqualValues(t, 1e9, m.Now())
		require.Equal(t, 1, write(w, []byte("x")))
		require.Equal(t, 1, read(r, p), "what comes later is received")
		r.SetNonBlocking(true)
		require.Equal(t, -int(abi.EAGAIN), read(r, p), "no end for who may not")
		r.Put()
		require.Equal(t, 1, write(w, []byte("x")))
		w.SetNonBlocking(false)
		require.Equal(t, -int(abi.ECONNREFUSED), read(w, p))
	})
	require.NoError(t, m.Run())
}

// Who gets a datagram: the exact address before the wildcard, the peer before others, the last bound of equals.
func TestUdpLookup(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		net := devices.NewInetNet(s)
		open := func(family int, addr, peer string) *vfs.File {
			f := udpSocket(net, family)
			sock(f).Setsockopt(f, abi.SOL_SOCKET, abi.SO_REUSEADDR, devices.OptionValue{A: 1})
			require.Zero(t, sock(f).Bind(f, inetAddr(addr)), addr)
			if peer != "" {
				require.Zero(t, sock(f).Connect(f, inetAddr(peer)))
			}
			return f
		}
		sender := open(abi.AF_INET, "127.0.0.1:9", "")
		to := inetAddr("127.0.0.1:1")
		expect := func(want *vfs.File, why string) {
			sock(sender).Send(sender, &devices.Msg{Data: []byte("x"), Name: &to})
			p := make([]byte, 1)
			require.Equal(t, 1, read(want, p), why)
		}
		any6 := open(abi.AF_INET6, "[::]:1", "")
		expect(any6, "IPv6 takes IPv4 too")
		any4 := open(abi.AF_INET, "0.0.0.0:1", "")
		expect(any4, "IPv4 rather than IPv6")
		exact := open(abi.AF_INET, "127.0.0.1:1", "")
		expect(exact, "the address rather than a wildcard")
		later := open(abi.AF_INET, "127.0.0.1:1", "")
		expect(later, "the latest of equals")
		peer := open(abi.AF_INET, "127.0.0.1:1", "127.0.0.1:9")
		expect(peer, "the peer")
		other := open(abi.AF_INET, "127.0.0.1:1", "127.0.0.1:8")
		expect(peer, "not somebody else's")
		require.Equal(t, -int(abi.EAGAIN), read(other, make([]byte, 1)))
		peer.Put()
		later.Put()
		expect(exact, "those who are closed are gone")
	})
}

// Against a list: what is sent and fits is received in order, whole or cut; what was read is given back as the kernel
// does it.
func TestUdpIsAQueue(t *testing.T) {
	cost := func(n int) int {
		switch {
		case n <= 197:
			return 832
		case n <= 645:
			return 1280
		case n <= 1669:
			return 2304
		}
		return 4352
	}
	rapid.Check(t, func(rt *rapid.T) {
		inTask(rt, func(s *vfs.System) {
			r, w := udpPair(s, abi.AF_INET)
			rcvbuf := 2 * rapid.IntRange(1152, 6000).Draw(rt, "rcvbuf")
			sock(r).Setsockopt(r, abi.SOL_SOCKET, abi.SO_RCVBUF, devices.OptionValue{A: rcvbuf / 2})
			var fresh, front []int // sizes in the queue of senders, in that of readers
			used, deficit := 0, 0
			for range rapid.IntRange(1, 80).Draw(rt, "steps") {
				if rapid.IntRange(0, 2).Draw(rt, "what") > 0 {
					n := rapid.SampledFrom([]int{0, 1, 100, 197, 198, 1000, 1669, 3000}).Draw(rt, "size")
					if write(w, make([]byte, n)) != n {
						rt.Fatalf("a send fails")
					}
					if used == 0 || used+cost(n) <= rcvbuf {
						fresh, used = append(fresh, n), used+cost(n)
					}
					continue
				}
				got := read(r, make([]byte, 500))
				if len(front) == 0 {
					front, fresh = fresh, nil
				}
				if len(front) == 0 {
					if got != -int(abi.EAGAIN) {
						rt.Fatalf("read %d from an empty queue", got)
					}
					continue
				}
				if got != min(front[0], 500) {
					rt.Fatalf("read %d, want %d", got, front[0])
				}
				deficit += cost(front[0])
				if front = front[1:]; len(front) == 0 || deficit >= rcvbuf/4 {
					used, deficit = used-deficit, 0
					front, fresh = append(front, fresh...), nil
				}
			}
			if state := devices.UdpOf(r).State(); state.Rmem != used || len(state.Receive) != len(fresh) || len(state.Reader) != len(front) {
				rt.Fatalf("got %+v, want %d bytes, %v and %v", state, used, fresh, front)
			}
		})
	})
}

// A datagram comes back from the port of nobody to its sender alone, and only if that is connected to it.
func TestUdpRefusal(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		net := devices.NewInetNet(s)
		f := udpSocket(net, abi.AF_INET)
		nobody, other := inetAddr("127.0.0.1:1"), inetAddr("127.0.0.1:2")
		send := func(to abi.Sockaddr) int {
			n, errno := sock(f).Send(f, &devices.Msg{Data: []byte("x"), Name: &to})
			if errno != 0 {
				return -int(errno)
			}
			return n
		}
		require.Equal(t, 1, send(nobody))
		require.Empty(t, devices.UdpOf(f).State().Err)
		require.Zero(t, sock(f).Connect(f, nobody))
		require.Equal(t, 1, send(other))
		require.Empty(t, devices.UdpOf(f).State().Err, "it is connected elsewhere")
		require.Equal(t, 1, send(nobody))
		require.Equal(t, "ECONNREFUSED", devices.UdpOf(f).State().Err)
		require.Equal(t, -int(abi.EMSGSIZE), write(f, make([]byte, 65508)), "looked at before the error")
		require.Zero(t, sock(f).Connect(f, abi.Sockaddr{}))
		require.Equal(t, -int(abi.EDESTADDRREQ), write(f, []byte("x")), "this too")
		require.Equal(t, -int(abi.ECONNREFUSED), send(nobody), "a disconnect does not clear it")
		require.Equal(t, 1, send(nobody))
	})
}

// With MSG_TRUNC the length is that of the datagram, whatever fits; MSG_PEEK leaves it there; the sender's address comes
// along.
func TestUdpRecvFlags(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		r, w := udpPair(s, abi.AF_INET)
		sock(w).Bind(w, abi.Sockaddr{})
		write(w, []byte("hello"))
		name, _ := sock(w).Sockname(w)
		for _, c := range []struct{ flags, n, out int }{
			{abi.MSG_PEEK, 2, abi.MSG_TRUNC}, {abi.MSG_PEEK | abi.MSG_TRUNC, 5, abi.MSG_TRUNC}, {abi.MSG_TRUNC, 5, abi.MSG_TRUNC},
		} {
			msg := devices.Msg{Data: make([]byte, 2), Flags: c.flags, Name: new(abi.Sockaddr)}
			n, errno := sock(r).Recv(r, &msg)
			require.Zero(t, errno)
			require.Equal(t, c.n, n)
			require.Equal(t, c.out, msg.OutFlags)
			require.Equal(t, "he", string(msg.Data))
			require.Equal(t, name, *msg.Name)
		}
		_, errno := sock(r).Recv(r, &devices.Msg{})
		require.Equal(t, abi.EAGAIN, errno)
		_, errno = sock(w).Send(w, &devices.Msg{Flags: abi.MSG_OOB})
		require.Equal(t, abi.EOPNOTSUPP, errno)
	})
}

// Sockets that share a port by SO_REUSEPORT share what comes: the same sender always has the same one.
func TestUdpReuseport(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		net := devices.NewInetNet(s)
		to := inetAddr("127.0.0.1:1")
		var group []*vfs.File
		for range 2 {
			f := udpSocket(net, abi.AF_INET)
			sock(f).Setsockopt(f, abi.SOL_SOCKET, abi.SO_REUSEPORT, devices.OptionValue{A: 1})
			require.Zero(t, sock(f).Bind(f, to))
			group = append(group, f)
		}
		alone := udpSocket(net, abi.AF_INET)
		require.Equal(t, abi.EADDRINUSE, sock(alone).Bind(alone, to))
		for port := 10; port < 14; port++ {
			f := udpSocket(net, abi.AF_INET)
			require.Zero(t, sock(f).Bind(f, inetAddr(fmt.Sprintf("127.0.0.1:%d", port))))
			for range 2 {
				sock(f).Send(f, &devices.Msg{Data: []byte("x"), Name: &to})
				require.Equal(t, 1, read(group[port%2], make([]byte, 1)))
				require.Equal(t, -int(abi.EAGAIN), read(group[1-port%2], make([]byte, 1)))
			}
		}
	})
}
