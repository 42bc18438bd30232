package devices

import (
	"github.com/epollsim/epollsim/abi"
)

const (
	echoSize      = 4096
	echoBlock     = 256             // ECHO_BLOCK and ECHO_COMMIT_WATERMARK
	echoDiscard   = 4096 - 256 - 32 // ECHO_DISCARD_WATERMARK
	echoStart     = 0xff            // the escape: an operation follows
	echoMoveBack  = 0x80
	echoSetCanon  = 0x81
	echoTab       = 0x82 // one more byte: the columns
	echoFromStart = 0x80 // … counted from a tab, in that byte
)

// echoes are what is to be written of what was typed, as long as there is no room. Indices count as those of the input.
// To take back a long line in one go overruns the buffer, and some of that is lost, as in the kernel.
type echoes struct {
	echoHead, echoCommit, echoMark, echoTail int
	echoBuf                                  []byte
}

func (e *echoes) addEcho(bytes ...byte) {
	if e.echoBuf == nil {
		e.echoBuf = make([]byte, echoSize)
	}
	for _, c := range bytes {
		e.echoBuf[e.echoHead&(echoSize-1)] = c
		e.echoHead++
	}
}

func (e *echoes) echoAt(i int) byte { return e.echoBuf[i&(echoSize-1)] }

func (e *echoes) dropEchoes() { e.echoHead, e.echoCommit, e.echoMark, e.echoTail = 0, 0, 0, 0 }

// echoRaw echoes c as it is: echo_char_raw.
func (t *Tty) echoRaw(c byte) {
	if c == echoStart {
		t.addEcho(echoStart)
	}
	t.addEcho(c)
}

// echo echoes c, control characters as ^X: echo_char.
func (t *Tty) echo(c byte) {
	if c == echoStart || t.lflag(abi.ECHOCTL) && isControl(c) && c != '\t' {
		t.addEcho(echoStart)
	}
	t.addEcho(c)
}

// echoTyped echoes a character of the line that is being typed, with ECHO; the first one notes where the line begins.
func (t *Tty) echoTyped(c byte) {
	if !t.lflag(abi.ECHO) {
		return
	}
	if t.canonHead == t.readHead {
		t.addEcho(echoStart, echoSetCanon)
	}
	t.echo(c)
	t.commitEchoes()
}

func (t *Tty) echoBackspace() {
	t.echoRaw('\b')
	t.echoRaw(' ')
	t.echoRaw('\b')
}

func (t *Tty) echoEraseTab(columns int, afterTab bool) {
	columns &= 7
	if afterTab {
		columns |= echoFromStart
	}
	t.addEcho(echoStart, echoTab, byte(columns))
}

// commitEchoes makes what was echoed so far whole, and writes it if a block has come together. Models commit_echoes.
func (t *Tty) commitEchoes() {
	t.output.Lock()
	t.m.Write(t.id, fieldEcho)
	t.echoMark = t.echoHead
	old, n := t.echoCommit-t.echoTail, t.echoHead-t.echoTail
	if n >= echoBlock && n%echoBlock <= old%echoBlock {
		t.echoCommit = t.echoHead
		t.writeEchoes()
	}
	t.output.Unlock()
}

// processEchoes writes the echoes that had no room. Models process_echoes.
func (t *Tty) processEchoes() {
	t.m.Read(t.id, fieldEcho)
	if t.echoMark == t.echoTail {
		return
	}
	t.writeEchoesUpTo(t.echoMark)
}

// flushEchoes writes all echoes at the end of what was received. Models flush_echoes.
func (t *Tty) flushEchoes() {
	if !t.lflag(abi.ECHO|abi.ECHONL) || t.echoCommit == t.echoHead {
		return
	}
	t.writeEchoesUpTo(t.echoHead)
}

func (t *Tty) writeEchoesUpTo(commit int) {
	t.output.Lock()
	t.m.Write(t.id, fieldEcho)
	t.echoCommit = commit
	t.writeEchoes()
	t.output.Unlock()
}

// writeEchoes writes echoes while there is room for them, each operation whole, and forgets the oldest if too many are
// left. Models __process_echoes.
func (t *Tty) writeEchoes() {
	space, tail := t.writeRoom(), t.echoTail
	for (tail-t.echoCommit)&(echoSize-1) != 0 {
		var used, length int
		if c := t.echoAt(tail); c == echoStart {
			used, length = t.writeEchoOp(tail, space)
		} else if t.oflag(abi.OPOST) {
			used, length = t.outputChar(c, space), 1
		} else {
			used, length = t.outputByte(c, space), 1
		}
		if used < 0 {
			break
		}
		space -= used
		tail += length
	}
	for t.echoCommit > tail && t.echoCommit-tail >= echoDiscard {
		length := 1
		if t.echoAt(tail) == echoStart {
			length = 2
			if t.echoAt(tail+1) == echoTab {
				length = 3
			}
		}
		tail += length
	}
	t.echoTail = tail
}

// writeEchoOp does the operation at i. It returns the room it used, below 0 if there is not enough, and its length.
func (t *Tty) writeEchoOp(i, space int) (used, length int) {
	switch op := t.echoAt(i + 1); op {
	case echoTab:
		columns := int(t.echoAt(i + 2))
		if columns&echoFromStart == 0 {
			columns += t.canonColumn
		}
		back := 8 - columns&7
		if back > space {
			return -1, 0
		}
		for range back {
			t.send1('\b')
			t.column = max(0, t.column-1)
		}
		return back, 3
	case echoSetCanon:
		t.canonColumn = t.column
		return 0, 2
	case echoMoveBack:
		t.column = max(0, t.column-1)
		return 0, 2
	case echoStart:
		if space == 0 {
			return -1, 0
		}
		t.send1(echoStart)
		t.column++
		return 1, 2
	default:
		if space < 2 {
			return -1, 0
		}
		t.send1('^')
		t.send1(op ^ 0o100)
		t.column += 2
		return 2, 2
	}
}
