package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
)

// pairOptions are the options of every socket that are a struct and no int.
type pairOptions struct {
	rcvtimeo, sndtimeo int64 // ns, sim.Forever for none
	linger             [2]int
}

var defaultPairOptions = pairOptions{rcvtimeo: sim.Forever, sndtimeo: sim.Forever}

// setPair sets SO_LINGER, or one of the timeouts. Models those cases of sk_setsockopt.
func (o *pairOptions) setPair(name int, value OptionValue) abi.Errno {
	if !value.Pair {
		return abi.EINVAL
	}
	if name == abi.SO_LINGER {
		o.linger[0] = truth(value.A != 0)
		if value.A != 0 {
			o.linger[1] = value.B
		}
		return 0
	}
	ns, errno := socketTimeout(int64(value.A), int64(value.B))
	if errno != 0 {
		return errno
	}
	if name == abi.SO_RCVTIMEO {
		o.rcvtimeo = ns
	} else {
		o.sndtimeo = ns
	}
	return 0
}
