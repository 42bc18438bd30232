package strace

import "github.com/epollsim/epollsim/abi"

// cloneFlags are those that decide what a new task shares.
var cloneFlags = []struct {
	name string
	bit  int64
}{
	{"CLONE_THREAD", abi.CLONE_THREAD}, {"CLONE_FILES", abi.CLONE_FILES}, {"CLONE_VM", abi.CLONE_VM}, {"CLONE_PIDFD", abi.CLONE_PIDFD},
}

// Starts reports whether the call of this name starts a task.
func Starts(name string) bool {
	return name == "clone" || name == "clone3" || name == "fork" || name == "vfork"
}

// CloneFlags gives the flags of a call that starts a task, as far as they decide what that shares: CLONE_THREAD, CLONE_FILES,
// CLONE_VM and CLONE_PIDFD. Flags that nobody knows beside them do no harm, and a call whose end is missing has them too.
func (c *Call) CloneFlags() int64 {
	for i := range c.Args {
		v := &c.Args[i]
		if v.Kind == ValueChange {
			v = &v.List[0]
		}
		if f := v.Field("flags"); f != nil {
			v = f
		} else if v.Name != "flags" {
			continue
		}
		var flags int64
		for _, f := range cloneFlags {
			if v.Has(f.name) {
				flags |= f.bit
			}
		}
		return flags
	}
	return 0
}

// Pidfd gives the descriptor that a call with CLONE_PIDFD has made for the new task, -1 if it does not show one.
func (c *Call) Pidfd() int64 {
	if c.CloneFlags()&abi.CLONE_PIDFD == 0 {
		return -1
	}
	for i := range c.Args {
		v := &c.Args[i]
		if v.Kind == ValueChange && len(v.List) > 1 { // clone3: {…} => {pidfd=[14]}
			v = v.List[1].Field("pidfd")
		} else if v.Name != "parent_tid" { // clone: both are in one place
			continue
		}
		if v != nil && v.Kind == ValueArray && len(v.List) == 1 {
			if n, ok := v.List[0].Number(); ok {
				return n
			}
		}
	}
	return -1
}

// Pidfd is that of the call.
func (t *Typed) Pidfd() int64 { return t.call.Pidfd() }

// CloneFlags are those of the call.
func (t *Typed) CloneFlags() int64 { return t.call.CloneFlags() }
