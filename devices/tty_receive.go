package devices

import "github.com/epollsim/epollsim/abi"

// receive takes what it has room for of p. Without a whole line there is always room: beyond the buffer each character
// replaces the one before, so that a line can still end. Models n_tty_receive_buf_common.
func (t *Tty) receive(p []byte) (taken int) {
	m := t.m
	if t.input == nil {
		t.input = make([]byte, inputSize)
	}
	t.termiosSem.downRead()
	enter(m, "n_tty_receive_buf")
	before := t.readHead - t.readTail
	overflow := false
	for {
		m.Read(t.id, fieldReadTail)
		room := inputSize - (t.readHead - t.readTail) - 1
		overflow = false
		if room <= 0 {
			overflow = t.lflag(abi.ICANON) && t.canonHead == t.readTail
			if overflow && room < 0 {
				t.readHead--
			}
			room = 0
			if overflow {
				room = 1
			}
			m.Write(t.id, fieldNoRoom)
			t.noRoom = room == 0
		}
		n := min(len(p)-taken, room)
		if n == 0 {
			break
		}
		t.receiveBuf(p[taken : taken+n])
		taken += n
	}
	if overflow && t.throttled {
		t.link.wakeUp() // pty_unthrottle
	}
	m.Read(t.id, fieldNoRoom)
	if t.noRoom && t.charsInBuffer() == 0 {
		t.kickWorker()
	}
	changed(m, t.id, "input", uint64(before), uint64(max(0, t.readHead-t.readTail)))
	leave(m, "n_tty_receive_buf")
	t.termiosSem.upRead()
	if t.drained && t.commitHead-t.readTail >= drainedFrom {
		t.discard()
	}
	return taken
}

// receiveBuf takes characters for which there is room: __receive_buf.
func (t *Tty) receiveBuf(p []byte) {
	done := min(t.lookahead, len(p))
	t.lookahead -= done
	if t.plain() {
		for len(p) > 0 {
			n := copy(t.input[t.readHead&(inputSize-1):], p)
			t.readHead += n
			p = p[n:]
		}
	} else {
		for i, c := range p {
			t.receiveChar(c, i < done)
		}
		t.flushEchoes()
	}
	if t.lflag(abi.ICANON) {
		return
	}
	t.m.Write(t.id, fieldCommitHead)
	t.commitHead = t.readHead
	t.m.Read(t.id, fieldReadTail)
	if t.readHead != t.readTail {
		t.wakeInput()
	}
}

// receiveChar takes one character that may mean something; obeyed says that a ^S or ^Q has been already. Models
// n_tty_receive_buf_standard.
func (t *Tty) receiveChar(c byte, obeyed bool) {
	if t.iflag(abi.ISTRIP) {
		c &= 0x7f
	}
	switch {
	case t.lnext:
		t.lnext = false
		t.receiveOrdinary(c)
	case t.means(c):
		t.receiveSpecial(c, obeyed)
	default:
		t.receiveOrdinary(c)
	}
}

// receiveOrdinary models n_tty_receive_char.
func (t *Tty) receiveOrdinary(c byte) {
	t.startIfAny()
	t.echoTyped(c)
	t.put(c)
}

// startIfAny lets any character restart the output, with IXANY.
func (t *Tty) startIfAny() {
	if t.stopped && !t.tcoStopped && t.iflag(abi.IXON) && t.iflag(abi.IXANY) {
		t.start()
		t.processEchoes()
	}
}

// receiveSpecial models n_tty_receive_char_special.
func (t *Tty) receiveSpecial(c byte, obeyed bool) {
	if t.iflag(abi.IXON) && t.is(c, abi.VSTART, abi.VSTOP) {
		if !obeyed {
			t.flowControl(c)
		}
		return
	}
	if t.lflag(abi.ISIG) && t.is(c, abi.VINTR, abi.VQUIT, abi.VSUSP) {
		t.receiveSignal(c)
		return
	}
	t.startIfAny()
	switch {
	case c == '\r' && t.iflag(abi.IGNCR):
		return
	case c == '\r' && t.iflag(abi.ICRNL):
		c = '\n'
	case c == '\n' && t.iflag(abi.INLCR):
		c = '\r'
	}
	if t.lflag(abi.ICANON) && t.receiveCanonical(c) {
		return
	}
	if c == '\n' && t.lflag(abi.ECHO) {
		t.echoRaw('\n')
		t.commitEchoes()
	} else {
		t.echoTyped(c)
	}
	t.put(c)
}

// flowControl obeys ^Q and ^S.
func (t *Tty) flowControl(c byte) {
	if t.is(c, abi.VSTART) {
		t.start()
		t.processEchoes()
		return
	}
	t.stop()
}

// lookAhead obeys the ^S and ^Q in p, which stays in the transport: n_tty_lookahead_flow_ctrl.
func (t *Tty) lookAhead(p []byte) {
	t.lookahead += len(p)
	if !t.iflag(abi.IXON) {
		return
	}
	for _, c := range p {
		if t.is(c, abi.VSTART, abi.VSTOP) {
			t.flowControl(c)
		}
	}
}

// receiveSignal throws away what is in both directions, unless NOFLSH; the signal itself has nobody to go to. Models
// n_tty_receive_signal_char and isig.
func (t *Tty) receiveSignal(c byte) {
	if !t.lflag(abi.NOFLSH) {
		t.termiosSem.upRead()
		t.termiosSem.downWrite()
		t.output.Lock()
		t.m.Write(t.id, fieldEcho)
		t.dropEchoes()
		t.output.Unlock()
		t.flushOutput()
		t.resetInput()
		t.tellMaster(abi.TIOCPKT_FLUSHREAD)
		t.termiosSem.upWrite()
		t.termiosSem.downRead()
	}
	if t.iflag(abi.IXON) {
		t.start()
	}
	if t.lflag(abi.ECHO) {
		t.echo(c)
		t.commitEchoes()
	} else {
		t.processEchoes()
	}
}

// receiveCanonical edits lines: erase and kill, ^V, ^R, and the characters that end a line. It is false for all others.
// Models n_tty_receive_char_canon.
func (t *Tty) receiveCanonical(c byte) bool {
	iexten := t.lflag(abi.IEXTEN)
	switch {
	case t.is(c, abi.VERASE, abi.VKILL), iexten && t.is(c, abi.VWERASE):
		t.erase(c)
		t.commitEchoes()
	case iexten && t.is(c, abi.VLNEXT):
		t.lnext = true
		if t.lflag(abi.ECHO) && t.lflag(abi.ECHOCTL) {
			t.echoRaw('^')
			t.echoRaw('\b')
			t.commitEchoes()
		}
	case iexten && t.is(c, abi.VREPRINT) && t.lflag(abi.ECHO):
		t.echo(c)
		t.echoRaw('\n')
		for i := t.canonHead; (i-t.readHead)&(inputSize-1) != 0; i++ {
			t.echo(*t.at(i))
		}
		t.commitEchoes()
	case c == '\n':
		if t.lflag(abi.ECHO | abi.ECHONL) {
			t.echoRaw('\n')
			t.commitEchoes()
		}
		t.endLine(c)
	case t.is(c, abi.VEOF):
		t.endLine(disabled)
	case t.is(c, abi.VEOL), iexten && t.is(c, abi.VEOL2):
		t.echoTyped(c)
		t.endLine(c)
	default:
		return false
	}
	return true
}

// endLine makes what was typed a line, and wakes.
func (t *Tty) endLine(c byte) {
	t.markLine(t.readHead, true)
	t.put(c)
	t.m.Write(t.id, fieldCanonHead)
	t.canonHead = t.readHead
	t.wakeInput()
}
