package eventpoll

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// R-ZEROTMO: one thread's scan empties the lists for a moment; the lock-free look of another sees nothing
// though an event is pending all the time. The sequence counter ends that.
func TestZeroTimeoutSeesWhatIsListed(t *testing.T) {
	for _, seq := range []bool{true, false} {
		rules := Baseline
		rules.NoSeq = !seq
		missed := 0
		runs := every(t, 2, rules, func(w *world) []func() {
			ep := w.epoll()
			w.add(ep, w.source(abi.EPOLLIN).File, 1, lt)
			look := func() {
				if len(w.wait(ep, 1, 0)) == 0 {
					missed++
				}
			}
			return []func(){look, look}
		}, fine(t))
		if seq {
			require.Zero(t, missed, "of %d schedules", runs)
		} else {
			require.NotZero(t, missed, "of %d schedules", runs)
		}
	}
}

// Two sleepers and one writer: no schedule leaves a sleeper behind.
func TestNoWakeUpIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("many schedules of one goroutine at a time")
	}
	t.Run("LT", func(t *testing.T) { // one event reaches both, each scan wakes the next
		every(t, 2, Baseline, func(w *world) []func() {
			ep, src := w.epoll(), w.source(0)
			w.add(ep, src.File, 1, lt)
			sleep := func() { require.Equal(t, []int{1}, w.wait(ep, 1, sim.Forever)) }
			return []func(){sleep, sleep, func() { src.fire(abi.EPOLLIN) }}
		}, fine(t))
	})
	t.Run("ET", func(t *testing.T) { // two events, one each
		every(t, 2, Baseline, func(w *world) []func() {
			ep, src := w.epoll(), w.sources(2, 0)
			w.add(ep, src[0].File, 0, et)
			w.add(ep, src[1].File, 1, et)
			sleep := func() { require.Len(t, w.wait(ep, 1, sim.Forever), 1) }
			return []func(){sleep, sleep, func() {
				src[0].fire(abi.EPOLLIN)
				src[1].fire(abi.EPOLLIN)
			}}
		}, fine(t))
	})
}

// R-TIMEOUTLOSS: a sleeper whose time is over was chosen by the waker. Either it takes the event or the
// other sleeper does.
func TestTimedOutSleeperPassesNothingBy(t *testing.T) {
	outcomes := map[int]int{}
	every(t, 1, Baseline, func(w *world) []func() {
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, et)
		return []func(){
			func() { require.Equal(t, []int{1}, w.wait(ep, 1, sim.Forever)) },
			func() {
				n := len(w.wait(ep, 1, 5))
				outcomes[n]++
				if n == 1 {
					src.fire(abi.EPOLLIN)
				}
			},
			func() {
				w.sys.M.Current().SleepUntil(5, "test")
				src.fire(abi.EPOLLIN)
			},
		}
	}, fine(t))
	require.Len(t, outcomes, 2)
}

// R-DEADWAIT: a wake-up takes the entry of a sleeper that something else has woken already, and reaches the
// next one.
func TestWakeUpTakesTheEntryOfWhoIsAwake(t *testing.T) {
	one(t, func(w *world) {
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, et)
		var tasks []*sim.Task
		got := 0
		for range 2 {
			w.spawn("sleeper", func() {
				tasks = append(tasks, w.sys.M.Current())
				got += len(w.wait(ep, 1, 9))
			})
		}
		w.sys.M.Current().Yield()
		tasks[1].WakeUp(sim.Interruptible) // the newest, first in line
		src.fire(abi.EPOLLIN)
		require.Empty(t, ep.State().Wq)
		require.True(t, tasks[0].Runnable())
		w.sys.M.Current().SleepUntil(10, "test")
		require.Equal(t, 1, got)
	})
}

// MOD re-arms a ONESHOT while its file becomes ready: the event is reported. Both see the other's store.
func TestModMissesNothing(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, abi.EPOLLIN|abi.EPOLLONESHOT)
		item(ep, 1).event.Events &= privateBits
		return []func(){
			func() { require.Equal(t, []int{1}, w.wait(ep, 1, sim.Forever)) },
			func() { require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_MOD, src.File, 1, abi.EPOLLIN|abi.EPOLLONESHOT)) },
			func() { src.fire(abi.EPOLLIN) },
		}
	}, fine(t))
}

// ADD hooks, asks and lists while the file becomes ready and a thread sleeps.
func TestAddMissesNothing(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		ep, src := w.epoll(), w.source(0)
		return []func(){
			func() { require.Equal(t, []int{1}, w.wait(ep, 1, sim.Forever)) },
			func() { w.add(ep, src.File, 1, et) },
			func() { src.fire(abi.EPOLLIN) },
		}
	}, fine(t))
}

// After a DEL that succeeded nothing of the item is reported, whatever fires and scans meanwhile.
func TestNoEventAfterDel(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, lt)
		return []func(){
			func() {
				require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_DEL, src.File, 1, 0))
				require.Empty(t, w.wait(ep, 1, 0))
			},
			func() { src.fire(abi.EPOLLIN) },
			func() { w.wait(ep, 1, 0) },
		}
	}, fine(t))
}

// R-POLLFREE: the queue goes away under the hook while the item is removed. The queue is freed after a
// grace period, as its owner must.
func TestPollFree(t *testing.T) {
	end := func(w *world, src *source) {
		src.queue.WakeUpPollFree()
		w.sys.M.CallRCU(func() { w.sys.M.Free(src.queue.ID()) })
	}
	one(t, func(w *world) {
		ep, src := w.epoll(), w.source(abi.EPOLLHUP)
		w.add(ep, src.File, 1, et)
		pwq := item(ep, 1).pwqlist
		require.Equal(t, []int{1}, w.wait(ep, 1, 0))
		end(w, src)
		require.Nil(t, pwq.whead)
		require.False(t, pwq.wait.Queued())
		require.Equal(t, []int{1}, w.wait(ep, 1, 0), "POLLFREE is a HUP")
		require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_DEL, src.File, 1, 0))
	})
	for name, remove := range map[string]func(w *world, ep *Eventpoll, src *source){
		"DEL":          func(w *world, ep *Eventpoll, src *source) { w.ctl(ep, abi.EPOLL_CTL_DEL, src.File, 1, 0) },
		"close(epoll)": func(w *world, ep *Eventpoll, _ *source) { w.close(ep.file) },
		"close(file)":  func(w *world, _ *Eventpoll, src *source) { w.close(src.File) },
	} {
		t.Run(name, func(t *testing.T) {
			every(t, 2, Baseline, func(w *world) []func() {
				ep, src := w.epoll(), w.source(0)
				w.add(ep, src.File, 1, et)
				return []func(){func() { end(w, src) }, func() { remove(w, ep, src) }}
			}, fine(t))
		})
	}
}

// The last item of a file leaves between the two looks of an ADD at f_ep.
func TestAddWhileTheLastItemLeaves(t *testing.T) {
	every(t, 3, Baseline, func(w *world) []func() {
		a, b, src := w.epoll(), w.epoll(), w.source(0)
		w.add(a, src.File, 1, et)
		return []func(){
			func() { w.add(b, src.File, 1, et) },
			func() { require.Zero(t, w.ctl(a, abi.EPOLL_CTL_DEL, src.File, 1, 0)) },
		}
	}, fine(t))
}

// R-UPWALK: the nested checks walk up under RCU while links above them go, by DEL or by close.
func TestNestedAddWhileLinksGo(t *testing.T) {
	if testing.Short() {
		t.Skip("many schedules of one goroutine at a time")
	}
	for name, cut := range map[string]func(w *world, outer, ep *Eventpoll, leaf *source){
		"DEL":         func(w *world, outer, ep *Eventpoll, _ *source) { w.ctl(outer, abi.EPOLL_CTL_DEL, ep.file, 1000, 0) },
		"close":       func(w *world, outer, _ *Eventpoll, _ *source) { w.close(outer.file) },
		"close(leaf)": func(w *world, _, _ *Eventpoll, leaf *source) { w.close(leaf.File) },
	} {
		t.Run(name, func(t *testing.T) {
			every(t, 2, Baseline, func(w *world) []func() {
				ep, inner, leaf := w.epoll(), w.epoll(), w.source(0)
				outers := []*Eventpoll{w.epoll(), w.epoll()}
				for _, o := range outers {
					require.Zero(t, w.watch(o, ep))
				}
				w.add(inner, leaf.File, 1, et)
				return []func(){
					func() { w.add(ep, inner.file, 1, et) },
					func() { cut(w, outers[0], ep, leaf) },
				}
			}, fine(t))
		})
	}
}

// R-REMOVE, R-MTXREF: the last close of a watched file against the close of its epoll. Everything is freed
// once.
func TestBothSidesClose(t *testing.T) {
	for _, nested := range []bool{false, true} {
		every(t, 2, Baseline, func(w *world) []func() {
			ep, src, inner := w.epoll(), w.source(0), w.epoll()
			f := src.File
			if nested {
				f = inner.file
			}
			w.add(ep, f, 1, et)
			w.add(ep, w.source(0).File, 2, et)
			return []func(){ep.file.Put, f.Put, func() { src.fire(abi.EPOLLIN) }}
		}, func(w *world, err error) {
			require.NoError(t, err)
			require.Zero(t, w.user.Watches())
		})
	}
}

// The end of a watched file waits for a scan, which skips the file.
func TestScanWhileTheFileEnds(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		ep, src := w.epoll(), w.source(abi.EPOLLIN)
		w.add(ep, src.File, 1, lt)
		return []func(){func() { w.wait(ep, 1, 0) }, src.Put, func() { src.queue.WakeUp(sim.Normal, 1, false, abi.EPOLLIN) }}
	}, fine(t))
}

// MOD takes the wakeup source away while the callback uses it.
func TestWakeupSourceGoes(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		w.s.PMSleep = true
		ep, src := w.epoll(), w.source(0)
		w.add(ep, src.File, 1, et|abi.EPOLLWAKEUP)
		return []func(){
			func() { w.ctl(ep, abi.EPOLL_CTL_MOD, src.File, 1, et) },
			func() { src.fire(abi.EPOLLIN) },
			func() { w.wait(ep, 1, 0) },
		}
	}, fine(t))
}

// Two ADDs that would close a loop together, and two into one epoll: one of each pair fails.
func TestConcurrentNestedAdds(t *testing.T) {
	every(t, 2, Baseline, func(w *world) []func() {
		a, b := w.epoll(), w.epoll()
		var got []abi.Errno
		add := func(outer, inner *Eventpoll) func() {
			return func() {
				if got = append(got, w.watch(outer, inner)); len(got) == 2 {
					slices.Sort(got)
					require.Equal(t, []abi.Errno{0, abi.ELOOP}, got)
				}
			}
		}
		return []func(){add(a, b), add(b, a)}
	}, fine(t))
}

// The locks that are taken inside each other, over many schedules, are those doc.go draws.
func TestLockOrder(t *testing.T) {
	inside := map[string]map[string]bool{}
	held := map[*sim.Task][]sim.ID{}
	trace := func(e sim.Event) {
		switch e.Kind {
		case sim.EventLock:
			for _, h := range held[e.Task] {
				from := h.Class().String()
				if inside[from] == nil {
					inside[from] = map[string]bool{}
				}
				inside[from][e.Access.ID.Class().String()] = true
			}
			held[e.Task] = append(held[e.Task], e.Access.ID)
		case sim.EventUnlock:
			held[e.Task] = slices.DeleteFunc(held[e.Task], func(id sim.ID) bool { return id == e.Access.ID })
		}
	}
	for seed := range uint64(100) {
		w := newWorld(t, sim.Options{Strategy: sim.NewRandom(seed), Check: true, Trace: trace}, Baseline)
		outer, ep, src := w.epoll(), w.epoll(), w.source(0)
		w.add(outer, ep.file, 1, et)
		left := 4
		for _, fn := range []func(){
			func() {
				w.add(ep, src.File, 1, et)
				src.fire(abi.EPOLLIN)
				w.ctl(ep, abi.EPOLL_CTL_MOD, src.File, 1, lt)
			},
			func() { w.wait(outer, 1, 5) },
			func() {
				w.wait(ep, 1, 5)
				w.add(ep, w.epoll().file, 2, et)
			},
			func() { src.fire(abi.EPOLLIN) },
		} {
			w.spawn("task", func() {
				fn()
				if left--; left == 0 {
					w.close(src.File)
					w.close(ep.file)
					w.close(outer.file)
				}
			})
		}
		require.NoError(t, w.sys.M.Run())
		w.sys.M.Close()
	}
	got := map[string][]string{}
	for from, to := range inside {
		for class := range to {
			got[from] = append(got[from], class)
		}
		slices.Sort(got[from])
	}
	require.Equal(t, map[string][]string{
		"epnested_mutex":    {"ep.lock", "ep.mtx", "ep.poll_wait", "file.f_lock", "test source.queue"},
		"ep.mtx":            {"ep.lock", "ep.mtx", "ep.poll_wait", "file.f_lock", "test source.queue"},
		"test source.queue": {"ep.lock", "ep.poll_wait"},
		"ep.poll_wait":      {"ep.lock"},
	}, got)
}

// Up to 5.4 the end of a scan woke the pollers too, and an outer ET item never came to rest.
func TestScanEndWakesPollers(t *testing.T) {
	for _, old := range []bool{false, true} {
		rules := Baseline
		rules.ScanEndWakesPollers = old
		w := newWorld(t, sim.Options{Check: true}, rules)
		w.task(func() {
			outer, inner, src := w.epoll(), w.epoll(), w.source(0)
			w.add(inner, src.File, 1, lt)
			w.add(outer, inner.file, 2, et)
			src.fire(abi.EPOLLIN)
			require.Len(t, w.wait(outer, 1, 0), 1)
			for range 3 {
				require.Equal(t, old, len(w.wait(outer, 1, 0)) == 1)
			}
		})
		w.sys.M.Close()
	}
}
