package replay

import (
	"fmt"
	"strings"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/eventpoll"
	"github.com/epollsim/epollsim/vfs"
)

var waitSpellings = map[string]spelling{
	"epoll_ctl":    spellEpollCtl,
	"epoll_wait":   spellEpollWait,
	"epoll_pwait":  spellEpollWait,
	"epoll_pwait2": spellEpollWait,
	"poll":         spellPoll,
	"ppoll":        spellPoll,
	"select":       spellSelect,
	"pselect6":     spellSelect,
}

func (l *line) epoll() *eventpoll.Eventpoll {
	if f := l.files.At(l.int(0)); f != nil {
		return eventpoll.Of(f)
	}
	return nil
}

// spellEpollCtl leaves the data out where it is the number: then it is the number of the scenario, too.
func spellEpollCtl(l *line) func() {
	op, fd := l.int(1), l.int(2)
	call := fmt.Sprintf("epoll_ctl(%s, %s, %s", l.fd(l.int(0)), enumWord("EPOLL_CTL", op), l.fd(fd))
	ep, v := l.epoll(), l.names[fd].v
	e, _ := l.c.Args[3].(*abi.EpollEvent)
	if e == nil || op == abi.EPOLL_CTL_DEL {
		return func() { l.check(call + ")") }
	}
	call += ", " + eventsWord(e.Events)
	own := e.Data == uint64(fd)
	if !own {
		call += fmt.Sprintf(", data = %#x", e.Data)
	}
	data := e.Data
	return func() {
		l.check(call + ")")
		switch at := (itemData{ep, data}); {
		case l.c.Err != 0:
		case own && v != nil:
			l.s.data[at] = v
		default:
			delete(l.s.data, at)
		}
	}
}

// millisOf is a timeout in ms, of poll and of ppoll.
func (l *line) millisOf(i int) int64 {
	switch v := l.c.Args[i].(type) {
	case *abi.Timespec:
		if v == nil {
			return -1
		}
		return v.Sec*1000 + (v.Nsec+999_999)/1_000_000
	case int:
		return int64(v)
	}
	return -1
}

// spellEpollWait leaves out the events of files that the scenario has not.
func spellEpollWait(l *line) func() {
	fd, ep := l.fd(l.int(0)), l.epoll()
	most, ms := l.int(2), l.millisOf(3)
	if !l.foreign && most > 0 {
		l.scene.peep = &scene{part: l.scene.part, begin: l.scene.begin, lines: []string{fmt.Sprintf("check(epoll_wait(%s, maxevents = %d, timeout = 0) == [])", fd, most)}}
	}
	return func() {
		call := fmt.Sprintf("epoll_wait(%s, maxevents = %d", fd, most)
		if l.c.Err != 0 {
			l.check(fmt.Sprintf("%s, timeout = %d)", call, l.waits(ms, false)))
			return
		}
		events, _ := l.c.Args[1].([]abi.EpollEvent)
		var list []string
		for _, e := range events[:l.c.Ret] {
			f, _ := l.s.x.itemOf(ep, e.Data)
			if f != nil && !l.s.has(f) {
				continue
			}
			l.expires(f, ms)
			data := fmt.Sprintf("%#x", e.Data)
			if v := l.s.data[itemData{ep, e.Data}]; v != nil {
				data = l.use(v)
			}
			list = append(list, fmt.Sprintf("(%s, %s)", eventsWord(e.Events), data))
		}
		l.brings(call, ms, len(list), starList(list))
	}
}

// waits is the timeout that a wait has in the scenario, whose time passes.
func (l *line) waits(ms int64, brought bool) int64 {
	ms = timeoutOf(ms, brought)
	if !brought && ms > 0 {
		l.s.clock += ms * 1_000_000
	}
	return ms
}

// expires lets the time of a timer pass that a wait tells of.
func (l *line) expires(f *vfs.File, ms int64) {
	if f != nil && devices.TimerfdOf(f) != nil {
		l.passes(f, ms != 0)
	}
}

// known gives what the scenario calls a number; false if it does not have that file.
func (l *line) known(fd int) (string, bool) {
	name := l.fd(fd)
	if l.foreign {
		l.foreign = false
		return "", false
	}
	return name, true
}

// hit gives what the scenario calls a number that a wait tells of, and lets the time of a timer pass.
func (l *line) hit(names map[int]string, fd int, ms int64) (string, bool) {
	name, ok := names[fd]
	if ok {
		l.expires(l.files.At(fd), ms)
	}
	return name, ok
}

// brings says that a wait came to n things, got, or to none because its time was over. The call lacks its timeout, which comes last.
func (l *line) brings(call string, ms int64, n int, got string) {
	if n > 0 || l.c.Ret == 0 {
		l.say("check(%s, timeout = %d) == %s)", call, l.waits(ms, n > 0), got)
	}
}

func spellPoll(l *line) func() {
	fds, _ := l.c.Args[0].([]abi.PollFd)
	ms := l.millisOf(2)
	var asked []string
	names := map[int]string{}
	for _, p := range fds {
		name, ok := fmt.Sprint(p.Fd), true
		if p.Fd >= 0 {
			name, ok = l.known(int(p.Fd))
		}
		if ok {
			names[int(p.Fd)] = name
			asked = append(asked, fmt.Sprintf("(%s, %s)", name, flagWord("POLL", int(p.Events))))
		}
	}
	l.foreign = len(fds) > 0 && len(asked) == 0
	return func() {
		if l.c.Err != 0 {
			return
		}
		var got []string
		for _, p := range fds {
			if p.Revents == 0 {
				continue
			}
			if name, ok := l.hit(names, int(p.Fd), ms); ok {
				got = append(got, fmt.Sprintf("(%s, %s)", name, flagWord("POLL", int(p.Revents))))
			}
		}
		l.brings("poll("+starList(asked), ms, len(got), starList(got))
	}
}

func spellSelect(l *line) func() {
	ms := l.millisOf(4)
	names := map[int]string{}
	var asked [3]string
	for i := range asked {
		set, _ := l.c.Args[1+i].(*abi.FdSet)
		var list []string
		for _, fd := range set.Fds() {
			if name, ok := l.known(fd); ok {
				names[fd] = name
				list = append(list, name)
			}
		}
		asked[i] = starList(list)
	}
	l.foreign = len(names) == 0 && l.c.Args[1] != nil
	return func() {
		if l.c.Err != 0 {
			return
		}
		var got [3]string
		hits := 0
		for i := range got {
			set, _ := l.c.Args[1+i].(*abi.FdSet)
			var list []string
			for _, fd := range set.Fds() {
				if l.c.Ret == 0 {
					break
				}
				if name, ok := l.hit(names, fd, ms); ok {
					list = append(list, name)
				}
			}
			hits += len(list)
			if got[i] = starList(list); len(list) > 1 {
				got[i] = "sorted(" + got[i] + ")" // the numbers are not those of the log
			}
		}
		l.brings("select("+strings.Join(asked[:], ", "), ms, hits, "("+strings.Join(got[:], ", ")+")")
	}
}

// starList spells a list of words.
func starList(words []string) string { return "[" + strings.Join(words, ", ") + "]" }
