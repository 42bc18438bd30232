package devices_test

import (
	"fmt"

	"pgregory.net/rapid"

	_ "github.com/epollsim/epollsim/internal/form" // draws fewer programs
	"github.com/epollsim/epollsim/sim"
)

// drawSchedule draws how the tasks of a run are scheduled: unfairly or at random. Who does not wait but tries again needs
// the fair one.
func drawSchedule(rt *rapid.T) (s sim.Strategy, fair bool) {
	seed := rapid.Uint64().Draw(rt, "seed")
	if fair = rapid.Bool().Draw(rt, "fair"); fair {
		return sim.NewRandom(seed), true
	}
	return sim.NewPCT(4, 300, seed), false
}

// twoWriters starts two tasks that write stretches of drawn sizes, and then end. The bytes of a task follow from each
// other.
func twoWriters(rt *rapid.T, m *sim.Machine, sizes *rapid.Generator[[]int], write func(i int, task *sim.Task, b []byte), end func(i int)) {
	for i := range 2 {
		script := sizes.Draw(rt, fmt.Sprintf("writer %d", i))
		m.Go(fmt.Sprintf("writer %d", i), nil, func(task *sim.Task) {
			next := byte(i * 100)
			for _, n := range script {
				b := make([]byte, n)
				for k := range b {
					next = next*5 + 7
					b[k] = next
				}
				write(i, task, b)
			}
			end(i)
		})
	}
}

// twoReaders starts two tasks that read up to drawn sizes and more bytes, until read has met the end.
func twoReaders(rt *rapid.T, m *sim.Machine, sizes *rapid.Generator[[]int], more int, read func(task *sim.Task, b []byte) (end bool)) {
	for i := range 2 {
		script := sizes.Draw(rt, fmt.Sprintf("reader %d", i))
		m.Go(fmt.Sprintf("reader %d", i), nil, func(task *sim.Task) {
			for k := 0; !read(task, make([]byte, script[k%len(script)]+more)); k++ {
			}
		})
	}
}
