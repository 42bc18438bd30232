package devices

import "time"

// A receive buffer grows when a reader takes more in the time of a round trip than before. That time is measured: how long it
// takes until as much has come as the window allowed, or until a time stamp comes back, in whole milliseconds. Here
// a packet takes a microsecond, besides what time passes.

// rcvSpace is what a socket knows of its reader, models rcvq_space and rcv_rtt_est.
type rcvSpace struct {
	space      int64 // how much was taken in a round trip
	seq, since int64 // up to where, and when that was measured last, µs
	rtt        int64 // eight times a round trip, µs; 0: it is not known
	rttSeq     int64 // a round trip ends when this has come
	rttSince   int64 // it began at this time, µs; 0: none has
	mstamp     int64 // when the last packet came or went, µs
	echoed     int32 // the last time stamp that came back
}

// refresh notes the time of a packet: tcp_mstamp_refresh.
func (t *Tcp) refresh() {
	t.net.ticks++
	if t.rcvq != nil {
		t.rcvq.mstamp = t.m.Now()/int64(time.Microsecond) + t.net.ticks
	}
}

// startSpace begins to measure, before the first data is read; that the connection is older makes no difference. Models the
// end of tcp_init_buffer_space.
func (t *Tcp) startSpace() {
	t.rcvq = &rcvSpace{space: min(t.rcvSsthresh, t.rcvWnd, tcpInitCwnd*t.advMss()), seq: t.copiedSeq}
	t.refresh()
}

// rttSample takes a measured round trip (µs) into account; window: it may be much too long. Models tcp_rcv_rtt_update.
func (t *Tcp) rttSample(sample int64, window bool) {
	old := t.rcvq.rtt
	switch m := sample << 3; {
	case old == 0 || m < old:
		t.rcvq.rtt = m
	case !window && t.rcvNxt == t.copiedSeq:
		t.rcvq.rtt = old - old>>3 + sample
	}
}

// measureRtt looks whether a window has come: tcp_rcv_rtt_measure.
func (t *Tcp) measureRtt() {
	q := t.rcvq
	if q.rttSince != 0 {
		if t.rcvNxt < q.rttSeq {
			return
		}
		t.rttSample(max(q.mstamp-q.rttSince, 1), true)
	}
	q.rttSeq, q.rttSince = t.rcvNxt+t.rcvWnd, q.mstamp
}

// measureEcho looks how long ago the time stamp was sent that comes back with p: tcp_rcv_rtt_measure_ts.
func (t *Tcp) measureEcho(p *tcpPacket) {
	if t.rcvq == nil || p.echo == t.rcvq.echoed {
		return
	}
	t.rcvq.echoed = p.echo
	if ms := t.stampNow() - p.echo; ms > 0 && p.end-p.seq >= int64(t.rcvMss) {
		t.rttSample(int64(ms)*1000, false)
	}
}

// stampNow is the time stamp of a packet that is sent now: tcp_time_stamp_ms.
func (t *Tcp) stampNow() int32 { return int32(t.m.Now() / int64(time.Millisecond)) }

// adjustSpace looks, when something was read, whether that was more than in the round trip before. Models
// tcp_rcv_space_adjust.
func (t *Tcp) adjustSpace() {
	q := t.rcvq
	if q == nil || q.rtt == 0 || q.mstamp-q.since < q.rtt>>3 {
		return
	}
	if copied := t.copiedSeq - q.seq - (t.rcvNxt - t.copiedSeq); copied > q.space {
		t.growRcvbuf(copied)
	}
	q.seq, q.since = t.copiedSeq, q.mstamp
}

// growRcvbuf makes room for twice of what was read in a round trip, and twice by how much that has grown, unless the size of
// the buffer was asked for. Models tcp_rcvbuf_grow.
func (t *Tcp) growRcvbuf(space int64) {
	old := t.rcvq.space
	t.rcvq.space = space
	if t.options().bufLock&rcvbufLock != 0 {
		return
	}
	window := 2 * space
	window += 2 * (window * (space - old) / old)
	if last := t.early.last; last != nil {
		window += last.end - t.rcvNxt
	}
	if size := min(window<<8/int64(t.ratio), tcpRmemMax); size > int64(t.rcvbuf) {
		t.rcvbuf = int32(size)
		t.windowClamp = t.fullSpace()
	}
}
