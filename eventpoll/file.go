package eventpoll

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// Poll makes an epoll something that can be polled: it is IN|RDNORM while a listed item is ready. Items that
// are not are taken off the list on the way; the others stay, ET ones too. Models __ep_eventpoll_poll.
func (ep *Eventpoll) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &ep.pollWait)
	m := ep.m
	if ep.rules.PollTellsListed {
		return ep.listedMask()
	}
	if ep.rules.NestedCallsAreCut {
		if !ep.statics.polls.begin(ep) {
			return 0
		}
		defer ep.statics.polls.end(ep)
	}
	ep.mtx.Lock()
	ep.startScan()
	var res abi.Events
	for epi := ep.txlist.Front(); epi != nil; {
		next := ep.txlist.Next(&epi.rdllink)
		if ep.itemPoll(epi) != 0 {
			res = abi.EPOLLIN | abi.EPOLLRDNORM
			break
		}
		epi.ws.relax(m)
		epi.rdllink.Unlink()
		ep.moved(epi, "txlist", placeIdle, "not ready any more")
		epi = next
	}
	ep.endScan()
	return res
}

// listedMask is ->poll up to 2.6.29, which asked no item.
func (ep *Eventpoll) listedMask() (mask abi.Events) {
	ep.lock.Lock()
	ep.m.Read(ep.id, fieldRdllist)
	if !ep.rdllist.Empty() {
		mask = abi.EPOLLIN | abi.EPOLLRDNORM
	}
	ep.lock.Unlock()
	return mask
}

// Read is EINVAL: an epoll has no read.
func (ep *Eventpoll) Read(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Write is EINVAL.
func (ep *Eventpoll) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Mute is of both.
func (ep *Eventpoll) Mute() (read, write bool) { return true, true }

// Seek returns 0 and does nothing: noop_llseek.
func (ep *Eventpoll) Seek(*vfs.File, int64, int) (int64, abi.Errno) { return 0, 0 }

// maxUsecs is the largest busy-poll time. A budget above NAPI_POLL_WEIGHT needs CAP_NET_ADMIN, which the
// model grants.
const maxUsecs = 1<<31 - 1

// Ioctl sets and gets the busy-poll parameters; arg and result are struct epoll_params as a little-endian
// number of 8 bytes. Models ep_eventpoll_ioctl.
func (ep *Eventpoll) Ioctl(_ *vfs.File, request uint, arg int64) (int64, abi.Errno) {
	if ep.rules.NoParams {
		return 0, abi.ENOTTY
	}
	switch request {
	case abi.EPIOCSPARAMS:
		p := BusyPoll{uint32(arg), uint16(arg >> 32), uint8(arg >> 48)}
		if uint64(arg)>>56 != 0 || p.Usecs > maxUsecs || p.Prefer > 1 {
			return 0, abi.EINVAL
		}
		ep.m.Write(ep.id, fieldParams)
		ep.params = p
		return 0, 0
	case abi.EPIOCGPARAMS:
		ep.m.Read(ep.id, fieldParams)
		return int64(ep.params.Usecs) | int64(ep.params.Budget)<<32 | int64(ep.params.Prefer)<<48, 0
	}
	return 0, abi.EINVAL
}

// Fdinfo returns the lines that /proc/PID/fdinfo/FD has for an epoll: one per item, in tree order. It waits
// for a scan to end. Models ep_show_fdinfo.
func (ep *Eventpoll) Fdinfo(*vfs.File) string {
	if ep.rules.NoFdinfo {
		return ""
	}
	var b strings.Builder
	ep.mtx.Lock()
	ep.m.Guarded(&ep.mtx, ep.id, fieldRbr)
	for epi := range ep.rbr.All() {
		fmt.Fprintf(&b, "tfd: %8d events: %8x data: %16x", epi.fd, uint32(epi.event.Events), epi.event.Data)
		if !ep.rules.FdinfoWithoutFile {
			fmt.Fprintf(&b, "  pos:%d ino:%x sdev:%x", epi.file.Pos, epi.file.Ino, anonDev)
		}
		b.WriteByte('\n')
	}
	ep.mtx.Unlock()
	return b.String()
}

// anonDev is the device number of the file system that anonymous inodes live on.
const anonDev = 0xf
