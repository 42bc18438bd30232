package devices

import (
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var (
	classInotifyUser = sim.NewClass("ucounts")
	fieldInstances   = sim.NewField("inotify_instances")
	fieldWatches     = sim.NewField("inotify_watches")
)

// Limits of inotify, as Linux 6.18 has them on a machine with 2 GiB.
const (
	defaultQueuedEvents = 16384
	defaultInstances    = 128
	defaultWatches      = 16270 // what fits into 1/100 of the memory
)

// InotifyUser is who inotifies are charged to, and what it may have: the sysctls below fs.inotify. Models the ucounts of
// UCOUNT_INOTIFY_INSTANCES and UCOUNT_INOTIFY_WATCHES.
type InotifyUser struct {
	MaxInstances, MaxWatches int
	MaxQueuedEvents          int // of instances that are made from now on

	m                  *sim.Machine
	id                 sim.ID
	instances, watches int
}

// NewInotifyUser returns a user that has nothing yet, with the limits of a machine as it comes.
func NewInotifyUser(s *vfs.System) *InotifyUser {
	return &InotifyUser{
		MaxInstances: defaultInstances, MaxWatches: defaultWatches, MaxQueuedEvents: defaultQueuedEvents,
		m: s.M, id: s.M.NewID(classInotifyUser),
	}
}

// mayCreate counts an instance, unless there are as many as may be: inc_inotify_instances.
func (u *InotifyUser) mayCreate() bool {
	u.m.Write(u.id, fieldInstances)
	if u.instances >= u.MaxInstances {
		return false
	}
	u.instances++
	return true
}

func (u *InotifyUser) endInstance() {
	u.m.Write(u.id, fieldInstances)
	u.instances--
}

// mayWatch counts a watch, unless there are as many as may be: inc_inotify_watches.
func (u *InotifyUser) mayWatch() bool {
	u.m.Write(u.id, fieldWatches)
	if u.watches >= u.MaxWatches {
		return false
	}
	u.watches++
	return true
}

func (u *InotifyUser) endWatches(n int) {
	u.m.Write(u.id, fieldWatches)
	u.watches -= n
}
