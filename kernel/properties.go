package kernel

import (
	"strings"

	"github.com/epollsim/epollsim/sim"
)

// LostWakeUpError says that threads sleep in epoll_wait though an item that they should get is listed and ready, and
// nobody is left to wake them.
type LostWakeUpError struct {
	Text     string
	Deadlock *sim.DeadlockError // the state; nil if a timer will end the sleep of somebody
}

// Error names the waiter and the item.
func (e *LostWakeUpError) Error() string { return "lost wake-up: " + e.Text }

// Unwrap returns the deadlock that it is.
func (e *LostWakeUpError) Unwrap() error {
	if e.Deadlock == nil {
		return nil
	}
	return e.Deadlock
}

// lostWakeUps is asked when nothing can run. If a timer is armed, whoever it wakes comes too late, but for versions that
// leave a level-triggered item to one waiter on purpose.
func (k *Kernel) lostWakeUps() error {
	armed := k.m.TimersArmed()
	if armed && k.epoll.Rules.ScanEndWakesNobody {
		return nil
	}
	lost := k.epoll.LostWakeUps()
	if len(lost) == 0 {
		return nil
	}
	err := &LostWakeUpError{Text: strings.Join(lost, "; ")}
	if !armed {
		err.Deadlock = &sim.DeadlockError{Tasks: k.m.Blocked(), State: k.describe(), Token: k.m.Token()}
	}
	return err
}
