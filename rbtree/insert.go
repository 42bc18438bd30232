package rbtree

// Insert links item into t by its field n and returns nil; or, if t holds an item equal to it, returns that one and
// changes nothing. It panics if n is in a tree already.
//
// Models rb_find_add_cached (include/linux/rbtree.h, Linux 6.18).
func (t *Tree[T]) Insert(n *Node[T], item *T) (existing *T) {
	switch {
	case item == nil:
		panic("rbtree: Insert without an item")
	case n.Linked():
		panic("rbtree: Insert of a node that is in a tree already")
	case t.cmp == nil:
		panic("rbtree: Insert into a tree that New did not make")
	}

	var parent *Node[T]
	s := onLeft
	first := true // no step to the right so far
	for at := t.root; at != nil; at = at.child(s) {
		switch c := t.cmp(item, at.item); {
		case c < 0:
			s = onLeft
		case c > 0:
			s = onRight
			first = false
		default:
			return at.item
		}
		parent = at
	}

	n.item = item
	t.link(n, parent, s, first)
	t.insertColor(n)
	return nil
}

// link hangs n below parent on side s, or makes it the root if parent is nil; first says that it is the new leftmost. A
// new node is red: that leaves all black heights as they are.
//
// Models rb_link_node and the leftmost of rb_insert_color_cached (include/linux/rbtree.h, Linux 6.18).
func (t *Tree[T]) link(n, parent *Node[T], s side, first bool) {
	n.parent, n.red = parent, true
	if parent == nil {
		t.root = n
	} else {
		parent.setChild(s, n)
	}
	if first {
		t.leftmost = n
	}
	t.size++
}

// insertColor repairs the colours after n was linked. At each turn n is red, and the only thing that may be wrong is
// that its parent is red too. In the drawings ● is black, ○ red, and s is onLeft.
//
// Models __rb_insert, reached by rb_insert_color (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) insertColor(n *Node[T]) {
	for n.parent.Red() {
		parent := n.parent
		gparent := parent.parent // there is one: the root is not red
		s := gparent.sideOf(parent)

		// Case 1: the uncle is red as well. Both take the grandparent's black, and the question moves up to it.
		//
		//	    ● g            ○ g
		//	   ╱   ╲          ╱   ╲
		//	  ○ p   ○ u  ──► ● p   ● u
		//	 ╱              ╱
		//	○ n            ○ n
		if uncle := gparent.child(!s); uncle.Red() {
			parent.red, uncle.red = false, false
			gparent.red = true
			n = gparent
			continue
		}

		// Case 2: n is the inner grandchild. Turned outward it is case 3, with n and parent in each other's place.
		//
		//	    ● g             ● g
		//	   ╱   ╲           ╱   ╲
		//	  ○ p   ● u  ──►  ○ n   ● u
		//	   ╲             ╱
		//	    ○ n         ○ p
		if n == parent.child(!s) {
			t.rotate(parent, s)
			parent = n
		}

		// Case 3: n is the outer grandchild. The parent rises and takes the grandparent's black: done.
		//
		//	    ● g            ● p
		//	   ╱   ╲          ╱   ╲
		//	  ○ p   ● u  ──► ○ n   ○ g
		//	 ╱                      ╲
		//	○ n                      ● u
		parent.red, gparent.red = false, true
		t.rotate(gparent, !s)
		return
	}
	t.root.red = false
}
