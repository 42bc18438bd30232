package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// writeChunk is how much the line discipline is given at a time.
const writeChunk = 2048

// Write sends p to the other end, \n as \r\n if the modes say so, sleeping for room. Its end is an edge in itself: every
// call wakes the own queue of writers, with OUT – even one that wrote nothing. EIO: the other end is gone for good; a
// closed slave may be opened again, so its master can write. Models tty_write and iterate_tty_write.
func (end *ttyFile) Write(f *vfs.File, p []byte) (int, abi.Errno) {
	t := end.Tty
	t.m.Read(t.id, fieldHungUp)
	t.m.Read(t.id, fieldIOError)
	if end.hungUp || t.ioError {
		return 0, abi.EIO
	}
	if errno := t.writing.lockFor(f.NonBlocking(), "atomic_write_lock"); errno != 0 {
		return 0, errno
	}
	written := 0
	var errno abi.Errno
	for {
		var n int
		chunk := p[written:min(len(p), written+writeChunk)]
		if n, errno = end.writeLine(f, chunk); errno != 0 || n == 0 {
			break
		}
		if written += n; written == len(p) {
			break
		}
		if c := t.m.Current(); c != nil && c.SignalPending() {
			errno = abi.ERESTARTSYS
			break
		}
	}
	t.writing.unlock()
	t.wakeUp()
	t.pty.runWorks()
	if written > 0 {
		errno = 0
	}
	return written, errno
}

// writeLine writes p. O_NONBLOCK counts at the moment of going to sleep. Models n_tty_write.
func (end *ttyFile) writeLine(f *vfs.File, p []byte) (written int, errno abi.Errno) {
	t, m := end.Tty, end.m
	t.termiosSem.downRead()
	enter(m, "n_tty_write")
	t.processEchoes()
	w := t.waiters.add(m, &t.writeWait)
	for {
		if w != nil && w.task.SignalPending() {
			errno = abi.ERESTARTSYS
			break
		}
		m.Read(t.id, fieldHungUp)
		m.Read(t.link.id, fieldTtyCount)
		if end.hungUp || t.link.count == 0 {
			errno = abi.EIO
			break
		}
		if t.oflag(abi.OPOST) {
			written += t.writeProcessed(p[written:])
		} else {
			written += t.writeRaw(p[written:])
		}
		if written == len(p) {
			break
		}
		if f.NonBlocking() {
			errno = abi.EAGAIN
			break
		}
		t.termiosSem.upRead()
		t.pty.runWorks()
		w.sleep(sim.Forever, "write_wait", t.writeWait.ID())
		t.termiosSem.downRead()
	}
	t.waiters.remove(&t.writeWait, w)
	leave(m, "n_tty_write")
	t.termiosSem.upRead()
	if written > 0 {
		errno = 0
	}
	return written, errno
}

func (t *Tty) writeRaw(p []byte) (n int) {
	for n < len(p) {
		t.output.Lock()
		c := t.send(p[n:])
		t.output.Unlock()
		if c == 0 {
			break
		}
		n += c
	}
	return n
}

// writeProcessed writes what needs no change in blocks, the rest character by character.
func (t *Tty) writeProcessed(p []byte) (n int) {
	for n < len(p) {
		n += t.writeBlock(p[n:])
		if n == len(p) {
			break
		}
		t.output.Lock()
		used := t.outputChar(p[n], t.writeRoom())
		t.output.Unlock()
		if used < 0 {
			break
		}
		n++
	}
	return n
}

// writeBlock writes the beginning of p that goes out as it is: process_output_block.
func (t *Tty) writeBlock(p []byte) int {
	t.output.Lock()
	defer t.output.Unlock()
	space := t.writeRoom()
	n := 0
	for n < min(len(p), space) && t.outputPlain(p[n]) {
		n++
	}
	return t.send(p[:n])
}

// outputPlain follows the column, and is false if c is not written as it is.
func (t *Tty) outputPlain(c byte) bool {
	switch c {
	case '\n':
		if t.oflag(abi.ONLRET) {
			t.column = 0
		}
		if t.oflag(abi.ONLCR) {
			return false
		}
		t.canonColumn = t.column
	case '\r':
		if t.oflag(abi.ONOCR) && t.column == 0 || t.oflag(abi.OCRNL) {
			return false
		}
		t.canonColumn, t.column = 0, 0
	case '\t':
		return false
	case '\b':
		t.column = max(0, t.column-1)
	default:
		if !isControl(c) && !t.continues(c) {
			t.column++
		}
	}
	return true
}

// outputChar writes c as the modes want it, all or nothing of it. It returns the room that it used, below 0 if there was
// not enough. Models do_output_char.
func (t *Tty) outputChar(c byte, space int) int {
	if space == 0 {
		return -1
	}
	switch c {
	case '\n':
		if t.oflag(abi.ONLRET) {
			t.column = 0
		}
		if t.oflag(abi.ONLCR) {
			if space < 2 {
				return -1
			}
			t.canonColumn, t.column = 0, 0
			t.send(crlf)
			return 2
		}
		t.canonColumn = t.column
	case '\r':
		if t.oflag(abi.ONOCR) && t.column == 0 {
			return 0
		}
		if t.oflag(abi.OCRNL) {
			c = '\n'
			if t.oflag(abi.ONLRET) {
				t.canonColumn, t.column = 0, 0
			}
			break
		}
		t.canonColumn, t.column = 0, 0
	case '\t':
		spaces := 8 - t.column&7
		if t.termios.Oflag&abi.TABDLY == abi.XTABS {
			if space < spaces {
				return -1
			}
			t.column += spaces
			t.send(blanks[:spaces])
			return spaces
		}
		t.column += spaces
	case '\b':
		t.column = max(0, t.column-1)
	default:
		if !isControl(c) && !t.continues(c) {
			t.column++
		}
	}
	t.send1(c)
	return 1
}

var (
	crlf   = []byte("\r\n")
	blanks = []byte("        ")
)

func (t *Tty) outputByte(c byte, space int) int {
	if space == 0 {
		return -1
	}
	t.send1(c)
	return 1
}

// send puts what fits into the transport of the other end: pty_write.
func (t *Tty) send(p []byte) int {
	t.m.Read(t.id, fieldStopped)
	if t.stopped || len(p) == 0 {
		return 0
	}
	return t.link.buf.insert(p)
}

// bytewise has every byte as a slice, so that sending one allocates nothing.
var bytewise = func() (all [256]byte) {
	for i := range all {
		all[i] = byte(i)
	}
	return all
}()

func (t *Tty) send1(c byte) { t.send(bytewise[c : int(c)+1]) }

// writeRoom is how much could be written, in memory of the transport: pty_write_room.
func (t *Tty) writeRoom() int {
	t.m.Read(t.id, fieldStopped)
	if t.stopped {
		return 0
	}
	return t.link.buf.room()
}
