package devices

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// UnixNames is the file system as far as sockets care.
type UnixNames interface {
	// Find returns what has a name.
	Find(path string) (*vfs.Dentry, abi.Errno)
	// AddSocket makes a name and returns it with a reference: vfs_mknod. RemoveSocket takes both back.
	AddSocket(path string) (*vfs.Dentry, abi.Errno)
	RemoveSocket(path string, d *vfs.Dentry)
}

// UnixNet is what all unix sockets of a kernel share: names, and memory for messages. Models struct netns_unix.
type UnixNet struct {
	sys     *vfs.System
	names   UnixNames
	table   sim.Spinlock
	byName  map[unixName]*Unix   // abstract ones
	byInode map[*vfs.Inode]*Unix // those whose name is a path
	socks   list.List[Unix]

	pool      unixPool
	frags     taskFrags
	sleepers  sleepers
	transit   int // messages that are on no queue
	inflights int // references that messages hold to unix sockets
}

// unixName: types do not share the abstract names.
type unixName struct {
	kind uint8
	name string
}

var unixNets = sim.NewCache[UnixNet](nil)

// NewUnixNet returns a name space of unix sockets.
func NewUnixNet(s *vfs.System, names UnixNames) *UnixNet {
	n := unixNets.New(s.M)
	n.sys, n.names = s, names
	n.table.Init(s.M, classUnixTable)
	return n
}

// Defaults and limits, as Linux 6.18 has them.
const (
	maxDgramQlen    = 10 // net.unix.max_dgram_qlen
	defaultWmem     = 212992
	somaxconn       = 4096
	maxSocketBuffer = 4194304 // net.core.wmem_max, rmem_max
	minSndbuf       = 4608
	minRcvbuf       = 2304
)

// NewSocket opens an unconnected socket: socket(2) up to the descriptor. typ may have SOCK_NONBLOCK; SOCK_RAW is a
// second name of SOCK_DGRAM. Models unix_create.
func (n *UnixNet) NewSocket(typ, protocol int) (*vfs.File, abi.Errno) {
	kind, errno := unixKind(typ, protocol)
	if errno != 0 {
		return nil, errno
	}
	return n.file(n.newUnix(kind), typ), 0
}

// NewPair opens two sockets that are each other's peers: socketpair(2) up to the descriptors. Models unix_socketpair.
func (n *UnixNet) NewPair(typ, protocol int) (a, b *vfs.File, errno abi.Errno) {
	kind, errno := unixKind(typ, protocol)
	if errno != 0 {
		return nil, nil, errno
	}
	ua, ub := n.newUnix(kind), n.newUnix(kind)
	for _, u := range [...]*Unix{ua, ub} {
		u.refs++
		u.state, u.peerPid = unixEstablished, currentTgid(n.sys.M)
	}
	ua.peer, ub.peer = ub, ua
	return n.file(ua, typ), n.file(ub, typ), 0
}

func unixKind(typ, protocol int) (uint8, abi.Errno) {
	if protocol != 0 && protocol != abi.AF_UNIX {
		return 0, abi.EPROTONOSUPPORT
	}
	switch kind := typ & 0xf; kind {
	case abi.SOCK_STREAM, abi.SOCK_DGRAM, abi.SOCK_SEQPACKET:
		return uint8(kind), 0
	case abi.SOCK_RAW:
		return abi.SOCK_DGRAM, 0
	}
	return 0, abi.ESOCKTNOSUPPORT
}

// newUnix models unix_create1.
func (n *UnixNet) newUnix(kind uint8) *Unix {
	m := n.sys.M
	u := &Unix{net: n, m: m, id: m.NewID(classUnix), kind: kind, sndbuf: defaultWmem, backlog: maxDgramQlen, refs: 1, opts: &defaultOptions}
	u.lock.Init(m, classUnixLock)
	u.queue.lock.Init(m, classUnixQueue)
	u.iolock.Init(m, classUnixIolock)
	u.wq.InitClass(m, classUnixWait)
	if kind != abi.SOCK_STREAM {
		u.initPeers()
	}
	n.socks.PushBack(&u.link, u)
	n.sys.Counters.Allocations++
	return u
}

// file gives u a description: sock_alloc_file.
func (n *UnixNet) file(u *Unix, flags int) *vfs.File {
	ino := n.sys.NextIno()
	return n.sys.NewFile(u, abi.O_RDWR|flags&abi.O_NONBLOCK, fmt.Sprintf("socket:[%d]", ino), ino)
}
