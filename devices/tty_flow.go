package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// setPacket turns packet mode of a master on or off; what is to be told begins with nothing.
func (t *Tty) setPacket(on bool) {
	t.ctrl.Lock()
	if on && !t.packet {
		t.m.Write(t.link.id, fieldPktstatus)
		t.link.pktstatus = 0
	}
	t.m.Write(t.id, fieldPacket)
	t.packet = on
	t.ctrl.Unlock()
}

// tellMaster notes a status for the other end, if that is in packet mode, and wakes it.
func (t *Tty) tellMaster(status uint8) { t.tell(status, 0, 0) }

func (t *Tty) tell(status, not uint8, key abi.Events) {
	t.m.Read(t.link.id, fieldPacket)
	if !t.link.packet {
		return
	}
	t.ctrl.Lock()
	t.m.Write(t.id, fieldPktstatus)
	t.pktstatus = t.pktstatus&^not | status
	t.ctrl.Unlock()
	t.link.readWait.WakeUp(sim.Interruptible, 1, false, key)
}

// stop and start are what ^S and ^Q do to the output of t: stop_tty and start_tty.
func (t *Tty) stop() {
	t.flow.Lock()
	t.stopLocked()
	t.flow.Unlock()
}

func (t *Tty) stopLocked() {
	if t.stopped {
		return
	}
	t.m.Write(t.id, fieldStopped)
	t.stopped = true
	t.tell(abi.TIOCPKT_STOP, abi.TIOCPKT_START, abi.EPOLLIN)
}

func (t *Tty) start() {
	t.flow.Lock()
	t.startLocked()
	t.flow.Unlock()
}

func (t *Tty) startLocked() {
	if !t.stopped || t.tcoStopped {
		return
	}
	t.m.Write(t.id, fieldStopped)
	t.stopped = false
	t.tell(abi.TIOCPKT_START, abi.TIOCPKT_STOP, abi.EPOLLIN)
	t.wakeUp()
}

// flowCommand is tcflow(3): TCXONC.
func (t *Tty) flowCommand(arg int64) abi.Errno {
	switch arg {
	case abi.TCOOFF:
		t.flow.Lock()
		if !t.tcoStopped {
			t.tcoStopped = true
			t.stopLocked()
		}
		t.flow.Unlock()
	case abi.TCOON:
		t.flow.Lock()
		if t.tcoStopped {
			t.tcoStopped = false
			t.startLocked()
		}
		t.flow.Unlock()
	case abi.TCIOFF:
		return t.sendFlow(t.termios.Cc[abi.VSTOP])
	case abi.TCION:
		return t.sendFlow(t.termios.Cc[abi.VSTART])
	default:
		return abi.EINVAL
	}
	return 0
}

// sendFlow sends a ^S or ^Q to the other end, although output may be stopped: tty_send_xchar.
func (t *Tty) sendFlow(c byte) abi.Errno {
	if c == disabled {
		return 0
	}
	if errno := t.writing.lock("atomic_write_lock"); errno != 0 {
		return errno
	}
	t.termiosSem.downRead()
	stopped := t.stopped
	if stopped {
		t.start()
	}
	t.send1(c)
	if stopped {
		t.stop()
	}
	t.termiosSem.upRead()
	t.writing.unlock()
	t.wakeUp()
	return 0
}

// flush is tcflush(3): TCFLSH.
func (t *Tty) flush(which int64) abi.Errno {
	switch which {
	case abi.TCIFLUSH, abi.TCIOFLUSH:
		t.buf.drop()
		t.flushInput()
		if t.throttled {
			t.link.wakeUp()
		}
		if which == abi.TCIOFLUSH {
			t.flushOutput()
		}
	case abi.TCOFLUSH:
		t.flushOutput()
	default:
		return abi.EINVAL
	}
	return 0
}

// flushInput forgets what the line discipline has: n_tty_flush_buffer.
func (t *Tty) flushInput() {
	t.termiosSem.downWrite()
	t.resetInput()
	t.kickWorker()
	t.tellMaster(abi.TIOCPKT_FLUSHREAD)
	t.termiosSem.upWrite()
}

// flushOutput forgets what is on its way to the other end: pty_flush_buffer.
func (t *Tty) flushOutput() {
	t.link.buf.drop()
	t.tellMaster(abi.TIOCPKT_FLUSHWRITE)
}
