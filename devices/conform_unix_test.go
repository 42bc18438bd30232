package devices_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// What the queue of a unix socket is woken with.
const (
	unixData  = "unix.wait IN|PRI|RDNORM|RDBAND one"
	unixSpace = "unix.wait OUT|WRNORM|WRBAND one"
	unixState = "unix.wait 0 all"
)

// noPaths is a file system without files.
type noPaths struct {
	s     *vfs.System
	names map[string]*vfs.Dentry
}

func (n noPaths) Find(path string) (*vfs.Dentry, abi.Errno) {
	if d := n.names[path]; d != nil {
		return d, 0
	}
	return nil, abi.ENOENT
}

func (n noPaths) AddSocket(path string) (*vfs.Dentry, abi.Errno) {
	if n.names[path] != nil {
		return nil, abi.EEXIST
	}
	if strings.Contains(path, "/") {
		return nil, abi.ENOENT
	}
	d := vfs.NewDentry(n.s.NewInode(vfs.SpecialInode), nil, path)
	n.names[path] = d
	d.Get()
	return d, 0
}

func (n noPaths) RemoveSocket(path string, d *vfs.Dentry) {
	delete(n.names, path)
	d.Put()
}

func unixNet(s *vfs.System) *devices.UnixNet {
	return devices.NewUnixNet(s, noPaths{s, map[string]*vfs.Dentry{}})
}

// aSocket puts a unix socket under test. Its buffer is full at 1/1, its mask says so from 1/4 on.
func aSocket(w *devicetest.World, name string, f *vfs.File) {
	w.Add(&devicetest.File{
		File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLERR | abi.EPOLLHUP,
		Write: []byte("x"), WriteBits: abi.EPOLLOUT | abi.EPOLLHUP, Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLWRBAND,
		Unannounced: func() bool { return devices.UnixOf(f).State().State == "LISTEN" }, // EINVAL
		Roomy: func() bool {
			s := devices.UnixOf(f).State()
			return s.Outq < s.Sndbuf || strings.Contains(s.Shutdown, "W") // EPIPE
		},
	})
}

// onSocket makes a move on the socket of a name, if it is open.
func onSocket(w *devicetest.World, move, name string, fn func(f *vfs.File)) {
	w.Move(move, func() {
		if f := w.Get(name); f != nil {
			fn(f.File)
		}
	})
}

func fillSocket(f *vfs.File) {
	for write(f, make([]byte, 1000)) == 1000 {
	}
}

var (
	unixStreamDevice    = unixPairDevice(abi.SOCK_STREAM)
	unixSeqpacketDevice = unixPairDevice(abi.SOCK_SEQPACKET)
	unixDgramDevice     = unixPairDevice(abi.SOCK_DGRAM)
)

// unixPairDevice has the table of unix-sockets.md for a pair. Without MSG_OOB, and dgram without SHUT_RD, after which the
// mask says what a read does not do; unix_test.go has those.
func unixPairDevice(kind int) devicetest.Device {
	stream, dgram := kind == abi.SOCK_STREAM, kind == abi.SOCK_DGRAM
	d := devicetest.Device{
		Name: "unix " + abi.Flags("SOCK", int64(kind)),
		Open: func(w *devicetest.World) {
			net := unixNet(w.Sys)
			a, b, _ := net.NewPair(kind|abi.SOCK_NONBLOCK, 0)
			aSocket(w, "a", a)
			aSocket(w, "b", b)
			for _, name := range []string{"a", "b"} {
				for _, n := range []int{0, 1, 2, 5000, 300000} {
					onSocket(w, fmt.Sprintf("%s send %d", name, n), name, func(f *vfs.File) { write(f, make([]byte, n)) })
				}
				onSocket(w, name+" fill", name, fillSocket)
				for _, n := range []int{1, 2, 100000} {
					onSocket(w, fmt.Sprintf("%s recv %d", name, n), name, func(f *vfs.File) { read(f, make([]byte, n)) })
				}
				onSocket(w, name+" peek", name, func(f *vfs.File) {
					f.Ops.(devices.Socket).Recv(f, &devices.Msg{Data: make([]byte, 1), Flags: abi.MSG_PEEK})
				})
				for how, text := range []string{"RD", "WR", "RDWR"} {
					if !dgram || how == abi.SHUT_WR {
						onSocket(w, name+" shut "+text, name, func(f *vfs.File) { f.Ops.(devices.Socket).Shutdown(f, how) })
					}
				}
				onSocket(w, name+" sndbuf", name, func(f *vfs.File) {
					f.Ops.(devices.Socket).Setsockopt(f, abi.SOL_SOCKET, abi.SO_SNDBUF, devices.OptionValue{A: 100000})
				})
				onSocket(w, name+" error", name, func(f *vfs.File) { f.Ops.(devices.Socket).Getsockopt(f, abi.SOL_SOCKET, abi.SO_ERROR) })
				w.Move("close "+name, func() { w.Close(name) })
			}
		},
		Rows: []devicetest.Row{
			{Action: "ADD (connected)", Edges: "a OUT / - / OUT; b OUT / - / OUT"},
			{Action: "A writes", Do: "a send 1", Edges: "b IN|OUT / IN / -", Wakes: unixData},
			{Action: "A writes, B readable already", Given: "a send 1", Do: "a send 1", Edges: "b IN|OUT / IN / -", Wakes: unixData},
			{Action: "B finishes a message", Given: "a send 1; a send 1", Do: "b recv 1", Edges: "a OUT / - / OUT", Wakes: unixSpace},
			{Action: "B read EAGAIN", Do: "b recv 1"},
			{Action: "B peeks", Given: "a send 1", Do: "b peek"},
			{Action: "SO_SNDBUF set", Do: "a sndbuf", Edges: "a OUT / - / OUT", Wakes: unixSpace},
			{Action: "OUT is lost at a quarter", Given: "a fill", Masks: "a 0; b IN|OUT", Do: "a error"},
			{Action: "B reads while A is above a quarter", Given: "a fill", Do: "b recv 2"},
		},
	}
	if stream {
		d.Rows = append(d.Rows,
			devicetest.Row{Action: "B reads part of a message", Given: "a send 2", Do: "b recv 1"},
			devicetest.Row{Action: "B takes two messages", Given: "a send 1; a send 1", Do: "b recv 2", Edges: "a OUT / - / OUT", Wakes: unixSpace + "; " + unixSpace},
			devicetest.Row{Action: "A writes 0 bytes", Do: "a send 0"},
			devicetest.Row{Action: "A writes more than fits: 6 pieces", Do: "a send 300000", Edges: "b IN|OUT / IN / -",
				Wakes: unixData + repeated("; "+unixData, 5), Masks: "a 0"},
		)
	} else {
		d.Rows = append(d.Rows,
			devicetest.Row{Action: "A writes 0 bytes", Do: "a send 0", Edges: "b IN|OUT / IN / -", Wakes: unixData},
			devicetest.Row{Action: "the rest of a message is lost", Given: "a send 2", Do: "b recv 1", Edges: "a OUT / - / OUT", Wakes: unixSpace},
			devicetest.Row{Action: "EMSGSIZE", Do: "a send 300000"},
		)
	}
	if dgram {
		d.Rows = append(d.Rows,
			devicetest.Row{Action: "A shutdown(WR)", Do: "a shut WR", Edges: "a OUT / - / OUT", Wakes: unixState},
			devicetest.Row{Action: "A shutdown(WR) again", Given: "a shut WR", Do: "a shut WR", Edges: "a OUT / - / OUT", Wakes: unixState},
			devicetest.Row{Action: "A sends after shutdown(WR)", Given: "a shut WR", Do: "a send 1"},
			devicetest.Row{Action: "A closes", Do: "close a"},
			devicetest.Row{Action: "A closes, B's message unread", Given: "b send 1", Do: "close a", Edges: "b OUT / - / OUT", Wakes: unixSpace},
			devicetest.Row{Action: "B sends to a closed peer", Given: "close a", Do: "b send 1", Edges: "b OUT / - / OUT", Wakes: unixSpace + "; " + unixSpace},
			devicetest.Row{Action: "… and again", Given: "close a; b send 1", Do: "b send 1", Edges: "b OUT / - / OUT", Wakes: unixSpace},
		)
		return d
	}
	both := unixState + "; " + unixState
	d.Rows = append(d.Rows,
		devicetest.Row{Action: "A shutdown(RD)", Do: "a shut RD", Edges: "a IN|OUT|RDHUP / IN / OUT; b OUT / - / OUT", Wakes: both},
		devicetest.Row{Action: "A shutdown(WR)", Do: "a shut WR", Edges: "a OUT / - / OUT; b IN|OUT|RDHUP / IN / OUT", Wakes: both},
		devicetest.Row{Action: "A shutdown(WR) again", Given: "a shut WR", Do: "a shut WR", Edges: "a OUT / - / OUT; b IN|OUT|RDHUP / IN / OUT", Wakes: both},
		devicetest.Row{Action: "A shutdown(RDWR)", Do: "a shut RDWR", Edges: "a IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP; b IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP", Wakes: both},
		devicetest.Row{Action: "the second half", Given: "a shut WR", Do: "b shut WR",
			Edges: "a IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP; b IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP", Wakes: both},
		devicetest.Row{Action: "A closes", Do: "close a", Edges: "b IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP", Wakes: unixState},
		devicetest.Row{Action: "A closes, B's message unread", Given: "b send 1", Do: "close a",
			Edges: "b IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: unixState + "; " + unixSpace},
		devicetest.Row{Action: "B consumes the error", Given: "b send 1; close a", Do: "b error", Masks: "b IN|OUT|HUP|RDHUP"},
		devicetest.Row{Action: "B reads the end", Given: "close a", Do: "b recv 1"},
		devicetest.Row{Action: "B writes: EPIPE", Given: "close a", Do: "b send 1"},
	)
	return d
}

func repeated(s string, n int) string { return string(bytes.Repeat([]byte(s), n)) }

// unixListenerDevice has the rows of listeners and their clients.
var unixListenerDevice = devicetest.Device{
	Name: "unix listener",
	Open: func(w *devicetest.World) {
		net := unixNet(w.Sys)
		open := func(name string) {
			f, _ := net.NewSocket(abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
			aSocket(w, name, f)
		}
		open("l")
		open("c")
		l := w.Get("l").Ops.(devices.Socket)
		l.Bind(nil, abi.UnixAddr("@l"))
		onSocket(w, "listen", "l", func(f *vfs.File) { l.Listen(f, 1) })
		onSocket(w, "listen 5", "l", func(f *vfs.File) { l.Listen(f, 5) })
		onSocket(w, "connect", "c", func(f *vfs.File) { f.Ops.(devices.Socket).Connect(f, abi.UnixAddr("@l")) })
		w.Move("connect another", func() {
			if len(w.Names()) == 0 {
				return
			}
			f, _ := net.NewSocket(abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
			f.Ops.(devices.Socket).Connect(f, abi.UnixAddr("@l"))
			for i := range 10 {
				if name := fmt.Sprintf("c%d", i); !slices.Contains(w.Names(), name) {
					aSocket(w, name, f)
					return
				}
			}
			f.Put()
		})
		onSocket(w, "accept", "l", func(f *vfs.File) {
			if s, errno := l.Accept(f, abi.SOCK_NONBLOCK); errno == 0 && w.Get("s") == nil {
				aSocket(w, "s", s)
			} else if errno == 0 {
				s.Put()
			}
		})
		onSocket(w, "shut RD", "l", func(f *vfs.File) { l.Shutdown(f, abi.SHUT_RD) })
		onSocket(w, "c shut RDWR", "c", func(f *vfs.File) { f.Ops.(devices.Socket).Shutdown(f, abi.SHUT_RDWR) })
		for _, name := range []string{"l", "c", "s"} {
			w.Move("close "+name, func() { w.Close(name) })
		}
	},
	Rows: []devicetest.Row{
		{Action: "ADD, not connected", Edges: "l OUT|HUP / HUP / OUT|HUP; c OUT|HUP / HUP / OUT|HUP"},
		{Action: "listen", Do: "listen", Masks: "l 0"},
		{Action: "connect", Given: "listen", Do: "connect", Edges: "l IN / IN / -", Wakes: unixData, Masks: "c OUT"},
		{Action: "each connect", Given: "listen; connect", Do: "connect another", Edges: "l IN / IN / -", Wakes: unixData},
		{Action: "connect, backlog full", Given: "listen; connect another; connect another", Do: "connect", Masks: "c OUT|HUP"},
		{Action: "accept with more pending", Given: "listen; connect; connect another", Do: "accept", Masks: "l IN"},
		{Action: "accept the last", Given: "listen; connect", Do: "accept", Masks: "l 0; s OUT"},
		{Action: "client gone before accept", Given: "listen; connect", Do: "close c", Masks: "l IN"},
		{Action: "… and then accepted", Given: "listen; connect; close c", Do: "accept", Masks: "l 0; s IN|OUT|HUP|RDHUP"},
		{Action: "listener closed, client not accepted", Given: "listen; connect", Do: "close l",
			Edges: "c IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: unixState},
		{Action: "listener closed, client accepted", Given: "listen; connect; accept", Do: "close l"},
		{Action: "listener shutdown(RD)", Given: "listen", Do: "shut RD", Edges: "l IN|RDHUP / IN / -", Wakes: unixState},
		{Action: "shutdown of an unconnected socket", Do: "c shut RDWR", Edges: "c IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP", Wakes: unixState},
	},
}

// unixServerDevice has the rows of a datagram server that is not connected back, with two clients.
var unixServerDevice = devicetest.Device{
	Name: "unix datagram server",
	Open: func(w *devicetest.World) {
		net := unixNet(w.Sys)
		server := abi.UnixAddr("@s")
		for _, name := range []string{"s", "c", "d"} {
			f, _ := net.NewSocket(abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
			sock := f.Ops.(devices.Socket)
			if name == "s" {
				sock.Bind(f, server)
			} else {
				sock.Connect(f, server)
			}
			w.Add(&devicetest.File{
				File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLERR, Write: []byte("x"),
				Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLWRBAND,
				Roomy: func() bool { return devices.UnixOf(f).State().Peer == "" },
			})
			onSocket(w, name+" send", name, func(f *vfs.File) { write(f, []byte("x")) })
			onSocket(w, name+" fill", name, func(f *vfs.File) {
				for write(f, []byte("x")) == 1 {
				}
			})
			onSocket(w, name+" recv", name, func(f *vfs.File) { read(f, make([]byte, 100)) })
			w.Move("close "+name, func() { w.Close(name) })
			if name == "s" {
				continue
			}
			onSocket(w, name+" again", name, func(f *vfs.File) { sock.Connect(f, server) })
			onSocket(w, name+" disconnect", name, func(f *vfs.File) { sock.Connect(f, abi.Sockaddr{}) })
		}
	},
	Rows: []devicetest.Row{
		{Action: "ADD", Edges: "s OUT / - / OUT; c OUT / - / OUT; d OUT / - / OUT"},
		{Action: "client sends", Do: "c send", Edges: "s IN|OUT / IN / -", Wakes: unixData},
		{Action: "ADD, server full", Given: "c fill", Edges: "s IN|OUT / IN / OUT"},
		{Action: "server reads one of 11: each client is told, the sender once more", Given: "c fill", Do: "s recv",
			Edges: "c OUT / - / OUT; d OUT / - / OUT", Wakes: unixSpace + "; " + unixSpace + "; " + unixSpace},
		{Action: "server reads another", Given: "c fill; s recv", Do: "s recv", Edges: "c OUT / - / OUT", Wakes: unixSpace},
		{Action: "send to a full server: the message is freed again", Given: "c fill", Do: "d send", Wakes: unixSpace},
		{Action: "server closes", Given: "c fill", Do: "close s", Edges: "c OUT / - / OUT; d OUT / - / OUT",
			Wakes: "unix.wait 0 one; unix.wait 0 one" + repeated("; "+unixSpace, 11)},
		{Action: "send to a dead server", Given: "close s", Do: "c send", Edges: "c OUT / - / OUT", Wakes: unixSpace + "; " + unixSpace},
		{Action: "connect again", Do: "c again", Edges: "c OUT / - / OUT", Wakes: unixSpace},
		{Action: "disconnect", Do: "c disconnect", Edges: "c OUT / - / OUT", Wakes: unixSpace},
		{Action: "disconnect again", Given: "c disconnect", Do: "c disconnect"},
		{Action: "send without a peer", Given: "c disconnect", Do: "c send", Edges: "c OUT / - / OUT", Wakes: unixSpace},
	},
}
