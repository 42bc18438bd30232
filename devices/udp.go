package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// A UDP socket is a queue of datagrams and one wait queue for everything. On the loopback a datagram leaves its sender and
// reaches its receiver within the send: first the sender is told that it may write, then the receiver that it may read –
// or nobody, if the receiver has no room. A datagram that nobody receives comes back as an error, to a connected sender.
//
//	Udp a ── send ──> InetNet.udp: port ──> Udp b
//	  └ wq: everybody                        │ receive: senders put datagrams here
//	                                         │ reader: readers take them from here
//	                                         └ wq
//
// Lock order:
//
//	udp.sk_lock            bind, connect, options; sleeps
//	  inet.ports           who has which port
//	udp.reader_queue       readers among themselves
//	  udp.receive_queue
//	udp.wait
//	  ep.lock …
//
// Left out: corking (MSG_MORE, UDP_CORK), the error queue, checksums, GRO and GSO, multicast and broadcast, encapsulation,
// the secret by which Linux chooses among sockets of SO_REUSEPORT (here the sender's port decides), queues of producers on
// several nodes, limits on the memory of all sockets together (udp_mem).
//
// ->poll and senders read sk_err, sk_shutdown, the queues, sk_rmem_alloc and addresses without a lock.

var (
	classUdp        = sim.NewClass("udp")
	classUdpLock    = sim.NewClass("udp.sk_lock")
	classUdpReceive = sim.NewClass("udp.receive_queue")
	classUdpReader  = sim.NewClass("udp.reader_queue")
	classUdpWait    = sim.NewClass("udp.wait")
	fieldRmem       = sim.NewField("sk_rmem_alloc")
	fieldReader     = sim.NewField("reader_queue")
)

// Udp is a socket of SOCK_DGRAM of AF_INET or AF_INET6, models struct udp_sock. See udp(7).
type Udp struct {
	inetSock
	lock   sim.Mutex
	hashed uint64 // when it was put where lookups find it: the latest is found first

	shutdown uint8     // changed under lock, read without
	err      abi.Errno // changed by everybody
	dead     bool      // released: SOCK_DEAD
	wq       waitqueue.Head

	receive udpQueue // guarded by its lock, as reader
	reader  udpQueue
	rmem    int32 // what the datagrams of both queues cost, and what was read and is not given back: atomic
	deficit int32 // of that what is not given back; under reader.lock
	wmem    int32 // what datagrams on their way cost: atomic

	rcvbuf, sndbuf int32
	threshold      int32 // a quarter of rcvbuf when that was set: forward_threshold
	opts           *sockOptions
	sleepers       sleepers
}

// newUdp opens a socket: inet_create, udp_init_sock.
func (n *InetNet) newUdp(family, typ int) *vfs.File {
	m := n.sys.M
	u := &Udp{rcvbuf: defaultWmem, sndbuf: defaultWmem, threshold: defaultWmem / 4, opts: &defaultOptions}
	u.inetSock.init(n, &n.udp, classUdp, family)
	u.udp = u
	u.lock.Init(m, classUdpLock)
	u.receive.lock.Init(m, classUdpReceive)
	u.reader.lock.Init(m, classUdpReader)
	u.wq.InitClass(m, classUdpWait)
	n.sys.Counters.Allocations++
	return n.file(u, typ)
}

// UdpOf returns the UDP socket that f is a description of, or nil.
func UdpOf(f *vfs.File) *Udp {
	u, _ := f.Ops.(*Udp)
	return u
}

// Bind gives u an address: inet_bind, inet6_bind.
func (u *Udp) Bind(_ *vfs.File, a abi.Sockaddr) abi.Errno {
	addr, errno := u.bindable(a)
	if errno != 0 {
		return errno
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	errno = u.bind(addr, u.conflicts)
	if errno == 0 {
		u.rehash()
	}
	return errno
}

// autobind gives u a port if it has none: inet_autobind. EAGAIN: there is none left.
func (u *Udp) autobind() abi.Errno {
	u.m.Read(u.id, fieldInetNum)
	if u.port != nil {
		return 0
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	if u.port != nil {
		return 0
	}
	if u.getPort(0, u.conflicts) != 0 {
		return abi.EAGAIN
	}
	u.rehash()
	return 0
}

// conflicts says whether an owner of a port keeps u from having it: udp_lib_lport_inuse.
func (u *Udp) conflicts(owner *inetSock, _ bool) bool {
	return !(owner.reuse && u.reuse) && !(owner.reuseport && u.reuseport) && u.overlaps(owner)
}

// rehash puts u where lookups find it with the address that it has now: udp_lib_rehash.
func (u *Udp) rehash() {
	u.net.hashes++
	u.hashed = u.net.hashes
}

// Listen and Accept are not for datagrams: sock_no_listen, sock_no_accept.
func (u *Udp) Listen(*vfs.File, int) abi.Errno { return abi.EOPNOTSUPP }

// Accept is EOPNOTSUPP.
func (u *Udp) Accept(*vfs.File, int) (*vfs.File, abi.Errno) { return nil, abi.EOPNOTSUPP }

// Sockname returns the address of u. Models inet_getname.
func (u *Udp) Sockname(*vfs.File) (abi.Sockaddr, abi.Errno) { return u.sockname(), 0 }

// Peername returns the address u is connected to.
func (u *Udp) Peername(*vfs.File) (abi.Sockaddr, abi.Errno) { return u.peername() }

// Shutdown shuts one direction or both and wakes everybody. A socket that is not connected is told so, and shut all the
// same. Models inet_shutdown.
func (u *Udp) Shutdown(_ *vfs.File, how int) abi.Errno {
	if how < abi.SHUT_RD || how > abi.SHUT_RDWR {
		return abi.EINVAL
	}
	enter(u.m, "inet_shutdown")
	u.lock.Lock()
	var errno abi.Errno
	if u.state == inetClose {
		errno = abi.ENOTCONN
	}
	u.m.Write(u.id, fieldShutdown)
	u.shutdown |= uint8(how + 1)
	if u.wq.Active() {
		u.wq.WakeUpInterruptibleAll()
	}
	u.lock.Unlock()
	leave(u.m, "inet_shutdown")
	return errno
}

// Release closes u; nobody is told. Models inet_release and sk_common_release.
func (u *Udp) Release(*vfs.File) {
	enter(u.m, "inet_release")
	u.lock.Lock()
	u.m.Write(u.id, fieldWq)
	u.dead = true
	u.lock.Unlock()
	u.ports.release(&u.inetSock)
	for _, q := range [...]*udpQueue{&u.reader, &u.receive} {
		q.lock.Lock()
		for d := q.pop(u); d != nil; d = q.pop(u) {
			u.net.putDatagram(d)
		}
		q.lock.Unlock()
	}
	leave(u.m, "inet_release")
}

// SetAsync lets a socket keep O_ASYNC. Nobody is sent SIGIO. Models sock_fasync.
func (u *Udp) SetAsync(*vfs.File, bool) abi.Errno { return 0 }

func (u *Udp) takeErr() abi.Errno { return takeErr(u.m, u.id, &u.err) }

// readShutdown reads sk_shutdown without the lock.
func (u *Udp) readShutdown() uint8 {
	u.m.Read(u.id, fieldShutdown)
	return u.shutdown
}
