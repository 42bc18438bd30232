package kernel

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// String shows the state in the shape of a structure dump: the epolls, the files, who runs and who waits, the
// locks.
func (s *Snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "state after step %d, at %d.%09d s\n", s.Step, s.Time/1e9, s.Time%1e9)
	for _, ep := range s.Epolls {
		b.WriteString(ep.String())
	}
	for _, f := range s.Files {
		b.WriteString(fileText(f))
	}
	for _, p := range s.Processes {
		for _, t := range p.Threads {
			b.WriteString(t.text(p.Pid))
		}
		if q := p.SignalfdWqh; len(q.Entries) > 0 {
			fmt.Fprintf(&b, "process %d: .signalfd_wqh = [%s]\n", p.Pid, entriesText(q))
		}
		if p.Zombie {
			fmt.Fprintf(&b, "process %d: zombie\n", p.Pid)
		}
	}
	for _, l := range s.Locks {
		b.WriteString(l.String())
	}
	return b.String()
}

func fileText(f vfs.FileState) string {
	var b strings.Builder
	fmt.Fprintf(&b, "struct %s %s {\n", f.Struct, f.ID)
	width := len("wait_pidfd") // most fit
	for _, field := range f.Fields {
		width = max(width, len(field.Name))
	}
	for _, field := range f.Fields {
		fmt.Fprintf(&b, "    .%-*s = %s,\n", width, field.Name, field.Value)
	}
	for _, q := range f.Queues {
		fmt.Fprintf(&b, "    .%-*s = [%s],\n", width, q.Name, entriesText(q))
	}
	b.WriteString("}\n")
	return b.String()
}

// entriesText is a wait queue, who is woken first comes first.
func entriesText(q waitqueue.State) string {
	names := make([]string, len(q.Entries))
	for i, e := range q.Entries {
		names[i] = e.String()
	}
	return strings.Join(names, ", ")
}

// text is a thread of process pid on one line.
func (t ThreadState) text(pid int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "process %d thread %d (%s): %s", pid, t.Tid, t.Name, t.State)
	if t.Call != "" {
		fmt.Fprintf(&b, ", in %s", t.Call)
	}
	if t.Waits != "" {
		fmt.Fprintf(&b, ", waits for %s", t.Waits)
	}
	if len(t.Holds) > 0 {
		fmt.Fprintf(&b, ", holds %s", strings.Join(t.Holds, ", "))
	}
	if t.Pending != 0 {
		fmt.Fprintf(&b, ", pending %s", t.Pending)
	}
	b.WriteByte('\n')
	return b.String()
}

// String is the lock with its owner and who waits for it, on one line.
func (l LockState) String() string {
	owner := "free"
	if l.Owner != "" {
		owner = "held by " + l.Owner
	}
	if len(l.Waiters) > 0 {
		owner += ", wanted by " + strings.Join(l.Waiters, ", ")
	}
	return fmt.Sprintf("lock %s: %s\n", l.ID, owner)
}
