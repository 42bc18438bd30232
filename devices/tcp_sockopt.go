package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

const (
	etimedout         = abi.ETIMEDOUT
	defaultSynRetries = 6 // net.ipv4.tcp_syn_retries
	synLinear         = 4 // net.ipv4.tcp_syn_linear_timeouts
)

// tcpOptions are the options of a socket that has changed one.
type tcpOptions struct {
	pairOptions
	oobInline                  bool
	sndbufLocked, rcvbufLocked bool
	notsentLowat               uint32
	plain                      [len(tcpPlainOptions)]int32
	plainTcp                   [len(tcpPlainTcpOptions)]int32
}

// plainOption is an option that is kept and does nothing on the loopback.
type plainOption struct {
	name          int
	bool          bool
	def, min, max int32
}

var tcpPlainOptions = [...]plainOption{
	{abi.SO_KEEPALIVE, true, 0, 0, 0}, {abi.SO_BROADCAST, true, 0, 0, 0}, {abi.SO_DONTROUTE, true, 0, 0, 0}, {abi.SO_DEBUG, true, 0, 0, 0},
	{abi.SO_PRIORITY, false, 0, math.MinInt32, math.MaxInt32}, {abi.SO_MARK, false, 0, math.MinInt32, math.MaxInt32},
	{abi.SO_ZEROCOPY, true, 0, 0, 0}, {abi.SO_BUSY_POLL, false, 0, 0, math.MaxInt32}, {abi.SO_INCOMING_CPU, false, -1, math.MinInt32, math.MaxInt32},
}

var tcpPlainTcpOptions = [...]plainOption{
	{abi.TCP_KEEPIDLE, false, 7200, 1, 32767}, {abi.TCP_KEEPINTVL, false, 75, 1, 32767}, {abi.TCP_KEEPCNT, false, 9, 1, 127},
	{abi.TCP_SYNCNT, false, defaultSynRetries, 1, 127}, {abi.TCP_USER_TIMEOUT, false, 0, 0, math.MaxInt32},
	{abi.TCP_DEFER_ACCEPT, false, 0, 0, 0},
}

const plainSyncnt = 3

var defaultTcpOptions = newDefaultTcpOptions()

func newDefaultTcpOptions() (o tcpOptions) {
	o.pairOptions, o.notsentLowat = defaultPairOptions, math.MaxUint32
	for i, p := range tcpPlainOptions {
		o.plain[i] = p.def
	}
	for i, p := range tcpPlainTcpOptions {
		o.plainTcp[i] = p.def
	}
	return o
}

// options returns the options to look at.
func (t *Tcp) options() *tcpOptions {
	t.m.Read(t.id, fieldOptions)
	return t.opts
}

// changeOptions returns the options to change.
func (t *Tcp) changeOptions() *tcpOptions {
	t.m.Write(t.id, fieldOptions)
	if t.opts == &defaultTcpOptions {
		o := defaultTcpOptions
		t.opts = &o
	}
	return t.opts
}

func (t *Tcp) synRetries() int { return int(t.options().plainTcp[plainSyncnt]) }

// Setsockopt sets an option of SOL_SOCKET, SOL_TCP, or SOL_IPV6.
func (t *Tcp) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	t.lockSock()
	defer t.releaseSock()
	switch level {
	case abi.SOL_SOCKET:
		return t.setSocketOption(name, value)
	case abi.SOL_TCP:
		return t.setTcpOption(name, value.A)
	}
	return t.setInetOption(level, name, value.A)
}

// setSocketOption models sk_setsockopt as far as TCP cares.
func (t *Tcp) setSocketOption(name int, value OptionValue) abi.Errno {
	switch v := value.A; name {
	case abi.SO_TYPE, abi.SO_PROTOCOL, abi.SO_DOMAIN, abi.SO_ERROR, abi.SO_SNDLOWAT, abi.SO_ACCEPTCONN, abi.SO_PEERCRED:
		return abi.ENOPROTOOPT
	case abi.SO_REUSEADDR:
		t.reuse = v != 0
	case abi.SO_REUSEPORT:
		t.reuseport = v != 0
	case abi.SO_SNDBUF:
		t.changeOptions().sndbufLocked = true
		t.m.Write(t.id, fieldSndbuf)
		t.sndbuf = max(bufferSize(v), minSndbuf)
		t.writeSpace()
	case abi.SO_RCVBUF:
		t.changeOptions().rcvbufLocked = true
		t.rcvbuf = max(bufferSize(v), minRcvbuf)
	case abi.SO_RCVLOWAT:
		t.setRcvlowat(v)
	case abi.SO_OOBINLINE:
		t.changeOptions().oobInline = v != 0
	case abi.SO_LINGER, abi.SO_RCVTIMEO, abi.SO_SNDTIMEO:
		return t.changeOptions().setPair(name, value)
	default:
		for i, p := range tcpPlainOptions {
			if p.name == name {
				return p.set(&t.changeOptions().plain[i], v)
			}
		}
		return otherOption(t.m, "setsockopt", name, "TCP")
	}
	return 0
}

// set stores a value, EINVAL if it is out of range.
func (p *plainOption) set(at *int32, v int) abi.Errno {
	if p.bool {
		*at = int32(truth(v != 0))
		return 0
	}
	if v < int(p.min) || v > int(p.max) {
		return abi.EINVAL
	}
	*at = int32(v)
	return 0
}

// setRcvlowat sets how much a reader wants, at most half the buffer, and tells him if so much is there. Models
// tcp_set_rcvlowat.
func (t *Tcp) setRcvlowat(v int) {
	if v < 0 {
		v = math.MaxInt32
	}
	locked := t.options().rcvbufLocked
	most := tcpRmemMax >> 1
	if locked {
		most = int(t.rcvbuf >> 1)
	}
	t.m.Write(t.id, fieldLowat)
	t.rcvlowat = int32(max(min(v, most), 1))
	t.dataReady()
	if space := int64(min(v, most)) << 8 / int64(t.ratio); !locked && space > int64(t.rcvbuf) {
		t.rcvbuf = int32(min(space, math.MaxInt32))
		if t.windowClamp > 0 && t.windowClamp < int64(min(v, most)) {
			t.windowClamp = int64(min(v, most))
		}
	}
}

// setTcpOption models do_tcp_setsockopt.
func (t *Tcp) setTcpOption(name, v int) abi.Errno {
	switch name {
	case abi.TCP_NODELAY:
		t.nagle &^= nagleOff
		if v != 0 {
			t.nagle |= nagleOff | naglePush
			t.pushIfAny()
		}
	case abi.TCP_CORK:
		if v != 0 {
			t.nagle |= nagleCork
			return 0
		}
		t.nagle &^= nagleCork
		if t.nagle&nagleOff != 0 {
			t.nagle |= naglePush
		}
		t.pushIfAny()
	case abi.TCP_QUICKACK:
		t.setQuickack(v)
	case abi.TCP_NOTSENT_LOWAT:
		t.changeOptions().notsentLowat = uint32(v)
		if v == 0 {
			t.changeOptions().notsentLowat = math.MaxUint32
		}
		t.writeSpace()
	default:
		for i, p := range tcpPlainTcpOptions {
			if p.name == name && name != abi.TCP_DEFER_ACCEPT {
				return p.set(&t.changeOptions().plainTcp[i], v)
			}
		}
		return notModelled(t.m, "setsockopt %s", abi.Enum("TCP", int64(name)))
	}
	return 0
}

// pushIfAny sends what Nagle's algorithm has kept: tcp_push_pending_frames.
func (t *Tcp) pushIfAny() {
	if t.writeQueue.first != nil {
		t.pushPending(t.nagle)
	}
}

// setQuickack models __tcp_sock_set_quickack.
func (t *Tcp) setQuickack(v int) {
	if v == 0 {
		t.pingpong = max(t.pingpong, 1)
		return
	}
	t.pingpong = 0
	if t.state.in(inetEstablished, inetCloseWait) && t.ackPending&ackSched != 0 {
		t.ackPending |= ackPushed
		t.cleanupRbuf(1)
		if v&1 == 0 {
			t.pingpong = 1
		}
	}
}

// setInetOption knows IPV6_V6ONLY.
func (t *Tcp) setInetOption(level, name, v int) abi.Errno {
	switch {
	case level == abi.SOL_IPV6 && t.family != abi.AF_INET6:
		return abi.ENOPROTOOPT
	case level == abi.SOL_IPV6 && name == abi.IPV6_V6ONLY:
		if t.port != nil {
			return abi.EINVAL
		}
		t.v6only = v != 0
		return 0
	case level == abi.SOL_IP || level == abi.SOL_IPV6:
		return notModelled(t.m, "setsockopt %s of a TCP socket", abi.Enum(map[int]string{abi.SOL_IP: "IP", abi.SOL_IPV6: "IPV6"}[level], int64(name)))
	}
	return abi.ENOPROTOOPT
}

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking.
func (t *Tcp) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	switch level {
	case abi.SOL_SOCKET:
		return t.socketOption(name)
	case abi.SOL_TCP:
		return t.tcpOption(name)
	case abi.SOL_IPV6:
		if t.family == abi.AF_INET6 && name == abi.IPV6_V6ONLY {
			return truth(t.v6only), 0
		}
		if t.family != abi.AF_INET6 {
			return 0, abi.EOPNOTSUPP
		}
		return 0, notModelled(t.m, "getsockopt %s of a TCP socket", abi.Enum("IPV6", int64(name)))
	case abi.SOL_IP:
		return 0, notModelled(t.m, "getsockopt %s of a TCP socket", abi.Enum("IP", int64(name)))
	}
	return 0, abi.EOPNOTSUPP
}

// socketOption models sk_getsockopt.
func (t *Tcp) socketOption(name int) (int, abi.Errno) {
	o := t.options()
	switch name {
	case abi.SO_TYPE:
		return abi.SOCK_STREAM, 0
	case abi.SO_DOMAIN:
		return int(t.family), 0
	case abi.SO_PROTOCOL:
		return abi.IPPROTO_TCP, 0
	case abi.SO_ERROR:
		return int(t.takeErr()), 0
	case abi.SO_ACCEPTCONN:
		return truth(t.readState() == inetListen), 0
	case abi.SO_REUSEADDR:
		return truth(t.reuse), 0
	case abi.SO_REUSEPORT:
		return truth(t.reuseport), 0
	case abi.SO_SNDBUF:
		return int(t.sndbuf), 0
	case abi.SO_RCVBUF:
		return int(t.rcvbuf), 0
	case abi.SO_RCVLOWAT:
		return int(t.rcvlowat), 0
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
	}
	for i, p := range tcpPlainOptions {
		if p.name == name {
			return int(o.plain[i]), 0
		}
	}
	return 0, otherOption(t.m, "getsockopt", name, "TCP")
}

// tcpOption models do_tcp_getsockopt.
func (t *Tcp) tcpOption(name int) (int, abi.Errno) {
	o := t.options()
	switch name {
	case abi.TCP_NODELAY:
		return truth(t.nagle&nagleOff != 0), 0
	case abi.TCP_CORK:
		return truth(t.nagle&nagleCork != 0), 0
	case abi.TCP_QUICKACK:
		return truth(t.pingpong == 0), 0
	case abi.TCP_NOTSENT_LOWAT:
		if o.notsentLowat == math.MaxUint32 {
			return 0, 0
		}
		return int(o.notsentLowat), 0
	case abi.TCP_MAXSEG:
		return int(t.mss), 0
	case abi.TCP_INFO: // tcpi_state
		return int(t.readState()), 0
	}
	for i, p := range tcpPlainTcpOptions {
		if p.name == name {
			return int(o.plainTcp[i]), 0
		}
	}
	return 0, notModelled(t.m, "getsockopt %s", abi.Enum("TCP", int64(name)))
}

// Ioctl knows FIONREAD, what can be read before the urgent byte; SIOCOUTQ, what is not acknowledged; SIOCOUTQNSD, what is
// not sent; and SIOCATMARK. Models tcp_ioctl.
func (t *Tcp) Ioctl(_ *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	switch request {
	case abi.FIONREAD:
		if t.readState() == inetListen {
			return 0, abi.EINVAL
		}
		t.lockSock()
		n := t.unread()
		t.releaseSock()
		return n, 0
	case abi.SIOCATMARK:
		t.m.Read(t.id, fieldUrg)
		return int64(truth(t.urgData != 0 && t.urgSeq == t.copiedSeq)), 0
	case abi.TIOCOUTQ:
		switch state := t.readState(); {
		case state == inetListen:
			return 0, abi.EINVAL
		case state.in(inetSynSent, inetSynRecv):
			return 0, 0
		}
		t.m.Read(t.id, fieldSndNxt)
		return t.writeSeq - t.sndUna, 0
	}
	return 0, abi.ENOTTY
}
