package host

import (
	"errors"
	"fmt"
	"time"

	"github.com/epollsim/epollsim/abi"
)

// ErrUnsupported says that this program was not built for Linux on amd64.
var ErrUnsupported = errors.New("the comparison with the host's kernel needs Linux on amd64")

// Options of a host run.
type Options struct {
	// Timeout ends a run that is stuck; 0: DefaultTimeout.
	Timeout time.Duration
	// Delay, if not nil, is called before each system call and returns how long to wait first, to shake the
	// order of threads.
	Delay func() time.Duration
	// Late, if not nil, is told after each system call by how much the machine was late in it: how much longer than asked
	// its delay took, for how long its thread could have run and had no CPU, or how long the program took before it.
	Late func(time.Duration)
}

// DefaultTimeout is how long a run may take.
const DefaultTimeout = 20 * time.Second

// StuckError says that the time was over before every process had ended. Threads names those that were
// inside a call.
type StuckError struct {
	Timeout time.Duration
	Threads []string
}

// Error names the threads that are still running, and how long they were given.
func (e *StuckError) Error() string {
	return fmt.Sprintf("still running after %v: %v", e.Timeout, e.Threads)
}

// KilledError says that a process died by a signal that nobody sent it on purpose.
type KilledError struct {
	Signal abi.Signal
}

// Error names the signal.
func (e *KilledError) Error() string { return "a process was killed by " + e.Signal.String() }

// RefusedError says that a call would have reached beyond the scenario's own processes and files, and was
// not made.
type RefusedError struct {
	Call, Why string
}

// Error names the call and why it was refused.
func (e *RefusedError) Error() string { return fmt.Sprintf("%s: refused: %s", e.Call, e.Why) }
