package abi

// EpollEvent is one event: what a watch asks for or reports, and the number that the program attached to it.
// Models struct epoll_event. See epoll_event(3type).
type EpollEvent struct {
	Events Events
	Data   uint64
}

// SizeofEpollEvent is the size of struct epoll_event, which is packed on x86-64: an array of them fills a buffer of 12
// bytes each, and a fault in the middle tells which.
const SizeofEpollEvent = 12

// PollFd is one entry of poll's array. Models struct pollfd. See poll(2).
type PollFd struct {
	Fd      int32
	Events  int16
	Revents int16
}

// Timespec is a time or a duration. Models struct __kernel_timespec. See timespec(3type).
type Timespec struct {
	Sec  int64
	Nsec int64
}

// Timeval is a time as select takes it. Models struct __kernel_old_timeval. See timeval(3type).
type Timeval struct {
	Sec  int64
	Usec int64
}

// Timespec is tv with whole seconds of µs counted as seconds: {-1, 1000000} is no time at all, {1, -1} has a negative part
// left. Models what kern_select passes to poll_select_set_timeout.
func (tv Timeval) Timespec() Timespec {
	return Timespec{Sec: tv.Sec + tv.Usec/1e6, Nsec: tv.Usec % 1e6 * 1e3}
}

// Itimerspec is when a timer expires next, and how often from then on. Models struct __kernel_itimerspec. See
// timerfd_settime(2).
type Itimerspec struct {
	Interval Timespec
	Value    Timespec
}
