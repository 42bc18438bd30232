package devices

import (
	"time"

	"github.com/epollsim/epollsim/abi"
)

// The options of TCP that set limits: how long a segment is, how far the window opens, how long a connection without a
// description lives, how long one without data is kept from its listener.

const (
	maxTcpWindow  = 32767
	minTcpWindow  = minRcvbuf / 2
	finTimeout    = 60 // s: net.ipv4.tcp_fin_timeout
	maxFinTimeout = 120
	maxBacklog    = 4096 // net.core.somaxconn
)

// setKept sets an option of tcpTable: the rest of do_tcp_setsockopt.
func (t *Tcp) setKept(name, v int) abi.Errno {
	switch name {
	case abi.TCP_MAXSEG:
		if v != 0 && (v < tcpMssMin || v > maxTcpWindow) {
			return abi.EINVAL
		}
		t.userMss = int32(v)
		return 0
	case abi.TCP_LINGER2:
		switch {
		case v < 0:
			v = -1
		case v > maxFinTimeout:
			v = maxFinTimeout
		}
		t.keep(name, v)
		return 0
	case abi.TCP_DEFER_ACCEPT:
		t.keep(name, retriesFor(v))
		return 0
	case abi.TCP_WINDOW_CLAMP:
		return t.setWindowClamp(int64(v))
	case abi.TCP_QUEUE_SEQ:
		if t.state == inetClose {
			return abi.EINVAL
		}
	case abi.TCP_REPAIR:
		if t.state == inetListen {
			return abi.EPERM
		}
	case abi.TCP_FASTOPEN:
		if v < 0 || t.state != inetClose && t.state != inetListen {
			return abi.EINVAL
		}
		v = min(v, maxBacklog)
	case abi.TCP_FASTOPEN_CONNECT:
		if t.state != inetClose {
			return abi.EINVAL
		}
	case abi.TCP_FASTOPEN_NO_COOKIE:
		if t.state != inetClose && t.state != inetListen {
			return abi.EINVAL
		}
	case tcpRtoMinUs, tcpDelackMaxUs:
		v = (v + 3999) / 4000 * 4000
	}
	return setTabled(t, tcpTable, abi.SOL_TCP, name, v)
}

// keptOption returns an option of tcpTable: the rest of do_tcp_getsockopt.
func (t *Tcp) keptOption(name int) (int, abi.Errno) {
	switch name {
	case abi.TCP_LINGER2:
		if v := t.kept(name); v != 0 {
			return v, 0
		}
		return finTimeout, 0
	case abi.TCP_DEFER_ACCEPT:
		return secondsOf(t.kept(name)), 0
	case abi.TCP_WINDOW_CLAMP:
		return int(t.windowClamp), 0
	case abi.TCP_TIMESTAMP:
		return 0, notModelled(t.m, "getsockopt TCP_TIMESTAMP")
	}
	return tabled(t, tcpTable, abi.SOL_TCP, name)
}

// defers reports whether a child waits for data, because its listener wants none without: TCP_DEFER_ACCEPT. Now and then
// it sends its SYN-ACK again, and what the client answers to the last one is enough. Models that part of tcp_check_req.
func (t *Tcp) defers(parent *Tcp) bool {
	limit := parent.kept(abi.TCP_DEFER_ACCEPT)
	if limit == 0 || t.timersOf().retries >= limit {
		return false
	}
	t.startWriteTimer(synTimeout)
	return true
}

// deferTimer is the end of such a wait. Models reqsk_timer_handler.
func (t *Tcp) deferTimer(tm *tcpTimers) {
	if tm.retries++; tm.retries >= t.parent.kept(abi.TCP_DEFER_ACCEPT) {
		t.sendSynAck()
	}
	tm.backoff = min(2*tm.backoff, maxSynPause*int64(time.Second))
}

// retriesFor is how many times a SYN-ACK is sent in so many seconds, with pauses that grow: secs_to_retrans.
func retriesFor(seconds int) int {
	if seconds <= 0 {
		return 0
	}
	n, pause, period := 1, 1, 1
	for seconds > period && n < 255 {
		n++
		pause = min(2*pause, maxSynPause)
		period += pause
	}
	return n
}

// secondsOf is how long so many of them take: retrans_to_secs.
func secondsOf(n int) int {
	pause, period := 1, 0
	for i := range n {
		if i > 0 {
			pause = min(2*pause, maxSynPause)
		}
		period += pause
	}
	return period
}

const maxSynPause = 120 // s: TCP_RTO_MAX

// setWindowClamp limits how far the window opens: tcp_set_window_clamp.
func (t *Tcp) setWindowClamp(v int64) abi.Errno {
	if v == 0 {
		if t.state != inetClose {
			return abi.EINVAL
		}
		t.windowClamp = 0
		return 0
	}
	t.clampWindow(v)
	return 0
}

// clampWindow is the rest of that.
func (t *Tcp) clampWindow(v int64) {
	old := t.windowClamp
	t.windowClamp = max(v, minTcpWindow)
	switch {
	case t.windowClamp < old:
		t.rcvSsthresh = min(t.rcvSsthresh, t.windowClamp)
	case t.windowClamp > old:
		t.rcvSsthresh = max(t.rcvSsthresh, min(t.rcvWnd, t.windowClamp))
	}
}

// advMss is how long the segments are that the peer may send, as this side has told it.
func (t *Tcp) advMss() int64 {
	if asked := int64(t.userMss); asked > 0 && asked < t.fullMss()+timestamps {
		return asked - timestamps
	}
	return t.fullMss()
}

const timestamps = 12 // bytes of a header

// agreedMss is how long segments are: as long as the loopback carries them, or as TCP_MAXSEG of either side said.
func (t *Tcp) agreedMss() int64 {
	if p := t.peer; p != nil {
		return min(t.advMss(), p.advMss())
	}
	return t.advMss()
}

// finTime is how long a connection waits for the FIN of the peer when nobody has it any more (ns), negative: not at all.
// Models tcp_fin_time.
func (t *Tcp) finTime() int64 {
	v := t.kept(abi.TCP_LINGER2)
	if v == 0 {
		v = finTimeout
	}
	return int64(v) * int64(time.Second)
}
