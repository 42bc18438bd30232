package replay

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// Star turns a log into a scenario that makes the calls that the model makes for it, in the order of the replay, and checks
// their results, which are those of the log. A log of one thread becomes one of one thread; else threads and processes play those
// of the log and let each other go on, and the first thread plays what is outside of it. Calls on files of which only the log
// knows are left out. The scenario holds on the model.
//
// It is an error, with the place in the log, if the log has a divergence, if it has nothing to tell, or if no scenario comes to
// its results.
func Star(log *Log, opts Options) (string, error) {
	f := search(log, &opts)
	if d := f.x.diverged; d != nil {
		return "", fmt.Errorf("%s: %s: the log and the model differ here, so there is nothing to export (epollsim replay shows more): the log says %s, the model %s",
			d.Pos, d.Call, d.Log, d.Model)
	}
	s := newStar()
	x := execute(log, &opts, f.plan, nil, nil, s)
	if x.diverged != nil {
		return "", fmt.Errorf("%s: %s", x.diverged.Pos, x.diverged.Model)
	}
	if !s.checks() {
		return "", fmt.Errorf("%s:1:1: no call in this log has a result that a scenario could check: %d are on files from before the log, of a kind that the model has not, "+
			"or ended by signals; record the program from its start, and with the calls that make its descriptors", log.Name, s.left)
	}
	if s.told() == 1 {
		s.flat = true
		if text := s.text(); s.holds(text, &opts) == nil {
			return text, nil
		}
		s.flat = false
	}
	return s.ofThreads(&opts)
}

// checks reports whether there is a result to check.
func (s *star) checks() bool {
	return slices.ContainsFunc(s.scenes, func(sc *scene) bool {
		return sc.part != s.world() && slices.ContainsFunc(sc.lines, func(text string) bool { return strings.HasPrefix(text, "check(") })
	})
}

// told is how many threads of the log do something.
func (s *star) told() int {
	n := 0
	for _, p := range s.parts[1:] {
		if p.speaks {
			n++
		}
	}
	return n
}

// attempts bounds how many calls are moved to where they ended, one after the other, before all are.
const attempts = 40

// ofThreads looks for a scenario that holds. A thread that is woken goes on at once in a scenario, while in the log it may have
// been late: the call is made late, then, and if that is not the same, either, an epoll_wait that finds nothing yet stands where it
// began: it takes from the ready list what is not ready any more.
func (s *star) ofThreads(opts *Options) (string, error) {
	var first *unheld
search:
	for range attempts {
		text := s.text()
		fail := s.holds(text, opts)
		if fail == nil {
			return text, nil
		}
		if first == nil {
			first = fail
		}
		sc := s.at[fail.line]
		switch {
		case sc == nil || sc.over == nil:
		case !sc.late:
			sc.late = true
			continue
		case sc.peep != nil && !sc.peeps:
			sc.peeps = true
			continue
		}
		break search
	}
	for _, sc := range s.scenes {
		sc.late, sc.peeps = true, true
	}
	text := s.text()
	if s.holds(text, opts) == nil {
		return text, nil
	}
	line, why := 1, "a thread saw something between two steps inside of a call, perhaps; cut the log behind this line, or record it again"
	if s.chosen {
		why = "the log has SO_REUSEPORT, and which socket Linux chooses is not for a scenario to say; record it with one socket for each port"
	}
	if sc := s.at[first.line]; sc != nil {
		line = max(sc.begin, 1)
	}
	return "", fmt.Errorf("%s:%d:1: no scenario of whole calls, one after the other, comes to the results of this log: %s; %s", s.x.log.Name, line, first.what, why)
}

// unheld is why a scenario does not hold.
type unheld struct {
	line int // of its text, 0: none in particular
	what string
}

// holds runs a scenario on the model.
func (s *star) holds(text string, opts *Options) *unheld {
	p, err := scenario.Compile("star", []byte(text))
	if err != nil {
		return &unheld{what: err.Error()}
	}
	k := kernel.Boot(kernel.Options{Version: opts.Version, Machine: sim.Options{MaxSteps: opts.MaxSteps, MaxTasks: opts.MaxTasks}})
	res := scenario.Run(k, p, scenario.Options{Stdout: io.Discard})
	var deadlock *sim.DeadlockError
	switch {
	case res.ExitCode() == scenario.ExitOK:
		return nil
	case res.Error != nil:
		return &unheld{what: res.Error.Error()}
	case len(res.Failed) > 0:
		f := res.Failed[0]
		return &unheld{int(f.Pos.Line), "not " + f.Cond}
	case len(res.Unlooked) > 0:
		u := res.Unlooked[0]
		return &unheld{int(u.Pos.Line), fmt.Sprintf("%s fails with %s", u.Call, u.Errno)}
	case errors.As(res.Err, &deadlock):
		return &unheld{what: "threads wait for each other"}
	}
	return &unheld{what: strings.TrimSpace(fmt.Sprint(res.Err))}
}
