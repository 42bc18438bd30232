package replay

import "github.com/epollsim/epollsim/sim"

// steer is the strategy of a replay: the task runs that it has been told to let run, and when that cannot go on, the one
// that tells it.
type steer struct {
	pilot   *sim.Task // tells; it is always runnable
	granted *sim.Task // may run, nil: nobody but the pilot
	points  int       // at the last one of so many it is stopped, 0: it is not
}

// Preemptive is true: whoever is woken waits until it is granted.
func (*steer) Preemptive() bool { return true }

// Next takes the granted task, or else the pilot.
func (s *steer) Next(_ *sim.Machine, runnable []*sim.Task, current int) int {
	stop := false
	if current >= 0 && runnable[current] == s.granted {
		if stop = s.points == 1; !stop {
			s.points = max(s.points-1, 0)
			return current
		}
	}
	pilot := -1
	for i, t := range runnable {
		switch {
		case t == s.pilot:
			pilot = i
		case t == s.granted && !stop:
			return i
		}
	}
	return max(pilot, 0) // a pilot that waits for a lock waits for one who was stopped
}
