package eventpoll

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/rbtree"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Limits of fs/eventpoll.c, Linux 6.18.
const (
	maxNests  = 4                                  // EP_MAX_NESTS
	MaxEvents = (1<<31 - 1) / abi.SizeofEpollEvent // EP_MAX_EVENTS
	ItemCost  = 184                                // bytes the kernel accounts per watch: item and one hook
)

// privateBits are the flags of a mask that are no events: EP_PRIVATE_BITS.
const privateBits = abi.EPOLLWAKEUP | abi.EPOLLONESHOT | abi.EPOLLET | abi.EPOLLEXCLUSIVE

// exclusiveOK is what may stand beside EPOLLEXCLUSIVE: EPOLLEXCLUSIVE_OK_BITS.
const exclusiveOK = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLERR | abi.EPOLLHUP | abi.EPOLLWAKEUP | abi.EPOLLET | abi.EPOLLEXCLUSIVE

var (
	classEventpoll = sim.NewClass("eventpoll")
	classMtx       = sim.NewClass("ep.mtx")
	classLock      = sim.NewClass("ep.lock")
	classPollWait  = sim.NewClass("ep.poll_wait")

	fieldRdllist  = sim.NewField("rdllist")
	fieldOvflist  = sim.NewField("ovflist")
	fieldSeq      = sim.NewField("seq")
	fieldRbr      = sim.NewField("rbr")
	fieldRefs     = sim.NewField("refs")
	fieldRefcount = sim.NewField("refcount")
	fieldGen      = sim.NewField("gen")
	fieldParams   = sim.NewField("busy_poll")
)

// inactive is EP_UNACTIVE_PTR: ep.ovflist while no scan runs, epi.next while the item is not on ovflist.
var inactive = &epitem{}

// Eventpoll is an epoll instance, models struct eventpoll.
type Eventpoll struct {
	statics *Statics
	sys     *vfs.System
	m       *sim.Machine
	id      sim.ID
	file    *vfs.File
	user    *User

	mtx sim.Mutex // serialises epoll_ctl, scans, removal, fdinfo. Guards:
	rbr rbtree.Tree[epitem]
	ws  *WakeupSource

	lock     sim.Spinlock      // guards, though the first three are read without it:
	rdllist  list.List[epitem] // ready items, oldest first
	ovflist  *epitem           // items that fired during a scan, newest first; inactive if none runs
	seq      uint64            // odd while a scan moves the lists and both look empty
	scanning bool
	wq       waitqueue.Head // sleepers in epoll_wait, newest first

	pollWait waitqueue.Head // pollers of this epoll: poll(2), select(2), outer epolls

	txlist    list.List[epitem] // the items of the scan that holds mtx
	pt        vfs.PollTable     // of the scan that holds mtx
	inserting *epitem           // whose hooks ep_insert adds

	refs     epitemsHead // the items that watch this epoll; what f_ep of its file points to
	refcount int         // 1 for the file and 1 for each item

	gen            uint64 // of the last nested check that came by, and the depth it found
	loopCheckDepth int

	params   BusyPoll
	released bool // the file is gone
	freed    bool
}

// BusyPoll are the parameters of EPIOCSPARAMS. They are stored and change nothing: the model has no
// network devices to poll.
type BusyPoll struct {
	Usecs  uint32
	Budget uint16
	Prefer uint8
}

// Create returns the file of a new epoll instance that belongs to user. flags: EPOLL_CLOEXEC is the
// caller's business. Models ep_alloc and the file of do_epoll_create.
func (s *Statics) Create(user *User) *vfs.File {
	m := s.Sys.M
	ep := &Eventpoll{statics: s, sys: s.Sys, m: m, user: user, ovflist: inactive, refcount: 1}
	ep.id = m.NewID(classEventpoll)
	ep.mtx.Init(m, classMtx)
	ep.lock.Init(m, classLock)
	ep.wq.InitCovered(m)
	ep.pollWait.InitClass(m, classPollWait)
	ep.rbr = rbtree.New(compareItems)
	ep.refs.ep = ep
	s.Sys.Counters.Allocations++
	ep.file = s.Sys.NewFile(ep, abi.O_RDWR, "anon_inode:[eventpoll]", s.anonIno)
	s.track(ep)
	return ep.file
}

// Of returns the epoll instance behind f, nil if f is no epoll: is_file_epoll.
func Of(f *vfs.File) *Eventpoll {
	ep, _ := f.Ops.(*Eventpoll)
	return ep
}

// ID is the identity of the instance.
func (ep *Eventpoll) ID() sim.ID { return ep.id }

// available is the lock-free hint that a scan might find something: an item is listed, a scan runs, or one
// began or ended meanwhile. Models ep_events_available.
func (ep *Eventpoll) available() bool {
	m := ep.m
	var seq uint64
	if ep.statics.Rules.SeqCount {
		m.Read(ep.id, fieldSeq)
		if seq = ep.seq; seq&1 != 0 {
			return true
		}
	}
	m.Read(ep.id, fieldRdllist)
	if !ep.rdllist.Empty() {
		return true
	}
	m.Read(ep.id, fieldOvflist)
	if ep.ovflist != inactive {
		return true
	}
	if ep.statics.Rules.SeqCount {
		m.Read(ep.id, fieldSeq)
		return ep.seq != seq
	}
	return false
}

// availableLocked is available under ep.lock, where it is exact.
func (ep *Eventpoll) availableLocked() bool { return !ep.rdllist.Empty() || ep.ovflist != inactive }

// seqBump enters or leaves the section in which both lists look empty.
func (ep *Eventpoll) seqBump() {
	if ep.statics.Rules.SeqCount {
		ep.m.Write(ep.id, fieldSeq)
		ep.seq++
	}
}

// list appends or prepends an item to rdllist, the move every trace is about.
func (ep *Eventpoll) listTail(epi *epitem, from string) {
	ep.m.Write(ep.id, fieldRdllist)
	ep.rdllist.PushBack(&epi.rdllink, epi)
	if ep.m.Tracing() {
		ep.m.Note(epi.id, epi.describe()+": "+from+" → rdllist")
	}
}

func (ep *Eventpoll) listHead(epi *epitem, from string) {
	ep.m.Write(ep.id, fieldRdllist)
	ep.rdllist.PushFront(&epi.rdllink, epi)
	if ep.m.Tracing() {
		ep.m.Note(epi.id, epi.describe()+": "+from+" → front of rdllist")
	}
}

// wakeWaiter wakes one sleeper of epoll_wait; ep.lock is held.
func (ep *Eventpoll) wakeWaiter(sync bool) {
	ep.wq.WakeUpLocked(sim.Normal, 1, sync, 0)
}

// wakePollers wakes who polls this epoll, with ep.lock released. Models ep_poll_safewake.
func (ep *Eventpoll) wakePollers(key abi.Events) {
	ep.m.Enter("ep_poll_safewake")
	ep.pollWait.WakeUpPoll(abi.EPOLLIN | key)
	ep.m.Leave("ep_poll_safewake")
}

// put drops references of the instance and frees it with the last one: ep_refcount_dec_and_test, ep_free.
// RCU walkers of the nested checks may still look at it until a grace period is over.
func (ep *Eventpoll) put() {
	ep.m.Write(ep.id, fieldRefcount)
	if ep.refcount--; ep.refcount > 0 {
		return
	}
	ep.statics.untrack(ep)
	ep.ws.Unregister()
	ep.freed = true
	if ep.m.Observed() {
		ep.m.CallRCU(func() {
			ep.m.Free(ep.id)
			ep.m.Free(ep.mtx.ID())
			ep.m.Free(ep.lock.ID())
			ep.m.Free(ep.pollWait.ID())
		})
	}
}
