package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var unixSocketTable = tables(socketTable,
	flags(abi.SO_REUSEADDR),
	asked(0, abi.SO_PEERGROUPS),
	flags(abi.SO_PASSCRED, abi.SO_PASSSEC, soPasspidfd).but(),
	row(optionRow{kind: flag, def: 1}, soPassrights).but(),
	refused(abi.EOPNOTSUPP, 0, abi.SO_ZEROCOPY),
)

var unixStreamTable = tables(unixSocketTable, row(optionRow{get: abi.ENOPROTOOPT, max: 1}, soInq))

// options returns the options to look at.
func (u *Unix) options() *sockOptions { return readOptions(u.m, u.id, &u.opts) }

func (u *Unix) changeOptions() *sockOptions { return changeOptions(u.m, u.id, &u.opts) }
func (u *Unix) machine() *sim.Machine       { return u.m }
func (u *Unix) proto() string               { return "unix" }

// rcvtimeo and sndtimeo are sk_rcvtimeo and sk_sndtimeo.
func (u *Unix) rcvtimeo() int64 { return u.options().rcvtimeo }
func (u *Unix) sndtimeo() int64 { return u.options().sndtimeo }

func (u *Unix) table() optionTable {
	if u.kind == abi.SOCK_STREAM {
		return unixStreamTable
	}
	return unixSocketTable
}

// Setsockopt sets an option of SOL_SOCKET; there are no others. A new SO_SNDBUF wakes who waits to write. Models
// sk_setsockopt.
func (u *Unix) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	switch {
	case level != abi.SOL_SOCKET:
		return abi.EOPNOTSUPP
	case name == abi.SO_REUSEPORT && value.A != 0:
		return abi.EOPNOTSUPP
	}
	return setSocketOption(u, u.table(), name, value)
}

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking. Models sk_getsockopt.
func (u *Unix) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	switch {
	case level != abi.SOL_SOCKET:
		return 0, abi.EOPNOTSUPP
	case name == soPeerpidfd:
		return 0, notModelled(u.m, "getsockopt SO_PEERPIDFD")
	}
	return socketOption(u, u.table(), name)
}

func (u *Unix) setOwn(name, v int) bool {
	switch name {
	case abi.SO_SNDBUF:
		u.m.Write(u.id, fieldSndbuf)
		u.sndbuf = int32(v)
		u.writeSpace()
	case abi.SO_RCVBUF:
		u.changeOptions().rcvbuf = int32(v)
	case abi.SO_RCVLOWAT:
		u.changeOptions().rcvlowat = int32(v)
	case abi.SO_REUSEPORT:
	default:
		return false
	}
	return true
}

func (u *Unix) own(name int) (int, bool) {
	switch name {
	case abi.SO_TYPE:
		return int(u.kind), true
	case abi.SO_DOMAIN:
		return abi.AF_UNIX, true
	case abi.SO_PROTOCOL, abi.SO_REUSEPORT:
		return 0, true
	case abi.SO_ERROR:
		return int(u.takeErr()), true
	case abi.SO_ACCEPTCONN:
		return truth(u.readState() == unixListen), true
	case abi.SO_SNDBUF:
		u.m.Read(u.id, fieldSndbuf)
		return int(u.sndbuf), true
	case abi.SO_RCVBUF:
		return int(u.options().rcvbuf), true
	case abi.SO_RCVLOWAT:
		return int(u.options().rcvlowat), true
	case abi.SO_PEERCRED:
		u.m.Read(u.id, fieldPeer)
		return int(u.peerPid), true
	}
	return 0, false
}

// Ioctl knows FIONREAD, what there is to read; TIOCOUTQ, what unread messages of this socket take; and SIOCATMARK. Models
// unix_ioctl.
func (u *Unix) Ioctl(_ *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	switch request {
	case abi.FIONREAD:
		n, errno := u.unread()
		return int64(n), errno
	case abi.TIOCOUTQ:
		u.m.Read(u.id, fieldWmem)
		return int64(u.outq), 0
	case abi.SIOCATMARK:
		if u.kind != abi.SOCK_STREAM {
			return 0, abi.EOPNOTSUPP
		}
		return int64(truth(u.atMark())), 0
	}
	return 0, abi.ENOTTY
}

// unread is how many bytes wait: of a stream as they were counted, of records all, of datagrams the first. Models
// unix_inq_len.
func (u *Unix) unread() (n int, errno abi.Errno) {
	if u.readState() == unixListen {
		return 0, abi.EINVAL
	}
	if u.kind == abi.SOCK_STREAM {
		u.m.Read(u.id, fieldInq)
		return int(u.inq), 0
	}
	u.queue.lock.Lock()
	for s := u.queue.first; s != nil; s = s.next {
		n += s.left()
		if u.kind == abi.SOCK_DGRAM {
			break
		}
	}
	u.queue.lock.Unlock()
	return n, 0
}
