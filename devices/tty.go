package devices

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// A pseudo-terminal: two ends, each a tty with a line discipline. What is written to one end goes through the
// transport of the other (tty_transport.go) to its line discipline (tty_ldisc.go), which edits lines (tty_receive.go,
// tty_erase.go), echoes (tty_echo.go) and keeps them for the readers (tty_read.go).
//
//	File m ── ttyFile ──> Tty, master <── link ──> Tty, slave <── ttyFile ── File s, s2 …
//	                       │ read_wait               │ read_wait    blocked readers, pollers, all at the front
//	                       │ write_wait              │ write_wait   blocked writers, the same pollers
//	   write(s) ─OPOST─>   │ buf  ─worker─> n_tty    │ buf  <─────── write(m)
//	                       │      (raw)              │      ─worker─> n_tty ─echo─> buf of the master
//	                       └ flow.stopped            └ flow.stopped, termios
//
// Lock order:
//
//	atomic_read_lock, atomic_write_lock of an end
//	buf.lock of the end that receives
//	  termios_rwsem, which two may hold for reading
//	    output_lock
//	      port.lock of the other end
//	    read_wait, write_wait (locks of the queues)
//	      ep.lock …
//
// The kernel worker that empties a transport runs here before the call that made it necessary returns, or sleeps: on
// Linux some microseconds later. Who looks at the other end at once (timeout 0, FIONREAD) could notice.
//
// Left out: sessions, so SIGHUP, SIGINT, SIGTSTP, job control and /dev/tty – no pty here is a controlling terminal, and
// on Linux, too, nobody gets these signals then –, window size, breaks and parity, ECHOPRT, EXTPROC, IUCLC, OLCUC and
// PARMRK, which are refused; that the last close of a master waits for readers inside the line discipline (ldisc_sem).

var (
	classPtm       = sim.NewClass("ptm")
	classPts       = sim.NewClass("pts")
	classTtyLock   = sim.NewClass("tty.legacy_mutex")
	classTtyOutput = sim.NewClass("tty.output_lock")
	classTtyCtrl   = sim.NewClass("tty.ctrl.lock")
	classTtyFlow   = sim.NewClass("tty.flow.lock")
	classPtmRead   = sim.NewClass("ptm.read_wait")
	classPtmWrite  = sim.NewClass("ptm.write_wait")
	classPtsRead   = sim.NewClass("pts.read_wait")
	classPtsWrite  = sim.NewClass("pts.write_wait")

	fieldReadTail    = sim.NewField("read_tail")
	fieldCommitHead  = sim.NewField("commit_head")
	fieldCanonHead   = sim.NewField("canon_head")
	fieldOtherClosed = sim.NewField("TTY_OTHER_CLOSED")
	fieldIOError     = sim.NewField("TTY_IO_ERROR")
	fieldHungUp      = sim.NewField("f_op")
	fieldStopped     = sim.NewField("flow.stopped")
	fieldPacket      = sim.NewField("ctrl.packet")
	fieldPktstatus   = sim.NewField("ctrl.pktstatus")
	fieldTtyCount    = sim.NewField("tty.count")
	fieldEcho        = sim.NewField("echo_mark")
	fieldNoRoom      = sim.NewField("no_room")
)

// Pty is a pair of terminals that are each other's line.
type Pty struct {
	index  int
	devpts *Devpts
	master Tty
	slave  Tty
	works  []*transport // to be emptied before the call under way returns
}

// Tty is one end, models struct tty_struct with its port and its n_tty_data.
type Tty struct {
	sys  *vfs.System
	m    *sim.Machine
	id   sim.ID
	pty  *Pty
	link *Tty // the other end

	readWait, writeWait waitqueue.Head
	reading, writing    gate // atomic_read_lock, atomic_write_lock
	waiters             waitList
	buf                 transport // what is on its way to this end

	lock sim.Mutex // tty_lock; guards what follows up to the next lock
	ends []*ttyFile
	// Changed under lock, read without it.
	count       int  // open descriptions; those of the master count for the slave, too
	otherClosed bool // TTY_OTHER_CLOSED
	ioError     bool // TTY_IO_ERROR: the last open failed
	throttled   bool // TTY_THROTTLED
	locked      bool // TTY_PTY_LOCK, of a master

	flow       sim.Spinlock
	stopped    bool // no output: ^S or TCOOFF
	tcoStopped bool // TCOOFF

	ctrl      sim.Spinlock
	packet    bool  // packet mode, of a master
	pktstatus uint8 // what the other end, in packet mode, is to be told

	termiosSem rwsem // termios_rwsem; held for reading by who reads, writes or receives
	termios    abi.Termios
	charMap    [4]uint64 // the characters that mean something
	mapped     bool      // … if anybody has asked since the beginning

	nTty
	drained bool // nobody reads: the bytes are thrown away
	gone    bool
}

// ttyFile is a tty as one description sees it.
type ttyFile struct {
	*Tty
	hungUp bool // the master has closed: hung_up_tty_fops
}

// ptyFile is a ttyFile that snapshots show.
type ptyFile struct{ *ttyFile }

// endOf returns what f is a description of, nil if that is no terminal.
func endOf(f *vfs.File) *ttyFile {
	switch end := f.Ops.(type) {
	case *ttyFile:
		return end
	case ptyFile:
		return end.ttyFile
	}
	return nil
}

// Devpts gives out the numbers of ptys, the lowest free one. It is never iterated.
type Devpts struct{ used []bool }

// Again is d for another run, with no number given out.
func (d *Devpts) Again() Devpts { return Devpts{used: d.used[:0]} }

func (d *Devpts) take() int {
	for i, used := range d.used {
		if !used {
			d.used[i] = true
			return i
		}
	}
	d.used = append(d.used, true)
	return len(d.used) - 1
}

// NewPtmx opens /dev/ptmx: a new master, whose slave is locked and not open. Models ptmx_open.
func NewPtmx(s *vfs.System, d *Devpts, flags int) *vfs.File {
	p := newPty(s, d)
	p.master.locked = true
	s.Counters.Allocations += 4 // two ttys and two line disciplines
	return s.NewFile(ptyFile{p.master.open()}, deviceFlags(flags), "/dev/ptmx", s.NextIno())
}

// OpenPeer opens the slave of a master, as TIOCGPTPEER does: EIO if f is no master, or the slave is locked. Models
// ptm_open_peer.
func OpenPeer(f *vfs.File, flags int) (*vfs.File, abi.Errno) {
	end := endOf(f)
	if end == nil {
		return nil, abi.ENOTTY
	}
	if !end.IsMaster() {
		return nil, abi.EIO
	}
	if end.locked {
		end.link.refuse()
		return nil, abi.EIO
	}
	s := end.sys
	peer := s.NewFile(ptyFile{end.link.open()}, deviceFlags(flags), end.name(), s.NextIno())
	if flags&abi.O_CLOEXEC != 0 {
		peer.ShowCloexec()
	}
	return peer, 0
}

var (
	ptys = sim.NewCache(func(p *Pty) {
		master, slave := p.master.ends[:0], p.slave.ends[:0]
		*p = Pty{}
		p.master.ends, p.slave.ends = master, slave
	})
	ttyFiles = sim.NewCache[ttyFile](nil)
)

func newPty(s *vfs.System, d *Devpts) *Pty {
	p := ptys.New(s.M)
	p.index, p.devpts = d.take(), d
	p.master.init(s, p, &p.slave, abi.Termios{Cflag: abi.B38400 | abi.CS8 | abi.CREAD, Cc: abi.StdTermios().Cc})
	p.slave.init(s, p, &p.master, abi.StdTermios())
	return p
}

func (t *Tty) init(s *vfs.System, p *Pty, link *Tty, termios abi.Termios) {
	t.sys, t.m, t.pty, t.link = s, s.M, p, link
	if t.IsMaster() {
		t.id = s.M.NewID(classPtm)
		t.readWait.InitClass(s.M, classPtmRead)
		t.writeWait.InitClass(s.M, classPtmWrite)
	} else {
		t.id = s.M.NewID(classPts)
		t.readWait.InitClass(s.M, classPtsRead)
		t.writeWait.InitClass(s.M, classPtsWrite)
	}
	t.reading.init(s.M, classReadLock)
	t.writing.init(s.M, classWriteLock)
	t.termiosSem.init(s.M)
	t.lock.Init(s.M, classTtyLock)
	t.output.Init(s.M, classTtyOutput)
	t.ctrl.Init(s.M, classTtyCtrl)
	t.flow.Init(s.M, classTtyFlow)
	t.buf.init(t)
	t.termios = termios
}

// IsMaster reports whether t is the master of its pair.
func (t *Tty) IsMaster() bool { return t == &t.pty.master }

func (t *Tty) name() string {
	if t.pty.index == 0 {
		return "/dev/pts/0" // of the console, for every run
	}
	return fmt.Sprintf("/dev/pts/%d", t.pty.index)
}

// slaveOf is the end whose modes both ends show: tty_pair_get_tty.
func (t *Tty) slaveOf() *Tty { return &t.pty.slave }

// open counts one more description of t, and returns it. A slave that is open again is no longer closed for its master, which nobody is told.
// Models tty_open and pty_open.
func (t *Tty) open() *ttyFile {
	m := t.m
	enter(m, "tty_open")
	end := ttyFiles.New(m)
	end.Tty = t
	t.lock.Lock()
	m.Write(t.id, fieldTtyCount)
	t.count++
	if t.IsMaster() {
		m.Write(t.link.id, fieldTtyCount)
		t.link.count++
	}
	m.Write(t.id, fieldIOError)
	t.ioError = false
	m.Write(t.link.id, fieldOtherClosed)
	t.link.otherClosed = false
	t.throttled = true
	t.ends = append(t.ends, end)
	t.lock.Unlock()
	leave(m, "tty_open")
	return end
}

// refuse is an open that fails because the master is locked. Nobody can read or write t from then on, and it can be closed
// without the master noticing, until the next open. Models pty_open.
func (t *Tty) refuse() {
	t.lock.Lock()
	t.m.Write(t.id, fieldIOError)
	t.ioError = true
	t.lock.Unlock()
}

// Poll hooks to both queues. IN: a line, an end of file, or as many bytes as VMIN says, if that is asked for without
// VTIME; OUT: the transport has room, nobody is in the middle of a write, output is not stopped; HUP: the other end has
// closed. After a hang-up everything, for ever, and no hook. Models tty_poll and n_tty_poll.
func (end *ttyFile) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	t, m := end.Tty, end.m
	m.Read(t.id, fieldHungUp)
	if end.hungUp {
		return readKey | writeKey | abi.EPOLLERR | abi.EPOLLHUP
	}
	pt.Wait(f, &t.readWait)
	pt.Wait(f, &t.writeWait)
	var mask abi.Events
	if t.inputAvailable(true) {
		mask |= readKey
	} else {
		t.buf.flushWork()
		if t.inputAvailable(true) {
			mask |= readKey
		}
	}
	m.Read(t.id, fieldPacket)
	if t.packet && t.link.hasStatus() {
		mask |= abi.EPOLLPRI | readKey
	}
	m.Read(t.id, fieldOtherClosed)
	if t.otherClosed {
		mask |= abi.EPOLLHUP
	}
	m.Read(t.id, fieldHungUp)
	if end.hungUp {
		mask |= abi.EPOLLHUP
	}
	if !t.writing.isHeld() && t.writeRoom() > 0 {
		mask |= writeKey
	}
	t.pty.runWorks()
	return mask
}

// hasStatus is whether the other end, in packet mode, has to be told something.
func (t *Tty) hasStatus() bool {
	t.m.Read(t.id, fieldPktstatus)
	return t.pktstatus != 0
}

// Traced is vfs.Traced.
func (t *Tty) Traced() (string, sim.ID) { return "tty", t.id }

// SetAsync is refused: O_ASYNC would make the caller the owner of a terminal, who gets SIGIO. After a hang-up that is
// ENOTTY. Models tty_fasync, hung_up_tty_fasync.
func (end *ttyFile) SetAsync(*vfs.File, bool) abi.Errno {
	end.m.Read(end.Tty.id, fieldHungUp)
	if end.hungUp {
		return abi.ENOTTY
	}
	return notModelled(end.m, "O_ASYNC of a terminal")
}

// wakeUp tells the watchers and writers of t that there may be room: tty_wakeup.
func (t *Tty) wakeUp() { t.writeWait.WakeUp(sim.Interruptible, 1, false, abi.EPOLLOUT) }

// wakeInput tells who reads or watches t that there is something to read.
func (t *Tty) wakeInput() { t.readWait.WakeUp(sim.Interruptible, 1, false, readKey) }

// wake wakes one of the queues of t without saying why: wake_up_interruptible.
func wake(h *waitqueue.Head) { h.WakeUp(sim.Interruptible, 1, false, 0) }
