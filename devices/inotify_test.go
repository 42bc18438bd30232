package devices_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// inTask runs fn in a task of a machine.
func inTask(t interface{ Fatalf(string, ...any) }, fn func(s *vfs.System)) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	s := &vfs.System{M: m}
	m.Go("main", nil, func(*sim.Task) { fn(s) })
	if err := m.Run(); err != nil {
		t.Fatalf("%v", err)
	}
}

// events are those in what was read, as text.
func events(p []byte) []string {
	var all []string
	for len(p) > 0 {
		size := 16 + int(binary.LittleEndian.Uint32(p[12:]))
		name := strings.TrimRight(string(p[16:size]), "\x00")
		all = append(all, fmt.Sprintf("%d %s %s", int32(binary.LittleEndian.Uint32(p)), abi.Flags("IN", int64(binary.LittleEndian.Uint32(p[4:]))), name))
		p = p[size:]
	}
	return all
}

func inotifyEvents(f *vfs.File) []string {
	p := make([]byte, 1<<20)
	n := read(f, p)
	return events(p[:max(n, 0)])
}

func TestInotifyNumbersAndMasks(t *testing.T) {
	require.Equal(t, abi.EINVAL, devices.CheckWatchMask(0))
	require.Equal(t, abi.EINVAL, devices.CheckWatchMask(1<<12))
	require.Zero(t, devices.CheckWatchMask(abi.IN_IGNORED), "no event of it ever comes")
	require.Equal(t, abi.EINVAL, devices.CheckWatchFlags(abi.IN_MASK_ADD|abi.IN_MASK_CREATE))
	inTask(t, func(s *vfs.System) {
		_, errno := devices.NewInotify(s, devices.NewInotifyUser(s), 1)
		require.Equal(t, abi.EINVAL, errno)
		f, _ := devices.NewInotify(s, devices.NewInotifyUser(s), abi.IN_NONBLOCK)
		n := devices.InotifyOf(f)
		a, b := s.NewInode(vfs.RegularInode), s.NewInode(vfs.RegularInode)
		add := func(i *vfs.Inode, mask uint32) string {
			wd, errno := n.AddWatch(i, mask)
			if errno != 0 {
				return errno.Name()
			}
			return fmt.Sprint(wd)
		}
		require.Equal(t, "1", add(a, abi.IN_OPEN))
		require.Equal(t, "2", add(b, abi.IN_OPEN))
		require.Equal(t, "EEXIST", add(a, abi.IN_OPEN|abi.IN_MASK_CREATE))
		require.Equal(t, "1", add(a, abi.IN_MODIFY|abi.IN_MASK_ADD))
		require.Equal(t, []string{"1 IN_MODIFY|IN_OPEN", "2 IN_OPEN"}, n.State().Watches)
		require.Equal(t, "1", add(a, abi.IN_ATTRIB))
		require.Zero(t, n.RemoveWatch(1))
		require.Equal(t, abi.EINVAL, n.RemoveWatch(1))
		require.Equal(t, "3", add(a, abi.IN_OPEN), "a number is not used again at once")
		require.Equal(t, []string{"1 IN_IGNORED "}, inotifyEvents(f))
		f.Put()
		require.Empty(t, a.Marks())
	})
}

func TestInotifyReadSizes(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		f, _ := devices.NewInotify(s, devices.NewInotifyUser(s), abi.IN_NONBLOCK)
		dir := s.NewInode(vfs.DirInode)
		devices.InotifyOf(f).AddWatch(dir, abi.IN_CREATE)
		require.Equal(t, -int(abi.EAGAIN), read(f, nil))
		for _, c := range []struct{ name, size int }{{1, 32}, {15, 32}, {16, 48}, {255, 272}} {
			dir.Notify(vfs.FileEvent{Mask: abi.IN_CREATE, Name: strings.Repeat("n", c.name)})
			left, _ := devices.InotifyOf(f).Ioctl(f, abi.FIONREAD, 0)
			require.EqualValues(t, c.size, left)
			require.Equal(t, -int(abi.EINVAL), read(f, nil))
			require.Equal(t, -int(abi.EINVAL), read(f, make([]byte, c.size-1)))
			require.Equal(t, c.size, read(f, make([]byte, c.size)))
		}
		require.Equal(t, -int(abi.EAGAIN), read(f, make([]byte, 100)))
		require.False(t, f.Writable())
	})
}

func TestInotifyOneshotAndUnlinked(t *testing.T) {
	inTask(t, func(s *vfs.System) {
		f, _ := devices.NewInotify(s, devices.NewInotifyUser(s), abi.IN_NONBLOCK)
		n, i := devices.InotifyOf(f), s.NewInode(vfs.RegularInode)
		n.AddWatch(i, abi.IN_MODIFY|abi.IN_ONESHOT)
		i.Notify(vfs.FileEvent{Mask: abi.IN_OPEN})
		i.Notify(vfs.FileEvent{Mask: abi.IN_MODIFY})
		i.Notify(vfs.FileEvent{Mask: abi.IN_MODIFY})
		require.Equal(t, []string{"1 IN_MODIFY ", "1 IN_IGNORED "}, inotifyEvents(f))
		n.AddWatch(i, abi.IN_MODIFY|abi.IN_EXCL_UNLINK)
		i.Notify(vfs.FileEvent{Mask: abi.IN_MODIFY, Unlinked: true})
		require.Empty(t, inotifyEvents(f))
	})
}

// Two readers that sleep are both woken; the first to come takes the event.
func TestInotifyBlockedReaders(t *testing.T) {
	m := sim.New(sim.Options{Check: true})
	defer m.Close()
	s := &vfs.System{M: m}
	f, _ := devices.NewInotify(s, devices.NewInotifyUser(s), 0)
	dir := s.NewInode(vfs.DirInode)
	devices.InotifyOf(f).AddWatch(dir, abi.IN_ALL_EVENTS)
	var got []string
	for range 2 {
		m.Go("reader", nil, func(*sim.Task) {
			p := make([]byte, 64)
			got = append(got, events(p[:max(0, read(f, p))])...)
		})
	}
	m.Go("writer", nil, func(task *sim.Task) {
		task.SleepUntil(1000, "test")
		require.Len(t, devices.InotifyOf(f).State().Waitq, 2)
		dir.Notify(vfs.FileEvent{Mask: abi.IN_CREATE, Name: "a"})
		task.SleepUntil(2000, "test")
		require.Len(t, devices.InotifyOf(f).State().Waitq, 1, "one has found nothing and sleeps again")
		dir.Notify(vfs.FileEvent{Mask: abi.IN_CREATE, Name: "b"})
	})
	require.NoError(t, m.Run())
	require.Equal(t, []string{"1 IN_CREATE a", "1 IN_CREATE b"}, got)
}

// Whatever happens, readers get the events in order, those that are like the one before it only if that was read.
func TestInotifyIsAQueue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inTask(rt, func(s *vfs.System) {
			f, _ := devices.NewInotify(s, devices.NewInotifyUser(s), abi.IN_NONBLOCK)
			dir := s.NewInode(vfs.DirInode)
			devices.InotifyOf(f).AddWatch(dir, abi.IN_ALL_EVENTS)
			var want, got []string
			unread := 0
			for range rapid.IntRange(1, 60).Draw(rt, "steps") {
				mask := uint32(1) << rapid.IntRange(0, 11).Draw(rt, "mask")
				name := rapid.SampledFrom([]string{"a", "b", "a long name, longer than sixteen"}).Draw(rt, "name")
				if rapid.IntRange(0, 3).Draw(rt, "read") == 0 {
					p := make([]byte, rapid.SampledFrom([]int{0, 20, 32, 64, 500}).Draw(rt, "size"))
					n := read(f, p)
					got = append(got, events(p[:max(n, 0)])...)
					unread = len(want) - len(got)
					continue
				}
				dir.Notify(vfs.FileEvent{Mask: mask, Name: name})
				e := fmt.Sprintf("1 %s %s", abi.Flags("IN", int64(mask)), name)
				if unread == 0 || want[len(want)-1] != e {
					want = append(want, e)
					unread++
				}
			}
			got = append(got, inotifyEvents(f)...)
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				rt.Fatalf("got %q, want %q", got, want)
			}
		})
	})
}
