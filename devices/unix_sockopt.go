package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// unixOptions are the options of a socket that has changed one.
type unixOptions struct {
	pairOptions
	rcvlowat  int
	rcvbuf    int // without effect
	oobInline bool
	plain     [len(plainOptions)]bool
}

// plainOptions are kept and do nothing on unix sockets.
var plainOptions = [...]int{abi.SO_REUSEADDR, abi.SO_KEEPALIVE, abi.SO_BROADCAST, abi.SO_DONTROUTE}

var defaultUnixOptions = unixOptions{pairOptions: defaultPairOptions, rcvlowat: 1, rcvbuf: defaultWmem}

// options returns the options to look at.
func (u *Unix) options() *unixOptions {
	u.m.Read(u.id, fieldOptions)
	if u.opts == nil {
		return &defaultUnixOptions
	}
	return u.opts
}

// changeOptions returns the options to change.
func (u *Unix) changeOptions() *unixOptions {
	u.m.Write(u.id, fieldOptions)
	if u.opts == nil {
		o := defaultUnixOptions
		u.opts = &o
	}
	return u.opts
}

// rcvtimeo and sndtimeo are sk_rcvtimeo and sk_sndtimeo.
func (u *Unix) rcvtimeo() int64 { return u.options().rcvtimeo }
func (u *Unix) sndtimeo() int64 { return u.options().sndtimeo }

// Setsockopt sets an option of SOL_SOCKET; there are no others. A new SO_SNDBUF wakes who waits to write. Models
// sk_setsockopt.
func (u *Unix) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	if level != abi.SOL_SOCKET {
		return abi.EOPNOTSUPP
	}
	switch v := value.A; name {
	case abi.SO_TYPE, abi.SO_PROTOCOL, abi.SO_DOMAIN, abi.SO_ERROR, abi.SO_SNDLOWAT, abi.SO_ACCEPTCONN, abi.SO_PEERCRED:
		return abi.ENOPROTOOPT
	case abi.SO_SNDBUF:
		u.m.Write(u.id, fieldSndbuf)
		u.sndbuf = max(bufferSize(v), minSndbuf)
		u.writeSpace()
	case abi.SO_RCVBUF:
		u.changeOptions().rcvbuf = int(max(bufferSize(v), minRcvbuf))
	case abi.SO_RCVLOWAT:
		if v < 0 {
			v = math.MaxInt32
		}
		u.changeOptions().rcvlowat = max(v, 1)
	case abi.SO_OOBINLINE:
		u.changeOptions().oobInline = v != 0
	case abi.SO_LINGER, abi.SO_RCVTIMEO, abi.SO_SNDTIMEO:
		return u.changeOptions().setPair(name, value)
	case abi.SO_REUSEPORT:
		if v != 0 {
			return abi.EOPNOTSUPP
		}
	default:
		for i, plain := range plainOptions {
			if plain == name {
				u.changeOptions().plain[i] = v != 0
				return 0
			}
		}
		return otherOption(u.m, "setsockopt", name, "unix")
	}
	return 0
}

// bufferSize is what the kernel makes of a wish: at most the limit, and twice that.
func bufferSize(wish int) int32 { return int32(min(uint32(wish), maxSocketBuffer)) * 2 }

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking. Models sk_getsockopt.
func (u *Unix) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	if level != abi.SOL_SOCKET {
		return 0, abi.EOPNOTSUPP
	}
	o := u.options()
	switch name {
	case abi.SO_TYPE:
		return int(u.kind), 0
	case abi.SO_DOMAIN:
		return abi.AF_UNIX, 0
	case abi.SO_PROTOCOL, abi.SO_REUSEPORT:
		return 0, 0
	case abi.SO_ERROR:
		return int(u.takeErr()), 0
	case abi.SO_ACCEPTCONN:
		return truth(u.readState() == unixListen), 0
	case abi.SO_SNDBUF:
		u.m.Read(u.id, fieldSndbuf)
		return int(u.sndbuf), 0
	case abi.SO_RCVBUF:
		return o.rcvbuf, 0
	case abi.SO_RCVLOWAT:
		return o.rcvlowat, 0
	case abi.SO_SNDLOWAT:
		return 1, 0
	case abi.SO_OOBINLINE:
		return truth(o.oobInline), 0
	case abi.SO_LINGER:
		return o.linger[0], 0
	case abi.SO_RCVTIMEO:
		return wholeSeconds(o.rcvtimeo), 0
	case abi.SO_SNDTIMEO:
		return wholeSeconds(o.sndtimeo), 0
	case abi.SO_PEERCRED:
		u.m.Read(u.id, fieldPeer)
		return int(u.peerPid), 0
	}
	for i, plain := range plainOptions {
		if plain == name {
			return truth(o.plain[i]), 0
		}
	}
	return 0, otherOption(u.m, "getsockopt", name, "unix")
}

// truth is C's idea of b.
func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func wholeSeconds(ns int64) int {
	if ns == sim.Forever {
		return 0
	}
	return int(ns / 1_000_000_000)
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
