package rbtree_test

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"testing"

	"github.com/emirpasic/gods/v2/trees/redblacktree"
	"github.com/google/btree"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/rbtree"
)

// item is what the tests keep in a tree. The node is not its first field, so that nothing relies on equal addresses.
type item struct {
	key  int
	node rbtree.Node[item]
}

func (i *item) String() string { return strconv.Itoa(i.key) }

func byKey(a, b *item) int { return cmp.Compare(a.key, b.key) }

func lessKey(a, b *item) bool { return a.key < b.key }

// find looks an item up by its key.
func find(t *rbtree.Tree[item], key int) *item {
	return t.Find(func(i *item) int { return cmp.Compare(key, i.key) })
}

// aKey draws one of few keys, so that the tests meet duplicates. Unlike rapid.IntRange it does not prefer the low ones.
var aKey = rapid.SampledFrom(upTo(200))

func upTo(n int) []int {
	keys := make([]int, n)
	for k := range keys {
		keys[k] = k
	}
	return keys
}

// manyKeys draws most of the keys or few of them, some more than once.
var manyKeys = rapid.OneOf(rapid.SliceOfN(aKey, 1, 20), rapid.SliceOfN(aKey, 80, 160))

// machine runs each action on a tree and on two oracles of other make, and compares.
type machine struct {
	tree  rbtree.Tree[item]
	gods  *redblacktree.Tree[int, *item]
	btree *btree.BTreeG[*item]
}

func newMachine() *machine {
	return &machine{
		tree:  rbtree.New(byKey),
		gods:  redblacktree.New[int, *item](),
		btree: btree.NewG(2, lessKey),
	}
}

func TestAgainstOracles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		t.Repeat(map[string]func(*rapid.T){
			"":            m.check,
			"insert":      func(t *rapid.T) { m.insert(t, aKey.Draw(t, "key")) },
			"erase":       func(t *rapid.T) { m.erase(t, m.draw(t)) },
			"insertMany":  m.insertMany,
			"eraseMany":   m.eraseMany,
			"duplicate":   m.duplicate,
			"find":        m.find,
			"neighbours":  m.neighbours,
			"breakOff":    m.breakOff,
			"eraseInLoop": m.eraseInLoop,
		})
	})
}

// check is the invariant between the actions.
func (m *machine) check(t *rapid.T) {
	require.NoError(t, m.tree.Check())
	require.Equal(t, m.gods.Size(), m.tree.Len())
	require.Equal(t, m.btree.Len(), m.tree.Len())

	want := m.gods.Values()
	samePointers(t, want, slices.Collect(m.tree.All()))
	var ascending []*item
	m.btree.Ascend(func(i *item) bool { ascending = append(ascending, i); return true })
	samePointers(t, ascending, want)

	var forward, backward []*item
	for i := m.tree.First(); i != nil; i = m.tree.Next(&i.node) {
		forward = append(forward, i)
	}
	for i := m.tree.Last(); i != nil; i = m.tree.Prev(&i.node) {
		backward = append(backward, i)
	}
	slices.Reverse(backward)
	samePointers(t, want, forward)
	samePointers(t, want, backward)

	first, _ := m.btree.Min()
	last, _ := m.btree.Max()
	require.Same(t, first, m.tree.First())
	require.Same(t, last, m.tree.Last())
}

// samePointers compares by identity; require.Equal would follow the links.
func samePointers(t require.TestingT, want, got []*item) {
	if !slices.Equal(want, got) {
		require.Fail(t, "items differ", "want %v\ngot  %v", want, got)
	}
}

// draw picks an item that is in the tree.
func (m *machine) draw(t *rapid.T) *item {
	if m.gods.Empty() {
		t.Skip("empty tree")
	}
	return rapid.SampledFrom(m.gods.Values()).Draw(t, "item")
}

func (m *machine) insert(t *rapid.T, key int) {
	i := &item{key: key}
	existing := m.tree.Insert(&i.node, i)
	if old, found := m.gods.Get(key); found {
		require.Same(t, old, existing)
		require.Zero(t, i.node)
		return
	}
	require.Nil(t, existing)
	require.True(t, i.node.Linked())
	require.Same(t, i, i.node.Item())
	require.Equal(t, m.tree.Root() == &i.node, i.node.Parent() == nil)
	m.gods.Put(key, i)
	m.btree.ReplaceOrInsert(i)
	require.NoError(t, m.tree.Check())
}

func (m *machine) erase(t *rapid.T, i *item) {
	m.tree.Erase(&i.node)
	require.Zero(t, i.node)
	m.gods.Remove(i.key)
	m.btree.Delete(i)
	require.NoError(t, m.tree.Check())
}

func (m *machine) insertMany(t *rapid.T) {
	for _, key := range manyKeys.Draw(t, "keys") {
		m.insert(t, key)
	}
}

func (m *machine) eraseMany(t *rapid.T) {
	for _, key := range manyKeys.Draw(t, "keys") {
		if i, found := m.gods.Get(key); found {
			m.erase(t, i)
		}
	}
}

func (m *machine) duplicate(t *rapid.T) { m.insert(t, m.draw(t).key) }

func (m *machine) find(t *rapid.T) {
	key := aKey.Draw(t, "key")
	want, _ := m.gods.Get(key)
	require.Same(t, want, find(&m.tree, key))
	other, _ := m.btree.Get(&item{key: key})
	require.Same(t, want, other)
}

func (m *machine) neighbours(t *rapid.T) {
	i := m.draw(t)
	var next, prev *item
	if n, found := m.gods.Ceiling(i.key + 1); found {
		next = n.Value
	}
	m.btree.DescendLessOrEqual(&item{key: i.key - 1}, func(p *item) bool { prev = p; return false })
	require.Same(t, next, m.tree.Next(&i.node))
	require.Same(t, prev, m.tree.Prev(&i.node))
}

// breakOff leaves the loop over All at a drawn item.
func (m *machine) breakOff(t *rapid.T) {
	last := m.draw(t)
	var got []*item
	for i := range m.tree.All() {
		got = append(got, i)
		if i == last {
			break
		}
	}
	samePointers(t, m.gods.Values()[:len(got)], got)
	require.Same(t, last, got[len(got)-1])
}

// eraseInLoop erases items while All yields them; All must still yield every one.
func (m *machine) eraseInLoop(t *rapid.T) {
	want := m.gods.Values()
	doomed := rapid.SliceOfN(rapid.Bool(), len(want), len(want)).Draw(t, "doomed")
	var got []*item
	for i := range m.tree.All() {
		got = append(got, i)
		if doomed[len(got)-1] {
			m.erase(t, i)
		}
	}
	samePointers(t, want, got)
}

// TestEveryOrder inserts seven keys in every order and erases each of them from each of these trees.
func TestEveryOrder(t *testing.T) {
	const n = 7
	var items [n]item
	for order := range permutations(n) {
		for gone := range items {
			items = [n]item{}
			tree := rbtree.New(byKey)
			for _, k := range order {
				items[k].key = k
				tree.Insert(&items[k].node, &items[k])
			}
			require.NoError(t, tree.Check())
			tree.Erase(&items[gone].node)
			require.NoError(t, tree.Check(), "inserted %v, erased %d", order, gone)
		}
	}
}

// permutations yields every order of 0 … n-1, in one slice that it reuses (Heap's algorithm).
func permutations(n int) iter.Seq[[]int] {
	order := upTo(n)
	return func(yield func([]int) bool) {
		var run func(k int) bool
		run = func(k int) bool {
			if k <= 1 {
				return yield(order)
			}
			for i := range k {
				if !run(k - 1) {
					return false
				}
				if i < k-1 {
					j := i * (1 - k%2)
					order[j], order[k-1] = order[k-1], order[j]
				}
			}
			return true
		}
		run(n)
	}
}

func TestEmpty(t *testing.T) {
	tree := rbtree.New(byKey)
	require.NoError(t, tree.Check())
	require.Zero(t, tree.Len())
	require.Nil(t, tree.Root())
	require.Nil(t, tree.First())
	require.Nil(t, tree.Last())
	require.Nil(t, find(&tree, 1))
	require.Empty(t, slices.Collect(tree.All()))

	var loose item
	require.False(t, loose.node.Linked())
	require.Nil(t, loose.node.Item())
	require.Nil(t, tree.Next(&loose.node))
	require.Nil(t, tree.Prev(&loose.node))
}

func TestPanics(t *testing.T) {
	one, two, three := &item{key: 1}, &item{key: 2}, &item{key: 3}
	tree, other, made := rbtree.New(byKey), rbtree.New(byKey), rbtree.Tree[item]{}
	tree.Insert(&one.node, one)
	tree.Insert(&two.node, two)
	other.Insert(&three.node, three)

	for _, c := range []struct {
		want string
		do   func()
	}{
		{"rbtree: New needs an order, cmp is nil", func() { rbtree.New[item](nil) }},
		{"rbtree: Insert without an item", func() { tree.Insert(new(rbtree.Node[item]), nil) }},
		{"rbtree: Insert of a node that is in a tree already", func() { tree.Insert(&one.node, one) }},
		{"rbtree: Insert of a node that is in a tree already", func() { other.Insert(&one.node, one) }},
		{"rbtree: Insert into a tree that New did not make", func() { i := &item{}; made.Insert(&i.node, i) }},
		{"rbtree: Erase of a node that is in no tree", func() { tree.Erase(&new(item).node) }},
		{"rbtree: Erase of a node that is not in this tree", func() { tree.Erase(&three.node) }}, // a root
		{"rbtree: Erase of a node that is not in this tree", func() { made.Erase(&two.node) }},   // below one
		{"rbtree: Erase of a node that is not in this tree", func() { copied := *two; tree.Erase(&copied.node) }},
	} {
		require.PanicsWithValue(t, c.want, c.do)
	}
	require.NoError(t, tree.Check())
	require.NoError(t, other.Check())

	require.PanicsWithValue(t, "rbtree: item after the current one was erased during All", func() {
		for range tree.All() {
			tree.Erase(&two.node)
		}
	})
}

func TestEraseTwicePanics(t *testing.T) {
	tree, i := rbtree.New(byKey), &item{}
	tree.Insert(&i.node, i)
	tree.Erase(&i.node)
	require.PanicsWithValue(t, "rbtree: Erase of a node that is in no tree", func() { tree.Erase(&i.node) })
	require.Nil(t, tree.Insert(&i.node, i), "an erased item can come back")
	require.NoError(t, tree.Check())
}

// TestNoAllocation: the links are in the items, so no operation needs memory.
func TestNoAllocation(t *testing.T) {
	items := make([]item, 1000)
	tree := rbtree.New(byKey)
	for k := range items {
		items[k].key = k * 7919 % len(items)
		tree.Insert(&items[k].node, &items[k])
	}
	k := 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		i := &items[k%len(items)]
		k++
		tree.Erase(&i.node)
		if find(&tree, i.key) != nil || tree.Insert(&i.node, i) != nil || find(&tree, i.key) != i {
			t.Fatal("lost", i)
		}
		if next := tree.Next(&i.node); next != nil && tree.Prev(&next.node) != i {
			t.Fatal("lost the neighbour of", i)
		}
	}))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for i := range tree.All() {
			k += i.key
		}
	}), "All")
}
