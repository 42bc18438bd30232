package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// blank is a file without end whose bytes are all zero, in pages as a regular file has them. It keeps nothing.
type blank struct{ mem }

// NewBlank returns a description of such a file. It stands for one of which nobody knows, or asks, what is in it: who has a
// record of what a program did with it can repeat that.
func NewBlank(s *vfs.System) *vfs.File { return s.NewFile(blank{}, abi.O_RDWR, "blank", s.NextIno()) }

// Read fills p with zero bytes.
func (blank) Read(_ *vfs.File, p []byte) (int, abi.Errno) {
	clear(p)
	return len(p), 0
}

// Write takes everything.
func (blank) Write(_ *vfs.File, p []byte) (int, abi.Errno) { return len(p), 0 }

// ReadAt is Read.
func (d blank) ReadAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Read(f, p) }

// WriteAt is Write.
func (d blank) WriteAt(f *vfs.File, p []byte, _ int64) (int, abi.Errno) { return d.Write(f, p) }

// spliceRead puts pages of zero bytes into p.
func (blank) spliceRead(_ *vfs.File, p *Pipe, pos *int64, n, _ int) (int, abi.Errno) {
	return p.addPages(pos, n, func(_ int64, n int) []byte { return make([]byte, n) }), 0
}

// spliceWrite takes everything.
func (blank) spliceWrite(f *vfs.File, p *Pipe, pos *int64, n, flags int) (int, abi.Errno) {
	return null{}.spliceWrite(f, p, pos, n, flags)
}
