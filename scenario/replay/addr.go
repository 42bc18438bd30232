package replay

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// Addresses. Ports that the kernel chose are those of the log; paths of sockets are names in the private directory of the
// run.

// bind gives a socket its address. What was at the path before the log began is taken away if the log has it that the bind
// worked.
func (x *exec) bind(o *op) outcome {
	addr := x.localAddr(o)
	out := errOutcome(x.calls(o).Bind(o.fd, addr))
	if out.errno == abi.EADDRINUSE && !o.want.failed() && addr.Family == abi.AF_UNIX && !addr.Abstract() {
		_ = x.calls(o).Unlink(addr.Path)
		x.inferred("somebody removed %s", o.addr.Path)
		out = errOutcome(x.calls(o).Bind(o.fd, addr))
	}
	if o.want.failed() && addr.Family == abi.AF_UNIX && !addr.Abstract() && pathErrno(o.want.errno) {
		return o.want
	}
	return out
}

// pathErrno reports whether an error comes from the file system.
func pathErrno(errno abi.Errno) bool {
	switch errno {
	case abi.ENOENT, abi.EACCES, abi.ENOTDIR, abi.EROFS, abi.EPERM, abi.ELOOP, abi.ENAMETOOLONG:
		return true
	}
	return false
}

// localAddr is what o binds to. A port that the kernel chose is the one that the log shows later.
func (x *exec) localAddr(o *op) abi.Sockaddr { return x.connectAddr(*o.addr) }

// connectAddr is an address of the log in the model.
func (x *exec) connectAddr(a abi.Sockaddr) abi.Sockaddr {
	if a.Family == abi.AF_UNIX && a.Path != "" && !a.Abstract() {
		return abi.UnixAddr(socketName(a.Path))
	}
	return a
}

// maxSocketName leaves room in sun_path.
const maxSocketName = 100

// socketName is the name in the private directory for a path of the log.
func socketName(path string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(path, "./"), "/", "%")
	if len(name) > maxSocketName {
		name = name[len(name)-maxSocketName:]
	}
	return name
}
