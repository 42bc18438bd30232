package kernel

import (
	"sync"

	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

// rules are what a version does otherwise than the baseline: the switches of the floors below, and a few of
// the system calls themselves.
type rules struct {
	Epoll eventpoll.Rules
	Pipe  devices.PipeRules
	Vfs   vfs.Rules

	NoPwait2       bool // no epoll_pwait2
	TickTimeouts   bool // epoll_wait counts its timeout in ticks
	NoPollFree     bool // the queue of signalfds is freed without telling who is hooked to it
	WakesInBatches bool // a wake-up lets go of the queue's lock after each batch of entries

	SelectRefusesNegative bool // select takes no timeval with a negative part
}

// tick is the time between two timer interrupts with CONFIG_HZ=250, in ns.
const tick = 4_000_000

// wakeBatch is WAITQUEUE_WALK_BREAK_CNT.
const wakeBatch = 64

// known are the rules of versions that were booted: explorers boot one many thousand times a second.
var known sync.Map

// cached is rules, made once for each version.
func (v Version) cached() rules {
	if r, ok := known.Load(v); ok {
		return *r.(*rules)
	}
	r := v.rules()
	known.Store(v, &r)
	return r
}

// rules collects the switches that the table sets at v.
func (v Version) rules() rules {
	var r rules
	for i := range table {
		if b := &table[i]; b.set != nil && b.At(v) {
			b.set(&r)
		}
	}
	return r
}
