package replay

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/kernel"
)

var socketSpellings = map[string]spelling{
	"socket": func(l *line) func() {
		call := fmt.Sprintf("socket(%s, %s", enumWord("AF", l.int(0)), flagWord("SOCK", l.int(1)))
		if l.int(2) != 0 {
			call += ", " + enumWord("IPPROTO", l.int(2))
		}
		kind := "sock"
		if l.int(1)&0xf == abi.SOCK_DGRAM {
			kind = "dgram"
		}
		return l.opens(kind, "%s)", call)
	},
	"socketpair": func(l *line) func() {
		call := fmt.Sprintf("socketpair(%s, %s", enumWord("AF", l.int(0)), flagWord("SOCK", l.int(1)))
		if l.int(2) != 0 {
			call += fmt.Sprintf(", %d", l.int(2))
		}
		return l.opensPair(3, "pair", "pair", call+")")
	},
	"bind": spellBind,
	"listen": func(l *line) func() {
		fd := l.int(0)
		call := fmt.Sprintf("listen(%s, %d)", l.fd(fd), l.int(1))
		return func() {
			l.is(fd, "listener")
			l.check(call)
		}
	},
	"connect": func(l *line) func() {
		fd, addr := l.int(0), l.c.Args[1].(abi.Sockaddr)
		call := fmt.Sprintf("connect(%s, %s)", l.fd(fd), addrText(addr))
		port := l.port(fd)
		return func() {
			l.is(fd, "client")
			port()
			l.check(call)
		}
	},
	"accept": func(l *line) func() { return l.opens("conn", "accept(%s)", l.fd(l.int(0))) },
	"accept4": func(l *line) func() {
		return l.opens("conn", "accept4(%s%s)", l.fd(l.int(0)), andFlags("ACCEPT4", l.int(3)))
	},
	"shutdown": func(l *line) func() {
		call := fmt.Sprintf("shutdown(%s, %s)", l.fd(l.int(0)), enumWord("SHUT", l.int(1)))
		return func() { l.check(call) }
	},
	"setsockopt": spellSetsockopt,
	"getsockopt": spellGetsockopt,
	"sendto":     spellSendto,
	"recvfrom":   func(l *line) func() { return l.reads(l.int(2), l.int(3)) },
	"sendmsg":    spellSendmsg,
	"recvmsg":    spellRecvmsg,
}

func spellBind(l *line) func() {
	addr, ok := l.c.Args[1].(abi.Sockaddr)
	if !ok {
		return nil
	}
	fd, f := l.fd(l.int(0)), l.files.At(l.int(0))
	return func() {
		if s := devices.SocketOf(f); l.c.Err == 0 && s != nil && anyInet(&addr) && devices.UdpOf(f) != nil {
			addr, _ = s.Sockname(f) // who sends to it knows the port from the log
		}
		l.check(fmt.Sprintf("bind(%s, %s)", fd, addrText(addr)))
	}
}

// waitLimitText is SO_RCVTIMEO and SO_SNDTIMEO in a scenario: long enough for a thread that brings something, and no longer.
const waitLimitText = "(0, 200000)"

func spellSetsockopt(l *line) func() {
	value := fmt.Sprint(l.c.Args[3])
	switch v := l.c.Args[3].(type) {
	case [2]int:
		value = fmt.Sprintf("(%d, %d)", v[0], v[1])
	case []byte:
		if value = waitLimitText; len(bytes.Trim(v, "\x00")) == 0 {
			value = "(0, 0)"
		}
	}
	level, name := l.int(1), l.int(2)
	call := fmt.Sprintf("setsockopt(%s, %s, %s, %s)", l.fd(l.int(0)), levelWord(level), optionWord(level, name), value)
	return func() {
		l.s.chosen = l.s.chosen || level == abi.SOL_SOCKET && name == abi.SO_REUSEPORT
		l.check(call)
	}
}

// spellGetsockopt tells of errors alone: of other options nothing comes.
func spellGetsockopt(l *line) func() {
	value, ok := l.c.Args[3].(*int)
	if !ok || l.int(1) != abi.SOL_SOCKET || l.int(2) != abi.SO_ERROR {
		return nil
	}
	fd := l.fd(l.int(0))
	return func() {
		call := fmt.Sprintf("getsockopt(%s, SOL_SOCKET, SO_ERROR)", fd)
		if l.c.Err == 0 {
			l.say("check(%s == %d)", call, *value)
		} else {
			l.check(call)
		}
	}
}

func spellSendto(l *line) func() {
	to, ok := l.c.Args[4].(abi.Sockaddr)
	if !ok {
		return l.writes(l.int(3) &^ abi.MSG_NOSIGNAL)
	}
	data, _ := l.c.Args[1].([]byte)
	call := fmt.Sprintf("sendto(%s, %s, %s%s)", l.fd(l.int(0)), dataText(data), addrText(to), andFlags("MSG", l.int(3)&^abi.MSG_NOSIGNAL))
	port := l.port(l.int(0))
	return func() {
		port()
		l.check(call)
	}
}

// port gives a UDP socket the port that the call has given it: who answers knows it from the log.
func (l *line) port(fd int) func() {
	f := l.files.At(fd)
	if f == nil || devices.UdpOf(f) == nil {
		return func() {}
	}
	s, text := devices.SocketOf(f), l.fd(fd)
	if at, errno := s.Sockname(f); errno != 0 || at.Inet.Port() != 0 {
		return func() {}
	}
	return func() {
		if at, errno := s.Sockname(f); errno == 0 && anyInet(&at) && at.Inet.Port() != 0 {
			l.say("bind(%s, %s)", text, addrText(at))
		}
	}
}

// spellSendmsg passes descriptors, unless the scenario has not all of them.
func spellSendmsg(l *line) func() {
	m, ok := l.c.Args[1].(*kernel.Message)
	if !ok {
		return nil
	}
	fd := l.fd(l.int(0))
	all := l.foreign
	var list []string
	for _, n := range m.Rights {
		list = append(list, l.fd(n))
	}
	flags := andFlags("MSG", l.int(2)&^abi.MSG_NOSIGNAL)
	call := fmt.Sprintf("send_fds(%s, %s, [%s]%s)", fd, dataText(m.Data), strings.Join(list, ", "), flags)
	if l.foreign && !all {
		l.foreign = false // the terminal stands for them, for bytes that come with descriptors are read alone
		call = fmt.Sprintf("send_fds(%s, %s, [0]%s)", fd, dataText(m.Data), flags)
	}
	return func() { l.check(call) }
}

func spellRecvmsg(l *line) func() {
	m, ok := l.c.Args[1].(*kernel.Message)
	if !ok {
		return nil
	}
	fd := l.fd(l.int(0))
	plain := l.receives(m)
	call := fmt.Sprintf("recv_fds(%s, %d%s)", fd, len(m.Data), andFlags("MSG", l.int(2)))
	return func() {
		for _, n := range m.Rights {
			if !l.s.has(l.files.At(n)) {
				plain()
				return
			}
		}
		if len(m.Rights) == 0 || l.c.Err != 0 {
			plain()
			return
		}
		l.say("data, passed = %s", call)
		l.say("check(len(data) == %d)", l.c.Ret)
		for i, n := range m.Rights {
			f := l.files.At(n)
			l.say("%s = passed[%d]", l.define(l.s.kinds[f.ID()], n, f), i)
		}
	}
}

// receives is recvmsg without descriptors.
func (l *line) receives(m *kernel.Message) func() {
	own := *l
	c := *l.c
	own.c, c.Name, c.Args = &c, "recvfrom", []any{l.c.Args[0], m.Data, len(m.Data), l.c.Args[2]}
	finish := own.reads(len(m.Data), l.int(2))
	return func() {
		c.Ret, c.Err = l.c.Ret, l.c.Err
		finish()
	}
}
