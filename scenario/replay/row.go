package replay

import "github.com/epollsim/epollsim/scenario/strace"

// row is what the replay knows of one system call.
type row struct {
	name string
	// parse takes the arguments and results from the log; false: this form of it is not replayed.
	parse func(o *op, t *strace.Typed) bool
	// run makes the call; it is on the thread that the log names.
	run func(x *exec, o *op) outcome
	// ready tells whether run would come to what the log says now; nil: it is not foreseen.
	ready func(x *exec, o *op) bool
	// help lets the world do what run needs, and tells whether it did something.
	help func(x *exec, o *op) bool
	// waits: it may sleep for long, and is begun when the log says so if it would.
	waits bool
	// looks: it changes nothing if it comes to what the log says.
	looks bool
	// allocates: the result is a new number.
	allocates bool
	// ends: the task ends in it.
	ends bool
}

// local reports whether a call is about the number, not about what it refers to.
func (r *row) local() bool {
	switch r.name {
	case "close", "dup", "dup2", "dup3", "fcntl", "epoll_ctl", "splice", "tee", "sendfile", "epoll_wait", "epoll_pwait", "epoll_pwait2", "signalfd4":
		return true
	}
	return false
}

func (r *row) isEpollWait() bool {
	return r.name == "epoll_wait" || r.name == "epoll_pwait" || r.name == "epoll_pwait2"
}

// parseIsWait reports whether a result of 0 says that the time was over.
func (r *row) parseIsWait() bool {
	switch r.name {
	case "poll", "ppoll", "select", "pselect6":
		return true
	}
	return r.isEpollWait()
}

func (r *row) clones() bool {
	return r.name == "clone"
}

func (r *row) opens() bool { return r.name == "openat" }

func (r *row) isAccept() bool { return r.name == "accept4" }

func (r *row) sends() bool {
	switch r.name {
	case "write", "sendto", "sendmsg", "sendfile":
		return true
	}
	return false
}

func (r *row) isSocketCall() bool {
	switch r.name {
	case "recvfrom", "sendto", "recvmsg", "sendmsg", "recvmmsg", "sendmmsg":
		return true
	}
	return false
}
