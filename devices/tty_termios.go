package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Termios returns the modes of the slave of f, which both ends show: TCGETS.
func Termios(f *vfs.File) (abi.Termios, abi.Errno) {
	end, errno := terminal(f)
	if errno != 0 {
		return abi.Termios{}, errno
	}
	t := end.slaveOf()
	t.termiosSem.downRead()
	termios := t.termios
	t.termiosSem.upRead()
	return termios, 0
}

// SetTermios sets the modes of the slave of f: TCSETS, and TCSETSF, which first forgets the input.
func SetTermios(f *vfs.File, termios abi.Termios, flush bool) abi.Errno {
	end, errno := terminal(f)
	if errno != 0 {
		return errno
	}
	t := end.slaveOf()
	if flush {
		t.flushInput()
	}
	t.setTermios(termios)
	t.pty.runWorks()
	return 0
}

// terminal returns f as a terminal: ENOTTY, EIO after a hang-up.
func terminal(f *vfs.File) (*ttyFile, abi.Errno) {
	end := endOf(f)
	if end == nil {
		return nil, abi.ENOTTY
	}
	end.m.Read(end.id, fieldHungUp)
	if end.hungUp {
		return nil, abi.EIO
	}
	return end, 0
}

// What the model does not have.
const (
	noIflag = abi.IUCLC | abi.PARMRK
	noOflag = abi.OLCUC
	noLflag = abi.ECHOPRT | abi.EXTPROC
)

// setTermios changes the modes. A terminal that turns canonical makes what is unread a line; one that turns raw makes a
// line that is being typed bytes. Whatever was changed, both queues are woken, without a key. Models tty_set_termios,
// pty_set_termios and n_tty_set_termios.
func (t *Tty) setTermios(termios abi.Termios) {
	if termios.Iflag&noIflag != 0 || termios.Oflag&noOflag != 0 || termios.Lflag&noLflag != 0 {
		t.m.Violation("%s: the model has no IUCLC, PARMRK, OLCUC, ECHOPRT, EXTPROC", t.name())
		return
	}
	m := t.m
	enter(m, "tty_set_termios")
	t.termiosSem.downWrite()
	old := t.termios
	termios.Cflag = termios.Cflag&^(abi.CSIZE|abi.PARENB) | abi.CS8 | abi.CREAD
	t.means(0) // by the old modes, until they are mapped again
	t.termios = termios
	t.tellFlow(&old)
	if (old.Lflag^termios.Lflag)&abi.ICANON != 0 {
		t.eol = [inputSize / 64]uint64{}
		t.lnext = false
		m.Write(t.id, fieldCanonHead)
		if !t.lflag(abi.ICANON) || t.readHead == t.readTail {
			t.canonHead, t.push = t.readTail, false
		} else {
			t.markLine(t.readHead-1, true)
			t.canonHead, t.push = t.readHead, true
		}
		m.Write(t.id, fieldCommitHead)
		t.commitHead = t.readHead
	}
	t.mapCharacters()
	if !t.iflag(abi.IXON) && old.Iflag&abi.IXON != 0 && !t.tcoStopped {
		t.start()
		t.processEchoes()
	}
	wake(&t.writeWait)
	wake(&t.readWait)
	t.termiosSem.upWrite()
	leave(m, "tty_set_termios")
}

// tellFlow tells a master in packet mode that ^S and ^Q have come into use, or are no longer.
func (t *Tty) tellFlow(old *abi.Termios) {
	uses := func(s *abi.Termios) bool {
		return s.Iflag&abi.IXON != 0 && s.Cc[abi.VSTOP] == 'S'&0x1f && s.Cc[abi.VSTART] == 'Q'&0x1f
	}
	switch was, is := uses(old), uses(&t.termios); {
	case was == is:
	case is:
		t.tell(abi.TIOCPKT_DOSTOP, abi.TIOCPKT_NOSTOP, 0)
	default:
		t.tell(abi.TIOCPKT_NOSTOP, abi.TIOCPKT_DOSTOP, 0)
	}
}
