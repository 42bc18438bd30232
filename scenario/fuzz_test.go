package scenario_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// FuzzCompileAndRun: no text makes the compiler, the interpreter or a builtin panic, or run for ever.
func FuzzCompileAndRun(f *testing.F) {
	files, err := filepath.Glob("testdata/*.star")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range []string{
		"kernel(\"5.10\")\nsignal(SIGUSR1, lambda s: kill(getpid(), s))\nkill(getpid(), SIGUSR1)",
		"def f(): fork(f)\nf()", "def f(): spawn(f)\nf()", "spawn(spawn, spawn, exit)", "outcome(a = select([1], None, ()))",
		"exists(lambda: now())", "forall(exit)", "check(*[1], **{'msg': 2})", "x = {close(9): EINTR}", "spawn(fail, EAGAIN, name = 'x')",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := scenario.Compile("fuzz.star", src)
		if err != nil {
			var e *scenario.Error
			if !errors.As(err, &e) {
				t.Fatalf("not a scenario.Error: %v", err)
			}
			return
		}
		r := scenario.Run(newFakeWorld(sim.Options{MaxSteps: 100_000, MaxTasks: 200}), p, scenario.Options{MaxSteps: 20_000})
		var panicked *sim.PanicError
		if errors.As(r.Err, &panicked) {
			t.Fatalf("%v\n%s", panicked, panicked.Stack)
		}
	})
}
