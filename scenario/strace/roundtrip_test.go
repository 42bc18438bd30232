package strace_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

// again writes a log from what was read of it.
func again(t *testing.T, records []strace.Record, opts strace.Options) string {
	t.Helper()
	s := tell(opts)
	begun := map[*strace.Call]int64{}
	open := map[*strace.Call]*strace.Typed{}
	for _, rec := range records {
		if rec.Time != 0 {
			s.now = rec.Time
		}
		switch rec.Kind {
		case strace.RecordCall, strace.RecordEnter:
			call := typed(t, rec.Call)
			s.enter(rec.Task.Tid, call.Call)
			begun[rec.Call], open[rec.Call] = s.now, call
			if rec.Kind == strace.RecordEnter || rec.Call.State != strace.CallDone {
				continue
			}
			s.now += spent(call)
			s.exit(asReturned(call))
		case strace.RecordExit:
			if rec.Call.State == strace.CallNever {
				continue // its task's end tells it
			}
			call := open[rec.Call]
			if left := spent(call); left != 0 {
				s.now = begun[rec.Call] + left
			}
			s.exit(asReturned(call))
		case strace.RecordSignal:
			info, ok := rec.SignalInfo()
			require.True(t, ok, rec.Text)
			s.signal(info)
		case strace.RecordEnd:
			s.event(kernel.TraceEnd, &kernel.ThreadEnd{
				Tid: rec.Task.Tid, Pid: rec.Task.Tid, Code: rec.End.Code, Signal: rec.End.Signal,
			})
		default:
			t.Fatalf("%v: %s", rec.Why, rec.Text)
		}
	}
	return s.log(t)
}

func typed(t *testing.T, call *strace.Call) *strace.Typed {
	t.Helper()
	c, err := call.Typed()
	require.NoError(t, err, call.Text)
	for i, arg := range c.Args { // something behind what is shown, so that it is cut again
		switch arg := arg.(type) {
		case []byte:
			if !c.Shown(i) {
				c.Args[i] = append(arg, 0)
			}
		case []abi.EpollEvent:
			if !c.Shown(i) {
				c.Args[i] = append(arg, abi.EpollEvent{})
			}
		case []abi.PollFd:
			if !c.Shown(i) {
				c.Args[i] = append(arg, abi.PollFd{})
			}
		}
	}
	return c
}

// spent is how long a call took, by the time that was left of its timeout.
func spent(c *strace.Typed) int64 {
	if c.Left == nil {
		return 0
	}
	for _, arg := range c.Args {
		switch arg := arg.(type) {
		case *abi.Timespec:
			return (arg.Sec-c.Left.Sec)*1e9 + arg.Nsec - c.Left.Nsec
		case *abi.Timeval:
			return (arg.Sec-c.Left.Sec)*1e9 + arg.Usec*1e3 - c.Left.Nsec
		}
	}
	return 0
}

// asReturned has the arguments of a call as they are when it has ended.
func asReturned(c *strace.Typed) *kernel.Call {
	if c.Ready != nil {
		for i := range c.Ready {
			if set, ok := c.Args[1+i].(*abi.FdSet); ok {
				*set = c.Ready[i]
			}
		}
	}
	return &c.Call
}

// What run prints can be read, and says the same when it is written again.
func TestGoldensRoundTrip(t *testing.T) {
	logs, err := filepath.Glob("../../testdata/*/*.strace")
	require.NoError(t, err)
	count := 0
	for _, name := range logs {
		if strings.Contains(name, "testdata/strace/") {
			continue
		}
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		records, stats := read(t, string(text), strace.ReaderOptions{})
		require.Nil(t, stats.First, name)
		opts := strace.Options{Times: stats.Form.Times != strace.TimeNone, StringLimit: -1}
		if strings.Contains(string(text), `"...`) || strings.Contains(string(text), `, ...]`) {
			opts.StringLimit = 32
		}
		t.Log(name)
		sameLines(t, string(text), again(t, records, opts))
		count++
	}
	require.Greater(t, count, 100)
}

// Each example of the table can be read, and its arguments are of the types that a printer takes.
func TestExamplesRoundTrip(t *testing.T) {
	var text strings.Builder
	for _, ex := range examples {
		if ex.call.Name != "frobnicate" {
			text.WriteString("1000  " + ex.want + "\n")
		}
	}
	records, stats := read(t, text.String(), strace.ReaderOptions{})
	require.Nil(t, stats.First)
	sameLines(t, text.String(), again(t, records, strace.Options{}))
}

// Of the logs of real programs, the model has types for all calls but those on netlink sockets and most of futex.
func TestRealLogsTyped(t *testing.T) {
	for _, name := range realLogs(t) {
		file, err := os.Open(name)
		require.NoError(t, err)
		defer file.Close()
		records, _ := readFrom(t, file, filepath.Base(name), strace.ReaderOptions{})
		for _, rec := range records {
			if rec.Call == nil || !strace.Modelled(rec.Call.Name) || rec.Call.Name == "futex" {
				continue
			}
			if _, err := rec.Call.Typed(); err != nil {
				require.Contains(t, err.Error(), "NETLINK")
			}
		}
	}
}
