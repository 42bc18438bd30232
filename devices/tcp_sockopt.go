package devices

import (
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

const (
	etimedout         = abi.ETIMEDOUT
	defaultSynRetries = 6 // net.ipv4.tcp_syn_retries
	synLinear         = 4 // net.ipv4.tcp_syn_linear_timeouts
)

// tcpTable are the options of SOL_TCP that are kept, or refused. Nothing is lost on the loopback, and a peer that has ended has
// said so: nothing ever waits for the time of a keepalive.
var tcpTable = tables(
	between(abi.TCP_KEEPIDLE, 7200, 1, 32767), between(abi.TCP_KEEPINTVL, 75, 1, 32767), between(abi.TCP_KEEPCNT, 9, 1, 127),
	between(abi.TCP_SYNCNT, defaultSynRetries, 1, 127), between(abi.TCP_USER_TIMEOUT, 0, 0, math.MaxInt32),
	between(abi.TCP_THIN_LINEAR_TIMEOUTS, 0, 0, 1), between(abi.TCP_INQ, 0, 0, 1), between(abi.TCP_SAVE_SYN, 0, 0, 2),
	between(abi.TCP_FASTOPEN_NO_COOKIE, 0, 0, 1), between(abi.TCP_FASTOPEN_CONNECT, 0, 0, 1).but(),
	between(abi.TCP_FASTOPEN, 0, 0, math.MaxInt32),
	row(optionRow{kind: forgotten, max: 1}, abi.TCP_THIN_DUPACK),
	between(abi.TCP_TX_DELAY, 0, 0, math.MaxInt32).but(),
	row(optionRow{max: 1, unset: true}, abi.TCP_REPAIR).but(),
	between(tcpRtoMaxMs, 120_000, 1000, 120_000),
	between(tcpRtoMinUs, 200_000, 8000, math.MaxInt32).but(), between(tcpDelackMaxUs, 200_000, 8000, math.MaxInt32).but(),
	numbers(abi.TCP_NOTSENT_LOWAT, abi.TCP_LINGER2, abi.TCP_DEFER_ACCEPT, abi.TCP_WINDOW_CLAMP),
	asked(0, abi.TCP_CC_INFO, abi.TCP_SAVED_SYN, tcpIsMptcp, abi.TCP_INFO),
	row(optionRow{def: 'b' | 'b'<<8 | 'r'<<16, set: abi.ENOENT}, abi.TCP_CONGESTION),
	refused(abi.ENOENT, 0, abi.TCP_ULP),
	refused(abi.EINVAL, 0, abi.TCP_FASTOPEN_KEY),
	refused(abi.EINVAL, abi.ENOPROTOOPT, abi.TCP_MD5SIG, abi.TCP_MD5SIG_EXT, abi.TCP_REPAIR_OPTIONS),
	refused(abi.EPERM, abi.EINVAL, abi.TCP_REPAIR_QUEUE, abi.TCP_REPAIR_WINDOW, abi.TCP_QUEUE_SEQ),
	refused(abi.ENOPROTOOPT, abi.EINVAL, abi.TCP_ZEROCOPY_RECEIVE),
	refused(abi.EPERM, 0, abi.TCP_TIMESTAMP),
)

// Options of SOL_TCP that are newer than their names in traces.
const (
	tcpIsMptcp     = 43
	tcpRtoMaxMs    = 44
	tcpRtoMinUs    = 45
	tcpDelackMaxUs = 46
)

var tcpLevels = inetLevels{abi.SOL_TCP, tcpTable, tcpIpTable, tcpIp6Table}

var tcpSocketTable = tables(socketTable,
	between(abi.SO_ZEROCOPY, 0, 0, 1),
	row(optionRow{def: 1, max: 1, unset: true}, abi.SO_TXREHASH),
	row(optionRow{def: -1, min: math.MinInt32, max: math.MaxInt32}, abi.SO_MAX_PACING_RATE).but(),
	refused(abi.EINVAL, abi.ENOPROTOOPT, soDevmemDontneed),
)

// options returns the options to look at.
func (t *Tcp) options() *sockOptions { return readOptions(t.m, t.id, &t.opts) }

func (t *Tcp) changeOptions() *sockOptions { return changeOptions(t.m, t.id, &t.opts) }
func (t *Tcp) machine() *sim.Machine       { return t.m }
func (t *Tcp) proto() string               { return "TCP" }

// kept is an option of tcpTable.
func (t *Tcp) kept(name int) int {
	return int(t.options().value(abi.SOL_TCP, name, tcpTable[name].def))
}

func (t *Tcp) keep(name, v int) {
	t.changeOptions().keep(keptOption{abi.SOL_TCP, int32(name), int32(v)})
}

func (t *Tcp) synRetries() int { return t.kept(abi.TCP_SYNCNT) }

// Setsockopt sets an option.
func (t *Tcp) Setsockopt(_ *vfs.File, level, name int, value OptionValue) abi.Errno {
	t.lockSock()
	defer t.releaseSock()
	switch level {
	case abi.SOL_SOCKET:
		return setSocketOption(t, tcpSocketTable, name, value)
	case abi.SOL_TCP:
		return t.setTcpOption(name, value.A)
	}
	return t.setInetOption(t, &tcpLevels, level, name, value.A)
}

// Getsockopt returns an option, of a struct the first int. SO_ERROR is cleared by asking.
func (t *Tcp) Getsockopt(_ *vfs.File, level, name int) (int, abi.Errno) {
	switch level {
	case abi.SOL_SOCKET:
		return socketOption(t, tcpSocketTable, name)
	case abi.SOL_TCP:
		return t.tcpOption(name)
	}
	return t.inetOption(t, &tcpLevels, level, name)
}

func (t *Tcp) setOwn(name, v int) bool {
	switch name {
	case abi.SO_SNDBUF:
		t.m.Write(t.id, fieldSndbuf)
		t.sndbuf = int32(v)
		t.writeSpace()
	case abi.SO_RCVBUF:
		t.rcvbuf = int32(v)
	case abi.SO_RCVLOWAT:
		t.setRcvlowat(v)
	default:
		return t.setReuse(name, v)
	}
	return true
}

func (t *Tcp) own(name int) (int, bool) {
	switch name {
	case abi.SO_TYPE:
		return abi.SOCK_STREAM, true
	case abi.SO_ERROR:
		return int(t.takeErr()), true
	case abi.SO_ACCEPTCONN:
		return truth(t.readState() == inetListen), true
	case abi.SO_SNDBUF:
		return int(t.sndbuf), true
	case abi.SO_RCVBUF:
		return int(t.rcvbuf), true
	case abi.SO_RCVLOWAT:
		return int(t.rcvlowat), true
	case abi.SO_MEMINFO:
		return int(t.rmem), true
	}
	return t.ownOption(name)
}

// setRcvlowat sets how much a reader wants, at most half the buffer, and tells him if so much is there. Models
// tcp_set_rcvlowat.
func (t *Tcp) setRcvlowat(v int) {
	locked := t.options().bufLock&rcvbufLock != 0
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
		t.keep(name, v)
		t.writeSpace()
	default:
		return t.setKept(name, v)
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

// tcpOption models do_tcp_getsockopt.
func (t *Tcp) tcpOption(name int) (int, abi.Errno) {
	switch name {
	case abi.TCP_NODELAY:
		return truth(t.nagle&nagleOff != 0), 0
	case abi.TCP_CORK:
		return truth(t.nagle&nagleCork != 0), 0
	case abi.TCP_QUICKACK:
		return truth(t.pingpong == 0), 0
	case abi.TCP_NOTSENT_LOWAT:
		return t.kept(name), 0
	case abi.TCP_MAXSEG:
		if t.userMss != 0 && (t.state == inetClose || t.state == inetListen) {
			return int(t.userMss), 0
		}
		return int(t.mss), 0
	case abi.TCP_INFO: // tcpi_state
		return int(t.readState()), 0
	}
	return t.keptOption(name)
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
	case abi.TIOCOUTQ, abi.SIOCOUTQNSD:
		switch state := t.readState(); {
		case state == inetListen:
			return 0, abi.EINVAL
		case state.in(inetSynSent, inetSynRecv):
			return 0, 0
		}
		t.m.Read(t.id, fieldSndNxt)
		if request == abi.SIOCOUTQNSD {
			return t.writeSeq - t.sndNxt, 0
		}
		return t.writeSeq - t.sndUna, 0
	}
	return 0, abi.ENOTTY
}
