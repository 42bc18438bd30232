package devices

import (
	"math"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// sockOptions are the options of a socket, of whatever kind. Most sockets change none and share those of the beginning.
type sockOptions struct {
	pairOptions
	shared       bool // copied before it is changed
	oobInline    bool
	bufLock      uint8  // SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK: the size of a buffer was asked for
	notsentLowat uint32 // of TCP
	rcvlowat     int32  // of others than TCP, which do not look at it but for unix streams
	rcvbuf       int32  // of unix sockets, without effect
	kept         []keptOption
}

// keptOption is an option of a table that is not as it was at the beginning.
type keptOption struct{ level, name, value int32 }

const (
	sndbufLock = 1
	rcvbufLock = 2
)

var defaultOptions = sockOptions{
	pairOptions: defaultPairOptions, shared: true, notsentLowat: math.MaxUint32, rcvlowat: 1, rcvbuf: defaultWmem,
}

// readOptions returns the options at a place to look at them; the socket id has them.
func readOptions(m *sim.Machine, id sim.ID, at **sockOptions) *sockOptions {
	m.Read(id, fieldOptions)
	return *at
}

// changeOptions returns the options at a place to change them; the socket id has them.
func changeOptions(m *sim.Machine, id sim.ID, at **sockOptions) *sockOptions {
	m.Write(id, fieldOptions)
	if (*at).shared {
		*at = (*at).copied()
	}
	return *at
}

// copied returns o for another socket.
func (o *sockOptions) copied() *sockOptions {
	c := *o
	c.shared, c.kept = false, slices.Clone(o.kept)
	return &c
}

// inherited is what an accepted socket has of its listener's options.
func (o *sockOptions) inherited() *sockOptions {
	if o.shared {
		return o
	}
	return o.copied()
}

// optioned is a socket whose options are set and asked for here: what differs from kind to kind.
type optioned interface {
	Socket
	machine() *sim.Machine
	options() *sockOptions
	changeOptions() *sockOptions
	// setOwn sets an option that the socket keeps elsewhere; false: it is none of those.
	setOwn(name, v int) bool
	// own returns such an option, or what is only asked for.
	own(name int) (v int, ok bool)
	// proto is how it is called in messages: TCP, UDP, unix.
	proto() string
}

// setSocketOption sets an option of SOL_SOCKET. Models sk_setsockopt.
func setSocketOption(s optioned, table optionTable, name int, value OptionValue) abi.Errno {
	v := value.A
	switch name {
	case abi.SO_LINGER:
		return s.changeOptions().setPair(name, value)
	case abi.SO_RCVTIMEO, abi.SO_RCVTIMEO_NEW:
		return s.changeOptions().setPair(abi.SO_RCVTIMEO, value)
	case abi.SO_SNDTIMEO, abi.SO_SNDTIMEO_NEW:
		return s.changeOptions().setPair(abi.SO_SNDTIMEO, value)
	case abi.SO_OOBINLINE:
		s.changeOptions().oobInline = v != 0
		return 0
	case abi.SO_SNDBUF, abi.SO_SNDBUFFORCE:
		s.changeOptions().bufLock |= sndbufLock
		s.setOwn(abi.SO_SNDBUF, int(max(sizeAsked(v, name == abi.SO_SNDBUFFORCE), minSndbuf)))
		return 0
	case abi.SO_RCVBUF, abi.SO_RCVBUFFORCE:
		s.changeOptions().bufLock |= rcvbufLock
		s.setOwn(abi.SO_RCVBUF, int(max(sizeAsked(v, name == abi.SO_RCVBUFFORCE), minRcvbuf)))
		return 0
	case abi.SO_RCVLOWAT:
		if v < 0 {
			v = math.MaxInt32
		}
		s.setOwn(name, max(v, 1))
		return 0
	case abi.SO_BUF_LOCK:
		if v&^(sndbufLock|rcvbufLock) != 0 {
			return abi.EINVAL
		}
		s.changeOptions().bufLock = uint8(v)
		return 0
	case abi.SO_BINDTODEVICE:
		switch {
		case v&0xff == 0: // an empty name
			return 0
		case v != 'l'|'o'<<8:
			return abi.ENODEV
		}
	}
	if s.setOwn(name, v) {
		return 0
	}
	return setTabled(s, table, abi.SOL_SOCKET, name, v)
}

// sizeAsked is what the kernel makes of a wish for a buffer; forced: without the limit.
func sizeAsked(wish int, forced bool) int32 {
	if forced {
		return int32(max(min(wish, math.MaxInt32/2), 0)) * 2
	}
	return bufferSize(wish)
}

// bufferSize is what the kernel makes of a wish: at most the limit, and twice that.
func bufferSize(wish int) int32 { return int32(min(uint32(wish), maxSocketBuffer)) * 2 }

// socketOption returns an option of SOL_SOCKET, of a struct the first int. Models sk_getsockopt.
func socketOption(s optioned, table optionTable, name int) (int, abi.Errno) {
	o := s.options()
	switch name {
	case abi.SO_LINGER:
		return o.linger[0], 0
	case abi.SO_RCVTIMEO, abi.SO_RCVTIMEO_NEW:
		return wholeSeconds(o.rcvtimeo), 0
	case abi.SO_SNDTIMEO, abi.SO_SNDTIMEO_NEW:
		return wholeSeconds(o.sndtimeo), 0
	case abi.SO_OOBINLINE:
		return truth(o.oobInline), 0
	case abi.SO_BUF_LOCK:
		return int(o.bufLock), 0
	case abi.SO_PEERNAME:
		return peerNameOption(s)
	}
	if v, ok := s.own(name); ok {
		return v, 0
	}
	return tabled(s, table, abi.SOL_SOCKET, name)
}

// peerNameOption is the beginning of the address of the peer: its family, and the port or two letters.
func peerNameOption(s optioned) (int, abi.Errno) {
	a, errno := s.Peername(nil)
	switch {
	case errno != 0:
		return 0, abi.ENOTCONN
	case a.Len() < 4:
		return 0, abi.EINVAL
	case a.Family == abi.AF_UNIX:
		return 0, notModelled(s.machine(), "getsockopt SO_PEERNAME of a unix socket")
	}
	port := int32(a.Inet.Port())
	return int(int32(a.Family) | (port>>8|port&0xff<<8)<<16), 0
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
