package strace

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
)

// printSockaddr has abi.Sockaddr, or netip.AddrPort for AF_INET and AF_INET6, a string for AF_UNIX: a path, "@name" where it is abstract,
// "" where the socket has none.
func printSockaddr(w *Writer, s *scene, i int) bool {
	switch addr := s.args[i].(type) {
	case abi.Sockaddr:
		w.sockaddr(addr)
		return true
	case *abi.Sockaddr:
		if addr.Family == abi.AF_UNSPEC {
			w.pointer(addrMemory) // of a sender without a name
		} else {
			w.sockaddr(*addr)
		}
		return true
	case string:
		w.sockaddr(abi.UnixAddr(addr))
		return true
	case netip.AddrPort:
		w.sockaddr(abi.InetAddr(addr))
		return true
	}
	return false
}

func (w *Writer) sockaddr(a abi.Sockaddr) {
	switch {
	case a.Family == abi.AF_UNSPEC:
		w.print("{sa_family=AF_UNSPEC}")
	case a.Family != abi.AF_UNIX:
		w.inetAddr(a.Inet)
	case a.Path == "":
		w.print("{sa_family=AF_UNIX}")
	default:
		w.print("{sa_family=AF_UNIX, sun_path=")
		name := []byte(a.Path)
		if a.Abstract() {
			w.print("@")
			name = name[1:]
		}
		w.line = append(appendQuoted(w.line, name), '}')
	}
}

func (w *Writer) inetAddr(addr netip.AddrPort) {
	if addr.Addr().Is4() {
		w.print("{sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr(%q)}", addr.Port(), addr.Addr())
		return
	}
	w.print("{sa_family=AF_INET6, sin6_port=htons(%d), sin6_flowinfo=htonl(0), "+
		"inet_pton(AF_INET6, %q, &sin6_addr), sin6_scope_id=0}", addr.Port(), addr.Addr())
}

// printSocklen has the length that the kernel gives, or the pair of what the program asked for and that.
func printSocklen(w *Writer, s *scene, i int) bool {
	if isNil(s.args[i]) {
		w.print("NULL")
		return true
	}
	if pair, ok := value[[2]int](s.args[i]); ok && pair[0] != pair[1] && s.call.Err == 0 {
		w.print("[%d => %d]", pair[0], pair[1])
		return true
	} else if ok {
		w.print("[%d]", pair[0])
		return true
	}
	v, ok := integer(s.args[i])
	w.print("[%d]", v)
	return ok
}

func printOptval(w *Writer, s *scene, i int) bool {
	if linger, ok := value[[2]int](s.args[i]); ok {
		w.print("{l_onoff=%d, l_linger=%d}", linger[0], linger[1])
		return true
	}
	v, ok := integer(s.args[i])
	if s.params[i].atExit && (s.args[i] == absent{}) {
		v, ok = s.call.Ret, true
	}
	level, _ := integer(s.args[1])
	option, _ := integer(s.args[2])
	if s.params[i].atExit && level == abi.SOL_SOCKET {
		switch option {
		case abi.SO_LINGER: // as much as there is room for
			w.print("{l_onoff=%d}", v)
			return ok
		case abi.SO_PEERCRED:
			w.print("{pid=%d}", v)
			return ok
		}
	}
	if s.params[i].atExit && level == abi.SOL_SOCKET && option == abi.SO_ERROR && v != 0 {
		w.print("[%s]", abi.Errno(v).Name())
	} else {
		w.print("[%d]", v)
	}
	return ok
}
