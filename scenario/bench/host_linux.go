package bench

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// eventfds makes n eventfds and an epoll; close them by the function.
func eventfds(n, flags int) (ep int, fds []int, closeAll func(), err error) {
	ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return 0, nil, nil, err
	}
	closeAll = func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
		unix.Close(ep)
	}
	for range n {
		fd, err := unix.Eventfd(0, flags|unix.EFD_CLOEXEC)
		if err != nil {
			closeAll()
			return 0, nil, nil, err
		}
		fds = append(fds, fd)
	}
	return ep, fds, closeAll, nil
}

// since measures fn with the best the host offers: raw system calls on a locked thread.
func since(fn func() error) (time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := time.Now()
	err := fn()
	return time.Since(start), err
}

func hostCycle(n int) (time.Duration, error) {
	ep, fds, closeAll, err := eventfds(1, unix.EFD_NONBLOCK)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fds[0], &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return 0, err
	}
	events, buf := make([]unix.EpollEvent, 8), make([]byte, 8)
	return since(func() error {
		for range n {
			if _, err := unix.Write(fds[0], one); err != nil {
				return err
			}
			if _, err := unix.EpollWait(ep, events, 0); err != nil {
				return err
			}
			if _, err := unix.Read(fds[0], buf); err != nil {
				return err
			}
		}
		return nil
	})
}

func hostUnix(n int) (time.Duration, error) {
	ep, _, closeAll, err := eventfds(0, 0)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	for _, fd := range fds {
		defer unix.Close(fd)
		if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
			return 0, err
		}
	}
	events, buf := make([]unix.EpollEvent, 8), make([]byte, sizeofMessage)
	return since(func() error {
		for i := range n {
			if _, err := unix.Write(fds[i&1], buf); err != nil {
				return err
			}
			if _, err := unix.EpollWait(ep, events, 0); err != nil {
				return err
			}
			if _, err := unix.Read(fds[i&1^1], buf); err != nil {
				return err
			}
		}
		return nil
	})
}

func hostAddDel(n int) (time.Duration, error) {
	ep, fds, closeAll, err := eventfds(1, unix.EFD_NONBLOCK)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	ev := unix.EpollEvent{Events: unix.EPOLLIN}
	return since(func() error {
		for range n {
			if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fds[0], &ev); err != nil {
				return err
			}
			if err := unix.EpollCtl(ep, unix.EPOLL_CTL_DEL, fds[0], nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func hostSwitch(n int) (time.Duration, error) {
	_, fds, closeAll, err := eventfds(2, 0)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		buf := make([]byte, 8)
		for range n / 2 {
			if _, err := unix.Read(fds[0], buf); err != nil {
				done <- err
				return
			}
			if _, err := unix.Write(fds[1], one); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	buf := make([]byte, 8)
	d, err := since(func() error {
		for range n / 2 {
			if _, err := unix.Write(fds[0], one); err != nil {
				return err
			}
			if _, err := unix.Read(fds[1], buf); err != nil {
				return err
			}
		}
		return nil
	})
	if other := <-done; err == nil {
		err = other
	}
	return d, err
}

// hostWatch adds as many eventfds as the limit on open files allows, and scales.
func hostWatch(n int) (time.Duration, error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return 0, err
	}
	most := min(n, int(min(lim.Cur, 1<<20))-100)
	ep, fds, closeAll, err := eventfds(max(most, 1), 0)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	ev := unix.EpollEvent{Events: unix.EPOLLIN}
	d, err := since(func() error {
		for _, fd := range fds {
			if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
				return err
			}
		}
		return nil
	})
	return d * time.Duration(n) / time.Duration(len(fds)), err
}
