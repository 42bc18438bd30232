package replay_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/scenario/strace"
)

// logs are the logs of real programs.
const logs = "../../testdata/strace"

func read(t testing.TB, name string) *replay.Log {
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	log, err := replay.Read(strace.NewReader(f, name, strace.ReaderOptions{}), name)
	require.NoError(t, err)
	return log
}

// Every log of a real program is explained.
func TestLogs(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(logs, "*.strace"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := replay.Run(read(t, name), replay.Options{Inferences: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			require.Positive(t, r.Checked)
		})
	}
}
