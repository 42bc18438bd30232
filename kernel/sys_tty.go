package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// TtyCalls are the library calls of terminals, each of them several system calls. Reads, writes and ioctls are those of
// any file: FIONREAD, TIOCOUTQ, TCFLSH, TCXONC, TIOCPKT, and TIOCGPTPEER, which opens the slave once more.
type TtyCalls interface {
	// Openpty opens a pseudo-terminal: openpty(3), as glibc does it. The master gets the lower number.
	Openpty() (master, slave int, err error)
	// Tcsetraw makes a terminal raw: tcgetattr(3), cfmakeraw(3), tcsetattr(3). Given the master, it is the slave that
	// turns raw.
	Tcsetraw(fd int) error
}

// Openpty is openpty(3).
func (t *Thread) Openpty() (master, slave int, err error) { return Openpty(t) }

// Openpty is openpty(3) made of the system calls of c that glibc makes.
func Openpty(c Calls) (master, slave int, err error) {
	if master, err = c.Open("/dev/ptmx", abi.O_RDWR); err != nil {
		return -1, -1, err
	}
	steps := []struct {
		request uint
		arg     int64
	}{{abi.TIOCGPTN, 0}, {abi.TIOCSPTLCK, 0}, {abi.TIOCGPTPEER, abi.O_RDWR | abi.O_NOCTTY}}
	for _, s := range steps {
		var n int64
		if n, err = c.Ioctl(master, s.request, s.arg); err != nil {
			_ = c.Close(master)
			return -1, -1, err
		}
		slave = int(n)
	}
	return master, slave, nil
}

// Tcsetraw is cfmakeraw(3) of what tcgetattr(3) gives and tcsetattr(3). glibc looks afterwards whether it was taken.
func (t *Thread) Tcsetraw(fd int) error {
	var termios abi.Termios
	err := t.termios(fd, abi.TCGETS, &termios, t.tcgets)
	if err != nil {
		return err
	}
	termios.MakeRaw()
	if err := t.termios(fd, abi.TCSETS, &termios, t.tcsets); err != nil {
		return err
	}
	return t.termios(fd, abi.TCGETS, &termios, t.tcgets)
}

// termios is an ioctl(2) that passes the modes of a terminal.
func (t *Thread) termios(fd int, request uint, termios *abi.Termios, call func(*vfs.File, *abi.Termios) abi.Errno) error {
	t.begin("ioctl", fd, request, termios)
	f, counted := t.fdget(fd)
	if f == nil {
		return t.done(abi.EBADF)
	}
	errno := abi.ENOTTY
	if devices.TtyOf(f) != nil {
		errno = call(f, termios)
	} else if c, ok := f.Ops.(vfs.Ioctler); ok {
		_, errno = c.Ioctl(f, request, 0)
	}
	fdput(f, counted)
	return t.done(errno)
}

func (t *Thread) tcgets(f *vfs.File, termios *abi.Termios) (errno abi.Errno) {
	*termios, errno = devices.Termios(f)
	return errno
}

func (t *Thread) tcsets(f *vfs.File, termios *abi.Termios) abi.Errno {
	return devices.SetTermios(f, *termios, false)
}

// openPeer is TIOCGPTPEER of a terminal: the number is taken before it shows whether the slave can be opened. Models
// ptm_open_peer.
func (t *Thread) openPeer(f *vfs.File, end *devices.Tty, flags int) (int, abi.Errno) {
	if !end.IsMaster() {
		return -1, abi.EIO
	}
	fd, errno := t.files.Reserve(0, flags&abi.O_CLOEXEC != 0)
	if errno != 0 {
		return -1, errno
	}
	slave, errno := devices.OpenPeer(f, flags)
	if errno != 0 {
		t.files.Unreserve(fd)
		return -1, errno
	}
	t.files.Install(fd, slave)
	return fd, 0
}
