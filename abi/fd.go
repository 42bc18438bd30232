package abi

// Flags of epoll_create1 and operations of epoll_ctl. See epoll_create(2), epoll_ctl(2).
const (
	EPOLL_CLOEXEC = 0x80000

	EPOLL_CTL_ADD = 1
	EPOLL_CTL_DEL = 2
	EPOLL_CTL_MOD = 3
)

var epollCreateRows = []row{
	{"EPOLL_CLOEXEC", EPOLL_CLOEXEC, plain},
}

var epollCtlRows = []row{
	{"EPOLL_CTL_ADD", EPOLL_CTL_ADD, plain},
	{"EPOLL_CTL_DEL", EPOLL_CTL_DEL, plain},
	{"EPOLL_CTL_MOD", EPOLL_CTL_MOD, plain},
}

// Flags of eventfd2. See eventfd(2).
const (
	EFD_SEMAPHORE = 0x1
	EFD_CLOEXEC   = 0x80000
	EFD_NONBLOCK  = 0x800
)

var eventfdRows = []row{
	{"EFD_SEMAPHORE", EFD_SEMAPHORE, plain},
	{"EFD_CLOEXEC", EFD_CLOEXEC, plain},
	{"EFD_NONBLOCK", EFD_NONBLOCK, plain},
}

// Flags of timerfd_create and timerfd_settime, one family without overlap. See timerfd_create(2).
const (
	TFD_TIMER_ABSTIME       = 0x1
	TFD_TIMER_CANCEL_ON_SET = 0x2
	TFD_CLOEXEC             = 0x80000
	TFD_NONBLOCK            = 0x800
)

var timerfdRows = []row{
	{"TFD_TIMER_ABSTIME", TFD_TIMER_ABSTIME, plain},
	{"TFD_TIMER_CANCEL_ON_SET", TFD_TIMER_CANCEL_ON_SET, plain},
	{"TFD_CLOEXEC", TFD_CLOEXEC, plain},
	{"TFD_NONBLOCK", TFD_NONBLOCK, plain},
}

// Flags of signalfd4. See signalfd(2).
const (
	SFD_CLOEXEC  = 0x80000
	SFD_NONBLOCK = 0x800
)

var signalfdRows = []row{
	{"SFD_CLOEXEC", SFD_CLOEXEC, plain},
	{"SFD_NONBLOCK", SFD_NONBLOCK, plain},
}

// Flags of pidfd_open. See pidfd_open(2).
const (
	PIDFD_NONBLOCK = 0x800
	PIDFD_THREAD   = 0x80 // Linux 6.9; strace 6.1 prints the number
)

var pidfdRows = []row{
	{"PIDFD_NONBLOCK", PIDFD_NONBLOCK, plain},
	{"PIDFD_THREAD", PIDFD_THREAD, plain},
}

// Flags of inotify_init1. IN_NONBLOCK has the value of IN_MOVE_SELF, so they are a group of their own. See inotify(7).
const (
	IN_NONBLOCK = 0x800
	IN_CLOEXEC  = 0x80000
)

var inotifyInitRows = []row{
	{"IN_NONBLOCK", IN_NONBLOCK, plain},
	{"IN_CLOEXEC", IN_CLOEXEC, plain},
}

// Masks of inotify_add_watch and of struct inotify_event. See inotify(7).
const (
	IN_ACCESS        = 0x1
	IN_MODIFY        = 0x2
	IN_ATTRIB        = 0x4
	IN_CLOSE_WRITE   = 0x8
	IN_CLOSE_NOWRITE = 0x10
	IN_OPEN          = 0x20
	IN_MOVED_FROM    = 0x40
	IN_MOVED_TO      = 0x80
	IN_CREATE        = 0x100
	IN_DELETE        = 0x200
	IN_DELETE_SELF   = 0x400
	IN_MOVE_SELF     = 0x800
	IN_UNMOUNT       = 0x2000
	IN_Q_OVERFLOW    = 0x4000
	IN_IGNORED       = 0x8000
	IN_ONLYDIR       = 0x1000000
	IN_DONT_FOLLOW   = 0x2000000
	IN_EXCL_UNLINK   = 0x4000000
	IN_MASK_CREATE   = 0x10000000
	IN_MASK_ADD      = 0x20000000
	IN_ISDIR         = 0x40000000
	IN_ONESHOT       = 0x80000000

	IN_CLOSE      = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE
	IN_MOVE       = IN_MOVED_FROM | IN_MOVED_TO
	IN_ALL_EVENTS = 0xfff
)

var inotifyRows = []row{
	{"IN_ACCESS", IN_ACCESS, plain},
	{"IN_MODIFY", IN_MODIFY, plain},
	{"IN_ATTRIB", IN_ATTRIB, plain},
	{"IN_CLOSE_WRITE", IN_CLOSE_WRITE, plain},
	{"IN_CLOSE_NOWRITE", IN_CLOSE_NOWRITE, plain},
	{"IN_OPEN", IN_OPEN, plain},
	{"IN_MOVED_FROM", IN_MOVED_FROM, plain},
	{"IN_MOVED_TO", IN_MOVED_TO, plain},
	{"IN_CREATE", IN_CREATE, plain},
	{"IN_DELETE", IN_DELETE, plain},
	{"IN_DELETE_SELF", IN_DELETE_SELF, plain},
	{"IN_MOVE_SELF", IN_MOVE_SELF, plain},
	{"IN_UNMOUNT", IN_UNMOUNT, plain},
	{"IN_Q_OVERFLOW", IN_Q_OVERFLOW, plain},
	{"IN_IGNORED", IN_IGNORED, plain},
	{"IN_ONLYDIR", IN_ONLYDIR, plain},
	{"IN_DONT_FOLLOW", IN_DONT_FOLLOW, plain},
	{"IN_EXCL_UNLINK", IN_EXCL_UNLINK, plain},
	{"IN_MASK_CREATE", IN_MASK_CREATE, plain},
	{"IN_MASK_ADD", IN_MASK_ADD, plain},
	{"IN_ISDIR", IN_ISDIR, plain},
	{"IN_ONESHOT", IN_ONESHOT, plain},
	{"IN_CLOSE", IN_CLOSE, alias},
	{"IN_MOVE", IN_MOVE, alias},
	{"IN_ALL_EVENTS", IN_ALL_EVENTS, alias},
}

// Flags of memfd_create. See memfd_create(2).
const (
	MFD_CLOEXEC       = 0x1
	MFD_ALLOW_SEALING = 0x2
	MFD_HUGETLB       = 0x4
	MFD_NOEXEC_SEAL   = 0x8 // Linux 6.3; strace 6.1 prints the number
	MFD_EXEC          = 0x10
)

var memfdRows = []row{
	{"MFD_CLOEXEC", MFD_CLOEXEC, plain},
	{"MFD_ALLOW_SEALING", MFD_ALLOW_SEALING, plain},
	{"MFD_HUGETLB", MFD_HUGETLB, plain},
	{"MFD_NOEXEC_SEAL", MFD_NOEXEC_SEAL, plain},
	{"MFD_EXEC", MFD_EXEC, plain},
}

// Flags of splice and tee. See splice(2).
const (
	SPLICE_F_MOVE     = 0x1
	SPLICE_F_NONBLOCK = 0x2
	SPLICE_F_MORE     = 0x4
	SPLICE_F_GIFT     = 0x8
)

var spliceRows = []row{
	{"SPLICE_F_MOVE", SPLICE_F_MOVE, plain},
	{"SPLICE_F_NONBLOCK", SPLICE_F_NONBLOCK, plain},
	{"SPLICE_F_MORE", SPLICE_F_MORE, plain},
	{"SPLICE_F_GIFT", SPLICE_F_GIFT, plain},
}
