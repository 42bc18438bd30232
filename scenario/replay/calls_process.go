package replay

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
)

func processRows() []row {
	return []row{
		row{
			name: "clone",
			parse: func(o *op, t *strace.Typed) bool {
				o.a[0], o.a[1] = t.CloneFlags(), t.Pidfd()
				return o.want.ret > 0
			},
			run: runClone,
		},
		row{
			name: "execve",
			parse: parseWith(func(o *op, a *args) {
				o.text = a.text(0)
				a.ok = !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				x.execve(x.thread(o))
				return outcome{}
			},
		},
		row{
			name: "exit", ends: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = a.numOr(0, 0) }),
			run: func(x *exec, o *op) outcome {
				x.calls(o).Exit(int(o.a[0]))
				return outcome{}
			},
		},
		row{
			name: "exit_group", ends: true,
			parse: parseWith(func(o *op, a *args) { o.a[0] = a.numOr(0, 0) }),
			run: func(x *exec, o *op) outcome {
				x.calls(o).ExitGroup(int(o.a[0]))
				return outcome{}
			},
		},
		row{
			name: "wait4", looks: true,
			parse: parseWith(func(o *op, a *args) {
				o.a[0], o.a[1] = int64(a.int32(0)), a.numOr(2, 0)
				status, _ := a.at(1).(int)
				a.ok = a.ok && o.want.ret > 0 && !stopped(status)
			}),
			run: runWait4, ready: readyWait4, help: helpWait4,
		},
		row{
			name: "waitid", looks: true,
			parse: parseWith(func(o *op, a *args) {
				child, ok := a.at(2).(*kernel.ChildStatus)
				if a.ok = ok && !o.want.failed() && child.Pid > 0 && a.numOr(3, 0)&abi.WNOWAIT == 0; a.ok {
					o.a[2] = int64(child.Pid)
				}
			}),
			run: runWait4, ready: readyWait4, help: helpWait4,
		},
		row{
			name: "unshare",
			parse: parseWith(func(o *op, a *args) {
				a.ok = a.tree(0).Has("CLONE_FILES") && !o.want.failed()
			}),
			run: func(x *exec, o *op) outcome {
				x.unshare(x.thread(o).k)
				return outcome{}
			},
		},
		row{name: "prlimit64", parse: parseLimit(1, 2), run: runLimit},
		row{name: "setrlimit", parse: parseLimit(0, 1), run: runLimit},
		row{
			name: "pidfd_open", allocates: true,
			parse: parseWith(func(o *op, a *args) { o.a[0], o.a[1] = int64(a.int32(0)), a.num(1) }),
			run: func(x *exec, o *op) outcome {
				n, err := x.calls(o).PidfdOpen(int(o.a[0]), int(o.a[1]))
				if err != nil && errnoOf(err) == abi.ESRCH && !o.want.failed() {
					return x.installExternal(o, "pidfd:", abi.O_CLOEXEC, true)
				}
				return outcomeOf(n, err)
			},
		},
	}
}

// stopped reports whether a status of wait4 is of a child that lives on: WIFSTOPPED, WIFCONTINUED.
func stopped(status int) bool { return status&0xff == 0x7f || status == 0xffff }

// pidfd puts a descriptor of the child pid at the number that the log has for it.
func (x *exec) pidfd(parent *thread, pid, fd int) {
	got, err := parent.k.PidfdOpen(pid, 0)
	if err != nil || got == fd {
		return
	}
	_, _ = parent.k.Dup3(got, fd, abi.O_CLOEXEC)
	_ = parent.k.Close(got)
}

// runClone starts the thread or process that the log has under this number.
func runClone(x *exec, o *op) outcome {
	parent := x.thread(o)
	child := x.newThread(int(o.want.ret))
	x.k.NextPid(child.tid)
	loop := func(kernel.Calls) { x.loop(child) }
	var n int
	var err error
	if o.a[0]&abi.CLONE_THREAD != 0 {
		n, err = parent.k.Clone(child.name(), loop)
	} else {
		n, err = parent.k.Fork(child.name(), loop)
	}
	if err != nil {
		return outcomeOf(n, err)
	}
	child.k = x.k.Thread(n)
	x.takesDir(parent.k.Process().Pid(), child.k.Process().Pid())
	switch {
	case o.a[0]&abi.CLONE_THREAD != 0:
		if o.a[0]&abi.CLONE_FILES == 0 {
			x.unshare(child.k)
		}
	case o.a[0]&abi.CLONE_FILES != 0:
		child.k.ShareFiles(parent.k)
	default:
		x.copyTable(parent.k.Files(), child.k.Files())
	}
	if fd := int(o.a[1]); fd >= 0 && fd < 1<<20 && parent.k.Files().At(fd) == nil {
		x.pidfd(parent, n, fd)
	}
	if x.script != nil {
		x.script.cloned(parent, child)
	}
	return outcomeOf(n, nil)
}

func (o *op) child() int {
	if o.name == "waitid" {
		return int(o.a[2])
	}
	return int(o.want.ret)
}

func runWait4(x *exec, o *op) outcome {
	pid := o.child()
	if !x.hasChild(o, pid) && !x.allChildren(o) {
		x.tally.injected++
		return o.want
	}
	if o.row.name == "wait4" && o.a[0] > 0 {
		pid = int(o.a[0])
	}
	n, _, err := x.calls(o).Wait4(pid, abi.WNOHANG)
	if o.name == "waitid" {
		return errOutcome(err)
	}
	return outcomeOf(n, err)
}

// allChildren reports whether the log has the making of all children that o's process can have: it begins with a program, and
// shows what its threads and children do.
func (x *exec) allChildren(o *op) bool {
	return !x.log.attached && x.log.clones() && x.log.Stats.Form.Pids && len(x.newcomers) == 0
}

func readyWait4(x *exec, o *op) bool {
	t := x.k.Thread(o.child())
	return t == nil || t.Process().Zombie() || !x.hasChild(o, o.child())
}

func parseLimit(resource, limit int) func(*op, *strace.Typed) bool {
	return parseWith(func(o *op, a *args) {
		both, ok := a.at(limit).([2]uint64)
		if !ok || a.num(resource) != abi.RLIMIT_NOFILE || o.want.failed() || limit == 2 && a.num(0) != 0 {
			a.ok = false
			return
		}
		o.a[0] = int64(min(both[0], maxLimit))
	})
}

// maxLimit is as many descriptors as a process may have here: fs.nr_open.
const maxLimit = 1 << 20

func runLimit(x *exec, o *op) outcome {
	t := x.thread(o).k.Files()
	t.Limit = int(o.a[0])
	x.table(t).limited = true
	return outcome{}
}
