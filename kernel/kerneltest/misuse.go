package kerneltest

import (
	"fmt"
	"strings"
	"time"
)

// misused reports whether the program has failed the test itself, with a *testing.T that it should not use.
func (o *options) misused() bool { return !o.failed && hasFailed(o.t) }

const failedItself = "the program has failed its test itself, see above: in the program, use the Run instead of the *testing.T"

func hasFailed(t TB) bool {
	failing, ok := t.(interface{ Failed() bool })
	return ok && failing.Failed()
}

// left tells which run has ended the test from inside, as t.FailNow and t.Skip do: it is called in any case.
func (o *options) left() {
	if o.done {
		return
	}
	if p := recover(); p != nil {
		panic(p)
	}
	o.t.Helper()
	if r := o.last; r != nil {
		o.t.Errorf("kerneltest: the program has ended its test or its goroutine from inside: use the Run instead of the *testing.T\n%s", again(o.t, r.k.Machine().Token()))
	}
}

// stuck is how long a single run may take.
var stuck = time.Minute

// watch ends the test binary, as the timeout of go test does but with the reason, if a run does not come to an end: no limit
// of ours can reach a program that makes no calls.
func (o *options) watch() (stop func()) {
	end, limit, tell := make(chan struct{}), stuck, giveUp
	go func() {
		tick := time.NewTicker(limit)
		defer tick.Stop()
		for last := uint64(0); ; {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			runs := o.runs.Load()
			if runs == last && runs > 0 {
				tell(fmt.Sprintf("kerneltest: run %d of %s takes more than %v: its program waits for something that is not of the kernel of its Run, "+
					"such as a channel or a sync.Mutex, or has an endless loop without a call", runs, o.t.Name(), limit))
			}
			last = runs
		}
	}()
	return func() { close(end) }
}

// giveUp is what watch does: the stacks that follow show where the program is.
var giveUp = func(why string) { panic(why) }

// ownFrames are the frames of a stack from the panic to where our own code called the program.
func ownFrames(stack []byte) string {
	lines := strings.Split(strings.TrimSuffix(string(stack), "\n"), "\n")
	begin := 1 // behind the line of the goroutine; a frame has two lines
	for i := 1; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "panic(") {
			begin = i + 2
		}
	}
	end, program := begin, false
	for ; end+1 < len(lines); end += 2 {
		ours := callsProgram(lines[end])
		if ours && program {
			break
		}
		program = program || !ours
	}
	return strings.Join(lines[begin:min(end, len(lines))], "\n")
}

// callsProgram reports whether a frame is of the model or the runtime, and not of a program.
func callsProgram(frame string) bool {
	for _, prefix := range []string{"runtime.", "iter.", "testing.", "created by ", module + "sim.", module + "sim/explore.", module + "kernel.", module + "kernel/kerneltest."} {
		if strings.HasPrefix(frame, prefix) {
			return true
		}
	}
	return false
}

const module = "github.com/epollsim/epollsim/"
