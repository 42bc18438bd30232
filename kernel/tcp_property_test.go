package kernel_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// byteStream is one direction of a connection as a program thinks of it: what was sent comes in order, once, and then the
// end. Of a byte that was sent urgently it is one less, and reads stop there.
type byteStream struct {
	bytes  []byte // sent and not read
	sent   byte   // the next byte
	mark   int    // where the urgent byte was among bytes; -1: there is none, or it was passed
	urgent byte
	taken  bool
	fin    bool
}

// tcpEnd is a socket with the stream that it reads and the one that it writes.
type tcpEnd struct {
	c       kernel.Calls
	fd, ep  int
	in, out *byteStream
	empty   bool // a read has said EAGAIN, and no event was taken since
}

// TestTcpIsTwoByteStreams: whatever two programs do with a connection – small and large writes and reads, peeks, one urgent
// byte, half-closes, waiting – each reads what the other has sent, in order, once, then the end; what poll says follows from
// what can be read and written; and after EAGAIN there is an edge when there is something again.
func TestTcpIsTwoByteStreams(t *testing.T) {
	step := rapid.Custom(func(rt *rapid.T) tcpStep {
		return tcpStep{
			what:  rapid.SampledFrom([]string{"send", "recv", "recv", "peek", "urgent", "take", "shut", "sleep", "nodelay"}).Draw(rt, "what"),
			end:   rapid.IntRange(0, 1).Draw(rt, "end"),
			n:     rapid.SampledFrom([]int{1, 2, 100, 1000, 5000, 70000, 300000}).Draw(rt, "n"),
			flags: rapid.SampledFrom([]int{0, 0, abi.MSG_MORE, abi.MSG_EOR}).Draw(rt, "flags"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		ipv6, sndbuf := rapid.Bool().Draw(rt, "ipv6"), rapid.SampledFrom([]int{0, 1, 30000}).Draw(rt, "sndbuf")
		steps := rapid.SliceOfN(step, 0, 60).Draw(rt, "steps")
		err := kernel.Boot(kernel.Options{}).Run(func(c kernel.Calls) { runStreams(c, ipv6, sndbuf, steps) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

// tcpStep is what one end does.
type tcpStep struct {
	what          string
	end, n, flags int
}

// inTask ends a task whose check fails, and with it the run.
type inTask struct{}

func (inTask) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (inTask) FailNow()                          {}

var rt inTask

func runStreams(c kernel.Calls, ipv6 bool, sndbuf int, steps []tcpStep) {
	family, addr := abi.AF_INET, "127.0.0.1:0"
	if ipv6 {
		family, addr = abi.AF_INET6, "[::1]:0"
	}
	fds := connected(c, family, addr)
	must(0, c.Close(fds[2]))
	there, back := &byteStream{mark: -1}, &byteStream{mark: -1}
	ends := [2]*tcpEnd{{c: c, fd: fds[0], in: back, out: there}, {c: c, fd: fds[1], in: there, out: back}}
	for _, e := range ends {
		flags := must(c.Fcntl(e.fd, abi.F_GETFL, 0))
		must(c.Fcntl(e.fd, abi.F_SETFL, flags|abi.O_NONBLOCK))
		e.ep = must(c.EpollCreate1(0))
		must(0, c.EpollCtl(e.ep, abi.EPOLL_CTL_ADD, e.fd, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLET}))
		if sndbuf > 0 {
			must(0, c.Setsockopt(e.fd, abi.SOL_SOCKET, abi.SO_SNDBUF, kernel.SockOpt{A: sndbuf}))
		}
	}
	for _, s := range steps {
		ends[s.end].do(s)
		for _, e := range ends {
			e.check()
		}
	}
	for _, e := range ends {
		e.do(tcpStep{what: "shut"})
	}
	for range 500 {
		ended := true
		for _, e := range ends {
			ended = e.recv(1<<20, 0) && ended
			e.check()
		}
		if ended {
			return
		}
		must(0, c.Nanosleep(int64(300*time.Millisecond)))
	}
	rt.Errorf("not all has come: %d and %d bytes", len(there.bytes), len(back.bytes))
}

func (e *tcpEnd) do(s tcpStep) {
	switch s.what {
	case "send":
		e.send(s.n, s.flags)
	case "recv":
		e.recv(s.n, 0)
	case "peek":
		e.recv(s.n, abi.MSG_PEEK)
	case "urgent":
		e.sendUrgent()
	case "take":
		e.takeUrgent()
	case "shut":
		if err := e.c.Shutdown(e.fd, abi.SHUT_WR); err != nil {
			require.Equal(rt, abi.ENOTCONN, err) // both are
			require.True(rt, e.out.fin && e.in.fin)
		}
		e.out.fin = true
	case "sleep":
		must(0, e.c.Nanosleep(int64(300*time.Millisecond)))
	case "nodelay":
		must(0, e.c.Setsockopt(e.fd, abi.SOL_TCP, abi.TCP_NODELAY, kernel.SockOpt{A: s.n & 1}))
	}
}

func (e *tcpEnd) send(n, flags int) {
	p := make([]byte, n)
	for i := range p {
		p[i] = e.out.sent + byte(i)
	}
	writable := e.poll(abi.POLLOUT)&abi.POLLOUT != 0
	sent, err := e.c.Sendto(e.fd, p, flags|abi.MSG_NOSIGNAL, nil)
	if e.out.fin {
		require.Equal(rt, abi.EPIPE, err)
		return
	}
	if err != nil {
		require.Equal(rt, abi.EAGAIN, err)
		require.False(rt, writable, "poll said OUT")
		return
	}
	require.Positive(rt, sent)
	e.out.bytes = append(e.out.bytes, p[:sent]...)
	e.out.sent += byte(sent)
}

// sendUrgent sends one byte that is, the only one of its stream.
func (e *tcpEnd) sendUrgent() {
	if e.out.mark >= 0 || e.out.taken || e.out.fin {
		return
	}
	if n, err := e.c.Sendto(e.fd, []byte{e.out.sent}, abi.MSG_OOB|abi.MSG_NOSIGNAL, nil); err == nil {
		require.Equal(rt, 1, n)
		e.out.mark, e.out.urgent = len(e.out.bytes), e.out.sent
		e.out.sent++
	}
}

// takeUrgent receives it: it can be had as long as reads have not passed it, if it has come.
func (e *tcpEnd) takeUrgent() {
	var p [1]byte
	pri := e.poll(abi.POLLPRI)&abi.POLLPRI != 0
	n, err := e.c.Recvfrom(e.fd, p[:], abi.MSG_OOB, nil)
	require.Equal(rt, pri, err == nil && n == 1, "PRI %v, got %d, %v", pri, n, err)
	if err == nil && n == 1 {
		require.Equal(rt, e.in.urgent, p[0])
		require.False(rt, e.in.taken)
		e.in.taken = true
	}
}

// recv reads and compares; true: the end was there.
func (e *tcpEnd) recv(n, flags int) (end bool) {
	there := int(must(e.c.Ioctl(e.fd, abi.FIONREAD, 0)))
	p := make([]byte, n)
	got, err := e.c.Recvfrom(e.fd, p, flags, nil)
	if err != nil {
		require.Equal(rt, abi.EAGAIN, err)
		require.Zero(rt, there)
		e.drain()
		e.empty = true
		return false
	}
	if got == 0 {
		require.True(rt, e.in.fin, "an end that nobody sent")
		require.Empty(rt, e.in.bytes)
		return true
	}
	require.LessOrEqual(rt, got, len(e.in.bytes))
	require.Equal(rt, e.in.bytes[:got], p[:got])
	if at := e.in.mark; at > 0 {
		require.LessOrEqual(rt, got, at, "read beyond the mark")
	}
	if flags&abi.MSG_PEEK == 0 {
		e.in.bytes = e.in.bytes[got:]
		if e.in.mark >= 0 {
			e.passed(got)
		}
	}
	return false
}

// passed moves the mark: a read that began there has passed it.
func (e *tcpEnd) passed(n int) {
	if e.in.mark == 0 {
		e.in.mark, e.in.taken = -1, true
		return
	}
	e.in.mark -= n
}

func (e *tcpEnd) poll(events int16) int16 {
	fds := []abi.PollFd{{Fd: int32(e.fd), Events: events}}
	must(e.c.Poll(fds, 0))
	return fds[0].Revents
}

// drain takes the edges there are.
func (e *tcpEnd) drain() (all abi.Events) {
	events := make([]abi.EpollEvent, 1)
	if must(e.c.EpollWait(e.ep, events, 1, 0)) == 1 {
		all = events[0].Events
	}
	return all
}

// check compares what poll and the edges say with what there is.
func (e *tcpEnd) check() {
	there, mask := int(must(e.c.Ioctl(e.fd, abi.FIONREAD, 0))), e.poll(abi.POLLIN|abi.POLLOUT|abi.POLLRDHUP|abi.POLLPRI)
	require.LessOrEqual(rt, there, len(e.in.bytes), "more to read than was sent")
	if there > 0 || mask&abi.POLLRDHUP != 0 {
		require.NotZero(rt, mask&abi.POLLIN, "%d bytes, mask %#x", there, mask)
	}
	require.False(rt, mask&abi.POLLRDHUP != 0 && !e.in.fin, "RDHUP without a FIN")
	require.False(rt, mask&abi.POLLPRI != 0 && e.in.taken, "PRI of a byte that was taken")
	require.Equal(rt, mask&abi.POLLHUP != 0, mask&abi.POLLRDHUP != 0 && e.out.fin, "HUP is both ends: %#x", mask)
	if e.out.fin {
		require.NotZero(rt, mask&abi.POLLOUT)
	}
	if e.empty && there > 0 {
		require.NotZero(rt, e.drain()&abi.EPOLLIN, fmt.Sprint("no edge for ", there, " bytes"))
		e.empty = false
	}
}
