package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// fdget returns the description of fd, nil if it is not open, and whether a reference was taken. A table that
// nobody else uses needs none: nobody could close the number meanwhile.
func (t *Thread) fdget(fd int) (f *vfs.File, counted bool) {
	if !t.files.Shared {
		return t.files.Lookup(fd), false
	}
	return t.files.Get(fd), true
}

// fdgetRaw is fdget for the few calls that take what was opened with O_PATH.
func (t *Thread) fdgetRaw(fd int) (f *vfs.File, counted bool) {
	if !t.files.Shared {
		return t.files.LookupRaw(fd), false
	}
	return t.files.GetRaw(fd), true
}

// fdput ends what fdget began. The table may have become unshared meanwhile, so counted is what fdget said.
func fdput(f *vfs.File, counted bool) {
	if counted {
		f.Return()
	}
}

// Read is read(2).
func (t *Thread) Read(fd int, p []byte) (int, error) {
	if t.k.traced {
		t.begin("read", fd, p, len(p))
	} else {
		t.enterAtPoint()
	}
	for {
		n, errno := t.read(fd, p)
		if errno < abi.ERESTARTSYS {
			return t.result(n, errno)
		}
		if !t.interrupted(int64(n), errno) {
			return -1, abi.EINTR
		}
	}
}

func (t *Thread) read(fd int, p []byte) (int, abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return -1, abi.EBADF
	}
	n, errno := -1, abi.EBADF
	if f.Readable() {
		if t.k.traced {
			n, errno = f.TracedRead(p)
		} else {
			n, errno = f.Ops.Read(f, p)
		}
		if errno != 0 {
			n = -1
		} else {
			t.hasRead(f, n)
		}
	}
	fdput(f, counted)
	return n, errno
}

// hasRead counts n bytes and tells who watches the file.
func (t *Thread) hasRead(f *vfs.File, n int) {
	t.k.sys.Counters.BytesOut += uint64(n)
	if n > 0 {
		f.NotifyAccess()
	}
}

// Write is write(2).
func (t *Thread) Write(fd int, p []byte) (int, error) {
	if t.k.traced {
		t.begin("write", fd, p, len(p))
	} else {
		t.enterAtPoint()
	}
	for {
		n, errno := t.write(fd, p)
		if errno < abi.ERESTARTSYS {
			return t.result(n, errno)
		}
		if !t.interrupted(int64(n), errno) {
			return -1, abi.EINTR
		}
	}
}

func (t *Thread) write(fd int, p []byte) (int, abi.Errno) {
	f, counted := t.fdget(fd)
	if f == nil {
		return -1, abi.EBADF
	}
	n, errno := -1, abi.EBADF
	if f.Writable() {
		if t.k.traced {
			n, errno = f.TracedWrite(p)
		} else {
			n, errno = f.Ops.Write(f, p)
		}
		if errno != 0 {
			n = -1
		} else {
			t.hasWritten(f, n)
		}
	}
	fdput(f, counted)
	return n, errno
}

// hasWritten counts n bytes and tells who watches the file.
func (t *Thread) hasWritten(f *vfs.File, n int) {
	t.k.sys.Counters.BytesIn += uint64(n)
	if n > 0 {
		f.NotifyModify()
	}
}

// Lseek is lseek(2).
func (t *Thread) Lseek(fd int, offset int64, whence int) (int64, error) {
	t.begin("lseek", fd, offset, whence)
	f, counted := t.fdget(fd)
	if f == nil {
		t.leave(-1, abi.EBADF)
		return -1, abi.EBADF
	}
	pos, errno := int64(-1), abi.ESPIPE
	if whence < 0 || whence > abi.SEEK_HOLE {
		errno = abi.EINVAL
	} else if s, ok := f.Ops.(vfs.Seeker); ok {
		pos, errno = s.Seek(f, offset, whence)
	}
	fdput(f, counted)
	t.leave(pos, errno)
	if errno != 0 {
		return -1, errno
	}
	return pos, nil
}

// Close is close(2). The last reference ends the description before the call returns.
func (t *Thread) Close(fd int) error {
	t.begin("close", fd)
	f, errno := t.files.Close(fd)
	if errno == 0 {
		f.Put()
	}
	return t.done(errno)
}

// CloseRange is close_range(2): closes the numbers from first to last, or marks them close-on-exec. Leaves out
// CLOSE_RANGE_UNSHARE of a table that others share.
func (t *Thread) CloseRange(first, last uint32, flags int) error {
	t.begin("close_range", first, last, flags)
	if flags&^(abi.CLOSE_RANGE_UNSHARE|abi.CLOSE_RANGE_CLOEXEC) != 0 || first > last {
		return t.done(abi.EINVAL)
	}
	if flags&abi.CLOSE_RANGE_UNSHARE != 0 && t.files.Users > 1 {
		t.k.Stop(&devices.NotModelledError{What: "close_range with CLOSE_RANGE_UNSHARE of threads that share the table"})
	}
	if flags&abi.CLOSE_RANGE_CLOEXEC != 0 {
		t.files.SetCloexecRange(int64(first), int64(last))
	} else {
		t.files.CloseRange(int64(first), int64(last))
	}
	return t.done(0)
}

// Dup is dup(2).
func (t *Thread) Dup(fd int) (int, error) {
	t.begin("dup", fd)
	f := t.files.GetRaw(fd)
	if f == nil {
		return t.result(-1, abi.EBADF)
	}
	f.Keep()
	return t.result(t.install(f, 0, false))
}

// Dup2 is dup2(2).
func (t *Thread) Dup2(oldfd, newfd int) (int, error) {
	t.begin("dup2", oldfd, newfd)
	if oldfd == newfd {
		if t.files.LookupRaw(oldfd) == nil {
			return t.result(-1, abi.EBADF)
		}
		return t.result(newfd, 0)
	}
	return t.result(t.dupTo(oldfd, newfd, false))
}

// Dup3 is dup3(2).
func (t *Thread) Dup3(oldfd, newfd, flags int) (int, error) {
	t.begin("dup3", oldfd, newfd, flags)
	if flags&^abi.O_CLOEXEC != 0 || oldfd == newfd {
		return t.result(-1, abi.EINVAL)
	}
	return t.result(t.dupTo(oldfd, newfd, flags != 0))
}

func (t *Thread) dupTo(oldfd, newfd int, cloexec bool) (int, abi.Errno) {
	old, errno := t.files.Replace(oldfd, newfd, cloexec)
	if errno != 0 {
		return -1, errno
	}
	if old != nil {
		old.Put()
	}
	return newfd, 0
}

// Fcntl is fcntl(2) for F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETOWN, F_GETSIG
// and what the file knows (F_SETPIPE_SZ, F_GETPIPE_SZ). It refuses locks, leases, seals and owners; what Linux does not know
// is EINVAL.
func (t *Thread) Fcntl(fd, cmd, arg int) (int, error) {
	t.begin("fcntl", fd, cmd, arg)
	f, counted := t.fdgetRaw(fd)
	if f == nil {
		return t.result(-1, abi.EBADF)
	}
	n, errno := -1, abi.EBADF
	if !f.IsPath() || forPaths(cmd) {
		n, errno = t.fcntl(f, fd, cmd, arg)
	}
	fdput(f, counted)
	return t.result(n, errno)
}

// forPaths reports whether cmd can be asked of what was opened with O_PATH: check_fcntl_cmd.
func forPaths(cmd int) bool {
	switch cmd {
	case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC, abi.F_GETFD, abi.F_SETFD, abi.F_GETFL:
		return true
	}
	return false
}

func (t *Thread) fcntl(f *vfs.File, fd, cmd, arg int) (int, abi.Errno) {
	switch cmd {
	case abi.F_DUPFD, abi.F_DUPFD_CLOEXEC:
		if arg < 0 || arg >= t.files.Limit {
			return -1, abi.EINVAL
		}
		f.Get()
		return t.install(f, arg, cmd == abi.F_DUPFD_CLOEXEC)
	case abi.F_GETFD:
		if t.files.Cloexec(fd) {
			return abi.FD_CLOEXEC, 0
		}
		return 0, 0
	case abi.F_SETFD:
		t.files.SetCloexec(fd, arg&abi.FD_CLOEXEC != 0)
		return 0, 0
	case abi.F_GETFL:
		return f.Flags(), 0
	case abi.F_SETFL:
		return 0, f.SetFlags(arg)
	case abi.F_GETOWN, abi.F_GETSIG:
		return 0, 0 // nobody has said otherwise
	case abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW, abi.F_OFD_GETLK, abi.F_OFD_SETLK, abi.F_OFD_SETLKW, abi.F_CANCELLK, abi.F_SETOWN,
		abi.F_SETSIG, abi.F_SETOWN_EX, abi.F_GETOWN_EX, abi.F_GETOWNER_UIDS, abi.F_SETLEASE, abi.F_GETLEASE, abi.F_NOTIFY,
		abi.F_ADD_SEALS, abi.F_GET_SEALS:
		t.k.Stop(&devices.NotModelledError{What: "fcntl " + abi.Enum("F", int64(cmd))})
	}
	if c, ok := f.Ops.(vfs.Fcntler); ok {
		return c.Fcntl(f, cmd, arg)
	}
	if cmd == abi.F_SETPIPE_SZ || cmd == abi.F_GETPIPE_SZ {
		return -1, abi.EBADF
	}
	return -1, abi.EINVAL
}

// Ioctl is ioctl(2) for FIONBIO, FIOCLEX, FIONCLEX, FIOASYNC and what the file knows; other requests are
// ENOTTY.
func (t *Thread) Ioctl(fd int, request uint, arg int64) (int64, error) {
	t.begin("ioctl", fd, request, arg)
	f, counted := t.fdget(fd)
	if f == nil {
		t.leave(-1, abi.EBADF)
		return -1, abi.EBADF
	}
	n, errno := t.ioctl(f, fd, request, arg)
	fdput(f, counted)
	t.leave(n, errno)
	if errno != 0 {
		return -1, errno
	}
	return n, nil
}

// ioctl tries the requests that any file knows, then those of f: do_vfs_ioctl.
func (t *Thread) ioctl(f *vfs.File, fd int, request uint, arg int64) (int64, abi.Errno) {
	switch request {
	case abi.FIOCLEX, abi.FIONCLEX:
		t.files.SetCloexec(fd, request == abi.FIOCLEX)
		return 0, 0
	case abi.FIONBIO:
		f.SetNonBlocking(arg != 0)
		return 0, 0
	case abi.FIOASYNC:
		return 0, f.SetAsync(arg != 0)
	case abi.TIOCGPTPEER:
		if end := devices.TtyOf(f); end != nil {
			peer, errno := t.openPeer(f, end, int(int32(arg)))
			return int64(peer), errno
		}
	}
	if c, ok := f.Ops.(vfs.Ioctler); ok {
		return c.Ioctl(f, request, arg)
	}
	return 0, abi.ENOTTY
}

// Pipe2 is pipe2(2).
func (t *Thread) Pipe2(flags int) ([2]int, error) {
	var fds [2]int
	t.begin("pipe2", &fds, flags)
	errno := t.pipe2(&fds, flags)
	t.leave(0, errno)
	if errno != 0 {
		return [2]int{-1, -1}, errno
	}
	return fds, nil
}

func (t *Thread) pipe2(fds *[2]int, flags int) abi.Errno {
	r, w, errno := devices.NewPipe(t.k.sys, flags, t.k.rules.Pipe)
	if errno != 0 {
		return errno
	}
	cloexec := flags&abi.O_CLOEXEC != 0
	rfd, errno := t.files.Reserve(0, cloexec)
	if errno == 0 {
		var wfd int
		if wfd, errno = t.files.Reserve(0, cloexec); errno == 0 {
			t.files.Install(rfd, r)
			t.files.Install(wfd, w)
			*fds = [2]int{rfd, wfd}
			return 0
		}
		t.files.Unreserve(rfd)
	}
	r.Put()
	w.Put()
	return errno
}

// Eventfd2 is eventfd(2).
func (t *Thread) Eventfd2(initval uint32, flags int) (int, error) {
	t.begin("eventfd2", initval, flags)
	f, errno := devices.NewEventfd(t.k.sys, initval, flags)
	if errno != 0 {
		return t.result(-1, errno)
	}
	return t.result(t.install(f, 0, flags&abi.EFD_CLOEXEC != 0))
}

// install gives a description the lowest free number from start on, with a reference of the caller's, or drops
// that.
func (t *Thread) install(f *vfs.File, start int, cloexec bool) (int, abi.Errno) {
	fd, errno := t.files.Reserve(start, cloexec)
	if errno != 0 {
		f.Put()
		return -1, errno
	}
	t.files.Install(fd, f)
	return fd, 0
}

// Setrlimit sets the soft limit of RLIMIT_NOFILE; other resources are EINVAL.
func (t *Thread) Setrlimit(resource int, soft uint64) error {
	t.begin("setrlimit", resource, soft)
	if resource != abi.RLIMIT_NOFILE {
		return t.done(abi.EINVAL)
	}
	if soft > nrOpen {
		return t.done(abi.EPERM)
	}
	t.files.Limit = int(soft)
	return t.done(0)
}

// nrOpen is fs.nr_open.
const nrOpen = 1 << 20
