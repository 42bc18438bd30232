package replay

import (
	"fmt"
	"slices"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// star turns the calls that the model makes while it replays a log into the statements of a scenario: those of the threads of
// the log and those of the pilot, who plays the world outside.
type star struct {
	x      *exec
	parts  []*part        // the first one is the world
	byTask map[int]*part  // by number of the model's thread
	scenes []*scene       // in order; see kept
	open   map[int]*scene // the call that a thread is in
	names
	clock  int64                // time of the scenario in ns: it passes where somebody waits for it
	due    map[*vfs.File]int64  // when a timer expires, by that clock
	sooner map[*vfs.File]func() // makes a timer expire soon
	left   int                  // calls that are left out
	chosen bool                 // SO_REUSEPORT chooses who gets what comes in

	flat bool           // one thread makes all calls, each where it ended
	at   map[int]*scene // by line of the text
}

// part is what one thread of the scenario does.
type part struct {
	index   int
	tid     int    // of the log
	program string // that it runs
	from    *part  // who started it
	since   int    // the step at which
	speaks  bool   // it makes calls
	used    bool   // it does, or starts who does
}

// scene is what one thread does before it is another one's turn: a call of the log, or of the world.
type scene struct {
	part   *part
	begin  int // line of the log at which it begins
	end    int
	lines  []string
	child  *part     // that it starts
	behind *scene    // the call that is over here, during which others did something
	over   *scene    // where that is
	file   *vfs.File // that the call is on
	crowd  bool      // others slept for the same file
	slept  bool      // it is begun, and others have their turn
	late   bool      // it is made where it was over
	peep   *scene    // that nothing has come yet, where it began
	peeps  bool      // this is said
	finish func()
}

func newStar() *star {
	return &star{parts: []*part{{speaks: true, used: true}}, byTask: map[int]*part{}, open: map[int]*scene{}, names: newNames(), due: map[*vfs.File]int64{}, sooner: map[*vfs.File]func(){}}
}

func (s *star) world() *part { return s.parts[0] }

// event takes what the machine tells.
func (s *star) event(e sim.Event) {
	c, ok := e.Arg.(*kernel.Call)
	if !ok || e.Kind != sim.EventCall || s.x.mute > 0 {
		return
	}
	switch e.What {
	case kernel.TraceEnter:
		s.enter(c)
	case kernel.TraceExit:
		s.exit(c)
	}
}

// enter notes a call that begins. What it asks for is put into words now: it may be gone when the call is over.
func (s *star) enter(c *kernel.Call) {
	th, files := s.x.byTid[c.Tid], s.x.pilot.Files()
	pilot := c.Pid == s.x.pilot.Process().Pid()
	if !pilot {
		if th == nil || th.k == nil {
			return
		}
		files = th.k.Files()
	}
	if c.Name == "exit_group" || c.Name == "exit" && files.Users <= 1 {
		s.leaves(th, files)
		return
	}
	st := &scene{part: s.world(), begin: s.x.log.at(s.x.at).mark.Line}
	if !pilot {
		st.part = s.part(th, files)
		if th.cur != nil {
			st.begin, st.end = th.cur.begin.Line, th.cur.end.Line
		}
	}
	if st.part == nil {
		return
	}
	l := &line{s: s, scene: st, files: files, names: s.table(files), pilot: pilot, c: c}
	if spell := spellings[c.Name]; spell != nil {
		finish := spell(l)
		if finish != nil && !l.foreign {
			st.finish = finish
		} else if l.foreign && !pilot {
			s.left++
		}
	}
	if fd, ok := firstArg(c); ok {
		st.file = files.At(fd)
	}
	for _, other := range s.open {
		if other.file == st.file && st.file != nil && !pilot {
			st.crowd, other.crowd = true, true
		}
	}
	s.open[c.Tid] = st
	s.scenes = append(s.scenes, st)
}

func firstArg(c *kernel.Call) (int, bool) {
	if len(c.Args) == 0 {
		return 0, false
	}
	fd, ok := c.Args[0].(int)
	return fd, ok
}

// exit notes the result.
func (s *star) exit(c *kernel.Call) {
	st := s.open[c.Tid]
	if st == nil {
		return
	}
	delete(s.open, c.Tid)
	pilot := c.Pid == s.x.pilot.Process().Pid()
	switch {
	case st.finish == nil:
	case c.Err == abi.EINTR || c.Err >= abi.ERESTARTSYS || c.Err == abi.EFAULT:
		s.left++
	case pilot && (!ofWorld[c.Name] || c.Err != 0 && c.Err != abi.EINPROGRESS):
	default:
		st.finish()
		st.finish = nil
	}
	if s.scenes[len(s.scenes)-1] != st {
		st.over = &scene{part: st.part, begin: st.begin, end: st.end, behind: st}
		s.scenes = append(s.scenes, st.over)
	}
}

// ofWorld are the calls of the pilot's that others see something of.
var ofWorld = map[string]bool{
	"socket": true, "bind": true, "listen": true, "connect": true, "accept4": true, "sendto": true, "sendmsg": true, "recvfrom": true,
	"shutdown": true, "close": true, "setsockopt": true, "unlink": true,
}

// part is what plays th.
func (s *star) part(th *thread, files *vfs.FdTable) *part {
	if p := s.byTask[th.tid]; p != nil {
		return p
	}
	from := s.world()
	for _, other := range s.x.alive { // a thread whose making the log does not show
		if p := s.byTask[other.tid]; p != nil && p != from && !s.x.lost(other) && other.k.Files() == files {
			from = p
			break
		}
	}
	p := s.newPart(th, from)
	if from == s.world() {
		s.start(p, "fork", from, 0, 0)
		return p
	}
	// It waits for its turn from the start of the other one on, which may be in a call now.
	p.since = from.since
	i := slices.IndexFunc(s.scenes, func(sc *scene) bool { return sc.child == from })
	s.scenes = slices.Insert(s.scenes, i+1, &scene{part: from, lines: []string{startText("spawn", p)}, child: p})
	return p
}

func (s *star) newPart(th *thread, from *part) *part {
	p := &part{index: len(s.parts), tid: th.tid, program: from.program, from: from, since: len(s.scenes)}
	s.parts = append(s.parts, p)
	s.byTask[th.tid] = p
	return p
}

// start lets a thread begin a part.
func (s *star) start(p *part, how string, by *part, begin, end int) {
	s.scenes = append(s.scenes, &scene{part: by, begin: begin, end: end, lines: []string{startText(how, p)}, child: p})
}

// cloned notes that th has started child.
func (s *star) cloned(th, child *thread) {
	files := th.k.Files()
	from := s.part(th, files)
	p := s.newPart(child, from)
	o := th.cur
	if child.k.Files() == files {
		s.start(p, "spawn", from, o.begin.Line, o.end.Line)
		return
	}
	s.copyNames(files, child.k.Files())
	s.start(p, "fork", from, o.begin.Line, o.end.Line)
}

// unshared notes that t has a table of its own now.
func (s *star) unshared(t *kernel.Thread, old *vfs.FdTable) {
	if t.Files() != old {
		s.copyNames(old, t.Files())
	}
}

// executed closes what an execve has closed.
func (s *star) executed(th *thread, old *vfs.FdTable) {
	s.unshared(th.k, old)
	p := s.part(th, th.k.Files())
	p.program = programName(th.cur.text)
	s.closing(p, th.cur, th.k.Files(), "execve", func(fd int) bool { return th.k.Files().At(fd) == nil })
}

// leaves closes what a process that is about to end has open, unless another one has the same table.
func (s *star) leaves(th *thread, files *vfs.FdTable) {
	p := s.byTask[th.tid]
	if p == nil || slices.ContainsFunc(s.x.alive, func(other *thread) bool {
		return !s.x.lost(other) && other.k.Files() == files && other.k.Process() != th.k.Process()
	}) {
		return
	}
	s.closing(p, th.cur, files, "exit", func(int) bool { return true })
}

// over closes what the last task with a table that was killed leaves open.
func (s *star) over(th *thread, files *vfs.FdTable) {
	if p := s.byTask[th.tid]; p != nil && files != nil && files.Users <= 0 {
		s.closing(p, th.cur, files, "its end", func(int) bool { return true })
	}
}

// closed closes a number of th's that no call of the log closes.
func (s *star) closed(th *thread, fd int) {
	if p := s.byTask[th.tid]; p != nil {
		s.closing(p, th.cur, th.k.Files(), "not in the log", func(n int) bool { return n == fd })
	}
}

func (s *star) closing(p *part, o *op, files *vfs.FdTable, why string, closed func(fd int) bool) {
	st := &scene{part: p}
	if o != nil {
		st.begin, st.end = o.begin.Line, o.end.Line
	}
	l := &line{s: s, scene: st, files: files, names: s.table(files)}
	fds := l.numbers()
	if why != "execve" { // a process that ends closes the last ones first
		slices.Reverse(fds)
	}
	for _, fd := range fds {
		if closed(fd) {
			text := fmt.Sprintf("close(%s)", l.use(l.names[fd].v))
			l.say("%s", text)
			l.forget(fd)
		}
	}
	if len(st.lines) > 0 {
		st.lines = slices.Insert(st.lines, 0, "# "+why)
		s.scenes = append(s.scenes, st)
	}
}

// inherited notes an epoll from before the log.
func (s *star) inherited(th *thread, fd int, f *vfs.File) {
	st := &scene{part: s.part(th, th.k.Files()), begin: th.cur.begin.Line}
	l := &line{s: s, scene: st, files: th.k.Files(), names: s.table(th.k.Files())}
	l.say("%s = epoll_create1()", l.define("ep", fd, f))
	s.scenes = append(s.scenes, st)
}
