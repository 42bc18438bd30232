package kernel_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
)

// schedules is how many schedules a test tries.
func schedules(n int) uint64 { return uint64(form.Of(n, 20*n)) }

// strategy of a seed: random ones and PCT by turns.
func strategy(seed uint64) sim.Strategy {
	if seed%2 == 0 {
		return sim.NewRandom(seed)
	}
	return sim.NewPCT(1+int(seed/2)%4, 400, seed)
}

// checked runs fn as the first thread of a kernel that checks itself after every step.
func checked(t testing.TB, fn func(th *kernel.Thread)) {
	t.Helper()
	require.NoError(t, kernel.Boot(kernel.Options{Check: true}).RunThread(fn))
}

// every runs fn under n schedules.
func every(t *testing.T, n int, fn func(th *kernel.Thread)) {
	t.Helper()
	for seed := range schedules(n) {
		k := kernel.Boot(kernel.Options{Check: true, Machine: sim.Options{Strategy: strategy(seed), MaxSteps: 1e6}})
		err := k.RunThread(fn)
		require.NoError(t, err, "seed %d, token %s", seed, k.Machine().Token())
	}
}

var one = binary.LittleEndian.AppendUint64(nil, 1)

// add watches fd with its number as data.
func add(c kernel.Calls, ep, fd int, events abi.Events) error {
	return c.EpollCtl(ep, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: events, Data: uint64(fd)})
}

// harvest returns the data of what is ready now, in order.
func harvest(c kernel.Calls, ep, maxevents int) []int {
	buf := make([]abi.EpollEvent, maxevents)
	var fds []int
	for _, e := range buf[:must(c.EpollWait(ep, buf, maxevents, 0))] {
		fds = append(fds, int(e.Data))
	}
	return fds
}

// handle makes sig call fn, or nothing.
func handle(c kernel.Calls, sig abi.Signal, flags uint32, fn func(abi.Signal)) {
	if fn == nil {
		fn = func(abi.Signal) {}
	}
	must(0, c.Sigaction(sig, kernel.SigAction{Handler: kernel.HandlerFunc, Func: fn, Flags: flags}))
}

func ms(n int64) int64 { return n * 1e6 }
