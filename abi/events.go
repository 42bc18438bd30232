package abi

import "strings"

// Events is the event mask of epoll: what a watch asks for, and what it reports. Models __poll_t. See epoll_ctl(2).
type Events uint32

// Event bits. Those up to EPOLLRDHUP have the values of poll.
const (
	EPOLLIN     Events = POLLIN
	EPOLLPRI    Events = POLLPRI
	EPOLLOUT    Events = POLLOUT
	EPOLLERR    Events = POLLERR
	EPOLLHUP    Events = POLLHUP
	EPOLLNVAL   Events = POLLNVAL
	EPOLLRDNORM Events = POLLRDNORM
	EPOLLRDBAND Events = POLLRDBAND
	EPOLLWRNORM Events = POLLWRNORM
	EPOLLWRBAND Events = POLLWRBAND
	EPOLLMSG    Events = POLLMSG
	EPOLLRDHUP  Events = POLLRDHUP

	EPOLLEXCLUSIVE Events = 1 << 28
	EPOLLWAKEUP    Events = 1 << 29
	EPOLLONESHOT   Events = 1 << 30
	EPOLLET        Events = 1 << 31

	// Bits of wake-up keys, which no program sees.
	POLLFREE       Events = 0x4000  // the wait queue goes away
	EPOLLURINGWAKE Events = 1 << 27 // EPOLL_URING_WAKE: io_uring woke, to detect recursion
)

var eventRows = []row{
	{"EPOLLIN", int64(EPOLLIN), plain},
	{"EPOLLPRI", int64(EPOLLPRI), plain},
	{"EPOLLOUT", int64(EPOLLOUT), plain},
	{"EPOLLERR", int64(EPOLLERR), plain},
	{"EPOLLHUP", int64(EPOLLHUP), plain},
	{"EPOLLNVAL", int64(EPOLLNVAL), plain},
	{"EPOLLRDNORM", int64(EPOLLRDNORM), plain},
	{"EPOLLRDBAND", int64(EPOLLRDBAND), plain},
	{"EPOLLWRNORM", int64(EPOLLWRNORM), plain},
	{"EPOLLWRBAND", int64(EPOLLWRBAND), plain},
	{"EPOLLMSG", int64(EPOLLMSG), plain},
	{"EPOLLRDHUP", int64(EPOLLRDHUP), plain},
	{"POLLFREE", int64(POLLFREE), internal},
	{"EPOLL_URING_WAKE", int64(EPOLLURINGWAKE), internal},
	{"EPOLLEXCLUSIVE", int64(EPOLLEXCLUSIVE), plain},
	{"EPOLLWAKEUP", int64(EPOLLWAKEUP), plain},
	{"EPOLLONESHOT", int64(EPOLLONESHOT), plain},
	{"EPOLLET", int64(EPOLLET), plain},
}

// Event bits of poll. See poll(2).
const (
	POLLIN     = 0x1
	POLLPRI    = 0x2
	POLLOUT    = 0x4
	POLLERR    = 0x8
	POLLHUP    = 0x10
	POLLNVAL   = 0x20
	POLLRDNORM = 0x40
	POLLRDBAND = 0x80
	POLLWRNORM = 0x100
	POLLWRBAND = 0x200
	POLLMSG    = 0x400
	POLLREMOVE = 0x1000
	POLLRDHUP  = 0x2000
)

var pollRows = []row{
	{"POLLIN", POLLIN, plain},
	{"POLLPRI", POLLPRI, plain},
	{"POLLOUT", POLLOUT, plain},
	{"POLLERR", POLLERR, plain},
	{"POLLHUP", POLLHUP, plain},
	{"POLLNVAL", POLLNVAL, plain},
	{"POLLRDNORM", POLLRDNORM, plain},
	{"POLLRDBAND", POLLRDBAND, plain},
	{"POLLWRNORM", POLLWRNORM, plain},
	{"POLLWRBAND", POLLWRBAND, plain},
	{"POLLMSG", POLLMSG, plain},
	{"POLLREMOVE", POLLREMOVE, plain},
	{"POLLRDHUP", POLLRDHUP, plain},
	{"POLL_BUSY_LOOP", 0x8000, spelling},
}

// String spells e as strace does: EPOLLIN|EPOLLET, an unknown rest in hex.
func (e Events) String() string { return Flags("EPOLL", int64(e)) }

// Short spells e for the traces of steps: IN|RDNORM. It names the kernel's own bits too, FREE and URING_WAKE.
func (e Events) Short() string {
	names, rest := appendNames(nil, eventRows, int64(e), shortName)
	if rest != 0 || e == 0 {
		names = append(names, hex(rest))
	}
	return strings.Join(names, "|")
}

func shortName(r row) string {
	name := strings.TrimPrefix(r.name, "E")
	return strings.TrimPrefix(strings.TrimPrefix(name, "POLL"), "_")
}

// ParseEvents reads what [Events.String] and [Events.Short] write.
func ParseEvents(s string) (Events, bool) {
	v, ok := parse(s, eventByName)
	if !ok || v > uint64(^Events(0)) {
		return 0, false
	}
	return Events(v), true
}

func eventByName(name string) (int64, bool) {
	for _, r := range eventRows {
		if name == r.name || name == shortName(r) {
			return r.value, true
		}
	}
	return 0, false
}
