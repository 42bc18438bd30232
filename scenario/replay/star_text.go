package replay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/vfs"
)

// line writes the statements of one call.
type line struct {
	s       *star
	scene   *scene
	files   *vfs.FdTable
	names   map[int]slot
	pilot   bool
	foreign bool // the call is on a file that the scenario has not
	c       *kernel.Call
}

// say adds a statement.
func (l *line) say(format string, args ...any) {
	l.scene.lines = append(l.scene.lines, fmt.Sprintf(format, args...))
	l.scene.part.speaks = true
}

// check adds a call whose result is the one of the model, which is that of the log. A failure that is not looked at fails a
// scenario by itself, so that a call that gives 0 stands alone.
func (l *line) check(call string) {
	switch c := l.c; {
	case c.Err != 0:
		l.say("check(%s == %s)", call, c.Err.Name())
	case c.Ret == 0:
		l.say("%s", call)
	default:
		l.say("check(%s == %d)", call, c.Ret)
	}
}

// startText is the statement that starts a part.
func startText(how string, p *part) string {
	return fmt.Sprintf("%s(\x01%d\x01\x02%d\x02)", how, p.index, p.index)
}

// turnsText is what lets one thread go on at a time.
const turnsText = `
# Whose turn it is: every thread waits for a byte in its pipe.
def go_on(thread):
    write(turns[thread][1], b"!")

def my_turn(thread):
    read(turns[thread][0], 1)
`

const countText = `
# How many bytes came; an errno is none.
def count(data):
    return -1 if type(data) == "errno" else len(data)
`

const countsText = `
# How many bytes came into each buffer; an errno is none.
def counts(parts):
    return None if type(parts) == "errno" else [len(part) for part in parts]
`

const readAllText = `
# What the log read from a stream at once may come in parts.
def read_all(fd, n):
    if n > 4096:
        sleep(100)  # it comes in pieces, some of them behind a late ACK
    got = 0
    while got < n:
        data = read(fd, n - got)
        if data == EAGAIN:
            if poll([(fd, POLLIN)], timeout = 1000) == []:
                return got
        elif type(data) == "errno" or len(data) == 0:
            return got
        else:
            got += len(data)
    return got
`

// page is text, and which scene a line is of.
type page struct {
	lines []string
	of    []*scene
}

func (p *page) add(sc *scene, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		p.lines, p.of = append(p.lines, line), append(p.of, sc)
	}
}

func (p *page) append(other *page) {
	p.lines, p.of = append(p.lines, other.lines...), append(p.of, other.of...)
}

// text writes the scenario.
func (s *star) text() string {
	for _, p := range slices.Backward(s.parts) {
		if p.used = p.used || p.speaks; p.used && p.from != nil {
			p.from.used = true
		}
	}
	scenes := s.kept()
	s.christen()
	body := s.flatText(scenes)
	if !s.flat {
		body = s.partsText(scenes)
	}
	var all page
	all.add(nil, fmt.Sprintf("# The calls of %s, in the order in which a replay makes them, with its results.\n"+
		"# What stands behind them are lines of the log; numbers in names are those of the log.", s.x.log.Name))
	if s.left > 0 {
		all.add(nil, fmt.Sprintf("# %d calls are left out: on files of which only the log knows, or ended by signals.", s.left))
	}
	all.add(nil, "signal(SIGPIPE, SIG_IGN)")
	if most := 64 + s.most + 2*len(s.parts); most > 1024 {
		all.add(nil, fmt.Sprintf("setrlimit(RLIMIT_NOFILE, %d)", most))
	}
	for _, own := range []struct{ call, text string }{{"count(", countText}, {"counts(", countsText}, {"read_all(", readAllText}} {
		if slices.ContainsFunc(body.lines, func(line string) bool { return strings.Contains(line, own.call) }) {
			all.add(nil, own.text)
		}
	}
	all.append(body)
	s.at = map[int]*scene{}
	for i, sc := range all.of {
		s.at[i+1] = sc
	}
	return strings.Join(all.lines, "\n") + "\n"
}

// kept are the scenes in which something happens, in order. A call that slept is begun right before the last thing that others
// did before it was over, so that nothing else can end it; with others that sleep for the same thing it keeps its place, for
// who came first is woken first. One that is made late stands where it was over.
func (s *star) kept() []*scene {
	var scenes []*scene
	for _, sc := range s.scenes {
		made := sc.behind
		n := len(scenes)
		switch {
		case made == nil:
			sc.slept = false
			if len(sc.lines) > 0 && (sc.over == nil || sc.crowd && !sc.late && !s.flat) && (sc.child == nil || sc.child.used && !s.flat) {
				scenes = append(scenes, sc)
			}
			if sc.over != nil && sc.late && sc.peeps && sc.peep != nil && len(sc.lines) > 0 {
				scenes = append(scenes, sc.peep)
			}
		case len(made.lines) == 0:
		case made.late || s.flat || !made.crowd && (n == 0 || scenes[n-1].behind != nil || scenes[n-1].slept || scenes[n-1].part == made.part):
			scenes = append(scenes, made)
		case !made.crowd:
			made.slept = true
			scenes = append(scenes[:n-1], made, scenes[n-1], sc)
		case scenes[n-1] != made:
			made.slept = true
			scenes = append(scenes, sc)
		}
	}
	return scenes
}

func (s *star) flatText(scenes []*scene) *page {
	var p page
	for _, sc := range scenes {
		s.write(&p, "", sc)
	}
	return &p
}

// write writes the lines of a scene, the last one with its lines in the log.
func (s *star) write(p *page, indent string, sc *scene) {
	for i, text := range sc.lines {
		text = indent + s.resolve(text)
		if i == len(sc.lines)-1 && sc.begin > 0 {
			text += "  # " + sc.place(s.world())
		}
		p.add(sc, text)
	}
}

// place is where the log has a scene; what the world does has none of its own.
func (st *scene) place(world *part) string {
	switch {
	case st.end == 0 && st.part == world:
		return fmt.Sprintf("by %d", st.begin)
	case st.end > st.begin:
		return fmt.Sprintf("%d-%d", st.begin, st.end)
	}
	return strconv.Itoa(st.begin)
}

// partsText writes a function for each thread.
func (s *star) partsText(scenes []*scene) *page {
	bodies := make([]page, len(s.parts))
	for i, sc := range scenes {
		p, body := sc.part, &bodies[sc.part.index]
		indent := "    "
		if p == s.world() {
			indent = ""
		}
		if i > 0 && scenes[i-1].part != p {
			body.add(sc, fmt.Sprintf("%smy_turn(%q)", indent, s.called(p)))
			if scenes[i-1].slept && sc.slept { // who waits first is woken first
				body.add(sc, fmt.Sprintf("%ssleep(5)  # %s is in its call by now", indent, s.called(scenes[i-1].part)))
			}
		}
		next := i+1 < len(scenes) && scenes[i+1].part != p
		if next && sc.slept {
			body.add(sc, fmt.Sprintf("%sgo_on(%q)", indent, s.called(scenes[i+1].part)))
		}
		s.write(body, indent, sc)
		if next && !sc.slept {
			body.add(sc, fmt.Sprintf("%sgo_on(%q)", indent, s.called(scenes[i+1].part)))
		}
	}
	return s.bind(bodies)
}

// bind puts the functions together.
func (s *star) bind(bodies []page) *page {
	var all page
	var called []string
	for _, p := range s.parts {
		if p.used {
			called = append(called, strconv.Quote(s.called(p)))
		}
	}
	all.add(nil, turnsText+fmt.Sprintf("\nturns = {thread: pipe() for thread in [%s]}", strings.Join(called, ", ")))
	if slices.ContainsFunc(s.vars, func(v *variable) bool { return v.handing == shared }) {
		all.add(nil, "fds = {}  # those that one thread opens and another one uses")
	}
	for _, p := range s.parts[1:] {
		if p.used {
			all.add(nil, fmt.Sprintf("\ndef %s(%s):", s.called(p), s.arguments(p)))
			all.append(&bodies[p.index])
		}
	}
	all.add(nil, "\n# What is outside of the log.")
	all.append(&bodies[0])
	return &all
}

// called is the name of a part.
func (s *star) called(p *part) string {
	switch {
	case p == s.world():
		return "world"
	case p.program == "":
		return fmt.Sprintf("task_%d", p.tid)
	}
	return fmt.Sprintf("%s_%d", p.program, p.tid)
}

func (s *star) arguments(p *part) string {
	var list []string
	for _, v := range s.params(p) {
		list = append(list, v.name)
	}
	return strings.Join(list, ", ")
}

// resolve puts names where their places are.
func (s *star) resolve(text string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "\x00\x01\x02")
		if i < 0 {
			break
		}
		mark := text[i]
		number, rest, _ := strings.Cut(text[i+1:], string(mark))
		n, _ := strconv.Atoi(number)
		b.WriteString(text[:i])
		switch mark {
		case 0:
			b.WriteString(s.vars[n].text())
		case 1:
			b.WriteString(s.called(s.parts[n]))
		case 2:
			for _, v := range s.params(s.parts[n]) {
				b.WriteString(", " + v.name)
			}
		}
		text = rest
	}
	return b.String() + text
}

func (v *variable) text() string {
	if v.handing == shared {
		return fmt.Sprintf("fds[%q]", v.name)
	}
	return v.name
}
