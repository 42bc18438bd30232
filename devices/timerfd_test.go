package devices_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

func newTimerfd(t testing.TB, s *vfs.System, clock, flags int) (*vfs.File, *devices.Timerfd) {
	f, errno := devices.NewTimerfd(s, devices.NewClocks(s.M), clock, flags)
	require.Zero(t, errno)
	return f, devices.TimerfdOf(f)
}

// every is a timer that expires in first ms and then every interval ms.
func every(first, interval int64) abi.Itimerspec {
	return abi.Itimerspec{Value: ms(first), Interval: ms(interval)}
}

// onMachine runs main as a task of a machine that checks tf after every step.
func onTimer(t *testing.T, clock, flags int, main func(task *sim.Task, f *vfs.File, tf *devices.Timerfd)) {
	t.Helper()
	var tf *devices.Timerfd
	s := newSystem(t, sim.Options{Check: true})
	f, tf := newTimerfd(t, s, clock, flags)
	spawn(s, "main", func(task *sim.Task) {
		main(task, f, tf)
		require.NoError(t, tf.Check())
	})
	require.NoError(t, s.M.Run())
}

func sleep(task *sim.Task, millis int64) {
	task.SleepUntil(task.Machine().Now()+millis*1e6, "test")
}

func TestTimerfdCreate(t *testing.T) {
	s := newSystem(t, sim.Options{})
	clocks := devices.NewClocks(s.M)
	for clock := -1; clock < 13; clock++ {
		_, errno := devices.NewTimerfd(s, clocks, clock, 0)
		switch clock {
		case 0, 1, 7, 8, 9:
			require.Zero(t, errno, clock)
		default:
			require.Equal(t, abi.EINVAL, errno, clock)
		}
	}
	_, errno := devices.NewTimerfd(s, clocks, 1, 1)
	require.Equal(t, abi.EINVAL, errno)
	f, _ := newTimerfd(t, s, 1, abi.TFD_NONBLOCK|abi.TFD_CLOEXEC)
	require.Equal(t, 0o4002, f.Flags())
	require.Equal(t, abi.EINVAL, f.SetFlags(abi.O_DIRECT))
}

func TestItimerspec(t *testing.T) {
	for _, c := range []struct {
		flags int
		spec  abi.Itimerspec
		want  abi.Errno
	}{
		{0, abi.Itimerspec{}, 0},
		{3, abi.Itimerspec{Value: abi.Timespec{Sec: math.MaxInt64, Nsec: 999999999}}, 0},
		{4, abi.Itimerspec{}, abi.EINVAL},
		{0, abi.Itimerspec{Value: abi.Timespec{Sec: -1}}, abi.EINVAL},
		{0, abi.Itimerspec{Value: abi.Timespec{Nsec: -1}}, abi.EINVAL},
		{0, abi.Itimerspec{Interval: abi.Timespec{Nsec: 1e9}}, abi.EINVAL},
	} {
		require.Equal(t, c.want, devices.CheckItimerspec(c.flags, c.spec), "%+v", c)
	}
}

// TestTimerfdTicks is "behaviour rules".
func TestTimerfdTicks(t *testing.T) {
	onTimer(t, abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK, func(task *sim.Task, f *vfs.File, tf *devices.Timerfd) {
		reads := func(want uint64) {
			t.Helper()
			n, v := take(f)
			if want == 0 {
				require.Equal(t, again, n)
				return
			}
			require.Equal(t, []any{8, want}, []any{n, v})
		}
		reads(0)
		tf.Settime(0, every(10, 0))
		reads(0)
		sleep(task, 25)
		reads(1)
		require.False(t, tf.State().Armed)
		sleep(task, 100)
		reads(0)

		tf.Settime(0, every(10, 30))
		sleep(task, 105)
		require.Equal(t, uint64(1), tf.State().Ticks, "the expiry does not restart it")
		reads(4) // 10, 40, 70, 100
		sleep(task, 24)
		reads(0)
		sleep(task, 1)
		reads(1) // 130

		sleep(task, 65) // 160, 190: at 195
		require.Equal(t, every(25, 30), tf.Gettime())
		require.Equal(t, uint64(2), tf.State().Ticks)
		sleep(task, 25)
		reads(3)

		sleep(task, 40)
		old, _ := tf.Settime(0, every(0, 7))
		require.Equal(t, every(20, 30), old, "as gettime would say")
		reads(0)
		require.Equal(t, every(0, 7), tf.Gettime(), "disarmed, with an interval")

		n, errno := tf.Ioctl(f, abi.TFD_IOC_SET_TICKS, -1)
		require.Equal(t, []any{int64(0), abi.Errno(0)}, []any{n, errno})
		reads(math.MaxUint64)
		_, errno = tf.Ioctl(f, abi.FIONREAD, 0)
		require.Equal(t, abi.ENOTTY, errno)
		for _, n := range []int{0, 7} {
			require.Equal(t, einval, read(f, make([]byte, n)))
		}
		require.Equal(t, einval, write(f, make([]byte, 8)))

		tf.Settime(0, abi.Itimerspec{Value: abi.Timespec{Sec: math.MaxInt64}, Interval: abi.Timespec{Sec: math.MaxInt64}})
		require.True(t, tf.State().Armed)
		f.Put()
	})
}

// TestTimerfdCounts: whatever is done in between, every expiration is read once. The model is a division.
func TestTimerfdCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 99), 1, 40).Draw(rt, "steps")
		s := &vfs.System{M: sim.New(sim.Options{Check: true})}
		defer s.M.Close()
		f, tf := newTimerfd(t, s, rapid.SampledFrom([]int{0, 1, 7, 8, 9}).Draw(rt, "clock"), abi.TFD_NONBLOCK)
		s.M.Go("main", nil, func(task *sim.Task) {
			first, interval, told := int64(math.MaxInt64), int64(0), uint64(0)
			due := func() uint64 {
				switch late := s.M.Now() - first; {
				case late < 0:
					return 0
				case interval == 0:
					return 1
				default:
					return uint64(late/interval) + 1
				}
			}
			for _, step := range steps {
				v := int64(step % 25)
				switch step / 25 {
				case 0:
					sleep(task, v)
				case 1:
					tf.Gettime()
				case 2:
					n, ticks := take(f)
					if n < 0 {
						ticks = 0
					}
					if ticks != due()-told {
						s.M.Violation("read %d, expected %d", ticks, due()-told)
					}
					told = due()
				case 3:
					tf.Settime(0, every(v, v%7))
					first, interval, told = s.M.Now()+v*1e6, v%7*1e6, 0
					if v == 0 {
						first = math.MaxInt64
					}
				}
				if (f.Poll(nil) != 0) != (due() > told) {
					s.M.Violation("mask %s, and %d of %d read", f.Poll(nil), told, due())
				}
			}
		})
		if err := s.M.Run(); err != nil {
			rt.Fatal(err)
		}
	})
}

func TestTimerfdBlockedReaders(t *testing.T) {
	onTimer(t, abi.CLOCK_MONOTONIC, 0, func(task *sim.Task, f *vfs.File, tf *devices.Timerfd) {
		var log []string
		for i := range 2 {
			spawn(f.Sys, "reader", func(*sim.Task) {
				_, v := take(f)
				log = append(log, fmt.Sprint(i, " ", v))
			})
		}
		settle(task)
		require.Equal(t, []string{"task 2 (reader)", "task 3 (reader)"}, tf.State().Wqh)
		tf.Settime(0, every(1, 0))
		sleep(task, 5)
		require.Equal(t, []string{"0 1"}, log, "the other sleeps on")
		tf.Settime(0, every(1, 0))
		sleep(task, 5)
		require.Equal(t, []string{"0 1", "1 1"}, log)

		interrupted := 0
		spawn(f.Sys, "reader", func(*sim.Task) { interrupted, _ = take(f) })
		settle(task)
		signal(f.Sys.M.Tasks()[1])
		settle(task)
		require.Equal(t, -int(abi.ERESTARTSYS), interrupted)
		require.Empty(t, tf.State().Wqh)
	})
}

// TestTimerfdClockSet: only a time of the wall clock moves with it.
func TestTimerfdClockSet(t *testing.T) {
	s := newSystem(t, sim.Options{Check: true})
	clocks := devices.NewClocks(s.M)
	s.M.Go("main", nil, func(task *sim.Task) {
		f, _ := devices.NewTimerfd(s, clocks, abi.CLOCK_REALTIME, abi.TFD_NONBLOCK)
		tf := devices.TimerfdOf(f)
		start := clocks.Now(abi.CLOCK_REALTIME)
		at := func(ns int64) abi.Itimerspec {
			return abi.Itimerspec{Value: abi.Timespec{Sec: ns / 1e9, Nsec: ns % 1e9}}
		}

		tf.Settime(abi.TFD_TIMER_ABSTIME, at(start+1e9))
		clocks.SetWall(start + 9e8)
		require.Equal(t, int64(1e8), tf.State().Left)
		clocks.SetWall(start + 2e9)
		require.Equal(t, uint64(1), tf.State().Ticks, "it is over now")
		require.Equal(t, in, mask(f))

		tf.Settime(0, at(1e9))
		clocks.SetWall(start)
		require.Equal(t, int64(1e9), tf.State().Left)

		const cancel = abi.TFD_TIMER_ABSTIME | abi.TFD_TIMER_CANCEL_ON_SET
		tf.Settime(cancel, at(start+1e9))
		ws := watchAll(f)
		clocks.SetWall(start + 1)
		require.Equal(t, "IN / IN / -", ws.harvest())
		n, _ := take(f)
		require.Equal(t, -int(abi.ECANCELED), n)
		n, _ = take(f)
		require.Equal(t, again, n)
		clocks.SetWall(start + 2)
		_, errno := tf.Settime(cancel, at(start+1e9))
		require.Equal(t, abi.ECANCELED, errno, "and armed nevertheless")
		require.True(t, tf.State().Armed)
		ws.unhook()
		f.Put()
		clocks.SetWall(start + 5e9)
	})
	require.NoError(t, s.M.Run())
}

// TestTimerfdAlarm: an alarm that is stopped shows the time it had, which Linux does.
func TestTimerfdAlarm(t *testing.T) {
	for clock, want := range map[int]abi.Itimerspec{abi.CLOCK_BOOTTIME: {}, abi.CLOCK_BOOTTIME_ALARM: every(10, 0), abi.CLOCK_REALTIME_ALARM: every(10, 0)} {
		_, tf := newTimerfd(t, newSystem(t, sim.Options{}), clock, 0)
		tf.Settime(0, every(10, 0))
		tf.Settime(0, abi.Itimerspec{})
		require.Equal(t, want, tf.Gettime(), clock)
		require.False(t, tf.State().Armed)
	}
}

func TestTimerfdAllocations(t *testing.T) {
	s := newSystem(t, sim.Options{})
	f, tf := newTimerfd(t, s, abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK)
	buf := make([]byte, 8)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		tf.Settime(0, every(10, 10))
		tf.Ioctl(f, abi.TFD_IOC_SET_TICKS, 1)
		tf.Gettime()
		f.Poll(nil)
		f.Ops.Read(f, buf)
	}))
}
