package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// null, zero and full are character devices without ->poll: an epoll refuses them. They keep nothing, and O_NONBLOCK
// means nothing to them. Model drivers/char/mem.c. See null(4) and full(4).
type (
	null struct{ mem }
	zero struct{ mem }
	full struct{ mem }
)

// mem is what they share.
type mem struct{}

// The inodes of the nodes, as devtmpfs numbers them.
const (
	nullIno = 3
	zeroIno = 4
	fullIno = 5
)

// NewNull opens /dev/null.
func NewNull(s *vfs.System, flags int) *vfs.File {
	return s.NewFile(null{}, deviceFlags(flags), "/dev/null", nullIno)
}

// NewZero opens /dev/zero.
func NewZero(s *vfs.System, flags int) *vfs.File {
	return s.NewFile(zero{}, deviceFlags(flags), "/dev/zero", zeroIno)
}

// NewFull opens /dev/full.
func NewFull(s *vfs.System, flags int) *vfs.File {
	return s.NewFile(full{}, deviceFlags(flags), "/dev/full", fullIno)
}

// deviceFlags takes away the flags that only the open itself looks at.
func deviceFlags(flags int) int {
	return flags &^ (abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC)
}

// Seek sets the position to 0, whatever is asked: null_lseek.
func (mem) Seek(f *vfs.File, _ int64, _ int) (int64, abi.Errno) {
	f.Pos = 0
	return 0, 0
}

// Release does nothing.
func (mem) Release(*vfs.File) {}

// Read is at the end of the file: read_null.
func (null) Read(*vfs.File, []byte) (int, abi.Errno) { return 0, 0 }

// Write takes everything: write_null.
func (null) Write(_ *vfs.File, p []byte) (int, abi.Errno) { return len(p), 0 }

// Read fills p with zero bytes: read_iter_zero.
func (zero) Read(_ *vfs.File, p []byte) (int, abi.Errno) {
	clear(p)
	return len(p), 0
}

// Write takes everything.
func (zero) Write(_ *vfs.File, p []byte) (int, abi.Errno) { return len(p), 0 }

// Read fills p with zero bytes.
func (full) Read(_ *vfs.File, p []byte) (int, abi.Errno) {
	clear(p)
	return len(p), 0
}

// Write has no room, not even for nothing: write_full.
func (full) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.ENOSPC }

// WritesAt is true.
func (mem) WritesAt() bool { return true }

// ReadAt is Read: there are no places.
func (d null) ReadAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Read(f, p) }

// WriteAt is Write.
func (d null) WriteAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Write(f, p) }

// ReadAt is Read.
func (d zero) ReadAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Read(f, p) }

// WriteAt is Write.
func (d zero) WriteAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Write(f, p) }

// ReadAt is Read.
func (d full) ReadAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Read(f, p) }

// WriteAt is Write.
func (d full) WriteAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Write(f, p) }

// OneByOne says that /dev/full has no ->write_iter.
func (full) OneByOne() (read, write bool) { return false, true }
