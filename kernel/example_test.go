package kernel_test

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// A kernel is booted, and a byte in a pipe becomes an event.
func Example() {
	err := kernel.Boot(kernel.Options{}).RunThread(func(t *kernel.Thread) {
		ep, _ := t.EpollCreate1(0)
		p, _ := t.Pipe2(0)
		t.EpollCtl(ep, abi.EPOLL_CTL_ADD, p[0], &abi.EpollEvent{Events: abi.EPOLLIN, Data: 42})
		t.Write(p[1], []byte("x"))
		events := make([]abi.EpollEvent, 8)
		n, err := t.EpollWait(ep, events, len(events), -1)
		fmt.Println(n, err, events[0].Events, events[0].Data)
	})
	fmt.Println(err)
	// Output:
	// 1 <nil> EPOLLIN 42
	// <nil>
}

// One thread sleeps in epoll_wait until another writes. Time is virtual: nobody waits for it.
func ExampleThread_Clone() {
	err := kernel.Boot(kernel.Options{}).RunThread(func(t *kernel.Thread) {
		ep, _ := t.EpollCreate1(0)
		e, _ := t.Eventfd2(0, 0)
		t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &abi.EpollEvent{Events: abi.EPOLLIN})
		start, _ := t.ClockGettime(abi.CLOCK_MONOTONIC)
		waiter, _ := t.Clone("waiter", func(c kernel.Calls) {
			n, _ := c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1)
			now, _ := c.ClockGettime(abi.CLOCK_MONOTONIC)
			fmt.Println(n, "event after", (now-start)/1e9, "s")
		})
		t.Nanosleep(3600e9)
		t.Write(e, []byte{1, 0, 0, 0, 0, 0, 0, 0})
		t.Join(waiter)
	})
	fmt.Println(err)
	// Output:
	// 1 event after 3600 s
	// <nil>
}

// race has two threads ask one edge-triggered epoll for the same event, without waiting. It returns who got it.
func race(s sim.Strategy) (winners string, token string) {
	k := kernel.Boot(kernel.Options{Machine: sim.Options{Strategy: s}})
	err := k.RunThread(func(t *kernel.Thread) {
		ep, _ := t.EpollCreate1(0)
		e, _ := t.Eventfd2(1, 0)
		t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLET})
		ask := func(c kernel.Calls, name string) {
			if n, _ := c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, 0); n == 1 {
				winners += name
			}
		}
		other, _ := t.Clone("other", func(c kernel.Calls) { ask(c, "other") })
		ask(t, "main")
		t.Join(other)
	})
	if err != nil {
		return err.Error(), ""
	}
	return winners, k.Machine().Token()
}

// Every schedule with at most one preemption: the event goes to one of the two, never to both, never to none.
func ExampleKernel_explore() {
	seen := map[string]bool{}
	e := &sim.Enumeration{Bound: 1}
	for more := true; more; more = e.Advance() {
		e.Begin()
		winners, _ := race(e)
		seen[winners] = true
	}
	fmt.Println(seen)
	// Output: map[main:true other:true]
}

// A run that went wrong is repeated by the token of its schedule.
func ExampleKernel_replay() {
	for seed := uint64(0); ; seed++ {
		winners, token := race(sim.NewRandom(seed))
		if winners != "other" {
			continue
		}
		replay, err := sim.NewReplay(token)
		if err != nil {
			fmt.Println(err)
			return
		}
		again, _ := race(replay)
		fmt.Println(again, replay.Err())
		return
	}
	// Output: other <nil>
}

// The state is plain data, and readable as text.
func ExampleKernel_Snapshot() {
	k := kernel.Boot(kernel.Options{})
	k.RunThread(func(t *kernel.Thread) {
		ep, _ := t.EpollCreate1(0)
		e, _ := t.Eventfd2(0, 0)
		t.EpollCtl(ep, abi.EPOLL_CTL_ADD, e, &abi.EpollEvent{Events: abi.EPOLLIN, Data: 7})
		t.Clone("waiter", func(c kernel.Calls) { c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, -1) })
		t.Nanosleep(1000)
		s := k.Snapshot()
		fmt.Print(s.Epolls[0])
		for _, thread := range s.Processes[0].Threads {
			fmt.Printf("%s: %s %q\n", thread.Name, thread.State, thread.Waits)
		}
		t.Write(e, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	// Output:
	// struct eventpoll eventpoll#1 {
	//     .mtx        = unlocked,
	//     .wq         = [task 2 (waiter)],
	//     .poll_wait  = [],
	//     .rdllist    = [],
	//     .lock       = unlocked,
	//     .rbr        = {
	//         item 4: epitem#1 {.ffd = {file#3 anon_inode:[eventfd], 4}, .event = {EPOLLIN|EPOLLERR|EPOLLHUP, 0x7}, .nwait = 1}
	//     },
	//     .ovflist    = EP_UNACTIVE_PTR,
	//     .refcount   = 2,
	// }
	// main: running ""
	// waiter: sleeping "ep.wq of eventpoll#1"
}
