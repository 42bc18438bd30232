package devices

import (
	"fmt"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

var (
	classPipe      = sim.NewClass("pipe")
	classPipeMutex = sim.NewClass("pipe.mutex")
	classRdWait    = sim.NewClass("pipe.rd_wait")
	classWrWait    = sim.NewClass("pipe.wr_wait")

	fieldHeadTail  = sim.NewField("head_tail")
	fieldMaxUsage  = sim.NewField("max_usage")
	fieldBufs      = sim.NewField("bufs")
	fieldReaders   = sim.NewField("readers")
	fieldWriters   = sim.NewField("writers")
	fieldWCounter  = sim.NewField("w_counter")
	fieldPollUsage = sim.NewField("poll_usage")
	fieldFiles     = sim.NewField("files")
)

// What the two queues are woken with.
const (
	readKey  = abi.EPOLLIN | abi.EPOLLRDNORM
	writeKey = abi.EPOLLOUT | abi.EPOLLWRNORM
)

// SignalSender is met by the owner of a task that can be sent SIGPIPE: who writes to a pipe that nobody reads.
type SignalSender interface{ SendSigpipe() }

// Pipe is a ring of slots between those who write and those who read, models struct pipe_inode_info. See pipe(7).
type Pipe struct {
	sys   *vfs.System
	m     *sim.Machine
	id    sim.ID
	rules PipeRules

	mutex sim.Mutex
	// Changed under mutex; ->poll and sleepers read them without.
	head, tail uint32 // slots ever filled and ever emptied, modulo 2³²
	maxUsage   uint32 // the capacity in slots
	readers    int    // open descriptions that can read
	writers    int    // … and write
	wCounter   int    // writers that ever opened
	// Guarded by mutex.
	rCounter int          // readers that ever opened
	bufs     []pipeBuffer // the ring; slot i is bufs[i % len]
	resizing bool         // head, tail and the capacity do not fit together
	pages    pages

	pollUsage bool  // somebody has polled an end; never cleared
	files     int   // descriptions, and opens under way
	inode     *Fifo // nil: it has no name. Its lock guards files

	rdWait, wrWait waitqueue.Head
	sleepers       sleepers
	ends           [2]pipeFile              // the descriptions that pipe2 makes
	room           [defaultSlots]pipeBuffer // the ring at first
}

// pipeFile is a pipe as one description sees it.
type pipeFile struct {
	*Pipe
	seen int // f_pipe: no HUP while wCounter is this; 0 where there was a writer at the open
}

// NewPipe returns the read end and the write end of a new pipe: pipe2(2) up to the descriptors. Models
// create_pipe_files, which makes the write end first.
func NewPipe(s *vfs.System, flags int, rules PipeRules) (r, w *vfs.File, errno abi.Errno) {
	const notification = abi.O_EXCL // O_NOTIFICATION_PIPE
	if flags&^(abi.O_CLOEXEC|abi.O_NONBLOCK|abi.O_DIRECT|notification) != 0 {
		return nil, nil, abi.EINVAL
	}
	if flags&notification != 0 {
		return nil, nil, abi.ENOPKG
	}
	p := newPipe(s, rules)
	p.readers, p.writers, p.rCounter, p.wCounter, p.files = 1, 1, 1, 1, 2
	ino := s.NextIno()
	name := fmt.Sprintf("pipe:[%d]", ino)
	p.ends[0].Pipe, p.ends[1].Pipe = p, p
	w = s.NewFile(&p.ends[1], abi.O_WRONLY|flags&(abi.O_NONBLOCK|abi.O_DIRECT), name, ino)
	r = s.NewFile(&p.ends[0], abi.O_RDONLY|flags&abi.O_NONBLOCK, name, ino)
	return r, w, 0
}

var pipes = sim.NewCache(func(p *Pipe) { *p = Pipe{sleepers: p.sleepers.again()} })

// newPipe returns an empty pipe that nobody has opened: alloc_pipe_info.
func newPipe(s *vfs.System, rules PipeRules) *Pipe {
	p := pipes.New(s.M)
	p.sys, p.m, p.id, p.rules, p.maxUsage = s, s.M, s.M.NewID(classPipe), rules, defaultSlots
	p.bufs = p.room[:]
	p.mutex.Init(s.M, classPipeMutex)
	p.rdWait.InitClass(s.M, classRdWait)
	p.wrWait.InitClass(s.M, classWrWait)
	s.Counters.Allocations += 2 // with the ring
	return p
}

// PipeOf returns the pipe or FIFO that f is a description of, or nil: get_pipe_info.
func PipeOf(f *vfs.File) *Pipe {
	if end, ok := f.Ops.(*pipeFile); ok {
		return end.Pipe
	}
	return nil
}

// Read takes what is there, up to len(b), and sleeps only for the first byte. See Pipe.read.
func (end *pipeFile) Read(f *vfs.File, b []byte) (int, abi.Errno) {
	return end.read(f, b)
}

// Write puts in all of b, sleeping for room. See Pipe.write.
func (end *pipeFile) Write(f *vfs.File, b []byte) (int, abi.Errno) {
	return end.write(f, b)
}

// Release closes a description. The last of the readers, or of the writers, wakes everybody on both queues – and so does
// each further one of the other side. Models pipe_release.
func (end *pipeFile) Release(f *vfs.File) {
	p := end.Pipe
	p.m.EnterOn(p.id, "pipe_release", "")
	p.mutex.Lock()
	if f.Readable() {
		p.m.Write(p.id, fieldReaders)
		changed(p.m, p.id, "readers", uint64(p.readers), uint64(p.readers-1))
		p.readers--
	}
	if f.Writable() {
		p.m.Write(p.id, fieldWriters)
		changed(p.m, p.id, "writers", uint64(p.writers), uint64(p.writers-1))
		p.writers--
	}
	if (p.readers == 0) != (p.writers == 0) {
		p.rdWait.WakeUpInterruptibleAll()
		p.wrWait.WakeUpInterruptibleAll()
	}
	p.mutex.Unlock()
	p.put()
	p.m.Leave("pipe_release")
}

// Traced is vfs.Traced.
func (p *Pipe) Traced() (string, sim.ID) { return "pipe", p.id }

// put gives back a use of the pipe; with the last one, what was in it is gone. Models put_pipe_info.
func (p *Pipe) put() {
	m := p.m
	if p.inode != nil {
		p.inode.lock.Lock()
	}
	m.Write(p.id, fieldFiles)
	p.files--
	last := p.files == 0
	if p.inode != nil {
		if last {
			p.inode.pipe = nil
		}
		p.inode.lock.Unlock()
	}
	if !last {
		return
	}
	p.end()
}

// Ioctl knows FIONREAD, on both ends: the unread bytes of all slots. Models pipe_ioctl.
func (end *pipeFile) Ioctl(_ *vfs.File, request uint, _ int64) (int64, abi.Errno) {
	if request != abi.FIONREAD {
		return 0, abi.ENOTTY
	}
	p := end.Pipe
	p.mutex.Lock()
	n := p.bytes()
	p.mutex.Unlock()
	return int64(n), 0
}

// Fcntl knows F_GETPIPE_SZ and F_SETPIPE_SZ, on both ends. Models pipe_fcntl.
func (end *pipeFile) Fcntl(_ *vfs.File, cmd, arg int) (int, abi.Errno) {
	if cmd != abi.F_SETPIPE_SZ && cmd != abi.F_GETPIPE_SZ {
		return 0, abi.EINVAL
	}
	p := end.Pipe
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if cmd == abi.F_SETPIPE_SZ {
		if errno := p.setSize(uint32(arg)); errno != 0 {
			return 0, errno
		}
	}
	return int(p.maxUsage) * pageSize, 0
}

// CheckFlags accepts O_DIRECT: packets, if the description can write.
func (end *pipeFile) CheckFlags(*vfs.File, int) abi.Errno { return 0 }

// SetAsync lets a pipe keep O_ASYNC: pipe_fasync.
func (end *pipeFile) SetAsync(*vfs.File, bool) abi.Errno { return 0 }

// wait sleeps on one of the two queues until ready, exclusively and in order of arrival. It returns ERESTARTSYS if a
// signal came first; who was chosen by a wake-up sees that first. Models wait_event_interruptible_exclusive.
func (p *Pipe) wait(h *waitqueue.Head, what string, ready func(*Pipe) bool) abi.Errno {
	return p.waitOn(h, what, ready, waitqueue.Exclusive)
}

// waitOn is wait with the flags of the entry.
func (p *Pipe) waitOn(h *waitqueue.Head, what string, ready func(*Pipe) bool, flags waitqueue.Flags) abi.Errno {
	if ready(p) {
		return 0
	}
	t := p.m.Current()
	e := p.sleepers.get(t, flags)
	for {
		errno := h.PrepareToWait(e, sim.Interruptible)
		if ready(p) {
			break
		}
		if errno != 0 {
			p.sleepers.put(e)
			return errno
		}
		t.Schedule(what, p.id)
	}
	h.FinishWait(e)
	p.sleepers.put(e)
	return 0
}

func (p *Pipe) wakeReaders() { p.rdWait.WakeUp(sim.Interruptible, 1, true, readKey) }
func (p *Pipe) wakeWriters() { p.wrWait.WakeUp(sim.Interruptible, 1, true, writeKey) }

// sigpipe sends SIGPIPE to the running task.
func (p *Pipe) sigpipe() {
	if t := p.m.Current(); t != nil {
		if s, ok := t.Owner.(SignalSender); ok {
			s.SendSigpipe()
		}
	}
}

// bytesTraced and noteTraced tell the tracer how many bytes went in or out.
func (p *Pipe) bytesTraced() int {
	if !p.m.Tracing() {
		return 0
	}
	return p.bytes()
}

func (p *Pipe) noteTraced(before int) {
	if !p.m.Tracing() {
		return
	}
	changed(p.m, p.id, "bytes", uint64(before), uint64(p.bytes()))
}
