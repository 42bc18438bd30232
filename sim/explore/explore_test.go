package explore

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/sim"
)

var (
	classThing = sim.NewClass("thing")
	classSpin  = sim.NewClass("spin")
	classMutex = sim.NewClass("mutex")
	fieldX     = sim.NewField("x")
	fieldY     = sim.NewField("y")
	fieldLeft  = sim.NewField("left")
	fieldCount = sim.NewField("count")
)

type op struct {
	Kind string
	Arg  int
}

var opKinds = []string{
	"read", "read", "write", "write", "lock", "unlock", "mutex", "munlock", "sleep", "wake", "wake", "timer", "cancel",
	"nap", "signal", "signalled", "spawn", "rcu", "free", "fail", "new", "yield", "ended", "end", "look", "drop", "peek",
}

func drawProgram(t *rapid.T) [][]op {
	switch rapid.IntRange(0, 5).Draw(t, "flavour") {
	case 0:
		return drawOps(t, []string{"lock", "lock", "unlock", "mutex", "mutex", "munlock", "read", "write", "nap"}, 2, 1, 4)
	case 1:
		return drawLeaveProgram(t)
	case 2:
		return drawOps(t, []string{"count", "count", "recount", "counted", "read", "write", "nap"}, 2, 1, 4)
	}
	return drawOps(t, opKinds, 3, 1, 3)
}

// drawLeaveProgram draws one in which the last task to leave does something for all.
func drawLeaveProgram(t *rapid.T) [][]op {
	return drawOps(t, []string{"read", "write", "lock", "unlock", "sleep", "wake", "nap", "leave", "leave"}, 2, 1, 4)
}

// drawLockProgram draws a longer one that is mostly about locks.
func drawLockProgram(t *rapid.T) [][]op {
	return drawOps(t, []string{"lock", "unlock", "mutex", "mutex", "munlock", "read", "write", "write", "sleep", "wake"}, 2, 2, 6)
}

func drawOps(t *rapid.T, kinds []string, args, least, most int) [][]op {
	one := rapid.Custom(func(t *rapid.T) op {
		return op{rapid.SampledFrom(kinds).Draw(t, "kind"), rapid.IntRange(0, args-1).Draw(t, "arg")}
	})
	return rapid.SliceOfN(rapid.SliceOfN(one, least, most), 2, 3).Draw(t, "program")
}

// play runs a program once; the text tells all it showed.
func play(prog [][]op, opts sim.Options) string {
	opts.MaxSteps = 1000
	m := sim.New(opts)
	defer m.Close()
	w := &play0{m: m, id: m.NewID(classThing), initial: len(prog)}
	w.whole = m.NewID(classThing)
	for i := range 2 {
		w.spins[i].Init(m, classSpin)
		w.mutexes[i].Init(m, classMutex)
		w.timers[i].Init(m, func(*sim.Timer) {
			m.Write(w.id, fieldX)
			w.vars[0] = w.vars[0]*3 + 100 + i
			if w.initial > i {
				w.tasks[i].WakeUp(sim.Normal)
			}
		})
	}
	for i, ops := range prog {
		w.go_(i, ops)
		if slices.ContainsFunc(ops, func(o op) bool { return o.Kind == "leave" }) {
			w.left++
		}
	}
	err := m.Run()
	var dead *sim.DeadlockError
	switch {
	case errors.As(err, &dead):
		fmt.Fprintf(&w.end, " deadlock of %d", len(dead.Tasks))
	case err != nil:
		return err.Error()
	}
	var s strings.Builder
	for i, log := range w.logs {
		fmt.Fprintf(&s, "%d:%s ", i, log)
	}
	fmt.Fprint(&s, w.vars, w.count, m.Now(), w.end.String())
	return s.String()
}

type play0 struct {
	m       *sim.Machine
	id      sim.ID
	spins   [2]sim.Spinlock
	mutexes [2]sim.Mutex
	timers  [2]sim.Timer
	tasks   []*sim.Task
	vars    [3]int
	guarded [2]int
	initial int
	logs    []*strings.Builder
	freed   bool
	whole   sim.ID
	gone    bool
	left    int
	count   int
	end     strings.Builder
}

func (w *play0) go_(i int, ops []op) {
	log := &strings.Builder{}
	w.logs = append(w.logs, log)
	w.tasks = append(w.tasks, w.m.Go(fmt.Sprint("t", i), nil, func(t *sim.Task) { w.run(t, i, ops, log) }))
}

func (w *play0) run(t *sim.Task, me int, ops []op, log *strings.Builder) {
	m := w.m
	spawned := false
	for _, o := range ops {
		switch o.Kind {
		case "read":
			m.ReadAt(w.id, fieldX, o.Arg)
			fmt.Fprint(log, "r", w.vars[o.Arg], " ")
		case "write":
			m.WriteAt(w.id, fieldX, o.Arg)
			w.vars[o.Arg] = w.vars[o.Arg]*2 + me + 1
		case "lock":
			if l := &w.spins[o.Arg%2]; l.Owner() != t {
				l.Lock()
				w.guarded[o.Arg%2]++
				fmt.Fprint(log, "l", w.guarded[o.Arg%2], " ")
			}
		case "unlock":
			if l := &w.spins[o.Arg%2]; l.Owner() == t {
				l.Unlock()
			}
		case "mutex":
			if l := &w.mutexes[o.Arg%2]; l.Owner() != t && len(t.Holds()) == 0 {
				l.Lock()
			}
		case "munlock":
			if l := &w.mutexes[o.Arg%2]; l.Owner() == t {
				l.Unlock()
			}
		case "sleep":
			if len(t.Holds()) == 0 {
				t.SetState(sim.Interruptible)
				t.Schedule("op", w.id)
				if t.SignalPending() {
					fmt.Fprint(log, "s ")
				}
			}
		case "wake":
			fmt.Fprint(log, "w", w.tasks[o.Arg%w.initial].WakeUp(sim.Normal), " ")
		case "timer":
			w.timers[o.Arg%2].Start(int64(5 * o.Arg))
		case "cancel":
			if len(t.Holds()) == 0 {
				fmt.Fprint(log, "c", w.timers[o.Arg%2].Cancel(), " ")
			}
		case "nap":
			if len(t.Holds()) == 0 {
				t.SleepUntil(m.Now()+int64(5*o.Arg), "nap")
			}
		case "signal":
			q := w.tasks[o.Arg%w.initial]
			q.SetSignal(true, false)
			q.WakeUp(sim.Interruptible)
		case "signalled":
			fmt.Fprint(log, "h", t.HasSignal(), " ")
		case "spawn":
			if !spawned {
				spawned = true
				w.go_(len(w.tasks), []op{{"write", o.Arg}, {"read", o.Arg}})
			}
		case "rcu":
			m.RCUReadLock()
			m.Read(w.id, fieldY)
			fmt.Fprint(log, "f", w.freed, " ")
			m.RCUReadUnlock()
		case "free":
			m.CallRCU(func() { w.freed = true })
		case "fail":
			m.Read(w.id, fieldY)
			if o.Arg == 0 {
				m.ReadAt(w.id, fieldX, 0)
				if w.vars[0] > 0 {
					m.Violation("var 0 is not 0")
				}
			}
		case "new":
			fmt.Fprint(log, "n", m.NewID(classThing).Number(), " ")
		case "yield":
			t.Yield()
		case "ended":
			fmt.Fprint(log, "e", w.tasks[o.Arg%w.initial].Ended(), " ")
		case "look":
			m.TouchEverything()
			fmt.Fprint(log, "v", w.vars, w.guarded, " ")
		case "drop":
			m.Write(w.whole, 0)
			w.gone = true
		case "peek":
			m.Read(w.whole, fieldY)
			fmt.Fprint(log, "g", w.gone, " ")
		case "count":
			m.Add(w.id, fieldCount)
			w.count += me + 1
		case "recount":
			m.Write(w.id, fieldCount)
			w.count *= 3
		case "counted":
			m.Read(w.id, fieldCount)
			fmt.Fprint(log, "#", w.count, " ")
		case "end":
			return
		case "leave":
			w.left--
			m.CountDown(w.id, fieldLeft, w.left)
			if w.left == 0 {
				m.WriteAt(w.id, fieldX, 0)
				w.vars[0] = w.vars[0]*5 + 1000
				m.ReadAt(w.id, fieldX, 1)
				fmt.Fprint(&w.end, " left with ", w.vars[1])
			}
			return
		}
	}
}

// enumerate returns what all schedules show, or nil if there are too many.
func enumerate(prog [][]op, bound, limit int) (map[string]bool, int) {
	pool := &sim.Pool{}
	defer pool.Close()
	e := &sim.Enumeration{Bound: bound}
	got := map[string]bool{}
	for n := 1; n <= limit; n++ {
		e.Begin()
		got[play(prog, sim.Options{Strategy: e, Pool: pool})] = true
		if !e.Advance() {
			return got, n
		}
	}
	return nil, limit
}

func reduced(prog [][]op, s *search) (map[string]bool, int, int) {
	pool := &sim.Pool{}
	defer pool.Close()
	got := map[string]bool{}
	runs, redundant := 0, 0
	for {
		s.begin()
		state := play(prog, sim.Options{Strategy: s, Pool: pool})
		if s.stray != nil {
			panic(s.stray)
		}
		if s.disturbed() {
			again := newSearch(s.bound)
			again.rules, again.calm = s.rules, false
			got, runs, redundant, s = map[string]bool{}, 0, 0, again
			continue
		}
		if s.redundant {
			redundant++
		} else {
			got[state] = true
		}
		runs++
		if !s.advance() {
			return got, runs, redundant
		}
	}
}

// Programs of which an outcome was missed once.
func TestReductionShowsWhatItMissed(t *testing.T) {
	for _, prog := range [][][]op{
		// Who waits for a lock in a run that is given up could have had it there.
		{{{"lock", 0}}, {{"lock", 1}, {"lock", 0}}, {{"lock", 1}, {"unlock", 1}, {"lock", 1}}},
		// A failure keeps others from what would be in a race with what the task that fails does.
		{{{"fail", 0}}, {{"write", 0}}, {{"ended", 0}}},
	} {
		for _, bound := range []int{-1, 0, 1, 2} {
			want, _ := enumerate(prog, bound, 30_000)
			require.NotNil(t, want)
			got, _, _ := reduced(prog, newSearch(bound))
			require.Equal(t, want, got, "bound %d, %v", bound, prog)
		}
	}
}

// A run of many steps, each of which races with many others, does not outlast the time there is.
func TestTimeEndsALongRun(t *testing.T) {
	var prog [][]op
	for range 2 {
		var ops []op
		for i := range 20_000 {
			ops = append(ops, op{"write", i % 3})
		}
		prog = append(prog, ops)
	}
	run := func(opts sim.Options) Result {
		m := sim.New(opts)
		defer m.Close()
		w := &play0{m: m, id: m.NewID(classThing), initial: len(prog)}
		for i, ops := range prog {
			w.go_(i, ops)
		}
		return Result{Err: m.Run()}
	}
	for _, cores := range []int{1, 2} {
		start := time.Now()
		r := Explore(run, Options{MaxDuration: 20 * time.Millisecond, Cores: cores})
		require.NoError(t, r.Err)
		require.False(t, r.Complete(1))
		require.Less(t, time.Since(start), 20*time.Second)
	}
}

func TestReductionShowsAllOutcomes(t *testing.T) {
	var total, less, wasted int
	for _, bound := range []int{-1, 0, 1, 2, 3} {
		t.Run(fmt.Sprint("bound ", bound), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				prog := drawProgram(rt)
				want, n := enumerate(prog, bound, 30_000)
				if want == nil {
					return
				}
				got, runs, redundant := reduced(prog, newSearch(bound))
				total += n
				less += runs
				wasted += redundant
				require.Equal(rt, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)), "%d runs of %d", runs, n)
			})
			t.Log(total, less, wasted)
			total, less, wasted = 0, 0, 0
		})
	}
}
