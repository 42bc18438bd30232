package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Several messages with one call: each is a part, made as sendto and recvfrom are.

func mmsgRows() []row {
	return []row{
		row{
			name: "sendmmsg", waits: true, parse: parseWith(parseMmsg), run: runMmsg(runSend),
			ready: func(x *exec, o *op) bool { return len(o.parts) == 0 || readyWrite(x, o.parts[0]) },
			help:  func(x *exec, o *op) bool { return len(o.parts) > 0 && helpWrite(x, o.parts[0]) },
		},
		row{
			name: "recvmmsg", waits: true, looks: true, parse: parseWith(parseMmsg), run: runMmsg(runRecv),
			ready: func(x *exec, o *op) bool { return len(o.parts) == 0 || readyRead(x, o.parts[0]) },
			help:  func(x *exec, o *op) bool { return len(o.parts) > 0 && helpRead(x, o.parts[0]) },
		},
	}
}

func parseMmsg(o *op, a *args) {
	o.fd, o.a[0], o.a[1] = a.int32(0), max(a.numOr(2, 1), 1), a.numOr(3, 0)&^abi.MSG_WAITFORONE
	flags, list := a.numOr(3, 0), a.tree(1)
	for i := range list.List {
		if int64(len(o.parts)) >= max(o.want.ret, 1) { // the rest was not reached
			break
		}
		p := *o
		p.parts, p.a[0] = nil, 0
		p.message(&list.List[i], flags)
		o.parts = append(o.parts, &p)
	}
	if o.want.failed() && len(o.parts) == 0 {
		p := *o
		p.a = [3]int64{1, flags &^ abi.MSG_WAITFORONE}
		o.parts = append(o.parts, &p)
	}
	a.ok = a.ok && (int64(len(o.parts)) >= o.want.ret || o.want.failed())
}

// first is the first message of a call with several, the call itself otherwise.
func (o *op) first() *op {
	if len(o.parts) > 0 {
		return o.parts[0]
	}
	return o
}

// message takes over one of the messages.
func (o *op) message(v *strace.Value, flags int64) {
	o.a[1] = flags &^ abi.MSG_WAITFORONE
	if n := v.Field("msg_len"); n != nil && !o.want.failed() {
		o.want.ret, _ = n.Number()
	}
	msg := v.Field("msg_hdr")
	if msg == nil {
		msg = v
	}
	if iov := msg.Field("msg_iov"); iov != nil {
		for i := range iov.List {
			if size := iov.List[i].Field("iov_len"); size != nil {
				n, _ := size.Number()
				o.a[0] += min(max(n, 0), maxBuffer-o.a[0])
			}
		}
	}
	if o.a[0] = max(o.a[0], o.want.ret); !o.row.looks {
		o.data = payloadOf(nil, o.want.ret)
	}
	if name := msg.Field("msg_name"); name != nil {
		if addr, ok := name.Sockaddr(); ok {
			o.addr = plain(&addr)
		}
	}
}

// runMmsg makes the parts one after the other; those behind the first come while there is something.
func runMmsg(one func(*exec, *op) outcome) func(*exec, *op) outcome {
	return func(x *exec, o *op) outcome {
		done := int64(0)
		for i, p := range o.parts {
			if i > 0 && o.row.looks && !readyRead(x, p) && !helpRead(x, p) {
				break
			}
			out := one(x, p)
			if out.failed() && i == 0 {
				return out
			}
			if out.failed() || out.ret != p.want.ret {
				break
			}
			done++
		}
		return outcome{ret: done}
	}
}
