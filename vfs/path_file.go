package vfs

import "github.com/epollsim/epollsim/abi"

// NewPathFile returns a description that was opened with O_PATH: it stands for a name and can be duplicated, sent and
// closed, and is EBADF for whoever wants to use the file. Models a file with FMODE_PATH, see open(2).
func (s *System) NewPathFile(flags int, name string, ino uint64) *File {
	f := s.NewFile(noOperations{}, flags, name, ino)
	f.path = true
	return f
}

// IsPath reports whether f was opened with O_PATH.
func (f *File) IsPath() bool { return f.path }

// noOperations is empty_fops.
type noOperations struct{}

func (noOperations) Read(*File, []byte) (int, abi.Errno)  { return 0, abi.EINVAL }
func (noOperations) Write(*File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }
func (noOperations) Mute() (read, write bool)             { return true, true }
func (noOperations) Release(*File)                        {}
