package replay

import "github.com/epollsim/epollsim/abi"

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
				if spec, ok := a.at(2).(*abi.Itimerspec); ok {
					o.spec = *spec
				} else {
					o.a[2] = 1
				}
			}),
			run: func(x *exec, o *op) outcome {
				if o.a[2] != 0 {
					return o.want
				}
				return errOutcome(x.calls(o).TimerfdSettime(o.fd, int(o.a[0]), &o.spec, nil))
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
