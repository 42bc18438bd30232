package devices

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// A TCP socket is two streams and a state. What is written becomes segments on the write queue; a segment that is sent
// travels over the loopback at once, within the call that sends it, and lies in the receive queue of the peer and in the
// retransmit queue of the sender, which pays for it until it is acknowledged.
//
//	Tcp c                                           Tcp a
//	  write queue: s9                                 receive queue: s6 ── s7
//	  retransmit queue: s6 ── s7 ── s8   ──s8──>      (backlog, if a is in a call)
//	  snd_una  snd_nxt  write_seq        <──ack──     copied_seq  rcv_nxt
//	  wq: everybody                                   wq
//
//	Tcp listener ── accept queue: child ── child      a child is a Tcp in SYN_RECV until its client's ACK has come
//
// Lock order:
//
//	tcp.lock                     the owner, a task in a call: lock_sock; sleeps
//	  tcp.slock                  who brings a packet: it is handled at once, or with an owner waits in the backlog
//	    tcp.accept_queue
//	    inet.ports, inet.ehash
//	    tcp.wait                 everybody who waits for this socket
//	      ep.lock …
//
// A packet is handled by the softirq on the processor that has sent it, as soon as that holds no spinlock; what is sent
// meanwhile waits its turn. So a write has woken the reader's epoll when it returns, and the answer to a packet of a call
// comes to the caller's own socket by its backlog, at the end of the call. Each task has a processor of its own.
//
// What Linux decides by measuring time is left out: rates and pacing, retransmission of lost data – nothing is lost. For
// the growth of receive buffers a packet takes a microsecond. docs/tcp.md has the list, and what is exact.
//
// ->poll, wake-ups and senders read state, shutdown, err, the sequence numbers, urg_data, wmem_queued, sndbuf and the
// NOSPACE flag without a lock.

var (
	classTcp       = sim.NewClass("tcp")
	classTcpLock   = sim.NewClass("tcp.lock")
	classTcpSlock  = sim.NewClass("tcp.slock")
	classTcpAccept = sim.NewClass("tcp.accept_queue")
	classTcpWait   = sim.NewClass("tcp.wait")
	classEhash     = sim.NewClass("inet.ehash")
	fieldRcvNxt    = sim.NewField("rcv_nxt")
	fieldCopied    = sim.NewField("copied_seq")
	fieldSndNxt    = sim.NewField("snd_nxt")
	fieldUrg       = sim.NewField("urg_data")
	fieldNospace   = sim.NewField("SOCK_NOSPACE")
	fieldAcceptQ   = sim.NewField("icsk_accept_queue")
	fieldOwned     = sim.NewField("sk_lock.owned")
	fieldBacklogQ  = sim.NewField("sk_backlog")
	fieldLowat     = sim.NewField("sk_rcvlowat")
)

// connState is what the socket layer remembers of connects, models socket_state.
type connState uint8

const (
	ssUnconnected connState = iota
	ssConnecting
	ssConnected
	ssDisconnecting
)

// Tcp is a socket of TCP, models struct tcp_sock. See tcp(7).
type Tcp struct {
	inetSock
	link  list.Node[Tcp] // among net.socks
	lock  sim.Mutex      // of the owner: lock_sock
	slock sim.Spinlock
	wq    waitqueue.Head

	owned      bool        // a task is in a call
	backlogLen int32       // what the packets of backlog cost, until all are handled
	backlog    packetQueue // packets that came meanwhile

	conn       connState
	shutdown   uint8
	dead       bool // no description refers to it: SOCK_DEAD
	done       bool // the peer's FIN has come: SOCK_DONE
	nospace    bool // somebody found it not writable: SOCK_NOSPACE
	hashed     bool // in ehash
	held       bool // Hold has been called
	full       bool // Fill has been called
	hidden     bool // Conceal has been called
	unforeseen bool // of a client that nothing has come to yet: no header is predicted
	ackPending uint8
	nagle      uint8
	deferred   uint8 // what release has still to do
	rcvWscale  uint8
	ratio      uint8 // of bytes to memory, in 256ths: scaling_ratio
	err        abi.Errno

	// Sending. Sequence numbers begin with 0 for the SYN and do not wrap.
	sndUna, sndNxt, writeSeq int64
	sndUp, sndSml            int64 // behind the urgent byte, behind the last small segment that was sent
	pushedSeq                int64 // behind the last byte that was sent with PSH
	sndWnd, maxWindow        int64
	sndWl1                   int64 // of the packet that told sndWnd
	writeQueue, rtxQueue     tcpQueue
	wmemQueued, sndbuf       int32
	mss                      int32 // mss_cache
	cwnd, packets            int32 // how many may be under way, and are
	delivered                int32 // how many were acknowledged, with the SYN

	// Receiving.
	rcvNxt, rcvWup, copiedSeq int64
	rcvWnd, rcvSsthresh       int64
	windowClamp               int64
	receiveQueue              tcpQueue
	early                     packetQueue // came before what is in front of it, in order: out_of_order_queue
	rmem, rcvbuf              int32
	rcvlowat                  int32
	tsRecent                  int32 // the time stamp to send back
	urgSeq                    int64
	urgData                   uint16
	quick, pingpong           uint8
	rcvMss, lastSegSize       int32
	userMss                   int32     // TCP_MAXSEG
	ato, lrcvtime             int64     // ns
	rcvq                      *rcvSpace // nil: nothing has come

	peer     *Tcp       // where its packets go, as long as that is in ehash
	listener *tcpListen // of a listener
	parent   *Tcp       // of a child that is not accepted: its listener
	next     *Tcp       // in the accept queue
	timers   *tcpTimers // nil: none was ever started
	opts     *sockOptions
}

// TcpOf returns the TCP socket that f is a description of, or nil.
func TcpOf(f *vfs.File) *Tcp {
	t, _ := f.Ops.(*Tcp)
	return t
}

// Sizes of buffers: the second values of net.ipv4.tcp_wmem and tcp_rmem, and the third.
const (
	tcpWmemDefault = 16384
	tcpWmemMax     = 4194304
	tcpRmemDefault = 131072
	tcpRmemMax     = 33554432
)

// newTcp models tcp_init_sock.
func (n *InetNet) newTcp(family int) *Tcp {
	t := &Tcp{opts: &defaultOptions, sndbuf: tcpWmemDefault, rcvbuf: tcpRmemDefault, rcvlowat: 1, mss: tcpMssDefault, cwnd: tcpInitCwnd, ratio: tcpDefaultRatio}
	t.inetSock.init(n, &n.tcp, classTcp, family)
	t.tcp = t
	t.lock.Init(t.m, classTcpLock)
	t.slock.Init(t.m, classTcpSlock)
	t.wq.InitClass(t.m, classTcpWait)
	n.socks.PushBack(&t.link, t)
	n.sys.Counters.Allocations++
	return t
}

// free ends the object: inet_csk_destroy_sock. The caller holds a lock of t.
func (t *Tcp) destroy() {
	t.stopTimers()
	t.purgeWriteQueue()
	t.purgeReceiveQueue()
	t.unhash()
	t.ports.release(&t.inetSock)
	t.peer = nil
	t.link.Unlink()
}

// setState changes sk_state; to CLOSE a port that nobody asked for is given back. Models tcp_set_state.
func (t *Tcp) setState(s inetState) {
	if t.m.Tracing() && s != t.state {
		t.m.Move(t.id, 0, "sk_state", t.state.String(), s.String(), "")
	}
	t.m.Write(t.id, fieldSkState)
	if t.state == inetListen && t.port != nil {
		t.ports.changes(t.port.number)
		t.port.listeners = slices.DeleteFunc(t.port.listeners, func(l *Tcp) bool { return l == t })
	}
	t.state = s
	if s == inetClose {
		t.unhash()
		if !t.byBind {
			t.ports.release(&t.inetSock)
		}
	}
}

func (t *Tcp) readState() inetState {
	t.m.Read(t.id, fieldSkState)
	return t.state
}

func (t *Tcp) readShutdown() uint8 {
	t.m.Read(t.id, fieldShutdown)
	return t.shutdown
}

func (t *Tcp) setShutdown(how uint8) {
	t.m.Write(t.id, fieldShutdown)
	t.shutdown = how
}

func (t *Tcp) setErr(errno abi.Errno) {
	t.m.Write(t.id, fieldErr)
	t.err = errno
}

func (t *Tcp) takeErr() abi.Errno { return takeErr(t.m, t.id, &t.err) }

// Read receives without flags: sock_read_iter. For no bytes the socket is not even asked.
func (t *Tcp) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	msg := Msg{Data: p}
	return t.Recv(f, &msg)
}

// Write sends without flags: sock_write_iter.
func (t *Tcp) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	msg := Msg{Data: p}
	return t.Send(f, &msg)
}

// Send sends a stretch of the stream: sendmsg(2).
func (t *Tcp) Send(f *vfs.File, msg *Msg) (int, abi.Errno) {
	if f.NonBlocking() {
		msg.Flags |= abi.MSG_DONTWAIT
	}
	enter(t.m, "tcp_sendmsg")
	t.lockSock()
	n, errno := t.sendmsg(msg)
	t.releaseSock()
	leave(t.m, "tcp_sendmsg")
	return n, errno
}

// Recv receives what there is: recvmsg(2). Who has sent it is not told.
func (t *Tcp) Recv(f *vfs.File, msg *Msg) (int, abi.Errno) {
	if f.NonBlocking() {
		msg.Flags |= abi.MSG_DONTWAIT
	}
	msg.Unnamed = true
	enter(t.m, "tcp_recvmsg")
	n, errno := t.recvmsg(msg)
	leave(t.m, "tcp_recvmsg")
	return n, errno
}

// SetAsync lets a socket keep O_ASYNC. Nobody is sent SIGIO. Models sock_fasync.
func (t *Tcp) SetAsync(*vfs.File, bool) abi.Errno { return 0 }

// Bind gives t an address and a port. Models inet_bind and inet6_bind.
func (t *Tcp) Bind(_ *vfs.File, addr abi.Sockaddr) abi.Errno {
	a, errno := t.bindable(addr)
	if errno != 0 {
		return errno
	}
	t.lockSock()
	errno = t.bind(a, t.bindConflict)
	t.releaseSock()
	return errno
}

// bindConflict reports whether the owner of a port keeps t from having it: a listener always, unless both share the port
// with SO_REUSEPORT, others unless both said SO_REUSEADDR – which a port that the kernel looks for is not taken with.
// Models inet_bind_conflict.
func (t *Tcp) bindConflict(owner *inetSock, chosen bool) bool {
	if !t.overlaps(owner) {
		return false
	}
	if t.reuse && owner.reuse && owner.state != inetListen {
		return chosen
	}
	return chosen || !t.reuseport || !owner.reuseport
}

// Sockname returns the own address.
func (t *Tcp) Sockname(*vfs.File) (abi.Sockaddr, abi.Errno) { return t.sockname(), 0 }

// Peername returns the peer's address, ENOTCONN without a connection.
func (t *Tcp) Peername(*vfs.File) (abi.Sockaddr, abi.Errno) { return t.peername() }
