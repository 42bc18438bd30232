package kernel

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// SocketCalls are the system calls on sockets.
type SocketCalls interface {
	// Socket opens a socket of AF_UNIX, AF_INET or AF_INET6: socket(2).
	Socket(domain, typ, protocol int) (fd int, err error)
	// Socketpair opens two sockets of AF_UNIX that are each other's peer: socketpair(2).
	Socketpair(domain, typ, protocol int) (fds [2]int, err error)
	// Bind gives a socket a name, or an address and port: bind(2).
	Bind(fd int, addr abi.Sockaddr) error
	// Listen lets a socket accept connections, backlog and one of which may wait: listen(2).
	Listen(fd, backlog int) error
	// Accept opens the next connection of a listener: accept(2), without asking for the address of the peer.
	Accept(fd int) (newfd int, err error)
	// Accept4 is Accept with SOCK_NONBLOCK and SOCK_CLOEXEC for the new descriptor: accept4(2).
	Accept4(fd, flags int) (newfd int, err error)
	// Connect connects a socket: connect(2). AF_UNSPEC takes the peer of a datagram socket away.
	Connect(fd int, addr abi.Sockaddr) error
	// Shutdown ends one direction of a connection, or both: shutdown(2). how: SHUT_RD, SHUT_WR, SHUT_RDWR.
	Shutdown(fd, how int) error
	// Getsockname returns the address of a socket: getsockname(2).
	Getsockname(fd int) (addr abi.Sockaddr, err error)
	// Getpeername returns the address of its peer: getpeername(2).
	Getpeername(fd int) (addr abi.Sockaddr, err error)
	// Setsockopt sets an option: setsockopt(2).
	Setsockopt(fd, level, name int, value SockOpt) error
	// Getsockopt returns an option as one int, of a struct the first: getsockopt(2).
	Getsockopt(fd, level, name int) (value int, err error)
	// Sendto sends p to addr: sendto(2), or send(2) if addr is nil.
	Sendto(fd int, p []byte, flags int, addr *abi.Sockaddr) (n int, err error)
	// Recvfrom receives up to len(p) bytes: recvfrom(2), or recv(2) if addr is nil. It stores who sent; of one without a
	// name, the zero address. With MSG_TRUNC n may be more than fits into p.
	Recvfrom(fd int, p []byte, flags int, addr *abi.Sockaddr) (n int, err error)
	// SendFds is sendmsg(2) with p and descriptors (SCM_RIGHTS).
	SendFds(fd int, p []byte, fds []int, flags int) (n int, err error)
	// RecvFds is recvmsg(2) with room for p and as many descriptors as a message can have; outFlags are msg_flags.
	RecvFds(fd int, p []byte, flags int) (n int, fds []int, outFlags int, err error)
}

// SockOpt is the value of an option: an int, or a pair – struct linger, struct timeval.
type SockOpt = devices.OptionValue

// Message is the msghdr of sendmsg and recvmsg as a tracer sees it. What is received is there at TraceExit.
type Message struct {
	Data   []byte
	Rights []int // descriptors
	Flags  int   // msg_flags
}

const (
	sockTypeMask = 0xf
	sockFlags    = abi.SOCK_CLOEXEC | abi.SOCK_NONBLOCK
	sockTypes    = abi.SOCK_PACKET + 1 // SOCK_MAX
	families     = abi.AF_MCTP + 1     // NPROTO
	rightsRoom   = 253                 // SCM_MAX_FD
)

// Tgid is the id of t's process, which the peer of a socket may ask for.
func (t *Thread) Tgid() int { return t.proc.pid }

// unixNames is the private directory as unix sockets see it.
type unixNames struct{ k *Kernel }

// Find returns what has a name.
func (n unixNames) Find(path string) (*vfs.Dentry, abi.Errno) {
	if nodes[path] != nil {
		return nil, abi.ECONNREFUSED
	}
	return n.k.lookup(path)
}

// AddSocket makes a name and returns it with a reference.
func (n unixNames) AddSocket(path string) (*vfs.Dentry, abi.Errno) {
	if nodes[path] != nil {
		return nil, abi.EEXIST
	}
	p, errno := n.k.vacant(path, false)
	if errno != 0 {
		return nil, errno
	}
	d := p.dir.add(p.name, socketInode{}).dentry
	d.Get()
	return d, 0
}

// RemoveSocket takes back what AddSocket made, unless it has another name by now.
func (n unixNames) RemoveSocket(path string, d *vfs.Dentry) {
	if p, errno := n.k.walk(path); errno == 0 && p.entry != nil && p.entry.dentry == d {
		p.unlink()
	}
	d.Put()
}

// socketInode is what the path of a socket stands for: open(2) does not connect.
type socketInode struct{}

func (socketInode) Open(int) (*vfs.File, abi.Errno) { return nil, abi.ENXIO }

// socket returns the socket that fd is: EBADF, ENOTSOCK. fdput(f, counted) ends the use.
func (t *Thread) socket(fd int) (s devices.Socket, f *vfs.File, counted bool, errno abi.Errno) {
	f, counted = t.fdget(fd)
	if f == nil {
		return nil, nil, false, abi.EBADF
	}
	if s = devices.SocketOf(f); s == nil {
		fdput(f, counted)
		return nil, nil, false, abi.ENOTSOCK
	}
	return s, f, counted, 0
}

// onSocket runs a call on the socket fd.
func (t *Thread) onSocket(fd int, op func(s devices.Socket, f *vfs.File) abi.Errno) abi.Errno {
	s, f, counted, errno := t.socket(fd)
	if errno != 0 {
		return errno
	}
	errno = op(s, f)
	fdput(f, counted)
	return errno
}

// Socket is socket(2).
func (t *Thread) Socket(domain, typ, protocol int) (int, error) {
	t.begin("socket", domain, typ, protocol)
	if typ&^(sockTypeMask|sockFlags) != 0 {
		return t.result(-1, abi.EINVAL)
	}
	if errno := checkFamily(domain, typ); errno != 0 {
		return t.result(-1, errno)
	}
	f, errno := t.k.newSocket(domain, typ, protocol)
	if errno != 0 {
		return t.result(-1, errno)
	}
	return t.result(t.install(f, 0, typ&abi.SOCK_CLOEXEC != 0))
}

// checkFamily is the beginning of __sock_create.
func checkFamily(domain, typ int) abi.Errno {
	switch {
	case domain <= abi.AF_UNSPEC || domain >= families:
		return abi.EAFNOSUPPORT
	case typ&sockTypeMask >= sockTypes:
		return abi.EINVAL
	}
	return 0
}

// newSocket opens a socket of a family that is modelled.
func (k *Kernel) newSocket(domain, typ, protocol int) (*vfs.File, abi.Errno) {
	switch domain {
	case abi.AF_UNIX:
		return k.unix.NewSocket(typ, protocol)
	case abi.AF_INET, abi.AF_INET6:
		return k.inet.NewSocket(domain, typ, protocol)
	}
	k.Stop(&devices.NotModelledError{What: "socket of " + abi.Enum("AF", int64(domain))})
	return nil, abi.EAFNOSUPPORT
}

// Socketpair is socketpair(2). The numbers are taken first: EMFILE comes before what is wrong with the sockets.
func (t *Thread) Socketpair(domain, typ, protocol int) ([2]int, error) {
	fds := [2]int{-1, -1}
	t.begin("socketpair", domain, typ, protocol, &fds)
	errno := abi.EINVAL
	if typ&^(sockTypeMask|sockFlags) == 0 {
		errno = t.socketpair(&fds, domain, typ, protocol)
	}
	t.leave(0, errno)
	if errno != 0 {
		return [2]int{-1, -1}, errno
	}
	return fds, nil
}

func (t *Thread) socketpair(fds *[2]int, domain, typ, protocol int) abi.Errno {
	cloexec := typ&abi.SOCK_CLOEXEC != 0
	a, errno := t.files.Reserve(0, cloexec)
	if errno != 0 {
		return errno
	}
	b, errno := t.files.Reserve(0, cloexec)
	if errno == 0 {
		var fa, fb *vfs.File
		if fa, fb, errno = t.newPair(domain, typ, protocol); errno == 0 {
			t.files.Install(a, fa)
			t.files.Install(b, fb)
			*fds = [2]int{a, b}
			return 0
		}
		t.files.Unreserve(b)
	}
	t.files.Unreserve(a)
	return errno
}

func (t *Thread) newPair(domain, typ, protocol int) (a, b *vfs.File, errno abi.Errno) {
	if errno := checkFamily(domain, typ); errno != 0 {
		return nil, nil, errno
	}
	switch domain {
	case abi.AF_UNIX:
		return t.k.unix.NewPair(typ, protocol)
	case abi.AF_INET, abi.AF_INET6:
		if kind := typ & sockTypeMask; protocol == 0 && (kind == abi.SOCK_STREAM || kind == abi.SOCK_DGRAM) {
			return nil, nil, abi.EOPNOTSUPP
		}
	}
	t.k.Stop(&devices.NotModelledError{What: "socketpair of " + abi.Enum("AF", int64(domain))})
	return nil, nil, abi.EOPNOTSUPP
}

// Bind is bind(2).
func (t *Thread) Bind(fd int, addr abi.Sockaddr) error {
	t.begin("bind", fd, addr, addr.Len())
	return t.done(t.onSocket(fd, func(s devices.Socket, f *vfs.File) abi.Errno { return s.Bind(f, addr) }))
}

// Listen is listen(2).
func (t *Thread) Listen(fd, backlog int) error {
	t.begin("listen", fd, backlog)
	return t.done(t.onSocket(fd, func(s devices.Socket, f *vfs.File) abi.Errno { return s.Listen(f, backlog) }))
}

// Accept is accept(2).
func (t *Thread) Accept(fd int) (int, error) {
	t.begin("accept", fd, nil, nil)
	return t.restartable(func() (int, abi.Errno) { return t.accept(fd, 0) })
}

// Accept4 is accept4(2).
func (t *Thread) Accept4(fd, flags int) (int, error) {
	t.begin("accept4", fd, nil, nil, flags)
	return t.restartable(func() (int, abi.Errno) { return t.accept(fd, flags) })
}

// accept takes the new number before it knows whether there is a connection, and keeps it while it sleeps.
func (t *Thread) accept(fd, flags int) (int, abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return -1, abi.EBADF
	}
	defer fdput(f, counted)
	if flags&^sockFlags != 0 {
		return -1, abi.EINVAL
	}
	newfd, errno := t.files.Reserve(0, flags&abi.SOCK_CLOEXEC != 0)
	if errno != 0 {
		return -1, errno
	}
	errno = abi.ENOTSOCK
	if s := devices.SocketOf(f); s != nil {
		var end *vfs.File
		if end, errno = s.Accept(f, flags); errno == 0 {
			t.files.Install(newfd, end)
			return newfd, 0
		}
	}
	t.files.Unreserve(newfd)
	return -1, errno
}

// Connect is connect(2).
func (t *Thread) Connect(fd int, addr abi.Sockaddr) error {
	t.begin("connect", fd, addr, addr.Len())
	_, err := t.restartable(func() (int, abi.Errno) {
		return 0, t.onSocket(fd, func(s devices.Socket, f *vfs.File) abi.Errno { return s.Connect(f, addr) })
	})
	return err
}

// Shutdown is shutdown(2).
func (t *Thread) Shutdown(fd, how int) error {
	t.begin("shutdown", fd, how)
	return t.done(t.onSocket(fd, func(s devices.Socket, f *vfs.File) abi.Errno { return s.Shutdown(f, how) }))
}

// Getsockname is getsockname(2).
func (t *Thread) Getsockname(fd int) (abi.Sockaddr, error) {
	return t.getname("getsockname", fd, devices.Socket.Sockname)
}

// Getpeername is getpeername(2).
func (t *Thread) Getpeername(fd int) (abi.Sockaddr, error) {
	return t.getname("getpeername", fd, devices.Socket.Peername)
}

func (t *Thread) getname(call string, fd int, get func(devices.Socket, *vfs.File) (abi.Sockaddr, abi.Errno)) (abi.Sockaddr, error) {
	var addr abi.Sockaddr
	size := [2]int{abi.SizeofSockaddrUn, abi.SizeofSockaddrUn}
	t.begin(call, fd, &addr, &size)
	errno := t.onSocket(fd, func(s devices.Socket, f *vfs.File) (errno abi.Errno) {
		addr, errno = get(s, f)
		size[1] = addr.Len()
		return errno
	})
	return addr, t.done(errno)
}

// Setsockopt is setsockopt(2).
func (t *Thread) Setsockopt(fd, level, name int, value SockOpt) error {
	shown, size := shownOption(name, value)
	t.begin("setsockopt", fd, level, name, shown, size)
	return t.done(t.onSocket(fd, func(s devices.Socket, f *vfs.File) abi.Errno { return s.Setsockopt(f, level, name, value) }))
}

// shownOption is a value as a tracer shows it, and its size in C.
func shownOption(name int, v SockOpt) (any, int) {
	switch {
	case !v.Pair:
		return v.A, 4
	case name == abi.SO_RCVTIMEO || name == abi.SO_SNDTIMEO:
		b := binary.LittleEndian.AppendUint64(nil, uint64(v.A))
		return binary.LittleEndian.AppendUint64(b, uint64(v.B)), 16
	}
	return [2]int{v.A, v.B}, 8
}

// Getsockopt is getsockopt(2) with room for one int.
func (t *Thread) Getsockopt(fd, level, name int) (int, error) {
	value := 0
	t.begin("getsockopt", fd, level, name, &value, 4)
	errno := t.onSocket(fd, func(s devices.Socket, f *vfs.File) (errno abi.Errno) {
		value, errno = s.Getsockopt(f, level, name)
		return errno
	})
	t.leave(0, errno)
	if errno != 0 {
		return -1, errno
	}
	return value, nil
}
