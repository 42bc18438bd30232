package devices_test

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
)

// mountsDevice has what was measured of /proc/self/mounts: two descriptions in one namespace. Their watchers ask in turn,
// and the first takes the change away from the others: so the columns of a description are those of one look each.
var mountsDevice = devicetest.Device{
	Name: "mounts",
	Open: func(w *devicetest.World) {
		n := devices.NewMounts(w.Sys)
		f := n.NewMountsFile(abi.O_RDONLY)
		w.Add(&devicetest.File{File: f, Name: "p", Read: 10, Twins: abi.EPOLLRDNORM, Silent: abi.EPOLLERR | abi.EPOLLPRI})
		w.Move("read", func() { read(f, make([]byte, 100)) })
		w.Move("rewind", func() { seek(f, 0, 0) })
	},
	Rows: []devicetest.Row{
		{Action: "ADD", Edges: "p IN / IN / -"},
		{Action: "read", Do: "read"},
		{Action: "read to the end: still IN", Given: "read", Do: "read", Masks: "p IN"},
		{Action: "lseek", Given: "read", Do: "rewind", Masks: "p IN"},
	},
}
