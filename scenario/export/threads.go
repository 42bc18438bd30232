package export

import (
	"reflect"
	"slices"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
)

// MaxThreads is how many threads a vector has at most.
const MaxThreads = 64

// schedules is how many random schedules of a program of several threads must give what the first run gave.
const schedules = 20

// threads numbers the threads of a program: 0 is main, the others in the order in which the first run met them.
type threads struct {
	byPath map[string]int            // as scenario.Call names them
	paths  map[starlark.Value]string // of what spawn has returned
	fixed  bool                      // the numbers are those of a run before: new threads have none
}

// number is that of a thread, -1 if it cannot have one.
func (t *threads) number(path string) int {
	n, ok := t.byPath[path]
	switch {
	case ok:
		return n
	case t.fixed || len(t.byPath) == MaxThreads:
		return -1
	}
	n = len(t.byPath)
	t.byPath[path] = n
	return n
}

// again are the numbers for another run of the same program.
func (t *threads) again() threads {
	return threads{byPath: t.byPath, paths: map[starlark.Value]string{}, fixed: true}
}

// meet takes what a call tells of threads, and returns the number of its own.
func (t *threads) meet(c scenario.Call) int {
	n := t.number(c.Thread)
	if c.Started != "" && c.Errno == 0 {
		t.paths[c.Value] = c.Started
		if t.number(c.Started) < 0 {
			return -1
		}
	}
	return n
}

// of is the number of the thread that v is, -1 if it is none.
func (t *threads) of(v starlark.Value) int {
	if path, ok := t.paths[v]; ok {
		return t.number(path)
	}
	return -1
}

// depends finds a call that is another, or has another result, if the threads are scheduled in another way; nil if none
// was found.
func (r *recording) depends(p *scenario.Program, opts Options) *Call {
	first := byThread(r.vector)
	pool := &sim.Pool{}
	defer pool.Close()
	for seed := range uint64(schedules) {
		var strategy sim.Strategy = sim.NewRandom(seed)
		if seed%2 == 1 {
			strategy = sim.NewPCT(3, 1000, seed)
		}
		other := newRecording(p, opts, sim.Options{Strategy: strategy, Pool: pool})
		other.threads = r.threads.again()
		res := other.run(p, opts)
		second := byThread(other.vector)
		for thread, calls := range first {
			for i := range calls {
				if i >= len(second[thread]) || !sameResult(calls[i], second[thread][i]) {
					return calls[i]
				}
			}
		}
		if res.ExitCode() != scenario.ExitOK || len(other.vector.Calls) != len(r.vector.Calls) {
			return &r.vector.Calls[len(r.vector.Calls)-1]
		}
	}
	return nil
}

// byThread are the calls of each thread.
func byThread(v *Vector) [][]*Call {
	all := make([][]*Call, max(v.Threads, 1))
	for i := range v.Calls {
		c := &v.Calls[i]
		all[c.Thread] = append(all[c.Thread], c)
	}
	return all
}

func sameResult(a, b *Call) bool {
	return a.Name == b.Name && a.At == b.At && a.Errno == b.Errno && reflect.DeepEqual(a.Args, b.Args) && reflect.DeepEqual(a.Return, b.Return) &&
		reflect.DeepEqual(a.Out, b.Out) && slices.Equal(a.Handled, b.Handled)
}

// spawnArgs: what the thread does is not told here; its calls have its number.
func spawnArgs(*recording, map[string]starlark.Value) (Object, string) { return nil, "" }

func joinArgs(rec *recording, params map[string]starlark.Value) (Object, string) {
	n := rec.threads.of(params["t"])
	if n < 0 {
		return nil, "join() of a process"
	}
	return Object{{"thread", int64(n)}}, ""
}
