package strace_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

func drain(t *testing.T, src strace.Source) []strace.Record {
	t.Helper()
	var all []strace.Record
	for {
		rec, err := src.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, rec)
	}
}

// ordered checks that records are those of one log: counted, in the order of time, each end behind its begin.
func ordered(t *testing.T, records []strace.Record) {
	t.Helper()
	open, serials := map[*strace.Task]*strace.Call{}, map[int]*strace.Task{}
	last := int64(0)
	for i, rec := range records {
		require.Equal(t, i+1, rec.Seq)
		require.GreaterOrEqual(t, rec.Time, last)
		last = rec.Time
		if serials[rec.Task.Serial] == nil {
			serials[rec.Task.Serial] = rec.Task
		}
		require.Same(t, serials[rec.Task.Serial], rec.Task)
		switch rec.Kind {
		case strace.RecordEnter:
			require.Nil(t, open[rec.Task], rec.Text)
			open[rec.Task] = rec.Call
			require.Equal(t, rec.Seq, rec.Call.Begin.Seq)
		case strace.RecordExit:
			require.Same(t, open[rec.Task], rec.Call)
			open[rec.Task] = nil
			require.Equal(t, rec.Seq, rec.Call.End.Seq)
		case strace.RecordCall:
			require.Nil(t, open[rec.Task], rec.Text)
			require.Equal(t, rec.Seq, rec.Call.Begin.Seq)
			require.Equal(t, rec.Seq, rec.Call.End.Seq)
		}
	}
}

// The files of strace -ff make one log.
func TestMergeRecorded(t *testing.T) {
	for _, pattern := range []string{"nginx_ff.*", "go_ff.*"} {
		names, err := filepath.Glob("../../testdata/strace/ff/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, names)
		var readers []*strace.Reader
		for _, name := range names {
			file, err := os.Open(name)
			require.NoError(t, err)
			defer file.Close()
			readers = append(readers, strace.NewReader(file, filepath.Base(name), strace.ReaderOptions{Tid: strace.TidOfFile(name)}))
		}
		src := strace.Merge(readers...)
		records := drain(t, src)
		ordered(t, records)
		stats := src.Stats()
		require.Nil(t, stats.First)
		require.Equal(t, len(names), stats.Tasks)
		begins := 0
		for _, rec := range records {
			if rec.Kind == strace.RecordCall || rec.Kind == strace.RecordEnter {
				begins++
			}
		}
		require.Equal(t, stats.Calls, begins)
	}
}

// A log taken apart by tasks and merged again has the same calls, each beginning and ending where it did.
func TestMergeIsInverse(t *testing.T) {
	names := realLogs(t)
	count := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		want, stats := read(t, string(text), strace.ReaderOptions{})
		if stats.Form.Times != strace.TimeEpoch || !stats.Form.Pids || stats.Form.Brackets || stats.Tasks < 2 {
			continue
		}
		count++
		files := map[string]*strings.Builder{}
		var order []string
		for line := range strings.Lines(string(text)) {
			pid, rest, _ := strings.Cut(line, " ")
			if files[pid] == nil {
				files[pid] = &strings.Builder{}
				order = append(order, pid)
			}
			files[pid].WriteString(strings.TrimLeft(rest, " "))
		}
		var readers []*strace.Reader
		for _, pid := range order {
			readers = append(readers, strace.NewReader(strings.NewReader(files[pid].String()), pid,
				strace.ReaderOptions{Tid: strace.TidOfFile("x." + pid)}))
		}
		got := drain(t, strace.Merge(readers...))
		ordered(t, got)
		require.Equal(t, texts(want), texts(got), name)
	}
	require.Greater(t, count, 20)
}

// texts are the calls of all tasks, task by task.
func texts(records []strace.Record) []string {
	var list []string
	for _, rec := range records {
		if rec.Kind == strace.RecordCall || rec.Kind == strace.RecordEnter {
			list = append(list, fmt.Sprintf("%7d %s", rec.Task.Tid, rec.Call.Text))
		}
	}
	slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(a[:7], b[:7]) })
	return list
}

// Files without times of day have no order.
func TestMergeNeedsTimes(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"close(3) = 0\n", "1795290539.15 close(3) = 0\n", "a:1:1: several files are put in order by the times on their lines"},
		{"1795290539.15 close(3) = 0\n", "19:49:28 close(3) = 0\n", "b:1:10: the times on the lines of this file are of another form"},
		{"1795290539.15 close(3) = 0\n", "  0.000010 close(3) = 0\n", "and this one has none of the day"},
	} {
		src := strace.Merge(strace.NewReader(strings.NewReader(c.a), "a", strace.ReaderOptions{}),
			strace.NewReader(strings.NewReader(c.b), "b", strace.ReaderOptions{}))
		_, err := src.Next()
		require.ErrorContains(t, err, c.want)
	}
	for _, line := range []string{"close(3) = 0\n", "  0.000010 close(3) = 0\n"} { // none has: one behind the other
		src := strace.Merge(strace.NewReader(strings.NewReader(line+line), "a", strace.ReaderOptions{}),
			strace.NewReader(strings.NewReader(line), "b", strace.ReaderOptions{}))
		var places []string
		for rec, err := src.Next(); err == nil; rec, err = src.Next() {
			places = append(places, rec.Pos.String())
			require.Zero(t, rec.Time)
		}
		require.Len(t, places, 3)
		require.True(t, strings.HasPrefix(places[2], "b:1:"), places)
		require.True(t, src.Stats().Untimed)
	}
	require.Equal(t, 4711, strace.TidOfFile("log.4711"))
	require.Zero(t, strace.TidOfFile("log.strace"))
	require.Zero(t, strace.TidOfFile("log"))
}

// With -T a call ends before the next line of its task; without, at that line.
func TestMergeIntervals(t *testing.T) {
	a := "1000000000.000001 read(3, \"x\", 1) = 1 <0.000003>\n1000000000.000009 close(3) = 0\n"
	b := "1000000000.000002 write(4, \"x\", 1) = 1\n1000000000.000006 close(4) = 0\n"
	src := strace.Merge(strace.NewReader(strings.NewReader(a), "a", strace.ReaderOptions{Tid: 1}),
		strace.NewReader(strings.NewReader(b), "b", strace.ReaderOptions{Tid: 2}))
	var got []string
	for _, rec := range drain(t, src) {
		got = append(got, fmt.Sprintf("%d %d %s %s", rec.Time%1e9/1e3, rec.Task.Tid, rec.Kind, rec.Call.Name))
	}
	require.Equal(t, []string{
		"1 1 enter read", "2 2 enter write", "4 1 exit read", "6 2 exit write", "6 2 enter close", "9 1 call close", "9 2 exit close",
	}, got)
}
