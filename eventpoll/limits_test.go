package eventpoll

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// chain makes n epolls, each watching the one before.
func (w *world) chain(n int) []*Eventpoll {
	eps := []*Eventpoll{w.epoll()}
	for len(eps) < n {
		ep := w.epoll()
		w.add(ep, eps[len(eps)-1].file, 1, abi.EPOLLIN)
		eps = append(eps, ep)
	}
	return eps
}

// watch is an ADD of inner to outer.
func (w *world) watch(outer, inner *Eventpoll) abi.Errno {
	return w.ctl(outer, abi.EPOLL_CTL_ADD, inner.file, 1000, abi.EPOLLIN)
}

func TestFiveEpollsAreTheLongestChain(t *testing.T) {
	for _, leaf := range []bool{false, true} {
		one(t, func(w *world) {
			eps := w.chain(5)
			if leaf {
				w.add(eps[0], w.source(0).File, 2, abi.EPOLLIN)
			}
			require.Equal(t, abi.ELOOP, w.watch(w.epoll(), eps[4]), "on top")
			require.Equal(t, abi.ELOOP, w.watch(eps[0], w.epoll()), "below")
			require.Equal(t, abi.ELOOP, w.ctl(eps[1], abi.EPOLL_CTL_ADD, eps[4].file, 1, 0), "ELOOP before EEXIST")
			a, b := w.chain(3), w.chain(3)
			require.Equal(t, abi.ELOOP, w.watch(b[0], a[2]))
			require.Zero(t, w.watch(b[1], a[2]), "3 + 2")
			require.Same(t, endOfCheckList, w.s.tfileCheckList)
		})
	}
}

func TestLoops(t *testing.T) {
	for n := 2; n <= 5; n++ {
		one(t, func(w *world) {
			eps := w.chain(n)
			require.Equal(t, abi.ELOOP, w.watch(eps[0], eps[n-1]), "cycle of %d", n)
		})
	}
	one(t, func(w *world) {
		ep := w.epoll()
		require.Equal(t, abi.EINVAL, w.watch(ep, ep))
	})
}

// fast is a world without checks after every step, for large populations.
func fast(t *testing.T, fn func(w *world)) {
	w := newWorld(t, sim.Options{}, Baseline)
	defer w.sys.M.Close()
	w.task(func() { fn(w) })
}

// The limits of §15: so many upward paths of each depth, the next one is EINVAL and leaves no trace.
func TestPathLimits(t *testing.T) {
	for depth, limit := range []int{1: 500, 100, 50, 10} {
		for _, dup := range []bool{false, true} {
			if depth == 0 {
				continue
			}
			fast(t, func(w *world) {
				leaf, inner := w.source(0), w.chain(depth)
				w.add(inner[0], leaf.File, 2, abi.EPOLLIN)
				n := limit
				if dup {
					w.add(inner[0], leaf.File, 3, abi.EPOLLIN)
					n /= 2
				}
				top := inner[depth-1]
				for range n {
					require.Zero(t, w.watch(w.epoll(), top))
				}
				outer := w.epoll()
				require.Equal(t, abi.EINVAL, w.watch(outer, top), "depth %d, %d paths", depth, limit)
				require.Zero(t, outer.Items())
				require.Equal(t, 1, outer.refcount)
				require.NoError(t, w.check())
				require.Zero(t, w.ctl(inner[0], abi.EPOLL_CTL_DEL, leaf.File, 2, 0))
				if dup {
					require.Zero(t, w.watch(outer, top))
				}
			})
		}
	}
}

func TestOnlyLeavesAreCounted(t *testing.T) {
	fast(t, func(w *world) {
		inner, leaf := w.epoll(), w.source(0)
		for range 600 {
			require.Zero(t, w.watch(w.epoll(), inner))
		}
		require.Equal(t, abi.EINVAL, w.ctl(inner, abi.EPOLL_CTL_ADD, leaf.File, 2, abi.EPOLLIN))
		require.Nil(t, leaf.Watchers())
		require.Same(t, endOfCheckList, w.s.tfileCheckList)
	})
	fast(t, func(w *world) {
		leaf := w.source(0)
		for range 1500 {
			w.add(w.epoll(), leaf.File, 2, abi.EPOLLIN) // depth 0 is not limited
		}
	})
}

func TestQuota(t *testing.T) {
	one(t, func(w *world) {
		w.s.MaxUserWatches = 1
		ep, src := w.epoll(), w.sources(2, 0)
		w.add(ep, src[0].File, 1, abi.EPOLLIN)
		require.Equal(t, abi.ENOSPC, w.ctl(ep, abi.EPOLL_CTL_ADD, src[1].File, 2, 0))
		require.Zero(t, w.ctl(ep, abi.EPOLL_CTL_DEL, src[0].File, 1, 0))
		w.add(ep, src[1].File, 2, abi.EPOLLIN)
	})
}
