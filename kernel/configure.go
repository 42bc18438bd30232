package kernel

import "fmt"

// MountsChanged says that the machine has mounted or unmounted a file system, which who polls /proc/self/mounts is told.
func (k *Kernel) MountsChanged() { k.mountNs().Changed() }

// Configure changes what a program finds and cannot change itself: fs.epoll.max_user_watches, a number, as the sysctl; and
// CONFIG_PM_SLEEP, 0 or 1, without which EPOLLWAKEUP means nothing.
func (k *Kernel) Configure(name string, value int) error {
	switch name {
	case "fs.epoll.max_user_watches":
		if value < 0 {
			return fmt.Errorf("%s: %d is no number of watches", name, value)
		}
		k.epoll.MaxUserWatches = value
	case "CONFIG_PM_SLEEP":
		k.epoll.PMSleep = value != 0
	default:
		return fmt.Errorf("%q is not known: there are fs.epoll.max_user_watches and CONFIG_PM_SLEEP", name)
	}
	return nil
}
