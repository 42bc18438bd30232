package devices_test

import (
	"fmt"
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/vfs"
)

// What the queue of a UDP socket is woken with.
const (
	udpData  = "udp.wait IN|PRI|RDNORM|RDBAND one"
	udpSpace = "udp.wait OUT|WRNORM|WRBAND one"
	udpErr   = "udp.wait ERR one"
	udpState = "udp.wait 0 all"
)

func inetAddr(text string) abi.Sockaddr { return abi.InetAddr(netip.MustParseAddrPort(text)) }

// udpSocket opens a socket that does not block.
func udpSocket(n *devices.InetNet, family int) *vfs.File {
	f, errno := n.NewSocket(family, abi.SOCK_DGRAM|abi.SOCK_NONBLOCK, 0)
	if errno != 0 {
		panic(errno)
	}
	return f
}

var (
	udp4Device = udpDevice(abi.AF_INET, "127.0.0.1:1", "127.0.0.1:2")
	udp6Device = udpDevice(abi.AF_INET6, "[::1]:1", "[::1]:2")
)

// udpDevice has the table of udp.md: a sender s, which is connected to a receiver r.
func udpDevice(family int, receiver, sender string) devicetest.Device {
	return devicetest.Device{
		Name: "UDP over " + map[int]string{abi.AF_INET: "IPv4", abi.AF_INET6: "IPv6"}[family],
		Open: func(w *devicetest.World) {
			net := devices.NewInetNet(w.Sys)
			for _, name := range []string{"r", "s"} {
				f := udpSocket(net, family)
				u := devices.UdpOf(f)
				u.Bind(f, inetAddr(map[string]string{"r": receiver, "s": sender}[name]))
				w.Add(&devicetest.File{
					File: f, Name: name, Read: 100, ReadBits: abi.EPOLLIN | abi.EPOLLERR,
					Write: []byte("x"), Twins: abi.EPOLLRDNORM | abi.EPOLLWRNORM | abi.EPOLLWRBAND,
				})
				// Without SHUT_RD, after which the mask says what a read does not do; udp_test.go has that.
				onSocket(w, name+" shut WR", name, func(f *vfs.File) { u.Shutdown(f, abi.SHUT_WR) })
				onSocket(w, name+" recv", name, func(f *vfs.File) { read(f, make([]byte, 100)) })
				onSocket(w, name+" peek", name, func(f *vfs.File) { u.Recv(f, &devices.Msg{Data: make([]byte, 1), Flags: abi.MSG_PEEK}) })
				onSocket(w, name+" error", name, func(f *vfs.File) { u.Getsockopt(f, abi.SOL_SOCKET, abi.SO_ERROR) })
				onSocket(w, name+" sndbuf", name, func(f *vfs.File) {
					u.Setsockopt(f, abi.SOL_SOCKET, abi.SO_SNDBUF, devices.OptionValue{A: 5000})
				})
				onSocket(w, name+" rcvbuf", name, func(f *vfs.File) {
					u.Setsockopt(f, abi.SOL_SOCKET, abi.SO_RCVBUF, devices.OptionValue{A: 1})
				})
				onSocket(w, name+" disconnect", name, func(f *vfs.File) { u.Connect(f, abi.Sockaddr{}) })
				w.Move("close "+name, func() { w.Close(name) })
			}
			to := inetAddr(receiver)
			for _, n := range []int{0, 1, 1000, 70000} {
				onSocket(w, fmt.Sprintf("send %d", n), "s", func(f *vfs.File) { write(f, make([]byte, n)) })
				onSocket(w, fmt.Sprintf("sendto %d", n), "s", func(f *vfs.File) {
					f.Ops.(devices.Socket).Send(f, &devices.Msg{Data: make([]byte, n), Name: &to})
				})
			}
			onSocket(w, "connect", "s", func(f *vfs.File) { f.Ops.(devices.Socket).Connect(f, to) })
		},
		Rows: []devicetest.Row{
			{Action: "ADD", Edges: "r OUT / - / OUT; s OUT / - / OUT"},
			{Action: "connect", Do: "connect"},
			{Action: "send without a peer", Do: "send 1"},
			{Action: "send", Given: "connect", Do: "send 1", Edges: "s OUT / - / OUT; r IN|OUT / IN / -", Wakes: udpSpace + "; " + udpData},
			{Action: "send nothing", Given: "connect", Do: "send 0", Edges: "s OUT / - / OUT; r IN|OUT / IN / -", Wakes: udpSpace + "; " + udpData},
			{Action: "send, readable already", Given: "connect; send 1", Do: "send 1", Edges: "s OUT / - / OUT; r IN|OUT / IN / -", Wakes: udpSpace + "; " + udpData},
			{Action: "sendto", Do: "sendto 1000", Edges: "s OUT / - / OUT; r IN|OUT / IN / -", Wakes: udpSpace + "; " + udpData},
			{Action: "send, dropped", Given: "connect; r rcvbuf; send 1000", Do: "send 1", Edges: "s OUT / - / OUT", Wakes: udpSpace, Masks: "r IN|OUT"},
			{Action: "EMSGSIZE", Given: "connect", Do: "send 70000"},
			{Action: "receiver reads", Given: "connect; send 1", Do: "r recv", Masks: "r OUT"},
			{Action: "receiver reads one of two", Given: "connect; send 1; send 1", Do: "r recv", Masks: "r IN|OUT"},
			{Action: "receiver peeks", Given: "connect; send 1", Do: "r peek", Masks: "r IN|OUT"},
			{Action: "read EAGAIN", Do: "r recv"},
			{Action: "send to closed port (connected)", Given: "connect; close r", Do: "send 1", Edges: "s OUT|ERR / ERR / OUT|ERR", Wakes: udpSpace + "; " + udpErr},
			{Action: "send to closed port (unconnected)", Given: "close r", Do: "sendto 1", Edges: "s OUT / - / OUT", Wakes: udpSpace},
			{Action: "error consumed by a write", Given: "connect; close r; send 1", Do: "send 1", Masks: "s OUT"},
			{Action: "error consumed by a read", Given: "connect; close r; send 1", Do: "s recv", Masks: "s OUT"},
			{Action: "error consumed by SO_ERROR", Given: "connect; close r; send 1", Do: "s error", Masks: "s OUT"},
			{Action: "shutdown WR", Do: "s shut WR", Edges: "s OUT / - / OUT", Wakes: udpState},
			{Action: "shutdown WR again", Given: "s shut WR", Do: "s shut WR", Edges: "s OUT / - / OUT", Wakes: udpState},
			{Action: "peer closes", Given: "connect; send 1", Do: "close r"},
			{Action: "disconnect", Given: "connect", Do: "s disconnect"},
			{Action: "SO_SNDBUF", Do: "s sndbuf", Edges: "s OUT / - / OUT", Wakes: udpSpace},
			{Action: "SO_RCVBUF", Do: "s rcvbuf"},
		},
	}
}
