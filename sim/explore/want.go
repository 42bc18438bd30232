package explore

import "slices"

// wish is for choices at an event: all of tasks, or unless one of them is there already the first.
type wish struct {
	tasks []int32
	one   bool
}

// owns reports whether the choices at event i are made here, and not by who made this branch.
func (s *search) owns(i int32) bool { return int(i) >= s.base }

// want makes choices at event i, or notes for its owner that they should be.
func (s *search) want(i int32, w wish) {
	at := &s.events[i]
	if s.owns(i) {
		at.grant(w)
		return
	}
	for _, known := range at.wants {
		if known.one == w.one && slices.Equal(known.tasks, w.tasks) {
			return
		}
	}
	at.wants = append(at.wants, wish{slices.Clone(w.tasks), w.one})
}

func (e *event) grant(w wish) {
	if w.one {
		if !slices.ContainsFunc(w.tasks, e.has) {
			e.add(w.tasks[0])
		}
		return
	}
	for _, t := range w.tasks {
		e.add(t)
	}
}

func (e *event) add(task int32) {
	if task != e.task && !slices.Contains(e.todo, task) {
		e.todo = append(e.todo, task)
	}
}

// has reports whether task need not be added to the choices at e.
func (e *event) has(task int32) bool {
	if task == e.task || slices.Contains(e.todo, task) || e.asleep(task) {
		return true
	}
	for i := range e.done {
		if e.done[i].task == task {
			return true
		}
	}
	return false
}
