package devicetest_test

import (
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// bell is the smallest device there is: a write rings it, a read, which does not wait, takes the ring away. It can always
// be rung.
type bell struct {
	m    *sim.Machine
	id   sim.ID
	wait waitqueue.Head
	rung bool
}

var (
	classBell     = sim.NewClass("bell")
	classBellWait = sim.NewClass("bell.wait")
	fieldRung     = sim.NewField("rung")
)

func newBell(s *vfs.System) *vfs.File {
	b := &bell{m: s.M, id: s.M.NewID(classBell)}
	b.wait.InitClass(s.M, classBellWait)
	return s.NewFile(b, abi.O_RDWR|abi.O_NONBLOCK, "bell", 0)
}

// set changes the state: a point, since ->poll of others reads it without a lock.
func (b *bell) set(rung bool) {
	b.m.Write(b.id, fieldRung)
	b.rung = rung
}

func (b *bell) Read(*vfs.File, []byte) (int, abi.Errno) {
	if !b.rung {
		return 0, abi.EAGAIN
	}
	b.set(false)
	return 1, 0
}

func (b *bell) Write(_ *vfs.File, p []byte) (int, abi.Errno) {
	b.set(true)
	b.wait.WakeUp(sim.Normal, 1, false, abi.EPOLLIN)
	return len(p), 0
}

// Poll registers first and looks second, or a ring between the two would be lost.
func (b *bell) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &b.wait)
	b.m.Read(b.id, fieldRung)
	if b.rung {
		return abi.EPOLLIN | abi.EPOLLOUT
	}
	return abi.EPOLLOUT
}

func (b *bell) Release(*vfs.File) {}

// bellDevice says how a bell is opened, what can be done with it, and what is told then.
var bellDevice = devicetest.Device{
	Name: "bell",
	Open: func(w *devicetest.World) {
		f := newBell(w.Sys)
		w.Add(&devicetest.File{File: f, Name: "b", Read: 1, Write: []byte("x")})
		w.Move("ring", func() { f.Ops.Write(f, []byte("x")) })
		w.Move("read", func() { f.Ops.Read(f, make([]byte, 1)) })
	},
	Rows: []devicetest.Row{
		{Action: "ADD of a silent one", Edges: "b OUT / - / OUT"},
		{Action: "ring", Do: "ring", Edges: "b IN|OUT / IN / -", Wakes: "bell.wait IN one"},
		{Action: "ring again", Given: "ring", Do: "ring", Edges: "b IN|OUT / IN / -", Wakes: "bell.wait IN one"},
		{Action: "read", Given: "ring", Do: "read"},
		{Action: "read EAGAIN", Do: "read"},
	},
}

// A new device is a Device, and one line in a test.
func ExampleTest() {
	var t *testing.T // that of the test function
	devicetest.Test(t, bellDevice)
}
