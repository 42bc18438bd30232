package rbtree

// Node links one item into a Tree. It is a field of the item; the zero value is a node in no tree. A Node in a tree
// must not be copied or moved.
//
// Models struct rb_node (include/linux/rbtree_types.h, Linux 6.18).
type Node[T any] struct {
	parent, left, right *Node[T]

	item *T   // the item n is a field of; nil while n is in no tree
	red  bool // black otherwise
}

// Linked reports whether n is in a tree.
//
// Models !RB_EMPTY_NODE (include/linux/rbtree.h, Linux 6.18).
func (n *Node[T]) Linked() bool { return n.item != nil }

// Left returns the root of the items before n within its subtree, nil if there are none. For drawing.
//
// Models rb_node.rb_left (include/linux/rbtree_types.h, Linux 6.18).
func (n *Node[T]) Left() *Node[T] { return n.left }

// Right returns the root of the items after n within its subtree, nil if there are none. For drawing.
//
// Models rb_node.rb_right (include/linux/rbtree_types.h, Linux 6.18).
func (n *Node[T]) Right() *Node[T] { return n.right }

// Parent returns the node above n, nil for the root and for a node in no tree. For drawing.
//
// Models rb_parent (include/linux/rbtree.h, Linux 6.18).
func (n *Node[T]) Parent() *Node[T] { return n.parent }

// Red reports whether n is red. A nil n, the missing child at the end of a way down, is black.
//
// Models rb_is_red (include/linux/rbtree_augmented.h, Linux 6.18).
func (n *Node[T]) Red() bool { return n != nil && n.red }

// Item returns the item that n was inserted with, nil if n is in no tree.
//
// Models rb_entry (include/linux/rbtree.h, Linux 6.18), which computes the item's address instead of storing it.
func (n *Node[T]) Item() *T { return n.item }

// side is one of the two directions at a node; !s is the other one.
type side bool

const (
	onLeft  side = false
	onRight side = true
)

// child returns the child of n on side s, nil if there is none.
func (n *Node[T]) child(s side) *Node[T] {
	if s == onLeft {
		return n.left
	}
	return n.right
}

// setChild makes c, which may be nil, the child of n on side s. The parent link of c is the caller's.
func (n *Node[T]) setChild(s side, c *Node[T]) {
	if s == onLeft {
		n.left = c
	} else {
		n.right = c
	}
}

// sideOf tells on which side of n its child c hangs. c may be nil if the other child is not.
func (n *Node[T]) sideOf(c *Node[T]) side { return n.left != c }

// outermost returns the last node on the way down from n that keeps to side s.
func (n *Node[T]) outermost(s side) *Node[T] {
	for n.child(s) != nil {
		n = n.child(s)
	}
	return n
}

// neighbour returns the next node in order towards side s: down if there is a subtree on that side, else up to the
// first ancestor that lies there. It returns nil at the end, and for a node in no tree.
//
// Models rb_next and rb_prev, which are mirror images (lib/rbtree.c, Linux 6.18).
func (n *Node[T]) neighbour(s side) *Node[T] {
	if c := n.child(s); c != nil {
		return c.outermost(!s)
	}
	for n.parent != nil && n.parent.child(s) == n {
		n = n.parent
	}
	return n.parent
}
