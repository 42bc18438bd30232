package devices_test

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// What the queue of a TCP socket is woken with.
const (
	tcpData  = "tcp.wait IN|PRI|RDNORM|RDBAND one"
	tcpSpace = "tcp.wait OUT|WRNORM|WRBAND one"
	tcpState = "tcp.wait 0 all"
	tcpErr   = "tcp.wait ERR one"
)

// aTcp puts a TCP socket under test. A write is taken while its buffer is not full, the mask says so up to two thirds.
func aTcp(w *devicetest.World, name string, f *vfs.File) {
	w.Add(&devicetest.File{
		File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLERR | abi.EPOLLHUP,
		Write: []byte("x"), WriteBits: abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP, Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM,
		Unannounced: func() bool { return devices.TcpOf(f).State().State == "LISTEN" }, // ENOTCONN
		Roomy: func() bool {
			s := devices.TcpOf(f).State()
			return s.State != "SYN_SENT" && s.WmemQueued < s.Sndbuf || strings.Contains(s.Shutdown, "W") || s.State == "LISTEN" // EPIPE
		},
		Tail: func() bool { return devices.TcpOf(f).State().Unsent > 0 },
	})
}

// tcpDevice has the table of tcp.md for a connection of c and a, without urgent data and SO_RCVLOWAT, with which reads are
// served though the mask does not say so.
var tcpDevice = devicetest.Device{
	Name: "TCP",
	Open: func(w *devicetest.World) {
		l, c, a := tcpPair(devices.NewInetNet(w.Sys), abi.AF_INET)
		l.Put()
		aTcp(w, "c", c)
		aTcp(w, "a", a)
		for _, name := range []string{"c", "a"} {
			for _, n := range []int{0, 1, 2, 5000, 300000} {
				onSocket(w, fmt.Sprintf("%s send %d", name, n), name, func(f *vfs.File) { write(f, make([]byte, n)) })
			}
			onSocket(w, name+" fill", name, func(f *vfs.File) {
				for write(f, make([]byte, 65536)) > 0 {
				}
			})
			for _, n := range []int{1, 2, 100000} {
				onSocket(w, fmt.Sprintf("%s recv %d", name, n), name, func(f *vfs.File) { read(f, make([]byte, n)) })
			}
			onSocket(w, name+" drain", name, func(f *vfs.File) {
				for read(f, make([]byte, 1<<20)) > 0 {
				}
			})
			onSocket(w, name+" peek", name, func(f *vfs.File) {
				sock(f).Recv(f, &devices.Msg{Data: make([]byte, 1), Flags: abi.MSG_PEEK})
			})
			for how, text := range []string{"RD", "WR", "RDWR"} {
				onSocket(w, name+" shut "+text, name, func(f *vfs.File) { sock(f).Shutdown(f, how) })
			}
			onSocket(w, name+" sndbuf", name, func(f *vfs.File) {
				sock(f).Setsockopt(f, abi.SOL_SOCKET, abi.SO_SNDBUF, devices.OptionValue{A: 100000})
			})
			onSocket(w, name+" nodelay", name, func(f *vfs.File) {
				sock(f).Setsockopt(f, abi.SOL_TCP, abi.TCP_NODELAY, devices.OptionValue{A: 1})
			})
			onSocket(w, name+" linger", name, func(f *vfs.File) {
				sock(f).Setsockopt(f, abi.SOL_SOCKET, abi.SO_LINGER, devices.OptionValue{A: 1, Pair: true})
			})
			onSocket(w, name+" error", name, func(f *vfs.File) { sock(f).Getsockopt(f, abi.SOL_SOCKET, abi.SO_ERROR) })
			w.Move("close "+name, func() { w.Close(name) })
		}
		w.Move("wait", func() { w.Sleep(100_000_000) })
	},
	Rows: []devicetest.Row{
		{Action: "ADD established", Edges: "c OUT / - / OUT; a OUT / - / OUT"},
		{Action: "c writes", Do: "c send 1", Edges: "a IN|OUT / IN / -", Wakes: tcpData},
		{Action: "c writes, a readable already", Given: "c send 1", Do: "c send 1", Edges: "a IN|OUT / IN / -", Wakes: tcpData},
		{Action: "c writes 0 bytes", Do: "c send 0"},
		{Action: "a reads, nobody was told of no room", Given: "c send 2", Do: "a recv 1"},
		{Action: "a read EAGAIN", Do: "a recv 1"},
		{Action: "a peeks", Given: "c send 1", Do: "a peek"},
		{Action: "c gets EAGAIN", Given: "c fill", Masks: "c 0; a IN|OUT", Do: "c error"},
		{Action: "… and a reads all of it", Given: "c sndbuf; c fill", Do: "a drain", Masks: "c OUT; a OUT", Edges: "c OUT / - / OUT; a OUT / - / -",
			Wakes: tcpData + "; " + tcpSpace + "; " + tcpData}, // the first two segments come as one: a is in a call
		{Action: "c SHUT_RD", Do: "c shut RD", Edges: "c IN|OUT|RDHUP / IN / OUT", Wakes: tcpState},
		{Action: "c SHUT_WR", Do: "c shut WR", Edges: "c OUT / - / OUT; a IN|OUT|RDHUP / IN / OUT", Wakes: tcpState + "; " + tcpData + "; " + tcpState},
		{Action: "c SHUT_WR repeated", Given: "c shut WR; wait", Do: "c shut WR", Edges: "c OUT / - / OUT", Wakes: tcpState},
		{Action: "own FIN acknowledged", Given: "c shut WR", Do: "wait", Edges: "c OUT / - / OUT", Wakes: tcpState},
		{Action: "c SHUT_RDWR", Do: "c shut RDWR", Edges: "c IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP; a IN|OUT|RDHUP / IN / OUT",
			Wakes: tcpState + "; " + tcpData + "; " + tcpState},
		{Action: "second half closed by a", Given: "c shut WR; wait", Do: "a shut WR",
			Edges: "c IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP; a IN|OUT|HUP|RDHUP / IN|HUP / OUT|HUP",
			Wakes: tcpState + "; " + tcpState + "; " + tcpData + "; " + tcpState + "; " + tcpState},
		{Action: "c close", Do: "close c", Edges: "a IN|OUT|RDHUP / IN / OUT", Wakes: tcpState + "; " + tcpData},
		{Action: "a writes after c closed", Given: "close c", Do: "a send 1", Masks: "a IN|OUT|ERR|HUP|RDHUP",
			Edges: "a IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: tcpState + "; " + tcpErr},
		{Action: "RST: c closes with data unread", Given: "a send 1", Do: "close c", Edges: "a IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP",
			Wakes: tcpState + "; " + tcpErr},
		{Action: "RST: SO_LINGER 0", Given: "c linger", Do: "close c", Masks: "a IN|OUT|ERR|HUP|RDHUP",
			Edges: "a IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: tcpState + "; " + tcpErr + "; " + tcpErr},
		{Action: "consuming err", Given: "a send 1; close c", Do: "a error", Masks: "a IN|OUT|HUP|RDHUP"},
		{Action: "SO_SNDBUF set", Do: "c sndbuf", Edges: "c OUT / - / OUT", Wakes: tcpSpace},
		{Action: "TCP_NODELAY", Do: "c nodelay"},
	},
}

// tcpListenerDevice has the rows of listeners and their clients.
var tcpListenerDevice = devicetest.Device{
	Name: "TCP listener",
	Open: func(w *devicetest.World) {
		net := devices.NewInetNet(w.Sys)
		open := func() *vfs.File {
			f, _ := net.NewSocket(abi.AF_INET, abi.SOCK_STREAM|abi.SOCK_NONBLOCK, 0)
			return f
		}
		lf := open()
		l := sock(lf)
		l.Bind(lf, anyPort)
		addr, _ := l.Sockname(lf)
		aTcp(w, "l", lf)
		aTcp(w, "c", open())
		onSocket(w, "listen", "l", func(f *vfs.File) { l.Listen(f, 1) })
		onSocket(w, "connect", "c", func(f *vfs.File) { sock(f).Connect(f, addr) })
		onSocket(w, "connect to nobody", "c", func(f *vfs.File) { sock(f).Connect(f, inetAddr("127.0.0.1:1")) })
		onSocket(w, "c error", "c", func(f *vfs.File) { sock(f).Getsockopt(f, abi.SOL_SOCKET, abi.SO_ERROR) })
		w.Move("connect another", func() {
			if n := len(w.Names()); n > 0 && n < 8 {
				f := open()
				sock(f).Connect(f, addr)
				aTcp(w, fmt.Sprintf("c%d", n), f)
			}
		})
		onSocket(w, "accept", "l", func(f *vfs.File) {
			if s, errno := l.Accept(f, abi.SOCK_NONBLOCK); errno == 0 && w.Get("s") == nil {
				aTcp(w, "s", s)
			} else if errno == 0 {
				s.Put()
			}
		})
		onSocket(w, "shut RD", "l", func(f *vfs.File) { l.Shutdown(f, abi.SHUT_RD) })
		w.Move("wait", func() { w.Sleep(1_100_000_000) })
		for _, name := range []string{"l", "c", "s"} {
			w.Move("close "+name, func() { w.Close(name) })
		}
	},
	Rows: []devicetest.Row{
		{Action: "ADD fresh", Edges: "l OUT|HUP / HUP / OUT|HUP; c OUT|HUP / HUP / OUT|HUP"},
		{Action: "listen", Do: "listen", Masks: "l 0"},
		{Action: "connect succeeds", Given: "listen", Do: "connect", Edges: "c OUT / - / OUT; l IN / IN / -", Wakes: tcpState + "; " + tcpData},
		{Action: "connect refused", Do: "connect to nobody", Masks: "c IN|OUT|ERR|HUP|RDHUP",
			Edges: "c IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: tcpState + "; " + tcpErr},
		{Action: "SO_ERROR read", Given: "connect to nobody", Do: "c error", Masks: "c IN|OUT|HUP|RDHUP"},
		{Action: "connect on full queue", Given: "listen; connect another; connect another", Do: "connect", Masks: "c 0"},
		{Action: "… later", Given: "listen; connect another; connect another; connect; accept", Do: "wait", Masks: "c OUT; l IN",
			Edges: "c OUT / - / OUT; l IN / IN / -", Wakes: tcpState + "; " + tcpData},
		{Action: "accept with more pending", Given: "listen; connect; connect another", Do: "accept", Masks: "l IN"},
		{Action: "client gone before accept", Given: "listen; connect; close c", Do: "accept", Masks: "l 0; s IN|OUT|RDHUP"},
		{Action: "listener closed, client not accepted", Given: "listen; connect", Do: "close l",
			Edges: "c IN|OUT|ERR|HUP|RDHUP / IN|ERR|HUP / OUT|ERR|HUP", Wakes: tcpState + "; " + tcpErr},
		{Action: "listener after shutdown(RD)", Given: "listen", Do: "shut RD", Edges: "l OUT|HUP / HUP / OUT|HUP", Wakes: tcpErr + "; " + tcpState},
	},
}
