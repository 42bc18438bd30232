package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An exploration that saves now and then reports what one does that never stops, and leaves nothing to go on from but a result.
func TestCheckpointIsWrittenMeanwhile(t *testing.T) {
	defer func(d time.Duration) { saveEvery = d }(saveEvery)
	dir := t.TempDir()
	file := filepath.Join(dir, "two.star")
	require.NoError(t, os.WriteFile(file, []byte(`ep = epoll_create1()
e = eventfd(0, EFD_NONBLOCK)
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)
def waiter():
    epoll_wait(ep, timeout = 10)
for _ in range(3):
    spawn(waiter)
eventfd_write(e, 1)
outcome(n = 1)
`), 0o600))
	args := []string{"explore", "--max-schedules=1200", "--max-duration=0", file}
	want, _, err := command(args...)
	require.Error(t, err) // inconclusive
	saved := filepath.Join(dir, "saved")
	saveEvery = time.Millisecond
	got, _, err := command(append(args, "--checkpoint="+saved)...)
	require.Error(t, err)
	require.Equal(t, want, got)
	require.FileExists(t, saved)

	// What a kill leaves behind is the file as it was last written.
	require.NoError(t, os.Remove(saved))
	_, _, err = command("explore", "--max-schedules=500", "--checkpoint="+saved, file)
	require.Error(t, err)
	half, err := os.ReadFile(saved)
	require.NoError(t, err)
	got, _, _ = command(append(args, "--checkpoint="+saved)...)
	require.Equal(t, want, got)
	require.NoError(t, os.WriteFile(saved, half, 0o600))
	saveEvery = time.Hour
	got, _, _ = command(append(args, "--checkpoint="+saved, "-j2")...)
	require.Equal(t, want, got)
}
