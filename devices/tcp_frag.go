package devices

import "github.com/epollsim/epollsim/sim"

// Where the bytes of a segment lie: each task fills pages of its own, whatever socket it writes to, and a segment has a
// limited number of stretches. One that is written to in turn with others has many short ones, and is full early.

const (
	pageFragSize = 32768 // of a page that a task fills
	pageFragMin  = 32    // what has to be left of it
)

// pageFrag is the page that a task fills, models task_frag.
type pageFrag struct {
	task *sim.Task
	at   int64 // the place of the next byte, another one in every page
	left int
}

// taskFrags are those of the tasks that have written last.
type taskFrags struct {
	frags [8]pageFrag
	next  int   // the one to forget
	pages int64 // that were begun
}

// current is the page of the running task.
func (p *taskFrags) current(task *sim.Task) *pageFrag {
	for i := range p.frags {
		if p.frags[i].task == task {
			return &p.frags[i]
		}
	}
	f := &p.frags[p.next]
	p.next = (p.next + 1) % len(p.frags)
	*f = pageFrag{task: task}
	return f
}

// fragment finds room for up to n more bytes of s, and returns for how many: none if s has as many stretches as it may.
// Models that part of tcp_sendmsg_locked, with sk_page_frag_refill and skb_can_coalesce.
func (n *InetNet) fragment(s *tcpSkb, size int) int {
	f := n.pages.refill(n.sys.M.Current())
	if s.frags == 0 || s.place != f.at {
		if s.frags >= tcpMaxFrags {
			return 0
		}
		if s.frags++; s.frags == 1 {
			s.begin = f.at
		}
		s.data.parts = append(s.data.parts, tcpPart{s.to, f.at})
	}
	size = min(size, f.left)
	f.at += int64(size)
	f.left -= size
	s.place = f.at
	return size
}

// splicePages is fragment for a message whose pages become those of s: each part of one is a stretch. Models
// skb_splice_from_iter.
func (n *InetNet) splicePages(s *tcpSkb, msg *Msg, size int) (taken int) {
	for taken < size && s.frags < tcpMaxFrags && len(msg.Pages) > 0 {
		if first := &msg.Pages[0]; first.place == 0 {
			first.place = n.pages.page() + int64(first.base)
		}
		page := msg.takePage(size - taken)
		s.data.parts = append(s.data.parts, tcpPart{s.to + taken, page.place})
		if s.frags++; s.frags == 1 {
			s.begin = page.place
		}
		s.place = 0
		taken += int(page.n)
	}
	return taken
}

// refill is the page of a task, with something left of it: sk_page_frag_refill.
func (p *taskFrags) refill(task *sim.Task) *pageFrag {
	f := p.current(task)
	if f.left < pageFragMin {
		f.at, f.left = p.page(), pageFragSize
	}
	return f
}

// take finds room for up to n bytes, and returns for how many, and where in a page they lie.
func (p *taskFrags) take(task *sim.Task, n int) (size, base int) {
	f := p.refill(task)
	size, base = min(n, f.left), int(f.at%pageSize)
	f.at += int64(size)
	f.left -= size
	return size, base
}

// page is the place of another page.
func (p *taskFrags) page() int64 {
	p.pages++
	return p.pages * 2 * pageFragSize
}

// fragsOf is about how many stretches n bytes of s have.
func (s *tcpSkb) fragsOf(n int) int32 {
	if s.frags <= 1 || n >= s.len() {
		return max(s.frags, 1)
	}
	return max((s.frags*int32(n)+int32(s.len())-1)/int32(s.len()), 1)
}

// placeOf is where byte n of s lies, if s was written to without others in between: in its first page, or its last.
func (s *tcpSkb) placeOf(n int) int64 {
	if first := s.begin + int64(n); first/pageFragSize == s.begin/pageFragSize {
		return first
	}
	return s.place - int64(s.len()-n)
}

// shift is how many stretches more s has when the first n bytes of next go into it: one that goes on where s ends is none.
// Models the counting of skb_shift.
func (s *tcpSkb) shift(next *tcpSkb, n int) int32 {
	frags := next.fragsOf(n)
	if s.place == next.begin {
		frags--
	}
	return frags
}
