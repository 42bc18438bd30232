package devices_test

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// ms is a number of milliseconds as a time.
func ms(n int64) abi.Timespec { return abi.Timespec{Sec: n / 1000, Nsec: n % 1000 * 1e6} }

// timerfdDevice has the table of timerfd.md.
var timerfdDevice = devicetest.Device{
	Name: "timerfd",
	Open: func(w *devicetest.World) {
		f, _ := devices.NewTimerfd(w.Sys, devices.NewClocks(w.Sys.M), abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK)
		tf := devices.TimerfdOf(f)
		w.Add(&devicetest.File{File: f, Name: "t", Read: 8})
		set := func(value, interval int64) func() {
			return func() { tf.Settime(0, abi.Itimerspec{Value: ms(value), Interval: ms(interval)}) }
		}
		w.Move("once in 10", set(10, 0))
		w.Move("every 10", set(10, 10))
		w.Move("disarm", set(0, 10))
		w.Move("in the past", func() { tf.Settime(abi.TFD_TIMER_ABSTIME, abi.Itimerspec{Value: abi.Timespec{Nsec: 1}}) })
		w.Move("sleep 5", func() { w.Sleep(5e6) })
		w.Move("sleep 10", func() { w.Sleep(10e6) })
		w.Move("sleep 35", func() { w.Sleep(35e6) })
		w.Move("gettime", func() { tf.Gettime() })
		w.Move("read", func() { take(f) })
		w.Move("SET_TICKS 5", func() { tf.Ioctl(f, abi.TFD_IOC_SET_TICKS, 5) })
		w.Move("SET_TICKS 0", func() { f.Ops.(vfs.Ioctler).Ioctl(f, abi.TFD_IOC_SET_TICKS, 0) })
	},
	Rows: []devicetest.Row{
		{Action: "ADD disarmed"},
		{Action: "settime; time before expiry", Do: "once in 10; sleep 5"},
		{Action: "ADD with ticks pending", Given: "once in 10; sleep 10", Edges: "t IN / IN / -"},
		{Action: "one-shot expires", Given: "once in 10", Do: "sleep 10", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "gettime after a one-shot expired", Given: "once in 10; sleep 10", Do: "gettime", Masks: "t IN"},
		{Action: "read", Given: "once in 10; sleep 10", Do: "read"},
		{Action: "read EAGAIN", Do: "read"},
		{Action: "periodic, first expiry", Given: "every 10", Do: "sleep 10", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "periodic, further periods pass unread", Given: "every 10; sleep 10", Do: "sleep 35"},
		{Action: "gettime (re-arms)", Given: "every 10; sleep 35", Do: "gettime", Masks: "t IN"},
		{Action: "… then IN at the next period boundary", Given: "every 10; sleep 35; gettime", Do: "sleep 5", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "read, then next period", Given: "every 10; sleep 10; read", Do: "sleep 10", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "settime while readable: re-arm", Given: "every 10; sleep 10", Do: "once in 10", Masks: "t 0"},
		{Action: "settime while readable: disarm", Given: "every 10; sleep 10", Do: "disarm", Masks: "t 0"},
		{Action: "absolute time in the past", Given: "sleep 5", Do: "in the past", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "SET_TICKS", Do: "SET_TICKS 5", Edges: "t IN / IN / -", Wakes: tick},
		{Action: "SET_TICKS to 0", Do: "SET_TICKS 0"},
	},
}

const tick = "timerfd.wqh IN one"
