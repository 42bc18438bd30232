package devices

import "math"

// A network that takes its time. What TCP sends over the loopback of the model is there at once, unless Nagle's algorithm or a
// window keeps it; on a real machine both depend on sizes of memory and on ticks that only its kernel knows. Who has a
// record of what happened there says it here.

// Hold keeps what t has to send from going out, until LetGo, the end of the stream, or the timer that sends it all the same.
// It reports whether that may have happened on Linux: something small was sent before, and Nagle's algorithm is on, or so much
// that the kernel has a measure of how fast it sends.
func (t *Tcp) Hold() bool {
	small := t.nagle&nagleOff == 0 && t.sndSml > 1
	if !small && t.sndNxt < paced || !t.state.in(inetEstablished, inetCloseWait) {
		return false
	}
	t.held = true
	return true
}

// LetGo sends what Hold, or Nagle's algorithm, has kept. It reports whether there was something.
func (t *Tcp) LetGo() bool {
	t.held = false
	if t.writeQueue.first == nil || !t.state.in(inetEstablished, inetCloseWait) {
		return false
	}
	t.lockSock()
	defer t.releaseSock()
	before := t.sndNxt
	t.pushPending(naglePush)
	return t.sndNxt != before
}

// Peer returns the other end of t's connection, nil if it has none that is on this machine.
func (t *Tcp) Peer() *Tcp { return t.peer }

// Readable reports whether there is something for a read to take: data, the end, or an error.
func (t *Tcp) Readable() bool {
	return t.rcvNxt > t.copiedSeq || t.shutdown&rcvShutdown != 0 || t.err != 0
}

// Draw lets what the other end has written come, whatever windows and Nagle's algorithm say, until n bytes can be read here. It
// reports whether as much was written, and anything had to come.
func (t *Tcp) Draw(n int64) bool {
	p := t.peer
	missing := t.copiedSeq + n - t.rcvNxt
	if p == nil || missing <= 0 || p.waiting() < missing {
		return false
	}
	t.rcvWnd = max(t.rcvWnd, t.rcvNxt+missing-t.rcvWup)
	p.lockSock()
	defer p.releaseSock()
	for s := p.writeQueue.first; missing > 0 && s != nil && s.len() > 0; s = p.writeQueue.first {
		if int64(s.len()) > missing {
			p.split(s, int(missing))
		}
		missing -= int64(s.len())
		p.sendFirst(s)
	}
	return missing <= 0
}

// waiting is how many bytes have not been sent.
func (t *Tcp) waiting() (n int64) {
	for s := t.writeQueue.first; s != nil; s = s.next {
		n += int64(s.len())
	}
	return n
}

// Overfill lets a send that do makes take all that it is given.
func (t *Tcp) Overfill(do func()) {
	sndbuf := t.sndbuf
	t.sndbuf, t.full = math.MaxInt32, false
	do()
	if t.sndbuf == math.MaxInt32 {
		t.sndbuf = sndbuf
	}
}

// paced is how much a connection carries before the kernel has a measure of how fast it does: what is sent then may take
// its time.
const paced = 1 << 16

// Conceal lets what can be read here be under way until Reveal. It reports whether that may be so on Linux: a lot has come before, and
// the end of the stream has not.
func (t *Tcp) Conceal() bool {
	if t.rcvNxt < paced || t.shutdown&rcvShutdown != 0 || t.rcvNxt <= t.copiedSeq || t.hidden {
		return false
	}
	t.hidden = true
	return true
}

// Reveal lets it come, or tells again that there is something to read: a part of it came only now. It reports whether there is.
func (t *Tcp) Reveal() bool {
	t.hidden = false
	if t.rcvNxt <= t.copiedSeq {
		return false
	}
	t.dataReadyAlways()
	return true
}

// Hidden reports whether Conceal was called, and not Reveal.
func (t *Tcp) Hidden() bool { return t.hidden }

// Fill lets t have no room to write until Relieve, and somebody want to know of it. It reports whether it had some.
func (t *Tcp) Fill() bool {
	had := !t.full && t.writable()
	t.full = true
	t.setNospace(true)
	return had
}

// Relieve makes room to write, and tells who waits for it. It reports whether there was none.
func (t *Tcp) Relieve() bool {
	was := t.full
	t.full = false
	if !t.writable() && t.state.in(inetEstablished, inetCloseWait) && t.options().notsentLowat == math.MaxUint32 {
		t.sndbuf, was = 2*t.wmemQueued, true
	}
	if was {
		t.writeSpace()
	}
	return was && t.writable()
}

// Crowded reports whether Fill was called, and not Relieve.
func (t *Tcp) Crowded() bool { return t.full }
