package abi

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What strace 6.1 printed for these values.
func TestFlagsAsStrace(t *testing.T) {
	for _, c := range []struct {
		group string
		v     int64
		want  string
	}{
		{"EPOLL", 0, "0"},
		{"EPOLL", 0x8000, "0x8000 /* EPOLL??? */"},
		{"EPOLL", 0x8001, "EPOLLIN|0x8000"},
		{"EPOLL", 0x8000000, "0x8000000 /* EPOLL??? */"},
		{"EPOLL", 0xffffffff, "EPOLLIN|EPOLLPRI|EPOLLOUT|EPOLLERR|EPOLLHUP|EPOLLNVAL|EPOLLRDNORM|EPOLLRDBAND|EPOLLWRNORM|EPOLLWRBAND|EPOLLMSG|EPOLLRDHUP|EPOLLEXCLUSIVE|EPOLLWAKEUP|EPOLLONESHOT|EPOLLET|0xfffd800"},
		{"EPOLL_CREATE1", 0, "0"},
		{"EPOLL_CREATE1", EPOLL_CLOEXEC | 2, "EPOLL_CLOEXEC|0x2"},
		{"EPOLL_CREATE1", 2, "0x2 /* EPOLL_??? */"},
		{"POLL", POLLIN | POLLHUP, "POLLIN|POLLHUP"},
		{"POLL", 0xffff, "POLLIN|POLLPRI|POLLOUT|POLLERR|POLLHUP|POLLNVAL|POLLRDNORM|POLLRDBAND|POLLWRNORM|POLLWRBAND|POLLMSG|POLLREMOVE|POLLRDHUP|POLL_BUSY_LOOP|0x4800"},
		{"O", 0, "O_RDONLY"},
		{"O", O_ACCMODE, "O_ACCMODE"},
		{"O", O_RDWR | O_NONBLOCK, "O_RDWR|O_NONBLOCK"},
		{"O", O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, "O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY"},
		{"O", 4, "O_RDONLY|0x4"},
		{"O", O_ASYNC | O_DIRECTORY, "O_RDONLY|O_DIRECTORY|FASYNC"},
		{"O", -1, "O_ACCMODE|O_CREAT|O_EXCL|O_NOCTTY|O_TRUNC|O_APPEND|O_NONBLOCK|O_SYNC|O_DIRECT|O_LARGEFILE|O_NOFOLLOW|O_NOATIME|O_CLOEXEC|O_PATH|O_TMPFILE|FASYNC|0xff80003c"},
		{"PIPE2", 0, "0"},
		{"PIPE2", 1, "0x1 /* O_??? */"},
		{"PIPE2", O_CLOEXEC | O_NONBLOCK, "O_NONBLOCK|O_CLOEXEC"},
		{"FD", FD_CLOEXEC | 2, "FD_CLOEXEC|0x2"},
		{"EFD", EFD_NONBLOCK | EFD_CLOEXEC, "EFD_CLOEXEC|EFD_NONBLOCK"},
		{"EFD", -1, "EFD_SEMAPHORE|EFD_CLOEXEC|EFD_NONBLOCK|0xfff7f7fe"},
		{"TFD", -1, "TFD_TIMER_ABSTIME|TFD_TIMER_CANCEL_ON_SET|TFD_CLOEXEC|TFD_NONBLOCK|0xfff7f7fc"},
		{"SFD", -1, "SFD_CLOEXEC|SFD_NONBLOCK|0xfff7f7ff"},
		{"PIDFD", PIDFD_NONBLOCK | 1, "PIDFD_NONBLOCK|0x1"},
		{"IN", IN_CLOSE | IN_MOVE_SELF, "IN_CLOSE_WRITE|IN_CLOSE_NOWRITE|IN_MOVE_SELF"},
		{"INOTIFY_INIT1", -1, "IN_NONBLOCK|IN_CLOEXEC|0xfff7f7ff"},
		{"SOCK", 0, "0"},
		{"SOCK", SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, "SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK"},
		{"SOCK", SOCK_STREAM | 0x10, "SOCK_STREAM|0x10 /* SOCK_??? */"},
		{"SOCK", SOCK_CLOEXEC | 9, "SOCK_CLOEXEC|0x9"},
		{"SOCK", 9, "0x9 /* SOCK_??? */"},
		{"ACCEPT4", SOCK_NONBLOCK, "SOCK_NONBLOCK"},
		{"ACCEPT4", 1, "0x1 /* SOCK_??? */"},
		{"MSG", MSG_NOSIGNAL | MSG_DONTWAIT, "MSG_DONTWAIT|MSG_NOSIGNAL"},
		{"W", -1, "WNOHANG|WEXITED|WSTOPPED|WCONTINUED|WNOWAIT|__WCLONE|__WALL|__WNOTHREAD|0x1efffff0"},
		{"CLONE", CLONE_NEWTIME | CLONE_VM | CLONE_THREAD, "CLONE_VM|CLONE_THREAD|CLONE_NEWTIME"},
	} {
		assert.Equal(t, c.want, Flags(c.group, c.v), "%s %#x", c.group, c.v)
	}
}

// What strace 6.1 printed for these values.
func TestEnumAsStrace(t *testing.T) {
	for _, c := range []struct {
		group string
		v     int64
		want  string
	}{
		{"EPOLL_CTL", EPOLL_CTL_ADD, "EPOLL_CTL_ADD"},
		{"EPOLL_CTL", 0, "0 /* EPOLL_CTL_??? */"},
		{"EPOLL_CTL", 9, "0x9 /* EPOLL_CTL_??? */"},
		{"EPOLL_CTL", -1, "0xffffffff /* EPOLL_CTL_??? */"},
		{"F", F_SETFL, "F_SETFL"},
		{"F", 0x403, "0x403 /* F_??? */"},
		{"AF", AF_LOCAL, "AF_UNIX"},
		{"AF", 99, "0x63 /* AF_??? */"},
		{"SOCK", SOCK_SEQPACKET, "SOCK_SEQPACKET"},
		{"IPPROTO", 0, "IPPROTO_IP"},
		{"SHUT", SHUT_WR, "SHUT_WR"},
		{"SHUT", 3, "0x3 /* SHUT_??? */"},
		{"SOL", SOL_TCP, "SOL_TCP"},
		{"SOL", 2, "0x2 /* SOL_?? */"},
		{"SO", SO_RCVTIMEO, "SO_RCVTIMEO_OLD"},
		{"TCP", TCP_NODELAY, "TCP_NODELAY"},
		{"TCP", 0, "0 /* TCP_??? */"},
		{"IOCTL", FIONREAD, "FIONREAD"},
		{"IOCTL", TCSETS, "SNDCTL_TMR_START or TCSETS"},
		{"IOCTL", 0x8004, "_IOC(_IOC_NONE, 0x80, 0x4, 0)"},
		{"IOCTL", -1, "_IOC(_IOC_READ|_IOC_WRITE, 0xff, 0xff, 0x3fff)"},
		{"SIG", 65, "65"},
		{"SIG", -1, "-1"},
		{"SIGACTION", SIG_IGN, "SIG_IGN"},
		{"SIGPROCMASK", SIG_SETMASK, "SIG_SETMASK"},
		{"CLOCK", CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
		{"CLOCK", -1, "0xffffffff /* CLOCK_??? */"},
		{"RLIMIT", RLIMIT_NOFILE, "RLIMIT_NOFILE"},
		{"P", P_PIDFD, "P_PIDFD"},
	} {
		assert.Equal(t, c.want, Enum(c.group, c.v), "%s %#x", c.group, c.v)
	}
}

func TestUnknownGroupPanics(t *testing.T) {
	assert.PanicsWithValue(t, `abi: no group of constants is called "EDF"`, func() { Flags("EDF", 1) })
}

func TestParseFlags(t *testing.T) {
	for _, c := range []struct {
		s    string
		want int64
	}{
		{"0", 0},
		{"O_RDWR|O_NONBLOCK", 0x802},
		{" O_RDWR | O_NONBLOCK ", 0x802},
		{"CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD", 0x1200011},
		{"SNDCTL_TMR_STOP or TCSETSW", TCSETSW},
		{"0x2a /* EPOLL_CTL_??? */", 0x2a},
		{"SOCK_STREAM|0x10 /* SOCK_??? */", 0x11},
		{"0X1f|0100|7", 0x5f},
		{"0xffffffffffffffff", -1},
	} {
		v, ok := ParseFlags(c.s)
		assert.True(t, ok, c.s)
		assert.Equal(t, c.want, v, c.s)
	}
	for _, s := range []string{
		"", " ", "|", "O_RDWR|", "O_RDWR||O_EXCL", "O_RDWRX", "rdwr", "-1", "+1", "1_0", "08", "0x", "0x1ffffffffffffffff",
		"/* EPOLL??? */", "1 /* a */ 2 /* b */", "1 /*/", "EINVAL", "_IOC(_IOC_NONE, 0x80, 0x4, 0)",
	} {
		_, ok := ParseFlags(s)
		assert.False(t, ok, "%q", s)
	}
}

// Whatever the value and the group, what is printed reads back as the value.
func TestTextReadsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, g := range groups {
		for _, v := range []int64{0, 0xffffffff, math.MaxInt64, math.MinInt64} {
			checkReadsBack(t, g, v)
		}
		for bit := range 63 {
			checkReadsBack(t, g, 1<<bit)
		}
		for range 200 {
			checkReadsBack(t, g, int64(random.Uint32()&random.Uint32()))
		}
	}
}

func checkReadsBack(t assert.TestingT, g *group, v int64) {
	texts := []string{Flags(g.name, v)}
	if g.other == nil || nameOf(g.rows, v) != "" {
		texts = append(texts, Enum(g.name, v))
	}
	for _, text := range texts {
		back, ok := ParseFlags(text)
		assert.True(t, ok, text)
		assert.Equal(t, v, back, text)
	}
}
