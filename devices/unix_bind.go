package devices

import (
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
	var file *vfs.Inode
	if !addr.Abstract() {
		d, errno := n.names.Find(addr.Path)
		if errno != 0 {
			return nil, errno
		}
		file = d.Inode
	}
	n.table.Lock()
	defer n.table.Unlock()
	u := n.byInode[file]
	if addr.Abstract() {
		u = n.byName[unixName{kind, addr.Path}]
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
	if u.bindlock == nil {
		u.bindlock = &sim.Mutex{}
		u.bindlock.Init(u.m, classUnixBindlock)
	}
	if addr.Abstract() {
		return u.bindAbstract(addr.Path)
	}
	return u.bindPath(addr.Path)
}

// bindPath makes the path before it looks at the socket, and takes it away again if that has a name. Models
// unix_bind_bsd.
func (u *Unix) bindPath(path string) abi.Errno {
	d, errno := u.net.names.AddSocket(path)
	if errno == abi.EEXIST {
		return abi.EADDRINUSE
	}
	if errno != 0 {
		return errno
	}
	u.bindlock.Lock()
	defer u.bindlock.Unlock()
	if u.addr != "" {
		u.net.names.RemoveSocket(path, d)
		return abi.EINVAL
	}
	n := u.net
	n.table.Lock()
	if n.byInode == nil {
		n.byInode = map[*vfs.Inode]*Unix{}
	}
	n.byInode[d.Inode] = u
	u.dentry = d
	n.table.Unlock()
	u.m.Write(u.id, fieldAddr)
	u.addr = path
	return 0
}

// bindAbstract models unix_bind_abstract.
func (u *Unix) bindAbstract(path string) abi.Errno {
	u.bindlock.Lock()
	defer u.bindlock.Unlock()
	if u.addr != "" {
		return abi.EINVAL
	}
	n, name := u.net, unixName{u.kind, path}
	n.table.Lock()
	defer n.table.Unlock()
	if n.byName[name] != nil {
		return abi.EADDRINUSE
	}
	if n.byName == nil {
		n.byName = map[unixName]*Unix{}
	}
	n.byName[name] = u
	u.m.Write(u.id, fieldAddr)
	u.addr = path
	return 0
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
	if u.dentry != nil {
		delete(n.byInode, u.dentry.Inode)
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
