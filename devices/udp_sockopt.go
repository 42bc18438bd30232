package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Options of SOL_UDP.
const (
	udpCork          = 1
	udpliteSendCscov = 10
	udpliteRecvCscov = 11
	udpEncap         = 100
	udpNoCheck6Tx    = 101
	udpNoCheck6Rx    = 102
	udpSegment       = 103
	udpGro           = 104
	udpEncapEspinudp = 2 // a value of udpEncap
)

var udpTable = tables(
	flags(udpCork, udpGro).but(),
	flags(udpNoCheck6Tx, udpNoCheck6Rx),
	between(udpSegment, 0, 0, math.MaxUint16).but(),
	between(udpEncap, 0, math.MinInt32, math.MaxInt32).but(),
	asked(0, udpliteSendCscov, udpliteRecvCscov),
)

var udpLevels = inetLevels{abi.SOL_UDP, udpTable, udpIpTable, udpIp6Table}

var udpSocketTable = tables(socketTable, between(abi.SO_ZEROCOPY, 0, 0, 1))

// options returns the options to look at.
func (u *Udp) options() *sockOptions { return readOptions(u.m, u.id, &u.opts) }

func (u *Udp) changeOptions() *sockOptions { return changeOptions(u.m, u.id, &u.opts) }
func (u *Udp) machine() *sim.Machine       { return u.m }
func (u *Udp) proto() string               { return "UDP" }

// Setsockopt sets an option. A new SO_SNDBUF wakes who waits to write. Models sk_setsockopt and udp_lib_setsockopt.
func (u *Udp) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	u.lock.Lock()
	defer u.lock.Unlock()
	switch {
	case level == abi.SOL_SOCKET:
		return setSocketOption(u, udpSocketTable, name, value)
	case level == abi.SOL_UDP && name == udpEncap && value.A != 0 && value.A != udpEncapEspinudp:
		return abi.ENOPROTOOPT
	}
	return u.setInetOption(u, &udpLevels, level, name, value.A)
}

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking. Models sk_getsockopt.
func (u *Udp) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	if level == abi.SOL_SOCKET {
		return socketOption(u, udpSocketTable, name)
	}
	return u.inetOption(u, &udpLevels, level, name)
}

func (u *Udp) setOwn(name, v int) bool {
	switch name {
	case abi.SO_SNDBUF:
		u.m.Write(u.id, fieldSndbuf)
		u.sndbuf = int32(v)
		u.writeSpace()
	case abi.SO_RCVBUF:
		u.rcvbuf = int32(v)
		u.threshold = u.rcvbuf / 4
	case abi.SO_RCVLOWAT:
		u.changeOptions().rcvlowat = int32(v)
	default:
		return u.setReuse(name, v)
	}
	return true
}

func (u *Udp) own(name int) (int, bool) {
	switch name {
	case abi.SO_TYPE:
		return abi.SOCK_DGRAM, true
	case abi.SO_ERROR:
		return int(u.takeErr()), true
	case abi.SO_ACCEPTCONN:
		return 0, true
	case abi.SO_SNDBUF:
		return int(u.sndbuf), true
	case abi.SO_RCVBUF:
		return int(u.rcvbuf), true
	case abi.SO_RCVLOWAT:
		return int(u.options().rcvlowat), true
	case abi.SO_MEMINFO:
		return int(u.rmem), true
	}
	return u.ownOption(name)
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
