package kernel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// Options of a kernel. The zero value is the baseline version, run to block, unwatched.
type Options struct {
	Version Version // zero: Baseline
	Machine sim.Options
	// Check verifies every structure after every step, on top of the machine's own checks.
	Check bool
	// TraceState lets every traced call end with an event that holds the state of the whole kernel.
	TraceState bool
	// UserMemory is what threads share between their calls.
	UserMemory UserMemory
	// PMSleep gives the kernel CONFIG_PM_SLEEP, without which EPOLLWAKEUP is dropped.
	PMSleep bool
	// MaxUserWatches is fs.epoll.max_user_watches; 0: the default.
	MaxUserWatches int
	// PortFor chooses a port that Linux would choose at random for a bind to port 0, a connect or a send of IPPROTO_TCP or
	// IPPROTO_UDP, given the one that the model would take; nil: that one.
	PortFor func(protocol int, model uint16) uint16
	// MaxTimeWait is how many connections of TCP are in TIME_WAIT at once: one more, and the oldest is over before its minute;
	// 0: any number.
	MaxTimeWait int
	// ListenerFor chooses among TCP listeners that share an address by SO_REUSEPORT the one that a client is for, where Linux
	// has a hash with a secret; nil: the model's own choice.
	ListenerFor func(client netip.AddrPort, group []*devices.Tcp) *devices.Tcp
	// ReceiverFor is ListenerFor for datagrams of UDP.
	ReceiverFor func(client netip.AddrPort, group []*devices.Udp) *devices.Udp
}

// Kernel is a booted model of Linux.
type Kernel struct {
	m       *sim.Machine
	sys     *vfs.System // the one below
	system  vfs.System
	epoll   *eventpoll.Statics
	user    *eventpoll.User
	version Version `sim:"kept"`
	rules   rules   `sim:"kept"` // of version
	files   *directory
	moves   uint32 // renames so far
	mounts  *devices.Mounts
	inotify *devices.InotifyUser // nil: nobody has asked
	unix    *devices.UnixNet
	inet    *devices.InetNet
	clocks  *devices.Clocks
	console devices.Console
	devpts  devices.Devpts
	traced  bool
	states  bool // trace the state after each call
	memory  UserMemory
	also    func() string // adds to describe
	answers answers       `sim:"kept"`

	afterCheck func() // is called when all was verified

	lastPid  int
	tasklist sim.Spinlock       // guards that processes end and are reaped
	procs    list.List[Process] // not reaped, in order of creation
	killed   *KilledError
}

// Boot starts a kernel with nothing running.
func Boot(opts Options) *Kernel {
	if opts.Version == (Version{}) {
		opts.Version = Baseline
	}
	then := opts.Machine.AfterStep
	if opts.Check {
		opts.Machine.Check, opts.Machine.AfterStep = true, nil
	}
	m := sim.New(opts.Machine)
	k := kernels.New(m)
	k.m, k.traced, k.states = m, opts.Machine.Trace != nil, opts.TraceState
	if k.version != opts.Version {
		k.version, k.rules = opts.Version, opts.Version.cached()
	}
	k.memory, k.afterCheck = opts.UserMemory, then
	k.answer(&opts)
	k.tasklist.Init(m, classTasklist)
	if k.rules.WakesInBatches {
		m.WakeBatch = wakeBatch
	}
	k.system.M, k.system.Rules = m, k.rules.Vfs
	k.sys = &k.system
	k.epoll = eventpoll.NewStatics(k.sys, k.rules.Epoll)
	k.epoll.PMSleep = opts.PMSleep
	if opts.MaxUserWatches > 0 {
		k.epoll.MaxUserWatches = opts.MaxUserWatches
	}
	k.user = k.epoll.NewUser()
	k.unix = devices.NewUnixNet(k.sys, unixNames{k})
	k.inet = devices.NewInetNet(k.sys)
	k.inet.PortFor, k.inet.MaxTimeWait = opts.PortFor, opts.MaxTimeWait
	k.inet.ListenerFor, k.inet.ReceiverFor = opts.ListenerFor, opts.ReceiverFor
	k.clocks = devices.NewClocks(k.m)
	return k
}

// answer makes k the one whom the machine asks.
func (k *Kernel) answer(opts *Options) {
	a := &k.answers
	if a.describe == nil {
		*a = answers{k.describe, k.where, k.lostWakeUps, k.checkStep}
	}
	var quiet func() error
	if _, exploring := opts.Machine.Strategy.(sim.Observer); exploring || opts.Check {
		quiet = a.quiet
	}
	var check func()
	if opts.Check {
		check = a.check
	}
	k.m.Answer(a.describe, a.where, quiet, check)
}

// answers are the methods of a kernel that its machine calls: values that are made once.
type answers struct {
	describe, where func() string
	quiet           func() error
	check           func()
}

var kernels = sim.NewCache(func(k *Kernel) {
	*k = Kernel{answers: k.answers, version: k.version, rules: k.rules, devpts: k.devpts.Again()}
})

// Machine returns what the kernel runs on.
func (k *Kernel) Machine() *sim.Machine { return k.m }

// Current returns the thread that runs now, nil outside of Run and in interrupts.
func (k *Kernel) Current() Calls {
	if t := k.m.Current(); t != nil {
		if th, ok := t.Owner.(*Thread); ok {
			return th
		}
	}
	return nil
}

// Stop ends the run with err; called by a thread it does not return.
func (k *Kernel) Stop(err error) { k.m.Stop(err) }

// DescribeAlso adds what fn says to the state that the report of a deadlock, a violation or a limit shows:
// the program's own view, such as where in its text each thread stands.
func (k *Kernel) DescribeAlso(fn func() string) { k.also = fn }

func (k *Kernel) describe() string {
	return k.Snapshot().String() + k.where()
}

func (k *Kernel) where() string {
	if k.also == nil {
		return ""
	}
	return k.also()
}

// Version returns the release that is modelled.
func (k *Kernel) Version() Version { return k.version }

// KilledError says that a process died by a signal that it did not expect.
type KilledError struct {
	Pid    int
	Signal abi.Signal
}

// Error names the process and the signal.
func (e *KilledError) Error() string {
	return fmt.Sprintf("process %d was killed by %s", e.Pid, e.Signal)
}

// Run starts process 1 with a thread that runs main, and runs until every process has ended. The error is
// the machine's (deadlock, limit, panic, violation), or a *KilledError if a process died by a signal that
// nobody sent it on purpose. The kernel is torn down afterwards.
func (k *Kernel) Run(main func(Calls)) error {
	return k.run(body{calls: main})
}

// RunThread is Run for code that wants the model's own type.
func (k *Kernel) RunThread(main func(*Thread)) error { return k.run(body{fn: main}) }

func (k *Kernel) run(main body) error {
	k.lastPid++
	p := k.newProcess(k.lastPid, nil)
	p.newThread(p.pid, "main", p.files, main)
	err := k.m.Run()
	k.m.Close()
	if err == nil && k.killed != nil {
		err = k.killed
	}
	return err
}

// Deadlocked reports whether err says that nothing could go on.
func Deadlocked(err error) bool {
	var d *sim.DeadlockError
	return errors.As(err, &d)
}

// Counter is one of the cost counters.
type Counter struct {
	Name  string
	Value uint64
}

// Counters returns what calls have cost so far, in units that do not depend on the machine.
func (k *Kernel) Counters() []Counter {
	c := k.sys.Counters
	return []Counter{
		{"syscalls", c.Syscalls},
		{"poll_calls", c.PollCalls},
		{"queue_insertions", c.QueueInsertions},
		{"callbacks", c.Callbacks},
		{"bytes_in", c.BytesIn},
		{"bytes_out", c.BytesOut},
		{"allocations", c.Allocations},
	}
}

// consoleFile is what 0, 1 and 2 of the first process refer to.
func (k *Kernel) consoleFile() *vfs.File {
	if k.console.File() == nil {
		k.console.Init(k.sys, &k.devpts)
	}
	return k.console.File()
}
