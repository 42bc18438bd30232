//go:build amd64

package devices_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var pipeSizes = rapid.OneOf(
	rapid.SampledFrom([]int{0, 1, 50, 96, 97, 904, 2049, 3996, 3997, 4095, 4096, 4097, 4146, 5000, 8192, 65536, 70000}),
	rapid.IntRange(0, 9000))

func TestPipeLikeHost(t *testing.T) {
	if os.Getpagesize() != 4096 {
		t.Skip("slots of a pipe are pages; the model has those of x86-64")
	}
	rapid.Check(t, func(rt *rapid.T) {
		flags := abi.O_NONBLOCK | rapid.SampledFrom([]int{0, 0, abi.O_DIRECT}).Draw(rt, "flags")
		var fds [2]int
		if err := syscall.Pipe2(fds[:], flags); err != nil {
			rt.Fatal(err)
		}
		if hostFcntl(fds[0], abi.F_GETPIPE_SZ, 0) != 65536 {
			rt.Skip("this user has too many pipe pages to get rings of 16 slots")
		}
		p := newPipe(t, newSystem(t, sim.Options{}), flags, devices.PipeRules{})
		readers, writers := []*both{newBoth(fds[0], p.r)}, []*both{newBoth(fds[1], p.w)}
		ends := func() []*both { return append(append([]*both{}, readers...), writers...) }
		defer func() {
			for _, b := range ends() {
				b.close()
			}
		}()
		var seed byte
		after := "ADD"
		with := func(from *[]*both, do func(rt *rapid.T, b *both)) func(*rapid.T) {
			return func(rt *rapid.T) {
				if len(*from) > 0 {
					i := rapid.IntRange(0, len(*from)-1).Draw(rt, "end")
					do(rt, (*from)[i])
				}
			}
		}
		anyEnd := func(do func(rt *rapid.T, b *both)) func(*rapid.T) {
			return func(rt *rapid.T) {
				from := ends()
				with(&from, do)(rt)
			}
		}
		reopen := func(b *both, access int) *both {
			fd := must(syscall.Open(fmt.Sprintf("/proc/self/fd/%d", b.fd), access|abi.O_NONBLOCK, 0))
			return newBoth(fd, p.reopen(b.f, access|abi.O_NONBLOCK))
		}
		closeOne := func(from *[]*both) func(*rapid.T) {
			return with(from, func(rt *rapid.T, b *both) {
				if len(ends()) > 1 {
					*from = slices.DeleteFunc(slices.Clone(*from), func(o *both) bool { return o == b })
					b.close()
					after = "close of " + b.f.Name
				}
			})
		}
		write := func(rt *rapid.T, b *both) { after = b.write(rt, pattern(pipeSizes.Draw(rt, "n"), &seed)) }
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				for _, b := range ends() {
					b.agree(rt, after)
				}
				if err := p.Check(); err != nil {
					rt.Fatal(err)
				}
			},
			"write":       with(&writers, write),
			"write again": with(&writers, write),
			"fill": with(&writers, func(rt *rapid.T, b *both) {
				n := rapid.SampledFrom([]int{1000, 2049, 4095, 4096, 5000}).Draw(rt, "chunk")
				for range 20 {
					b.write(rt, pattern(n, &seed))
				}
				after = fmt.Sprintf("fill by %d", n)
			}),
			"read":     with(&readers, func(rt *rapid.T, b *both) { after = b.read(rt, pipeSizes.Draw(rt, "n")) }),
			"fionread": anyEnd(func(rt *rapid.T, b *both) { after = b.fionread(rt) }),
			"lseek":    anyEnd(func(rt *rapid.T, b *both) { after = b.lseek(rt, 0, 0) }),
			"resize": anyEnd(func(rt *rapid.T, b *both) {
				size := rapid.SampledFrom([]int{-1, 0, 4096, 4097, 8192, 16384, 65536, 1 << 17, 1<<31 + 1, 1<<32 + 5000}).Draw(rt, "size")
				after = b.pipeSize(rt, abi.F_SETPIPE_SZ, size)
				b.pipeSize(rt, abi.F_GETPIPE_SZ, 0)
			}),
			"packets": anyEnd(func(rt *rapid.T, b *both) {
				after = b.setFlags(rt, abi.O_NONBLOCK|rapid.SampledFrom([]int{0, abi.O_DIRECT, abi.O_APPEND}).Draw(rt, "flags"))
			}),
			"another reader": with(&readers, func(_ *rapid.T, b *both) { readers = append(readers, reopen(b, abi.O_RDONLY)) }),
			"another writer": with(&writers, func(_ *rapid.T, b *both) { writers = append(writers, reopen(b, abi.O_WRONLY)) }),
			"close a reader": closeOne(&readers),
			"close a writer": closeOne(&writers),
		})
	})
}

func TestEventfdLikeHost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		flags := abi.EFD_NONBLOCK | rapid.SampledFrom([]int{0, abi.EFD_SEMAPHORE}).Draw(rt, "flags")
		initval := rapid.SampledFrom([]uint32{0, 1, 3, 1<<32 - 1}).Draw(rt, "initval")
		fd := sys(syscall.SYS_EVENTFD2, uintptr(initval), uintptr(flags), 0)
		b := newBoth(fd, newEventfd(t, newSystem(t, sim.Options{}), initval, flags))
		defer b.close()
		after := "ADD"
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				b.agree(rt, after)
				if h, m := hostFdinfo(rt, fd), b.f.Ops.(vfs.Fdinfoer).Fdinfo(b.f); h != withoutID(m) {
					rt.Fatalf("fdinfo after %s: host %q, model %q", after, h, m)
				}
			},
			"write": func(rt *rapid.T) {
				v := rapid.SampledFrom([]uint64{0, 1, 2, 1 << 63, top - 2, top - 1, top, top + 1}).Draw(rt, "v")
				after = b.write(rt, number(v))
			},
			"write badly": func(rt *rapid.T) { after = b.write(rt, make([]byte, rapid.IntRange(0, 17).Draw(rt, "n"))) },
			"read":        func(rt *rapid.T) { after = b.read(rt, 8) },
			"read badly":  func(rt *rapid.T) { after = b.read(rt, rapid.IntRange(0, 17).Draw(rt, "n")) },
			"lseek":       func(rt *rapid.T) { after = b.lseek(rt, 5, rapid.IntRange(0, 2).Draw(rt, "whence")) },
			"fionread":    func(rt *rapid.T) { after = b.fionread(rt) },
			"flags": func(rt *rapid.T) {
				after = b.setFlags(rt, abi.O_NONBLOCK|rapid.SampledFrom([]int{0, abi.O_APPEND, abi.O_DIRECT}).Draw(rt, "flags"))
			},
		})
	})
}

// hostFdinfo returns the lines of fdinfo that belong to eventfd, without the id, of which the host has given out others.
func hostFdinfo(t *rapid.T, fd int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(text), "eventfd-count")
	if i < 0 {
		t.Skip("this kernel does not show the count")
	}
	return withoutID(string(text[i:]))
}

func withoutID(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "eventfd-id:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// TestUnwatchableLikeHost: regular files, directories and the devices of memory.
func TestUnwatchableLikeHost(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := newSystem(t, sim.Options{})
		n++
		flags := rapid.SampledFrom([]int{abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR, abi.O_RDWR | abi.O_APPEND, abi.O_RDWR | abi.O_NONBLOCK}).Draw(rt, "flags")
		name := rapid.SampledFrom([]string{"/dev/null", "/dev/zero", "/dev/full", "regular", "directory"}).Draw(rt, "file")
		path, b := name, &both{}
		switch name {
		case "/dev/null":
			b.f = devices.NewNull(s, flags)
		case "/dev/zero":
			b.f = devices.NewZero(s, flags)
		case "/dev/full":
			b.f = devices.NewFull(s, flags)
		case "regular":
			path = filepath.Join(dir, fmt.Sprint(n))
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				rt.Fatal(err)
			}
			defer os.Remove(path)
			b.f = devices.NewRegular(s, path).Open(flags)
		case "directory":
			path = dir
			var errno abi.Errno
			b.f, errno = devices.NewDirectory(s, path, flags)
			if errno != 0 {
				_, err := syscall.Open(path, flags, 0)
				if errnoOf(err) != -int(errno) {
					rt.Fatalf("open: host %v, model %v", err, errno)
				}
				rt.Skip("not opened")
			}
		}
		b.fd = must(syscall.Open(path, flags, 0))
		defer syscall.Close(b.fd)
		ep := must(syscall.EpollCreate1(0))
		err := syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, b.fd, &syscall.EpollEvent{})
		syscall.Close(ep)
		if (err == syscall.EPERM) == b.f.CanPoll() {
			rt.Fatalf("epoll_ctl: host %v, model can poll: %v", err, b.f.CanPoll())
		}
		var seed byte
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if h, m := hostMask(b.fd), mask(b.f); h != m {
					rt.Fatalf("mask: host %s, model %s", h.Short(), m.Short())
				}
			},
			"write": func(rt *rapid.T) { b.write(rt, pattern(rapid.IntRange(0, 5000).Draw(rt, "n"), &seed)) },
			"read":  func(rt *rapid.T) { b.read(rt, rapid.IntRange(0, 5000).Draw(rt, "n")) },
			"lseek": func(rt *rapid.T) {
				whences := 2 // holes, and the end of a directory, depend on the file system
				if name == "directory" {
					whences = 1
				}
				b.lseek(rt, int64(rapid.IntRange(-100, 9000).Draw(rt, "offset")), rapid.IntRange(0, whences).Draw(rt, "whence"))
			},
			"fionread": func(rt *rapid.T) { b.fionread(rt) },
			"flags": func(rt *rapid.T) {
				b.setFlags(rt, rapid.SampledFrom([]int{0, abi.O_APPEND, abi.O_NONBLOCK}).Draw(rt, "flags"))
			},
		})
	})
}

// TestFlagsLikeHost tries every flag alone.
func TestFlagsLikeHost(t *testing.T) {
	s := newSystem(t, sim.Options{})
	for bit := range 31 {
		flags := 1 << bit
		var fds [2]int
		err := syscall.Pipe2(fds[:], flags)
		if err == nil {
			syscall.Close(fds[0])
			syscall.Close(fds[1])
		}
		_, _, errno := devices.NewPipe(s, flags, devices.PipeRules{})
		if flags == abi.O_EXCL && err == nil {
			continue // CONFIG_WATCH_QUEUE
		}
		require.Equal(t, errnoOf(err), -int(errno), "pipe2(%#o)", flags)

		fd := sys(syscall.SYS_EVENTFD2, 0, uintptr(flags), 0)
		if fd >= 0 {
			syscall.Close(fd)
			fd = 0
		}
		_, errno = devices.NewEventfd(s, 0, flags)
		require.Equal(t, fd, -int(errno), "eventfd2(%#o)", flags)
	}
}

func benchHostEventfd(b *testing.B) {
	fd := sys(syscall.SYS_EVENTFD2, 0, 0, 0)
	defer syscall.Close(fd)
	one, got := number(1), make([]byte, 8)
	for b.Loop() {
		syscall.Write(fd, one)
		syscall.Read(fd, got)
	}
}

func benchHostPipe(b *testing.B, size int) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], abi.O_NONBLOCK); err != nil {
		b.Fatal(err)
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	benchPair(b, size,
		func(p []byte) int { return result(syscall.Write(fds[1], p)) },
		func(p []byte) int { return result(syscall.Read(fds[0], p)) })
}
