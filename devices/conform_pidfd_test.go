package devices_test

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
)

// pidfdDevice has the table of pidfd.md. That nothing is heard of a stop or of a first thread is for the tests of kernel.
var pidfdDevice = devicetest.Device{
	Name: "pidfd",
	Open: func(w *devicetest.World) {
		p := devices.NewPid(w.Sys, 7, devices.PidAlive)
		w.Add(&devicetest.File{File: devices.NewPidfd(w.Sys, p, 0), Name: "p", Twins: abi.EPOLLRDNORM})
		w.Move("exit", func() {
			if p.State().Now == devices.PidAlive {
				p.Exit()
			}
		})
		w.Move("reap", func() {
			if p.State().Now == devices.PidZombie {
				p.Reap()
			}
		})
	},
	Rows: []devicetest.Row{
		{Action: "ADD alive"},
		{Action: "exit", Do: "exit", Edges: "p IN / IN / -", Wakes: "pid.wait_pidfd IN|RDNORM all"},
		{Action: "reap", Given: "exit", Do: "reap", Edges: "p IN|HUP / IN|HUP / HUP", Wakes: "pid.wait_pidfd 0 all"},
		{Action: "ADD after reap", Given: "exit; reap", Edges: "p IN|HUP / IN|HUP / HUP"},
	},
}
