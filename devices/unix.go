package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// A unix socket is a queue of messages that others have put there, and one wait queue for everything. What it has sent
// lies at its peer and is charged to it until it is read to the end.
//
//	Unix a ── peer ──> Unix b                        Unix listener
//	  │ outq: cost of m1, m2     │ queue: m1 ── m2      │ queue: m ── from ──> Unix, peer of a client
//	  └ wq: everybody            └ wq                   └ peers.wait: connects that found it full
//
// Lock order:
//
//	unix.iolock                  one reader at a time; sleeps
//	unix.bindlock
//	  unix.table                 names
//	unix.lock                    state, peer, shutdown; of two: the listener first, or the older one
//	  unix.receive_queue
//	  unix.peer_wait             who waits for room here
//	    unix.wait                everybody who waits for this socket
//	      ep.lock …
//
// Left out: names that the kernel chooses (autobind), SO_PASSCRED and credentials in messages, SO_PEEK_OFF, SO_INQ and
// timestamps (all refused by name), MSG_ERRQUEUE, SIGIO, BPF, the limits per user on descriptors in flight. The
// table of names has one lock instead of one a bucket. Cycles of sockets in flight are collected by the close that makes
// them findable, not by a task of their own a little later (UnixNet.collect); a message that is refused leaves no trace in
// statistics. The memory of a message is always there, up to 4 MiB in one piece.
//
// ->poll, senders and wake-ups read shutdown, state, err, the length of queues, outq, sndbuf, peer and oob without a
// lock.

var (
	classUnix         = sim.NewClass("unix")
	classUnixLock     = sim.NewClass("unix.lock")
	classUnixQueue    = sim.NewClass("unix.receive_queue")
	classUnixIolock   = sim.NewClass("unix.iolock")
	classUnixBindlock = sim.NewClass("unix.bindlock")
	classUnixWait     = sim.NewClass("unix.wait")
	classUnixPeerWait = sim.NewClass("unix.peer_wait")
	classUnixTable    = sim.NewClass("unix.table")
	fieldSkState      = sim.NewField("sk_state")
	fieldShutdown     = sim.NewField("sk_shutdown")
	fieldErr          = sim.NewField("sk_err")
	fieldQueue        = sim.NewField("sk_receive_queue")
	fieldInq          = sim.NewField("inq_len")
	fieldWmem         = sim.NewField("sk_wmem_alloc")
	fieldSndbuf       = sim.NewField("sk_sndbuf")
	fieldBacklog      = sim.NewField("sk_max_ack_backlog")
	fieldWq           = sim.NewField("sk_wq")
	fieldPeer         = sim.NewField("peer")
	fieldOob          = sim.NewField("oob_skb")
	fieldAddr         = sim.NewField("addr")
	fieldOptions      = sim.NewField("options")
	fieldRefs         = sim.NewField("sk_refcnt")
)

// unixState is sk_state, named after the states of TCP as in the kernel.
type unixState uint8

const (
	unixClose unixState = iota
	unixEstablished
	unixListen
)

func (s unixState) String() string { return [...]string{"CLOSE", "ESTABLISHED", "LISTEN"}[s] }

// The directions that are shut.
const (
	rcvShutdown  uint8 = 1
	sendShutdown uint8 = 2
	shutdownMask uint8 = 3
)

// Unix is a socket of AF_UNIX, models struct unix_sock. See unix(7).
type Unix struct {
	net  *UnixNet
	m    *sim.Machine
	id   sim.ID
	link list.Node[Unix] // among net.socks
	lock sim.Spinlock    // unix_state_lock

	kind uint8 // SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET

	// Changed under lock; some are read without.
	state    unixState
	shutdown uint8
	dead     bool // released: SOCK_DEAD, and sk_wq is NULL
	err      abi.Errno
	backlog  int32 // more pending connections, or datagrams of those not connected back, are too many
	peerPid  int32 // of SO_PEERCRED
	peer     *Unix
	listener *Unix // of a connection that is not accepted yet
	oob      *unixMessage

	queue  unixQueue // under its own lock
	inq    int32     // unread bytes of a stream, for FIONREAD only; under queue.lock
	iolock sim.Mutex
	wq     waitqueue.Head
	peers  *unixPeers // of those that may have somebody wait for room

	// Atomic.
	outq     int32 // memory that messages of this socket take
	sndbuf   int32
	refs     int32
	inflight int32 // references that messages hold

	addr     string      // "" unbound; set once, under bindlock
	dentry   *vfs.Dentry // of a path; it keeps the name alive, and goes with the socket
	bindlock *sim.Mutex
	opts     *sockOptions
}

// unixPeers is what datagram sockets and listeners have in addition.
type unixPeers struct {
	u      *Unix
	wait   waitqueue.Head  // peer_wait: blocked connects and senders, and the wakes of other sockets
	wake   waitqueue.Entry // peer_wake: waits at somebody's peer_wait
	target *Unix           // whose; under the lock of that peer_wait
}

func (u *Unix) initPeers() {
	if u.peers == nil {
		p := &unixPeers{u: u}
		p.wait.InitClass(u.m, classUnixPeerWait)
		p.wake.Func, p.wake.Private = relayPeerWake, p
		u.peers = p
	}
}

// UnixOf returns the unix socket that f is a description of, or nil.
func UnixOf(f *vfs.File) *Unix {
	u, _ := f.Ops.(*Unix)
	return u
}

// hold takes a reference to u, put gives it back: sock_hold, sock_put. Messages that u has sent keep it too.
func (u *Unix) hold() {
	u.m.Write(u.id, fieldRefs)
	u.refs++
}

func (u *Unix) put() {
	u.m.Write(u.id, fieldRefs)
	if u.refs--; u.refs < 0 {
		u.m.Violation("sk_refcnt of %s below zero", u.id)
	}
	u.free()
}

// free frees the object when nothing refers to it: unix_sock_destructor.
func (u *Unix) free() {
	if u.refs > 0 || u.outq > 0 {
		return
	}
	u.link.Unlink()
	for _, id := range [...]sim.ID{u.id, u.lock.ID(), u.queue.lock.ID(), u.iolock.ID(), u.wq.ID()} {
		u.m.Free(id)
	}
	if u.peers != nil {
		u.m.Free(u.peers.wait.ID())
	}
}

// The fields that are read without a lock, each read a point.

func (u *Unix) readState() unixState {
	u.m.Read(u.id, fieldSkState)
	return u.state
}

func (u *Unix) readShutdown() uint8 {
	u.m.Read(u.id, fieldShutdown)
	return u.shutdown
}

func (u *Unix) readPeer() *Unix {
	u.m.Read(u.id, fieldPeer)
	return u.peer
}

func (u *Unix) readDead() bool {
	u.m.Read(u.id, fieldWq)
	return u.dead
}

// Changes of the same fields; the caller holds lock.

func (u *Unix) setState(s unixState) {
	u.m.Write(u.id, fieldSkState)
	u.state = s
}

func (u *Unix) setShutdown(how uint8) {
	u.m.Write(u.id, fieldShutdown)
	u.shutdown |= how
}

func (u *Unix) setErr(errno abi.Errno) {
	u.m.Write(u.id, fieldErr)
	u.err = errno
}

func (u *Unix) setPeer(peer *Unix) {
	u.m.Write(u.id, fieldPeer)
	u.peer = peer
}

func (u *Unix) takeErr() abi.Errno { return takeErr(u.m, u.id, &u.err) }

// Read receives without flags: sock_read_iter. For no bytes the socket is not even asked.
func (u *Unix) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) == 0 {
		return 0, 0
	}
	msg := Msg{Data: p}
	return u.Recv(f, &msg)
}

// Write sends without flags, no bytes too: sock_write_iter.
func (u *Unix) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	msg := Msg{Data: p}
	return u.Send(f, &msg)
}

// Send sends one message, or a stretch of a stream: sendmsg(2).
func (u *Unix) Send(f *vfs.File, msg *Msg) (n int, errno abi.Errno) {
	if f.NonBlocking() {
		msg.Flags |= abi.MSG_DONTWAIT
	}
	switch u.kind {
	case abi.SOCK_STREAM:
		enter(u.m, "unix_stream_sendmsg")
		n, errno = u.sendStream(msg)
		leave(u.m, "unix_stream_sendmsg")
	case abi.SOCK_SEQPACKET:
		enter(u.m, "unix_seqpacket_sendmsg")
		n, errno = u.sendSeqpacket(msg)
		leave(u.m, "unix_seqpacket_sendmsg")
	default:
		enter(u.m, "unix_dgram_sendmsg")
		n, errno = u.sendDgram(msg)
		leave(u.m, "unix_dgram_sendmsg")
	}
	return n, errno
}

// Recv receives one message, or what there is of a stream: recvmsg(2).
func (u *Unix) Recv(f *vfs.File, msg *Msg) (n int, errno abi.Errno) {
	if f.NonBlocking() {
		msg.Flags |= abi.MSG_DONTWAIT
	}
	msg.Unnamed = true
	switch u.kind {
	case abi.SOCK_STREAM:
		enter(u.m, "unix_stream_recvmsg")
		n, errno = u.recvStream(msg)
		leave(u.m, "unix_stream_recvmsg")
	case abi.SOCK_SEQPACKET:
		enter(u.m, "unix_seqpacket_recvmsg")
		n, errno = u.recvSeqpacket(msg)
		leave(u.m, "unix_seqpacket_recvmsg")
	default:
		enter(u.m, "unix_dgram_recvmsg")
		n, errno = u.recvDgram(msg)
		leave(u.m, "unix_dgram_recvmsg")
	}
	return n, errno
}

// SetAsync lets a socket keep O_ASYNC. Nobody is sent SIGIO. Models sock_fasync.
func (u *Unix) SetAsync(*vfs.File, bool) abi.Errno { return 0 }
