package host

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// caller is what the calls on sockets need of a thread, or of a batch that notes them: memory that the task can reach, and
// the call itself.
type caller interface {
	socketCall(name string, nr uintptr, args ...uintptr) (int, abi.Errno)
	in(p []byte) uintptr
	inOut(p []byte) ([]byte, uintptr)
	unixPrefix() string
	refuseSocket(call, format string, args ...any)
}

// abstractPrefix begins the abstract names of a run, which the whole machine shares; programs do not see it. Paths are
// inside of the run's directory, where the task is.
func abstractPrefix(dir string) string { return filepath.Base(dir) + "/" }

// maxUnixPath is the size of sun_path.
const maxUnixPath = 108

// packSockaddr gives an address in its C form.
func packSockaddr(c caller, call string, a abi.Sockaddr) []byte {
	b := binary.LittleEndian.AppendUint16(nil, uint16(a.Family))
	switch {
	case a.Family == abi.AF_UNSPEC:
		return b
	case a.Family == abi.AF_INET, a.Family == abi.AF_INET6:
		return packInet(b, a)
	case a.Family != abi.AF_UNIX:
		c.refuseSocket(call, "%s is not part of the model", abi.Enum("AF", int64(a.Family)))
	case a.Abstract():
		name := append([]byte{0}, c.unixPrefix()+a.Path[1:]...)
		if len(a.Path) <= maxUnixPath && len(name) > maxUnixPath {
			c.refuseSocket(call, "abstract names can have %d characters here", maxUnixPath-len(c.unixPrefix())-1)
		}
		return append(b, name...)
	case a.Path == "" && call == "bind":
		c.refuseSocket(call, "a name chosen by the kernel is not part of the model")
	default:
		inside(c, call, a.Path)
	}
	b = append(b, a.Path...)
	if a.Path != "" {
		b = append(b, 0)
	}
	return b
}

// unpackSockaddr reads an address; n is what the kernel says of its length.
func unpackSockaddr(c caller, b []byte, n int) abi.Sockaddr {
	b = b[:min(n, len(b))]
	if len(b) < 2 {
		return abi.Sockaddr{}
	}
	switch binary.LittleEndian.Uint16(b) {
	case abi.AF_UNIX:
	case abi.AF_INET, abi.AF_INET6:
		return unpackInet(b)
	default:
		return abi.Sockaddr{}
	}
	path := b[2:]
	switch {
	case len(path) == 0:
		return abi.UnixAddr("")
	case path[0] == 0:
		return abi.UnixAddr("@" + strings.TrimPrefix(string(path[1:]), c.unixPrefix()))
	}
	path, _, _ = bytes.Cut(path, []byte{0})
	return abi.UnixAddr(string(path))
}

func socketOf(c caller, domain, typ, protocol int) (int, error) {
	if !modelled(domain) && validType(typ) {
		c.refuseSocket("socket", "%s is not part of the model", abi.Enum("AF", int64(domain)))
	}
	return result(c.socketCall("socket", unix.SYS_SOCKET, arg(domain), arg(typ), arg(protocol)))
}

// modelled reports whether the model has the family, or knows that there is none of that number.
func modelled(domain int) bool {
	switch domain {
	case abi.AF_UNIX, abi.AF_INET, abi.AF_INET6:
		return true
	}
	return domain <= abi.AF_UNSPEC || domain > abi.AF_MCTP
}

// validType reports whether a type is one that gets as far as the family.
func validType(typ int) bool {
	return typ&^(0xf|abi.SOCK_CLOEXEC|abi.SOCK_NONBLOCK) == 0 && typ&0xf <= abi.SOCK_PACKET
}

func socketpairOf(c caller, domain, typ, protocol int) ([2]int, error) {
	if !modelled(domain) {
		c.refuseSocket("socketpair", "%s is not part of the model", abi.Enum("AF", int64(domain)))
	}
	buf, addr := c.inOut(make([]byte, 8))
	_, errno := c.socketCall("socketpair", unix.SYS_SOCKETPAIR, arg(domain), arg(typ), arg(protocol), addr)
	if errno != 0 || buf == nil {
		return [2]int{-1, -1}, done(0, errno)
	}
	return [2]int{int(int32(binary.LittleEndian.Uint32(buf))), int(int32(binary.LittleEndian.Uint32(buf[4:])))}, nil
}

func withAddr(c caller, call string, nr uintptr, fd int, a abi.Sockaddr) error {
	b := packSockaddr(c, call, a)
	return done(c.socketCall(call, nr, arg(fd), c.in(b), uintptr(len(b))))
}

// nameRoom is room for an address, and for the length of that.
func nameRoom(c caller) (name, size []byte, nameAddr, sizeAddr uintptr) {
	name, nameAddr = c.inOut(make([]byte, abi.SizeofSockaddrUn))
	size, sizeAddr = c.inOut(binary.LittleEndian.AppendUint32(nil, abi.SizeofSockaddrUn))
	return name, size, nameAddr, sizeAddr
}

func nameOf(c caller, call string, nr uintptr, fd int) (abi.Sockaddr, error) {
	name, size, nameAddr, sizeAddr := nameRoom(c)
	_, errno := c.socketCall(call, nr, arg(fd), nameAddr, sizeAddr)
	if errno != 0 || size == nil {
		return abi.Sockaddr{}, done(0, errno)
	}
	return unpackSockaddr(c, name, int(binary.LittleEndian.Uint32(size))), nil
}

func setsockoptOf(c caller, fd, level, name int, v kernel.SockOpt) error {
	var b []byte
	switch {
	case v.Pair && level == abi.SOL_SOCKET && (name == abi.SO_RCVTIMEO || name == abi.SO_SNDTIMEO):
		b = binary.LittleEndian.AppendUint64(nil, uint64(v.A))
		b = binary.LittleEndian.AppendUint64(b, uint64(v.B))
	case v.Pair:
		b = binary.LittleEndian.AppendUint32(nil, uint32(v.A))
		b = binary.LittleEndian.AppendUint32(b, uint32(v.B))
	default:
		b = binary.LittleEndian.AppendUint32(nil, uint32(v.A))
	}
	return done(c.socketCall("setsockopt", unix.SYS_SETSOCKOPT, arg(fd), arg(level), arg(name), c.in(b), uintptr(len(b))))
}

func getsockoptOf(c caller, fd, level, name int) (int, error) {
	buf, addr := c.inOut(make([]byte, 4))
	_, sizeAddr := c.inOut(binary.LittleEndian.AppendUint32(nil, 4))
	_, errno := c.socketCall("getsockopt", unix.SYS_GETSOCKOPT, arg(fd), arg(level), arg(name), addr, sizeAddr)
	if errno != 0 || buf == nil {
		return -1, done(0, errno)
	}
	return int(int32(binary.LittleEndian.Uint32(buf))), nil
}

func sendtoOf(c caller, fd int, p []byte, flags int, a *abi.Sockaddr) (int, error) {
	var addr, size uintptr
	if a != nil {
		b := packSockaddr(c, "sendto", *a)
		addr, size = c.in(b), uintptr(len(b))
	}
	return result(c.socketCall("sendto", unix.SYS_SENDTO, arg(fd), c.in(p), uintptr(len(p)), arg(flags), addr, size))
}

func recvfromOf(c caller, fd int, p []byte, flags int, a *abi.Sockaddr) (int, error) {
	buf, addr := c.inOut(roomFor(p))
	var name, size []byte
	var nameAddr, sizeAddr uintptr
	if a != nil {
		name, size, nameAddr, sizeAddr = nameRoom(c)
	}
	n, errno := c.socketCall("recvfrom", unix.SYS_RECVFROM, arg(fd), addr, uintptr(len(p)), arg(flags), nameAddr, sizeAddr)
	if n > 0 {
		copy(p, buf[:min(n, len(buf))])
	}
	if errno == 0 && size != nil {
		*a = unpackSockaddr(c, name, int(binary.LittleEndian.Uint32(size)))
	}
	return result(n, errno)
}

// roomFor gives room for what is received into p, none where p is nil.
func roomFor(p []byte) []byte {
	if p == nil {
		return nil
	}
	return make([]byte, len(p))
}

// struct msghdr, with the places of its members, and struct cmsghdr.
const (
	sizeofMsghdr  = 56
	msgIov        = 16
	msgIovlen     = 24
	msgControl    = 32
	msgControllen = 40
	msgFlags      = 48
	sizeofCmsghdr = 16
	maxRights     = 253
)

// msghdr makes a header of n bytes of data, and control.
func msghdr(c caller, data uintptr, n int, control uintptr, controlLen int) ([]byte, uintptr) {
	iov := binary.LittleEndian.AppendUint64(nil, uint64(data))
	iov = binary.LittleEndian.AppendUint64(iov, uint64(n))
	h := make([]byte, sizeofMsghdr)
	binary.LittleEndian.PutUint64(h[msgIov:], uint64(c.in(iov)))
	binary.LittleEndian.PutUint64(h[msgIovlen:], 1)
	binary.LittleEndian.PutUint64(h[msgControl:], uint64(control))
	binary.LittleEndian.PutUint64(h[msgControllen:], uint64(controlLen))
	return c.inOut(h)
}

func sendFdsOf(c caller, fd int, p []byte, fds []int, flags int) (int, error) {
	size := sizeofCmsghdr + 4*len(fds)
	control := binary.LittleEndian.AppendUint64(nil, uint64(size))
	control = binary.LittleEndian.AppendUint32(control, abi.SOL_SOCKET)
	control = binary.LittleEndian.AppendUint32(control, unix.SCM_RIGHTS)
	for _, n := range fds {
		control = binary.LittleEndian.AppendUint32(control, uint32(n))
	}
	control = append(control, make([]byte, -len(control)&7)...)
	_, h := msghdr(c, c.in(p), len(p), c.in(control), len(control))
	return result(c.socketCall("sendmsg", unix.SYS_SENDMSG, arg(fd), h, arg(flags)))
}

func recvFdsOf(c caller, fd int, p []byte, flags int) (int, []int, int, error) {
	const room = sizeofCmsghdr + 4*(maxRights+1)
	buf, addr := c.inOut(roomFor(p))
	control, controlAddr := c.inOut(make([]byte, room))
	header, h := msghdr(c, addr, len(p), controlAddr, room)
	n, errno := c.socketCall("recvmsg", unix.SYS_RECVMSG, arg(fd), h, arg(flags))
	if errno != 0 || header == nil || len(control) < room {
		return -1, nil, 0, done(0, errno)
	}
	copy(p, buf[:min(max(n, 0), len(buf))])
	var fds []int
	if binary.LittleEndian.Uint64(header[msgControllen:]) > sizeofCmsghdr {
		for at := sizeofCmsghdr; at+4 <= int(binary.LittleEndian.Uint64(control)); at += 4 {
			fds = append(fds, int(int32(binary.LittleEndian.Uint32(control[at:]))))
		}
	}
	return n, fds, int(int32(binary.LittleEndian.Uint32(header[msgFlags:]))), nil
}
