package devices_test

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// What the keys of tty.md look like in the wake-ups of a row.
const (
	mIn    = "ptm.read_wait IN|RDNORM one"
	mOut   = "ptm.write_wait OUT one"
	sIn    = "pts.read_wait IN|RDNORM one"
	sOut   = "pts.write_wait OUT one"
	sBoth  = "pts.write_wait 0 one; pts.read_wait 0 one" // of tcsetattr
	mShut  = "ptm.read_wait 0 one; ptm.write_wait 0 one"
	sShut  = "pts.read_wait 0 one; pts.write_wait 0 one"
	hangUp = "ptm.read_wait 0 one; ptm.write_wait 0 one; pts.read_wait 0 one; pts.write_wait 0 one; pts.write_wait OUT one; pts.read_wait IN one"
)

// chain joins wake-ups.
func chain(wakes ...string) string { return strings.Join(wakes, "; ") }

// modes are changes of a terminal's modes.
func rawModes(t *abi.Termios) { t.MakeRaw() }
func noEcho(t *abi.Termios)   { t.Lflag &^= abi.ECHO }

func setModes(f *vfs.File, change func(*abi.Termios)) {
	modes, _ := devices.Termios(f)
	change(&modes)
	devices.SetTermios(f, modes, false)
}

// ttyDevice has the tables of tty.md: m is the master, s and s2 are its slave. What fills a transport is in tty_test.go,
// for there a terminal does not do what is expected of any file: a read that makes room for the other end, but leaves more
// than 128 bytes, tells nobody, and a raw write may fit where the mask says that there is no room.
var ttyDevice = devicetest.Device{
	Name: "tty",
	Open: func(w *devicetest.World) {
		m := devices.NewPtmx(w.Sys, &devices.Devpts{}, abi.O_RDWR|abi.O_NONBLOCK)
		ioctl := func(request uint, arg int64) func(f *vfs.File) {
			return func(f *vfs.File) { f.Ops.(vfs.Ioctler).Ioctl(f, request, arg) }
		}
		ioctl(abi.TIOCSPTLCK, 0)(m)
		add := func(name string, f *vfs.File) {
			w.Add(&devicetest.File{
				File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLHUP, Write: []byte("x"),
				WriteBits: abi.EPOLLOUT | abi.EPOLLHUP, Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM,
				Silent: abi.EPOLLWRNORM | abi.EPOLLRDNORM | abi.EPOLLPRI, // the keys have OUT and IN alone
				Unannounced: func() bool { // VMIN: fewer bytes are no IN, and a read gives them; with 0 it gives 0
					t, errno := devices.Termios(f)
					s := devices.TtyOf(f).State()
					return errno == 0 && !s.Canonical && strings.HasPrefix(s.ID, "pts") && (s.Bytes > 0 || t.Cc[abi.VMIN] == 0)
				},
			})
		}
		open := func(name string) func() {
			return func() {
				if w.Get("m") == nil || w.Get(name) != nil {
					return
				}
				s, _ := devices.OpenPeer(m, abi.O_RDWR|abi.O_NOCTTY|abi.O_NONBLOCK)
				add(name, s)
			}
		}
		add("m", m)
		open("s")()
		on := func(name, what string, fn func(f *vfs.File)) {
			w.Move(name+" "+what, func() {
				if f := w.Get(name); f != nil {
					fn(f.File)
				}
			})
		}
		for what, text := range map[string]string{
			"types ab": "ab", "types a line": "c\n", "types two lines": "a\nb\n", "types ^D": "\x04", "types erase": "\x7f", "types kill": "\x15",
			"types ^S": "\x13", "types ^Q": "\x11", "types ^C": "\x03", "types 1": "1", "types 3": "123",
		} {
			on("m", what, func(f *vfs.File) { write(f, []byte(text)) })
		}
		for what, text := range map[string]string{"writes hello": "hello", "writes a line": "x\n", "writes 0": "", "writes 1000": strings.Repeat("x", 1000)} {
			on("s", what, func(f *vfs.File) { write(f, []byte(text)) })
		}
		for _, end := range []string{"m", "s"} {
			for what, n := range map[string]int{"reads 1": 1, "reads 100": 100, "reads all": 9000} {
				on(end, what, func(f *vfs.File) { read(f, make([]byte, n)) })
			}
			on(end, "flushes input", ioctl(abi.TCFLSH, abi.TCIFLUSH))
			on(end, "flushes output", ioctl(abi.TCFLSH, abi.TCOFLUSH))
		}
		on("s", "stops", ioctl(abi.TCXONC, abi.TCOOFF))
		on("s", "goes on", ioctl(abi.TCXONC, abi.TCOON))
		on("m", "packet mode", ioctl(abi.TIOCPKT, 1))
		on("s", "raw", func(f *vfs.File) { setModes(f, rawModes) })
		on("s", "echo off", func(f *vfs.File) { setModes(f, noEcho) })
		on("s", "as it is", func(f *vfs.File) { setModes(f, func(*abi.Termios) {}) })
		on("s", "canonical", func(f *vfs.File) { setModes(f, func(t *abi.Termios) { *t = abi.StdTermios() }) })
		on("s", "VMIN 5", func(f *vfs.File) { setModes(f, func(t *abi.Termios) { t.Cc[abi.VMIN] = 5 }) })
		w.Move("open s", open("s"))
		w.Move("open s2", open("s2"))
		for _, name := range []string{"m", "s", "s2"} {
			w.Move("close "+name, func() { w.Close(name) })
		}
	},
	Rows: []devicetest.Row{
		{Action: "ADD", Edges: "m OUT / - / OUT; s OUT / - / OUT"},
		{Action: "canonical+echo: m writes ab", Do: "m types ab", Edges: "m IN|OUT / IN / OUT", Wakes: chain(mOut, mIn), Masks: "s OUT"},
		{Action: "m writes a line", Given: "m types ab", Do: "m types a line", Edges: "m IN|OUT / IN / OUT; s IN|OUT / IN / -",
			Wakes: chain(mOut, sIn, mIn)},
		{Action: "second line while the first is unread", Given: "m types a line", Do: "m types a line",
			Edges: "m IN|OUT / IN / OUT; s IN|OUT / IN / -", Wakes: chain(mOut, sIn, mIn)},
		{Action: "two lines in one write", Do: "m types two lines", Edges: "m IN|OUT / IN / OUT; s IN|OUT / IN / -",
			Wakes: chain(mOut, sIn, sIn, mIn)},
		{Action: "s reads one line of two, echo unread", Given: "m types two lines", Do: "s reads 100", Edges: "m IN|OUT / - / OUT", Wakes: mOut},
		{Action: "s reads the last line, echo read", Given: "m types a line; m reads all", Do: "s reads 100", Edges: "m OUT / - / OUT", Wakes: mOut},
		{Action: "s reads part of a line", Given: "m types a line; m reads all", Do: "s reads 1", Edges: "m OUT / - / OUT", Wakes: mOut},
		{Action: "s reads, EAGAIN", Given: "m types ab; m reads all", Do: "s reads 100"},
		{Action: "^D alone", Do: "m types ^D", Edges: "m OUT / - / OUT; s IN|OUT / IN / -", Wakes: chain(mOut, sIn)},
		{Action: "erase", Given: "m types ab", Do: "m types erase", Edges: "m IN|OUT / IN / OUT", Wakes: chain(mOut, mIn)},
		{Action: "erase of nothing", Do: "m types erase", Edges: "m OUT / - / OUT", Wakes: mOut},
		{Action: "kill", Given: "m types ab", Do: "m types kill", Edges: "m IN|OUT / IN / OUT", Wakes: chain(mOut, mIn)},
		{Action: "echo off: m writes a line", Given: "s echo off", Do: "m types a line", Edges: "m OUT / - / OUT; s IN|OUT / IN / -",
			Wakes: chain(mOut, sIn)},
		{Action: "m reads the echo", Given: "m types ab", Do: "m reads all", Edges: "s OUT / - / OUT", Wakes: sOut},
		{Action: "s writes hello", Do: "s writes hello", Edges: "m IN|OUT / IN / -; s OUT / - / OUT", Wakes: chain(sOut, mIn)},
		{Action: "s writes a line", Do: "s writes a line", Edges: "m IN|OUT / IN / -; s OUT / - / OUT", Wakes: chain(sOut, mIn)},
		{Action: "s writes 0 bytes", Do: "s writes 0", Edges: "s OUT / - / OUT", Wakes: sOut},
		{Action: "m reads 100 of 1000", Given: "s writes 1000", Do: "m reads 100"},
		{Action: "m read that leaves 100", Given: "s writes 1000; m reads 100; m reads 100; m reads 100; m reads 100; m reads 100; m reads 100; m reads 100; m reads 100",
			Do: "m reads 100", Edges: "s OUT / - / OUT", Wakes: sOut},
		{Action: "raw: m writes 1", Given: "s raw", Do: "m types 1", Edges: "m OUT / - / OUT; s IN|OUT / IN / -", Wakes: chain(mOut, sIn)},
		{Action: "raw: m writes 1, readable already", Given: "s raw; m types 1", Do: "m types 1", Edges: "m OUT / - / OUT; s IN|OUT / IN / -",
			Wakes: chain(mOut, sIn)},
		{Action: "raw: s reads", Given: "s raw; m types 1", Do: "s reads 100", Edges: "m OUT / - / OUT", Wakes: mOut},
		{Action: "VMIN=5: m writes 3", Given: "s raw; s VMIN 5", Do: "m types 3", Edges: "m OUT / - / OUT; s OUT / - / -", Wakes: chain(mOut, sIn)},
		{Action: "VMIN=5: 2 more", Given: "s raw; s VMIN 5; m types 3", Do: "m types ab", Edges: "m OUT / - / OUT; s IN|OUT / IN / -",
			Wakes: chain(mOut, sIn)},
		{Action: "^S", Do: "m types ^S", Edges: "m OUT / - / OUT", Wakes: mOut, Masks: "s 0"},
		{Action: "^S; s write EAGAIN", Given: "m types ^S", Do: "s writes hello", Wakes: sOut},
		{Action: "^S; ^Q", Given: "m types ^S", Do: "m types ^Q", Edges: "m OUT / - / OUT; s OUT / - / OUT", Wakes: chain(mOut, sOut)},
		{Action: "TCOOFF", Do: "s stops", Masks: "s 0"},
		{Action: "TCOON", Given: "s stops", Do: "s goes on", Edges: "s OUT / - / OUT", Wakes: sOut},
		{Action: "tcsetattr, raw", Do: "s raw", Edges: "s OUT / - / OUT", Wakes: sBoth},
		{Action: "tcsetattr, no change", Do: "s as it is", Edges: "s OUT / - / OUT", Wakes: sBoth},
		{Action: "a partial line turns readable with raw", Given: "m types ab", Do: "s raw", Edges: "s IN|OUT / IN / OUT", Wakes: sBoth},
		{Action: "raw bytes turn into a line", Given: "s raw; m types ab", Do: "s canonical", Edges: "s IN|OUT / IN / OUT", Wakes: sBoth},
		{Action: "^C empties the line, without a signal", Given: "m types a line; m reads all", Do: "m types ^C",
			Edges: "m IN|OUT / IN / OUT; s - / - / -", Wakes: chain(mOut, mIn), Masks: "s OUT"},
		{Action: "TCIFLUSH by s", Given: "m types a line; m reads all", Do: "s flushes input", Edges: "m OUT / - / OUT", Wakes: mOut, Masks: "s OUT"},
		{Action: "TCOFLUSH by s", Do: "s flushes output"},
		{Action: "packet mode, TCOFLUSH", Given: "m packet mode", Do: "s flushes output", Edges: "m IN|PRI|OUT / IN / OUT", Wakes: "ptm.read_wait 0 one"},
		{Action: "packet mode, TCIFLUSH", Given: "m packet mode", Do: "s flushes input", Edges: "m IN|PRI|OUT / IN / OUT", Wakes: "ptm.read_wait 0 one; " + mOut},
		{Action: "packet mode, ^S", Given: "m packet mode", Do: "m types ^S", Edges: "m IN|PRI|OUT / IN / OUT", Wakes: chain(mOut, "ptm.read_wait IN one")},
		{Action: "packet mode, raw", Given: "m packet mode", Do: "s raw", Edges: "m IN|PRI|OUT / IN / OUT; s OUT / - / OUT",
			Wakes: chain("ptm.read_wait 0 one", sBoth)},
		{Action: "s closes", Do: "close s", Edges: "m OUT|HUP / HUP / OUT|HUP", Wakes: chain(sShut, mShut)},
		{Action: "s wrote, then closes", Given: "s writes hello", Do: "close s", Edges: "m IN|OUT|HUP / IN|HUP / OUT|HUP", Wakes: chain(sShut, mShut)},
		{Action: "one of two slaves closes", Given: "open s2", Do: "close s2"},
		{Action: "m writes while s closed, no echo", Given: "s echo off; close s", Do: "m types ab", Edges: "m OUT|HUP / - / OUT|HUP", Wakes: mOut},
		{Action: "m writes while s closed, with echo", Given: "close s", Do: "m types ab", Edges: "m IN|OUT|HUP / IN|HUP / OUT|HUP", Wakes: chain(mOut, mIn)},
		{Action: "s re-opened", Given: "close s", Do: "open s", Masks: "m OUT"},
		{Action: "what was typed while s was closed", Given: "close s; m types a line; open s", Edges: "m IN|OUT / IN / OUT; s IN|OUT / IN / OUT"},
		{Action: "one of two hung up slaves closes", Given: "open s2; close m", Do: "close s2",
			Edges: "s IN|OUT|ERR|HUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: chain(sShut, mShut)},
		{Action: "ADD of a slave that is hung up", Given: "close m", Edges: "s IN|OUT|ERR|HUP / IN|ERR|HUP / OUT|ERR|HUP"},
	},
}
