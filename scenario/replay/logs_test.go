package replay_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
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
			if !form.Long && filepath.Base(name) == "own__nginx_workers_attached_nd.strace" {
				t.Skip("a search of seconds")
			}
			r := replay.Run(read(t, name), replay.Options{Inferences: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			require.Positive(t, r.Checked)
		})
	}
}

// The files of strace -ff are one log too.
func TestLogOfManyFiles(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(logs, "ff", "go_ff.*"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var sources []*strace.Reader
	for _, name := range names {
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		tid, err := strconv.Atoi(filepath.Ext(name)[1:])
		require.NoError(t, err)
		sources = append(sources, strace.NewReader(f, name, strace.ReaderOptions{Tid: tid}))
	}
	log, err := replay.Read(strace.Merge(sources...), names[0])
	require.NoError(t, err)
	require.Nil(t, replay.Run(log, replay.Options{}).Divergence)
}

func source(text string) strace.Source {
	return strace.NewReader(strings.NewReader(text), "log", strace.ReaderOptions{})
}

func parse(t testing.TB, text string) *replay.Log {
	log, err := replay.Read(source(text), "log")
	require.NoError(t, err)
	return log
}
