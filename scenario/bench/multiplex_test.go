package bench_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/bench"
)

func measured(t *testing.T, w bench.Multiplex) []bench.Cost {
	t.Helper()
	var rows []bench.Cost
	require.NoError(t, w.Run(func(c bench.Cost) { rows = append(rows, c) }))
	return rows
}

// at returns the row of a scene, a call and a size.
func at(t *testing.T, rows []bench.Cost, scene, call string, size int) bench.Cost {
	t.Helper()
	for _, r := range rows {
		if r.Scene == scene && r.Call == call && (scene == bench.SceneIdle && r.Idle == size || scene != bench.SceneIdle && r.Active == size) {
			return r
		}
	}
	t.Fatalf("no row %s %s %d", scene, call, size)
	return bench.Cost{}
}

// What a call costs has the shape that it has in the kernel: flat for epoll, linear for select and poll.
func TestMultiplexShape(t *testing.T) {
	rows := measured(t, bench.Multiplex{Idle: 3000, Active: 10, Writes: 200})
	idle := func(call string, n int) bench.Cost { return at(t, rows, bench.SceneIdle, call, n) }
	for _, call := range []string{"epoll LT", "epoll ET"} {
		small, large := idle(call, 10), idle(call, 3000)
		small.Idle, small.NS, large.Idle, large.NS = 0, 0, 0, 0
		require.Equal(t, small, large, "%s is flat", call)
	}
	for _, n := range []int{10, 100, 1000, 3000} {
		require.EqualValues(t, n+10, idle("poll", n).PollCalls, "poll asks every file")
		require.GreaterOrEqual(t, idle("poll", n).BytesCopied, 8.0*float64(n+10), "struct pollfd comes in")
	}
	require.EqualValues(t, 1010, idle("select", 1000).PollCalls)
	require.Greater(t, idle("poll", 3000).QueueInsertions, 2.5*idle("poll", 1000).QueueInsertions)
	require.Zero(t, idle("epoll ET", 3000).QueueInsertions, "the hooks of ADD stay")
	for _, r := range rows {
		require.False(t, r.Call == "select" && r.Idle+r.Active > 1020, "FD_SETSIZE")
	}

	active := func(call string, n int) bench.Cost { return at(t, rows, bench.SceneActive, call, n) }
	require.EqualValues(t, active("poll", 1000).PollCalls, active("epoll ET", 1000).PollCalls, "all active: epoll has no advantage")

	ready := func(call string, n int) bench.Cost { return at(t, rows, bench.SceneReady, call, n) }
	require.EqualValues(t, 2*ready("epoll ET", 1000).PollCalls, ready("epoll LT", 1000).PollCalls, "LT asks again what ET leaves alone")
}

// All but the time is the same in every run.
func TestMultiplexIsDeterministic(t *testing.T) {
	w := bench.Multiplex{Idle: 150, Active: 7, Writes: 50}
	first, second := measured(t, w), measured(t, w)
	require.Len(t, second, len(first))
	for i := range first {
		first[i].NS, second[i].NS = 0, 0
	}
	require.Equal(t, first, second)
	for i := range first {
		first[i].NS = 100
	}
	require.Equal(t, bench.Chart(first), bench.Chart(first))
	for d := xml.NewDecoder(strings.NewReader(bench.Chart(first))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMultiplexRefuses(t *testing.T) {
	for _, w := range []bench.Multiplex{{-1, 1, 1}, {1, 0, 1}, {1, 1, 0}, {500_001, 1, 1}, {1, 500_000, 1}, {1, 1, 1 << 40}, {1 << 62, 1 << 62, 1}} {
		require.Error(t, w.Check(), "%+v", w)
	}
	require.NoError(t, bench.Multiplex{}.Default().Check())
}
