package rbtree

import (
	"errors"
	"fmt"
)

// Check walks the whole tree and reports all that is wrong with it, joined, each with the way from the root to the node;
// nil if nothing is. An item that is a fmt.Stringer is named too.
//
// It wants what lib/rbtree.c (Linux 6.18) relies on: a black root, no red node below a red one, black heights that
// agree, parent links that match the way down, items in strictly rising order, leftmost at the first, and a true Len.
// Where two black heights differ the lowest such node is reported, and the nodes above it are not compared.
func (t *Tree[T]) Check() error {
	if t.sound() {
		return nil
	}
	return t.faults()
}

func (t *Tree[T]) faults() error {
	c := checker[T]{tree: t, seen: make(map[*Node[T]]bool, t.size)}
	if t.root != nil {
		if t.root.red {
			c.report(t.root, "the root is red")
		}
		c.walk(t.root, nil)
	}

	if t.leftmost != c.first {
		c.errs = append(c.errs,
			fmt.Errorf("rbtree: leftmost is %s, not the first in order, %s", describe(t.leftmost), describe(c.first)))
	}
	if t.size != len(c.seen) {
		c.errs = append(c.errs, fmt.Errorf("rbtree: Len is %d, the walk met %d nodes", t.size, len(c.seen)))
	}
	return errors.Join(c.errs...)
}

// sound reports whether nothing is wrong, and builds up nothing to say so: trees are checked after every step of a run.
func (t *Tree[T]) sound() bool {
	if t.root == nil {
		return t.size == 0 && t.leftmost == nil
	}
	w := soundness[T]{tree: t}
	return !t.root.red && w.walk(t.root, nil) != unknown && w.met == t.size && t.leftmost == w.first
}

// soundness is one walk of sound.
type soundness[T any] struct {
	tree        *Tree[T]
	met         int // nodes; never more than the tree says it has, which ends a walk in a ring
	first, prev *Node[T]
}

// walk returns the black height of the subtree of n, unknown if anything in it is wrong.
func (w *soundness[T]) walk(n, parent *Node[T]) (blackHeight int) {
	if n == nil {
		return 0
	}
	if w.met == w.tree.size || n.parent != parent || n.red && parent.Red() || !n.Linked() {
		return unknown
	}
	w.met++
	left := w.walk(n.left, n)
	switch {
	case left == unknown:
		return unknown
	case w.first == nil:
		w.first = n
	case w.tree.cmp(w.prev.item, n.item) >= 0:
		return unknown
	}
	w.prev = n
	switch right := w.walk(n.right, n); {
	case right != left:
		return unknown
	case n.red:
		return left
	}
	return left + 1
}

// checker is one walk of Check that reports.
type checker[T any] struct {
	tree  *Tree[T]
	seen  map[*Node[T]]bool
	path  []byte   // the way from the root to the node at hand: .left.right …
	first *Node[T] // first in order, nil before it is met
	prev  *Node[T] // the node before the one at hand, in order
	errs  []error
}

// unknown is the black height of a subtree that has none: it was reported already.
const unknown = -1

// walk checks the subtree of n, which hangs below parent, in order, and returns its black height. It enters no node
// twice, so that it ends even if the links form a ring.
func (c *checker[T]) walk(n, parent *Node[T]) (blackHeight int) {
	if c.seen[n] {
		c.report(n, "reached twice: links form a ring or join")
		return unknown
	}
	c.seen[n] = true
	if n.parent != parent {
		c.report(n, "parent link is %s, not the node above, %s", describe(n.parent), describe(parent))
	}
	if n.red && parent.Red() {
		c.report(n, "red below a red parent")
	}

	left := c.descend(n, onLeft)
	c.checkOrder(n)
	right := c.descend(n, onRight)

	switch {
	case left == unknown || right == unknown:
		return unknown
	case left != right:
		c.report(n, "black height is %d on the left, %d on the right", left, right)
		return unknown
	case n.red:
		return left
	}
	return left + 1
}

// descend walks the child of n on side s, and returns the black height there. A missing child has none: 0.
func (c *checker[T]) descend(n *Node[T], s side) (blackHeight int) {
	child := n.child(s)
	if child == nil {
		return 0
	}
	above := len(c.path)
	if s == onLeft {
		c.path = append(c.path, ".left"...)
	} else {
		c.path = append(c.path, ".right"...)
	}
	blackHeight = c.walk(child, n)
	c.path = c.path[:above]
	return blackHeight
}

// checkOrder compares n with the node met before it in order.
func (c *checker[T]) checkOrder(n *Node[T]) {
	if c.first == nil {
		c.first = n
	}
	if !n.Linked() {
		c.report(n, "has no item")
		return
	}
	if c.prev != nil && c.tree.cmp(c.prev.item, n.item) >= 0 {
		c.report(n, "does not sort after %s, which is before it", describe(c.prev))
	}
	c.prev = n
}

// report notes what is wrong at n, the node at hand.
func (c *checker[T]) report(n *Node[T], format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("rbtree: root%s (%s): %s", c.path, describe(n), fmt.Sprintf(format, args...)))
}

// describe names n by its item if that has a text. It prints no address, so that a replay reports the same.
func describe[T any](n *Node[T]) string {
	switch {
	case n == nil:
		return "none"
	case n.item == nil:
		return "a node without an item"
	}
	if s, ok := any(n.item).(fmt.Stringer); ok {
		return s.String()
	}
	return "some item"
}
