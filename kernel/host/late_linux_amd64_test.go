package host

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Two threads that spin on one CPU wait for each other, and a thread that sleeps waits for nobody.
func TestLateness(t *testing.T) {
	var all, one unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &all))
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	spin := func() time.Duration {
		runtime.LockOSThread() // and never unlocked: its affinity ends with it
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return -1
		}
		l := newLateness(unix.Gettid())
		defer l.close()
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		}
		return l.since()
	}
	waited := make(chan time.Duration, 2)
	for range 2 {
		go func() { waited <- spin() }()
	}
	a, b := <-waited, <-waited
	if a < 0 || b < 0 {
		t.Skip("the kernel does not let threads choose their CPU")
	}
	if a == 0 && b == 0 {
		t.Skip("the kernel keeps no schedstat")
	}
	require.Greater(t, a+b, 20*time.Millisecond)
	var none *lateness
	require.Zero(t, none.since())
}
