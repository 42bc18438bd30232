package devices_test

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
)

// eventfdDevice has the table of eventfd.md. A write finds room for 1; 0 would always fit.
func eventfdDevice(semaphore int) devicetest.Device {
	const (
		in  = "eventfd.wqh IN one"
		out = "eventfd.wqh OUT one"
	)
	d := devicetest.Device{
		Name: "eventfd",
		Open: func(w *devicetest.World) {
			f, _ := devices.NewEventfd(w.Sys, 0, abi.EFD_NONBLOCK|semaphore)
			w.Add(&devicetest.File{File: f, Name: "e", Read: 8, Write: number(1)})
			w.Move("write 1", func() { put(f, 1) })
			w.Move("write 0", func() { put(f, 0) })
			w.Move("write 3", func() { put(f, 3) })
			w.Move("write top", func() { put(f, top) })
			w.Move("write badly", func() { write(f, make([]byte, 16)); put(f, top+1) })
			w.Move("read", func() { take(f) })
		},
		Rows: []devicetest.Row{
			{Action: "ADD at 0", Edges: "e OUT / - / OUT"},
			{Action: "ADD at 3", Given: "write 3", Edges: "e IN|OUT / IN / OUT"},
			{Action: "write 1 at 0", Do: "write 1", Edges: "e IN|OUT / IN / -", Wakes: in},
			{Action: "write 1 again without reading", Given: "write 1", Do: "write 1", Edges: "e IN|OUT / IN / -", Wakes: in},
			{Action: "write 0 while readable", Given: "write 1", Do: "write 0", Edges: "e IN|OUT / IN / -", Wakes: in},
			{Action: "write 0 at count 0", Do: "write 0", Edges: "e OUT / - / -", Wakes: in},
			{Action: "read EAGAIN", Do: "read"},
			{Action: "write 2⁶⁴-2", Do: "write top", Edges: "e IN / IN / -", Wakes: in},
			{Action: "write 0 at 2⁶⁴-2", Given: "write top", Do: "write 0", Edges: "e IN / IN / -", Wakes: in},
			{Action: "write 1 ⇒ EAGAIN there", Given: "write top", Do: "write 1"},
			{Action: "rejected writes", Do: "write badly"},
		},
	}
	if semaphore == 0 {
		d.Rows = append(d.Rows,
			devicetest.Row{Action: "read to 0", Given: "write 3", Do: "read", Edges: "e OUT / - / OUT", Wakes: out},
			devicetest.Row{Action: "read from 2⁶⁴-2", Given: "write top", Do: "read", Edges: "e OUT / - / OUT", Wakes: out})
	} else {
		d.Name = "eventfd, semaphore"
		d.Rows = append(d.Rows,
			devicetest.Row{Action: "read 1 of 3", Given: "write 3", Do: "read", Edges: "e IN|OUT / - / OUT", Wakes: out},
			devicetest.Row{Action: "last read", Given: "write 1", Do: "read", Edges: "e OUT / - / OUT", Wakes: out})
	}
	return d
}
