package strace_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

// FuzzReader reads anything: it comes to an end, counts each line, and what it gives is whole.
func FuzzReader(f *testing.F) {
	f.Add(wordy)
	for line := range strings.Lines(wordy) {
		f.Add(line)
	}
	for _, ex := range examples {
		f.Add(ex.want + "\n")
	}
	f.Add("[pid 7] close(3strace: Process 8 attached\n) = 0\n")
	f.Add("write(2, \"x\\n\", 2x\n) = 2\n")
	f.Add("7 <... read resumed>\"\", 1) = 0\n7 +++ superseded by execve in pid 8 +++\n")
	f.Add("recvmsg(3, {msg_name={sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), " +
		"inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, msg_namelen=128 => 28, msg_iov=[{iov_base=\"x\"..., iov_len=5}], " +
		"msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 5\n")
	f.Add("ioctl(0, TCGETS, {B38400 opost isig icanon echo ...}) = 0\nwait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 7\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := strace.NewReader(strings.NewReader(text), "log", strace.ReaderOptions{LineLimit: 4096})
		open, lost := map[*strace.Call]bool{}, 0
		for count := 0; ; count++ {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.LessOrEqual(t, count, 4*len(text)+4)
			if rec.Call == nil {
				continue
			}
			require.NotNil(t, rec.Task)
			switch rec.Kind {
			case strace.RecordEnter:
				open[rec.Call] = true
			case strace.RecordExit:
				require.True(t, open[rec.Call] || rec.Call.Headless)
				delete(open, rec.Call)
				if rec.Call.State == strace.CallLost {
					lost++
				}
			}
			places(t, rec.Call, rec.Call.Args)
			if typed, err := rec.Call.Typed(); err == nil {
				require.NotEmpty(t, typed.Name)
			}
		}
		stats := r.Stats()
		require.Equal(t, stats.Unended, len(open)+lost)
		_ = stats.Verdict("log")
	})
}

// places checks that each value knows where it stands.
func places(t *testing.T, call *strace.Call, values []strace.Value) {
	for i := range values {
		v := &values[i]
		require.LessOrEqual(t, int(v.Col), len(call.Text))
		if at := call.Where(v.Col); at.Line < 1 || at.Col < 1 {
			t.Fatalf("%v has no place: %v", v.Text, at)
		}
		places(t, call, v.List)
	}
}
