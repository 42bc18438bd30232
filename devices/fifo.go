package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

var (
	classFifoLock = sim.NewClass("inode.i_lock")
	fieldPipe     = sim.NewField("i_pipe")
)

// Fifo is a pipe with a name. It has a ring only while a description is open, or an open is under way: what was in it is
// gone with the last of them. Models the inode. See fifo(7).
type Fifo struct {
	sys   *vfs.System
	name  string
	ino   uint64
	rules PipeRules

	lock sim.Spinlock // guards pipe, and its files
	pipe *Pipe        // nil: nobody has it open
}

// NewFifo returns a FIFO that nobody has opened: mkfifo(3).
func NewFifo(s *vfs.System, name string, rules PipeRules) *Fifo {
	i := &Fifo{sys: s, name: name, ino: s.NextIno(), rules: rules}
	i.lock.Init(s.M, classFifoLock)
	return i
}

// Open returns a description. For reading alone it waits until a writer opens, for writing alone until a reader does –
// has opened since, for the other may have closed again. With O_NONBLOCK a reader does not wait, and shows no HUP until a
// first writer was there; a writer without a reader is ENXIO. For both it never waits. The first of either side wakes the
// queue of the readers, where those wait too who open. A description that comes with an errno is for the caller to end.
// Models fifo_open.
func (i *Fifo) Open(flags int) (*vfs.File, abi.Errno) {
	m := i.sys.M
	enter(m, "fifo_open")
	defer leave(m, "fifo_open")
	p := i.get()
	end := &pipeFile{Pipe: p}
	p.mutex.Lock()
	var errno abi.Errno
	switch flags & abi.O_ACCMODE {
	case abi.O_RDONLY:
		errno = end.openReader(flags)
	case abi.O_WRONLY:
		errno = end.openWriter(flags)
	case abi.O_RDWR:
		p.addReader()
		p.addWriter()
		if p.readers == 1 || p.writers == 1 {
			p.wakePartner()
		}
	default:
		errno = abi.EINVAL
	}
	p.mutex.Unlock()
	if errno != 0 {
		p.put()
		return nil, errno
	}
	f := i.sys.NewFile(end, deviceFlags(flags), i.name, i.ino)
	if flags&abi.O_DIRECT != 0 { // found out only now, when others have seen the open
		return f, abi.EINVAL
	}
	return f, 0
}

// get returns the pipe of i with one more use.
func (i *Fifo) get() *Pipe {
	i.lock.Lock()
	defer i.lock.Unlock()
	i.sys.M.Guarded(&i.lock, i.lock.ID(), fieldPipe)
	if i.pipe == nil {
		i.pipe = newPipe(i.sys, i.rules)
		i.pipe.inode = i
	}
	i.pipe.files++
	return i.pipe
}

// openReader and openWriter are the two sides of an open; the mutex is held, but not while they wait.
func (end *pipeFile) openReader(flags int) abi.Errno {
	p := end.Pipe
	if p.addReader(); p.readers == 1 {
		p.wakePartner()
	}
	if p.writers > 0 {
		return 0
	}
	if flags&abi.O_NONBLOCK != 0 {
		end.seen = p.wCounter
		return 0
	}
	if errno := p.waitForPartner(&p.wCounter); errno != 0 {
		p.m.Write(p.id, fieldReaders)
		if p.readers--; p.readers == 0 {
			p.wrWait.WakeUp(sim.Interruptible, 1, false, 0)
		}
		return errno
	}
	return 0
}

func (end *pipeFile) openWriter(flags int) abi.Errno {
	p := end.Pipe
	if flags&abi.O_NONBLOCK != 0 && p.readers == 0 {
		return abi.ENXIO
	}
	if p.addWriter(); p.writers == 1 {
		p.wakePartner()
	}
	if p.readers > 0 {
		return 0
	}
	if errno := p.waitForPartner(&p.rCounter); errno != 0 {
		p.m.Write(p.id, fieldWriters)
		if p.writers--; p.writers == 0 {
			p.rdWait.WakeUpInterruptibleAll()
		}
		return errno
	}
	return 0
}

func (p *Pipe) addReader() {
	p.m.Write(p.id, fieldReaders)
	p.readers++
	p.rCounter++
}

func (p *Pipe) addWriter() {
	p.m.Write(p.id, fieldWriters)
	p.m.Write(p.id, fieldWCounter)
	p.writers++
	p.wCounter++
}

// wakePartner tells who waits in an open, and who polls the reading side: wake_up_partner.
func (p *Pipe) wakePartner() { p.rdWait.WakeUpInterruptibleAll() }

// waitForPartner sleeps until a counter of opens has moved, or a signal is pending. Models wait_for_partner.
func (p *Pipe) waitForPartner(opens *int) (errno abi.Errno) {
	t := p.m.Current()
	e := p.sleepers.get(t, 0)
	for before := *opens; *opens == before; {
		p.rdWait.PrepareToWait(e, sim.Interruptible)
		p.mutex.Unlock()
		t.Schedule("a partner in open", p.id)
		p.rdWait.FinishWait(e)
		p.mutex.Lock()
		if *opens == before && t.SignalPending() {
			errno = abi.ERESTARTSYS
			break
		}
	}
	p.sleepers.put(e)
	return errno
}
