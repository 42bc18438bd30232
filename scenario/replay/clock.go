package replay

import (
	"time"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
)

// Time: that of the log, and that which has to pass for a timer.

// catchUp moves the clock to a time of the log.
func (x *exec) catchUp(t int64) {
	if now := t - x.log.start; now > x.m.Now() {
		x.m.AdvanceTo(now)
		x.network()
	}
}

// network takes the interrupts that are due and are nobody's to decide: those of neither sleepers nor timerfds.
func (x *exec) network() {
	if x.m.Interrupts() == 0 {
		return
	}
	for _, t := range x.m.Tasks() {
		if !t.Interrupt() {
			continue
		}
		switch t.Owner.(type) {
		case *sim.Task, *devices.Timerfd:
		default:
			x.grant(t)
		}
	}
}

// later lets the time pass up to the next timer of the network; false if there is none soon.
func (x *exec) later() bool {
	before := x.m.Now()
	for range 100 {
		next := x.m.NextExpiry()
		if next == sim.Forever || next > before+int64(time.Second) {
			return false
		}
		steps := x.m.Steps
		x.m.AdvanceTo(next)
		if x.network(); x.m.Steps != steps {
			return true
		}
	}
	return false
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
