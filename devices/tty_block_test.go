package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// onPty runs main on a pair that waits, every structure checked after every step.
func onPty(t *testing.T, main func(task *sim.Task, p *pty)) {
	t.Helper()
	var p *pty
	s := newSystem(t, sim.Options{Check: true})
	p = newPty(t, s, 0)
	spawn(s, "main", func(task *sim.Task) { main(task, p) })
	require.NoError(t, s.M.Run())
}

// background calls fn in a task of its own and returns where its result will be.
func (p *pty) background(task *sim.Task, fn func() string) *string {
	result := new(string)
	spawn(p.s, "sleeper", func(*sim.Task) { *result = fn() })
	settle(task)
	return result
}

func TestTtyBlockedReader(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		got := p.background(task, func() string { return p.gets(p.slave, 100) })
		require.Equal(t, []string{"task 2 (sleeper)"}, devices.TtyOf(p.slave).State().ReadWait)
		write(p.master, []byte("part"))
		settle(task)
		require.Empty(t, *got)
		write(p.master, []byte("ial\n"))
		settle(task)
		require.Equal(t, `"partial\n"`, *got)
		require.Empty(t, devices.TtyOf(p.slave).State().ReadWait)

		// Of two readers one stands on the queue; the other waits for atomic_read_lock.
		first := p.background(task, func() string { return p.gets(p.slave, 100) })
		second := p.background(task, func() string { return p.gets(p.slave, 100) })
		require.Len(t, devices.TtyOf(p.slave).State().ReadWait, 1)
		p.slave.SetNonBlocking(true)
		require.Equal(t, again, read(p.slave, p.readBuf))
		p.slave.SetNonBlocking(false)
		write(p.master, []byte("a\nb\n"))
		settle(task)
		require.Equal(t, []string{`"a\n"`, `"b\n"`}, []string{*first, *second})
	})
}

func TestTtyBlockedReaderOfVMIN(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(vmin(5, 0))
		got := p.background(task, func() string { return p.gets(p.slave, 100) })
		write(p.master, []byte("abc"))
		settle(task)
		require.Empty(t, *got)
		write(p.master, []byte("defg"))
		settle(task)
		require.Equal(t, `"abcdefg"`, *got)
	})
}

// TestTtyVTIME: with VMIN the time runs between two bytes, without it before the first. Time is virtual.
func TestTtyVTIME(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		sleep := func(ms int64) { task.SleepUntil(p.s.M.Now()+ms*1e6, "test") }
		p.modes(vmin(5, 1))
		got := p.background(task, func() string { return fmt.Sprint(p.gets(p.slave, 100), " ", p.s.M.Now()/1e6) })
		sleep(500)
		require.Empty(t, *got)
		write(p.master, []byte("ab"))
		sleep(90)
		write(p.master, []byte("c"))
		sleep(90)
		require.Empty(t, *got)
		sleep(20)
		require.Equal(t, `"abc" 690`, *got)

		p.modes(vmin(0, 2))
		got = p.background(task, func() string { return fmt.Sprint(p.gets(p.slave, 100), " ", p.s.M.Now()/1e6) })
		sleep(300)
		require.Equal(t, `"" 900`, *got)
		got = p.background(task, func() string { return p.gets(p.slave, 100) })
		write(p.master, []byte("x"))
		settle(task)
		require.Equal(t, `"x"`, *got)
	})
}

func TestTtyBlockedWriter(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(rawModes)
		got := p.background(task, func() string { return fmt.Sprint(write(p.slave, make([]byte, 30000))) })
		require.Empty(t, *got)
		require.Equal(t, none, mask(p.slave), "no OUT in the middle of somebody's write")
		p.slave.SetNonBlocking(true)
		require.Equal(t, again, write(p.slave, []byte("x")), "atomic_write_lock is taken")
		p.slave.SetNonBlocking(false)
		total := 0
		for total < 30000 {
			total += read(p.master, p.readBuf)
			settle(task)
		}
		require.Equal(t, "30000", *got)
		require.Equal(t, wrn, mask(p.slave))
	})
}

func TestTtyStoppedWriter(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		write(p.master, []byte("\x13"))
		got := p.background(task, func() string { return fmt.Sprint(write(p.slave, []byte("x\n"))) })
		require.Empty(t, *got)
		write(p.master, []byte("\x11"))
		settle(task)
		require.Equal(t, "2", *got)
		require.Equal(t, `"x\r\n"`, p.gets(p.master, 9))
	})
}

func TestTtySleepersAndHangUp(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(rawModes)
		reader := p.background(task, func() string { return p.gets(p.slave, 100) })
		writer := p.background(task, func() string { return fmt.Sprint(write(p.slave, make([]byte, 30000))) })
		p.master.Put()
		settle(task)
		require.Equal(t, "EIO", *reader)
		require.NotEmpty(t, *writer)
		require.NotEqual(t, "30000", *writer, "what it has written")
	})
	onPty(t, func(task *sim.Task, p *pty) {
		reader := p.background(task, func() string { return p.gets(p.master, 100) })
		p.slave.Put()
		settle(task)
		require.Equal(t, "EIO", *reader)
	})
}

// TestTtyUnderSchedules: what is typed and what is printed arrives whole and in order, the modes changing meanwhile and
// two readers taking turns, whatever the schedule; nobody is left asleep.
func TestTtyUnderSchedules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &vfs.System{M: sim.New(sim.Options{Check: true, Strategy: sim.NewRandom(rapid.Uint64().Draw(rt, "seed"))})}
		defer s.M.Close()
		p := newPty(t, s, 0)
		p.modes(rawModes)
		size := rapid.SampledFrom([]int{1, 100, 4000, 21000}).Draw(rt, "bytes")
		var printed strings.Builder
		text := strings.Repeat("0123456789", size/10+1)[:size]
		s.M.Go("printer", nil, func(*sim.Task) {
			chunk := rapid.IntRange(1, 7000).Draw(rt, "chunk")
			for done := 0; done < size; {
				done += write(p.slave, []byte(text[done:min(size, done+chunk)]))
			}
		})
		s.M.Go("screen", nil, func(*sim.Task) {
			b := make([]byte, rapid.SampledFrom([]int{10, 500, 5000}).Draw(rt, "read"))
			for printed.Len() < size {
				printed.Write(b[:read(p.master, b)])
			}
		})
		s.M.Go("user", nil, func(*sim.Task) {
			for range 5 {
				write(p.master, []byte("k\n"))
			}
		})
		keys := 0
		for range 2 {
			s.M.Go("reader", nil, func(*sim.Task) {
				b := make([]byte, 2)
				for range 5 {
					if n := read(p.slave, b[:1]); n == 1 {
						keys++
					}
				}
			})
		}
		s.M.Go("tcsetattr", nil, func(*sim.Task) {
			for range 3 {
				p.modes(func(*abi.Termios) {})
			}
		})
		if err := s.M.Run(); err != nil {
			rt.Fatalf("%v\nschedule %s", err, s.M.Token())
		}
		if printed.String() != text || keys != 10 {
			rt.Fatalf("%d bytes arrived of %d, %d keys", printed.Len(), size, keys)
		}
		if err := p.check(); err != nil {
			rt.Fatal(err)
		}
	})
}
