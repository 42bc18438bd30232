package vfs

import "github.com/epollsim/epollsim/abi"

// What a file can besides Read and Write, for calls with several buffers and with an offset.

// Placed is a file that pread and pwrite work on; on others they are ESPIPE. Models FMODE_PREAD and FMODE_PWRITE.
type Placed interface {
	// ReadAt reads at pos and leaves f.Pos alone.
	ReadAt(f *File, p []byte, pos int64) (int, abi.Errno)
	// WriteAt writes at pos and leaves f.Pos alone.
	WriteAt(f *File, p []byte, pos int64) (int, abi.Errno)
	// WritesAt is false where pwrite is ESPIPE.
	WritesAt() bool
}

// Mute is a file without ->read or without ->write: not even nothing can be moved. Models FMODE_CAN_READ and FMODE_CAN_WRITE.
type Mute interface {
	Mute() (read, write bool)
}

// OneByOne is a file with ->read in place of ->read_iter, or ->write in place of ->write_iter: readv is a read for each buffer.
type OneByOne interface {
	OneByOne() (read, write bool)
}

// CanRead reports whether f has a way to be read.
func CanRead(f *File) bool {
	m, ok := f.Ops.(Mute)
	if !ok {
		return true
	}
	read, _ := m.Mute()
	return !read
}

// CanWrite reports whether f has a way to be written.
func CanWrite(f *File) bool {
	m, ok := f.Ops.(Mute)
	if !ok {
		return true
	}
	_, write := m.Mute()
	return !write
}

// EachAlone reports whether readv and writev go to f buffer by buffer.
func EachAlone(f *File) (read, write bool) {
	if o, ok := f.Ops.(OneByOne); ok {
		return o.OneByOne()
	}
	return false, false
}
