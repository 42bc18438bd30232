package devices

import "time"

// When data is acknowledged. The first segments are at once; once both sides talk (pingpong), or the quick ones are used up,
// an ACK waits for data to ride on, for a read that empties the queue, or for the timer. That a second small write stays
// unsent until then is what Nagle's algorithm makes of it.

// Flags of ackPending, icsk_ack.pending.
const (
	ackSched   = 1
	ackTimer   = 2
	ackPushed  = 4
	ackPushed2 = 8
	ackNow     = 16
)

const (
	maxQuickAcks = 16
	atoMin       = int64(40 * time.Millisecond) // TCP_ATO_MIN, TCP_DELACK_MIN
	delackMax    = int64(200 * time.Millisecond)
	tcpRtoMin    = int64(200 * time.Millisecond)
)

// ackSent: an acknowledgement goes out, alone or with data. Models tcp_event_ack_sent.
func (t *Tcp) ackSent() {
	if t.quick > 0 && t.ackPending&ackSched != 0 {
		if t.quick--; t.quick == 0 {
			t.ato = atoMin
		}
	}
	t.ackPending = 0
	t.stopDelack()
}

// dataSent: data goes out; soon after some came it is an answer. Models tcp_event_data_sent.
func (t *Tcp) dataSent() {
	if t.m.Now()-t.lrcvtime < t.ato && t.pingpong < 255 {
		t.pingpong++
	}
}

// quickack: acknowledge at once. Models tcp_in_quickack_mode.
func (t *Tcp) quickack() bool { return t.quick > 0 && t.pingpong == 0 }

// incrQuickack models tcp_incr_quickack.
func (t *Tcp) incrQuickack() {
	n := t.rcvWnd / int64(2*t.rcvMss)
	if n == 0 {
		n = 2
	}
	t.quick = max(t.quick, uint8(min(n, maxQuickAcks)))
}

// dataReceived keeps account of what comes, and how fast. Models tcp_event_data_recv.
func (t *Tcp) dataReceived(s *tcpSkb) {
	t.ackPending |= ackSched
	if t.rcvq == nil {
		t.startSpace()
	}
	t.measureRcvMss(s)
	t.measureRtt()
	now := t.m.Now()
	if t.ato == 0 {
		t.incrQuickack()
		t.ato = atoMin
	} else {
		switch gap := now - t.lrcvtime; {
		case gap <= atoMin/2:
			t.ato = t.ato>>1 + atoMin/2
		case gap < t.ato:
			t.ato = min(t.ato>>1+gap, tcpRtoMin)
		case gap > tcpRtoMin:
			t.incrQuickack()
		}
	}
	t.lrcvtime = now
	if s.len() >= 128 {
		t.growWindow(s)
	}
}

// measureRcvMss estimates how large the peer's segments are, and how much memory their bytes take. Models
// tcp_measure_rcv_mss.
func (t *Tcp) measureRcvMss(s *tcpSkb) {
	last := t.lastSegSize
	t.lastSegSize = 0
	n := s.mss()
	if n >= t.rcvMss {
		if n != t.rcvMss {
			t.setRatio(s)
		}
		t.rcvMss = min(n, int32(t.advMss()))
		if s.psh {
			t.ackPending |= ackPushed
		}
		return
	}
	const header = 32 // with timestamps
	if n+header >= tcpMssDefault+20 || n+header >= tcpMssMin+20 && !s.psh && !s.fin {
		t.lastSegSize = n
		if n == last {
			t.rcvMss = n
			return
		}
	}
	if t.ackPending&ackPushed != 0 {
		t.ackPending |= ackPushed2
	}
	t.ackPending |= ackPushed
}

// ackSndCheck acknowledges what came, now or later: tcp_ack_snd_check.
func (t *Tcp) ackSndCheck() {
	if t.ackPending&ackSched == 0 {
		return
	}
	much := t.rcvNxt-t.rcvWup > int64(t.rcvMss) && (t.rcvNxt-t.copiedSeq < int64(t.rcvlowat) || t.selectWindowSize() >= t.rcvWnd)
	if !much && !t.quickack() && t.ackPending&ackNow == 0 {
		t.sendDelayedAck()
		return
	}
	if t.owned {
		t.deferred |= deferAck
		return
	}
	t.sendAck()
}

// sendDelayedAck starts the timer: tcp_send_delayed_ack. The first one comes at the next tick.
func (t *Tcp) sendDelayedAck() {
	ato := min(t.ato, delackMax)
	if ato > atoMin {
		ato = atoMin // the way is short
	}
	timers := t.timersOf()
	expiry := t.m.Now() + ato + tick
	if t.ackPending&ackTimer != 0 {
		if timers.delack.Expiry() <= t.m.Now()+ato>>2 {
			t.sendAck()
			return
		}
		expiry = min(expiry, timers.delack.Expiry())
	}
	t.ackPending |= ackSched | ackTimer
	timers.delack.Start(expiry)
}

// delackTimer is the end of that wait: tcp_delack_timer_handler.
func (t *Tcp) delackTimer() {
	if t.state == inetClose || t.state == inetListen || t.ackPending&ackTimer == 0 {
		return
	}
	t.ackPending &^= ackTimer
	if t.ackPending&ackSched == 0 {
		return
	}
	if t.pingpong == 0 {
		t.ato = min(t.ato<<1, tcpRtoMin)
	} else {
		t.pingpong, t.ato = 0, atoMin
	}
	t.sendAck()
}

// cleanupRbuf acknowledges what was read, if that is due or makes much more room. Models tcp_cleanup_rbuf.
func (t *Tcp) cleanupRbuf(copied int) {
	ack := false
	if t.ackPending&ackSched != 0 {
		pushed := t.ackPending&ackPushed2 != 0 || t.ackPending&ackPushed != 0 && t.pingpong == 0
		ack = t.rcvNxt-t.rcvWup > int64(t.rcvMss) || copied > 0 && pushed && t.rmem == 0
	}
	if copied > 0 && !ack && t.shutdown&rcvShutdown == 0 {
		now := t.receiveWindow()
		if 2*now <= t.windowClamp {
			size := t.selectWindowSize()
			ack = size > 0 && size >= 2*now
		}
	}
	if ack {
		t.sendAck()
	}
}
