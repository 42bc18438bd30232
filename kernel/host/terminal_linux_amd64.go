package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// terminal is what 0, 1 and 2 of a scenario refer to: the slave of a pseudo-terminal whose master nobody
// types on. What is written to it is thrown away.
type terminal struct{ master, slave int }

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
	t := &terminal{master, slave}
	go t.drain()
	return t, nil
}

func (t *terminal) drain() {
	buf := make([]byte, 4096)
	for {
		if n, err := unix.Read(t.master, buf); n <= 0 && err != unix.EINTR {
			return
		}
	}
}

// close ends the drain too: without a slave the master reads EIO.
func (t *terminal) close() {
	unix.Close(t.slave)
	unix.Close(t.master)
}
