package devices

import (
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Release closes a description. The last of a slave, and that of the master, tells both ends, with no key; after that of
// the master every description of the slave is hung up: what it had not read is gone, and it is never anything but ready.
// Models tty_release and pty_close.
func (end *ttyFile) Release(*vfs.File) {
	t, m := end.Tty, end.m
	m.EnterOn(t.id, "tty_release", "")
	t.lock.Lock()
	if t.IsMaster() || t.count <= 2 {
		t.close()
	}
	m.Write(t.id, fieldTtyCount)
	t.count--
	t.ends = slices.DeleteFunc(t.ends, func(e *ttyFile) bool { return e == end })
	if t.IsMaster() {
		t.link.lock.Lock()
		m.Write(t.link.id, fieldTtyCount)
		t.link.count--
		t.link.lock.Unlock()
	}
	final := t.count == 0 && t.link.count == 0
	t.lock.Unlock()
	t.pty.runWorks()
	if final {
		t.pty.free()
	}
	m.Leave("tty_release")
}

// close models pty_close.
func (t *Tty) close() {
	m := t.m
	m.Read(t.id, fieldIOError)
	if t.ioError && !t.IsMaster() {
		return
	}
	m.Write(t.id, fieldIOError)
	t.ioError = true
	wake(&t.readWait)
	wake(&t.writeWait)
	t.ctrl.Lock()
	m.Write(t.id, fieldPacket)
	t.packet = false
	t.ctrl.Unlock()
	m.Write(t.link.id, fieldOtherClosed)
	t.link.otherClosed = true
	wake(&t.link.readWait)
	wake(&t.link.writeWait)
	if t.IsMaster() {
		t.otherClosed = true
		t.link.hangUp()
	}
}

// hangUp cuts all descriptions of t off: tty_vhangup.
func (t *Tty) hangUp() {
	m := t.m
	enter(m, "__tty_hangup")
	t.lock.Lock()
	for _, end := range t.ends {
		m.Write(t.id, fieldHungUp)
		end.hungUp = true
	}
	t.flushInput()
	t.flushOutput()
	t.wakeUp()
	t.readWait.WakeUp(sim.Interruptible, 1, false, abi.EPOLLIN)
	t.throttled = false
	t.lock.Unlock()
	leave(m, "__tty_hangup")
}

// free ends the pair.
func (p *Pty) free() {
	p.devpts.used[p.index] = false
	for _, t := range [...]*Tty{&p.master, &p.slave} {
		t.gone = true
		for _, id := range [...]sim.ID{
			t.id, t.readWait.ID(), t.writeWait.ID(), t.reading.wait.ID(), t.writing.wait.ID(), t.termiosSem.wait.ID(),
			t.lock.ID(), t.output.ID(), t.ctrl.ID(), t.flow.ID(), t.buf.id, t.buf.insertion.ID(), t.buf.lock.ID(),
		} {
			t.m.Free(id)
		}
	}
}
