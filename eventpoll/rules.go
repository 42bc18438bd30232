package eventpoll

// Rules are the behaviours of fs/eventpoll.c that changed over time, each named for what it does where it
// differs from late 6.18.y, which is the zero value. A kernel version is a set of them; package kernel has the
// table of when each held, with the commits.
type Rules struct {
	// Scans and callbacks.

	NoSeq                bool // the lock-free test does not see a scan that begins or ends under it
	ScanEndWakesNobody   bool // the end of a scan that leaves items listed wakes no sleeper
	ScanEndWakesPollers  bool // it wakes the pollers of the epoll too
	ScanHidesEvents      bool // an event during a scan is chained and wakes nobody
	OverflowToTail       bool // what fired during a scan comes last, newest first
	PollTellsListed      bool // an epoll is readable while anything is listed, ready or not
	NoKeys               bool // wake-ups do not say what happened, so no item is passed over
	FatalSignalFetches   bool // a killed thread still takes events
	PollsDyingFiles      bool // a listed file is asked though its last reference is gone
	NoExclusive          bool // EPOLLEXCLUSIVE is stored and means nothing
	NoWakeup             bool // EPOLLWAKEUP is stored and means nothing
	NoFdinfo             bool // /proc/PID/fdinfo shows no items
	FdinfoWithoutFile    bool // it shows items without the place of their files
	NoParams             bool // no busy-poll parameters; unknown ioctls are ENOTTY
	PollFreeForgetsFirst bool // POLLFREE clears the hook's queue before it unlinks the hook
	NestedCallsAreCut    bool // polls and wake-ups through more than 5 epolls stop, re-entrant ones too

	// epoll_wait.

	UnlinksOnlyIfWoken     bool // waking leaves the entry of one who was awake already on the queue
	SleepersQueueUnlocked  bool // sleepers go to wq under its own lock, not under ep.lock
	EntryStaysQueued       bool // a sleeper stays on wq until it leaves epoll_wait; waking does not unlink
	SleepTestsUnlocked     bool // the last test before sleeping is made without ep.lock
	TimedOutLooksAgain     bool // who timed out takes what is listed
	TimedOutLeaves         bool // who timed out returns 0 even if a waker had chosen it
	ZeroTimeoutLooksLocked bool // timeout 0 tests under ep.lock
	SignalTestedLocked     bool // a signal is looked for under ep.lock, after events
	SpinsPastDeadline      bool // a deadline that has passed neither sleeps nor ends the call

	// epoll_ctl and its nested checks.

	AcceptsLoops          bool // no check for cycles
	LimitsInstances       bool // a user has at most 128 epolls
	NoPathLimits          bool // no check of wake-up paths
	LoopLeavesCheckList   bool // ELOOP leaves the files it met on the check list
	ChecksFilesUnpinned   bool // the check list holds files, without references
	EveryAddIsChecked     bool // each ADD takes epnested_mutex and checks paths
	IgnoresChecksUnderWay bool // the fast path of ADD does not see a nested check that visited the epoll
	HooksBeforeChecks     bool // ADD hooks the item before it is attached and checked
	DepthBelowOnly        bool // only what is below an added epoll counts, each epoll once
	LoopDepthOverflows    bool // one more than "loop" is negative, so cycles of three are not seen

	// The ends of files and epolls.

	ClosesTakeNested bool // both ends take epnested_mutex
	RemovesUnpinned  bool // an item is taken off its file without a reference to that
	DropsRefLocked   bool // a share of the epoll is dropped while ep.mtx is held
	FreesAtOnce      bool // an epoll is freed without a grace period

	// Stores that others see late: what a store buffer did on real machines, as two steps in the other order.

	ModStoresLate bool // MOD asks the file before its mask is visible
	ListsLate     bool // ADD and MOD test for sleepers before the listing is visible
	UnlinksTwice  bool // unlinking a sleeper's entry takes two steps, and the lock-free test sees the first
}

// Baseline are the rules of late 6.18.y.
var Baseline = Rules{}
