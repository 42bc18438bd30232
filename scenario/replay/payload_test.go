package replay

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	_ "github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
)

// Bytes that the log leaves out take no memory, however many they are.
func TestLargeWritesTakeLittleMemory(t *testing.T) {
	const calls = 6
	var b strings.Builder
	b.WriteString("pipe2([3, 4], O_NONBLOCK) = 0\nwrite(4, \"x\"..., 65536) = 65536\n")
	for range calls {
		fmt.Fprintf(&b, "write(4, \"x\"..., %d) = -1 EAGAIN (Resource temporarily unavailable)\n", maxBuffer)
		fmt.Fprintf(&b, "writev(4, [{iov_base=\"x\"..., iov_len=%d}, {iov_base=\"y\"..., iov_len=9}], 2) = -1 EAGAIN (Resource temporarily unavailable)\n", maxBuffer-9)
	}
	log, err := Read(strace.NewReader(strings.NewReader(b.String()), "log", strace.ReaderOptions{}), "log")
	require.NoError(t, err)
	require.Nil(t, Run(log, Options{}).Divergence)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	require.Less(t, m.HeapAlloc, uint64(200<<20))
	require.Equal(t, 2+2*calls, log.moments)
	runtime.KeepAlive(log)
}

func TestPayload(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		buffers := rapid.SliceOf(rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 'x', 'y'}))).Draw(rt, "buffers")
		want := bytes.Join(buffers, nil)
		p := joined(buffers)
		require.Equal(rt, len(want), p.size)
		n := rapid.IntRange(0, len(want)).Draw(rt, "n")
		require.Equal(rt, string(want[:n]), string(p.first(int64(n))))
		more := p.grown(int64(len(want) + n))
		require.Equal(rt, string(append(want, make([]byte, n)...)), string(more.first(int64(more.size))))
	})
}
