package sim

import "slices"

// lockOrder is what lockdep is for: it remembers which lock was taken while which was held, and reports
// the first acquisition that closes a cycle, whether or not this run deadlocks. Locks of different classes
// are compared by class; locks of one class, which the kernel annotates as nested (the mutexes of epolls
// that watch each other), by instance, as long as their nesting lasts.
type lockOrder struct {
	classes   map[Class][]Class // held → taken inside
	instances map[ID][]ID
}

func newLockOrder() *lockOrder {
	return &lockOrder{classes: map[Class][]Class{}, instances: map[ID][]ID{}}
}

func (o *lockOrder) clear() {
	clear(o.classes)
	clear(o.instances)
}

// check records that t takes l with what it holds.
func (o *lockOrder) check(m *Machine, t *Task, l *lock) {
	for _, h := range t.held {
		if h.id.Class() != l.id.Class() {
			if !addEdge(o.classes, h.id.Class(), l.id.Class()) {
				m.Violation("lock order: %s takes %s while holding %s, elsewhere %s is taken inside %s",
					t, l.id, h.id, h.id.Class(), l.id.Class())
			}
			continue
		}
		if !addEdge(o.instances, h.id, l.id) {
			m.Violation("lock order: %s takes %s while holding %s, elsewhere %s was taken inside %s",
				t, l.id, h.id, h.id, l.id)
		}
	}
}

// ForgetNesting forgets in which order locks of one class were taken. The floor above calls it when the
// relation that orders them has changed: an epoll that was watched by another may watch it later.
func (m *Machine) ForgetNesting() {
	if m.order != nil {
		clear(m.order.instances)
	}
}

// addEdge adds from → to; false if there is a path to → from already.
func addEdge[K comparable](edges map[K][]K, from, to K) bool {
	if slices.Contains(edges[from], to) {
		return true
	}
	seen := map[K]bool{}
	var reaches func(K) bool
	reaches = func(k K) bool {
		if k == from {
			return true
		}
		if seen[k] {
			return false
		}
		seen[k] = true
		return slices.ContainsFunc(edges[k], reaches)
	}
	if reaches(to) {
		return false
	}
	edges[from] = append(edges[from], to)
	return true
}
