package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

func timerRows() []row {
	return []row{
		row{
			name: "timerfd_create", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = a.num(0), a.num(1) }),
			run:   func(x *exec, o *op) outcome { return outcomeOf(x.calls(o).TimerfdCreate(int(o.a[0]), int(o.a[1]))) },
		},
		row{
			name: "timerfd_settime",
			parse: parseWith(func(o *op, a *args) {
				o.fd, o.a[0] = a.int32(0), a.num(1)
				spec, ok := itimerspec(a.at(2))
				o.spec = spec
				if !ok {
					o.a[2] = 1
				}
			}),
			run: func(x *exec, o *op) outcome {
				spec := &o.spec
				if o.a[2] != 0 {
					spec = nil
				}
				if spec == nil {
					return o.want
				}
				return errOutcome(x.calls(o).TimerfdSettime(o.fd, int(o.a[0]), spec, nil))
			},
		},
		row{
			name:  "timerfd_gettime",
			parse: parseWith(func(o *op, a *args) { o.fd = a.int32(0) }),
			run: func(x *exec, o *op) outcome {
				if o.want.errno == abi.EFAULT {
					return o.want
				}
				return errOutcome(x.calls(o).TimerfdGettime(o.fd, &abi.Itimerspec{}))
			},
		},
	}
}

func itimerspec(v *strace.Value) (spec abi.Itimerspec, ok bool) {
	interval, value := v.Field("it_interval"), v.Field("it_value")
	if interval == nil || value == nil {
		return spec, false
	}
	var ok1, ok2 bool
	spec.Interval, ok1 = timespec(interval)
	spec.Value, ok2 = timespec(value)
	return spec, ok1 && ok2
}
