package replay

import (
	"net/netip"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
)

// messageRows are the calls that send and receive on sockets.
func messageRows() []row {
	return []row{
		row{name: "recvfrom", waits: true, looks: true, parse: parseWith(parseRecv), run: runRecv, ready: readyRead, help: helpRead},
		row{name: "sendto", waits: true, parse: parseWith(parseSend), run: runSend, ready: readySend, help: helpSend},
		row{name: "recvmsg", waits: true, looks: true, parse: parseWith(parseRecvmsg), run: runRecvmsg, ready: readyRecvmsg, help: helpRecvmsg},
		row{name: "sendmsg", waits: true, parse: parseWith(parseSendmsg), run: runSendmsg, ready: readySend, help: helpSend},
	}
}

func parseRecv(o *op, a *args) {
	o.fd, o.a[0], o.a[1], o.addr = a.int32(0), a.num(2), a.numOr(3, 0), a.addr(4)
}

func parseSend(o *op, a *args) {
	o.fd, o.a[0], o.a[1], o.addr = a.int32(0), a.num(2), a.numOr(3, 0), a.addr(4)
	o.data, o.whole = a.data(1, o.a[0])
}

func parseRecvmsg(o *op, a *args) {
	o.fd, o.a[1] = a.int32(0), a.numOr(2, 0)
	if m, ok := a.at(1).(*kernel.Message); ok {
		o.a[0], o.want.fds = int64(len(m.Data)), m.Rights
	}
	if a.Peer != nil {
		o.addr = plain(a.Peer)
	}
	o.a[0] = max(o.a[0], o.want.ret)
}

func parseSendmsg(o *op, a *args) {
	o.fd, o.a[1] = a.int32(0), a.numOr(2, 0)
	if m, ok := a.at(1).(*kernel.Message); ok {
		o.data, o.whole, o.fds = payload{m.Data, len(m.Data)}, a.Shown(1), m.Rights
	}
	if missing := o.want.ret - int64(o.data.size); !o.whole && missing > 0 && missing <= maxBuffer {
		o.data = o.data.grown(o.want.ret)
	}
	if a.Peer != nil {
		o.addr = plain(a.Peer)
	}
	o.a[0] = int64(o.data.size)
}

// recvSize is how much is asked for: of a stream that the network cuts, as much as came.
func (x *exec) recvSize(o *op) int {
	size := min(o.a[0], maxBuffer)
	if o.want.ret > 0 && x.stream(o, o.fd) {
		size = min(size, o.want.ret)
	}
	return int(size)
}

func runRecv(x *exec, o *op) outcome {
	buf := x.buffer(o, x.recvSize(o))
	var from *abi.Sockaddr
	if anyInet(o.addr) && !x.stream(o, o.fd) {
		from = &abi.Sockaddr{}
	}
	n, err := x.calls(o).Recvfrom(o.fd, buf, int(o.a[1]), from)
	if err == nil && from != nil && anyInet(from) && from.Inet.Port() != o.addr.Inet.Port() {
		x.ports[o.addr.Inet.Port()] = from.Inet.Port() // the kernel chose it
	}
	return outcomeOf(n, err)
}

// sendData is what is sent: of a stream that takes a part, that part.
func (x *exec) sendData(o *op) []byte {
	if o.want.ret > 0 && o.want.ret < int64(o.data.size) && x.stream(o, o.fd) {
		return x.bytes(o, int(o.want.ret))
	}
	return x.bytes(o, o.data.size)
}

// connects reports whether o connects: with MSG_FASTOPEN a send does.
func (o *op) connects() bool {
	return o.row.name == "connect" || o.row.sends() && o.row.isSocketCall() && o.a[1]&abi.MSG_FASTOPEN != 0 && anyInet(o.addr)
}

func readySend(x *exec, o *op) bool {
	if o.connects() {
		return readyConnect(x, o)
	}
	return readyWrite(x, o)
}

func helpSend(x *exec, o *op) bool { return o.connects() && helpConnect(x, o) || helpWrite(x, o) }

func runSend(x *exec, o *op) outcome {
	addr := o.addr
	if o.connects() {
		x.making = o
		defer func() { x.making = nil }()
	}
	if addr != nil {
		to := x.sendAddr(o)
		addr = &to
	}
	if x.full(o) {
		return o.want
	}
	return outcomeOf(x.calls(o).Sendto(o.fd, x.sendData(o), int(o.a[1]), addr))
}

// sendAddr is where a message of o goes, under the port that the model has for that of the log.
func (x *exec) sendAddr(o *op) abi.Sockaddr {
	to := x.remoteAddr(o)
	if port, ok := x.ports[to.Inet.Port()]; ok && anyInet(&to) && !o.connects() {
		to = abi.InetAddr(netip.AddrPortFrom(to.Inet.Addr(), port))
	}
	return to
}

func runRecvmsg(x *exec, o *op) outcome {
	if f := x.file(o, o.fd); f != nil && devices.UdpOf(f) != nil {
		return runRecv(x, o)
	}
	buf := x.buffer(o, x.recvSize(o))
	n, fds, _, err := x.calls(o).RecvFds(o.fd, buf, int(o.a[1]))
	out := outcomeOf(n, err)
	out.fds = fds
	return out
}

// readyRecvmsg needs the numbers of the log to be the next free ones, if descriptors come.
func readyRecvmsg(x *exec, o *op) bool {
	return readyRead(x, o) && (len(o.want.fds) == 0 || x.nextNumbers(o, o.want.fds) < 0)
}

func helpRecvmsg(x *exec, o *op) bool {
	if i := x.nextNumbers(o, o.want.fds); i >= 0 && readyRead(x, o) {
		start := 0
		if i > 0 {
			start = o.want.fds[i-1] + 1
		}
		return x.fillBelow(o, x.thread(o).k.Files().NextFree(start), o.want.fds[i])
	}
	return helpRead(x, o)
}

func runSendmsg(x *exec, o *op) outcome {
	if len(o.fds) == 0 {
		return runSend(x, o)
	}
	fds := x.standIns(o)
	out := outcomeOf(x.calls(o).SendFds(o.fd, x.sendData(o), fds, int(o.a[1])))
	for i, fd := range fds {
		if fd != o.fds[i] {
			x.pilot.CloseIn(x.thread(o).k.Files(), fd)
		}
	}
	return out
}

// standIns gives the descriptors that o passes, with files of which nothing is known for those whose numbers the log left out.
func (x *exec) standIns(o *op) []int {
	fds := slices.Clone(o.fds)
	for i, fd := range fds {
		if fd < 0 && !o.want.failed() {
			fds[i] = x.spareFd(o)
		}
	}
	return fds
}
