package devices

import (
	"errors"
	"fmt"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// UdpState is a UDP socket as plain data.
type UdpState struct {
	ID       string
	State    string
	Local    string
	Remote   string // "": not connected
	Shutdown string // "", "RD", "WR", "RDWR"
	Err      string
	Rmem     int   // sk_rmem_alloc
	Rcvbuf   int   // sk_rcvbuf
	Receive  []int // sizes of the datagrams that senders have put there
	Reader   []int // … of those that readers look at first
	Wq       []string
}

// State returns what u looks like now. It takes no lock: the machine stands still.
func (u *Udp) State() *UdpState {
	s := &UdpState{
		ID: u.id.String(), State: u.state.String(), Local: u.local.String(), Shutdown: [...]string{"", "RD", "WR", "RDWR"}[u.shutdown],
		Rmem: int(u.rmem), Rcvbuf: int(u.rcvbuf), Receive: u.receive.sizes(), Reader: u.reader.sizes(), Wq: waiters(&u.wq),
	}
	if u.remote.IsValid() {
		s.Remote = u.remote.String()
	}
	if u.err != 0 {
		s.Err = u.err.Name()
	}
	return s
}

func (q *udpQueue) sizes() []int {
	var all []int
	for d := q.first; d != nil; d = d.next {
		all = append(all, len(d.data))
	}
	return all
}

// FileState is what a snapshot shows of u.
func (u *Udp) FileState() vfs.FileState {
	s := u.State()
	return vfs.FileState{Struct: "udp_sock", ID: u.id.String(), Fields: []vfs.FieldState{
		{Name: "sk_state", Value: s.State},
		{Name: "local", Value: s.Local},
		{Name: "remote", Value: s.Remote},
		{Name: "sk_err", Value: s.Err},
		{Name: "sk_shutdown", Value: s.Shutdown},
		{Name: "sk_rmem_alloc", Value: fmt.Sprint(s.Rmem)},
		{Name: "queued", Value: fmt.Sprint(len(s.Receive) + len(s.Reader))},
	}, Queues: []waitqueue.State{u.wq.State("sk_wq")}}
}

// Traced is vfs.Traced.
func (u *Udp) Traced() (string, sim.ID) { return "udp_sock", u.id }

// Check reports every broken invariant of u. It may run between any two steps.
func (u *Udp) Check() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(u.id.String()+": "+format, args...)) }
	cost := u.deficit
	for _, q := range [...]*udpQueue{&u.receive, &u.reader} {
		var last *datagram
		for d := q.first; d != nil; d = d.next {
			cost += d.cost
			last = d
		}
		if last != q.last {
			bad("a queue has a broken end")
		}
	}
	if u.receive.lock.Owner() == nil && u.reader.lock.Owner() == nil && cost != u.rmem {
		bad("sk_rmem_alloc is %d, datagrams cost %d", u.rmem, cost)
	}
	if u.rmem < 0 || u.wmem < 0 || u.deficit < 0 {
		bad("rmem %d, wmem %d, deficit %d", u.rmem, u.wmem, u.deficit)
	}
	if !u.wq.Check() {
		bad("sk_wq has a broken link")
	}
	if u.dead && u.wq.ActiveLocked() {
		bad("released, but %v waits for it", waiters(&u.wq))
	}
	if (u.port != nil) != (u.local.Port() != 0) && !u.dead && u.lock.Owner() == nil {
		bad("has port %d, and the table says otherwise", u.local.Port())
	}
	return errors.Join(all...)
}
