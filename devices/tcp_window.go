package devices

import "math/bits"

// The receive window: how much the peer may send, from the memory that is free.

// tcpDefaultRatio: half of the memory is reckoned to be bytes, until segments say otherwise.
const tcpDefaultRatio = 128

// winFromSpace is how many bytes fit in a space of memory: tcp_win_from_space.
func (t *Tcp) winFromSpace(space int64) int64 { return space * int64(t.ratio) >> 8 }

// space is how many bytes fit now, fullSpace how many would with nothing unread: tcp_space, tcp_full_space.
func (t *Tcp) space() int64 {
	return t.winFromSpace(int64(t.rcvbuf) - int64(t.backlogLen) - int64(t.rmem))
}
func (t *Tcp) fullSpace() int64 { return t.winFromSpace(int64(t.rcvbuf)) }

// setRatio follows how much of s is bytes.
func (t *Tcp) setRatio(s *tcpSkb) {
	ratio := uint8(max(1, min(int64(s.len())<<8/int64(s.cost), 255)))
	if ratio != t.ratio {
		t.ratio = ratio
		t.clampWindow(t.fullSpace())
		t.rcvq.space = min(t.rcvq.space, t.windowClamp)
	}
}

// initialWindow sets the window that a SYN offers. Models tcp_select_initial_window.
func (t *Tcp) initialWindow(mss int64) {
	if o := t.options(); o.bufLock&rcvbufLock != 0 && (t.windowClamp == 0 || t.windowClamp > t.fullSpace()) {
		t.windowClamp = t.fullSpace()
	}
	clamp := t.windowClamp
	if clamp == 0 {
		clamp = 65535 << 14
	}
	space := min(t.fullSpace(), clamp)
	if space > mss {
		space -= space % mss
	}
	t.rcvWnd = space // though a SYN cannot say more than 65535
	most := min(max(space, tcpRmemMax), clamp)
	t.rcvWscale = uint8(min(max(bits.Len64(uint64(most))-1-15, 0), 14))
	t.windowClamp = min(65535<<t.rcvWscale, clamp)
	t.rcvSsthresh = t.rcvWnd
}

// initWindowClamp limits the window of a new connection to the buffer, less one segment if that has many. Models
// tcp_init_buffer_space.
func (t *Tcp) initWindowClamp() {
	most, mss := t.fullSpace(), t.advMss()
	t.windowClamp = min(t.windowClamp, most)
	if t.windowClamp > 2*mss && t.windowClamp+mss > most {
		t.windowClamp = max(2*mss, most-mss)
	}
	t.rcvSsthresh = min(t.rcvSsthresh, t.windowClamp)
}

// receiveWindow is what is left of the window that was offered last: tcp_receive_window.
func (t *Tcp) receiveWindow() int64 { return max(t.rcvWup+t.rcvWnd-t.rcvNxt, 0) }

// selectWindowSize is the window that could be offered now. It does not become small: rather none. Models
// __tcp_select_window.
func (t *Tcp) selectWindowSize() int64 {
	mss, free, allowed := int64(t.rcvMss), t.space(), t.fullSpace()
	full := min(t.windowClamp, allowed)
	if mss > full {
		if mss = full; mss <= 0 {
			return 0
		}
	}
	scale := int64(1) << t.rcvWscale
	if free < full>>1 {
		t.quick = 0
		free &^= scale - 1
		if free < allowed>>4 || free < mss {
			return 0
		}
	}
	free = min(free, t.rcvSsthresh)
	if t.rcvWscale > 0 {
		return (free + scale - 1) &^ (scale - 1)
	}
	window := t.rcvWnd
	if window <= free-mss || window > free {
		window = free - free%mss
	} else if mss == full && free > window+full>>1 {
		window = free
	}
	return window
}

// selectWindow is the window that a packet offers; what was offered is not taken back. Models tcp_select_window.
func (t *Tcp) selectWindow(syn bool) int64 {
	if syn {
		return min(t.rcvWnd, 65535)
	}
	now, size := t.receiveWindow(), t.selectWindowSize()
	scale := int64(1) << t.rcvWscale
	if size < now {
		size = (now + scale - 1) &^ (scale - 1)
	}
	t.rcvWnd, t.rcvWup = size, t.rcvNxt
	return min(size, 65535<<t.rcvWscale) &^ (scale - 1)
}

// growWindow lets the window grow when segments carry enough. Models tcp_grow_window.
func (t *Tcp) growWindow(s *tcpSkb) {
	room := min(t.windowClamp, t.space()) - t.rcvSsthresh
	if room <= 0 {
		return
	}
	t.rcvSsthresh += min(room, max(2*t.advMss(), 2*int64(s.len())))
	t.quick |= 1
}
