package devices_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// socketContents is the model a socket is held against: the messages, or of a stream the bytes, that are unread. Each step
// of a run may put some at the end or take some from the front, and it is noted who did.
type socketContents struct {
	net      *devices.UnixNet
	u        *devices.Unix
	m        *sim.Machine
	stream   bool
	unread   []string
	produced map[*sim.Task][]string // since its call began
	consumed map[*sim.Task][]string
}

// step compares the queue after a step with the queue before.
func (c *socketContents) step() {
	if err := c.net.Check(); err != nil {
		c.m.Violation("%v", err)
	}
	now := c.u.Records()
	if c.stream {
		now = nil
		for _, b := range c.u.Unread(nil) {
			now = append(now, string([]byte{b}))
		}
	}
	t, before := c.m.Current(), c.unread
	switch {
	case len(now) > len(before):
		if !slices.Equal(now[:len(before)], before) {
			c.m.Violation("%s changed what was there", t)
		}
		c.produced[t] = append(c.produced[t], now[len(before):]...)
	case !slices.Equal(before[len(before)-len(now):], now):
		c.m.Violation("%s left something else than there was", t)
	default:
		c.consumed[t] = append(c.consumed[t], before[:len(before)-len(now)]...)
	}
	c.unread = now
}

// send puts in all of b, in as many calls as it takes. A call must put in exactly what it says.
func (c *socketContents) send(t *sim.Task, f *vfs.File, b []byte) {
	for len(b) > 0 {
		c.produced[t] = nil
		n := write(f, b)
		put := 0
		for _, s := range c.produced[t] {
			put += len(s)
		}
		switch {
		case n == again && put == 0 && f.NonBlocking():
			t.Yield()
			continue
		case n < 0 || put != n || !c.stream && n != len(b):
			c.m.Violation("send of %d returned %d and put in %d bytes", len(b), n, put)
		case !bytes.Equal(b[:n], []byte(joined(c.produced[t]))):
			c.m.Violation("send of %d put in other bytes", len(b))
		}
		b = b[n:]
	}
}

func joined(list []string) string {
	var b []byte
	for _, s := range list {
		b = append(b, s...)
	}
	return string(b)
}

// recv must return what it took out.
func (c *socketContents) recv(t *sim.Task, f *vfs.File, b []byte) (end bool) {
	c.consumed[t] = nil
	n := read(f, b)
	if n == again && f.NonBlocking() {
		t.Yield()
		return false
	}
	took := joined(c.consumed[t])
	if n < 0 || string(b[:n]) != took[:min(len(took), len(b))] {
		c.m.Violation("recv of %d returned %d of the %d bytes it took", len(b), n, len(took))
	}
	return n == 0
}

// TestUnixContents: two writers and two readers on a pair with a small buffer, under random schedules. No byte and no
// record is lost, invented or reordered; nobody is left asleep.
func TestUnixContents(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	sizes := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]int{1, 2, 192, 193, 2240, 2241, 4576}), rapid.IntRange(1, 4576)), 1, 4)
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom(unixKinds).Draw(rt, "kind")
		c := &socketContents{produced: map[*sim.Task][]string{}, consumed: map[*sim.Task][]string{}, stream: kind == abi.SOCK_STREAM}
		strategy, fair := drawSchedule(rt)
		s := &vfs.System{M: sim.New(sim.Options{Check: true, Pool: pool, AfterStep: c.step, MaxSteps: 200_000, Strategy: strategy})}
		defer s.M.Close()
		c.net, c.m = unixNet(s), s.M
		a, b, _ := c.net.NewPair(kind, 0)
		c.u = devices.UnixOf(b)
		option(a, abi.SO_SNDBUF, 1)
		if fair && rapid.Bool().Draw(rt, "nobody waits") {
			a.SetFlags(abi.O_NONBLOCK)
		}
		writers := 2
		twoWriters(rt, s.M, sizes, func(_ int, task *sim.Task, b []byte) { c.send(task, a, b) }, func(int) {
			if writers--; writers == 0 {
				shut(a, abi.SHUT_WR)
				if kind == abi.SOCK_DGRAM {
					shut(b, abi.SHUT_RD) // the peer does not hear of the other
				}
			}
		})
		twoReaders(rt, s.M, sizes, 100, func(task *sim.Task, p []byte) bool { return c.recv(task, b, p) })
		if err := s.M.Run(); err != nil {
			rt.Fatalf("%v", err)
		}
		if len(c.unread) > 0 {
			rt.Fatalf("%d were not read before the end", len(c.unread))
		}
	})
}

// TestUnixRaces: sockets of every kind are connected, written, read, shut and closed by three tasks at once, under random
// schedules. Every structure holds after every step, no lock order is broken, nothing is used after it was freed.
func TestUnixRaces(t *testing.T) {
	pool := &sim.Pool{}
	defer pool.Close()
	moves := []string{"send", "send", "send", "recv", "recv", "poll", "shut", "connect", "accept", "close", "pair", "oob", "disconnect", "sendto", "rights"}
	rapid.Check(t, func(rt *rapid.T) {
		var net *devices.UnixNet
		opts := sim.Options{Check: true, Pool: pool, MaxSteps: 200_000, Strategy: sim.NewRandom(rapid.Uint64().Draw(rt, "seed"))}
		var m *sim.Machine
		opts.AfterStep = func() {
			if err := net.Check(); err != nil {
				m.Violation("%v", err)
			}
		}
		s := &vfs.System{}
		m = sim.New(opts)
		defer m.Close()
		s.M = m
		net = unixNet(s)
		kind := rapid.SampledFrom(unixKinds).Draw(rt, "kind") | abi.SOCK_NONBLOCK
		table := s.NewFdTable()
		add := func(f *vfs.File) {
			if fd, errno := table.Reserve(0, false); errno == 0 {
				table.Install(fd, f)
			}
		}
		server, _ := net.NewSocket(kind, 0)
		sock(server).Bind(server, abi.UnixAddr("@s"))
		sock(server).Listen(server, 1)
		a, b, _ := net.NewPair(kind, 0)
		for _, f := range []*vfs.File{server, a, b} {
			add(f)
		}
		for i := range 3 {
			script := rapid.SliceOfN(rapid.SampledFrom(moves), 1, 12).Draw(rt, fmt.Sprintf("task %d", i))
			which := rapid.SliceOfN(rapid.IntRange(0, 5), len(script), len(script)).Draw(rt, "files")
			m.Go(fmt.Sprintf("task %d", i), nil, func(*sim.Task) {
				for k, move := range script {
					f := table.Get(which[k])
					if f == nil {
						continue
					}
					u, to := sock(f), abi.UnixAddr("@s")
					switch move {
					case "send":
						write(f, make([]byte, 1+k*1000))
					case "oob":
						sendFlags(f, "x", abi.MSG_OOB)
					case "recv":
						recvFlags(f, 3000, 0)
					case "poll":
						watch(f, all).unhook()
					case "shut":
						u.Shutdown(f, k%3)
					case "connect":
						u.Connect(f, to)
					case "disconnect":
						u.Connect(f, abi.Sockaddr{})
					case "sendto":
						u.Send(f, &devices.Msg{Data: []byte("x"), Name: &to})
					case "rights":
						u.Send(f, &devices.Msg{Data: []byte("x"), Table: table, Rights: []int{k % 6}})
					case "accept":
						if end, errno := u.Accept(f, abi.SOCK_NONBLOCK); errno == 0 {
							add(end)
						}
					case "pair":
						x, y, _ := net.NewPair(kind, 0)
						add(x)
						add(y)
					case "close":
						if g, errno := table.Close(which[k]); errno == 0 {
							g.Put()
						}
					}
					f.Put()
				}
			})
		}
		m.Go("end", nil, func(task *sim.Task) {
			for range 20 {
				task.Yield()
			}
		})
		if err := m.Run(); err != nil {
			rt.Fatalf("%v", err)
		}
		table.CloseAll()
		last, _ := net.NewSocket(kind, 0) // whose close lets cycles be collected
		last.Put()
		if n := net.Sockets(); n != 0 {
			rt.Fatalf("%d sockets are left after every file is closed", n)
		}
	})
}
