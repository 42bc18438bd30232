package scenario

import (
	"fmt"

	"go.starlark.net/starlark"
)

// task is the Starlark value of a thread that spawn has started. Two are equal if they are the same.
type task struct {
	name string
	tid  int
	proc *group // it belongs to
}

// process is the Starlark value of a process that fork has started.
type process struct {
	name string
	*group
}

var (
	_ starlark.Value = (*task)(nil)
	_ starlark.Value = (*process)(nil)
)

func (t *task) String() string    { return fmt.Sprintf("<task %s %d>", t.name, t.tid) }
func (p *process) String() string { return fmt.Sprintf("<process %s %d>", p.name, p.pid) }

// Type is "task".
func (t *task) Type() string { return "task" }

// Type is "process".
func (p *process) Type() string { return "process" }

// Freeze does nothing: there is nothing to change.
func (t *task) Freeze() {}

// Freeze does nothing: there is nothing to change.
func (p *process) Freeze() {}

// Truth is true.
func (t *task) Truth() starlark.Bool { return true }

// Truth is true.
func (p *process) Truth() starlark.Bool { return true }

// Hash lets a task be the key of a dict.
func (t *task) Hash() (uint32, error) { return uint32(t.tid), nil }

// Hash lets a process be the key of a dict.
func (p *process) Hash() (uint32, error) { return uint32(p.pid), nil }
