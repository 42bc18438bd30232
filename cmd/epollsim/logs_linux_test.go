package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pipe can be opened once: what has been read of it is kept for the next reading.
func TestLogFromPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))
	go func() { _ = os.WriteFile(name, []byte("close(3) = 0\nclose(4) = 0\n"), 0) }()
	open, _ := openLog([]string{name}, nil)
	for range 2 {
		src, done, err := open()
		require.NoError(t, err)
		calls := 0
		for {
			if _, err := src.Next(); err != nil {
				break
			}
			calls++
		}
		done()
		require.Equal(t, 2, calls)
	}
}
