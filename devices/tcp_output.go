package devices

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/waitqueue"
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

// sendmsg adds what is to be sent to the write queue, and sends what the peer's window and Nagle's algorithm let through.
// With a full send buffer it sleeps, or takes less. Models tcp_sendmsg_locked.
func (t *Tcp) sendmsg(msg *Msg) (sent int, errno abi.Errno) {
	if msg.Flags&abi.MSG_ZEROCOPY != 0 {
		return 0, notModelled(t.m, "sending over TCP with MSG_ZEROCOPY")
	}
	deadline := socketDeadline(t.m, msg.Flags, t.options().sndtimeo)
	if msg.Flags&abi.MSG_FASTOPEN != 0 {
		errno = t.fastOpen(msg, deadline)
	}
	if errno == 0 && !t.state.in(inetEstablished, inetCloseWait) {
		errno = t.waitConnect(deadline)
	}
	if errno == 0 && (t.err != 0 || t.shutdown&sendShutdown != 0) {
		errno = abi.EPIPE
	}
	if errno == 0 {
		sent, errno = t.sendData(msg, deadline)
	}
	if sent > 0 {
		t.push(msg.Flags, t.nagle)
		return sent, 0
	}
	if errno != 0 {
		errno = t.streamError(msg, errno)
		if errno == abi.EAGAIN && t.writeQueue.first == nil && t.rtxQueue.first == nil {
			t.writeSpace() // whoever waits for an edge has one
		}
	}
	return 0, errno
}

// sendData fills the write queue; what it sends on the way are full segments.
func (t *Tcp) sendData(msg *Msg, deadline int64) (sent int, errno abi.Errno) {
	segments, goal, full := 0, t.goal(msg), false
	for sent < len(msg.Data) {
		s := t.writeQueue.last
		if s == nil || s.fin || s.eor || s.len() >= goal || full {
			if !t.memoryFree(false) {
				if errno := t.waitMemory(msg, sent, deadline); errno != 0 {
					return sent, errno
				}
				goal = t.goal(msg)
				continue
			}
			if segments++; segments > 16 {
				segments = 1
				t.flushBacklog()
				goal = t.goal(msg)
				if t.err != 0 || t.shutdown&sendShutdown != 0 {
					return sent, abi.EPIPE
				}
			}
			s = t.newSegment(min(len(msg.Data)-sent, goal))
		}
		n := min(len(msg.Data)-sent, goal-s.len())
		if msg.Pages != nil {
			n = t.net.splicePages(s, msg, n)
		} else {
			n = t.net.fragment(s, n)
		}
		if full = n == 0; full {
			t.markPush(s)
			continue
		}
		t.net.room(s, n)
		copy(s.data.b[s.to:], msg.Data[sent:sent+n])
		if sent == 0 {
			s.psh = false
		}
		s.to += n
		s.end += int64(n)
		s.cost += int32(n)
		t.addWmem(int32(n))
		t.m.Write(t.id, fieldSndNxt)
		t.writeSeq += int64(n)
		s.eor = msg.Flags&abi.MSG_EOR != 0 && sent+n == len(msg.Data)
		if sent += n; sent == len(msg.Data) || s.len() < goal || msg.Flags&abi.MSG_OOB != 0 {
			continue
		}
		if t.writeSeq > t.pushedSeq+t.maxWindow>>1 { // forced_push
			t.markPush(s)
			t.pushPending(naglePush)
		} else if s == t.writeQueue.first {
			t.writeXmit(naglePush, true)
		}
	}
	return sent, 0
}

// newSegment puts an empty segment with room for n bytes at the end of the write queue.
func (t *Tcp) newSegment(n int) *tcpSkb {
	s := t.net.newSkb(t.writeSeq, n)
	t.addWmem(s.cost)
	t.writeQueue.push(s)
	t.nagle &^= naglePush
	t.net.sys.Counters.Allocations++
	return s
}

// goal is how long segments become for one call.
func (t *Tcp) goal(msg *Msg) int {
	if msg.Flags&abi.MSG_OOB != 0 {
		return int(t.mss)
	}
	return t.sizeGoal()
}

// sizeGoal is how long a segment is to become: as long as the loopback can carry, and at most half the peer's window.
// Models tcp_send_mss.
func (t *Tcp) sizeGoal() int {
	goal, mss := int(t.boundToHalfWindow(gsoMaxSize)), int(t.mss)
	return max(goal-goal%mss, mss)
}

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

// addWmem charges n bytes to the send buffer, or gives them back.
func (t *Tcp) addWmem(n int32) {
	t.m.Write(t.id, fieldWmem)
	t.wmemQueued += n
}

// waitMemory waits for room: what there is goes out first. It marks that somebody wants to know of room. Models the end of
// the loop of tcp_sendmsg_locked with sk_stream_wait_memory.
func (t *Tcp) waitMemory(msg *Msg, sent int, deadline int64) abi.Errno {
	t.setNospace(true)
	if sent > 0 {
		t.push(msg.Flags&^abi.MSG_MORE, naglePush)
	}
	task := t.m.Current()
	e := t.net.sleepers.get(task, 0)
	defer t.net.endSleep(&t.wq, e)
	for {
		if t.err != 0 || t.shutdown&sendShutdown != 0 {
			return abi.EPIPE
		}
		if !mayWait(t.m, deadline) {
			t.setNospace(true)
			return abi.EAGAIN
		}
		if task.SignalPending() {
			return interruptedWait(deadline)
		}
		if t.memoryFree(false) {
			return 0
		}
		t.setNospace(true)
		t.sleep(e, deadline, "sndbuf")
	}
}

// waitConnect waits until there is a connection: sk_stream_wait_connect.
func (t *Tcp) waitConnect(deadline int64) abi.Errno {
	task := t.m.Current()
	e := t.net.sleepers.get(task, 0)
	defer t.net.endSleep(&t.wq, e)
	for {
		if errno := t.takeErr(); errno != 0 {
			return errno
		}
		switch {
		case t.state.in(inetEstablished, inetCloseWait):
			return 0
		case !t.state.in(inetSynSent, inetSynRecv):
			return abi.EPIPE
		case !mayWait(t.m, deadline):
			return abi.EAGAIN
		case task.SignalPending():
			return interruptedWait(deadline)
		}
		t.sleep(e, deadline, "connect")
	}
}

// sleep is one round of a sleep of the owner, who is not that meanwhile: sk_wait_event.
func (t *Tcp) sleep(e *waitqueue.Entry, deadline int64, what string) {
	prepareToWait(&t.wq, e)
	t.releaseSock()
	t.m.Current().ScheduleTimeout(deadline, what, t.id)
	t.lockSock()
}

// streamError is what a send that has sent nothing returns: sk_stream_error.
func (t *Tcp) streamError(msg *Msg, errno abi.Errno) abi.Errno {
	if errno == abi.EPIPE {
		if e := t.takeErr(); e != 0 {
			errno = e
		}
	}
	if errno == abi.EPIPE && msg.Flags&abi.MSG_NOSIGNAL == 0 {
		raiseSigpipe(t.m)
	}
	return errno
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

// transmit sends a copy of s with what t acknowledges: as one packet, if the loopback carries it. Models
// __tcp_transmit_skb, and the segmentation in validate_xmit_skb.
func (t *Tcp) transmit(s *tcpSkb) {
	if s.len() <= gsoMaxPayload {
		t.transmitPart(s, 0, s.len())
		return
	}
	t.net.bhDisable()
	for at, mss := 0, int(t.mss); at < s.len(); at += mss {
		t.transmitPart(s, at, min(at+mss, s.len()))
	}
	t.net.bhEnable()
}

// transmitPart sends the bytes of s between two places.
func (t *Tcp) transmitPart(s *tcpSkb, from, to int) {
	p := t.packet(flagAck)
	p.seq, p.end = s.seq+int64(from), s.end
	last := to == s.len()
	if s.len() > 0 {
		p.skb = t.net.clone(s)
	}
	if from > 0 || !last {
		c := p.skb
		c.frags = s.fragsOf(to - from)
		c.seq, c.from, c.to, c.cost, c.gso, c.own = p.seq, s.from+from, s.from+to, tcpSkbCost+int32(to-from), 0, true
		if !last {
			p.end = s.seq + int64(to)
		}
		c.end = p.end
	}
	if s.fin && last {
		p.flags |= flagFin
	}
	if s.psh && last || p.skb != nil && p.skb.gso > 0 {
		p.flags |= flagPsh
	}
	if s.syn {
		p.flags |= flagSyn
		if t.state == inetSynSent {
			p.flags &^= flagAck
		}
	}
	if t.sndUp != t.sndUna && p.seq < t.sndUp {
		p.urgPtr = t.sndUp
	}
	if p.flags&flagAck != 0 {
		t.ackSent()
	}
	if s.len() > 0 {
		t.dataSent()
	}
	t.net.send(p)
}

// packet is an empty one with the addresses, what t acknowledges, and its window.
func (t *Tcp) packet(flags uint8) *tcpPacket {
	return t.net.newPacket(&tcpPacket{
		src: netip.AddrPortFrom(t.source, t.local.Port()), dst: t.remote, from: t, to: t.peer, flags: flags,
		seq: t.sndNxt, end: t.sndNxt, ack: t.rcvNxt, window: t.selectWindow(flags&flagSyn != 0), stamp: t.stampNow(), echo: t.tsRecent,
	})
}

// sendAck sends an acknowledgement without data: tcp_send_ack.
func (t *Tcp) sendAck() {
	if t.state == inetClose {
		return
	}
	p := t.packet(flagAck)
	if t.sndUp > t.sndNxt {
		p.urgPtr = t.sndUp
	}
	t.ackSent()
	t.net.send(p)
}

// sendFin sends the end of the stream, with the last segment if that waits. Models tcp_send_fin.
func (t *Tcp) sendFin() {
	s := t.writeQueue.last
	if s == nil {
		s = t.net.newSkb(t.writeSeq, 0)
		t.addWmem(s.cost)
		t.writeQueue.push(s)
	}
	s.fin = true
	s.end++
	t.m.Write(t.id, fieldSndNxt)
	t.writeSeq++
	t.held = false
	t.pushPending(nagleOff)
}

// sendActiveReset ends the connection from this side: tcp_send_active_reset.
func (t *Tcp) sendActiveReset() {
	p := t.packet(flagAck | flagRst)
	t.net.send(p)
}

// purgeWriteQueue forgets what was not acknowledged: tcp_write_queue_purge.
func (t *Tcp) purgeWriteQueue() {
	t.writeQueue.purge(t.net)
	t.rtxQueue.purge(t.net)
	t.packets = 0
	t.addWmem(-t.wmemQueued)
}
