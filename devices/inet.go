package devices

import (
	"fmt"
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// InetNet is what the sockets of AF_INET and AF_INET6 of a kernel share: a network of the loopback device alone, with the
// addresses 127.0.0.0/8 and ::1. Models struct net.
//
//	InetNet ── tcp ──> inetPorts ── 8080 ──> inetPort ── owners ──> inetSock of a Tcp …
//	        └─ udp ──> inetPorts
//
// Lock order: a socket's lock, then that of a table of ports. Left out: other devices and routes to them, raw sockets,
// sockets of ICMP, multicast and broadcast, SO_BINDTODEVICE, users – all sockets are root's.
type InetNet struct {
	sys      *vfs.System
	tcp, udp inetPorts
	socks    list.List[Tcp]

	ehash       sim.Spinlock
	established map[tuple]*inetSock // connections of TCP
	cpus        []*softnet
	pages       taskFrags
	ticks       int64 // of the clock of TCP, beside the time that passes: a microsecond for each packet
	pool        tcpPool
	sleepers    sleepers

	// PortFor chooses a port that the kernel would choose at random, given the one that the model would take; nil: that
	// one. It must be one that nobody has.
	PortFor func(protocol int, model uint16) uint16

	// MaxTimeWait is how many connections are in TIME_WAIT at once before the oldest makes room, 0: any number. Linux has no such
	// rule: over net.ipv4.tcp_max_tw_buckets it lets the new one go. This is for runs in which a minute may never pass.
	MaxTimeWait int
	timeWaits   list.List[tcpTimeWait] // in order of their begin, if there is a bound
	timeWaiting int

	// ListenerFor chooses among the listeners that share an address by SO_REUSEPORT, in order of listen, the one that a client
	// is for; nil: by the client's port, where the kernel has a hash with a secret.
	ListenerFor func(client netip.AddrPort, group []*Tcp) *Tcp

	// ReceiverFor is ListenerFor for datagrams.
	ReceiverFor func(client netip.AddrPort, group []*Udp) *Udp

	hashes uint64    // how often a socket of UDP was hashed
	spare  *datagram // freed ones, linked by next
	spares int
}

var (
	classInetPorts = sim.NewClass("inet.ports")
	fieldInetNum   = sim.NewField("inet_num")
	fieldHash      = sim.NewField("hash")
	fieldSaddr     = sim.NewField("inet_rcv_saddr")
	fieldDaddr     = sim.NewField("inet_daddr")
)

var inetNets = sim.NewCache[InetNet](nil)

// NewInetNet returns a network without sockets.
func NewInetNet(s *vfs.System) *InetNet {
	n := inetNets.New(s.M)
	n.sys = s
	n.tcp.init(n, abi.IPPROTO_TCP)
	n.udp.init(n, abi.IPPROTO_UDP)
	n.ehash.Init(s.M, classEhash)
	return n
}

// maxProtocol is IPPROTO_MAX.
const maxProtocol = abi.IPPROTO_MPTCP + 1

// NewSocket opens a socket of AF_INET or AF_INET6: socket(2) up to the descriptor. typ may have SOCK_NONBLOCK. Models
// inet_create and inet6_create.
func (n *InetNet) NewSocket(family, typ, protocol int) (*vfs.File, abi.Errno) {
	if protocol < 0 || protocol >= maxProtocol {
		return nil, abi.EINVAL
	}
	switch kind := typ & 0xf; {
	case kind == abi.SOCK_STREAM && (protocol == 0 || protocol == abi.IPPROTO_TCP):
		return n.file(n.newTcp(family), typ), 0
	case kind == abi.SOCK_DGRAM && (protocol == 0 || protocol == abi.IPPROTO_UDP):
		return n.newUdp(family, typ), 0
	case kind == abi.SOCK_STREAM, kind == abi.SOCK_DGRAM:
		switch protocol {
		case abi.IPPROTO_MPTCP, abi.IPPROTO_SCTP, abi.IPPROTO_DCCP, abi.IPPROTO_ICMP, abi.IPPROTO_ICMPV6, abi.IPPROTO_UDPLITE:
			return nil, notModelled(n.sys.M, "a socket of %s", abi.Enum("IPPROTO", int64(protocol)))
		}
		return nil, abi.EPROTONOSUPPORT
	case kind == abi.SOCK_RAW, kind == abi.SOCK_PACKET, kind == abi.SOCK_SEQPACKET && protocol == abi.IPPROTO_SCTP:
		return nil, notModelled(n.sys.M, "a socket of %s and %s", abi.Enum("AF", int64(family)), abi.Flags("SOCK", int64(kind)))
	}
	return nil, abi.ESOCKTNOSUPPORT
}

// Check reports every broken invariant of the sockets of TCP. It may run between any two steps.
func (n *InetNet) Check() error { return n.checkTcp() }

// file gives a socket a description: sock_alloc_file.
func (n *InetNet) file(s Socket, flags int) *vfs.File {
	ino := n.sys.NextIno()
	return n.sys.NewFile(s, abi.O_RDWR|flags&abi.O_NONBLOCK, fmt.Sprintf("socket:[%d]", ino), ino)
}

// inetState is sk_state. Sockets of UDP use inetEstablished, connected, and inetClose.
type inetState uint8

const (
	_ inetState = iota
	inetEstablished
	inetSynSent
	inetSynRecv
	inetFinWait1
	inetFinWait2
	inetTimeWait
	inetClose
	inetCloseWait
	inetLastAck
	inetListen
	inetClosing
)

func (s inetState) String() string {
	return [...]string{"-", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"}[s]
}

// in reports whether s is one of states: TCPF_….
func (s inetState) in(states ...inetState) bool {
	for _, t := range states {
		if s == t {
			return true
		}
	}
	return false
}

// inetSock is what all sockets of AF_INET and AF_INET6 have, models struct inet_sock. The socket of a protocol embeds it.
// An address of IPv4 is one of 4 bytes here, on a socket of AF_INET6 too.
type inetSock struct {
	net   *InetNet
	m     *sim.Machine
	id    sim.ID
	ports *inetPorts // of its protocol
	udp   *Udp       // that it is of; nil: of another protocol

	// Changed under the lock of the socket; read without it.
	state  inetState
	local  netip.AddrPort // inet_rcv_saddr and inet_sport: where it receives; the address may be the wildcard
	source netip.Addr     // inet_saddr: where it sends from
	remote netip.AddrPort // inet_daddr and inet_dport; port 0: not connected

	tcp      *Tcp         // which it is part of
	timeWait *tcpTimeWait // … or that

	port             *inetPort // nil: inet_num is 0
	portPrev         *inetSock // among the owners of port
	portNext         *inetSock
	family           uint8 // AF_INET, AF_INET6
	reuse            bool  // SO_REUSEADDR
	reuseport        bool  // SO_REUSEPORT
	v6only           bool  // IPV6_V6ONLY
	addrLock, byBind bool  // the address, the port was asked for: SOCK_BINDADDR_LOCK, SOCK_BINDPORT_LOCK
}

// init makes s a fresh socket.
func (s *inetSock) init(n *InetNet, ports *inetPorts, class sim.Class, family int) {
	s.net, s.m, s.ports, s.family, s.state = n, n.sys.M, ports, uint8(family), inetClose
	s.id = s.m.NewID(class)
	s.local, s.source = netip.AddrPortFrom(s.any(), 0), s.any()
}

// any is the wildcard address of the family.
func (s *inetSock) any() netip.Addr {
	if s.family == abi.AF_INET6 {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}
