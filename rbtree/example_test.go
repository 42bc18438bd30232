package rbtree_test

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/rbtree"
)

// watched is an item with its node inside, sorted as an eventpoll sorts: by file, then by fd.
type watched struct {
	file, fd int
	rbn      rbtree.Node[watched]
}

func (w *watched) String() string { return fmt.Sprintf("(%d,%d)", w.file, w.fd) }

func Example() {
	tree := rbtree.New(func(a, b *watched) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.fd, b.fd))
	})
	for _, w := range []*watched{{file: 7, fd: 3}, {file: 9, fd: 4}, {file: 7, fd: 5}, {file: 8, fd: 6}} {
		tree.Insert(&w.rbn, w)
	}

	again := &watched{file: 8, fd: 6}
	fmt.Println("already there:", tree.Insert(&again.rbn, again), again.rbn.Linked())

	found := tree.Find(func(w *watched) int { return cmp.Or(cmp.Compare(7, w.file), cmp.Compare(5, w.fd)) })
	fmt.Println("found", found, "then", tree.Next(&found.rbn))

	for w := range tree.All() {
		fmt.Println(w)
		if w.file == 7 {
			tree.Erase(&w.rbn)
		}
	}
	fmt.Println("left:", tree.Len(), "first:", tree.First(), "last:", tree.Last(), "check:", tree.Check())
	// Output:
	// already there: (8,6) false
	// found (7,5) then (8,6)
	// (7,3)
	// (7,5)
	// (8,6)
	// (9,4)
	// left: 2 first: (8,6) last: (9,4) check: <nil>
}

// Draw a tree from its nodes, the root at the left margin.
func ExampleTree_Root() {
	tree := rbtree.New(byKey)
	for key := 1; key <= 10; key++ {
		i := &item{key: key}
		tree.Insert(&i.node, i)
	}
	tree.Erase(&find(&tree, 4).node)

	var draw func(n *rbtree.Node[item], depth int)
	draw = func(n *rbtree.Node[item], depth int) {
		if n == nil {
			return
		}
		draw(n.Right(), depth+1)
		colour := "●"
		if n.Red() {
			colour = "○"
		}
		fmt.Printf("%s%s %v\n", strings.Repeat("    ", depth), colour, n.Item())
		draw(n.Left(), depth+1)
	}
	draw(tree.Root(), 0)
	// Output:
	//             ○ 10
	//         ● 9
	//     ● 8
	//             ○ 7
	//         ● 6
	// ● 5
	//         ● 3
	//     ● 2
	//         ● 1
}
