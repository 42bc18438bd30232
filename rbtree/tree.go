package rbtree

import "iter"

// Tree is an ordered set of items, each linked by a Node inside it. Make it with New; embed it by value and do not copy
// it once it holds items. It does not lock: its owner does.
//
// Models struct rb_root_cached (include/linux/rbtree_types.h, Linux 6.18).
type Tree[T any] struct {
	root     *Node[T]
	leftmost *Node[T] // first in order, so that First need not walk
	size     int
	cmp      func(a, b *T) int
}

// New returns an empty tree in the order of cmp, which is <0 if a sorts before b, >0 if after, 0 if they are equal. The
// order of two items must not change while they are in the tree.
//
// Models RB_ROOT_CACHED (include/linux/rbtree_types.h, Linux 6.18).
func New[T any](cmp func(a, b *T) int) Tree[T] {
	if cmp == nil {
		panic("rbtree: New needs an order, cmp is nil")
	}
	return Tree[T]{cmp: cmp}
}

// Find returns the item for which key is 0, nil if there is none. key is asked about items on one way down; it returns
// <0 if the wanted item sorts before item, >0 if after.
//
// Models rb_find (include/linux/rbtree.h, Linux 6.18).
func (t *Tree[T]) Find(key func(item *T) int) *T {
	for n := t.root; n != nil; {
		switch c := key(n.item); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n.item
		}
	}
	return nil
}

// First returns the first item in order, nil if the tree is empty. It takes constant time.
//
// Models rb_first_cached (include/linux/rbtree.h, Linux 6.18).
func (t *Tree[T]) First() *T { return itemOf(t.leftmost) }

// Last returns the last item in order, nil if the tree is empty.
//
// Models rb_last (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) Last() *T {
	if t.root == nil {
		return nil
	}
	return t.root.outermost(onRight).item
}

// Next returns the item after n's, nil if n is the last or in no tree.
//
// Models rb_next (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) Next(n *Node[T]) *T { return itemOf(n.neighbour(onRight)) }

// Prev returns the item before n's, nil if n is the first or in no tree.
//
// Models rb_prev (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) Prev(n *Node[T]) *T { return itemOf(n.neighbour(onLeft)) }

// Len returns the number of items. The kernel's trees do not count; who needs a number counts beside them.
func (t *Tree[T]) Len() int { return t.size }

// Root returns the topmost node, nil if the tree is empty. For drawing.
//
// Models rb_root.rb_node (include/linux/rbtree_types.h, Linux 6.18).
func (t *Tree[T]) Root() *Node[T] { return t.root }

// All yields the items in order. The loop's body may erase the item it was given, but not the one after it, and an item
// that it inserts right after the current one is passed over.
//
// Models the kernel's loop over rb_first_cached and rb_next, with the step taken before the body as in
// ep_clear_and_put (fs/eventpoll.c, Linux 6.18).
func (t *Tree[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for n := t.leftmost; n != nil; {
			if !n.Linked() {
				panic("rbtree: item after the current one was erased during All")
			}
			next := n.neighbour(onRight)
			if !yield(n.item) {
				return
			}
			n = next
		}
	}
}

// itemOf returns the item of n, nil for no node.
func itemOf[T any](n *Node[T]) *T {
	if n == nil {
		return nil
	}
	return n.item
}

// changeChild puts c, which may be nil, where old hangs: below parent, or at the root if parent is nil. The parent link
// of c is the caller's.
//
// Models __rb_change_child (include/linux/rbtree_augmented.h, Linux 6.18).
func (t *Tree[T]) changeChild(parent, old, c *Node[T]) {
	if parent == nil {
		t.root = c
		return
	}
	parent.setChild(parent.sideOf(old), c)
}

// rotate sinks n to side s, and its child on the other side rises into its place. The order stays; colours are the
// caller's.
//
//	   n                up
//	  ╱ ╲              ╱  ╲
//	 a   up    ──►    n    b        drawn for s = onLeft
//	    ╱  ╲         ╱ ╲
//	inner   b       a  inner
//
// Models what each case does inline, with __rb_rotate_set_parents (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) rotate(n *Node[T], s side) {
	up := n.child(!s)
	inner := up.child(s)
	n.setChild(!s, inner)
	if inner != nil {
		inner.parent = n
	}
	t.changeChild(n.parent, n, up)
	up.parent = n.parent
	up.setChild(s, n)
	n.parent = up
}
