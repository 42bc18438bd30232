package rbtree

// Erase takes n out of t and leaves it the zero value. It panics if n is in no tree, or if what is above n shows that
// it is not in t; a node below the root of another tree goes unnoticed until Check.
//
// Models rb_erase_cached (include/linux/rbtree.h, Linux 6.18) and RB_CLEAR_NODE.
func (t *Tree[T]) Erase(n *Node[T]) {
	if !n.Linked() {
		panic("rbtree: Erase of a node that is in no tree")
	}
	hangs := t.root == n
	if up := n.parent; up != nil {
		hangs = t.root != nil && (up.left == n || up.right == n)
	}
	if !hangs {
		panic("rbtree: Erase of a node that is not in this tree")
	}

	if t.leftmost == n {
		t.leftmost = n.neighbour(onRight)
	}
	if short := t.unlink(n); short != nil {
		t.eraseColor(short)
	}
	*n = Node[T]{}
	t.size--
}

// unlink takes n out and closes the gap. If the node that left its place there was black and nothing red could stand in
// for it, the ways down through the gap are one black node short, and unlink returns the node above the gap. Otherwise,
// and for the last node of the tree, it returns nil.
//
// Models __rb_erase_augmented (include/linux/rbtree_augmented.h, Linux 6.18).
func (t *Tree[T]) unlink(n *Node[T]) (short *Node[T]) {
	if n.left != nil && n.right != nil {
		return t.unlinkInner(n)
	}

	// Case 1: at most one child. An only child is red and has none itself, so n is black: the child rises and takes
	// that colour, and nothing is short.
	only := n.left
	if only == nil {
		only = n.right
	}
	t.changeChild(n.parent, n, only)
	if only != nil {
		only.parent, only.red = n.parent, n.red
		return nil
	}
	if n.red {
		return nil
	}
	return n.parent
}

// unlinkInner is unlink for a node with two children. Its successor, which has no left child, leaves its own place and
// takes over the place and the colour of n. The return is that of unlink.
//
//	  n              succ            n              succ
//	 ╱ ╲            ╱  ╲            ╱ ╲            ╱  ╲
//	a   succ  ──►  a    x          a   b     ──►  a    b
//	       ╲                          ╱ ╲             ╱ ╲
//	        x                      succ  c           x   c
//	                                  ╲
//	      case 2                       x   case 3
func (t *Tree[T]) unlinkInner(n *Node[T]) (short *Node[T]) {
	succ := n.right.outermost(onLeft)
	orphan, gap, wasRed := succ.right, succ.parent, succ.red

	if gap == n { // Case 2: the successor is n's right child. It keeps its own right subtree.
		gap = succ
	} else { // Case 3: it is further down and hands its right child to its parent.
		gap.left = orphan
		if orphan != nil {
			orphan.parent = gap
		}
		succ.right = n.right
		succ.right.parent = succ
	}
	succ.left = n.left
	succ.left.parent = succ
	t.changeChild(n.parent, n, succ)
	succ.parent, succ.red = n.parent, n.red

	switch {
	case orphan != nil: // red, as an only child is, below a black successor
		orphan.red = false
		return nil
	case wasRed:
		return nil
	}
	return gap
}

// eraseColor repairs the colours after unlink. At each turn the ways down through n, a child of parent on side s, are
// one black node short; at first n is the missing child, so the child that is there is its sibling. In the drawings
// ● is black, ○ red, ◐ either, and s is onLeft.
//
// Models ____rb_erase_color (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) eraseColor(parent *Node[T]) {
	for n := (*Node[T])(nil); parent != nil; n, parent = parent, parent.parent {
		s := parent.sideOf(n)
		sibling := parent.child(!s) // there is one: its side is a black node longer

		// Case 1: the sibling is red. It rises, and its inner child becomes a black sibling.
		//
		//	    ● p               ● s
		//	   ╱   ╲             ╱   ╲
		//	● n     ○ s   ──►   ○ p   ● outer
		//	       ╱   ╲       ╱ ╲
		//	  inner ●   ● outer n  ● inner, the new s
		if sibling.red {
			sibling.red, parent.red = false, true
			t.rotate(parent, s)
			sibling = parent.child(!s)
		}

		// Case 2: the sibling can give up its black. A red parent makes up for it; else the parent is short.
		//
		//	    ◐ p              ◐ p
		//	   ╱   ╲            ╱   ╲
		//	● n     ● s   ──►  ● n   ○ s
		//	       ╱ ╲              ╱ ╲
		//	      ●   ●            ●   ●
		if !sibling.left.Red() && !sibling.right.Red() {
			sibling.red = true
			if parent.red {
				parent.red = false
				return
			}
			continue
		}

		t.lendBlack(parent, sibling, s)
		return
	}
}

// lendBlack ends eraseColor: side s of parent is one black node short, and the black sibling on the other side has a red
// child. The sibling, or that child, rises to take the parent's place and colour, and the parent sinks to side s as the
// black node that was missing.
//
// Models cases 3 and 4 of ____rb_erase_color (lib/rbtree.c, Linux 6.18).
func (t *Tree[T]) lendBlack(parent, sibling *Node[T], s side) {
	outer := sibling.child(!s)

	// Case 3: only the inner child is red. It changes places with the sibling, which is case 4.
	//
	//	    ◐ p              ◐ p
	//	   ╱   ╲            ╱   ╲
	//	● n     ● s   ──►  ● n   inner, the new s
	//	       ╱ ╲                ╲
	//	inner ○   ● outer          s, the new outer
	if !outer.Red() {
		inner := sibling.child(s)
		t.rotate(sibling, !s)
		sibling, outer = inner, sibling
	}

	// Case 4: the outer child is red.
	//
	//	    ◐ p                ◐ s
	//	   ╱   ╲              ╱   ╲
	//	● n     ● s   ──►    ● p   ● outer
	//	       ╱ ╲          ╱ ╲
	//	inner ◐   ○ outer  n   ◐ inner
	sibling.red, parent.red, outer.red = parent.red, false, false
	t.rotate(parent, s)
}
