package devices

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Ioctl knows FIONREAD (bytes, of a canonical terminal those of whole lines, without the marks of ^D), TIOCOUTQ (0),
// TCFLSH, TCXONC, TCGETS and TCSETS*, of the master TIOCGPTN, TIOCSPTLCK and TIOCPKT. The struct of TCSETS comes as its
// first 8 bytes, c_iflag and c_oflag; the rest is 0. Models tty_ioctl, n_tty_ioctl and pty_unix98_ioctl.
func (end *ttyFile) Ioctl(f *vfs.File, request uint, arg int64) (int64, abi.Errno) {
	t := end.Tty
	t.m.Read(t.id, fieldHungUp)
	if end.hungUp {
		return 0, abi.EIO
	}
	n, errno := t.ioctl(request, arg)
	t.pty.runWorks()
	return n, errno
}

func (t *Tty) ioctl(request uint, arg int64) (int64, abi.Errno) {
	switch request {
	case abi.FIONREAD:
		t.termiosSem.downWrite()
		n := t.unread()
		t.termiosSem.upWrite()
		return int64(n), 0
	case abi.TIOCOUTQ, abi.TCGETS, abi.TIOCGWINSZ, abi.TIOCSWINSZ, abi.TCSBRK:
		return 0, 0
	case abi.TCSETS, abi.TCSETSW, abi.TCSETSF:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(arg))
		if request == abi.TCSETSF {
			t.slaveOf().flushInput()
		}
		t.slaveOf().setTermios(abi.Termios{Iflag: binary.LittleEndian.Uint32(b[:]), Oflag: binary.LittleEndian.Uint32(b[4:])})
		return 0, 0
	case abi.TCFLSH:
		return 0, t.flush(arg)
	case abi.TCXONC:
		return 0, t.flowCommand(arg)
	}
	if !t.IsMaster() {
		return 0, abi.ENOTTY
	}
	switch request {
	case abi.TIOCGPTN:
		return int64(t.pty.index), 0
	case abi.TIOCSPTLCK:
		t.locked = int32(arg) != 0
		return 0, 0
	case abi.TIOCPKT:
		t.setPacket(int32(arg) != 0)
		return 0, 0
	}
	return 0, abi.ENOTTY
}

// unread is FIONREAD; termios_rwsem is held. A line that fills the whole buffer counts its mark of ^D, as in the kernel.
func (t *Tty) unread() int {
	if !t.lflag(abi.ICANON) {
		return t.readHead - t.readTail
	}
	n := t.canonHead - t.readTail
	for i := t.readTail; (i-t.canonHead)&(inputSize-1) != 0; i++ {
		if t.endsLine(i) && *t.at(i) == disabled {
			n--
		}
	}
	return n
}
