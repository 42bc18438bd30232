package eventpoll

import (
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var (
	classNested   = sim.NewClass("epnested_mutex")
	classStatics  = sim.NewClass("fs/eventpoll.c")
	classUser     = sim.NewClass("user")
	fieldWatches  = sim.NewField("epoll_watches")
	fieldCheckGen = sim.NewField("loop_check_gen")
)

// Statics are the file-scope variables of fs/eventpoll.c: what all epolls of one kernel share.
type Statics struct {
	Sys            *vfs.System
	Rules          Rules
	MaxUserWatches int       // fs.epoll.max_user_watches, per user
	PMSleep        bool      // CONFIG_PM_SLEEP: EPOLLWAKEUP means something
	Cover          *Coverage // nil: nobody counts

	id      sim.ID
	anonIno uint64

	nested         sim.Mutex // epnested_mutex: one nested check at a time. Guards:
	loopCheckGen   uint64
	insertingInto  *Eventpoll
	tfileCheckList *epitemsHead
	pathCount      [maxNests + 1]int
	tfiles         []*vfs.File // the check list of old kernels

	polls, wakes nestedCalls // under way, where they are cut
	wakeDepth    int

	all       list.List[Eventpoll] // not freed, in order of creation
	freeItems *epitem              // slab caches: freed objects are used again
	freeHooks *pollEntry           //
	freeHeads *epitemsHead         //
}

// DefaultMaxUserWatches is fs.epoll.max_user_watches on a machine with 2 GiB of low memory: 1/25 of it.
const DefaultMaxUserWatches = 2 << 30 / 25 / ItemCost

var (
	statics = sim.NewCache[Statics](nil)
	users   = sim.NewCache[User](nil)
)

// NewStatics returns the state of a booted kernel. The stamp of the nested checks is past 0, which new epolls
// have: in the kernel the first ADD of all takes the way of a nested one for that.
func NewStatics(s *vfs.System, rules Rules) *Statics {
	st := statics.New(s.M)
	st.Sys, st.Rules, st.MaxUserWatches, st.loopCheckGen, st.tfileCheckList = s, rules, DefaultMaxUserWatches, 1, endOfCheckList
	st.id = s.M.NewID(classStatics)
	st.nested.Init(s.M, classNested)
	st.anonIno = s.NextIno()
	return st
}

// User is who the watches of an epoll are charged to: the creator of the epoll.
type User struct {
	id        sim.ID
	watches   int
	instances int // epolls; counted only where they are limited
}

// maxUserInstances is fs.epoll.max_user_instances of 2.6.28.
const maxUserInstances = 128

// MayCreate reports whether u may have one more epoll: always, but for 2.6.28.
func (s *Statics) MayCreate(u *User) bool {
	return !s.Rules.LimitsInstances || u.instances < maxUserInstances
}

// NewUser returns a user with no watches.
func (s *Statics) NewUser() *User {
	u := users.New(s.Sys.M)
	u.id = s.Sys.M.NewID(classUser)
	return u
}

// Watches is how many items are charged to u.
func (u *User) Watches() int { return u.watches }
