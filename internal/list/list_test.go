package list

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type item struct {
	n    int
	link Node[item]
}

func values(l *List[item]) []int {
	var got []int
	for it := range l.All() {
		got = append(got, it.n)
	}
	return got
}

// Two lists against two slices, through every operation that moves an item.
func TestListAgainstSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lists [2]List[item]
		var model [2][]int
		var items []*item
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "list")
				it := &item{n: len(items)}
				items = append(items, it)
				if rapid.Bool().Draw(t, "front") {
					lists[i].PushFront(&it.link, it)
					model[i] = slices.Insert(model[i], 0, it.n)
				} else {
					lists[i].PushBack(&it.link, it)
					model[i] = append(model[i], it.n)
				}
			},
			"unlink": func(t *rapid.T) {
				if len(items) == 0 {
					t.Skip()
				}
				it := rapid.SampledFrom(items).Draw(t, "item")
				it.link.Unlink()
				for i := range model {
					model[i] = slices.DeleteFunc(model[i], func(n int) bool { return n == it.n })
				}
			},
			"insertAfter": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "list")
				if len(model[i]) == 0 {
					t.Skip()
				}
				k := rapid.IntRange(0, len(model[i])-1).Draw(t, "at")
				it := &item{n: len(items)}
				lists[i].InsertAfter(&it.link, it, &items[model[i][k]].link)
				items = append(items, it)
				model[i] = slices.Insert(model[i], k+1, it.n)
			},
			"splice": func(t *rapid.T) {
				lists[0].SpliceFront(&lists[1])
				model[0] = append(slices.Clone(model[1]), model[0]...)
				model[1] = nil
			},
			"": func(t *rapid.T) {
				for i := range lists {
					require.True(t, lists[i].Check())
					require.True(t, slices.Equal(model[i], values(&lists[i])), "%v, want %v", values(&lists[i]), model[i])
					require.Equal(t, len(model[i]), lists[i].Len())
					require.Equal(t, len(model[i]) == 0, lists[i].Empty())
				}
			},
		})
	})
}

func TestLinkTwicePanics(t *testing.T) {
	var l List[item]
	it := &item{}
	l.PushBack(&it.link, it)
	require.Panics(t, func() { l.PushFront(&it.link, it) })
}
