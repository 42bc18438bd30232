package replay

import "github.com/epollsim/epollsim/sim"

// Time: that of the log, and that which has to pass for a timer.

// catchUp moves the clock to a time of the log.
func (x *exec) catchUp(t int64) {
	if now := t - x.log.start; now > x.m.Now() {
		x.m.AdvanceTo(now)
		x.network(networkLate)
	}
}

// expire lets time pass until a timer fires, if it is armed.
func (x *exec) expire(tm *sim.Timer) bool {
	if !tm.Armed() {
		return false
	}
	if tm.Due() == nil {
		x.m.AdvanceTo(tm.Expiry())
	}
	irq := tm.Due()
	if irq == nil {
		return false
	}
	x.grant(irq)
	return true
}
