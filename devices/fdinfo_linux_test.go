//go:build amd64

package devices_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// TestFdinfoLikeHost compares the lines of /proc/self/fdinfo that are a device's own, but for numbers of this run.
func TestFdinfoLikeHost(t *testing.T) {
	s := newSystem(t, sim.Options{})
	local := regexp.MustCompile(`(it_value: |pid:\t)[^\n]*`)
	compare := func(fd int, err syscall.Errno, begin string, f *vfs.File) {
		t.Helper()
		require.Zero(t, err)
		defer syscall.Close(fd)
		text, readErr := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		require.NoError(t, readErr)
		i := strings.Index(string(text), begin)
		require.GreaterOrEqual(t, i, 0, "%s", text)
		host, model := string(text)[i:], f.Ops.(vfs.Fdinfoer).Fdinfo(f)
		require.Equal(t, local.ReplaceAllString(host, "$1"), local.ReplaceAllString(model, "$1"))
		link, readErr := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		require.NoError(t, readErr)
		require.Equal(t, link, f.Name)
		require.Equal(t, hostFcntl(fd, abi.F_GETFL, 0), f.Flags())
	}

	f, tf := newTimerfd(t, s, abi.CLOCK_BOOTTIME, abi.TFD_NONBLOCK)
	spec := abi.Itimerspec{Value: abi.Timespec{Sec: 1000}, Interval: abi.Timespec{Sec: 3, Nsec: 5}}
	tf.Settime(abi.TFD_TIMER_CANCEL_ON_SET, spec)
	fd, _, err := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, abi.CLOCK_BOOTTIME, abi.TFD_NONBLOCK, 0)
	require.Zero(t, err)
	_, _, err = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, abi.TFD_TIMER_CANCEL_ON_SET, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	compare(int(fd), err, "clockid:", f)

	set := abi.SigSet(1<<(abi.SIGUSR1-1) | 1<<(abi.SIGKILL-1) | 1<<39)
	fd, _, err = syscall.Syscall6(syscall.SYS_SIGNALFD4, ^uintptr(0), uintptr(unsafe.Pointer(&set)), 8, abi.SFD_NONBLOCK, 0, 0)
	compare(int(fd), err, "sigmask:", devices.NewSignalfd(s, set, abi.SFD_NONBLOCK))

	const pidfdOpen = 434
	flags := abi.PIDFD_NONBLOCK
	fd, _, err = syscall.Syscall(pidfdOpen, uintptr(os.Getpid()), uintptr(flags), 0)
	if err != 0 {
		t.Skip("pidfd_open: ", err)
	}
	p := devices.NewPid(s, os.Getpid(), devices.PidAlive)
	compare(int(fd), err, "Pid:", devices.NewPidfd(s, p, flags))
}
