package devices

import (
	"time"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// tcpTimers are the timers of a socket that has started one.
type tcpTimers struct {
	t       *Tcp
	delack  sim.Timer // acknowledge what came
	write   sim.Timer // send a SYN again, or ask for the window
	backoff int64     // of that, ns; 0: it was stopped
	retries int
	asked   int64 // when the closed window was asked for first, ns; 0: it was not
}

func (t *Tcp) timersOf() *tcpTimers {
	if t.timers == nil {
		tm := &tcpTimers{t: t}
		tm.delack.Init(t.m, delackExpired)
		tm.write.Init(t.m, writeExpired)
		tm.delack.Owner, tm.write.Owner = tm, tm
		t.timers = tm
	}
	return t.timers
}

// AckTimers gives the timers of delayed acknowledgements that were ever started at the ends of t's connection, its own first.
func (t *Tcp) AckTimers() []*sim.Timer {
	var list []*sim.Timer
	for _, end := range [2]*Tcp{t, t.peer} {
		if end != nil && end.timers != nil {
			list = append(list, &end.timers.delack)
		}
	}
	return list
}

func (t *Tcp) stopDelack() {
	if t.timers != nil {
		t.timers.delack.TryCancel()
	}
}

func (t *Tcp) stopTimers() {
	if t.timers != nil {
		t.timers.delack.TryCancel()
		t.timers.write.TryCancel()
		t.timers.backoff, t.timers.retries = 0, 0
	}
}

// delackExpired runs in interrupt context; an owner does it at the end of his call. Models tcp_delack_timer.
func delackExpired(tm *sim.Timer) {
	t := tm.Owner.(*tcpTimers).t
	t.net.bhDisable()
	defer t.net.bhEnable()
	t.slock.Lock()
	if t.owned {
		t.deferred |= deferDelack
	} else {
		t.delackTimer()
	}
	t.slock.Unlock()
}

// startWriteTimer starts the timer of what is sent again, unless it runs.
func (t *Tcp) startWriteTimer(after int64) {
	tm := t.timersOf()
	if !tm.write.Armed() {
		tm.backoff = after
		tm.write.Start(t.m.Now() + after)
	}
}

func (t *Tcp) stopWriteTimer() {
	if tm := t.timers; tm != nil && tm.backoff != 0 {
		tm.write.TryCancel()
		tm.backoff, tm.retries, tm.asked = 0, 0, 0
	}
}

// writeExpired models tcp_write_timer.
func writeExpired(tm *sim.Timer) {
	t := tm.Owner.(*tcpTimers).t
	t.net.bhDisable()
	defer t.net.bhEnable()
	t.slock.Lock()
	if t.owned {
		t.deferred |= deferWriteTimer
	} else {
		t.writeTimer()
	}
	t.slock.Unlock()
}

// probeMax is the longest pause between questions for a window, ns: TCP_RTO_MAX. Nobody waits longer for an orphan.
const probeMax = 120 * int64(time.Second)

// writeTimer sends the SYN again, with pauses that grow, until it gives up; or asks for a window that was closed. Models
// tcp_retransmit_timer and tcp_probe_timer.
func (t *Tcp) writeTimer() {
	tm := t.timersOf()
	t.held = false
	switch {
	case t.state == inetSynSent:
		if tm.retries >= t.synRetries() {
			t.setErr(etimedout)
			t.doneWithError()
			return
		}
		if tm.retries++; tm.retries > synLinear {
			tm.backoff *= 2
		}
		s := t.rtxQueue.first
		t.transmit(s)
	case t.state == inetSynRecv && t.parent != nil:
		t.deferTimer(tm)
	case t.writeQueue.first != nil && t.rtxQueue.first == nil && t.state != inetClose:
		if t.writeXmit(naglePush, false) {
			now, limit := t.m.Now(), int64(t.kept(abi.TCP_USER_TIMEOUT))*int64(time.Millisecond)
			switch {
			case tm.asked == 0:
				tm.asked = now
			case limit > 0 && now-tm.asked >= limit, t.dead && tm.backoff == probeMax: // tcp_orphan_retries
				t.setErr(etimedout)
				t.doneWithError()
				return
			}
			p := t.packet(flagAck | flagProbe)
			tm.backoff = min(tm.backoff*2, probeMax)
			t.net.send(p)
		}
	default:
		return
	}
	if t.state == inetSynSent || t.state == inetSynRecv || t.writeQueue.first != nil && t.rtxQueue.first == nil {
		tm.write.Start(t.m.Now() + tm.backoff)
	}
}
