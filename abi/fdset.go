package abi

import "math/bits"

// FdSetSize is FD_SETSIZE, the bits of an FdSet.
const FdSetSize = 1024

// FdSet is fd_set of select(2): bit fd of word fd/64.
type FdSet [FdSetSize / 64]uint64

// Set adds fd to s; numbers outside 0 … FdSetSize-1 are ignored (in C they are undefined behaviour).
func (s *FdSet) Set(fd int) {
	if fd >= 0 && fd < FdSetSize {
		s[fd/64] |= 1 << (fd % 64)
	}
}

// Clear removes fd from s.
func (s *FdSet) Clear(fd int) {
	if fd >= 0 && fd < FdSetSize {
		s[fd/64] &^= 1 << (fd % 64)
	}
}

// Has reports whether fd is in s; a nil set is empty.
func (s *FdSet) Has(fd int) bool {
	return s != nil && fd >= 0 && fd < FdSetSize && s[fd/64]&(1<<(fd%64)) != 0
}

// Fds returns the members in ascending order.
func (s *FdSet) Fds() []int {
	var fds []int
	if s == nil {
		return nil
	}
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			fds = append(fds, i*64+bits.TrailingZeros64(w))
		}
	}
	return fds
}
