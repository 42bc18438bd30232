package sim_test

import (
	"fmt"

	"github.com/epollsim/epollsim/sim"
)

// Two tasks add to a counter under a lock. Every schedule of them is tried.
func Example() {
	runs, lost := 0, 0
	e := &sim.Enumeration{Bound: -1}
	for more := true; more; more = e.Advance() {
		e.Begin()
		m := sim.New(sim.Options{Strategy: e})
		var lock sim.Spinlock
		lock.Init(m, classALock)
		id := m.NewID(classThing)
		n := 0
		add := func(*sim.Task) {
			lock.Lock()
			old := n
			m.Write(id, fieldX) // a point: without the lock the other might add here
			n = old + 1
			lock.Unlock()
		}
		m.Go("a", nil, add)
		m.Go("b", nil, add)
		if err := m.Run(); err != nil {
			fmt.Println(err)
		}
		m.Close()
		runs++
		if n != 2 {
			lost++
		}
	}
	fmt.Println(runs, "schedules,", lost, "lost updates")
	// Output: 10 schedules, 0 lost updates
}

// Two tasks take two mutexes in opposite order.
func ExampleDeadlockError() {
	m := sim.New(sim.Options{})
	defer m.Close()
	var a, b sim.Mutex
	a.Init(m, classAMutex)
	b.Init(m, classBMutex)
	m.Go("ab", nil, func(t *sim.Task) {
		a.Lock()
		t.Yield()
		b.Lock()
	})
	m.Go("ba", nil, func(*sim.Task) {
		b.Lock()
		a.Lock()
	})
	fmt.Println(m.Run())
	// Output:
	// deadlock: nothing can run and no timer is armed
	//   task 1 (ab) waits for b.mtx#1, held by task 2 (ba); holds a.mtx#1
	//   task 2 (ba) waits for a.mtx#1, held by task 1 (ab); holds b.mtx#1
}

// A run under a random strategy is repeated by the token of its choices.
func ExampleReplay() {
	run := func(s sim.Strategy) string {
		m := sim.New(sim.Options{Strategy: s})
		defer m.Close()
		id := m.NewID(classThing)
		for _, name := range []string{"a", "b", "c"} {
			m.Go(name, nil, func(*sim.Task) {
				for range 3 {
					m.Write(id, fieldX)
					fmt.Print(name)
				}
			})
		}
		if err := m.Run(); err != nil {
			fmt.Print(err)
		}
		fmt.Println()
		return m.Token()
	}
	token := run(sim.NewRandom(1))
	replay, err := sim.NewReplay(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	run(replay)
	fmt.Println(replay.Err())
	// Output:
	// cccbabbaa
	// cccbabbaa
	// <nil>
}
