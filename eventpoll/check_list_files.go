package eventpoll

import (
	"slices"

	"github.com/epollsim/epollsim/vfs"
)

// The check list up to 5.8: the files themselves are linked, and no reference keeps them (a9ed4a6560b8,
// CVE-2020-0466).

// listUnpinned puts a file on the list.
func (s *Statics) listUnpinned(f *vfs.File) {
	m := s.Sys.M
	m.Write(f.ID(), fieldCheckNext)
	if !slices.Contains(s.tfiles, f) {
		s.tfiles = append(s.tfiles, f)
	}
}

// clearUnpinned unlinks every file, newest first.
func (s *Statics) clearUnpinned() {
	for len(s.tfiles) > 0 {
		last := len(s.tfiles) - 1
		s.Sys.M.Write(s.tfiles[last].ID(), fieldCheckNext)
		s.tfiles = s.tfiles[:last]
	}
}

// checkUnpinned is the reverse path check over the list, newest first.
func (s *Statics) checkUnpinned() bool {
	m := s.Sys.M
	for _, f := range slices.Backward(s.tfiles) {
		m.Read(f.ID(), fieldCheckNext)
		head, _ := f.Watchers().(*epitemsHead)
		if head == nil {
			continue
		}
		if !s.fewPaths(head) {
			return false
		}
	}
	return true
}
