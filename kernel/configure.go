package kernel

import "fmt"

// MountsChanged says that the machine has mounted or unmounted a file system, which who polls /proc/self/mounts is told.
func (k *Kernel) MountsChanged() { k.mountNs().Changed() }

// Configure changes what a program finds and cannot change itself: the sysctls fs.epoll.max_user_watches and
// fs.inotify.max_user_instances, max_user_watches and max_queued_events, numbers; and CONFIG_PM_SLEEP, 0 or 1, without which
// EPOLLWAKEUP means nothing.
func (k *Kernel) Configure(name string, value int) error {
	if value < 0 {
		return fmt.Errorf("%s: %d is negative", name, value)
	}
	switch name {
	case "fs.epoll.max_user_watches":
		k.epoll.MaxUserWatches = value
	case "fs.inotify.max_user_instances":
		k.inotifyUser().MaxInstances = value
	case "fs.inotify.max_user_watches":
		k.inotifyUser().MaxWatches = value
	case "fs.inotify.max_queued_events":
		k.inotifyUser().MaxQueuedEvents = value
	case "CONFIG_PM_SLEEP":
		k.epoll.PMSleep = value != 0
	default:
		return fmt.Errorf("%q is not known: there are fs.epoll.max_user_watches, fs.inotify.max_user_instances, "+
			"fs.inotify.max_user_watches, fs.inotify.max_queued_events and CONFIG_PM_SLEEP", name)
	}
	return nil
}
