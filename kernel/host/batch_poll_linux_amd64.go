package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// Poll is poll(2).
func (b *Batch) Poll(fds []abi.PollFd, timeout int) (int, error) {
	buf, addr := b.inOut(packPollFds(fds))
	n, errno := b.sys(unix.SYS_POLL, addr, uintptr(len(fds)), arg(timeout))
	unpackRevents(fds, buf)
	return result(n, errno)
}

// Ppoll is ppoll(2).
func (b *Batch) Ppoll(fds []abi.PollFd, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	buf, addr := b.inOut(packPollFds(fds))
	ts, back := b.timeoutArg(timeout)
	n, errno := b.sys(unix.SYS_PPOLL, addr, uintptr(len(fds)), ts, b.sigmask(sigmask), sigsetSize)
	back()
	unpackRevents(fds, buf)
	return result(n, errno)
}

// Select is select(2).
func (b *Batch) Select(n int, in, out, ex *abi.FdSet, timeout int) (int, error) {
	sets := passFdSets(in, out, ex, b.inOut)
	var tv uintptr
	if timeout >= 0 {
		tv = b.timespec(&abi.Timespec{Sec: int64(timeout / 1000), Nsec: int64(timeout % 1000 * 1000)}) // µs
	}
	count, errno := b.sys(unix.SYS_SELECT, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], tv)
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}

// SelectTimeval is select(2) too.
func (b *Batch) SelectTimeval(n int, in, out, ex *abi.FdSet, timeout *abi.Timeval) (int, error) {
	sets := passFdSets(in, out, ex, b.inOut)
	tv, back := timevalArg(timeout, b.timeoutArg)
	count, errno := b.sys(unix.SYS_SELECT, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], tv)
	back()
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}

// Pselect6 is pselect6(2).
func (b *Batch) Pselect6(n int, in, out, ex *abi.FdSet, timeout *abi.Timespec, sigmask *abi.SigSet) (int, error) {
	sets := passFdSets(in, out, ex, b.inOut)
	ts, back := b.timeoutArg(timeout)
	pack := binary.LittleEndian.AppendUint64(nil, uint64(b.sigmask(sigmask)))
	addr := b.in(binary.LittleEndian.AppendUint64(pack, sigsetSize))
	count, errno := b.sys(unix.SYS_PSELECT6, arg(n), sets.addrs[0], sets.addrs[1], sets.addrs[2], ts, addr)
	back()
	if errno == 0 {
		sets.back()
	}
	return result(count, errno)
}
