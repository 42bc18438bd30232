package devices

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// maxUnixPath is the size of sun_path.
const maxUnixPath = 108

// validUnixAddr models unix_validate_addr.
func validUnixAddr(a abi.Sockaddr) abi.Errno {
	if a.Family != abi.AF_UNIX || a.Path == "" || len(a.Path) > maxUnixPath {
		return abi.EINVAL
	}
	return 0
}

// find returns the socket of that name and kind, with a reference. Models unix_find_other.
func (n *UnixNet) find(addr abi.Sockaddr, kind uint8) (*Unix, abi.Errno) {
	n.table.Lock()
	defer n.table.Unlock()
	var u *Unix
	if addr.Abstract() {
		u = n.byName[unixName{kind, addr.Path}]
	} else if u = n.byPath[addr.Path]; u == nil && !n.names.Exists(addr.Path) {
		return nil, abi.ENOENT
	}
	switch {
	case u == nil:
		return nil, abi.ECONNREFUSED
	case u.kind != kind:
		return nil, abi.EPROTOTYPE
	}
	u.hold()
	return u, 0
}

// Bind gives u a name, once. To be given one by the kernel is not modelled. Models unix_bind.
func (u *Unix) Bind(_ *vfs.File, addr abi.Sockaddr) abi.Errno {
	if addr == abi.UnixAddr("") {
		return notModelled(u.m, "bind to a name that the kernel chooses")
	}
	if errno := validUnixAddr(addr); errno != 0 {
		return errno
	}
	// A path is made before the socket is looked at, and removed again if that has a name.
	if !addr.Abstract() {
		if u.net.names.Exists(addr.Path) {
			return abi.EADDRINUSE
		}
		if strings.Contains(addr.Path, "/") {
			return abi.ENOENT
		}
	}
	if u.bindlock == nil {
		u.bindlock = &sim.Mutex{}
		u.bindlock.Init(u.m, classUnixBindlock)
	}
	u.bindlock.Lock()
	defer u.bindlock.Unlock()
	if u.addr != "" {
		return abi.EINVAL
	}
	if !u.net.insert(u, addr) {
		return abi.EADDRINUSE
	}
	u.m.Write(u.id, fieldAddr)
	u.addr = addr.Path
	return 0
}

// insert puts u into the table under its name, unless another has that.
func (n *UnixNet) insert(u *Unix, addr abi.Sockaddr) bool {
	n.table.Lock()
	defer n.table.Unlock()
	if !addr.Abstract() {
		if n.names.Exists(addr.Path) {
			return false
		}
		if n.byPath == nil {
			n.byPath = map[string]*Unix{}
		}
		n.names.AddSocket(addr.Path)
		n.byPath[addr.Path] = u
		return true
	}
	name := unixName{u.kind, addr.Path}
	if n.byName[name] != nil {
		return false
	}
	if n.byName == nil {
		n.byName = map[unixName]*Unix{}
	}
	n.byName[name] = u
	return true
}

// unbind takes u out of the table; a path stays, and refuses. Models unix_remove_socket and unix_remove_bsd_socket.
func (u *Unix) unbind() {
	if u.addr == "" {
		return
	}
	n := u.net
	n.table.Lock()
	if name := (unixName{u.kind, u.addr}); n.byName[name] == u {
		delete(n.byName, name)
	}
	if n.byPath[u.addr] == u {
		delete(n.byPath, u.addr)
	}
	n.table.Unlock()
}

// Sockname returns the name of u. Models unix_getname.
func (u *Unix) Sockname(*vfs.File) (abi.Sockaddr, abi.Errno) { return u.name(), 0 }

// Peername returns the name of the peer, which may be closed. Models unix_getname.
func (u *Unix) Peername(*vfs.File) (abi.Sockaddr, abi.Errno) {
	peer := u.peerGet()
	if peer == nil {
		return abi.Sockaddr{}, abi.ENOTCONN
	}
	name := peer.name()
	peer.put()
	return name, 0
}

func (u *Unix) name() abi.Sockaddr {
	u.m.Read(u.id, fieldAddr)
	return abi.UnixAddr(u.addr)
}

// nameOnce notes who has sent what is received, the first with a name if there are several: unix_copy_addr.
func (msg *Msg) nameOnce(from *Unix) {
	if msg.Name == nil || !msg.Unnamed {
		return
	}
	if name := from.name(); name.Path != "" {
		*msg.Name, msg.Unnamed = name, false
	}
}
