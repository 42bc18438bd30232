package devices

import "github.com/epollsim/epollsim/abi"

// erase takes back the last character, word, or all of the line that is being typed: eraser.
func (t *Tty) erase(c byte) {
	if t.readHead == t.canonHead {
		return
	}
	word := false
	switch {
	case t.is(c, abi.VERASE):
	case t.is(c, abi.VWERASE):
		word = true
	case !t.lflag(abi.ECHO):
		t.readHead = t.canonHead
		return
	case !t.lflag(abi.ECHOK) || !t.lflag(abi.ECHOKE) || !t.lflag(abi.ECHOE):
		t.readHead = t.canonHead
		t.echo(t.termios.Cc[abi.VKILL])
		if t.lflag(abi.ECHOK) {
			t.echoRaw('\n')
		}
		return
	}
	one, inWord := t.is(c, abi.VERASE), false
	for (t.readHead-t.canonHead)&(inputSize-1) != 0 {
		head := t.readHead - 1
		for t.continues(*t.at(head)) && (head-t.canonHead)&(inputSize-1) != 0 {
			head--
		}
		last := *t.at(head)
		if t.continues(last) {
			break
		}
		if word {
			if isAlnum(last) || last == '_' {
				inWord = true
			} else if inWord {
				break
			}
		}
		t.readHead = head
		if t.lflag(abi.ECHO) {
			t.echoErased(last, one)
		}
		if one {
			break
		}
	}
}

// echoErased takes c back from the screen.
func (t *Tty) echoErased(c byte, one bool) {
	switch {
	case one && !t.lflag(abi.ECHOE):
		t.echo(t.termios.Cc[abi.VERASE])
	case c == '\t':
		// Go back over the tab: to where the characters before it end, counted from the last tab or the start.
		columns, afterTab := 0, false
		for i := t.readHead; (i-t.canonHead)&(inputSize-1) != 0; {
			i--
			c := *t.at(i)
			if c == '\t' {
				afterTab = true
				break
			}
			switch {
			case isControl(c):
				if t.lflag(abi.ECHOCTL) {
					columns += 2
				}
			case !t.continues(c):
				columns++
			}
		}
		t.echoEraseTab(columns, afterTab)
	default:
		if isControl(c) && t.lflag(abi.ECHOCTL) {
			t.echoBackspace()
		}
		if !isControl(c) || t.lflag(abi.ECHOCTL) {
			t.echoBackspace()
		}
	}
}

// continues is whether c is in the middle of a character, with IUTF8.
func (t *Tty) continues(c byte) bool { return t.iflag(abi.IUTF8) && c&0xc0 == 0x80 }

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

// isAlnum knows the letters of Latin-1, as the kernel does.
func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}
