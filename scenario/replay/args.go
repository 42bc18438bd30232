package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// args gives a row the arguments of a call that is complete. A call that the model has is in its types; of the others the tree
// of values is what there is.
type args struct {
	*strace.Typed
	ok bool
}

// parseWith wraps what reads arguments by position.
func parseWith(read func(o *op, a *args)) func(*op, *strace.Typed) bool {
	return func(o *op, t *strace.Typed) bool {
		a := &args{Typed: t, ok: true}
		read(o, a)
		return a.ok
	}
}

// at is an argument, Unseen where there is none.
func (a *args) at(i int) any {
	if i < len(a.Args) {
		return a.Args[i]
	}
	return strace.Unseen{}
}

// tree is an argument that the model has no type for.
func (a *args) tree(i int) *strace.Value {
	if v, ok := a.at(i).(*strace.Value); ok {
		return v
	}
	return &strace.Value{}
}

// num is a number; without one the call is not replayed.
func (a *args) num(i int) int64 {
	n, ok := a.Number(i)
	a.ok = a.ok && ok
	return n
}

func (a *args) int32(i int) int { return int(int32(a.num(i))) }

// numOr is a number, or another one if there is none.
func (a *args) numOr(i int, otherwise int64) int64 {
	if n, ok := a.Number(i); ok {
		return n
	}
	return otherwise
}

// null reports whether a program passed NULL.
func (a *args) null(i int) bool {
	v, ok := a.at(i).(*strace.Value)
	return a.at(i) == nil || ok && v.IsNull()
}

// text is a path, "" where there is none.
func (a *args) text(i int) string {
	s, ok := a.at(i).(string)
	if !ok {
		s = a.tree(i).Text
	}
	return s
}

// data is a buffer: as many bytes as the call wrote.
func (a *args) data(i int, size int64) (data payload, whole bool) {
	shown, _ := a.at(i).([]byte)
	data = payloadOf(shown, size)
	return data, int64(len(data.shown)) == size
}

// pair reads two new numbers. Where the log was told to show no elements of arrays, they are the model's to say.
func (a *args) pair(o *op, i int) {
	switch fds := a.at(i).(type) {
	case *[2]int:
		o.want.fds = fds[:]
	case *strace.Value:
		a.ok = a.ok && (fds.Cut || o.want.failed())
	default:
		a.ok = a.ok && o.want.failed()
	}
}

// sigs is a set of signals, nil for NULL and what cannot be read.
func (a *args) sigs(i int) *abi.SigSet {
	set, _ := a.at(i).(*abi.SigSet)
	return set
}

// masked takes over the set of signals of a wait. strace has none of a call that failed, just its address.
func (a *args) masked(o *op, i int) {
	o.sigs = a.sigs(i)
	o.masked = o.sigs == nil && i < len(a.Args) && !a.null(i)
}

// addr is an address of a family that the model may know, nil for others.
func (a *args) addr(i int) *abi.Sockaddr {
	addr, ok := a.at(i).(abi.Sockaddr)
	if !ok {
		return nil
	}
	return plain(&addr)
}

// plain is an address as the model gives it out.
func plain(addr *abi.Sockaddr) *abi.Sockaddr {
	if anyInet(addr) {
		a := abi.InetAddr(addr.Inet)
		return &a
	}
	return addr
}

// millis is a timeout in milliseconds, rounded up; -1 for NULL.
func (a *args) millis(i int) int64 {
	var ts abi.Timespec
	switch t := a.at(i).(type) {
	case *abi.Timespec:
		if t == nil {
			return -1
		}
		ts = *t
	case *abi.Timeval:
		ts = t.Timespec()
	default:
		return -1
	}
	return ts.Sec*1000 + (ts.Nsec+999_999)/1_000_000
}

// timeout takes that of a select or ppoll.
func (a *args) timeout(o *op, i int) {
	o.a[0] = a.millis(i)
	switch t := a.at(i).(type) {
	case *abi.Timespec:
		if t != nil && (t.Sec < 0 || t.Nsec < 0 || t.Nsec > 999_999_999) {
			o.odd = t
		}
	case *abi.Timeval:
		if t.Sec < 0 || t.Usec < 0 {
			o.odd = t
		}
	}
	if o.odd != nil {
		o.a[0] = max(o.a[0], 0)
	}
}
