package devices

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// UnixState is a unix socket as plain data.
type UnixState struct {
	ID       string
	Kind     string // "SOCK_STREAM"
	State    string
	Name     string
	Peer     string
	Shutdown string // "", "RD", "WR", "RDWR"
	Err      string
	Outq     int
	Sndbuf   int
	Backlog  int
	Queue    []UnixMessage
	Wq       []string // who waits, in wake-up order
	PeerWait []string
}

// UnixMessage is one message of a queue as plain data.
type UnixMessage struct {
	From   string
	Unread int
	Cost   int
	Rights int // descriptors in flight
	Oob    bool
}

// State returns what u looks like now. It takes no lock: the machine stands still.
func (u *Unix) State() *UnixState {
	s := &UnixState{
		ID: u.id.String(), Kind: abi.Flags("SOCK", int64(u.kind)), State: u.state.String(), Name: u.addr,
		Shutdown: [...]string{"", "RD", "WR", "RDWR"}[u.shutdown],
		Outq:     int(u.outq), Sndbuf: int(u.sndbuf), Backlog: int(u.backlog), Wq: waiters(&u.wq),
	}
	if u.peer != nil {
		s.Peer = u.peer.id.String()
	}
	if u.err != 0 {
		s.Err = u.err.Name()
	}
	for m := u.queue.first; m != nil; m = m.next {
		s.Queue = append(s.Queue, UnixMessage{m.from.id.String(), m.left(), int(m.cost), len(m.fds), m == u.oob})
	}
	if u.peers != nil {
		s.PeerWait = waiters(&u.peers.wait)
	}
	return s
}

// Related gives the identities of u and of the socket that it is connected to; of a connection that nobody has accepted yet, that of the
// listener too. Like State, it takes no lock.
func (u *Unix) Related() []sim.ID {
	ids := []sim.ID{u.id}
	if u.peer == nil {
		return ids
	}
	if ids = append(ids, u.peer.id); u.peer.listener != nil {
		ids = append(ids, u.peer.listener.id)
	}
	return ids
}

// FileState is what a snapshot shows of u: of the fields that are empty at the beginning, those that are not.
func (u *Unix) FileState() vfs.FileState {
	s := u.State()
	show := vfs.FileState{Struct: "unix_sock", ID: s.ID, Fields: []vfs.FieldState{
		{Name: "type", Value: s.Kind},
		{Name: "sk_state", Value: s.State},
	}, Queues: []waitqueue.State{u.wq.State("wq")}}
	for _, f := range []vfs.FieldState{
		{Name: "addr", Value: s.Name}, {Name: "peer", Value: s.Peer}, {Name: "sk_shutdown", Value: s.Shutdown}, {Name: "sk_err", Value: s.Err},
	} {
		if f.Value != "" {
			show.Fields = append(show.Fields, f)
		}
	}
	show.Fields = append(show.Fields,
		vfs.FieldState{Name: "sk_wmem_alloc", Value: fmt.Sprintf("%d of %d", s.Outq, s.Sndbuf)},
		vfs.FieldState{Name: "sk_receive_queue", Value: u.queueText(s)},
	)
	if u.peers != nil {
		show.Queues = append(show.Queues, u.peers.wait.State("peer_wait"))
	}
	return show
}

// queueText is what waits to be received or, by a listener, to be accepted.
func (u *Unix) queueText(s *UnixState) string {
	if u.state == unixListen {
		return fmt.Sprintf("connections %d, backlog %d", len(s.Queue), s.Backlog)
	}
	bytes, rights := 0, 0
	for _, m := range s.Queue {
		bytes += m.Unread
		rights += m.Rights
	}
	text := fmt.Sprintf("bytes %d, messages %d", bytes, len(s.Queue))
	if rights > 0 {
		text += fmt.Sprintf(", descriptors in flight %d", rights)
	}
	return text
}

func (p *unixPeers) String() string { return "relay to " + p.u.id.String() }

// Check reports every broken invariant of the sockets. It may run between any two steps.
func (n *UnixNet) Check() error {
	if n.socks.Empty() {
		return nil
	}
	var all []error
	bad := func(u *Unix, format string, args ...any) {
		all = append(all, fmt.Errorf(u.id.String()+": "+format, args...))
	}
	if !n.socks.Check() {
		all = append(all, errors.New("unix: the list of sockets has a broken link"))
	}
	queued := map[*Unix]int32{}
	inflight := map[*Unix]int32{}
	for u := range n.socks.All() {
		u.check(bad)
		for s := u.queue.first; s != nil; s = s.next {
			queued[s.from] += s.cost
			if !s.from.link.Linked() {
				bad(s.from, "is freed, and messages of it are in the queue of %s", u.id)
			}
		}
		u.eachInflight(func(_ *vfs.File, to *Unix) { inflight[to]++ })
	}
	for u := range n.socks.All() {
		if u.outq < queued[u] || n.transit == 0 && u.outq != queued[u] {
			bad(u, "is charged %d, its messages in queues cost %d", u.outq, queued[u])
		}
		if u.inflight < inflight[u] || n.transit == 0 && u.inflight != inflight[u] {
			bad(u, "counts %d references in flight, queues hold %d", u.inflight, inflight[u])
		}
	}
	return errors.Join(all...)
}

func (u *Unix) check(bad func(u *Unix, format string, args ...any)) {
	n, oob := 0, u.oob == nil
	var prev *unixMessage
	for s := u.queue.first; s != nil; prev, s = s, s.next {
		n++
		oob = oob || s == u.oob
		switch {
		case s.prev != prev || !s.queued:
			bad(u, "message %d has a broken link", n)
			return
		case s.consumed > len(s.data):
			bad(u, "message %d has %d bytes, %d were read", n, len(s.data), s.consumed)
		}
	}
	if n != u.queue.len || u.queue.last != prev {
		bad(u, "queue of %d messages is counted as %d", n, u.queue.len)
	}
	if !oob && u.queue.lock.Owner() == nil {
		bad(u, "the out-of-band byte is not in the queue")
	}
	if !u.wq.Check() || u.peers != nil && !u.peers.wait.Check() {
		bad(u, "a queue has a broken link")
	}
	if u.refs < 0 || u.outq < 0 || u.inflight < 0 {
		bad(u, "references %d, charge %d, in flight %d", u.refs, u.outq, u.inflight)
	}
	if u.dead && u.wq.ActiveLocked() {
		bad(u, "released, but %v waits for it", waiters(&u.wq))
	}
	if u.state == unixEstablished && u.kind != abi.SOCK_DGRAM && u.peer == nil && u.lock.Owner() == nil {
		bad(u, "established without a peer")
	}
	if p := u.peers; p != nil && p.target != nil && !p.wake.Queued() && p.target.peers.wait.Lock.Owner() == nil {
		bad(u, "waits at %s and is not on its queue", p.target.id)
	}
}
