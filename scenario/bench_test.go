package scenario_test

import (
	"testing"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// BenchmarkRun is a whole run of the size that an explorer repeats, on the fake kernel.
func BenchmarkRun(b *testing.B) {
	p := compile(b, `
e = eventfd(0, EFD_NONBLOCK)
n = [0]
def writer():
    eventfd_write(e, 1)
    eventfd_write(e, 1)
def reader():
    for _ in range(2):
        n[0] = n[0] + (1 if eventfd_read(e) else 0)
spawn(writer)
spawn(reader)
exists(lambda: n[0] == 2)
`)
	pool := &sim.Pool{}
	defer pool.Close()
	b.ReportAllocs()
	for b.Loop() {
		r := scenario.Run(newFakeWorld(sim.Options{Pool: pool}), p, scenario.Options{})
		if r.ExitCode() != 0 {
			b.Fatal(r.Err)
		}
	}
}

// BenchmarkCall is a builtin that succeeds, and one that fails and is looked at.
func BenchmarkCall(b *testing.B) {
	for name, src := range map[string]string{
		"ok":    "for _ in range(1000):\n    sched_yield()\n",
		"errno": "for _ in range(1000):\n    close(99) == EBADF\n",
	} {
		b.Run(name, func(b *testing.B) {
			p := compile(b, src)
			b.ReportAllocs()
			for b.Loop() {
				scenario.Run(newFakeWorld(sim.Options{}), p, scenario.Options{})
			}
		})
	}
}
