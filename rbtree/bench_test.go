package rbtree_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/emirpasic/gods/v2/trees/redblacktree"
	"github.com/google/btree"

	"github.com/epollsim/epollsim/rbtree"
)

// Each benchmark holds n items. An operation of EraseInsert takes one out and puts it back; Find looks one up. The
// items come in random order. gods maps the key to the item; btree (of the degree that its own benchmarks use) and we
// compare items.
//
//	go test -run '^$' -bench . ./rbtree

var sizes = []int{100, 10_000, 1_000_000}

const btreeDegree = 32

// shuffled returns the items 0 … n-1 and pointers to them in random order, the same in each run.
func shuffled(n int) []*item {
	items := make([]item, n)
	order := make([]*item, n)
	for k, to := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		items[k].key = k
		order[to] = &items[k]
	}
	return order
}

// bench runs op on the items of order again and again, after put has had each of them once.
func bench(b *testing.B, name string, order []*item, put, op func(*item)) {
	b.Run(fmt.Sprintf("%s/n=%d", name, len(order)), func(b *testing.B) {
		for _, i := range order {
			put(i)
		}
		b.ReportAllocs()
		k := 0
		for b.Loop() {
			op(order[k])
			if k++; k == len(order) {
				k = 0
			}
		}
	})
}

func BenchmarkEraseInsert(b *testing.B) {
	for _, n := range sizes {
		ours := rbtree.New(byKey)
		bench(b, "ours", shuffled(n), func(i *item) {
			if !i.node.Linked() {
				ours.Insert(&i.node, i)
			}
		}, func(i *item) {
			ours.Erase(&i.node)
			ours.Insert(&i.node, i)
		})
		gods := redblacktree.New[int, *item]()
		bench(b, "gods", shuffled(n), func(i *item) { gods.Put(i.key, i) }, func(i *item) {
			gods.Remove(i.key)
			gods.Put(i.key, i)
		})
		bt := btree.NewG(btreeDegree, lessKey)
		bench(b, "btree", shuffled(n), func(i *item) { bt.ReplaceOrInsert(i) }, func(i *item) {
			bt.Delete(i)
			bt.ReplaceOrInsert(i)
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range sizes {
		ours := rbtree.New(byKey)
		bench(b, "ours", shuffled(n), func(i *item) {
			if !i.node.Linked() {
				ours.Insert(&i.node, i)
			}
		}, func(i *item) {
			if find(&ours, i.key) != i {
				b.Fatal("lost", i)
			}
		})
		gods := redblacktree.New[int, *item]()
		bench(b, "gods", shuffled(n), func(i *item) { gods.Put(i.key, i) }, func(i *item) {
			if got, _ := gods.Get(i.key); got != i {
				b.Fatal("lost", i)
			}
		})
		bt := btree.NewG(btreeDegree, lessKey)
		bench(b, "btree", shuffled(n), func(i *item) { bt.ReplaceOrInsert(i) }, func(i *item) {
			if got, _ := bt.Get(i); got != i {
				b.Fatal("lost", i)
			}
		})
	}
}
