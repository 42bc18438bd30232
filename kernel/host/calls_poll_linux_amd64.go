package host

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// Poll is poll(2).
func (t *Thread) Poll(fds []abi.PollFd, timeout int) (int, error) {
	t.task.reset()
	buf, addr := t.task.inOut(packPollFds(fds))
	n, errno := t.sys("poll", unix.SYS_POLL, addr, uintptr(len(fds)), arg(timeout))
	unpackRevents(fds, buf)
	return result(n, errno)
}

// Ppoll is ppoll(2).
func (t *Thread) Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	buf, addr := t.task.inOut(packPollFds(fds))
	ts, back := t.timeoutArg(timeout)
	n, errno := t.sys("ppoll", unix.SYS_PPOLL, addr, uintptr(len(fds)), ts, t.sigmask(sigmask), sigsetSize)
	back()
	unpackRevents(fds, buf)
	return result(n, errno)
}

// Select is select(2).
func (t *Thread) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	t.task.reset()
	sets := passFdSets(in, out, ex, t.task.inOut)
	var tv uintptr
	if timeout >= 0 {
		tv = t.timespec(abi.Timespec{Sec: int64(timeout / 1000), Nsec: int64(timeout % 1000 * 1000)}) // µs
	}
	count, errno := t.sys("select", unix.SYS_SELECT, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], tv)
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}

// SelectTimeval is select(2) too.
func (t *Thread) SelectTimeval(n int, in, out, ex *abi.FdSet, timeout *abi.Timeval) (int, error) {
	t.task.reset()
	sets := passFdSets(in, out, ex, t.task.inOut)
	tv, back := timevalArg(timeout, t.timeoutArg)
	count, errno := t.sys("select", unix.SYS_SELECT, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], tv)
	back()
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}

// timevalArg passes a timeout that the kernel changes, as pass does with one in ns.
func timevalArg(timeout *abi.Timeval, pass func(*abi.Timespec) (uintptr, func())) (addr uintptr, back func()) {
	if timeout == nil {
		return 0, func() {}
	}
	pair := abi.Timespec{Sec: timeout.Sec, Nsec: timeout.Usec}
	addr, stored := pass(&pair)
	return addr, func() {
		stored()
		timeout.Sec, timeout.Usec = pair.Sec, pair.Nsec
	}
}

// Pselect6 is pselect6(2).
func (t *Thread) Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	t.task.reset()
	sets := passFdSets(in, out, ex, t.task.inOut)
	ts, back := t.timeoutArg(timeout)
	pack := binary.LittleEndian.AppendUint64(nil, uint64(t.sigmask(sigmask)))
	addr := t.task.bytes(binary.LittleEndian.AppendUint64(pack, sigsetSize))
	count, errno := t.sys("pselect6", unix.SYS_PSELECT6, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], ts, addr)
	back()
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}

// Memory of poll and select.

const sizeofPollFd = 8

// packPollFds is fds as poll takes them.
func packPollFds(fds []abi.PollFd) []byte {
	p := make([]byte, 0, len(fds)*sizeofPollFd)
	for _, f := range fds {
		p = binary.LittleEndian.AppendUint32(p, uint32(f.Fd))
		p = binary.LittleEndian.AppendUint16(p, uint16(f.Events))
		p = binary.LittleEndian.AppendUint16(p, 0)
	}
	return p
}

// unpackRevents takes over what poll has stored; buf is nil if there was no memory for it.
func unpackRevents(fds []abi.PollFd, buf []byte) {
	if buf == nil {
		return
	}
	for i := range fds {
		fds[i].Revents = int16(binary.LittleEndian.Uint16(buf[i*sizeofPollFd+6:]))
	}
}

// fdSets are the three sets of select in memory that the kernel changes.
type fdSets struct {
	sets  [3]*abi.FdSet
	bufs  [3][]byte
	addrs [3]uintptr
}

// passFdSets copies the sets that are given with pass, which returns memory and its address.
func passFdSets(in, out, ex *abi.FdSet, pass func([]byte) ([]byte, uintptr)) (s fdSets) {
	s.sets = [3]*abi.FdSet{in, out, ex}
	for i, set := range s.sets {
		if set != nil {
			s.bufs[i], s.addrs[i] = pass((*[len(set) * 8]byte)(unsafe.Pointer(set))[:])
		}
	}
	return s
}

// back takes over what a call that succeeded has left in the sets.
func (s *fdSets) back() {
	for i, set := range s.sets {
		if set != nil && s.bufs[i] != nil {
			*set = *(*abi.FdSet)(unsafe.Pointer(&s.bufs[i][0]))
		}
	}
}
