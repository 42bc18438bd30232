package kerneltest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/kerneltest"
)

// worker is an event loop as a program would have it: it takes jobs from queue, an eventfd, until it gets one that
// says stop, and counts them.
func worker(c kernel.Calls, ep int, queue int, done func()) {
	events, buf := make([]abi.EpollEvent, 4), make([]byte, 8)
	for {
		if _, err := c.EpollWait(ep, events, len(events), -1); err != nil {
			return
		}
		if _, err := c.Read(queue, buf); err == abi.EAGAIN {
			continue // the other worker was faster
		}
		done()
		return
	}
}

// Two workers share an epoll, and each takes one of two jobs, in whatever order the three threads run.
func Example() {
	t := &testing.T{} // that of the test function
	report := kerneltest.Explore(t, func(r *kerneltest.Run) {
		ep, err := r.EpollCreate1(0)
		require.NoError(r, err)
		queue, err := r.Eventfd2(0, abi.EFD_SEMAPHORE|abi.EFD_NONBLOCK)
		require.NoError(r, err)
		require.NoError(r, r.EpollCtl(ep, abi.EPOLL_CTL_ADD, queue, &abi.EpollEvent{Events: abi.EPOLLIN}))
		jobs := [2]int{}
		for i := range jobs {
			r.Go(fmt.Sprint("worker ", i), func(c kernel.Calls) { worker(c, ep, queue, func() { jobs[i]++ }) })
		}
		_, err = r.Write(queue, []byte{2, 0, 0, 0, 0, 0, 0, 0})
		require.NoError(r, err)
		r.Finally(func() { assert.Equal(r, [2]int{1, 1}, jobs) })
	}, kerneltest.Independent(), kerneltest.Preemptions(1))
	fmt.Println(report.Failed, "failed,", report.Verdict())
	// Output: 0 failed, ≤ 1 preemptions
}

// An exploration that cannot be finished is given a time. What it has seen then is conclusive if that is every schedule
// with up to two preemptions.
func ExampleWithin() {
	t := &testing.T{} // that of the test function
	report := kerneltest.Explore(t, func(r *kerneltest.Run) {
		fds, err := r.Pipe2(0)
		require.NoError(r, err)
		r.Go("reader", func(c kernel.Calls) {
			n, _ := c.Read(fds[0], make([]byte, 8))
			r.Outcome("read", n)
		})
		_, err = r.Write(fds[1], []byte("1234"))
		require.NoError(r, err)
	}, kerneltest.Within(10*time.Second))
	fmt.Println(report.Failed, "failed,", report.Verdict())
	// Output: 0 failed, exhaustive
}
