// Package rbtree keeps items in order: a red-black tree whose links live inside the items, with the first item cached.
// An eventpoll holds its watched files in one, sorted by (file, fd).
//
// Models lib/rbtree.c, include/linux/rbtree.h and include/linux/rbtree_types.h of Linux 6.18. The same inserts and
// erases in the same order give the same shape and colours as in the kernel.
//
// Leaves out augmented trees (rbtree_augmented.h), latch trees and lockless readers (rbtree_latch.h, rb_link_node_rcu),
// rb_replace_node and the postorder walk. Equal items are refused, as by rb_find_add_cached; a caller who links by
// hand, such as ep_rbtree_insert, may keep them.
//
// # Who points at whom
//
// A Tree over items 10 … 60; ● is black, ○ is red. Each Node is a field of its item and points back at it.
//
//	Tree                                     item 10
//	 root ─────────► ● 40                     ┌─────────────────────┐
//	 leftmost ─┐    ╱    ╲                    │ Node   parent ──────┼──►  Node of item 20
//	           │  ○ 20   ● 60                 │        left   nil   │
//	           │  ╱  ╲   ╱                    │        right  nil   │
//	           └►●10 ●30 ○50                  │        item   ──┐   │
//	                                          │        red no   │   │
//	                                          │ (start of item)◄┘   │
//	                                          └─────────────────────┘
//
// The parent of the root is nil. The root is black, a red node has no red child, and every way down from a node passes
// the same number of black nodes; so the longest way is at most twice the shortest. [Tree.Check] verifies all of that.
//
// # Lock order
//
//	(the owner's lock)    ep->mtx around ep->rbr
//	    (none here)
//
// # Names
//
//	kernel                          here
//	struct rb_node                  Node
//	__rb_parent_color               Node.parent, Node.red
//	rb_entry, container_of          Node.Item
//	RB_EMPTY_NODE, RB_CLEAR_NODE    !Node.Linked, the zero Node
//	struct rb_root_cached           Tree
//	RB_ROOT_CACHED                  New
//	rb_find_add_cached              Tree.Insert
//	rb_link_node                    Tree.link
//	rb_insert_color_cached          Tree.link (leftmost), Tree.insertColor
//	__rb_insert                     Tree.insertColor
//	rb_find                         Tree.Find
//	rb_erase_cached                 Tree.Erase
//	__rb_erase_augmented            Tree.unlink, Tree.unlinkInner
//	____rb_erase_color              Tree.eraseColor, Tree.lendBlack
//	__rb_change_child               Tree.changeChild
//	__rb_rotate_set_parents         Tree.rotate
//	rb_first_cached, rb_last        Tree.First, Tree.Last
//	rb_next, rb_prev                Tree.Next, Tree.Prev
//
// # What to read next
//
// insert.go, then erase.go; each case has a drawing. Background: Documentation/core-api/rbtree.rst of the kernel.
// The next floor up is package eventpoll, file epitem.go.
package rbtree

// Files:
//
//	tree.go node.go             the types; find, first, next
//	insert.go erase.go          how the colours are put right
//	check.go                    invariants

// For the maintainer:
//
//   - The kernel writes every case twice, for left and right, to save instructions. Here a [side] names the direction
//     and each case stands once; Next and Prev are one walk for the same reason.
//   - The kernel's caller walks down and links (rb_link_node), then calls rb_insert_color_cached. Insert does both,
//     because it knows the order; Tree therefore holds cmp.
//   - rb_erase_cached leaves the node as it was, and the caller may RB_CLEAR_NODE it. Erase always clears: a second
//     Erase panics instead of spoiling the tree.
//   - Colour and parent are two fields; the kernel keeps the colour in the lowest bit of the parent pointer.
