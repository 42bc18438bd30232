package devices

// A network that takes its time. What TCP sends over the loopback of the model is there at once, unless Nagle's algorithm or a
// window keeps it; on a real machine both depend on sizes of memory and on ticks that only its kernel knows. Who has a
// record of what happened there says it here.

// Hold keeps what t has to send from going out, until LetGo, the end of the stream, or the timer that sends it all the same.
// It reports whether that may have happened on Linux: something small was sent before, and Nagle's algorithm is on.
func (t *Tcp) Hold() bool {
	if t.nagle&nagleOff != 0 || t.sndSml <= 1 || !t.state.in(inetEstablished, inetCloseWait) {
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
