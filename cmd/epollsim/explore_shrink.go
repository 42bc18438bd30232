package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// Bounds of looking for a smaller program.
const (
	shrinkRuns = 2000
	shrinkTime = 20 * time.Second

	leastShrinkTime = 5 * time.Second // of one of several failures
)

// shrink writes a program that fails as the first failure does, with statements of p left out, and tells its schedule; into a folder
// one for each failure.
func (f *exploreFlags) shrink(cmd *cobra.Command, p *scenario.Program, boot bootFunc, version kernel.Version, r *explore.Report) error {
	if f.shrunk == "" {
		return nil
	}
	failures, path := r.Failures[:1], func(int) string { return f.shrunk }
	if isFolder(f.shrunk) {
		failures, path = r.Failures, func(i int) string { return filepath.Join(f.shrunk, fmt.Sprintf("failure-%d.star", i+1)) }
	}
	for i, failure := range failures {
		same := func(text string) bool { return kind(text) == kind(failure.Text) }
		if slices.ContainsFunc(r.Failures, func(o *explore.Outcome) bool { return o != failure && same(o.Text) }) {
			same = func(text string) bool {
				return place.ReplaceAllString(text, "") == place.ReplaceAllString(failure.Text, "")
			}
		}
		until := time.Now().Add(max(shrinkTime/time.Duration(len(failures)), leastShrinkTime))
		if sameFile(p.Filename(), path(i)) {
			return usagef("--shrink %s: %s is the scenario itself, which would be lost; name another folder", f.shrunk, path(i))
		}
		text, token := f.smaller(p, boot, version, failure, same, until)
		token = sim.Stamp(token, stamp(text, version))
		if err := (output{"--shrink", path(i)}).write(text); err != nil {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "a smaller program that fails the same way:", f.again(token, path(i)))
	}
	return nil
}

// smaller looks for a program that fails as same says, with statements of p left out; it returns the schedule too. It is like p in
// two more ways: if only some schedules of p fail, or p fails on an old kernel alone, so it is with the smaller one.
func (f *exploreFlags) smaller(p *scenario.Program, boot bootFunc, version kernel.Version, failure *explore.Outcome, same func(string) bool, until time.Time) (text []byte, token string) {
	stop := func() bool { return time.Now().After(until) || f.interrupted.Load() }
	opts := explore.Options{Bound: explore.UpTo(max(failure.Witness.Preemptions, enough)), StopAtFailure: true, MaxSchedules: shrinkRuns, Stop: stop}
	find := func(p *scenario.Program, boot bootFunc, sought func(failure string) bool) (string, bool) {
		return findRun(p.Explored(boot, scenario.Options{MaxSteps: f.starlark}), opts, sought)
	}
	fine := func(failure string) bool { return failure == "" }
	_, sometimes := find(p, boot, fine)
	historic := version.Compare(kernel.Baseline) != 0
	if historic {
		_, always := find(p, f.booter(kernel.Baseline), same)
		historic = !always
	}
	token = failure.Witness.Token
	text = scenario.Shrink(p.Filename(), p.Source(), func(smaller *scenario.Program) bool {
		shows, ok := find(smaller, boot, same)
		if !ok {
			return false
		}
		if sometimes {
			if _, ok := find(smaller, boot, fine); !ok {
				return false
			}
		}
		if historic {
			if _, always := find(smaller, f.booter(kernel.Baseline), same); always {
				return false
			}
		}
		if stop() {
			return false // what was not found may only not have been looked for
		}
		token = shows
		return true
	}, stop)
	return text, token
}

// findRun looks for a run that ends with what is sought, "" for one that does not fail, and returns its schedule.
func findRun(program explore.Program, opts explore.Options, sought func(failure string) bool) (token string, ok bool) {
	found := explore.Explore(func(machine sim.Options) explore.Result {
		res := program(machine)
		if res.Mistake != nil || isLimit(res.Err) {
			return res
		}
		hit := sought(res.FailureText())
		if res.Err, res.Failure = nil, ""; hit {
			res.Failure = "found"
		}
		return res
	}, opts)
	if found.Err != nil || len(found.Failures) == 0 {
		return "", false
	}
	return found.Failures[0].Witness.Token, true
}

// isLimit reports whether a run was cut short.
func isLimit(err error) bool {
	var limit *sim.LimitError
	return errors.As(err, &limit)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// kind is what two failures have in common although lines and numbers differ: the words before the first colon, behind
// the place.
func kind(failure string) string {
	failure = place.ReplaceAllString(failure, "")
	if strings.HasPrefix(failure, "check failed: ") {
		return failure
	}
	before, _, _ := strings.Cut(failure, ":")
	return before
}

var place = regexp.MustCompile(`^[^:]*:\d+:\d+: `)
