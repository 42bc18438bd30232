package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/waitqueue"
)

// How the kernel lays out a message, and hence what it costs. All is exact on x86-64 with pages of 4096 bytes.
const (
	skbSize       = 256     // struct sk_buff
	skbSharedInfo = 320     // struct skb_shared_info, behind the linear part
	skbMaxHead    = 3776    // SKB_MAX_HEAD(0): what fits beside it in a page
	skbMaxAlloc   = 16064   // SKB_MAX_ALLOC: … in four pages
	skbMaxPages   = 69632   // MAX_SKB_FRAGS pages
	streamPages   = 32768   // UNIX_SKB_FRAGS_SZ
	kmallocMax    = 4 << 20 // KMALLOC_MAX_SIZE
	minBlock      = 512
	maxFrags      = 17 // MAX_SKB_FRAGS
)

func pageAlign(n int) int { return (n + pageSize - 1) &^ (pageSize - 1) }

// skbBlock is the block that holds a linear part of n bytes.
func skbBlock(n int) int {
	size := minBlock
	for size < n+skbSharedInfo {
		size *= 2
	}
	return size
}

// skbCost is what a message with these parts is charged with: skb->truesize.
func skbCost(linear, pages int) int { return skbSize + skbBlock(linear) + pageAlign(pages) }

// streamPiece is how a stream of which n bytes are left to send is cut: the size of the next message, and how much of it
// lies in pages.
func (u *Unix) streamPiece(n int) (size, pages int) {
	u.m.Read(u.id, fieldSndbuf)
	size = min(n, int(u.sndbuf>>1)-64, skbMaxHead+streamPages)
	if size > skbMaxHead {
		pages = min(size, pageAlign(size-skbMaxHead))
	}
	return size, pages
}

// dgramPages is how much of a datagram of n bytes lies in pages.
func dgramPages(n int) int {
	if n <= skbMaxAlloc {
		return 0
	}
	return pageAlign(min(n-skbMaxAlloc, skbMaxPages))
}

// writable: not more than a quarter of the send buffer is in use. Models unix_writable.
func (u *Unix) writable(state unixState) bool {
	if state == unixListen {
		return false
	}
	u.m.Read(u.id, fieldWmem)
	outq := int64(u.outq)
	u.m.Read(u.id, fieldSndbuf)
	return (outq+1)*4 <= int64(u.sndbuf)
}

// alloc returns a message that is charged to u, sleeping while the send buffer is full. Models sock_alloc_send_pskb.
func (u *Unix) alloc(size, pages int, deadline int64) (*unixMessage, abi.Errno) {
	if errno := u.waitForRoom(deadline); errno != 0 {
		return nil, errno
	}
	linear := size - pages
	if skbBlock(linear) > kmallocMax {
		return nil, abi.ENOBUFS
	}
	s := u.charged(size, skbCost(linear, pages))
	s.linear = int32(linear)
	return s, 0
}

// allocSpliced is alloc for a message that takes pages of msg, up to n bytes of them: it costs what they hold besides.
// Models skb_splice_from_iter.
func (u *Unix) allocSpliced(msg *Msg, n int, deadline int64) (*unixMessage, abi.Errno) {
	if errno := u.waitForRoom(deadline); errno != 0 {
		return nil, errno
	}
	size := 0
	for _, page := range msg.Pages[:min(len(msg.Pages), maxFrags)] {
		size += int(page.n)
	}
	size = min(size, n)
	s := u.charged(size, skbCost(0, 0)+size)
	for left := size; left > 0; {
		page := msg.takePage(left)
		s.pages = append(s.pages, page)
		left -= int(page.n)
	}
	return s, 0
}

// waitForRoom sleeps while the send buffer is full.
func (u *Unix) waitForRoom(deadline int64) abi.Errno {
	for {
		if errno := u.takeErr(); errno != 0 {
			return errno
		}
		if u.readShutdown()&sendShutdown != 0 {
			return abi.EPIPE
		}
		u.m.Read(u.id, fieldWmem)
		outq := u.outq
		u.m.Read(u.id, fieldSndbuf)
		if outq < u.sndbuf {
			return 0
		}
		if !mayWait(u.m, deadline) {
			return abi.EAGAIN
		}
		if u.m.Current().SignalPending() {
			return interruptedWait(deadline)
		}
		u.waitForWmem(deadline)
	}
}

// charged makes a message for which u pays.
func (u *Unix) charged(size, cost int) *unixMessage {
	s := u.net.pool.get(size)
	s.from, s.cost = u, int32(cost)
	u.m.Write(u.id, fieldWmem)
	u.outq += s.cost
	u.net.transit++
	u.net.sys.Counters.Allocations++
	return s
}

// waitForWmem sleeps until messages of u were read. Who is woken finds the buffer at most a quarter full, because the
// wake-up comes no sooner. Models sock_wait_for_wmem.
func (u *Unix) waitForWmem(deadline int64) {
	t := u.m.Current()
	e := u.net.sleeper(0, waitqueue.AutoremoveWake)
	for mayWait(u.m, deadline) && !t.SignalPending() {
		prepareToWait(&u.wq, e)
		u.m.Read(u.id, fieldWmem)
		if u.outq+1 < u.sndbuf || u.readShutdown()&sendShutdown != 0 {
			break
		}
		u.m.Read(u.id, fieldErr)
		if u.err != 0 {
			break
		}
		t.ScheduleTimeout(deadline, "wmem", u.id)
	}
	u.net.endSleep(&u.wq, e)
}

// release ends a message: descriptions in flight lose a reference, then its sender gets the cost back, and is told if it
// may write again. While it is told one byte is still charged. Models consume_skb with unix_destruct_scm and sock_wfree.
func (n *UnixNet) release(s *unixMessage) {
	if len(s.fds) > 0 {
		putFds(n.detach(s))
	}
	from := s.from
	from.m.Write(from.id, fieldWmem)
	from.outq -= s.cost - 1
	from.writeSpace()
	from.m.Write(from.id, fieldWmem)
	from.outq--
	n.transit--
	n.pool.put(s)
	from.free()
}
