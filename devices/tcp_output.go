package devices

import (
	"github.com/epollsim/epollsim/abi"
)

// What the kernel charges for a segment besides its bytes, and what it reckons with for one that is full: x86-64.
const (
	tcpSkbCost     = 832
	tcpFullSkbCost = 131328 // of a segment as large as the loopback can carry
)

// The sizes of segments: IPv4 on the loopback, with the room that options take.
const (
	tcpMssDefault = 536
	tcpMssMin     = 88
	tcpInitCwnd   = 10
	tcpMaxFrags   = 17
)

// fullMss is how many bytes a packet of the loopback, which may have 65536 bytes, carries beside its headers.
func (s *inetSock) fullMss() int64 {
	if s.remote.Addr().Is4() {
		return 65483
	}
	return 65464
}

// Flags of Nagle's algorithm: TCP_NODELAY, TCP_CORK, and that of who wants it out once.
const (
	nagleOff  = 1
	nagleCork = 2
	naglePush = 4
)

// gsoMaxSize is sk_gso_max_size over the loopback.
const (
	gsoMaxSize    = 65536 - 1 - 320
	gsoMaxPayload = 65536 - 1 - 14 - 20 - 32 // what a packet of IPv4 carries that is not cut
)

// syncMss lets the length of packets follow the peer's window: tcp_sync_mss.
func (t *Tcp) syncMss() { t.mss = int32(t.boundToHalfWindow(t.agreedMss())) }

// boundToHalfWindow models tcp_bound_to_half_wnd.
func (t *Tcp) boundToHalfWindow(size int64) int64 {
	cutoff := t.maxWindow
	if cutoff > tcpMssDefault {
		cutoff >>= 1
	}
	if cutoff > 0 && size > cutoff {
		return max(cutoff, 68-32)
	}
	return size
}

// markPush: who receives this segment is not to wait for more.
func (t *Tcp) markPush(s *tcpSkb) {
	s.psh = true
	t.pushedSeq = t.writeSeq
}

// push sends what was added, with the urgent mark if MSG_OOB says so. Models tcp_push.
func (t *Tcp) push(flags int, nagle uint8) {
	s := t.writeQueue.last
	if s == nil {
		return
	}
	if flags&abi.MSG_MORE == 0 || t.writeSeq > t.pushedSeq+t.maxWindow>>1 {
		t.markPush(s)
	}
	if flags&abi.MSG_OOB != 0 {
		t.sndUp = t.writeSeq
	}
	if flags&abi.MSG_MORE != 0 {
		nagle = nagleCork
	}
	t.pushPending(nagle)
}

// pushPending sends what may be sent; if that is nothing and nothing is under way, the window is asked for later. Models
// __tcp_push_pending_frames.
func (t *Tcp) pushPending(nagle uint8) {
	if t.state == inetClose {
		return
	}
	if t.writeXmit(nagle, false) {
		t.startWriteTimer(tcpRtoMin)
	}
}

// writeXmit sends segments as long as the congestion window, the peer's window and Nagle's algorithm let them through; one:
// one at most. True: there is something to send, and nothing under way. Models tcp_write_xmit.
func (t *Tcp) writeXmit(nagle uint8, one bool) bool {
	sent := false
	t.refresh()
	for s := t.writeQueue.first; s != nil && s.end > s.seq; s = t.writeQueue.first {
		mss := int(t.mss)
		quota := min(int(t.cwndTest()), max(gsoMaxSize/mss, 2))
		if quota <= 0 {
			break
		}
		t.grow(s, quota*mss-s.len())
		if t.held || !t.sendable(s, nagle) {
			break
		}
		limit := mss
		if s.len() > mss && t.sndUp == t.sndUna {
			limit = t.splitPoint(s, quota, nagle)
		}
		if s.len() > limit {
			t.split(s, limit)
		}
		t.sendFirst(s)
		t.checkSpace()
		sent = true
		if one {
			break
		}
	}
	if sent {
		t.stopWriteTimer()
		return false
	}
	return t.rtxQueue.first == nil && t.writeQueue.first != nil
}

// sendFirst sends s, the first of the write queue. Models the end of the loop of tcp_write_xmit with tcp_event_new_data_sent.
func (t *Tcp) sendFirst(s *tcpSkb) {
	mss := int(t.mss)
	t.writeQueue.pop()
	t.rtxQueue.push(s)
	s.setPackets(mss)
	t.packets += s.packets
	if s.len() < int(s.packets)*mss {
		t.sndSml = s.end
	}
	t.m.Write(t.id, fieldSndNxt)
	t.sndNxt = s.end
	t.transmit(s)
}

// cwndTest is how many packets the congestion window lets go at once: half of it, so that two segments can be under way.
// Models tcp_cwnd_test.
func (t *Tcp) cwndTest() int32 { return min(max(t.cwnd>>1, 1), t.cwnd-t.packets) }

// sendable reports whether the peer's window has room for a packet of s, with its FIN, and Nagle's algorithm lets it go.
// Models tcp_snd_wnd_test, and tcp_nagle_test where it is asked.
func (t *Tcp) sendable(s *tcpSkb, nagle uint8) bool {
	mss := int(t.mss)
	if s.len() > mss {
		return s.seq+int64(mss) <= t.sndUna+t.sndWnd
	}
	if s.next != nil {
		nagle = naglePush
	}
	return s.end <= t.sndUna+t.sndWnd && t.nagleTest(s, nagle)
}

// grow moves bytes of the segment behind s into s. Models tcp_grow_skb.
func (t *Tcp) grow(s *tcpSkb, missing int) {
	next := s.next
	if next == nil || s.eor || missing <= 0 || next.len() == 0 {
		return
	}
	n := min(missing, next.len())
	more := s.shift(next, n)
	if s.frags+more > tcpMaxFrags {
		return
	}
	t.net.room(s, n)
	if s.data != next.data {
		s.data.addParts(s.to, next.data, next.from, next.from+n)
	}
	s.to += copy(s.data.b[s.to:s.to+n], next.bytes())
	s.end += int64(n)
	s.cost += int32(n)
	s.frags += more
	next.frags = next.fragsOf(next.len() - n)
	if s.place = next.place; n < next.len() {
		next.begin = next.placeOf(n)
		s.place = next.begin
	}
	next.from += n
	next.seq += int64(n)
	next.cost -= int32(n)
	if next.len() > 0 {
		return
	}
	s.end, s.eor, s.fin, s.psh = next.end, next.eor, s.fin || next.fin, s.psh || next.psh
	if s.next = next.next; s.next == nil {
		t.writeQueue.last = s
	}
	t.addWmem(-next.cost)
	t.net.freeSkb(next)
}

// nagleTest reports whether a segment that may be small goes out: not behind another small one that is not acknowledged.
// Models tcp_nagle_test.
func (t *Tcp) nagleTest(s *tcpSkb, nagle uint8) bool {
	return nagle&naglePush != 0 || t.sndUp != t.sndUna || s.fin || !t.nagleCheck(s.len() < int(t.mss), nagle)
}

// nagleCheck reports whether Nagle's algorithm holds a packet back that is not full. Models tcp_nagle_check.
func (t *Tcp) nagleCheck(partial bool, nagle uint8) bool {
	small := t.sndSml > t.sndUna && t.sndSml <= t.sndNxt
	return partial && (nagle&nagleCork != 0 || nagle == 0 && t.packets > 0 && small)
}

// splitPoint is how much of a segment of several packets goes out: as many as there may be, or what the window lets
// through, in whole packets if Nagle's algorithm wants that. Models tcp_mss_split_point.
func (t *Tcp) splitPoint(s *tcpSkb, quota int, nagle uint8) int {
	mss, window := int(t.mss), int(t.sndUna+t.sndWnd-s.seq)
	if quota*mss <= window && s.next != nil {
		return quota * mss
	}
	needed := min(s.len(), window)
	if quota*mss <= needed {
		return quota * mss
	}
	if partial := needed % mss; t.nagleCheck(partial != 0, nagle) {
		return needed - partial
	}
	return needed
}

// split cuts s, the first of the write queue, after n bytes: tso_fragment.
func (t *Tcp) split(s *tcpSkb, n int) {
	rest := t.net.clone(s)
	rest.seq, rest.from, rest.cost = s.seq+int64(n), s.from+n, tcpSkbCost+int32(s.len()-n)
	rest.frags, s.frags = s.fragsOf(s.len()-n), s.fragsOf(n)
	rest.begin = s.placeOf(n)
	s.end, s.to = rest.seq, rest.from
	s.fin, s.psh = false, false
	t.addWmem(tcpSkbCost)
	s.cost -= int32(rest.len())
	rest.next = s.next
	s.next = rest
	if t.writeQueue.last == s {
		t.writeQueue.last = rest
	}
}
