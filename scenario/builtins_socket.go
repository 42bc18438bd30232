package scenario

import (
	"math"
	"net/netip"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

var socketRows = []row{
	{sig: "socket(domain, type, proto=0)", result: "fd", help: "open a socket; type may have SOCK_NONBLOCK, SOCK_CLOEXEC", fn: socket},
	{sig: "socketpair(domain=AF_UNIX, type=SOCK_STREAM, proto=0)", result: "(fd, fd)", help: "open two connected sockets", fn: socketpair},
	{sig: "bind(fd, addr)", result: "0", help: `give a socket a name: "name" in the run's private directory, "@name" is abstract; ("127.0.0.1", port), ("::1", port)`, fn: bind},
	{sig: "listen(fd, backlog=128)", result: "0", help: "take connections", fn: listen},
	{sig: "accept(fd)", result: "fd", help: "the oldest connection that waits", fn: accept},
	{sig: "accept4(fd, flags=0)", result: "fd", help: "accept; flags: SOCK_NONBLOCK, SOCK_CLOEXEC", fn: accept4},
	{sig: "connect(fd, addr)", result: "0", help: "connect to an address; None disconnects a datagram socket", fn: connect},
	{sig: "shutdown(fd, how)", result: "0", help: "shut one direction or both; how: SHUT_RD, SHUT_WR, SHUT_RDWR", fn: shutdown},
	{sig: "getsockname(fd)", result: "addr", help: `the name of a socket, "" if it has none`, fn: getsockname},
	{sig: "getpeername(fd)", result: "addr", help: "the name of the peer", fn: getpeername},
	{sig: "setsockopt(fd, level, opt, value)", result: "0",
		help: "set an option: an int, or a pair – (onoff, seconds) for SO_LINGER, (seconds, µs) for SO_RCVTIMEO", fn: setsockopt},
	{sig: "getsockopt(fd, level, opt)", result: "int", help: "an option, of a struct the first int", fn: getsockopt},
	{sig: "send(fd, data, flags=0)", result: "count", help: "send bytes; flags: MSG_*", fn: send},
	{sig: "recv(fd, n, flags=0)", result: "bytes", help: "receive up to n bytes; flags: MSG_*", fn: recv},
	{sig: "sendto(fd, data, addr, flags=0)", result: "count", help: "send to an address, or to the peer if it is None", fn: sendto},
	{sig: "recvfrom(fd, n, flags=0)", result: "(data, addr)", help: `receive, and from whom: "" if that has no name`, fn: recvfrom},
	{sig: "send_fds(fd, data, fds, flags=0)", result: "count", help: "send bytes and descriptors (SCM_RIGHTS)", fn: sendFds},
	{sig: "recv_fds(fd, n, flags=0)", result: "(data, fds)", help: "receive bytes and descriptors", fn: recvFds, lists: true},
}

func socket(c *call) (starlark.Value, error) {
	domain, typ, proto := c.cint(), c.flags(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Socket(domain, typ, proto))
}

func socketpair(c *call) (starlark.Value, error) {
	domain, typ, proto := c.cint(), c.flags(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.pair(c.calls.Socketpair(domain, typ, proto))
}

func bind(c *call) (starlark.Value, error) {
	fd, addr := c.cint(), c.address(false)
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Bind(fd, *addr))
}

func listen(c *call) (starlark.Value, error) {
	fd, backlog := c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Listen(fd, backlog))
}

func accept(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Accept(fd))
}

func accept4(c *call) (starlark.Value, error) {
	fd, flags := c.cint(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.Accept4(fd, flags))
}

func connect(c *call) (starlark.Value, error) {
	fd, addr := c.cint(), c.address(true)
	if c.err != nil {
		return nil, c.err
	}
	if addr == nil {
		addr = &abi.Sockaddr{Family: abi.AF_UNSPEC}
	}
	return c.zero(c.calls.Connect(fd, *addr))
}

func shutdown(c *call) (starlark.Value, error) {
	fd, how := c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Shutdown(fd, how))
}

func getsockname(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	addr, err := c.calls.Getsockname(fd)
	return c.result(addressValue(addr), err)
}

func getpeername(c *call) (starlark.Value, error) {
	fd := c.cint()
	if c.err != nil {
		return nil, c.err
	}
	addr, err := c.calls.Getpeername(fd)
	return c.result(addressValue(addr), err)
}

func setsockopt(c *call) (starlark.Value, error) {
	fd, level, name, value := c.cint(), c.cint(), c.cint(), c.option()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.Setsockopt(fd, level, name, value))
}

func getsockopt(c *call) (starlark.Value, error) {
	fd, level, name := c.cint(), c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	c.own = level == abi.SOL_SOCKET && name == abi.SO_PEERCRED // the number of a process
	return c.int(c.calls.Getsockopt(fd, level, name))
}

func send(c *call) (starlark.Value, error) {
	fd, buf, flags := c.cint(), c.buffer(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.Sendto(fd, buf, flags, nil)
	c.putBytes(buf)
	return c.int(n, err)
}

func sendto(c *call) (starlark.Value, error) {
	fd, buf, addr, flags := c.cint(), c.buffer(), c.address(true), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.Sendto(fd, buf, flags, addr)
	c.putBytes(buf)
	return c.int(n, err)
}

// room is a buffer to receive into. With MSG_TRUNC TCP counts bytes and stores none: they are zero.
func (c *call) room(size, flags int) []byte {
	buf := c.takeBytes(size)
	if flags&abi.MSG_TRUNC != 0 {
		clear(buf)
	}
	return buf
}

func recv(c *call) (starlark.Value, error) {
	fd, size, flags := c.cint(), c.size(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.room(size, flags)
	n, err := c.calls.Recvfrom(fd, buf, flags, nil)
	data := received(buf, n, err)
	c.putBytes(buf)
	return c.result(data, err)
}

func recvfrom(c *call) (starlark.Value, error) {
	fd, size, flags := c.cint(), c.size(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.room(size, flags)
	var addr abi.Sockaddr
	n, err := c.calls.Recvfrom(fd, buf, flags, &addr)
	data := received(buf, n, err)
	c.putBytes(buf)
	return c.result(starlark.Tuple{data, addressValue(addr)}, err)
}

func sendFds(c *call) (starlark.Value, error) {
	fd, buf, fds, flags := c.cint(), c.buffer(), c.fds(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	n, err := c.calls.SendFds(fd, buf, fds, flags)
	c.putBytes(buf)
	return c.int(n, err)
}

func recvFds(c *call) (starlark.Value, error) {
	fd, size, flags := c.cint(), c.size(), c.flags()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(size)
	n, fds, _, err := c.calls.RecvFds(fd, buf, flags)
	data := received(buf, n, err)
	c.putBytes(buf)
	var list []starlark.Value
	for _, fd := range fds {
		list = append(list, starlark.MakeInt(fd))
	}
	return c.result(starlark.Tuple{data, starlark.NewList(list)}, err)
}

// size takes how many bytes to receive.
func (c *call) size() int { return int(c.integer(0, mostBytes, "an int from 0 to 64 MiB")) }

// received is what n bytes in buf are to the program: with MSG_TRUNC n counts what did not fit too.
func received(buf []byte, n int, err error) starlark.Bytes {
	if err != nil {
		return ""
	}
	return starlark.Bytes(buf[:min(n, len(buf))])
}

// fds takes a list of descriptors.
func (c *call) fds() []int {
	const want = "a list of fds"
	items, none := c.list(want)
	if none {
		c.wrong("got None, want %s", want)
	}
	var fds []int
	for _, item := range items {
		fds = append(fds, int(int64(c.number(item, math.MinInt32, math.MaxInt32, "fds of 32 bits in the list"))))
	}
	return fds
}

// option takes an int or a pair.
func (c *call) option() kernel.SockOpt {
	v := c.next()
	const want = "an int of 32 bits, or a pair of ints"
	number := func(v starlark.Value) int { return int(int64(c.number(v, math.MinInt32, math.MaxInt32, want))) }
	pair, ok := v.(starlark.Sequence)
	if !ok {
		return kernel.SockOpt{A: number(v)}
	}
	if pair.Len() != 2 {
		c.wrong("got %s of %d, want %s", given(v), pair.Len(), want)
		return kernel.SockOpt{}
	}
	items := c.sequence(pair, want)
	return kernel.SockOpt{A: number(items[0]), B: number(items[1]), Pair: true}
}

// address takes a string, a pair of IP address and port, or None if that is allowed.
func (c *call) address(optional bool) *abi.Sockaddr {
	const want = `an address: "name", "@abstract", ("127.0.0.1", port) or ("::1", port)`
	switch v := c.next().(type) {
	case starlark.NoneType:
		if optional {
			return nil
		}
		c.wrong("got None, want %s", want)
	case starlark.String:
		addr := abi.UnixAddr(string(v))
		return &addr
	case starlark.Tuple:
		if len(v) == 2 {
			text, _ := starlark.AsString(v[0])
			if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
				addr := abi.InetAddr(netip.AddrPortFrom(ip, uint16(c.number(v[1], 0, math.MaxUint16, "a port"))))
				return &addr
			}
		}
		c.wrong("got %s, want %s", v.String(), want)
	default:
		c.wrong("got %s, want %s", given(v), want)
	}
	return nil
}

// addressValue is an address as the program sees it.
func addressValue(addr abi.Sockaddr) starlark.Value {
	if addr.Family == abi.AF_INET || addr.Family == abi.AF_INET6 {
		return starlark.Tuple{starlark.String(addr.Inet.Addr().String()), starlark.MakeInt(int(addr.Inet.Port()))}
	}
	return starlark.String(addr.Path)
}
