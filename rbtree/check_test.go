package rbtree

import (
	"cmp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type entry struct {
	node Node[entry]
	key  int
}

func (e *entry) String() string { return strconv.Itoa(e.key) }

// planted returns a tree of the given keys, inserted in that order, and its nodes by key.
func planted(keys ...int) (*Tree[entry], map[int]*Node[entry]) {
	t := New(func(a, b *entry) int { return cmp.Compare(a.key, b.key) })
	at := make(map[int]*Node[entry])
	for _, k := range keys {
		e := &entry{key: k}
		if t.Insert(&e.node, e) == nil {
			at[k] = &e.node
		}
	}
	return &t, at
}

// TestCheckReports breaks this tree in one way after the other; ● is black, ○ is red.
//
//	       ● 40
//	      ╱    ╲
//	   ○ 20     ● 60
//	   ╱  ╲     ╱  ╲
//	 ●10  ●30 ○50  ○70
//	 ╱
//	○5
func TestCheckReports(t *testing.T) {
	type nodes = map[int]*Node[entry]
	for _, c := range []struct {
		name string
		hurt func(t *Tree[entry], at nodes)
		want []string // every line of the report, in order
	}{
		{"healthy", func(*Tree[entry], nodes) {}, nil},
		{"black leaf", func(_ *Tree[entry], at nodes) { at[5].red = false }, []string{
			"rbtree: root.left.left (10): black height is 1 on the left, 0 on the right"}},
		{"red inner node", func(_ *Tree[entry], at nodes) { at[60].red = true }, []string{
			"rbtree: root.right.left (50): red below a red parent",
			"rbtree: root.right.right (70): red below a red parent",
			"rbtree: root (40): black height is 1 on the left, 0 on the right"}},
		{"colours of child and parent swapped", func(_ *Tree[entry], at nodes) { at[5].red, at[10].red = false, true }, []string{
			"rbtree: root.left.left (10): red below a red parent",
			"rbtree: root.left.left (10): black height is 1 on the left, 0 on the right"}},
		{"red root", func(_ *Tree[entry], at nodes) { at[40].red = true }, []string{
			"rbtree: root (40): the root is red",
			"rbtree: root.left (20): red below a red parent"}},
		{"two items in each other's place", func(_ *Tree[entry], at nodes) { at[30].item, at[50].item = at[50].item, at[30].item }, []string{
			"rbtree: root (40): does not sort after 50, which is before it",
			"rbtree: root.right.left (30): does not sort after 40, which is before it"}},
		{"key changed in place", func(_ *Tree[entry], at nodes) { at[10].item.key = 99 }, []string{
			"rbtree: root.left (20): does not sort after 99, which is before it"}},
		{"equal keys", func(_ *Tree[entry], at nodes) { at[30].item.key = 20 }, []string{
			"rbtree: root.left.right (20): does not sort after 20, which is before it"}},
		{"no item", func(_ *Tree[entry], at nodes) { at[30].item = nil }, []string{
			"rbtree: root.left.right (a node without an item): has no item"}},
		{"leftmost is another", func(t *Tree[entry], at nodes) { t.leftmost = at[10] }, []string{
			"rbtree: leftmost is 10, not the first in order, 5"}},
		{"no leftmost", func(t *Tree[entry], _ nodes) { t.leftmost = nil }, []string{
			"rbtree: leftmost is none, not the first in order, 5"}},
		{"leftmost of an empty tree", func(t *Tree[entry], at nodes) { t.root, t.size = nil, 0 }, []string{
			"rbtree: leftmost is 5, not the first in order, none"}},
		{"parent is another", func(_ *Tree[entry], at nodes) { at[30].parent = at[60] }, []string{
			"rbtree: root.left.right (30): parent link is 60, not the node above, 20"}},
		{"no parent", func(_ *Tree[entry], at nodes) { at[5].parent = nil }, []string{
			"rbtree: root.left.left.left (5): parent link is none, not the node above, 10"}},
		{"parent of the root", func(_ *Tree[entry], at nodes) { at[40].parent = at[20] }, []string{
			"rbtree: root (40): parent link is 20, not the node above, none"}},
		{"Len too high", func(t *Tree[entry], _ nodes) { t.size++ }, []string{
			"rbtree: Len is 9, the walk met 8 nodes"}},
		{"Len too low", func(t *Tree[entry], _ nodes) { t.size = 0 }, []string{
			"rbtree: Len is 0, the walk met 8 nodes"}},
		{"lost a red leaf", func(_ *Tree[entry], at nodes) { at[60].right = nil }, []string{
			"rbtree: Len is 8, the walk met 7 nodes"}},
		{"lost a subtree", func(_ *Tree[entry], at nodes) { at[40].right = nil }, []string{
			"rbtree: root (40): black height is 1 on the left, 0 on the right",
			"rbtree: Len is 8, the walk met 5 nodes"}},
		{"ring", func(_ *Tree[entry], at nodes) { at[70].right = at[40] }, []string{
			"rbtree: root.right.right.right (40): reached twice: links form a ring or join"}},
		{"join", func(_ *Tree[entry], at nodes) { at[50].left = at[30] }, []string{
			"rbtree: root.right.left.left (30): reached twice: links form a ring or join"}},
		{"all it finds", func(t *Tree[entry], at nodes) {
			at[30].parent, at[50].item.key, at[70].red, t.leftmost, t.size = at[5], 61, false, at[20], 3
		}, []string{
			"rbtree: root.left.right (30): parent link is 5, not the node above, 20",
			"rbtree: root.right (60): does not sort after 61, which is before it",
			"rbtree: root.right (60): black height is 0 on the left, 1 on the right",
			"rbtree: leftmost is 20, not the first in order, 5",
			"rbtree: Len is 3, the walk met 8 nodes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, at := planted(40, 20, 60, 10, 30, 50, 70, 5)
			c.hurt(tree, at)
			err := tree.Check()
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, strings.Join(c.want, "\n"))
		})
	}
}

// TestCheckReportsAnyFault breaks one thing at any place of any tree.
func TestCheckReportsAnyFault(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.IntRange(0, 999), 2, 60, rapid.ID[int]).Draw(t, "keys")
		tree, at := planted(keys...)
		require.NoError(t, tree.Check())
		one, two := at[keys[0]], at[keys[1]] // any two: the keys are drawn in any order
		switch rapid.SampledFrom([]string{"colour", "order", "leftmost", "parent", "Len"}).Draw(t, "fault") {
		case "colour":
			one.red = !one.red
		case "order":
			one.item, two.item = two.item, one.item
		case "leftmost":
			if tree.leftmost == one {
				one = two
			}
			tree.leftmost = one
		case "parent":
			if one.parent == two {
				two = one
			}
			one.parent = two
		case "Len":
			tree.size += rapid.SampledFrom([]int{-1, 1}).Draw(t, "by")
		}
		require.Error(t, tree.Check())
	})
}

// TestCheckNamesItemsWithoutText: Check works for items that are no fmt.Stringer, and prints no address.
func TestCheckNamesItemsWithoutText(t *testing.T) {
	type plain struct{ node Node[plain] }
	tree, p := New(func(a, b *plain) int { return 0 }), &plain{}
	tree.Insert(&p.node, p)
	p.node.red = true
	require.EqualError(t, tree.Check(), "rbtree: root (some item): the root is red")
}

// TestForeignErase: an Erase by way of the wrong tree that is not caught at once is reported by Check of both trees.
func TestForeignErase(t *testing.T) {
	tree, at := planted(40, 20, 60, 10)
	other, _ := planted(1, 2, 3)
	other.Erase(at[10])
	require.EqualError(t, other.Check(), "rbtree: Len is 2, the walk met 3 nodes")
	require.ErrorContains(t, tree.Check(), "rbtree: Len is 4, the walk met 3 nodes")
}

// Whatever links, colours and keys are changed, the walk that only says whether all is well agrees with the one that reports.
func TestSoundAgreesWithFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 12).Draw(t, "keys")
		tree, at := planted(keys...)
		any := rapid.SampledFrom(keys)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			n, other := at[any.Draw(t, "node")], at[any.Draw(t, "other")]
			if rapid.Bool().Draw(t, "none") {
				other = nil
			}
			switch rapid.IntRange(0, 8).Draw(t, "what") {
			case 0:
				n.left = other
			case 1:
				n.right = other
			case 2:
				n.parent = other
			case 3:
				n.red = !n.red
			case 4:
				tree.leftmost = other
			case 5:
				tree.root = other
			case 6:
				tree.size += rapid.IntRange(-1, 1).Draw(t, "more")
			case 7:
				if n.item != nil {
					n.item.key = rapid.IntRange(0, 40).Draw(t, "key")
				}
			case 8:
				n.item = nil
			}
		}
		require.Equal(t, tree.faults() == nil, tree.sound())
	})
}
