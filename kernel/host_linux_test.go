package kernel_test

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
	"github.com/epollsim/epollsim/kernel"
)

// /proc/self/fdinfo of an epoll here and on the model, but for what differs from machine to machine.
func TestFdinfoAgainstHost(t *testing.T) {
	ep := must(syscall.EpollCreate1(syscall.EPOLL_CLOEXEC))
	defer syscall.Close(ep)
	fd := hostEventfd(t, 0)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN | 1<<31, Fd: 7, Pad: 3}
	must(0, syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &ev))
	host := string(must(os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", ep))))
	checked(t, func(th *kernel.Thread) {
		e := must(th.EpollCreate1(abi.EPOLL_CLOEXEC))
		must(th.Eventfd2(0, 0))
		must(th.Dup2(e+1, fd))
		must(0, th.EpollCtl(e, abi.EPOLL_CTL_ADD, fd, &abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLET, Data: 7 | 3<<32}))
		local := regexp.MustCompile(`(ino:|mnt_id:\t|sdev:)[\t0-9a-f]*`)
		require.Equal(t, local.ReplaceAllString(host, "$1"), local.ReplaceAllString(must(th.Fdinfo(e)), "$1"))
	})
}

// The same wrong calls on this kernel.
func TestIoctlAgainstHost(t *testing.T) {
	var u syscall.Utsname
	must(0, syscall.Uname(&u))
	var release strings.Builder
	for _, c := range u.Release {
		release.WriteByte(byte(c))
	}
	var major, minor int
	if n, _ := fmt.Sscanf(release.String(), "%d.%d", &major, &minor); n != 2 || major < 6 || major == 6 && minor < 9 {
		t.Skipf("this kernel (%s) has no ioctls of epoll: 6.9 brought them", release.String())
	}
	ep := must(syscall.EpollCreate1(0))
	defer syscall.Close(ep)
	fd := hostEventfd(t, 0)
	checked(t, func(th *kernel.Thread) {
		fds := [][2]int{{ep, must(th.EpollCreate1(0))}, {fd, must(th.Eventfd2(0, 0))}, {1 << 20, 1 << 20}}
		for _, pair := range fds {
			for _, request := range []uint{abi.FIONREAD, abi.FIONBIO, abi.FIOCLEX, abi.FIONCLEX, abi.FIOASYNC, 0x5401, 0, abi.EPIOCGPARAMS} {
				arg := [8]int64{1}
				_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(pair[0]), uintptr(request), uintptr(unsafe.Pointer(&arg)))
				_, err := th.Ioctl(pair[1], request, 1)
				if err == nil {
					err = abi.Errno(0)
				}
				require.Equal(t, abi.Errno(errno), err, "ioctl %#x", request)
			}
		}
	})
}
