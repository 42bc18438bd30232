package eventpoll

// Rules are the behaviours of fs/eventpoll.c that changed over time, each named for what it does. A kernel
// version is a set of them.
type Rules struct {
	// SeqCount: the lock-free test of epoll_wait sees a scan that begins or ends under it.
	// "eventpoll: Fix epoll_wait() report false negative", 0c4aefe3c2d0; in late 6.18.y.
	SeqCount bool
	// ScanEndWakesWaiter: the end of a scan that leaves items listed wakes one sleeper. Up to 5.4, and
	// since 5.13 (7fab29e35630); 339ddb53d373 (5.5) had removed it.
	ScanEndWakesWaiter bool
	// ScanEndWakesPollers: it wakes the pollers of the epoll too. Up to 5.4 (339ddb53d373).
	ScanEndWakesPollers bool
	// Exclusive: EPOLLEXCLUSIVE is known. Since 4.5 (df0108c5da56); before, the bit was stored and
	// meant nothing.
	Exclusive bool
	// Params: the busy-poll ioctls exist, and unknown ioctls are EINVAL instead of ENOTTY. Since 6.9
	// (18e2bf0edf4d).
	Params bool
}

// Baseline are the rules of late 6.18.y.
var Baseline = Rules{SeqCount: true, ScanEndWakesWaiter: true, Exclusive: true, Params: true}
