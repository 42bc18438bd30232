package bench_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/bench"
)

// The rows are there and the hot paths allocate nothing; how fast they are is no test.
func TestCore(t *testing.T) {
	rows, err := bench.Core(0.01)
	require.NoError(t, err)
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
		require.Positive(t, r.ModelNS, r.Name)
		if runtime.GOOS == "linux" {
			require.Positive(t, r.HostNS, r.Name)
			require.InDelta(t, r.ModelNS/r.HostNS, r.Ratio, 1e-9, r.Name)
		}
		if r.Name != "watch" {
			require.Less(t, r.AllocsPerOp, 0.1, r.Name)
		}
	}
	require.Equal(t, []string{"cycle", "add_del", "switch", "unix", "watch"}, names)
	require.Less(t, rows[4].BytesPerWatch, 450.0)
}

// BenchmarkRatio reports the model's time as a share of the host's, both measured in turn in this run.
func BenchmarkRatio(b *testing.B) {
	for b.Loop() {
		rows, err := bench.Core(0.3)
		require.NoError(b, err)
		for _, r := range rows {
			b.ReportMetric(r.Ratio, r.Name+"-ratio")
		}
		b.ReportMetric(rows[4].BytesPerWatch, "bytes/watch")
	}
}
