package abi

import "net/netip"

// Sockaddr is a socket address of one of the families that the model knows, models struct sockaddr_storage. It can be
// compared.
type Sockaddr struct {
	Family int
	Path   string         // AF_UNIX: a path, "@name" for an abstract name, "" for none
	Inet   netip.AddrPort // AF_INET, AF_INET6
}

// UnixAddr is an address of AF_UNIX: a path, "@name" for an abstract name, "" for that of a socket without one.
func UnixAddr(path string) Sockaddr { return Sockaddr{Family: AF_UNIX, Path: path} }

// InetAddr is an address of AF_INET, or of AF_INET6 if addr has 16 bytes.
func InetAddr(addr netip.AddrPort) Sockaddr {
	if addr.Addr().Is4() {
		return Sockaddr{Family: AF_INET, Inet: addr}
	}
	return Sockaddr{Family: AF_INET6, Inet: addr}
}

// Sizes of addresses, as far as they are not those of their contents. See unix(7), ip(7).
const (
	SizeofSockaddrUn      = 110
	SizeofSockaddrIn      = 16
	SizeofSockaddrIn6     = 28
	SizeofSockaddrStorage = 128
	unixPathOffset        = 2 // of sun_path
)

// Len is the length that a C program passes: up to the end of the path, its NUL included. An abstract name has no NUL.
func (a Sockaddr) Len() int {
	switch {
	case a.Family == AF_INET:
		return SizeofSockaddrIn
	case a.Family == AF_INET6:
		return SizeofSockaddrIn6
	case a.Path == "" || a.Family != AF_UNIX:
		return unixPathOffset
	case a.Path[0] == '@':
		return unixPathOffset + len(a.Path)
	}
	return unixPathOffset + len(a.Path) + 1
}

// Abstract reports whether a is a name of AF_UNIX that is no path.
func (a Sockaddr) Abstract() bool { return a.Path != "" && a.Path[0] == '@' }
