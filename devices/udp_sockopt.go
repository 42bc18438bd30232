package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// udpOptions are the options that do not stand elsewhere.
type udpOptions struct {
	pairOptions
	rcvlowat  int // kept; datagrams do not look at it
	oobInline bool
	plain     [len(plainUdpOptions)]bool
}

// plainUdpOptions are kept and do nothing on these sockets.
var plainUdpOptions = [...]int{abi.SO_KEEPALIVE, abi.SO_BROADCAST, abi.SO_DONTROUTE}

var defaultUdpOptions = udpOptions{pairOptions: defaultPairOptions, rcvlowat: 1}

// Setsockopt sets an option of SOL_SOCKET, or IPV6_V6ONLY. A new SO_SNDBUF wakes who waits to write. Models sk_setsockopt
// and udp_lib_setsockopt.
func (u *Udp) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	if level != abi.SOL_SOCKET {
		return u.setOther(level, name, value.A)
	}
	u.lock.Lock()
	defer u.lock.Unlock()
	switch v := value.A; name {
	case abi.SO_TYPE, abi.SO_PROTOCOL, abi.SO_DOMAIN, abi.SO_ERROR, abi.SO_SNDLOWAT, abi.SO_ACCEPTCONN, abi.SO_PEERCRED:
		return abi.ENOPROTOOPT
	case abi.SO_REUSEADDR:
		u.reuse = v != 0
	case abi.SO_REUSEPORT:
		u.reuseport = v != 0
	case abi.SO_SNDBUF:
		u.m.Write(u.id, fieldSndbuf)
		u.sndbuf = max(bufferSize(v), minSndbuf)
		u.writeSpace()
	case abi.SO_RCVBUF:
		u.rcvbuf = max(bufferSize(v), minRcvbuf)
		u.threshold = u.rcvbuf / 4
	case abi.SO_RCVLOWAT:
		if v < 0 {
			v = math.MaxInt32
		}
		u.opts.rcvlowat = max(v, 1)
	case abi.SO_OOBINLINE:
		u.opts.oobInline = v != 0
	case abi.SO_LINGER, abi.SO_RCVTIMEO, abi.SO_SNDTIMEO:
		return u.opts.setPair(name, value)
	default:
		for i, plain := range plainUdpOptions {
			if plain == name {
				u.opts.plain[i] = v != 0
				return 0
			}
		}
		return otherOption(u.m, "setsockopt", name, "UDP")
	}
	return 0
}

// setOther sets an option of another level.
func (u *Udp) setOther(level, name, v int) abi.Errno {
	if level == abi.IPPROTO_IPV6 && u.family == abi.AF_INET6 && name == abi.IPV6_V6ONLY {
		u.lock.Lock()
		defer u.lock.Unlock()
		if u.port != nil {
			return abi.EINVAL
		}
		u.v6only = v != 0
		return 0
	}
	if !udpLevel(level) {
		return abi.ENOPROTOOPT
	}
	return notModelled(u.m, "setsockopt of level %d and option %d of a UDP socket", level, name)
}

// udpLevel reports whether there are options of a level, which are not modelled.
func udpLevel(level int) bool {
	return level == abi.IPPROTO_IP || level == abi.IPPROTO_IPV6 || level == abi.IPPROTO_UDP
}

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking. Models sk_getsockopt.
func (u *Udp) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	if level == abi.IPPROTO_IPV6 && u.family == abi.AF_INET6 && name == abi.IPV6_V6ONLY {
		return truth(u.v6only), 0
	}
	if level != abi.SOL_SOCKET && !udpLevel(level) {
		return 0, abi.ENOPROTOOPT
	}
	if level != abi.SOL_SOCKET {
		return 0, notModelled(u.m, "getsockopt of level %d and option %d of a UDP socket", level, name)
	}
	switch name {
	case abi.SO_TYPE:
		return abi.SOCK_DGRAM, 0
	case abi.SO_DOMAIN:
		return int(u.family), 0
	case abi.SO_PROTOCOL:
		return abi.IPPROTO_UDP, 0
	case abi.SO_ERROR:
		return int(u.takeErr()), 0
	case abi.SO_ACCEPTCONN, abi.SO_PEERCRED:
		return 0, 0
	case abi.SO_REUSEADDR:
		return truth(u.reuse), 0
	case abi.SO_REUSEPORT:
		return truth(u.reuseport), 0
	case abi.SO_SNDBUF:
		return int(u.sndbuf), 0
	case abi.SO_RCVBUF:
		return int(u.rcvbuf), 0
	case abi.SO_RCVLOWAT:
		return u.opts.rcvlowat, 0
	case abi.SO_SNDLOWAT:
		return 1, 0
	case abi.SO_OOBINLINE:
		return truth(u.opts.oobInline), 0
	case abi.SO_LINGER:
		return u.opts.linger[0], 0
	case abi.SO_RCVTIMEO:
		return wholeSeconds(u.opts.rcvtimeo), 0
	case abi.SO_SNDTIMEO:
		return wholeSeconds(u.opts.sndtimeo), 0
	}
	for i, plain := range plainUdpOptions {
		if plain == name {
			return truth(u.opts.plain[i]), 0
		}
	}
	return 0, otherOption(u.m, "getsockopt", name, "UDP")
}

// Ioctl knows FIONREAD, the size of the first datagram, and TIOCOUTQ, what is on its way. Models udp_ioctl.
func (u *Udp) Ioctl(_ *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	switch request {
	case abi.FIONREAD:
		return int64(max(u.firstLength(), 0)), 0
	case abi.TIOCOUTQ:
		u.m.Read(u.id, fieldWmem)
		return int64(u.wmem), 0
	}
	return 0, abi.ENOTTY
}
