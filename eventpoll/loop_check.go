package eventpoll

import "github.com/epollsim/epollsim/vfs"

// pathLimits bounds how many upward paths of each depth may lead from one file to epolls that nobody
// watches; depth 0, an epoll that watches the file itself, is never bounded. path_limits.
var pathLimits = [maxNests + 1]int{1000, 500, 100, 50, 10}

// endOfCheckList ends tfileCheckList, so that nil means "not on it": EP_UNACTIVE_PTR.
var endOfCheckList = &epitemsHead{}

// tooDeep is the depth of a loop.
const tooDeep = maxNests + 1

// loopCheck reports whether inner may be added to ep: no loop, and no chain of more than maxNests links
// through the two. epnested_mutex is held. Models ep_loop_check.
func (s *Statics) loopCheck(ep, inner *Eventpoll) bool {
	s.Sys.M.Enter("ep_loop_check")
	defer s.Sys.M.Leave("ep_loop_check")
	s.insertingInto = ep
	down := s.depthBelow(inner, 0)
	if down > maxNests {
		return false
	}
	s.Sys.M.RCUReadLock()
	up := s.depthAbove(ep)
	s.Sys.M.RCUReadUnlock()
	return down+1+up <= maxNests
}

// depthBelow returns the longest chain of epolls below ep, tooDeep for a loop or a walk that goes too deep,
// and lists the other files it meets for the path check. Models ep_loop_check_proc.
func (s *Statics) depthBelow(ep *Eventpoll, depth int) int {
	if ep.visited() {
		return ep.loopCheckDepth
	}
	ep.mtx.Lock()
	ep.visit()
	result := 0
	for epi := range ep.rbr.All() {
		inner := Of(epi.file)
		if inner == nil {
			s.listFile(epi.file)
			continue
		}
		if inner == s.insertingInto || depth > maxNests {
			result = tooDeep
		} else {
			result = max(result, s.depthBelow(inner, depth+1)+1)
		}
		if result > maxNests {
			break
		}
	}
	ep.loopCheckDepth = result
	ep.mtx.Unlock()
	return result
}

// depthAbove returns the longest chain of epolls that watch ep; the caller reads under RCU, without any
// mutex. Models ep_get_upwards_depth_proc.
func (s *Statics) depthAbove(ep *Eventpoll) int {
	if ep.visited() {
		return ep.loopCheckDepth
	}
	ep.m.Read(ep.file.ID(), fieldRefs)
	result := 0
	for epi := range ep.refs.epitems.All() {
		result = max(result, s.depthAbove(epi.ep)+1)
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

// listFile puts a watched file that is no epoll on the check list: list_file.
func (s *Statics) listFile(f *vfs.File) {
	if head, _ := f.Watchers().(*epitemsHead); head != nil && head.next == nil {
		head.next, s.tfileCheckList = s.tfileCheckList, head
	}
}

// clearCheckList empties the check list and frees heads that lost their last item meanwhile:
// clear_tfile_check_list.
func (s *Statics) clearCheckList() {
	for s.tfileCheckList != endOfCheckList {
		head := s.tfileCheckList
		s.tfileCheckList = head.next
		head.next = nil
		if head.epitems.Empty() {
			s.freeHead(head)
		}
	}
}

// reversePathCheck reports whether no file on the check list can be reached by too many wake-up paths:
// reverse_path_check. epnested_mutex is held.
func (s *Statics) reversePathCheck() bool {
	m := s.Sys.M
	m.RCUReadLock()
	defer m.RCUReadUnlock()
	for head := s.tfileCheckList; head != endOfCheckList; head = head.next {
		s.pathCount = [maxNests + 1]int{}
		if !s.countPaths(head, 0) {
			return false
		}
	}
	return true
}

// countPaths counts the paths that lead up from the items of head: reverse_path_check_proc.
func (s *Statics) countPaths(head *epitemsHead, depth int) bool {
	if depth > maxNests {
		return false
	}
	for epi := range head.epitems.All() {
		outer := &epi.ep.refs
		epi.ep.m.Read(epi.ep.file.ID(), fieldRefs)
		if !outer.epitems.Empty() {
			if !s.countPaths(outer, depth+1) {
				return false
			}
			continue
		}
		if depth > 0 {
			if s.pathCount[depth]++; s.pathCount[depth] > pathLimits[depth] {
				return false
			}
		}
	}
	return true
}
