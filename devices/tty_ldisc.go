package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

const (
	inputSize = 4096 // N_TTY_BUF_SIZE
	disabled  = 0    // __DISABLED_CHAR: no such control character, and the mark of an end of file in the buffer
)

// nTty is a line discipline, models struct n_tty_data. Indices count bytes since the last flush, modulo nothing; byte i
// is input[i % inputSize]. What is between readTail and canonHead are lines (canonical), between readTail and commitHead
// bytes (raw) for readers; what is before readHead and behind those is a line that is being typed.
type nTty struct {
	// Changed by the worker alone, under termios_rwsem for reading.
	readHead  int
	lnext     bool // ^V: the next character means nothing
	lookahead int  // characters on the way of which ^S and ^Q have been obeyed

	// Changed by worker, reader and writer of the termios; read without a lock.
	commitHead int
	canonHead  int
	readTail   int
	noRoom     bool // the worker has left something in the transport

	input []byte
	eol   [inputSize / 64]uint64 // read_flags: here a line ends
	push  bool                   // the line that is being typed became one because the terminal turned canonical

	output      sim.Mutex // output_lock; guards what follows
	column      int
	canonColumn int
	echoes
}

// at returns the place of byte i.
func (t *Tty) at(i int) *byte { return &t.input[i&(inputSize-1)] }

func (t *Tty) endsLine(i int) bool { return t.eol[i&(inputSize-1)/64]>>(i&63)&1 != 0 }

func (t *Tty) markLine(i int, on bool) {
	bit := uint64(1) << (i & 63)
	t.eol[i&(inputSize-1)/64] &^= bit
	if on {
		t.eol[i&(inputSize-1)/64] |= bit
	}
}

func (t *Tty) put(c byte) {
	*t.at(t.readHead) = c
	t.readHead++
}

// charsInBuffer is what a reader could have.
func (t *Tty) charsInBuffer() int {
	t.m.Read(t.id, fieldReadTail)
	if t.lflag(abi.ICANON) {
		t.m.Read(t.id, fieldCanonHead)
		return t.canonHead - t.readTail
	}
	t.m.Read(t.id, fieldCommitHead)
	return t.commitHead - t.readTail
}

// inputAvailable is whether a read would find something; for a poll, whether there are as many bytes as VMIN says, if
// VTIME is 0. Models input_available_p.
func (t *Tty) inputAvailable(poll bool) bool {
	amount := 1
	if poll && t.termios.Cc[abi.VTIME] == 0 && t.termios.Cc[abi.VMIN] != 0 {
		amount = int(t.termios.Cc[abi.VMIN])
	}
	n := t.charsInBuffer()
	if t.lflag(abi.ICANON) {
		return n != 0
	}
	return n >= amount
}

func (t *Tty) iflag(bits uint32) bool { return t.termios.Iflag&bits != 0 }
func (t *Tty) oflag(bits uint32) bool { return t.termios.Oflag&bits != 0 }
func (t *Tty) lflag(bits uint32) bool { return t.termios.Lflag&bits != 0 }

// is reports whether c is one of the control characters.
func (t *Tty) is(c byte, which ...int) bool {
	for _, i := range which {
		if c == t.termios.Cc[i] {
			return true
		}
	}
	return false
}

// mapCharacters notes which characters mean something in these modes: char_map.
func (t *Tty) mapCharacters() {
	t.charMap, t.mapped = [4]uint64{}, true
	add := func(when bool, chars ...int) {
		for _, c := range chars {
			if when {
				t.charMap[c/64] |= 1 << (c % 64)
			}
		}
	}
	cc := func(i int) int { return int(t.termios.Cc[i]) }
	canon, iexten := t.lflag(abi.ICANON), t.lflag(abi.IEXTEN)
	add(t.iflag(abi.IGNCR|abi.ICRNL), '\r')
	add(t.iflag(abi.INLCR), '\n')
	add(canon, cc(abi.VERASE), cc(abi.VKILL), cc(abi.VEOF), '\n', cc(abi.VEOL))
	add(canon && iexten, cc(abi.VWERASE), cc(abi.VLNEXT), cc(abi.VEOL2))
	add(canon && iexten && t.lflag(abi.ECHO), cc(abi.VREPRINT))
	add(t.iflag(abi.IXON), cc(abi.VSTART), cc(abi.VSTOP))
	add(t.lflag(abi.ISIG), cc(abi.VINTR), cc(abi.VQUIT), cc(abi.VSUSP))
	t.charMap[0] &^= 1 << disabled
}

func (t *Tty) means(c byte) bool {
	if !t.mapped {
		t.mapCharacters()
	}
	return t.charMap[c/64]>>(c%64)&1 != 0
}

// plain is whether input goes through as it is.
func (t *Tty) plain() bool {
	return !t.iflag(abi.ISTRIP|abi.IGNCR|abi.ICRNL|abi.INLCR|abi.IXON) && !t.lflag(abi.ICANON|abi.ISIG|abi.ECHO)
}

// resetInput forgets all input: reset_buffer_flags.
func (t *Tty) resetInput() {
	m := t.m
	m.Write(t.id, fieldReadTail)
	m.Write(t.id, fieldCanonHead)
	m.Write(t.id, fieldCommitHead)
	changed(m, t.id, "input", uint64(t.readHead-t.readTail), 0)
	t.readHead, t.canonHead, t.commitHead, t.readTail = 0, 0, 0, 0
	t.eol = [inputSize / 64]uint64{}
	t.push = false
	t.lookahead = 0
}

// discard is a reader that does not look.
func (t *Tty) discard() {
	t.m.Write(t.id, fieldReadTail)
	t.readTail = t.commitHead
	t.kickWorker()
	t.link.wakeUp()
}

// kickWorker lets the worker go on that had no room: n_tty_kick_worker.
func (t *Tty) kickWorker() {
	t.m.Read(t.id, fieldNoRoom)
	if t.noRoom {
		t.m.Write(t.id, fieldNoRoom)
		t.noRoom = false
		t.buf.queueWork()
	}
}
