package replay

import "github.com/epollsim/epollsim/sim"

// steer is the strategy of a replay: the task runs that it has been told to let run, and when that cannot go on, the one
// that tells it.
type steer struct {
	pilot   *sim.Task // tells; it is always runnable
	granted *sim.Task // may run, nil: nobody but the pilot
}

// Preemptive is true: whoever is woken waits until it is granted.
func (*steer) Preemptive() bool { return true }

// Next takes the granted task, or else the pilot.
func (s *steer) Next(_ *sim.Machine, runnable []*sim.Task, current int) int {
	if current >= 0 && runnable[current] == s.granted {
		return current
	}
	pilot := -1
	for i, t := range runnable {
		switch t {
		case s.granted:
			return i
		case s.pilot:
			pilot = i
		}
	}
	return pilot
}
