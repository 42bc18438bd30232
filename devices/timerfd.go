package devices

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classTimerfd    = sim.NewClass("timerfd")
	classTimerfdWqh = sim.NewClass("timerfd.wqh")
	fieldTicks      = sim.NewField("ticks")
)

// timerfdSize is how many bytes a number of expirations is.
const timerfdSize = 8

// Timerfd is a timer that can be waited for, models struct timerfd_ctx. Its expiry does not restart it, even with an
// interval: that is left to the next read or gettime, which catch up on what was missed. See timerfd_create(2).
//
// Leaves out timer slack, and suspend, for which the ALARM clocks are.
type Timerfd struct {
	m        *sim.Machine
	clocks   *Clocks
	id       sim.ID
	clock    int
	released bool

	wqh waitqueue.Head // its lock guards all below
	// Of the timer.
	timer    sim.Timer
	expiry   int64 // ns, of the wall clock or of the machine's; stays when the timer has fired, and an alarm's when it is stopped
	wall     bool
	interval int64 // tintv
	// Of those who read it.
	ticks    uint64 // expirations that nobody has read
	expired  bool   // it has fired since it was started
	flags    int    // of the last settime
	canceled bool   // the wall clock was set, and nobody knows

	sleepers sleepers
}

var timerfds = sim.NewCache(func(tf *Timerfd) { *tf = Timerfd{sleepers: tf.sleepers.again()} })

// NewTimerfd returns a new timer that is not armed: timerfd_create(2) up to the descriptor.
func NewTimerfd(s *vfs.System, clocks *Clocks, clock, flags int) (*vfs.File, abi.Errno) {
	if flags&^(abi.TFD_CLOEXEC|abi.TFD_NONBLOCK) != 0 {
		return nil, abi.EINVAL
	}
	switch clock {
	case abi.CLOCK_REALTIME, abi.CLOCK_MONOTONIC, abi.CLOCK_BOOTTIME, abi.CLOCK_REALTIME_ALARM, abi.CLOCK_BOOTTIME_ALARM:
	default:
		return nil, abi.EINVAL
	}
	tf := timerfds.New(s.M)
	tf.m, tf.clocks, tf.id, tf.clock = s.M, clocks, s.M.NewID(classTimerfd), clock
	tf.wqh.InitClass(s.M, classTimerfdWqh)
	tf.timer.Init(s.M, timerfdTriggered)
	tf.timer.Owner = tf
	s.Counters.Allocations++
	return s.NewFile(tf, abi.O_RDWR|flags&abi.TFD_NONBLOCK, "anon_inode:[timerfd]", anonIno), 0
}

// TimerfdOf returns the timer that f is a description of, or nil.
func TimerfdOf(f *vfs.File) *Timerfd {
	tf, _ := f.Ops.(*Timerfd)
	return tf
}

// String is what tf is called in messages.
func (tf *Timerfd) String() string { return tf.id.String() }

// Timer returns what makes tf expire.
func (tf *Timerfd) Timer() *sim.Timer { return &tf.timer }

// timerfdTriggered is the expiry: one more tick, and everybody is woken. It runs in interrupt context. Models
// timerfd_triggered.
func timerfdTriggered(t *sim.Timer) {
	tf := t.Owner.(*Timerfd)
	enter(tf.m, "timerfd_triggered")
	tf.wqh.Lock.Lock()
	tf.expired = true
	tf.tick()
	tf.wqh.Lock.Unlock()
	leave(tf.m, "timerfd_triggered")
}

// tick counts an expiration and wakes everybody; the lock is held.
func (tf *Timerfd) tick() {
	tf.setTicks(tf.ticks + 1)
	tf.wqh.WakeUpLocked(sim.Normal, 1, false, abi.EPOLLIN)
}

// setTicks stores the ticks; the lock is held.
func (tf *Timerfd) setTicks(n uint64) {
	tf.m.Guarded(&tf.wqh.Lock, tf.id, fieldTicks)
	changed(tf.m, tf.id, "ticks", tf.ticks, n)
	tf.ticks = n
}

// CheckItimerspec is what timerfd_settime asks of its arguments before it looks at the descriptor.
func CheckItimerspec(flags int, new abi.Itimerspec) abi.Errno {
	valid := func(ts abi.Timespec) bool { return ts.Sec >= 0 && ts.Nsec >= 0 && ts.Nsec < 1e9 }
	if flags&^(abi.TFD_TIMER_ABSTIME|abi.TFD_TIMER_CANCEL_ON_SET) != 0 || !valid(new.Interval) || !valid(new.Value) {
		return abi.EINVAL
	}
	return 0
}

// Settime arms the timer anew, or disarms it with a Value of zero, and returns what it was. Expirations that nobody has
// read are forgotten, and nobody is woken for that. ECANCELED tells of a cancellation that nobody has read; the timer is
// armed nevertheless. Models do_timerfd_settime and timerfd_setup.
func (tf *Timerfd) Settime(flags int, new abi.Itimerspec) (old abi.Itimerspec, errno abi.Errno) {
	enter(tf.m, "timerfd_settime")
	tf.wqh.Lock.Lock()
	for !tf.timer.TryCancel() {
		tf.wqh.Lock.Unlock()
		tf.timer.Cancel() // waits until the expiry under way has ended
		tf.wqh.Lock.Lock()
	}
	if tf.expired && tf.interval > 0 {
		tf.forward()
	}
	old = tf.spec()

	tf.flags, tf.expired = flags, false
	tf.setTicks(0)
	tf.interval = nanoseconds(new.Interval)
	tf.arm(nanoseconds(new.Value))
	if new.Value != (abi.Timespec{}) && tf.canceled {
		tf.canceled, errno = false, abi.ECANCELED
	}
	tf.wqh.Lock.Unlock()
	tf.timer.Interrupt()
	leave(tf.m, "timerfd_settime")
	return old, errno
}

// arm starts the timer for a value that settime was given, 0: not at all. A relative time is on the machine's clock,
// whatever the timer's, but for an alarm. An alarm that is not started keeps its old expiry, and gettime shows it.
func (tf *Timerfd) arm(value int64) {
	abs, alarm := tf.flags&abi.TFD_TIMER_ABSTIME != 0, isAlarm(tf.clock)
	tf.wall = isWall(tf.clock) && (abs || alarm)
	switch {
	case value == 0 && alarm:
	case value == 0 || abs:
		tf.expiry = value
	default:
		tf.expiry = later(tf.now(), value)
	}
	if !tf.cancelOnSet() {
		tf.canceled = false
	}
	if tf.wall {
		tf.clocks.add(tf)
	} else {
		tf.clocks.remove(tf)
	}
	if value > 0 {
		tf.start()
	}
}

// cancelOnSet reports whether the last settime asked to be told of a new time.
func (tf *Timerfd) cancelOnSet() bool {
	const both = abi.TFD_TIMER_ABSTIME | abi.TFD_TIMER_CANCEL_ON_SET
	return isWall(tf.clock) && tf.flags&both == both
}

// now is the time on the clock of expiry.
func (tf *Timerfd) now() int64 {
	if tf.wall {
		return tf.clocks.Now(abi.CLOCK_REALTIME)
	}
	return tf.clocks.Now(abi.CLOCK_MONOTONIC)
}

// start arms the timer for expiry: hrtimer_start_expires.
func (tf *Timerfd) start() {
	at := tf.expiry
	if at < math.MaxInt64 {
		at -= tf.now() - tf.m.Now()
	}
	tf.timer.Start(at)
}

// forward moves the expiry to the first multiple of the interval that is in the future, and returns by how many: none if
// it is in the future already, because the wall clock was set back. Models hrtimer_forward_now.
func (tf *Timerfd) forward() uint64 {
	late := tf.now() - tf.expiry
	if late < 0 {
		return 0
	}
	n := late / tf.interval
	tf.expiry = later(tf.expiry+n*tf.interval, tf.interval)
	return uint64(n) + 1
}

// catchUp restarts a timer that has fired and has an interval, and counts what it missed.
func (tf *Timerfd) catchUp() {
	if tf.expired && tf.interval > 0 {
		n := tf.forward() - 1
		tf.start()
		tf.setTicks(tf.ticks + n)
	}
}

// spec is what gettime returns: the time that is left, 0 if the timer is not armed or has fired.
func (tf *Timerfd) spec() abi.Itimerspec {
	return abi.Itimerspec{Interval: timespec(tf.interval), Value: timespec(max(tf.expiry-tf.now(), 0))}
}

// Gettime returns when the timer expires next. One that has fired and has an interval is restarted, and what it missed
// stays to be read: the next expiry is an edge again. Models do_timerfd_gettime.
func (tf *Timerfd) Gettime() abi.Itimerspec {
	enter(tf.m, "timerfd_gettime")
	tf.wqh.Lock.Lock()
	tf.catchUp()
	if tf.interval > 0 {
		tf.expired = false
	}
	now := tf.spec()
	tf.wqh.Lock.Unlock()
	leave(tf.m, "timerfd_gettime")
	return now
}

// Read takes the expirations, sleeping while there are none, and restarts a timer that has an interval. Nobody is woken.
// After the wall clock was set under a timer that asked to be told, it is ECANCELED once. If the clock was set back
// nothing may be left to tell: that is the end of the file. Models timerfd_read_iter.
func (tf *Timerfd) Read(f *vfs.File, p []byte) (int, abi.Errno) {
	if len(p) < timerfdSize {
		return 0, abi.EINVAL
	}
	tf.wqh.Lock.Lock()
	var errno abi.Errno
	if f.NonBlocking() {
		errno = abi.EAGAIN
	} else if tf.ticks == 0 {
		errno = tf.wait()
	}
	if tf.canceled {
		tf.canceled, tf.expired, errno = false, false, abi.ECANCELED
		tf.setTicks(0)
	}
	var ticks uint64
	if tf.ticks > 0 {
		tf.catchUp()
		ticks, tf.expired = tf.ticks, false
		tf.setTicks(0)
	}
	tf.wqh.Lock.Unlock()
	if ticks == 0 {
		return 0, errno
	}
	binary.LittleEndian.PutUint64(p, ticks)
	return timerfdSize, 0
}

// wait sleeps until there are ticks; the lock is held, but not during the sleep. All sleepers are woken by every expiry,
// and one finds the ticks. Models wait_event_interruptible_locked_irq.
func (tf *Timerfd) wait() (errno abi.Errno) {
	w := tf.sleepers.get(tf.m.Current(), 0)
	for {
		if errno = sleepLocked(&tf.wqh, w, "wqh", tf.id); errno != 0 || tf.ticks > 0 {
			break
		}
	}
	endSleepLocked(&tf.wqh, w)
	tf.sleepers.put(w)
	return errno
}

// Write is EINVAL: a timer has none.
func (tf *Timerfd) Write(*vfs.File, []byte) (int, abi.Errno) { return 0, abi.EINVAL }

// Mute is of writes.
func (tf *Timerfd) Mute() (read, write bool) { return false, true }

// Poll shows IN while there are ticks, no RDNORM. It takes the lock. Models timerfd_poll.
func (tf *Timerfd) Poll(f *vfs.File, pt *vfs.PollTable) abi.Events {
	pt.Wait(f, &tf.wqh)
	tf.wqh.Lock.Lock()
	defer tf.wqh.Lock.Unlock()
	tf.m.Guarded(&tf.wqh.Lock, tf.id, fieldTicks)
	if tf.ticks > 0 {
		return abi.EPOLLIN
	}
	return 0
}

// Ioctl knows TFD_IOC_SET_TICKS, which makes the ticks a number other than 0 and wakes everybody. Models timerfd_ioctl.
func (tf *Timerfd) Ioctl(_ *vfs.File, request uint, arg int64) (int64, abi.Errno) {
	if request != abi.TFD_IOC_SET_TICKS {
		return 0, abi.ENOTTY
	}
	if arg == 0 {
		return 0, abi.EINVAL
	}
	tf.wqh.Lock.Lock()
	defer tf.wqh.Lock.Unlock()
	if tf.canceled {
		tf.canceled = false
		return 0, abi.ECANCELED
	}
	tf.setTicks(uint64(arg))
	tf.wqh.WakeUpLocked(sim.Normal, 1, false, abi.EPOLLIN)
	return 0, 0
}

// clockWasSet starts a timer for a time of the wall clock anew, and tells those who asked. Models
// timerfd_clock_was_set, and what the timers' interrupt does by itself.
func (tf *Timerfd) clockWasSet() {
	tf.wqh.Lock.Lock()
	if tf.timer.Armed() && tf.timer.TryCancel() {
		tf.start()
	}
	if tf.cancelOnSet() {
		tf.canceled = true
		tf.tick()
	}
	tf.wqh.Lock.Unlock()
	tf.timer.Interrupt()
}

// Release stops the timer. Models timerfd_release.
func (tf *Timerfd) Release(*vfs.File) {
	tf.clocks.remove(tf)
	tf.timer.Cancel()
	tf.released = true
	tf.m.Free(tf.id)
	tf.m.Free(tf.wqh.ID())
}

// Seek returns the position, which stays 0: noop_llseek.
func (tf *Timerfd) Seek(f *vfs.File, _ int64, _ int) (int64, abi.Errno) { return f.Pos, 0 }

// Fdinfo returns the lines of /proc/PID/fdinfo/FD. Models timerfd_show.
func (tf *Timerfd) Fdinfo(*vfs.File) string {
	tf.wqh.Lock.Lock()
	spec, ticks := tf.spec(), tf.ticks
	tf.wqh.Lock.Unlock()
	return fmt.Sprintf("clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n",
		tf.clock, ticks, tf.flags, spec.Value.Sec, spec.Value.Nsec, spec.Interval.Sec, spec.Interval.Nsec)
}

// Traced is vfs.Traced.
func (tf *Timerfd) Traced() (string, sim.ID) { return "timerfd", tf.id }

// FileState is what a snapshot shows of tf.
func (tf *Timerfd) FileState() vfs.FileState {
	return vfs.FileState{Struct: "timerfd_ctx", ID: tf.id.String(), Fields: []vfs.FieldState{
		{Name: "ticks", Value: fmt.Sprint(tf.ticks)},
		{Name: "armed", Value: fmt.Sprint(tf.timer.Armed())},
	}, Queues: []waitqueue.State{tf.wqh.State("wqh")}}
}

// TimerfdState is a timer as plain data.
type TimerfdState struct {
	ID       string
	Clock    int
	Armed    bool
	Left     int64 // ns until it expires, 0 if it is not armed
	Interval int64
	Ticks    uint64
	Expired  bool
	Wqh      []string // who waits, in wake-up order
}

// State returns what tf looks like now. It takes no lock: the machine stands still.
func (tf *Timerfd) State() *TimerfdState {
	s := &TimerfdState{
		ID: tf.id.String(), Clock: tf.clock, Armed: tf.timer.Armed(), Interval: tf.interval, Ticks: tf.ticks, Expired: tf.expired,
		Wqh: waiters(&tf.wqh),
	}
	if s.Armed {
		s.Left = max(tf.timer.Expiry()-tf.m.Now(), 0)
	}
	return s
}

// Check reports every broken invariant of tf. It may run between any two steps.
func (tf *Timerfd) Check() error {
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(tf.id.String()+": "+format, args...)) }
	if !tf.wqh.Check() {
		bad("wqh has a broken link")
	}
	if tf.wqh.Lock.Owner() == nil && tf.expired && tf.timer.Armed() {
		bad("has fired and is armed: only a read or gettime restarts it")
	}
	if tf.interval < 0 || tf.expiry < 0 {
		bad("expiry %d, interval %d", tf.expiry, tf.interval)
	}
	if tf.released && (tf.timer.Armed() || tf.wqh.ActiveLocked()) {
		bad("released, but armed or waited for by %v", waiters(&tf.wqh))
	}
	return errors.Join(all...)
}

// Interval returns how often tf expires after the first time, in nanoseconds; 0: not at all.
func (tf *Timerfd) Interval() int64 { return tf.interval }
