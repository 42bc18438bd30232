package devices

import (
	"math/bits"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

const (
	readChunk = 64  // how much the line discipline is asked for at a time: tty_read's buffer
	wakeBelow = 128 // who leaves no more than this lets the other end write on: TTY_THRESHOLD_UNTHROTTLE
	deciNano  = 100_000_000
)

// Read returns a line or a part of one, or raw bytes as VMIN and VTIME say. It gives 0 at ^D, and after a hang-up; EIO if
// the other end has closed and nothing is left. Models tty_read and iterate_tty_read.
func (end *ttyFile) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	t := end.Tty
	t.m.Read(t.id, fieldHungUp)
	if end.hungUp {
		return 0, 0
	}
	t.m.Read(t.id, fieldIOError)
	if t.ioError {
		return 0, abi.EIO
	}
	read := 0
	var errno abi.Errno
	for more := false; ; {
		var n int
		n, errno = end.readLine(f, p[read:min(len(p), read+readChunk)], &more)
		if read += n; n == 0 || errno != 0 || !more {
			break
		}
	}
	t.pty.runWorks()
	if read > 0 {
		errno = 0
	}
	return read, errno
}

// readLine reads up to len(p) bytes. more asks the caller to come again for the rest; until then the read lock stays
// taken. Models n_tty_read.
func (end *ttyFile) readLine(f *vfs.File, p []byte, more *bool) (n int, errno abi.Errno) {
	t, m := end.Tty, end.m
	if *more {
		return t.readOn(p, more), 0
	}
	if errno := t.reading.lockFor(f.NonBlocking(), "atomic_read_lock"); errno != 0 {
		return 0, errno
	}
	t.termiosSem.downRead()
	enter(m, "n_tty_read")
	minimum, deadline, between := t.patience()
	m.Read(t.id, fieldPacket)
	packet := t.packet
	tail := t.readTail
	w := t.waiters.add(m, &t.readWait)
	for n < len(p) {
		if packet && t.link.hasStatus() {
			if n == 0 {
				p[0] = t.link.takeStatus()
				n++
			}
			break
		}
		if !t.inputAvailable(false) {
			t.termiosSem.upRead()
			t.buf.flushWork()
			t.termiosSem.downRead()
			if !t.inputAvailable(false) {
				var over bool
				if over, errno = end.waitInput(f, w, deadline); over {
					break
				}
				continue
			}
		}
		var again bool
		if t.lflag(abi.ICANON) {
			var c int
			c, again = t.copyLine(p[n:])
			n += c
		} else {
			if packet && n == 0 {
				p[0] = abi.TIOCPKT_DATA
				n++
			}
			var c int
			c, again = t.copyRaw(p[n:])
			n += c
			again = again && n >= minimum
		}
		if again {
			t.waiters.remove(&t.readWait, w)
			leave(m, "n_tty_read")
			*more = true
			return n, 0
		}
		t.checkUnthrottle()
		if n >= minimum {
			break
		}
		if between > 0 {
			deadline = m.Now() + between
		}
	}
	if tail != t.readTail {
		t.kickWorker()
	}
	leave(m, "n_tty_read")
	t.termiosSem.upRead()
	t.waiters.remove(&t.readWait, w)
	t.reading.unlock()
	if n > 0 {
		errno = 0
	}
	return n, errno
}

// patience says how many bytes a read wants, how long it waits for the first, and then between two: VMIN and VTIME.
func (t *Tty) patience() (minimum int, deadline, between int64) {
	if t.lflag(abi.ICANON) {
		return 0, sim.Forever, 0
	}
	time := deciNano * int64(t.termios.Cc[abi.VTIME])
	if minimum = int(t.termios.Cc[abi.VMIN]); minimum > 0 {
		return minimum, sim.Forever, time
	}
	return 1, t.m.Now() + time, 0
}

// waitInput sleeps for input; over says that there is nothing to wait for.
func (end *ttyFile) waitInput(f *vfs.File, w *waiter, deadline int64) (over bool, errno abi.Errno) {
	t, m := end.Tty, end.m
	m.Read(t.id, fieldOtherClosed)
	if t.otherClosed {
		return true, abi.EIO
	}
	m.Read(t.id, fieldHungUp)
	if end.hungUp || m.Now() >= deadline {
		return true, 0
	}
	if f.NonBlocking() {
		return true, abi.EAGAIN
	}
	if w.task.SignalPending() {
		return true, abi.ERESTARTSYS
	}
	t.termiosSem.upRead()
	t.pty.runWorks()
	w.sleep(deadline, "read_wait", t.readWait.ID())
	t.termiosSem.downRead()
	return false, 0
}

// readOn is the next part of a read that had more: without a sleep, and to its end.
func (t *Tty) readOn(p []byte, more *bool) (n int) {
	again := false
	if t.lflag(abi.ICANON) {
		if len(p) == 0 {
			t.skipEOF()
		} else {
			n, again = t.copyLine(p)
		}
	} else {
		n, again = t.copyRaw(p)
	}
	if again {
		return n
	}
	t.kickWorker()
	t.checkUnthrottle()
	t.termiosSem.upRead()
	t.reading.unlock()
	*more = false
	return n
}

// checkUnthrottle tells the other end that it may write on, if little is left: n_tty_check_unthrottle.
func (t *Tty) checkUnthrottle() {
	if t.charsInBuffer() > wakeBelow {
		return
	}
	t.kickWorker()
	t.link.wakeUp()
}

// copyRaw takes bytes, once around the ring at most; more says that some are left. Models copy_from_read_buf.
func (t *Tty) copyRaw(p []byte) (n int, more bool) {
	m := t.m
	m.Read(t.id, fieldCommitHead)
	head, at := t.commitHead, t.readTail&(inputSize-1)
	n = min(len(p), head-t.readTail, inputSize-at)
	if n == 0 {
		return 0, false
	}
	copy(p, t.input[at:at+n])
	t.consume(n)
	return n, head != t.readTail
}

// copyLine takes a line, or its beginning; more says that the rest of it is there. The mark of an end of file is taken and
// not given. Models canon_copy_from_read_buf.
func (t *Tty) copyLine(p []byte) (n int, more bool) {
	m := t.m
	m.Read(t.id, fieldCanonHead)
	head := t.canonHead
	n = min(len(p), head-t.readTail)
	end := t.nextEOL(t.readTail, n)
	found := end < t.readTail+n
	taken := n
	if found {
		taken = end - t.readTail + 1
		if n = taken; *t.at(end) == disabled {
			n--
		}
		t.markLine(end, false)
	}
	for i := range n {
		p[i] = *t.at(t.readTail + i)
	}
	t.consume(taken)
	if found {
		t.push = false
		return n, false
	}
	return n, t.readTail != head
}

// nextEOL returns where the first line ends among n bytes from i on, i+n if none does.
func (t *Tty) nextEOL(i, n int) int {
	end := i + n
	for i < end {
		if word := t.eol[i&(inputSize-1)/64] >> (i & 63); word != 0 {
			return min(end, i+bits.TrailingZeros64(word))
		}
		i += 64 - i&63
	}
	return end
}

// skipEOF takes an end of file that stands right behind what was read: canon_skip_eof.
func (t *Tty) skipEOF() {
	t.m.Read(t.id, fieldCanonHead)
	if t.readTail == t.canonHead || !t.endsLine(t.readTail) || *t.at(t.readTail) != disabled {
		return
	}
	t.markLine(t.readTail, false)
	t.consume(1)
}

func (t *Tty) consume(n int) {
	t.m.Write(t.id, fieldReadTail)
	changed(t.m, t.id, "input", uint64(t.readHead-t.readTail), uint64(t.readHead-t.readTail-n))
	t.readTail += n
}

// takeStatus is the status byte for a master in packet mode, told once.
func (t *Tty) takeStatus() byte {
	t.ctrl.Lock()
	t.m.Write(t.id, fieldPktstatus)
	status := t.pktstatus
	t.pktstatus = 0
	t.ctrl.Unlock()
	return status
}
