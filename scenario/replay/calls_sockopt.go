package replay

import (
	"encoding/binary"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

func sockoptRows() []row {
	return []row{
		row{name: "setsockopt", parse: parseWith(parseSockopt), run: runSetsockopt},
		row{name: "getsockopt", parse: parseWith(parseSockopt), run: runGetsockopt},
	}
}

func parseSockopt(o *op, a *args) {
	o.fd, o.a[0], o.a[1] = a.int32(0), a.num(1), a.num(2)
	switch v := a.at(3).(type) {
	case int:
		o.fds = []int{v}
	case [2]int: // struct linger
		o.fds = v[:]
	case []byte:
		a.ok = a.ok && (o.waitLimit(v) || o.want.failed())
	default:
		a.ok = a.ok && o.want.failed()
	}
}

// waitLimit takes the struct timeval of SO_RCVTIMEO or SO_SNDTIMEO, which strace shows as bytes. Of one that is cut off it is enough that there is a
// limit: time passes when the log shows that it has.
func (o *op) waitLimit(shown []byte) bool {
	if o.name != "setsockopt" || o.a[0] != abi.SOL_SOCKET || o.a[1] != abi.SO_RCVTIMEO && o.a[1] != abi.SO_SNDTIMEO {
		return false
	}
	o.fds = []int{1, 0}
	if len(shown) == 16 {
		for i := range o.fds {
			o.fds[i] = int(binary.LittleEndian.Uint64(shown[8*i:]))
		}
	}
	return true
}

// runSetsockopt sets what the model knows; options it does not know are taken to work as logged.
func runSetsockopt(x *exec, o *op) outcome {
	var v kernel.SockOpt
	if len(o.fds) > 0 {
		v.A = o.fds[0]
	}
	if len(o.fds) == 2 {
		v.B, v.Pair = o.fds[1], true
	}
	out := errOutcome(x.calls(o).Setsockopt(o.fd, int(o.a[0]), int(o.a[1]), v))
	if unknownOption(out.errno) {
		return o.want
	}
	return out
}

func unknownOption(errno abi.Errno) bool {
	return errno == abi.ENOPROTOOPT || errno == abi.EOPNOTSUPP || errno == abi.EINVAL || errno == abi.EPERM
}

func runGetsockopt(x *exec, o *op) outcome {
	n, err := x.calls(o).Getsockopt(o.fd, int(o.a[0]), int(o.a[1]))
	out := errOutcome(err)
	if unknownOption(out.errno) {
		return o.want
	}
	if err == nil && o.a[0] == abi.SOL_SOCKET && o.a[1] == abi.SO_ERROR && len(o.fds) == 1 && n != o.fds[0] {
		out.ret = -1000 - int64(n) // what it told is not what the log has
	}
	return out
}
