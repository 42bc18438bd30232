package replay

import (
	"errors"
	"io"
	"math"
	"sort"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/scenario/strace/files"
)

// Log is a log: what a survey of all of it has found, and a window on its moments.
type Log struct {
	Name    string
	Stats   strace.Stats
	Notices []files.Notice // what is missing in it
	window
	kinship
	blind bool // it leaves out calls that make descriptors: those of %network, or those that open files

	start     int64 // time of its first line
	attached  bool  // it does not begin with the start of a program
	skipped   map[string]int
	seen      map[string]bool // the names of its calls
	clients   map[uint16]bool // ports that connects of the log were given
	failures  int             // calls that have failed
	sockets   bool            // something was a socket before the log began, as it seems
	untimed   bool            // of several files without times: the order of the moments is none yet
	overlaps  int             // calls that were under way while another one was
	moments   int
	deaths    map[int][]death   // of children, by their number
	strangers []files.Inherited // descriptors that were used, and that no call has made
	epolls    map[number]bool   // those of them that are epolls
	outside   map[int]bool      // calls that ask for what the model does not have, by index
	sharing   sharing           // who can be a thread of whom
	holes     holes
	given     sharing         // the same by what calls give out alone, of which it takes the place in a blind log
	births    map[int][]child // tasks that were forked off before a call, by Mark.Seq of that
	long      map[int]*op     // calls of which more is known only far behind their begin, by index
}

// number is a descriptor of the first of all tasks that were forked from one.
type number struct{ task, fd int }

// Opener gives a log from its beginning, and what ends the reading.
type Opener func() (src strace.Source, done func(), err error)

// Read reads a log to its end and keeps all of it.
func Read(src strace.Source, name string) (*Log, error) {
	log := newLog(name, bounds{whole: math.MaxInt, stride: usual.stride})
	return log, log.survey(src)
}

// Open looks through a log. One of more than a few ten thousand moments is not kept but read again by each execution, a
// window at a time.
func Open(open Opener, name string) (*Log, error) { return openWith(open, name, usual) }

func openWith(open Opener, name string, b bounds) (*Log, error) {
	src, done, err := open()
	if err != nil {
		return nil, err
	}
	defer done()
	log := newLog(name, b)
	log.open = open
	return log, log.survey(src)
}

func newLog(name string, b bounds) *Log {
	log := &Log{
		Name: name, kinship: newKinship(), window: window{bounds: b}, skipped: map[string]int{}, seen: map[string]bool{}, outside: map[int]bool{},
		clients: map[uint16]bool{}, long: map[int]*op{}, epolls: map[number]bool{}, deaths: map[int][]death{}, sharing: newSharing(), given: newSharing(),
	}
	log.given.given = true
	return log
}

// survey reads a log to its end.
func (log *Log) survey(src strace.Source) error {
	tracker := files.New()
	in := &intake{log: log, src: files.Watched{Source: src, Tracker: tracker}, survey: true}
	for {
		e, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if log.moments++; log.moments <= log.whole {
			log.list = append(log.list, e)
		} else {
			log.list = nil
		}
	}
	log.Stats, log.Notices = src.Stats(), tracker.Notices()
	log.lacks(tracker)
	log.births = log.sharing.forks()
	if log.clones() {
		log.births = nil
	}
	if log.over = log.moments <= log.whole; log.over {
		log.open, log.long = nil, nil
	}
	if log.untimed = log.Stats.Untimed && len(log.list) > 0; log.untimed {
		log.interleave()
	} else if log.Stats.Untimed && log.moments > 0 {
		return &strace.Error{Pos: strace.Pos{File: log.Name, Line: 1, Col: 1}, Msg: "these files have no times of day, and are too long for an order to be found " +
			"by trying; record with strace -ff -ttt -o FILE, or into one file with strace -f"}
	}
	return nil
}

// begin notes how a log begins.
func (log *Log) begin(rec *strace.Record) {
	log.attached = rec.Kind != strace.RecordCall && rec.Kind != strace.RecordEnter || rec.Call.Name != "execve"
	log.start = rec.Time
}

// Skipped gives the calls that are not replayed, the most frequent first.
func (log *Log) Skipped() []Count {
	var list []Count
	for name, n := range log.skipped {
		list = append(list, Count{name, n})
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].N != list[j].N {
			return list[i].N > list[j].N
		}
		return list[i].Name < list[j].Name
	})
	return list
}

// Count is how often something came.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}
