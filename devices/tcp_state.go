package devices

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// TcpState is a TCP socket as plain data.
type TcpState struct {
	ID            string
	State         string // sk_state
	Local, Remote string
	Shutdown      string // "", "RD", "WR", "RDWR"
	Err           string
	Unread        int // bytes, and a FIN that was not read counts
	Unsent        int
	Unacked       int // of those that were sent
	WmemQueued    int // sk_wmem_queued
	Sndbuf        int
	Rmem, Rcvbuf  int
	Urgent        string // "", "coming", "there", "taken"
	Nospace       bool   // somebody wants to know of room
	Accept        int    // connections that wait to be accepted
	Backlog       int
	Wq            []string
}

// State returns what t looks like now. It takes no lock: the machine stands still.
func (t *Tcp) State() *TcpState {
	s := &TcpState{
		ID: t.id.String(), State: t.state.String(), Local: t.local.String(), Shutdown: [...]string{"", "RD", "WR", "RDWR"}[t.shutdown],
		Unread: int(t.rcvNxt - t.copiedSeq), Unsent: int(t.writeSeq - t.sndNxt), Unacked: int(t.sndNxt - t.sndUna),
		WmemQueued: int(t.wmemQueued), Sndbuf: int(t.sndbuf), Rmem: int(t.rmem), Rcvbuf: int(t.rcvbuf), Nospace: t.nospace, Wq: waiters(&t.wq),
	}
	if t.remote.IsValid() {
		s.Remote = t.remote.String()
	}
	if t.err != 0 {
		s.Err = t.err.Name()
	}
	switch {
	case t.urgData&urgValid != 0:
		s.Urgent = "there"
	case t.urgData == urgNotYet:
		s.Urgent = "coming"
	case t.urgData == urgRead:
		s.Urgent = "taken"
	}
	if t.listener != nil {
		s.Accept, s.Backlog = int(t.listener.len), int(t.listener.backlog)
	}
	return s
}

// FileState is what a snapshot shows of t: of the fields that are empty at the beginning, those that are not.
func (t *Tcp) FileState() vfs.FileState {
	s := t.State()
	show := vfs.FileState{Struct: "tcp_sock", ID: s.ID, Queues: []waitqueue.State{t.wq.State("sk_wq")}}
	add := func(name, value string) {
		if value != "" {
			show.Fields = append(show.Fields, vfs.FieldState{Name: name, Value: value})
		}
	}
	add("sk_state", s.State)
	add("local", s.Local)
	add("remote", s.Remote)
	add("sk_shutdown", s.Shutdown)
	add("sk_err", s.Err)
	if t.state == inetListen {
		add("accept_queue", fmt.Sprintf("connections %d, backlog %d", s.Accept, s.Backlog))
		return show
	}
	add("sk_receive_queue", fmt.Sprintf("bytes %d", s.Unread))
	add("sk_write_queue", fmt.Sprintf("unsent %d, not acknowledged %d", s.Unsent, s.Unacked))
	add("sk_wmem_queued", fmt.Sprintf("%d of %d", s.WmemQueued, s.Sndbuf))
	add("urg_data", s.Urgent)
	if s.Nospace {
		add("flags", "SOCK_NOSPACE")
	}
	return show
}

// Traced is vfs.Traced.
func (t *Tcp) Traced() (string, sim.ID) { return "tcp_sock", t.id }

// checkTcp reports every broken invariant of the sockets of TCP. It may run between any two steps.
func (n *InetNet) checkTcp() error {
	var all []error
	if !n.socks.Check() {
		all = append(all, errors.New("tcp: the list of sockets has a broken link"))
	}
	for t := range n.socks.All() {
		all = append(all, t.check())
	}
	return errors.Join(all...)
}

// check looks at the queues of a socket that nobody is changing.
func (t *Tcp) check() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(t.id.String()+": "+format, args...)) }
	if !t.wq.Check() {
		bad("sk_wq has a broken link")
	}
	if t.dead && t.wq.ActiveLocked() {
		bad("released, but %v waits for it", waiters(&t.wq))
	}
	if t.lock.Owner() != nil || t.slock.Owner() != nil || t.owned {
		return errors.Join(all...)
	}
	rtx, cost := t.rtxQueue.sum()
	_, waiting := t.writeQueue.sum()
	if cost += waiting; cost != t.wmemQueued {
		bad("sk_wmem_queued is %d, segments cost %d", t.wmemQueued, cost)
	}
	if rtx != t.packets {
		bad("%d packets are under way, %d are counted", rtx, t.packets)
	}
	if _, cost := t.receiveQueue.sum(); cost != t.rmem {
		bad("sk_rmem_alloc is %d, segments cost %d", t.rmem, cost)
	}
	if t.state != inetClose && (t.sndUna > t.sndNxt || t.sndNxt > t.writeSeq) {
		bad("snd_una %d, snd_nxt %d, write_seq %d", t.sndUna, t.sndNxt, t.writeSeq)
	}
	if t.copiedSeq > t.rcvNxt {
		bad("copied_seq %d is behind rcv_nxt %d", t.copiedSeq, t.rcvNxt)
	}
	if t.backlog.first != nil {
		bad("packets are in the backlog, and nobody has the socket")
	}
	if t.state == inetEstablished && !t.hashed {
		bad("established, and no packet can find it")
	}
	if l := t.listener; l != nil && l.lock.Owner() == nil {
		waiting := int32(0)
		for c := l.first; c != nil; c = c.next {
			waiting++
		}
		if waiting != l.len {
			bad("%d connections wait, %d are counted", waiting, l.len)
		}
	}
	return errors.Join(all...)
}

// sum is how many packets the segments are, and what they cost.
func (q *tcpQueue) sum() (n, cost int32) {
	for s := q.first; s != nil; s = s.next {
		n += s.packets
		cost += s.cost
	}
	return n, cost
}
