package devices

import (
	"io"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var (
	classInode = sim.NewClass("inode")
	classRwsem = sim.NewClass("inode.i_rwsem")
	fieldData  = sim.NewField("data")
)

// maxFileSize is where the file system is full.
const maxFileSize = 64 << 20

// Regular is a file with its content in memory, as tmpfs has them. It has no ->poll: poll and select find it always
// ready, and an epoll refuses it with EPERM. It is here for that. Models the inode; open it for a description.
//
// Leaves out permissions, times, holes, and the lock of the position, which is for the caller of a shared description.
type Regular struct {
	sys  *vfs.System
	id   sim.ID
	name string
	ino  uint64

	rwsem sim.Mutex
	data  []byte // changed under rwsem, read without it
}

// NewRegular returns an empty file that nobody has opened.
func NewRegular(s *vfs.System, name string) *Regular {
	r := &Regular{sys: s, id: s.M.NewID(classInode), name: name, ino: s.NextIno()}
	r.rwsem.Init(s.M, classRwsem)
	return r
}

// Open returns a description of r. Of the flags, O_TRUNC has its effect here.
func (r *Regular) Open(flags int) *vfs.File {
	if flags&abi.O_TRUNC != 0 {
		r.Truncate()
	}
	return r.sys.NewFile(r, deviceFlags(flags), r.name, r.ino)
}

// Truncate throws the content away.
func (r *Regular) Truncate() {
	r.rwsem.Lock()
	r.sys.M.Write(r.id, fieldData)
	r.data = nil
	r.rwsem.Unlock()
}

// Read reads at the position and moves it; 0 is the end. It never waits.
func (r *Regular) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	n, errno := r.ReadAt(f, p, f.Pos)
	f.Pos += int64(n)
	return n, errno
}

// ReadAt reads at pos.
func (r *Regular) ReadAt(_ *vfs.File, p []byte, pos int64) (int, abi.Errno) {
	r.sys.M.Read(r.id, fieldData)
	if pos >= int64(len(r.data)) {
		return 0, 0
	}
	return copy(p, r.data[pos:]), 0
}

// Write writes at the position, or at the end with O_APPEND, and moves it behind. A gap before it reads as zeros.
func (r *Regular) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	n, end, errno := r.write(f, p, f.Pos)
	if n > 0 {
		f.Pos = end
	}
	return n, errno
}

// WriteAt writes at pos; with O_APPEND at the end, too, which pwrite(2) lists as a bug.
func (r *Regular) WriteAt(f *vfs.File, p []byte, pos int64) (int, abi.Errno) {
	n, _, errno := r.write(f, p, pos)
	return n, errno
}

// WritesAt is true.
func (r *Regular) WritesAt() bool { return true }

func (r *Regular) write(f *vfs.File, p []byte, pos int64) (n int, end int64, errno abi.Errno) {
	if len(p) == 0 {
		return 0, pos, 0
	}
	r.rwsem.Lock()
	defer r.rwsem.Unlock()
	appending := f.Flags()&abi.O_APPEND != 0
	r.sys.M.Write(r.id, fieldData)
	if appending {
		pos = int64(len(r.data))
	}
	if pos >= maxFileSize {
		return 0, pos, abi.ENOSPC
	}
	p = p[:min(int64(len(p)), maxFileSize-pos)]
	end = pos + int64(len(p))
	if end > int64(len(r.data)) {
		r.data = append(r.data, make([]byte, end-int64(len(r.data)))...)
	}
	copy(r.data[pos:], p)
	return len(p), end, 0
}

// Seek moves the position: generic_file_llseek. Leaves out holes: all of a file is data, and the one hole is at its end.
func (r *Regular) Seek(f *vfs.File, offset int64, whence int) (int64, abi.Errno) {
	r.sys.M.Read(r.id, fieldData)
	return seek(f, offset, whence, int64(len(r.data)))
}

// seek moves the position of f, whose end is at end; negative: it has none. Models generic_file_llseek and seq_lseek.
func seek(f *vfs.File, offset int64, whence int, end int64) (int64, abi.Errno) {
	switch {
	case whence == io.SeekStart:
	case whence == io.SeekCurrent:
		offset += f.Pos
	case whence == io.SeekEnd && end >= 0:
		offset += end
	case (whence == abi.SEEK_DATA || whence == abi.SEEK_HOLE) && end >= 0:
		if offset < 0 || offset >= end {
			return 0, abi.ENXIO
		}
		if whence == abi.SEEK_HOLE {
			offset = end
		}
	default:
		return 0, abi.EINVAL
	}
	if offset < 0 {
		return 0, abi.EINVAL
	}
	f.Pos = offset
	return offset, 0
}

// Ioctl knows FIONREAD: what is left to read.
func (r *Regular) Ioctl(f *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	if request != abi.FIONREAD {
		return 0, abi.ENOTTY
	}
	r.sys.M.Read(r.id, fieldData)
	return int64(int32(int64(len(r.data)) - f.Pos)), 0
}

// CheckFlags accepts O_DIRECT, as tmpfs does since 6.6.
func (r *Regular) CheckFlags(*vfs.File, int) abi.Errno { return 0 }

// Release does nothing; the file keeps its content.
func (r *Regular) Release(*vfs.File) {}

// directory can be opened for reading and then not be read.
type directory struct{}

// NewDirectory opens a directory: EISDIR if it is to be written or truncated.
func NewDirectory(s *vfs.System, name string, flags int) (*vfs.File, abi.Errno) {
	if flags&abi.O_ACCMODE != abi.O_RDONLY || flags&(abi.O_CREAT|abi.O_TRUNC) != 0 {
		return nil, abi.EISDIR
	}
	return s.NewFile(directory{}, deviceFlags(flags), name, s.NextIno()), 0
}

// Read is EISDIR: generic_read_dir.
func (directory) Read(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EISDIR }

// Write is never asked: the description is read-only.
func (directory) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EBADF }

// ReadAt is EISDIR.
func (directory) ReadAt(*vfs.File, []byte, int64) (int, abi.Errno) { return 0, abi.EISDIR }

// WriteAt is never asked.
func (directory) WriteAt(*vfs.File, []byte, int64) (int, abi.Errno) { return 0, abi.EBADF }

// WritesAt is true.
func (directory) WritesAt() bool { return true }

// Seek moves the position, from the start or from where it is: dcache_dir_lseek.
func (directory) Seek(f *vfs.File, offset int64, whence int) (int64, abi.Errno) {
	if whence == io.SeekCurrent {
		offset += f.Pos
	} else if whence != io.SeekStart {
		return 0, abi.EINVAL
	}
	if offset < 0 {
		return 0, abi.EINVAL
	}
	f.Pos = offset
	return offset, 0
}

// Release does nothing.
func (directory) Release(*vfs.File) {}
