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
	classWq        = sim.NewClass("ep.wq")
	classPollWait  = sim.NewClass("ep.poll_wait")

	fieldRdllist  = sim.NewField("rdllist")
	fieldOvflist  = sim.NewField("ovflist")
	fieldSeq      = sim.NewField("seq")
	fieldRbr      = sim.NewField("rbr")
	fieldRefcount = sim.NewField("refcount")
	fieldGen      = sim.NewField("gen")
	fieldParams   = sim.NewField("busy_poll")
)

// inactive is EP_UNACTIVE_PTR: ep.ovflist while no scan runs, epi.next while the item is not on ovflist.
var inactive = &epitem{}

// Eventpoll is an epoll instance, models struct eventpoll.
type Eventpoll struct {
	m       *sim.Machine
	sys     *vfs.System
	statics *Statics
	old     bool // the rules are not the baseline
	id      sim.ID
	file    *vfs.File
	user    *User

	mtx sim.Mutex // serialises epoll_ctl, scans, removal, fdinfo. Guards:
	rbr rbtree.Tree[epitem]
	ws  *WakeupSource

	lock    sim.Spinlock      // guards, though the first three are read without it:
	rdllist list.List[epitem] // ready items, oldest first; during a scan the scanner's alone
	ovflist *epitem           // items that fired during a scan, newest first; inactive if none runs
	seq     uint64            // odd while a scan moves the lists and both look empty
	wq      waitqueue.Head    // sleepers in epoll_wait, newest first

	pollWait waitqueue.Head // pollers of this epoll: poll(2), select(2), outer epolls

	txlist    list.List[epitem] // the items of the scan that holds mtx
	pt        vfs.PollTable     // of the scan that holds mtx
	inserting *epitem           // whose hooks ep_insert adds

	refs     epitemsHead // the items that watch this epoll; what f_ep of its file points to
	refcount int         // 1 for the file and 1 for each item
	owed     int         // of that, for items that left and whose share is not dropped yet

	gen            uint64 // of the last nested check that came by, and the depth it found
	loopCheckDepth int32

	params   BusyPoll
	released bool // the file has dropped its share
	freed    bool
	link     list.Node[Eventpoll] // in Statics.all
	rules    Rules                // of statics; hot paths ask old first
}

// BusyPoll are the parameters of EPIOCSPARAMS. They are stored and change nothing: the model has no
// network devices to poll.
type BusyPoll struct {
	Usecs  uint32
	Budget uint16
	Prefer uint8
}

// What the kernel has slab caches for.
var (
	eventpolls = sim.NewCache[Eventpoll](nil)
	items      = sim.NewCache[epitem](nil)
	hooks      = sim.NewCache[pollEntry](nil)
	heads      = sim.NewCache[epitemsHead](nil)
)

// Create returns the file of a new epoll instance that belongs to user. flags: EPOLL_CLOEXEC is the
// caller's business. Models ep_alloc and the file of do_epoll_create.
func (s *Statics) Create(user *User) *vfs.File {
	m := s.Sys.M
	ep := eventpolls.New(m)
	ep.statics, ep.rules, ep.old, ep.sys, ep.m, ep.user, ep.ovflist, ep.refcount = s, s.Rules, s.Rules != Baseline, s.Sys, m, user, inactive, 1
	ep.id = m.NewID(classEventpoll)
	ep.mtx.Init(m, classMtx)
	ep.lock.Init(m, classLock)
	if s.Rules.SleepersQueueUnlocked {
		ep.wq.InitClass(m, classWq)
	} else {
		ep.wq.InitCovered(m, classWq)
	}
	ep.pollWait.InitClass(m, classPollWait)
	ep.rbr = rbtree.New(compareItems)
	ep.refs.id = ep.id
	s.Sys.Counters.Allocations++
	ep.file = s.Sys.NewFile(ep, abi.O_RDWR, "anon_inode:[eventpoll]", s.anonIno)
	s.all.PushBack(&ep.link, ep)
	user.instances++
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
	if ep.old && ep.rules.NoSeq {
		return ep.listed()
	}
	ep.m.Read(ep.id, fieldSeq)
	seq := ep.seq
	if seq&1 != 0 || ep.listed() {
		return true
	}
	ep.m.Read(ep.id, fieldSeq)
	return ep.seq != seq
}

// listed reports whether an item is on rdllist or a scan runs. It is exact under ep.lock.
func (ep *Eventpoll) listed() bool {
	ep.m.Read(ep.id, fieldRdllist)
	if !ep.rdllist.Empty() {
		return true
	}
	ep.m.Read(ep.id, fieldOvflist)
	return ep.ovflist != inactive
}

// seqBump enters or leaves the section in which both lists look empty. In an unwatched run nobody can look
// meanwhile.
func (ep *Eventpoll) seqBump() {
	if ep.m.Observed() {
		ep.seqWrite()
	}
}

//go:noinline
func (ep *Eventpoll) seqWrite() {
	if !ep.rules.NoSeq {
		ep.m.Write(ep.id, fieldSeq)
		ep.seq++
	}
}

// listTail appends an item to rdllist, the move every trace is about.
func (ep *Eventpoll) listTail(epi *epitem, from, why string) {
	if ep.m.Observed() {
		ep.listing(epi, from, why)
	}
	ep.rdllist.PushBack(&epi.rdllink, epi)
}

// listHead puts an item that fired during a scan to the front.
func (ep *Eventpoll) listHead(epi *epitem, from string) {
	if ep.m.Observed() {
		ep.listing(epi, from, "front")
	}
	ep.rdllist.PushFront(&epi.rdllink, epi)
}

//go:noinline
func (ep *Eventpoll) listing(epi *epitem, from, why string) {
	ep.m.Write(ep.id, fieldRdllist)
	ep.moved(epi, from, "rdllist", why)
}

// hasSleepers reports whether anybody sleeps in epoll_wait; ep.lock is held.
func (ep *Eventpoll) hasSleepers() bool {
	if ep.old && ep.rules.SleepersQueueUnlocked {
		return ep.wq.Active()
	}
	return ep.wq.ActiveLocked()
}

// wakeWaiter wakes one sleeper of epoll_wait; ep.lock is held.
func (ep *Eventpoll) wakeWaiter(sync bool) {
	if ep.rules.SleepersQueueUnlocked {
		ep.wq.WakeUp(sim.Normal, 1, sync, 0)
		return
	}
	ep.wq.WakeUpLocked(sim.Normal, 1, sync, 0)
}

// wakePollers wakes who polls this epoll, with ep.lock released. Models ep_poll_safewake.
func (ep *Eventpoll) wakePollers(key abi.Events) {
	if ep.rules.NestedCallsAreCut {
		if !ep.statics.wakes.begin(ep) {
			return
		}
		defer ep.statics.wakes.end(ep)
	}
	if ep.rules.LoopDepthOverflows && !ep.m.Observed() {
		ep.statics.wakeDepth++
		defer func() { ep.statics.wakeDepth-- }()
		if ep.statics.wakeDepth > stackDepth { // a watched run sees the lock taken twice
			ep.m.Violation("%s wakes itself through a loop of epolls: deadlock on its poll_wait", ep.id)
		}
	}
	ep.enter("ep_poll_safewake")
	ep.pollWait.WakeUpPoll(abi.EPOLLIN | key)
	ep.m.Leave("ep_poll_safewake")
}

// put drops a reference of the instance and frees it with the last one: ep_refcount_dec_and_test, ep_free.
// RCU walkers of the nested checks may still look at it until a grace period is over.
func (ep *Eventpoll) put() {
	if ep.drop() {
		ep.free()
	}
}

// drop is the first half of put: it reports whether the reference was the last.
func (ep *Eventpoll) drop() (last bool) {
	ep.m.Write(ep.id, fieldRefcount)
	ep.refcount--
	return ep.refcount == 0
}

func (ep *Eventpoll) free() {
	ep.link.Unlink()
	ep.user.instances--
	ep.ws.unregister(ep.m)
	ep.freed = true
	switch {
	case !ep.m.Observed():
	case ep.rules.FreesAtOnce:
		ep.freeObjects()
	default:
		ep.m.CallRCU(ep.freeObjects)
	}
}

func (ep *Eventpoll) freeObjects() {
	for _, id := range [...]sim.ID{ep.id, ep.mtx.ID(), ep.lock.ID(), ep.pollWait.ID()} {
		ep.m.Free(id)
	}
}
