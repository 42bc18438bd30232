package host

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// packInet adds an address and a port to the family: struct sockaddr_in, or sockaddr_in6.
func packInet(b []byte, a abi.Sockaddr) []byte {
	b = binary.BigEndian.AppendUint16(b, a.Inet.Port())
	if a.Family == abi.AF_INET {
		ip := a.Inet.Addr().As4()
		b = append(b, ip[:]...)
		return append(b, make([]byte, abi.SizeofSockaddrIn-len(b))...)
	}
	ip := a.Inet.Addr().As16()
	b = append(b, 0, 0, 0, 0) // sin6_flowinfo
	b = append(b, ip[:]...)
	return append(b, 0, 0, 0, 0) // sin6_scope_id
}

// unpackInet reads a struct sockaddr_in or sockaddr_in6.
func unpackInet(b []byte) abi.Sockaddr {
	at, size := 4, 4
	if binary.LittleEndian.Uint16(b) == abi.AF_INET6 {
		at, size = 8, 16
	}
	if len(b) < at+size {
		return abi.Sockaddr{}
	}
	ip, _ := netip.AddrFromSlice(b[at : at+size])
	return abi.InetAddr(netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[2:])))
}

// ownNetwork gives the run a network namespace of its own, where only the loopback is: its ports are free whatever the
// machine serves. Without the right to make one the run uses the
// machine's.
func (t *Thread) ownNetwork() { t.task.ownNetwork() }

// ownNetwork is that for one task, which may do it again: what was left of earlier connections is gone.
func (task *task) ownNetwork() {
	if ret, dead := task.call(unix.SYS_UNSHARE, unix.CLONE_NEWNET); dead || ret < 0 {
		return
	}
	fd, dead := task.call(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_DGRAM, 0)
	if dead || fd < 0 {
		return
	}
	const ifreqSize, ifreqFlags = 40, 16
	req := make([]byte, ifreqSize)
	copy(req, "lo")
	binary.LittleEndian.PutUint16(req[ifreqFlags:], unix.IFF_UP|unix.IFF_RUNNING)
	task.call(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, task.bytes(req))
	task.call(unix.SYS_CLOSE, uintptr(fd))
}

// AtName makes a call that takes an address, bind or connect, on fd with the name of another socket, which is not known yet
// when the call is noted.
func (b *Batch) AtName(call string, fd, of int) error {
	room, name := b.inOut(make([]byte, abi.SizeofSockaddrUn))
	if b.recording && room != nil {
		binary.LittleEndian.PutUint16(room, 0xffff) // without a name no call succeeds
	}
	_, size := b.inOut(binary.LittleEndian.AppendUint32(nil, abi.SizeofSockaddrUn))
	if _, errno := b.sys(unix.SYS_GETSOCKNAME, arg(of), name, size); errno != 0 {
		b.sys(unix.SYS_GETPID) // as many calls as were noted
		return errno
	}
	nr := uintptr(unix.SYS_CONNECT)
	if call == "bind" {
		nr = unix.SYS_BIND
	}
	return done(b.sys(nr, arg(fd), name, abi.SizeofSockaddrIn6))
}
