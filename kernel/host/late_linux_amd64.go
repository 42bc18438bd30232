package host

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lateness knows how long a thread of this machine was runnable and had no CPU: the second number of its schedstat.
type lateness struct {
	fd   int // of /proc/TID/schedstat; -1: the kernel does not tell
	last int64
}

// newLateness watches a thread from now on.
func newLateness(tid int) *lateness {
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/schedstat", tid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	l := &lateness{fd: fd}
	l.since()
	return l
}

// since returns how long the thread has waited for a CPU since the last look.
func (l *lateness) since() time.Duration {
	if l == nil || l.fd < 0 {
		return 0
	}
	var buf [64]byte
	n, err := unix.Pread(l.fd, buf[:], 0)
	if err != nil { // it has ended
		return 0
	}
	var ran, waited int64
	if _, err := fmt.Fscan(strings.NewReader(string(buf[:n])), &ran, &waited); err != nil {
		return 0
	}
	d := waited - l.last
	l.last = waited
	return time.Duration(d)
}

func (l *lateness) close() {
	if l != nil && l.fd >= 0 {
		unix.Close(l.fd)
	}
}
