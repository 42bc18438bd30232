package devices_test

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/devices/devicetest"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// sighand is as much of a process as a signalfd needs: what is pending, once for standard signals.
type sighand struct {
	lock    sim.Spinlock
	queue   waitqueue.Head
	pending []abi.Signal
}

var (
	classTestLock  = sim.NewClass("test.siglock")
	classTestQueue = sim.NewClass("signalfd_wqh")
)

func newSighand(s *vfs.System) *sighand {
	h := &sighand{}
	h.lock.Init(s.M, classTestLock)
	h.queue.InitClass(s.M, classTestQueue)
	return h
}

func (h *sighand) Siglock() *sim.Spinlock         { return &h.lock }
func (h *sighand) SignalfdQueue() *waitqueue.Head { return &h.queue }

func (h *sighand) HasPending(set abi.SigSet) bool {
	return slices.ContainsFunc(h.pending, set.Has)
}

func (h *sighand) DequeueSignal(set abi.SigSet) (devices.Siginfo, bool) {
	best := -1
	for i, sig := range h.pending {
		if set.Has(sig) && (best < 0 || sig < h.pending[best]) {
			best = i
		}
	}
	if best < 0 {
		return devices.Siginfo{}, false
	}
	info := devices.Siginfo{Signo: h.pending[best]}
	h.pending = slices.Delete(h.pending, best, best+1)
	return info, true
}

// send queues a signal: send_signal_locked.
func (h *sighand) send(sig abi.Signal) {
	h.lock.Lock()
	if sig >= abi.SIGRTMIN || !slices.Contains(h.pending, sig) {
		h.pending = append(h.pending, sig)
		h.queue.WakeUp(sim.Normal, 1, false, 0)
	}
	h.lock.Unlock()
}

// signalfdDevice has the table of signalfd.md. The traps of fork and threads are for the tests of kernel.
var signalfdDevice = devicetest.Device{
	Name:  "signalfd",
	Owner: func(s *vfs.System) any { return newSighand(s) },
	Open: func(w *devicetest.World) {
		h := w.Task.Owner.(*sighand)
		set := func(list ...abi.Signal) (s abi.SigSet) {
			for _, sig := range list {
				s.Add(sig)
			}
			return s
		}
		f := devices.NewSignalfd(w.Sys, set(abi.SIGUSR1, 40), abi.SFD_NONBLOCK)
		sf := devices.SignalfdOf(f)
		w.Add(&devicetest.File{File: f, Name: "s", Read: 128})
		for name, sig := range map[string]abi.Signal{"USR1": abi.SIGUSR1, "USR2": abi.SIGUSR2, "CHLD": abi.SIGCHLD, "RT": 40} {
			w.Move(name, func() { h.send(sig) })
		}
		w.Move("read", func() { read(f, make([]byte, 128)) })
		w.Move("read all", func() { read(f, make([]byte, 1280)) })
		w.Move("read badly", func() { read(f, make([]byte, 127)) })
		w.Move("sigwait", func() {
			h.lock.Lock()
			h.DequeueSignal(^abi.SigSet(0))
			h.lock.Unlock()
		})
		w.Move("mask USR2", func() { sf.SetMask(set(abi.SIGUSR2)) })
		w.Move("mask USR1", func() { sf.SetMask(set(abi.SIGUSR1)) })
	},
	Rows: []devicetest.Row{
		{Action: "ADD, none pending"},
		{Action: "ADD, one pending", Given: "USR1", Edges: "s IN / IN / -"},
		{Action: "kill(SIGUSR1) in mask", Do: "USR1", Edges: "s IN / IN / -", Wakes: asignal},
		{Action: "same standard signal again while pending", Given: "USR1", Do: "USR1"},
		{Action: "another signal not in the mask while USR1 is pending", Given: "USR1", Do: "USR2", Edges: "s IN / IN / -", Wakes: asignal},
		{Action: "signal not in mask, nothing pending in mask", Do: "USR2", Wakes: asignal},
		{Action: "each further real-time signal", Given: "RT", Do: "RT", Edges: "s IN / IN / -", Wakes: asignal},
		{Action: "read", Given: "USR1; RT", Do: "read"},
		{Action: "read of all", Given: "USR1; RT", Do: "read all"},
		{Action: "read EAGAIN", Do: "read"},
		{Action: "read EINVAL", Given: "USR1", Do: "read badly"},
		{Action: "mask change, something pending in new mask", Given: "USR2", Do: "mask USR2", Edges: "s IN / IN / -", Wakes: asignal},
		{Action: "… each call", Given: "USR2; mask USR2", Do: "mask USR2", Edges: "s IN / IN / -", Wakes: asignal},
		{Action: "mask change that hides it", Given: "USR1", Do: "mask USR2", Wakes: asignal, Masks: "s 0"},
		{Action: "sigwait() consumes it", Given: "USR1", Do: "sigwait"},
		{Action: "child exit while USR1 pending", Given: "USR1", Do: "CHLD", Edges: "s IN / IN / -", Wakes: asignal},
	},
}

const asignal = "signalfd_wqh 0 one"
