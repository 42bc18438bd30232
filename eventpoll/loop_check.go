package eventpoll

import (
	"math"

	"github.com/epollsim/epollsim/vfs"
)

// pathLimits bounds how many upward paths of each depth may lead from one file to epolls that nobody
// watches; depth 0, an epoll that watches the file itself, is never bounded. path_limits.
var pathLimits = [maxNests + 1]int{1000, 500, 100, 50, 10}

// endOfCheckList ends tfileCheckList, so that nil means "not on it": EP_UNACTIVE_PTR.
var endOfCheckList = &epitemsHead{}

// tooDeep is the depth of a loop; where one more than it is added, the sum is negative.
const tooDeep int32 = math.MaxInt32

// stackDepth is how many calls a walk through epolls makes before the model says that the kernel's stack is
// used up. No chain that the checks of such a kernel let through is as long.
const stackDepth = 100

// loopCheck reports whether inner may be added to ep: no loop, and no chain of more than maxNests links
// through the two. epnested_mutex is held. Models ep_loop_check.
func (s *Statics) loopCheck(ep, inner *Eventpoll) bool {
	inner.enter("ep_loop_check")
	defer ep.m.Leave("ep_loop_check")
	s.insertingInto = ep
	if s.Rules.DepthBelowOnly {
		return s.walkBelow(inner, 0)
	}
	down := s.depthBelow(inner, 0)
	if down > maxNests {
		return false
	}
	s.Sys.M.RCUReadLock()
	up := s.depthAbove(ep, 0)
	s.Sys.M.RCUReadUnlock()
	return down+1+up <= maxNests
}

// depthBelow returns the longest chain of epolls below ep, tooDeep for a loop or a walk that goes too deep,
// and lists the other files it meets for the path check. Models ep_loop_check_proc.
func (s *Statics) depthBelow(ep *Eventpoll, depth int) int32 {
	if ep.visited() {
		return ep.loopCheckDepth
	}
	ep.mtx.Lock()
	ep.visit()
	ep.m.Guarded(&ep.mtx, ep.id, fieldRbr)
	var result int32
	for epi := range ep.rbr.All() {
		inner := Of(epi.file)
		if inner == nil {
			s.listFile(epi.file)
			continue
		}
		if inner == s.insertingInto || depth > maxNests {
			result = tooDeep
		} else {
			below := s.depthBelow(inner, depth+1)
			if below < tooDeep || s.Rules.LoopDepthOverflows {
				below++
			}
			result = max(result, below)
		}
		if result > maxNests {
			break
		}
	}
	ep.loopCheckDepth = result
	ep.mtx.Unlock()
	return result
}

// walkBelow is the check up to 6.16: it reports whether the walk below ep meets no loop and goes no deeper than
// maxNests levels below the first. An epoll that was visited already is passed over, however deep it is now.
func (s *Statics) walkBelow(ep *Eventpoll, depth int) bool {
	ep.mtx.Lock()
	defer ep.mtx.Unlock()
	ep.visit()
	ep.m.Guarded(&ep.mtx, ep.id, fieldRbr)
	for epi := range ep.rbr.All() {
		inner := Of(epi.file)
		switch {
		case inner == nil:
			s.listFile(epi.file)
		case inner.visited():
		case inner == s.insertingInto || depth > maxNests || !s.walkBelow(inner, depth+1):
			return false
		}
	}
	return true
}

// depthAbove returns the longest chain of epolls that watch ep; the caller reads under RCU, without any
// mutex. Models ep_get_upwards_depth_proc.
func (s *Statics) depthAbove(ep *Eventpoll, depth int) int32 {
	if ep.visited() {
		return ep.loopCheckDepth
	}
	if depth > stackDepth {
		ep.m.Violation("ep_get_upwards_depth_proc goes round a loop of epolls at %s until its stack is used up", ep.id)
	}
	var result int32
	for epi := ep.refs.front(ep.m); epi != nil; epi = epi.after(ep.m) {
		result = max(result, s.depthAbove(epi.ep, depth+1)+1)
	}
	ep.visit()
	ep.loopCheckDepth = result
	return result
}

func (ep *Eventpoll) visited() bool {
	ep.m.Read(ep.id, fieldGen)
	return ep.gen == ep.statics.loopCheckGen
}

func (ep *Eventpoll) visit() {
	ep.m.Write(ep.id, fieldGen)
	ep.gen = ep.statics.loopCheckGen
}

// listFile puts a watched file that is no epoll on the check list, which keeps the head of its items
// allocated: list_file. The mutex of an epoll that has an item of f is held.
func (s *Statics) listFile(f *vfs.File) {
	if s.Rules.ChecksFilesUnpinned {
		s.listUnpinned(f)
		return
	}
	head := f.Watchers().(*epitemsHead)
	if head.next == nil {
		s.Sys.M.Write(head.id, fieldCheckNext)
		head.next, s.tfileCheckList = s.tfileCheckList, head
	}
}

// clearCheckList empties the check list: clear_tfile_check_list.
func (s *Statics) clearCheckList() {
	if s.Rules.ChecksFilesUnpinned {
		s.clearUnpinned()
		return
	}
	s.Sys.M.RCUReadLock()
	for s.tfileCheckList != endOfCheckList {
		head := s.tfileCheckList
		s.tfileCheckList = head.next
		s.unlistFile(head)
	}
	s.Sys.M.RCUReadUnlock()
}

// unlistFile frees a head that lost its last item while it was on the check list: unlist_file.
func (s *Statics) unlistFile(head *epitemsHead) {
	m := s.Sys.M
	if epi := head.front(m); epi != nil {
		f := epi.file
		f.Lock.Lock()
		used := head.first != nil
		m.Write(head.id, fieldCheckNext)
		head.next = nil
		f.Lock.Unlock()
		if used {
			return
		}
	}
	s.freeHead(head)
}

// reversePathCheck reports whether no file on the check list can be reached by too many wake-up paths:
// reverse_path_check. epnested_mutex is held.
func (s *Statics) reversePathCheck() bool {
	if s.Rules.ChecksFilesUnpinned {
		return s.checkUnpinned()
	}
	for head := s.tfileCheckList; head != endOfCheckList; head = head.next {
		if !s.fewPaths(head) {
			return false
		}
	}
	return true
}

// fewPaths reports whether no limit of the paths that lead up from head is passed.
func (s *Statics) fewPaths(head *epitemsHead) bool {
	s.pathCount = [maxNests + 1]int{}
	s.Sys.M.RCUReadLock()
	ok := s.countPaths(head, 0)
	s.Sys.M.RCUReadUnlock()
	return ok
}

// countPaths counts the paths that lead up from the items of head: reverse_path_check_proc.
func (s *Statics) countPaths(head *epitemsHead, depth int) bool {
	if depth > maxNests {
		return false
	}
	m := s.Sys.M
	for epi := head.front(m); epi != nil; epi = epi.after(m) {
		outer := &epi.ep.refs
		ok := true
		if outer.front(m) != nil {
			ok = s.countPaths(outer, depth+1)
		} else {
			ok = s.countPath(depth)
		}
		if !ok {
			return false
		}
	}
	return true
}

// countPath counts a path that ends at an epoll nobody watches: path_count_inc.
func (s *Statics) countPath(depth int) bool {
	if depth == 0 {
		return true
	}
	s.pathCount[depth]++
	return s.pathCount[depth] <= pathLimits[depth]
}
