package devices_test

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// pipeEnds are the moves on files called r and w that are ends of one pipe, r2 and w2 others of the same.
func pipeEnds(w *devicetest.World) {
	onto := func(name string, fn func(f *vfs.File)) func() {
		return func() {
			if f := w.Get(name); f != nil {
				fn(f.File)
			}
		}
	}
	size := func(n int) func(f *vfs.File) {
		return func(f *vfs.File) { f.Ops.(vfs.Fcntler).Fcntl(f, abi.F_SETPIPE_SZ, n) }
	}
	puts := func(n int) func(f *vfs.File) { return func(f *vfs.File) { write(f, make([]byte, n)) } }
	gets := func(n int) func(f *vfs.File) { return func(f *vfs.File) { read(f, make([]byte, n)) } }
	w.Move("write 1", onto("w", puts(1)))
	w.Move("write 0", onto("w", puts(0)))
	w.Move("write 5000", onto("w", puts(5000)))
	w.Move("fill", onto("w", func(f *vfs.File) {
		for write(f, make([]byte, 4096)) == 4096 {
		}
	}))
	w.Move("read 1", onto("r", gets(1)))
	w.Move("read 4095", onto("r", gets(4095)))
	w.Move("read 4096", onto("r", gets(4096)))
	w.Move("drain", onto("r", func(f *vfs.File) {
		for read(f, make([]byte, 65536)) > 0 {
		}
	}))
	w.Move("grow", onto("w", size(1<<17)))
	w.Move("same size", onto("w", size(1<<16)))
	w.Move("shrink to 1", onto("w", size(4096)))
	for _, name := range []string{"r", "w", "r2", "w2"} {
		w.Move("close "+name, func() { w.Close(name) })
	}
}

// anEnd puts an end of a pipe under test. A full ring may have room in its last page: only whole pages are not in doubt.
func anEnd(w *devicetest.World, name string, f *vfs.File, unannounced func() bool) {
	w.Add(&devicetest.File{
		File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLHUP, Unannounced: unannounced,
		Write: make([]byte, 4096), WriteBits: abi.EPOLLOUT | abi.EPOLLERR, Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM,
	})
}

const (
	rdIn    = "pipe.rd_wait IN|RDNORM one"
	wrOut   = "pipe.wr_wait OUT|WRNORM one"
	bothAll = "pipe.rd_wait 0 all; pipe.wr_wait 0 all"
)

// pipeDevice has the table of pipe.md, but for FIFOs and for who blocks.
var pipeDevice = devicetest.Device{
	Name: "pipe",
	Open: func(w *devicetest.World) {
		r, wr, _ := devices.NewPipe(w.Sys, abi.O_NONBLOCK, devices.PipeRules{})
		anEnd(w, "r", r, nil)
		anEnd(w, "w", wr, nil)
		p := devices.PipeOf(r)
		pipeEnds(w)
		reopen := func(name string, of *vfs.File, access int) func() {
			return func() {
				if w.Get(name) == nil && len(w.Names()) > 0 {
					anEnd(w, name, devices.Reopen(p, w.Sys, of, access|abi.O_NONBLOCK), nil)
				}
			}
		}
		w.Move("another reader", reopen("r2", r, abi.O_RDONLY))
		w.Move("another writer", reopen("w2", wr, abi.O_WRONLY))
	},
	Rows: []devicetest.Row{
		{Action: "ADD, empty", Edges: "w OUT / - / OUT"},
		{Action: "write 1 (empty)", Do: "write 1", Edges: "r IN / IN / -", Wakes: rdIn},
		{Action: "write 1 (already readable)", Given: "write 1", Do: "write 1", Edges: "r IN / IN / -", Wakes: rdIn},
		{Action: "read 1 of 2", Given: "write 1; write 1", Do: "read 1"},
		{Action: "read last", Given: "write 1", Do: "read 1"},
		{Action: "read EAGAIN", Do: "read 1"},
		{Action: "write 0 bytes", Do: "write 0"},
		{Action: "write ⇒ EAGAIN on full pipe, nothing written", Given: "fill", Do: "write 1", Edges: "r IN / IN / -", Wakes: rdIn},
		{Action: "pipe full; read 1 byte (slot not freed)", Given: "fill", Do: "read 1", Masks: "w 0"},
		{Action: "read the rest of the first slot (slot freed)", Given: "fill; read 1", Do: "read 4095", Edges: "w OUT / - / OUT", Wakes: wrOut},
		{Action: "read another page (ring was not full)", Given: "fill; read 4096", Do: "read 4096"},
		{Action: "drain all from full", Given: "fill", Do: "drain", Edges: "w OUT / - / OUT", Wakes: wrOut},
		{Action: "F_SETPIPE_SZ on full pipe (grow)", Given: "fill", Do: "grow", Edges: "w OUT / - / OUT", Wakes: "pipe.wr_wait 0 one"},
		{Action: "F_SETPIPE_SZ, not full (any size)", Do: "same size", Edges: "w OUT / - / OUT", Wakes: "pipe.wr_wait 0 one"},
		{Action: "F_SETPIPE_SZ shrink to exactly full", Given: "write 1", Do: "shrink to 1", Wakes: "pipe.wr_wait 0 one", Masks: "w 0"},
		{Action: "close last writer, data left", Given: "write 1", Do: "close w", Edges: "r IN|HUP / IN|HUP / HUP", Wakes: bothAll},
		{Action: "close last writer, empty", Do: "close w", Edges: "r HUP / HUP / HUP", Wakes: bothAll},
		{Action: "reads after HUP, EOF read", Given: "write 1; close w", Do: "read 1; read 1"},
		{Action: "close one of two writers", Given: "another writer", Do: "close w2"},
		{Action: "close last reader, room", Do: "close r", Edges: "w OUT|ERR / ERR / OUT|ERR", Wakes: bothAll},
		{Action: "close last reader, full", Given: "fill", Do: "close r", Edges: "w ERR / ERR / ERR", Wakes: bothAll},
		{Action: "write ⇒ EPIPE", Given: "close r", Do: "write 1"},
		{Action: "second reader closes while writers==0", Given: "another reader; close w", Do: "close r2", Edges: "r HUP / HUP / HUP", Wakes: bothAll},
		{Action: "second writer closes while readers==0", Given: "another writer; close r", Do: "close w2",
			Edges: "w OUT|ERR / ERR / OUT|ERR", Wakes: bothAll},
	},
}

// fifoDevice has the rows of FIFOs in the table of pipe.md.
var fifoDevice = devicetest.Device{
	Name: "fifo",
	Open: func(w *devicetest.World) {
		fifo := devices.NewFifo(w.Sys, "f", devices.PipeRules{})
		pipeEnds(w)
		// seen is what the sheet calls HUP suppression: nobody wrote since the open, so that a read of nothing is told by no bit.
		open := func(name string, access int) func() {
			return func() {
				f, errno := fifo.Open(access | abi.O_NONBLOCK | abi.O_LARGEFILE)
				if errno != 0 {
					return
				}
				if w.Get(name) != nil {
					f.Put()
					return
				}
				anEnd(w, name, f, func() bool { return devices.PipeOf(f).State().Writers == 0 })
			}
		}
		for _, name := range []string{"r", "r2"} {
			w.Move("open "+name, open(name, abi.O_RDONLY))
		}
		for _, name := range []string{"w", "w2"} {
			w.Move("open "+name, open(name, abi.O_WRONLY))
		}
		w.Move("open rw", open("rw", abi.O_RDWR))
		w.Move("close rw", func() { w.Close("rw") })
		w.Move("write rw", func() {
			if f := w.Get("rw"); f != nil {
				write(f.File, []byte("x"))
			}
		})
		w.Move("fill rw", func() {
			for f := w.Get("rw"); f != nil && write(f.File, make([]byte, 4096)) == 4096; {
			}
		})
		w.Move("read rw", func() {
			if f := w.Get("rw"); f != nil {
				read(f.File, make([]byte, 4096))
			}
		})
	},
	Rows: []devicetest.Row{
		{Action: "ADD, no writer so far", Given: "open r"},
		{Action: "a writer without a reader: ENXIO", Do: "open w"},
		{Action: "first writer opens, empty", Given: "open r", Do: "open w", Wakes: "pipe.rd_wait 0 all"},
		{Action: "first writer comes and goes", Given: "open r; open w", Do: "close w", Edges: "r HUP / HUP / HUP", Wakes: bothAll},
		{Action: "first writer reopens, empty", Given: "open r; open w; close w", Do: "open w", Wakes: "pipe.rd_wait 0 all", Masks: "r 0"},
		{Action: "first writer reopens, data left", Given: "open r; open w; write 1; close w", Do: "open w",
			Edges: "r IN / IN / -", Wakes: "pipe.rd_wait 0 all"},
		{Action: "2nd writer opens", Given: "open r; open w", Do: "open w2"},
		{Action: "2nd writer closes", Given: "open r; open w; open w2", Do: "close w2"},
		{Action: "2nd reader opens", Given: "open r; open w", Do: "open r2"},
		{Action: "2nd reader opens, no writer: it has not seen the first one go", Given: "open r; open w; close w; open r2",
			Edges: "r HUP / HUP / HUP"},
		{Action: "reader re-opens: ERR just vanishes", Given: "open r; open w; close r", Do: "open r", Wakes: "pipe.rd_wait 0 all", Masks: "w OUT"},
		{Action: "data stays for a reader that comes back", Given: "open r; open w; write 1; close r; open r", Edges: "r IN / IN / -; w OUT / - / OUT"},
		{Action: "data is gone with the last close", Given: "open r; open w; write 1; close w; close r; open r"},
		{Action: "rdwr: ADD, empty", Given: "open rw", Edges: "rw OUT / - / OUT"},
		{Action: "rdwr: write on it", Given: "open rw", Do: "write rw", Edges: "rw IN|OUT / IN / -", Wakes: rdIn},
		{Action: "rdwr: read frees a slot of a full ring", Given: "open rw; fill rw", Do: "read rw", Edges: "rw IN|OUT / - / OUT", Wakes: wrOut},
		{Action: "rdwr opens where nobody is", Given: "open r", Do: "open rw", Wakes: "pipe.rd_wait 0 all"},
	},
}
