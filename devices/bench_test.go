package devices_test

import (
	"fmt"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
)

// An operation is a write and a read of the same bytes by one task, without descriptors around; the host's, beside them
// on Linux, are two system calls.
//
//	go test -run '^$' -bench . ./devices

func benchPair(b *testing.B, size int, write, read func([]byte) int) {
	p := make([]byte, size)
	p[0] = 1
	b.ReportAllocs()
	for b.Loop() {
		if write(p) != size || read(p) != size {
			b.Fatal("short")
		}
	}
}

func BenchmarkEventfd(b *testing.B) {
	b.Run("model", func(b *testing.B) {
		f := newEventfd(b, newSystem(b, sim.Options{}), 0, 0)
		one, got := number(1), make([]byte, 8)
		b.ReportAllocs()
		for b.Loop() {
			f.Ops.Write(f, one)
			f.Ops.Read(f, got)
		}
	})
	b.Run("model/watched", func(b *testing.B) {
		f := newEventfd(b, newSystem(b, sim.Options{}), 0, 0)
		watch(f, in)
		one, got := number(1), make([]byte, 8)
		b.ReportAllocs()
		for b.Loop() {
			f.Ops.Write(f, one)
			f.Ops.Read(f, got)
		}
	})
	b.Run("host", benchHostEventfd)
}

func BenchmarkPipe(b *testing.B) {
	for _, size := range []int{1, 4096, 65536} {
		name := fmt.Sprint(size)
		b.Run("model/"+name, func(b *testing.B) {
			p := newPipe(b, newSystem(b, sim.Options{}), abi.O_NONBLOCK, devices.PipeRules{})
			benchPair(b, size, func(d []byte) int { return write(p.w, d) }, func(d []byte) int { return read(p.r, d) })
		})
		b.Run("host/"+name, func(b *testing.B) { benchHostPipe(b, size) })
	}
}

// BenchmarkPipePingPong is two tasks that wake each other, a byte each way per operation.
func BenchmarkPipePingPong(b *testing.B) {
	s := newSystem(b, sim.Options{})
	there, back := newPipe(b, s, 0, devices.PipeRules{}), newPipe(b, s, 0, devices.PipeRules{})
	s.M.Go("echo", nil, func(*sim.Task) {
		d := make([]byte, 1)
		for read(there.r, d) == 1 {
			write(back.w, d)
		}
	})
	s.M.Go("caller", nil, func(*sim.Task) {
		d := make([]byte, 1)
		b.ReportAllocs()
		for b.Loop() {
			write(there.w, d)
			read(back.r, d)
		}
		there.w.Put()
	})
	if err := s.M.Run(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPollMask(b *testing.B) {
	p := newPipe(b, newSystem(b, sim.Options{}), 0, devices.PipeRules{})
	b.Run("pipe", func(b *testing.B) {
		for b.Loop() {
			mask(p.r)
		}
	})
	f := newEventfd(b, newSystem(b, sim.Options{}), 0, 0)
	b.Run("eventfd", func(b *testing.B) {
		for b.Loop() {
			mask(f)
		}
	})
}
