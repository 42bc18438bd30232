//go:build amd64

package devices_test

import (
	"fmt"
	"strings"
	"syscall"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// The same random calls on the running kernel and on the model, result by result: counts and errnos, bytes, masks, and
// the edges that three watchers of each description see.

func errnoOf(err error) int {
	if err == nil {
		return 0
	}
	return -int(err.(syscall.Errno))
}

func result(n int, err error) int {
	if err != nil {
		return errnoOf(err)
	}
	return n
}

func sys(trap, a, b, c uintptr) int {
	n, _, errno := syscall.Syscall(trap, a, b, c)
	if errno != 0 {
		return -int(errno)
	}
	return int(n)
}

func hostFcntl(fd, cmd, arg int) int {
	return sys(syscall.SYS_FCNTL, uintptr(fd), uintptr(cmd), uintptr(arg))
}

func hostFionread(fd int) int {
	var n int32
	if r := sys(syscall.SYS_IOCTL, uintptr(fd), abi.FIONREAD, uintptr(unsafe.Pointer(&n))); r < 0 {
		return r
	}
	return int(n)
}

// hostMask is poll(2) without waiting, for every bit.
func hostMask(fd int) abi.Events {
	p := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: 0x3fff}
	retry(func() error {
		_, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&syscall.Timespec{})), 0, 8, 0)
		return errno
	})
	return abi.Events(p.revents)
}

// retry calls again what a signal of Go's scheduler has interrupted; even a poll that does not wait can be.
func retry(call func() error) {
	for {
		switch err := call(); err {
		case nil, syscall.Errno(0):
			return
		case syscall.EINTR:
		default:
			panic(err)
		}
	}
}

// hostWatchers are three epolls that watch one fd edge-triggered.
type hostWatchers [3]int

func hostWatchAll(fd int) (ws hostWatchers) {
	for i, interest := range []abi.Events{all, in, out} {
		ws[i] = must(syscall.EpollCreate1(0))
		event := &syscall.EpollEvent{Events: uint32(interest | abi.EPOLLET)}
		if err := syscall.EpollCtl(ws[i], syscall.EPOLL_CTL_ADD, fd, event); err != nil {
			panic(err)
		}
	}
	return ws
}

func (ws hostWatchers) harvest() string {
	var cells []string
	for _, ep := range ws {
		var events [1]syscall.EpollEvent
		cell := "-"
		n := 0
		retry(func() (err error) {
			n, err = syscall.EpollWait(ep, events[:], 0)
			return err
		})
		if n == 1 {
			cell = (abi.Events(events[0].Events) &^ twins).Short()
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, " / ")
}

func (ws hostWatchers) close() {
	for _, ep := range ws {
		syscall.Close(ep)
	}
}

func must(n int, err error) int {
	if err != nil {
		panic(err)
	}
	return n
}

// both is a description on the host and on the model, and who watches it.
type both struct {
	fd    int
	f     *vfs.File
	hostW hostWatchers
	w     watchers
}

func newBoth(fd int, f *vfs.File) *both {
	return &both{fd, f, hostWatchAll(fd), watchAll(f)}
}

func (b *both) close() {
	syscall.Close(b.fd)
	b.hostW.close()
	b.w.unhook()
	b.f.Put()
}

// agree compares masks and edges.
func (b *both) agree(t *rapid.T, after string) {
	if h, m := b.hostW.harvest(), b.w.harvest(); h != m {
		t.Fatalf("edges of %s after %s: host %s, model %s", b.f.Name, after, h, m)
	}
	if h, m := hostMask(b.fd), mask(b.f); h != m {
		t.Fatalf("mask of %s after %s: host %s, model %s", b.f.Name, after, h.Short(), m.Short())
	}
}

func (b *both) write(t *rapid.T, p []byte) string {
	what := fmt.Sprintf("write %d", len(p))
	if h, m := result(syscall.Write(b.fd, p)), write(b.f, p); h != m {
		t.Fatalf("%s: host %d, model %d", what, h, m)
	}
	return what
}

func (b *both) read(t *rapid.T, n int) string {
	what := fmt.Sprintf("read %d", n)
	hp, mp := make([]byte, n), make([]byte, n)
	if h, m := result(syscall.Read(b.fd, hp)), read(b.f, mp); h != m {
		t.Fatalf("%s: host %d, model %d", what, h, m)
	}
	if string(hp) != string(mp) {
		t.Fatalf("%s: other bytes", what)
	}
	return what
}

func (b *both) setFlags(t *rapid.T, flags int) string {
	what := fmt.Sprintf("F_SETFL %#o", flags)
	if h, m := hostFcntl(b.fd, abi.F_SETFL, flags), -int(b.f.SetFlags(flags)); h != m {
		t.Fatalf("%s: host %d, model %d", what, h, m)
	}
	if h, m := hostFcntl(b.fd, abi.F_GETFL, 0)&^abi.O_LARGEFILE, b.f.Flags(); h != m {
		t.Fatalf("F_GETFL after %s: host %#o, model %#o", what, h, m)
	}
	return what
}

func (b *both) pipeSize(t *rapid.T, cmd, arg int) string {
	what := fmt.Sprintf("fcntl %d, %d", cmd, arg)
	m, errno := b.f.Ops.(vfs.Fcntler).Fcntl(b.f, cmd, arg)
	if errno != 0 {
		m = -int(errno)
	}
	if h := hostFcntl(b.fd, cmd, arg); h != m {
		t.Fatalf("%s: host %d, model %d", what, h, m)
	}
	return what
}

func (b *both) fionread(t *rapid.T) string {
	m := -int(abi.ENOTTY)
	if i, ok := b.f.Ops.(vfs.Ioctler); ok {
		n, errno := i.Ioctl(b.f, abi.FIONREAD, 0)
		if m = int(n); errno != 0 {
			m = -int(errno)
		}
	}
	if h := hostFionread(b.fd); h != m {
		t.Fatalf("FIONREAD: host %d, model %d", h, m)
	}
	return "FIONREAD"
}

func (b *both) lseek(t *rapid.T, offset int64, whence int) string {
	what := fmt.Sprintf("lseek %d, %d", offset, whence)
	m, errno := int64(0), abi.ESPIPE
	if s, ok := b.f.Ops.(vfs.Seeker); ok {
		m, errno = s.Seek(b.f, offset, whence)
	}
	if errno != 0 {
		m = -int64(errno)
	}
	h, err := syscall.Seek(b.fd, offset, whence)
	if err != nil {
		h = int64(errnoOf(err))
	}
	if h != m {
		t.Fatalf("%s: host %d, model %d", what, h, m)
	}
	return what
}

// pattern is n bytes that differ from call to call.
func pattern(n int, seed *byte) []byte {
	p := make([]byte, n)
	for i := range p {
		*seed = *seed*5 + 7
		p[i] = *seed
	}
	return p
}
