package kerneltest

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

// TB is what Explore needs of a test: a *testing.T, a *testing.B or a *rapid.T.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Variable names the environment variable that holds a schedule token: Explore then runs that schedule alone and logs its
// interleaving.
const Variable = "EPOLLSIM_SCHEDULE"

// enough is up to how many preemptions an exploration without Preemptions has to come to be conclusive.
const enough = 2

// Option changes how Explore explores.
type Option func(*options)

type options struct {
	explore.Options
	version     kernel.Version
	steps       uint64
	check       bool
	independent bool
	err         error

	t      TB
	failed bool          // t had failed before
	runs   atomic.Uint64 // begun
	last   *Run          // the one under way
	done   bool          // no run is
}

// Version runs the program on the model of a release: "5.10".
func Version(text string) Option {
	return func(o *options) { o.version, o.err = kernel.ParseVersion(text) }
}

// Preemptions bounds how often a schedule takes the CPU from a thread that could go on. Without it all are tried
// until Within is over.
func Preemptions(n int) Option { return func(o *options) { o.Bound = explore.UpTo(n) } }

// Within bounds the time; the default is 40 s. An exploration that is not exhaustive then is conclusive if all schedules with up to
// two preemptions were seen.
func Within(d time.Duration) Option { return func(o *options) { o.MaxDuration = d } }

// Schedules bounds the number of schedules.
func Schedules(n uint64) Option { return func(o *options) { o.MaxSchedules = n } }

// Steps bounds the steps of one run; the default is 100,000.
func Steps(n uint64) Option { return func(o *options) { o.steps = n } }

// Check verifies every structure of the kernel after every step. It takes several times longer.
func Check() Option { return func(o *options) { o.check = true } }

// Independent declares that what threads do between two calls neither reads nor changes what another one changes.
// Outcome may be used all the same, by each thread for names of its own.
func Independent() Option { return func(o *options) { o.independent = true } }

// Explore runs program under every interleaving that can be told apart and fails t if one of them fails, with the shortest
// schedule that does. The report has the outcomes with their counts.
func Explore(t TB, program func(r *Run), opts ...Option) *explore.Report {
	t.Helper()
	o := &options{steps: 100_000, Options: explore.Options{MaxDuration: 40 * time.Second}, t: t}
	for _, opt := range opts {
		if opt(o); o.err != nil {
			t.Fatalf("kerneltest: %v", o.err)
		}
	}
	o.Stop, o.failed = o.misused, hasFailed(t)
	p := o.program(program)
	defer o.watch()()
	defer o.left()
	if token := os.Getenv(Variable); token != "" {
		return o.alone(p, token)
	}
	r := &explore.Report{Err: o.unsteady(p), Token: sim.DefaultToken}
	if o.misused() {
		o.done = true
		t.Errorf("%s\n%s", failedItself, again(t, sim.DefaultToken))
		return r
	}
	if r.Err == nil {
		r = explore.Explore(p, o.Options)
	}
	o.done = true
	switch {
	case r.Err != nil:
		t.Fatalf("kerneltest: the program does not do the same when it is scheduled the same way: %v\nIt may depend on the order of a map, "+
			"a clock, random numbers, goroutines, or on what an earlier run has left behind outside of the program.\n%s", r.Err, again(t, r.Token))
	case r.Failed > 0:
		first := r.Failures[0]
		t.Errorf("%d of %d schedules failed: %s%s\n%s\n%s%s", first.Count, r.Runs, first.Text, details(first), interleaving(p, first.Witness.Token),
			again(t, first.Witness.Token), others(r.Failures[1:]))
	case r.Limited > 0 && !r.Complete(o.wanted()):
		t.Errorf("inconclusive: %d of %d schedules reached the limit of %d steps: bound the loops of the program, or raise Steps\n%s",
			r.Limited, r.Total, o.steps, again(t, r.Limit.Token))
	case !r.Complete(o.wanted()):
		t.Errorf("inconclusive: %s after %d schedules: bound the loops that wait for another thread, make it fewer threads or calls, "+
			"choose Preemptions for a lower bound, or raise Within or Schedules%s", r.Verdict(), r.Total, o.longest(r))
	}
	return r
}

// longest is what to say of an exploration that was still in its first schedules: they are long, if they end at all.
func (o *options) longest(r *explore.Report) string {
	if r.Total >= 10 {
		return ""
	}
	return fmt.Sprintf("; schedules are so long that a loop may have no end: with Steps(1000), not %d, the test says which schedule it was", o.steps)
}

func (o *options) wanted() int {
	if n, ok := o.Bound.Limit(); ok {
		return n
	}
	return enough
}

// program makes body a program of the explorer.
func (o *options) program(body func(*Run)) explore.Program {
	return func(m sim.Options) explore.Result {
		o.runs.Add(1)
		r := &Run{k: kernel.Boot(o.machine(m))}
		o.last = r
		err := r.k.RunThread(func(t *kernel.Thread) {
			r.Thread = t
			body(r)
		})
		if errors.Is(err, errFailed) {
			err = nil
		}
		if err == nil && r.failure == "" {
			err = r.conclude()
		}
		if o.misused() {
			r.Errorf(failedItself)
		}
		return explore.Result{Err: err, Failure: r.failure, State: r.state()}
	}
}

// alone runs one schedule.
func (o *options) alone(p explore.Program, token string) *explore.Report {
	t := o.t
	t.Helper()
	replay, err := sim.NewReplay(token)
	if err != nil {
		t.Fatalf("%s=%s: %v", Variable, token, err)
	}
	res := p(sim.Options{Strategy: replay})
	o.done = true
	if replay.Err() != nil {
		t.Logf("%s is not a schedule of this program: %v", token, replay.Err())
		return &explore.Report{}
	}
	t.Logf("%s\n%s", res.State, interleaving(p, token))
	if res.Err != nil || res.Failure != "" {
		t.Errorf("%s%s", res.Failure, details(&explore.Outcome{Witness: explore.Witness{Err: res.Err}}))
	}
	return &explore.Report{}
}

// details are what the machine says of the run: who waits for what, the stack of a panic.
func details(o *explore.Outcome) string {
	if o.Witness.Err == nil {
		return ""
	}
	text := "\n" + strings.TrimSuffix(o.Witness.Err.Error(), "\n")
	var panicked *sim.PanicError
	if errors.As(o.Witness.Err, &panicked) {
		text += "\n" + ownFrames(panicked.Stack)
	}
	return text
}

// others names the failures that are not shown.
func others(failures []*explore.Outcome) string {
	var s strings.Builder
	for _, f := range failures {
		fmt.Fprintf(&s, "\n%d schedules failed in another way: %s (%s=%s)", f.Count, f.Text, Variable, f.Witness.Token)
	}
	return s.String()
}

func interleaving(p explore.Program, token string) string {
	table, err := explore.Interleaving(p, token, strace.Words())
	if err != nil {
		return err.Error()
	}
	var s strings.Builder
	table.Write(&s)
	return s.String()
}

// again is the command that runs a schedule alone.
func again(t TB, token string) string {
	var names []string
	for _, name := range strings.Split(t.Name(), "/") {
		names = append(names, "^"+regexp.QuoteMeta(name)+"$")
	}
	pattern := strings.ReplaceAll(strings.Join(names, "/"), "'", `'\''`)
	command := fmt.Sprintf("run it again: %s=%s go test -run '%s'", Variable, token, pattern)
	if _, ok := t.(testing.TB); !ok {
		command += ", of the same generated program: with the flag that follows"
	}
	return command
}
