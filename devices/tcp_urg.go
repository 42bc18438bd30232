package devices

import "github.com/epollsim/epollsim/abi"

// Urgent data is one byte of the stream and a mark at it. The byte is kept aside too; what is normal data then depends on
// SO_OOBINLINE at the time of the read.

// urgData has the byte, and one of these.
const (
	urgValid  = 0x100
	urgNotYet = 0x200
	urgRead   = 0x400
)

func (t *Tcp) setUrg(v uint16) {
	if v != t.urgData {
		t.m.Write(t.id, fieldUrg)
		t.urgData = v
	}
}

// urg looks for an urgent mark in a packet, and for the byte. Models tcp_urg.
func (t *Tcp) urg(p *tcpPacket) {
	if p.urgPtr > 0 {
		t.checkUrg(p.urgPtr - 1)
	}
	if t.urgData != urgNotYet || p.skb == nil {
		return
	}
	if at := t.urgSeq - p.seq; at >= 0 && at < int64(p.skb.len()) {
		t.setUrg(urgValid | uint16(p.skb.bytes()[at]))
		if !t.dead {
			t.dataReadyAlways()
		}
	}
}

// checkUrg notes a mark at seq, unless that was there. Models tcp_check_urg.
func (t *Tcp) checkUrg(seq int64) {
	if t.copiedSeq > seq || seq < t.rcvNxt || t.urgData != 0 && seq <= t.urgSeq {
		return
	}
	if t.urgSeq == t.copiedSeq && t.urgData != 0 && !t.options().oobInline && t.copiedSeq != t.rcvNxt {
		t.setCopied(t.copiedSeq + 1) // the last mark was read up to: its byte is not data
		if s := t.receiveQueue.first; s != nil && t.copiedSeq >= s.end {
			t.receiveQueue.pop()
			t.rmem -= s.cost
			t.net.freeSkb(s)
		}
	}
	t.setUrg(urgNotYet)
	t.urgSeq = seq
}

// recvUrg takes the urgent byte. It never waits. Models tcp_recv_urg.
func (t *Tcp) recvUrg(msg *Msg) (int, abi.Errno) {
	switch {
	case t.options().oobInline || t.urgData == 0 || t.urgData == urgRead:
		return 0, abi.EINVAL
	case t.state == inetClose && !t.done:
		return 0, abi.ENOTCONN
	case t.urgData&urgValid != 0:
		c := byte(t.urgData)
		if msg.Flags&abi.MSG_PEEK == 0 {
			t.setUrg(urgRead)
		}
		msg.OutFlags |= abi.MSG_OOB
		if len(msg.Data) == 0 {
			msg.OutFlags |= abi.MSG_TRUNC
			return 0, 0
		}
		if msg.Flags&abi.MSG_TRUNC == 0 {
			msg.Data[0] = c
		}
		return 1, 0
	case t.state == inetClose || t.shutdown&rcvShutdown != 0:
		return 0, 0
	}
	return 0, abi.EAGAIN
}

// unread is how many bytes can be read before the urgent one: tcp_inq.
func (t *Tcp) unread() int64 {
	if t.state.in(inetSynSent, inetSynRecv) {
		return 0
	}
	if t.options().oobInline || t.urgData == 0 || t.urgSeq < t.copiedSeq || t.urgSeq >= t.rcvNxt {
		n := t.rcvNxt - t.copiedSeq
		if n > 0 && t.done {
			n--
		}
		return n
	}
	return t.urgSeq - t.copiedSeq
}

// Ahead is how many bytes a read with room for all of them takes: those before the urgent one, or those behind it if that is next.
func (t *Tcp) Ahead() int64 {
	if n := t.unread(); n > 0 || t.urgData == 0 || t.urgSeq != t.copiedSeq {
		return n
	}
	return max(t.rcvNxt-t.copiedSeq-1, 0)
}
