package eventpoll

// Branch is a place in the code that a comparison with Linux should reach.
type Branch uint8

// The branches, in the order of their names.
const (
	ctlUnpollable Branch = iota
	ctlNoEpoll
	ctlExclusiveMod
	ctlExclusiveMask
	ctlFullCheck
	ctlLoop
	ctlExists
	ctlAbsent
	ctlModOfExclusive
	ctlBadOp
	addQuota
	addTooManyPaths
	addReady
	addListedByCallback
	addWakesWaiter
	addWakesPollers
	callbackDisarmed
	callbackFiltered
	callbackLists
	callbackIsListed
	callbackDuringScan
	callbackTwiceDuringScan
	callbackWakesWaiter
	callbackExclusiveCounts
	callbackWakesPollers
	callbackPollFree
	scanNotReady
	scanFault
	scanStopsAtMaxevents
	scanSendsOneshot
	scanSendsLevel
	scanSendsEdge
	scanMergesOvflist
	scanMergesListed
	scanEndWakesWaiter
	waitSignal
	waitSleeps
	waitTimesOut
	waitTimedOutButChosen
	releaseWakesPollers
	releaseFileWatched
	NumBranches
)

var branchNames = [NumBranches]string{
	"ctl: target cannot be polled", "ctl: same file or no epoll", "ctl: MOD to EXCLUSIVE", "ctl: EXCLUSIVE with a forbidden bit or an epoll",
	"ctl: full check", "ctl: loop or too deep", "ctl: ADD again", "ctl: MOD or DEL of what is not there", "ctl: MOD of an EXCLUSIVE item",
	"ctl: unknown op", "ADD: quota", "ADD: too many paths", "ADD, MOD: ready", "ADD, MOD: a callback was faster", "ADD, MOD: wakes a waiter",
	"ADD, MOD: wakes pollers", "callback: ONESHOT has fired", "callback: key filtered", "callback: lists", "callback: listed already",
	"callback: during a scan", "callback: twice during a scan", "callback: wakes a waiter", "callback: EXCLUSIVE counts",
	"callback: wakes pollers", "callback: POLLFREE", "scan: not ready any more", "scan: EFAULT", "scan: stops at maxevents",
	"scan: sends ONESHOT", "scan: sends level-triggered", "scan: sends edge-triggered", "scan: merges ovflist",
	"scan: merges what is listed already", "scan: its end wakes a waiter", "wait: signal", "wait: sleeps",
	"wait: times out", "wait: times out, but was chosen", "close of an epoll: wakes pollers", "close of a watched file",
}

// String is the branch in the kernel's terms.
func (b Branch) String() string { return branchNames[b] }

// Coverage counts how often each branch was reached.
type Coverage [NumBranches]uint64

// reach counts a branch, if anybody wants to know.
func (s *Statics) reach(b Branch) {
	if s.Cover != nil {
		s.Cover[b]++
	}
}
