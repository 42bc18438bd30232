package strace

import "github.com/epollsim/epollsim/abi"

func printEvent(w *Writer, s *scene, i int) bool {
	ev, ok := value[abi.EpollEvent](s.args[i])
	w.event(ev)
	return ok
}

func (w *Writer) event(ev abi.EpollEvent) {
	w.print("{events=%s, data={u32=%d, u64=%d}}", ev.Events, uint32(ev.Data), ev.Data)
}

func printEventsOut(w *Writer, s *scene, i int) bool {
	evs, ok := s.args[i].([]abi.EpollEvent)
	w.list(min(int(s.call.Ret), len(evs)), func(i int) { w.event(evs[i]) })
	return ok
}

func printBytes(w *Writer, s *scene, i int) bool {
	p, ok := s.args[i].([]byte)
	n := int64(len(p))
	if i+1 < len(s.params) {
		n, _ = s.size(i + 1)
	}
	if n < 0 || w.unreadable(len(p), n) {
		w.pointer(addrMemory)
	} else {
		w.appendString(p[:min(n, int64(len(p)))])
	}
	return ok
}

func printBytesOut(w *Writer, s *scene, i int) bool {
	p, ok := s.args[i].([]byte)
	w.appendString(p[:max(0, min(s.call.Ret, int64(len(p))))])
	return ok
}

func printPollFds(w *Writer, s *scene, i int) bool {
	fds, ok := s.args[i].([]abi.PollFd)
	n, _ := s.size(i + 1)
	if n < 0 || w.unreadable(len(fds), n) {
		w.pointer(addrMemory)
		return ok
	}
	w.list(min(int(n), len(fds)), func(i int) {
		if fds[i].Fd < 0 {
			w.print("{fd=%d}", fds[i].Fd)
			return
		}
		w.print("{fd=%d, events=%s}", fds[i].Fd, pollText(fds[i].Events))
	})
	return ok
}

func pollText(events int16) string { return abi.Flags("POLL", int64(uint16(events))) }

func printFdSet(w *Writer, s *scene, i int) bool {
	set, ok := value[abi.FdSet](s.args[i])
	n, _ := integer(s.args[0])
	if n <= 0 {
		w.pointer(addrMemory)
		return ok
	}
	w.fdSet(set, n)
	return ok
}

// fdSet appends the members of set below n.
func (w *Writer) fdSet(set abi.FdSet, n int64) {
	sep := "["
	for _, fd := range set.Fds() {
		if int64(fd) >= n {
			break
		}
		w.print("%s%d", sep, fd)
		sep = " "
	}
	if sep == "[" {
		w.print("[")
	}
	w.print("]")
}
