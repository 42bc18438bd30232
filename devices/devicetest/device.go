package devicetest

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// Device is a kind of file, and what is known of it.
type Device struct {
	Name string
	// Open makes the files and the moves of a fresh world. It runs in the task that makes the moves.
	Open func(w *World)
	// Owner makes the owner of that task, for devices that ask who calls; nil: it has none.
	Owner func(s *vfs.System) any
	// Rows are the table of measured edges.
	Rows []Row
}

// Row is one line of a table: what is told after some moves. Moves stand in a list, "write 1; read 1".
type Row struct {
	Action string // as the fact sheet has it
	Given  string // moves that come before and are not judged
	Do     string // the moves; none: the files are ADDed anew
	// Edges has for each file that gets any the events of a watcher of everything, of IN and of OUT: "r IN / IN / -;
	// w OUT / - / OUT", without the NORM and BAND twins. Files that Do opens are not judged.
	Edges string
	// Wakes has the wake-ups in order: the queue, its key, and whether one or all exclusive waiters are reached:
	// "pipe.rd_wait IN|RDNORM one; pipe.wr_wait 0 all".
	Wakes string
	// Masks has what files then show, where the row is about that: "t 0", without the twins.
	Masks string
}

// World is where a device is tested: a machine and the files that are open.
type World struct {
	Sys   *vfs.System
	Task  *sim.Task
	moves []move
	files []*File
	queue []*waitqueue.Head // those that any file has named, each with a recorder
	wakes []string
	heard []heard
}

type move struct {
	name string
	fn   func()
}

// heard is one wake-up of a queue.
type heard struct {
	queue *waitqueue.Head
	key   abi.Events
}

// Move adds a move. One that makes no sense at the moment does nothing.
func (w *World) Move(name string, fn func()) { w.moves = append(w.moves, move{name, fn}) }

// File is an open description under test.
type File struct {
	*vfs.File
	Name string
	// Read is the size of a read that is served as soon as anything is there; 0: the file cannot be read.
	Read int
	// Write is what a write finds room for as soon as there is any; nil: the file cannot be written.
	Write []byte
	// ReadBits and WriteBits are those of the mask that say that a read or write does not wait; 0: IN and OUT.
	ReadBits, WriteBits abi.Events
	// Twins are those of RDNORM, WRNORM and WRBAND that come with every IN and OUT.
	Twins abi.Events
	// Silent are the bits that the mask may gain without a wake-up that names them.
	Silent abi.Events
	// Unannounced tells of a state in which reads are served though the mask does not say so, as the sheet has it.
	Unannounced func() bool
	// Roomy tells of a state in which writes are served though the mask does not say so.
	Roomy func() bool
	// Tail tells of a state in which the last buffer of what is queued may have room: a write is served or not, the mask
	// does not tell.
	Tail func() bool

	watchers [3]*watcher
	queues   []*waitqueue.Head
	mask     abi.Events // at the last look
	looked   bool       // there was one
	judged   bool       // it was open when a row's moves began
}

// Add puts a file under test and ADDs it to the watchers.
func (w *World) Add(f *File) *File {
	f.ReadBits, f.WriteBits = orElse(f.ReadBits, abi.EPOLLIN), orElse(f.WriteBits, abi.EPOLLOUT)
	w.files = append(w.files, f)
	w.watch(f)
	return f
}

func orElse(bits, def abi.Events) abi.Events {
	if bits == 0 {
		return def
	}
	return bits
}

// Get returns the open file of a name, or nil.
func (w *World) Get(name string) *File {
	for _, f := range w.files {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Close closes the file of a name, if it is open: its items leave their epolls, then the device hears of it.
func (w *World) Close(name string) {
	for i, f := range w.files {
		if f.Name == name {
			w.files = append(w.files[:i:i], w.files[i+1:]...)
			f.unwatch()
			f.Put()
			return
		}
	}
}

// Sleep lets time pass.
func (w *World) Sleep(ns int64) { w.Task.SleepUntil(w.Sys.M.Now()+ns, "test") }

// Names returns the open files in order.
func (w *World) Names() []string {
	var names []string
	for _, f := range w.files {
		names = append(names, f.Name)
	}
	return names
}
