package list

import "iter"

// Node is a link inside an item of type T. The zero value is not linked.
type Node[T any] struct {
	prev, next *Node[T]
	owner      *T
}

// Linked reports whether n is on a list.
func (n *Node[T]) Linked() bool { return n.next != nil }

// Owner returns the item n was linked for, nil while it is on no list.
func (n *Node[T]) Owner() *T { return n.owner }

// Unlink takes n off its list; a node on no list stays as it is.
func (n *Node[T]) Unlink() {
	if n.next == nil {
		return
	}
	n.prev.next, n.next.prev = n.next, n.prev
	n.prev, n.next, n.owner = nil, nil, nil
}

// List is a list head. The zero value is an empty list.
type List[T any] struct{ root Node[T] }

// Empty reports whether nothing is on l.
func (l *List[T]) Empty() bool { return l.root.next == nil || l.root.next == &l.root }

func (l *List[T]) insert(n *Node[T], owner *T, prev *Node[T]) {
	if n.next != nil {
		panic("list: node is on a list already")
	}
	n.owner, n.prev, n.next = owner, prev, prev.next
	prev.next.prev = n
	prev.next = n
}

func (l *List[T]) init() *Node[T] {
	if l.root.next == nil {
		l.root.prev, l.root.next = &l.root, &l.root
	}
	return &l.root
}

// PushFront puts owner at the head of l by its node n, which must be on no list.
func (l *List[T]) PushFront(n *Node[T], owner *T) { l.insert(n, owner, l.init()) }

// PushBack puts owner at the tail of l by its node n, which must be on no list.
func (l *List[T]) PushBack(n *Node[T], owner *T) { l.insert(n, owner, l.init().prev) }

// InsertAfter puts owner behind the linked node at of the same list.
func (l *List[T]) InsertAfter(n *Node[T], owner *T, at *Node[T]) { l.insert(n, owner, at) }

// InsertBefore puts owner in front of the linked node at of the same list.
func (l *List[T]) InsertBefore(n *Node[T], owner *T, at *Node[T]) { l.insert(n, owner, at.prev) }

// Front returns the first item, nil if l is empty.
func (l *List[T]) Front() *T {
	if l.root.next == nil {
		return nil
	}
	return l.root.next.owner
}

// Next returns the item behind the linked node n, nil at the end.
func (l *List[T]) Next(n *Node[T]) *T { return n.next.owner }

// SpliceFront moves all of from, in order, to the front of l and leaves from empty.
func (l *List[T]) SpliceFront(from *List[T]) {
	if from.Empty() {
		return
	}
	root := l.init()
	first, last := from.root.next, from.root.prev
	first.prev, last.next = root, root.next
	root.next.prev = last
	root.next = first
	from.root.prev, from.root.next = &from.root, &from.root
}

// All yields the items from head to tail; the current one may be unlinked meanwhile.
func (l *List[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		if l.root.next == nil {
			return
		}
		for n := l.root.next; n != &l.root; {
			next := n.next
			if !yield(n.owner) {
				return
			}
			n = next
		}
	}
}

// Own reports whether every node of l is the one that node returns for its item: then no item is on l twice, nor on another
// list by that node.
func (l *List[T]) Own(node func(*T) *Node[T]) bool {
	if l.root.next == nil {
		return true
	}
	for n := l.root.next; n != &l.root; n = n.next {
		if node(n.owner) != n {
			return false
		}
	}
	return true
}

// Len counts the items, walking all of them.
func (l *List[T]) Len() int {
	n := 0
	for range l.All() {
		n++
	}
	return n
}

// Check walks l both ways and reports the first broken link.
func (l *List[T]) Check() bool {
	if l.root.next == nil {
		return l.root.prev == nil
	}
	for n := &l.root; ; {
		if n.next == nil || n.next.prev != n {
			return false
		}
		if n = n.next; n == &l.root {
			return true
		}
		if n.owner == nil {
			return false
		}
	}
}
