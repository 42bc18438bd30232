package sim

import (
	"runtime"
	"runtime/debug"
)

// main is what a coroutine runs for t.
func (t *Task) main() {
	m := t.m
	defer t.end()
	defer func() { m.recoverTask(t, recover()) }()
	t.started = true
	if m.err != nil {
		return
	}
	m.foot = m.foot[:0]
	t.fn(t)
	for i := len(t.ends) - 1; i >= 0; i-- {
		t.ends[i]()
	}
	m.touch(Access{ID: t.id, Field: fieldEnd, Write: true})
	m.step()
	if m.opts.Check && len(t.held) > 0 {
		m.Violation("%s ended holding %s", t, t.held[0].id)
	}
	if t.reading > 0 {
		m.Violation("%s ended in an RCU read section", t)
	}
}

// recoverTask ends the run if v, what a task of ours was recovered with, is a panic of its own. The stack
// must be taken here: by the time the coroutine has returned it is gone.
func (m *Machine) recoverTask(t *Task, v any) {
	if v == nil || v == (killed{}) || m.err != nil {
		return
	}
	if m.coasting != nil {
		m.halt(m.coasting)
		return
	}
	m.halt(&PanicError{Task: t.String(), Value: v, Stack: debug.Stack(), Steps: m.LastSteps(), Token: m.Token()})
}

func (t *Task) end() {
	m := t.m
	t.state = Dead
	t.co = nil
	m.dequeue(t)
	if t.taskLink.Linked() {
		t.taskLink.Unlink()
		if !t.irq {
			m.alive--
		}
	}
}

// killed unwinds the stack of a task whose run is over.
type killed struct{}

// maxKills is how often a task may recover from being killed before it is expelled.
const maxKills = 100

// die unwinds the running task. One that recovers and goes on is killed again at its next point; one that
// does so in a loop goes by runtime.Goexit, which cannot be recovered from. Goexit takes along whoever
// resumed the coroutine, hence the return to kill, which knows.
func (m *Machine) die() {
	t := m.cur
	if t.kills++; t.kills > maxKills && !t.inline {
		m.resuming, t.resumed = nil, false
		t.co.yield(struct{}{})
		runtime.Goexit()
	}
	panic(killed{})
}

// kill unwinds a task at teardown.
func (m *Machine) kill(t *Task) {
	m.resuming = nil
	for t.co != nil {
		m.cur = t
		if t.kills <= maxKills {
			t.co.next()
		} else {
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				t.co.next()
			}()
			<-gone
		}
	}
	m.cur = nil
	t.end()
}
