package devices

import (
	"math/bits"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// spliceRead puts what there is of a stream into p, or a datagram; it waits as a read does, and for a stream
// SPLICE_F_NONBLOCK says not to. Descriptors that come along are lost. Models unix_stream_splice_read and sock_splice_read.
func (u *Unix) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, flags int) (int, abi.Errno) {
	if u.kind != abi.SOCK_STREAM {
		return p.copySplice(n, func(b []byte) (int, abi.Errno) { return u.Read(f, b) })
	}
	enter(u.m, "unix_stream_splice_read")
	defer leave(u.m, "unix_stream_splice_read")
	msg := Msg{Pipe: p, Splice: n}
	if f.NonBlocking() || flags&abi.SPLICE_F_NONBLOCK != 0 {
		msg.Flags = abi.MSG_DONTWAIT
	}
	return u.recvStream(&msg)
}

// spliceMessage puts up to n bytes of s into p, a slot for each stretch of memory, as long as there are free ones. What lies
// beside the head of s is copied to the page that the task fills. Models skb_splice_bits.
func (u *Unix) spliceMessage(s *unixMessage, p *Pipe, n int) (done int) {
	n = min(n, s.left())
	start, at := s.consumed, 0
	add := func(size, base int) {
		from, to := max(at, start), min(at+size, start+n)
		if from < to && !p.isFull() {
			p.addSlot(spliced(s.data[from:to], base+from-at, 0))
			done += to - from
		}
		at += size
	}
	if linear := int(s.linear) - start; linear > 0 {
		at = start
		for linear = min(linear, n); linear > 0; {
			c, base := u.net.frags.take(u.m.Current(), linear)
			add(c, base)
			linear -= c
		}
	}
	at = int(s.linear)
	for _, page := range s.pages {
		add(int(page.n), int(page.base))
	}
	for at < len(s.data) {
		add(min(pageBlock(len(s.data)-at), len(s.data)-at), 0)
	}
	return done
}

// pageBlock is the block of pages that is taken first for n bytes: alloc_skb_with_frags.
func pageBlock(n int) int {
	return pageSize << min(bits.Len(uint(pageAlign(n)/pageSize))-1, 3)
}
