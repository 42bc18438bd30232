package kernel

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/vfs"
)

// transfer sends or receives t.msg.
func (t *Thread) transfer(fd int, move func(devices.Socket, *vfs.File, *devices.Msg) (int, abi.Errno)) (int, abi.Errno) {
	s, f, counted, errno := t.socket(fd)
	if errno != 0 {
		return -1, errno
	}
	n, errno := move(s, f, &t.msg)
	fdput(f, counted)
	if errno != 0 {
		return -1, errno
	}
	return n, 0
}

// Sendto is sendto(2).
func (t *Thread) Sendto(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	if t.k.traced {
		var to any
		size := 0
		if addr != nil {
			to, size = *addr, addr.Len()
		}
		t.begin("sendto", fd, p, len(p), flags, to, size)
	} else {
		t.enterAtPoint()
	}
	for {
		t.msg = devices.Msg{Data: p, Flags: flags, Name: addr}
		n, errno := t.transfer(fd, devices.Socket.Send)
		if errno < abi.ERESTARTSYS {
			return t.result(n, errno)
		}
		if !t.interrupted(-1, errno) {
			return -1, abi.EINTR
		}
	}
}

// Recvfrom is recvfrom(2).
func (t *Thread) Recvfrom(fd int, p []byte, flags int, addr *abi.Sockaddr) (int, error) {
	switch {
	case !t.k.traced:
		t.enterAtPoint()
	case addr != nil:
		t.begin("recvfrom", fd, p, len(p), flags, addr, &[2]int{abi.SizeofSockaddrUn, abi.SizeofSockaddrUn})
	default:
		t.begin("recvfrom", fd, p, len(p), flags, nil, nil)
	}
	for {
		t.msg = devices.Msg{Data: p, Flags: flags, Name: addr}
		n, errno := t.transfer(fd, devices.Socket.Recv)
		if errno < abi.ERESTARTSYS {
			t.storeSender(addr, errno)
			return t.result(n, errno)
		}
		if !t.interrupted(-1, errno) {
			return -1, abi.EINTR
		}
	}
}

// storeSender completes the address that a message was received with, for the caller and for a tracer.
func (t *Thread) storeSender(addr *abi.Sockaddr, errno abi.Errno) {
	if addr == nil || errno != 0 {
		return
	}
	size := 0
	if t.msg.Unnamed {
		*addr = abi.Sockaddr{}
	} else {
		size = addr.Len()
	}
	if t.call != nil {
		t.call.Args[5].(*[2]int)[1] = size
	}
}

// SendFds is sendmsg(2) with SCM_RIGHTS.
func (t *Thread) SendFds(fd int, p []byte, fds []int, flags int) (int, error) {
	t.begin("sendmsg", fd, &Message{Data: p, Rights: fds}, flags)
	return t.restartable(func() (int, abi.Errno) {
		t.msg = devices.Msg{Data: p, Flags: flags, Rights: fds, Table: t.files}
		return t.transfer(fd, devices.Socket.Send)
	})
}

// RecvFds is recvmsg(2) with room for SCM_RIGHTS.
func (t *Thread) RecvFds(fd int, p []byte, flags int) (int, []int, int, error) {
	got := &Message{Data: p}
	t.begin("recvmsg", fd, got, flags)
	n, err := t.restartable(func() (int, abi.Errno) {
		t.msg = devices.Msg{Data: p, Flags: flags, Table: t.files, Room: rightsRoom}
		n, errno := t.transfer(fd, devices.Socket.Recv)
		got.Rights, got.Flags = t.msg.Rights, t.msg.OutFlags|flags&abi.MSG_CMSG_CLOEXEC
		return n, errno
	})
	if err != nil {
		return -1, nil, 0, err
	}
	return n, got.Rights, got.Flags, nil
}
