package replay

import (
	"maps"
	"slices"

	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// sweep forgets what can play no part any more, so that a long log needs no more memory than a short one.
func (x *exec) sweep() {
	maps.DeleteFunc(x.threads, func(_ int, th *thread) bool { return th.ended && x.lost(th) })
	maps.DeleteFunc(x.byTid, func(_ int, th *thread) bool { return th.ended && x.lost(th) })
	x.alive = slices.DeleteFunc(x.alive, x.lost)
	if x.log.open == nil {
		return
	}
	maps.DeleteFunc(x.tables, func(files *vfs.FdTable, _ *table) bool { return files.Users == 0 })
	maps.DeleteFunc(x.foreignFiles, func(f *vfs.File, _ bool) bool { return f.Count() == 0 })
	maps.DeleteFunc(x.arrivals, func(_ sim.ID, f *vfs.File) bool { return f.Count() == 0 })
	maps.DeleteFunc(x.filled, func(_ sim.ID, f *vfs.File) bool { return f.Count() == 0 })
	oldest := x.log.oldest()
	maps.DeleteFunc(x.accepting, func(index int, _ bool) bool { return index < oldest })
	x.items.forget()
	x.trail.forget(oldest)
	var gone []int
	for id, p := range x.peers {
		if p.f.Count() == 0 {
			gone = append(gone, p.fd)
			delete(x.peers, id)
		}
	}
	slices.Sort(gone)
	x.orphans = append(x.orphans, gone...)
}
