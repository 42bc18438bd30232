package devices_test

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// inotifyDevice has the table of inotify.md: an instance that watches a directory.
var inotifyDevice = devicetest.Device{
	Name: "inotify",
	Open: func(w *devicetest.World) {
		dir := w.Sys.NewInode(vfs.DirInode)
		f, _ := devices.NewInotify(w.Sys, devices.NewInotifyUser(w.Sys), abi.IN_NONBLOCK)
		n := devices.InotifyOf(f)
		wd, _ := n.AddWatch(dir, abi.IN_ALL_EVENTS)
		w.Add(&devicetest.File{File: f, Name: "i", Read: 100, Twins: abi.EPOLLRDNORM})
		tell := func(mask uint32, name string) { dir.Notify(vfs.FileEvent{Mask: mask, Name: name}) }
		w.Move("create", func() { tell(abi.IN_CREATE, "f") })
		w.Move("close_write", func() { tell(abi.IN_CLOSE_WRITE, "f") })
		w.Move("modify", func() { tell(abi.IN_MODIFY, "f") })
		w.Move("not looked for", func() { tell(abi.IN_UNMOUNT, "f") })
		w.Move("add_watch", func() { n.AddWatch(w.Sys.NewInode(vfs.RegularInode), abi.IN_OPEN) })
		w.Move("rm_watch", func() { n.RemoveWatch(int32(wd)) })
		w.Move("read one", func() { read(f, make([]byte, 32)) })
		w.Move("read too small", func() { read(f, make([]byte, 15)) })
		w.Move("read all", func() { read(f, make([]byte, 1<<20)) })
		w.Move("fill", func() {
			for i := range 16384 {
				tell(abi.IN_MODIFY, fmt.Sprint("f", i%2))
			}
		})
	},
	Rows: []devicetest.Row{
		{Action: "ADD"},
		{Action: "add_watch", Do: "add_watch"},
		{Action: "create", Do: "create", Edges: "i IN / IN / -", Wakes: inotifyWake},
		{Action: "create, then close_write", Given: "create", Do: "close_write", Edges: "i IN / IN / -", Wakes: inotifyWake},
		{Action: "not looked for", Do: "not looked for"},
		{Action: "read one of two events", Given: "create; close_write", Do: "read one", Masks: "i IN"},
		{Action: "read both", Given: "create; close_write", Do: "read all", Masks: "i 0"},
		{Action: "a buffer that is too small", Given: "create", Do: "read too small", Masks: "i IN"},
		{Action: "identical event repeated unread", Given: "modify", Do: "modify"},
		{Action: "… and repeated read", Given: "modify; read all", Do: "modify", Edges: "i IN / IN / -", Wakes: inotifyWake},
		{Action: "rm_watch", Do: "rm_watch", Edges: "i IN / IN / -", Wakes: inotifyWake},
		{Action: "rm_watch again", Given: "rm_watch; read all", Do: "rm_watch", Masks: "i 0"},
		{Action: "queue overflow", Given: "fill", Do: "create", Edges: "i IN / IN / -", Wakes: inotifyWake},
		{Action: "… is told once", Given: "fill; create", Do: "create; modify"},
	},
}

const inotifyWake = "inotify.notification_waitq 0 one"
