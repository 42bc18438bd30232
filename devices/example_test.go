package devices_test

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// A task sleeps in read until another one writes.
func ExampleNewPipe() {
	m := sim.New(sim.Options{})
	defer m.Close()
	r, w, _ := devices.NewPipe(&vfs.System{M: m}, 0, devices.PipeRules{})

	m.Go("reader", nil, func(*sim.Task) {
		b := make([]byte, 100)
		for {
			n, _ := r.Ops.Read(r, b)
			fmt.Printf("read %q\n", b[:n])
			if n == 0 {
				return
			}
		}
	})
	m.Go("writer", nil, func(*sim.Task) {
		fmt.Println("asleep:", devices.PipeOf(r).State().RdWait)
		w.Ops.Write(w, []byte("hello"))
		w.Put()
	})
	fmt.Println(m.Run())
	// Output:
	// asleep: [task 1 (reader)]
	// read "hello"
	// read ""
	// <nil>
}

// A pipe is full when its slots are, not its pages.
func ExamplePipe_State() {
	r, w, _ := devices.NewPipe(&vfs.System{M: sim.New(sim.Options{})}, abi.O_NONBLOCK, devices.PipeRules{})
	w.Ops.(vfs.Fcntler).Fcntl(w, abi.F_SETPIPE_SZ, 8192)
	for _, n := range []int{4000, 97, 50, 97, 4096} {
		done, errno := w.Ops.Write(w, make([]byte, n))
		fmt.Println(n, done, errno, devices.PipeOf(r).State().Buffers, w.Poll(nil).Short())
	}
	// Output:
	// 4000 4000 Success [{0 4000 false}] OUT|WRNORM
	// 97 97 Success [{0 4000 false} {0 97 false}] 0
	// 50 50 Success [{0 4000 false} {0 147 false}] 0
	// 97 97 Success [{0 4000 false} {0 244 false}] 0
	// 4096 0 Resource temporarily unavailable [{0 4000 false} {0 244 false}] 0
}

// Each wake-up has a key: writes are IN, reads are OUT.
func ExampleNewEventfd() {
	m := sim.New(sim.Options{})
	f, _ := devices.NewEventfd(&vfs.System{M: m}, 1, abi.EFD_NONBLOCK|abi.EFD_SEMAPHORE)
	b := make([]byte, 8)
	fmt.Println(f.Poll(nil).Short())
	n, errno := f.Ops.Read(f, b)
	fmt.Println(n, errno, f.Poll(nil).Short())
	n, errno = f.Ops.Read(f, b)
	fmt.Println(n, errno)
	fmt.Print(f.Ops.(vfs.Fdinfoer).Fdinfo(f))
	// Output:
	// IN|OUT
	// 8 Success OUT
	// 0 Resource temporarily unavailable
	// eventfd-count:                0
	// eventfd-id: 0
	// eventfd-semaphore: 1
}

// A file without ->poll is always ready, and nothing for an epoll.
func ExampleNewRegular() {
	f := devices.NewRegular(&vfs.System{M: sim.New(sim.Options{})}, "log").Open(abi.O_RDONLY)
	fmt.Println(f.CanPoll(), f.Poll(nil).Short())
	// Output: false IN|OUT|RDNORM|WRNORM
}
