package devices

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classMounts     = sim.NewClass("mnt_namespace")
	classMountsPoll = sim.NewClass("mnt_namespace.poll")
	fieldEvent      = sim.NewField("event")
)

// Mounts is what is mounted, as far as those know who poll /proc/self/mounts: that it has changed. Models struct
// mnt_namespace. Its text is one line that never changes.
type Mounts struct {
	sys   *vfs.System
	m     *sim.Machine
	id    sim.ID
	event uint64
	poll  waitqueue.Head
}

// NewMounts returns a namespace in which nothing has changed.
func NewMounts(s *vfs.System) *Mounts {
	n := &Mounts{sys: s, m: s.M, id: s.M.NewID(classMounts)}
	n.poll.InitClass(s.M, classMountsPoll)
	return n
}

// Changed says that something was mounted or unmounted: touch_mnt_namespace.
func (n *Mounts) Changed() {
	n.m.Write(n.id, fieldEvent)
	n.event++
	n.poll.WakeUp(sim.Interruptible, 1, false, 0)
}

// mountsFile is an open /proc/self/mounts, models struct proc_mounts.
type mountsFile struct {
	*Mounts
	seen uint64 // the change that was told last: poll_event
}

// mountsText is what is read.
const mountsText = "rootfs / rootfs rw 0 0\n"

// NewMountsFile opens /proc/self/mounts.
func (n *Mounts) NewMountsFile(flags int) *vfs.File {
	n.m.Read(n.id, fieldEvent)
	return n.sys.NewFile(&mountsFile{n, n.event}, deviceFlags(flags), "/proc/self/mounts", n.sys.NextIno())
}

// Poll is always IN|RDNORM, and with a change since the last look PRI and ERR: whoever looks takes that away from the
// others on this description. Models mounts_poll.
func (p *mountsFile) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &p.poll)
	mask := abi.EPOLLIN | abi.EPOLLRDNORM
	p.m.Read(p.id, fieldEvent)
	if p.seen != p.event {
		p.seen = p.event
		mask |= abi.EPOLLERR | abi.EPOLLPRI
	}
	return mask
}

// Read reads at the position: seq_read.
func (p *mountsFile) Read(f *vfs.File, b []byte) (int, abi.Errno) {
	n, errno := p.ReadAt(f, b, f.Pos)
	f.Pos += int64(n)
	return n, errno
}

// ReadAt reads at pos.
func (p *mountsFile) ReadAt(_ *vfs.File, b []byte, pos int64) (int, abi.Errno) {
	n, _ := strings.NewReader(mountsText).ReadAt(b, pos)
	return n, 0
}

// WriteAt is never asked.
func (p *mountsFile) WriteAt(*vfs.File, []byte, int64) (int, abi.Errno) { return 0, abi.EINVAL }

// WritesAt is false: seq_open takes FMODE_PWRITE away.
func (p *mountsFile) WritesAt() bool { return false }

// Mute is of writes.
func (p *mountsFile) Mute() (read, write bool) { return false, true }

// Write is EINVAL: there is none.
func (p *mountsFile) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Seek moves the position: seq_lseek.
func (p *mountsFile) Seek(f *vfs.File, offset int64, whence int) (int64, abi.Errno) {
	return seek(f, offset, whence, -1)
}

// Ioctl knows FIONREAD: files of /proc have no size.
func (p *mountsFile) Ioctl(f *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	if request != abi.FIONREAD {
		return 0, abi.ENOTTY
	}
	return int64(int32(-f.Pos)), 0
}

// Release does nothing.
func (p *mountsFile) Release(*vfs.File) {}
