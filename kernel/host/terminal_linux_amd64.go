package host

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is what 0, 1 and 2 of a scenario refer to: the slave of a pseudo-terminal whose master nobody
// types on. What is written to it is thrown away, in pieces of drainedFrom bytes as on the model's console: each
// read of the master is an OUT edge for the scenario, at a time that nobody could tell.
type terminal struct {
	master, slave int
	quit          [2]int // a pipe whose closing ends the drain
	done          chan struct{}
}

func openTerminal() (*terminal, error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("a terminal for the scenario: /dev/ptmx: %w", err)
	}
	fail := func(err error) (*terminal, error) {
		unix.Close(master)
		return nil, fmt.Errorf("a terminal for the scenario: %w", err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return fail(err)
	}
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return fail(err)
	}
	slave, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	t := &terminal{master: master, slave: slave, done: make(chan struct{})}
	if err := unix.Pipe2(t.quit[:], unix.O_CLOEXEC); err != nil {
		unix.Close(slave)
		return fail(err)
	}
	go t.drain()
	return t, nil
}

const drainedFrom = 2048

func (t *terminal) drain() {
	defer close(t.done)
	buf := make([]byte, 4096)
	fds := []unix.PollFd{{Fd: int32(t.master), Events: unix.POLLIN}, {Fd: int32(t.quit[0])}}
	for {
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[0].Revents&unix.POLLIN == 0 || fds[1].Revents != 0 {
			return
		}
		if n, err := unix.IoctlGetInt(t.master, unix.TIOCINQ); err == nil && n < drainedFrom {
			time.Sleep(time.Millisecond)
			continue
		}
		_, _ = unix.Read(t.master, buf)
	}
}

// close ends the drain first: its descriptor must not be another's meanwhile.
func (t *terminal) close() {
	unix.Close(t.quit[1])
	<-t.done
	unix.Close(t.quit[0])
	unix.Close(t.slave)
	unix.Close(t.master)
}
