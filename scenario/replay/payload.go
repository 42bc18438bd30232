package replay

import "bytes"

// payload is what a call writes: the bytes that the log shows, and zeros behind them for those that it leaves out. They
// are not kept, so that a log of large writes takes no more memory than its text.
type payload struct {
	shown []byte
	size  int
}

// maxBuffer bounds what a call moves: MAX_RW_COUNT would be memory for nothing.
const maxBuffer = 64 << 20

// maxGaps bounds what is kept of each of several buffers, whose zeros may stand between bytes that are shown.
const maxGaps = 1 << 20

func payloadOf(shown []byte, size int64) payload {
	p := payload{size: int(min(max(size, 0), maxBuffer))}
	p.shown = shown[:min(len(shown), p.size)]
	return p
}

// grown is p with at least size bytes.
func (p payload) grown(size int64) payload { return payloadOf(p.shown, max(int64(p.size), size)) }

// joined is what several buffers hold, one after the other.
func joined(buffers [][]byte) payload {
	var p payload
	for _, b := range buffers {
		if shown := bytes.TrimRight(b[:min(len(b), maxGaps)], "\x00"); len(shown) > 0 && p.size <= maxGaps {
			gap := p.size - len(p.shown)
			p.shown = append(append(p.shown, make([]byte, gap)...), shown...)
		}
		p.size += len(b)
	}
	return p
}

// first are the first n bytes, as many as a kernel makes up itself.
func (p payload) first(n int64) []byte {
	b := make([]byte, min(max(n, 0), int64(p.size), maxGaps))
	copy(b, p.shown)
	return b
}

// bytes are the first n bytes of what o writes, for as long as its call takes.
func (x *exec) bytes(o *op, n int) (b []byte) {
	switch {
	case n == 0:
		return []byte{}
	case n <= len(o.data.shown):
		return o.data.shown[:n]
	case n > maxGaps: // no thread keeps so much
		b = make([]byte, n)
		copy(b, o.data.shown)
	default:
		b = x.buffer(o, n)
		clear(b[copy(b, o.data.shown):])
	}
	return b
}
