package strace

import (
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// readSocklen reads [16] and [128 => 16].
func readSocklen(ty *typer, v *Value, i int) (any, bool) {
	if v.IsNull() {
		return nil, true
	}
	if v.Pointer() {
		return Pointer(v.Int), true
	}
	if v.Kind == ValueArray && len(v.List) == 1 && v.List[0].Kind == ValueChange {
		before, ok := v.List[0].List[0].Number()
		after, ok2 := v.List[0].List[1].Number()
		return &[2]int{int(before), int(after)}, ok && ok2
	}
	return readInt(ty, v, i)
}

func readSockaddr(_ *typer, v *Value, _ int) (any, bool) {
	addr, ok := sockaddrOf(v)
	return addr, ok
}

func sockaddrOf(v *Value) (abi.Sockaddr, bool) {
	if v.Kind != ValueStruct {
		return abi.Sockaddr{}, false
	}
	family, ok := v.number("sa_family")
	switch {
	case !ok:
		return abi.Sockaddr{}, false
	case family == abi.AF_UNIX:
		return unixAddrOf(v.Field("sun_path")), true
	case family == abi.AF_INET:
		return inetAddrOf(v, abi.AF_INET, "sin_port", "sin_addr", 2)
	case family == abi.AF_INET6:
		return inetAddrOf(v, abi.AF_INET6, "sin6_port", "sin6_addr", 3)
	}
	return abi.Sockaddr{Family: int(family)}, family == abi.AF_UNSPEC
}

func unixAddrOf(path *Value) abi.Sockaddr {
	switch {
	case path == nil || path.Text == "":
		return abi.UnixAddr("")
	case path.Text[0] == 0:
		return abi.UnixAddr("@" + path.Text[1:])
	}
	return abi.UnixAddr(path.Text)
}

// inetAddrOf reads htons(80) and inet_addr("127.0.0.1") or inet_pton(AF_INET6, "::1", …), which in some versions has the name of
// its field.
func inetAddrOf(v *Value, family int, portName, addrName string, place int) (abi.Sockaddr, bool) {
	port := v.at(portName, 1)
	addr := v.Field(addrName)
	if addr == nil && place < len(v.List) {
		addr = &v.List[place]
	}
	if port.Kind == ValueString && addr != nil && addr.Kind == ValueString { // -X raw: as the bytes of the network
		ip, ok := netip.AddrFromSlice([]byte(addr.Text))
		if !ok || len(port.Text) != 2 {
			return abi.Sockaddr{}, false
		}
		return abi.Sockaddr{Family: family, Inet: netip.AddrPortFrom(ip, uint16(port.Text[0])<<8|uint16(port.Text[1]))}, true
	}
	if port.Kind != ValueCall || len(port.List) != 1 || addr == nil || addr.Kind != ValueCall {
		return abi.Sockaddr{}, false
	}
	for i := range addr.List {
		if addr.List[i].Kind != ValueString {
			continue
		}
		ip, err := netip.ParseAddr(addr.List[i].Text)
		return abi.Sockaddr{Family: family, Inet: netip.AddrPortFrom(ip, uint16(port.List[0].Int))}, err == nil
	}
	return abi.Sockaddr{}, false
}

// readOptval reads the value of a socket option.
func readOptval(ty *typer, v *Value, i int) (any, bool) {
	switch v.Kind {
	case ValueString:
		return []byte(v.Text), true
	case ValueStruct:
		if on := v.Field("l_onoff"); on != nil {
			linger, full := v.number("l_linger")
			if !full {
				return int(on.Int), true
			}
			return [2]int{int(on.Int), int(linger)}, true
		}
		if pid := v.Field("pid"); pid != nil {
			return int(pid.Int), true
		}
		ts, ok := timeOf(v)
		return &ts, ok
	}
	return readInt(ty, v, i)
}

// maxMessage bounds the room of a message that is made for what a log shows of it.
const maxMessage = 1 << 20

// readMessage reads a struct msghdr: its buffers as one, of which Data has all the room.
func readMessage(ty *typer, v *Value, i int) (any, bool) {
	if v.Kind != ValueStruct {
		return nil, false
	}
	m := &kernel.Message{}
	if iov := v.Field("msg_iov"); iov != nil {
		data, size, cut := gather(iov)
		if cut {
			ty.Cut |= 1 << i
		}
		m.Data = append(data, make([]byte, max(0, min(size, maxMessage)-int64(len(data))))...)
	}
	if name := v.Field("msg_name"); name != nil {
		if addr, ok := sockaddrOf(name); ok {
			ty.Peer = &addr
		}
	}
	if control := v.Field("msg_control"); control != nil {
		for j := range control.List {
			m.Rights = append(m.Rights, rightsOf(&control.List[j])...)
		}
	}
	flags, _ := v.number("msg_flags")
	m.Flags = int(flags)
	return m, true
}

// rightsOf gives the descriptors of a struct cmsghdr; -1 is one that is not printed.
func rightsOf(v *Value) []int {
	kind, data := v.Field("cmsg_type"), v.Field("cmsg_data")
	if kind == nil || !kind.Is("SCM_RIGHTS") || data == nil {
		return nil
	}
	var fds []int
	for i := range data.List {
		if fd, ok := data.List[i].Number(); ok {
			fds = append(fds, int(fd))
		}
	}
	if size := v.Field("cmsg_len"); size != nil { // of a long list only the beginning is printed
		n, _ := size.Number()
		for len(fds) < min(int(n-16)/4, mostRights) {
			fds = append(fds, -1)
		}
	}
	return fds
}

// mostRights bounds what a cmsg_len makes us believe; no message carries more than 253 (SCM_MAX_FD).
const mostRights = 1 << 12
