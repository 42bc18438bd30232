package eventpoll

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/list"
	"github.com/epollsim/epollsim/sim"
)

func TestCheckFindsWhatIsBroken(t *testing.T) {
	for want, plant := range map[string]func(ep, other *Eventpoll, epi []*epitem){
		"broken link":           func(_, _ *Eventpoll, epi []*epitem) { epi[1].rdllink = list.Node[epitem]{} },
		"on txlist and on rdll": func(ep, _ *Eventpoll, epi []*epitem) { ep.txlist.PushBack(new(list.Node[epitem]), epi[0]) },
		"on rdllist and on rdl": func(ep, _ *Eventpoll, epi []*epitem) { ep.rdllist.PushBack(new(list.Node[epitem]), epi[0]) },
		"on rdllist by a node that": func(ep, _ *Eventpoll, epi []*epitem) {
			epi[0].rdllink.Unlink()
			ep.rdllist.PushBack(new(list.Node[epitem]), epi[0])
			ep.refcount++ // and what else is wrong hides it not
		},
		"txlist has items":    func(ep, _ *Eventpoll, _ []*epitem) { ep.txlist.SpliceFront(&ep.rdllist) },
		"and not on rbr":      func(ep, _ *Eventpoll, epi []*epitem) { ep.rbr.Erase(&epi[0].rbn) },
		"refcount 5, with 3":  func(ep, _ *Eventpoll, _ []*epitem) { ep.refcount++ },
		"refcount 3, with 3":  func(ep, _ *Eventpoll, _ []*epitem) { ep.refcount-- },
		"refcount 0":          func(ep, _ *Eventpoll, _ []*epitem) { ep.refcount = 0 },
		"does not sort after": func(_, _ *Eventpoll, epi []*epitem) { epi[0].file = epi[2].file; epi[0].fd = 9 },
		"is on ovflist twice": func(ep, _ *Eventpoll, epi []*epitem) {
			ep.ovflist, epi[0].next, epi[1].next = epi[0], epi[1], epi[0]
		},
		"nobody scans":              func(ep, _ *Eventpoll, _ []*epitem) { ep.ovflist = nil },
		"ovflist runs into":         func(ep, _ *Eventpoll, epi []*epitem) { ep.ovflist = epi[0] },
		"of another epoll":          func(_, other *Eventpoll, epi []*epitem) { epi[0].ep = other },
		"on ovflist though no scan": func(_, _ *Eventpoll, epi []*epitem) { epi[0].next = nil },
		"f_ep of file#4 is nil":     func(_, _ *Eventpoll, epi []*epitem) { epi[1].file.SetWatchers(nil) },
		"in no list of its file":    func(_, _ *Eventpoll, epi []*epitem) { epi[1].file.WatchersNow().(*epitemsHead).first = nil },
		"hook that is on no queue":  func(_, _ *Eventpoll, epi []*epitem) { epi[2].pwqlist.wait.Unlink() },
		"is dying though":           func(_, _ *Eventpoll, epi []*epitem) { epi[2].dying = true },
	} {
		w := newWorld(t, sim.Options{Footprints: true}, Baseline)
		ep, other := w.epoll(), w.epoll()
		var epi []*epitem
		for fd, src := range w.sources(3, abi.EPOLLIN) {
			w.add(ep, src.File, fd, abi.EPOLLIN)
			epi = append(epi, item(ep, fd))
		}
		require.NoError(t, w.check())
		plant(ep, other, epi)
		require.ErrorContains(t, ep.Check(), want)
	}
}

func TestExclusiveWake(t *testing.T) {
	const in, out, errs = abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLERR
	for _, c := range []struct {
		key, mask abi.Events
		want      bool
	}{
		{in, in, true}, {in, out, false}, {in, in | out, true}, {in | errs, in, true}, {in | abi.EPOLLRDNORM, out, false},
		{out, out, true}, {out, in, false}, {out | errs, in | out, true},
		{0, in, true}, {0, 0, true}, {errs, in, true}, {abi.EPOLLHUP, out, true}, {abi.EPOLLPRI, in, true},
		{in | out, in, false}, {in | out, out, false}, {in | out, in | out, false}, {in | out | errs, in, false},
	} {
		require.Equal(t, c.want, exclusiveWake(c.key, c.mask), "key %s, mask %s", c.key, c.mask)
	}
}

// A touch of a freed item, hook or epoll ends a checked run.
func TestUseAfterFree(t *testing.T) {
	for want, touch := range map[string]func(w *world, ep *Eventpoll, epi *epitem, pwq *pollEntry){
		"epitem#1":       func(_ *world, ep *Eventpoll, epi *epitem, _ *pollEntry) { epi.after(ep.m) },
		"eppoll_entry#1": func(_ *world, _ *Eventpoll, _ *epitem, pwq *pollEntry) { pollCallback(&pwq.wait, 0, false, 0) },
		"eventpoll#1": func(w *world, ep *Eventpoll, _ *epitem, _ *pollEntry) {
			w.close(ep.file)
			ep.available()
		},
	} {
		w := newWorld(t, sim.Options{Check: true}, Baseline)
		ep, src := w.epoll(), w.source(0)
		w.spawn("main", func() {
			w.add(ep, src.File, 1, abi.EPOLLIN)
			epi := item(ep, 1)
			pwq := epi.pwqlist
			w.ctl(ep, abi.EPOLL_CTL_DEL, src.File, 1, 0)
			if want == "eppoll_entry#1" {
				src.queue.Lock.Lock()
			}
			touch(w, ep, epi, pwq)
		})
		require.ErrorContains(t, w.sys.M.Run(), "use after free: task 1 (main) touches "+want)
		w.sys.M.Close()
	}
}

func TestRefcount(t *testing.T) {
	one(t, func(w *world) {
		ep, inner := w.epoll(), w.epoll()
		require.Equal(t, 1, ep.refcount)
		all := w.sources(3, 0)
		for fd, src := range all {
			w.add(ep, src.File, fd, abi.EPOLLIN)
		}
		w.add(ep, inner.file, 9, abi.EPOLLIN)
		require.Equal(t, 5, ep.refcount)
		require.Equal(t, 1, inner.refcount)
		w.ctl(ep, abi.EPOLL_CTL_DEL, all[0].File, 0, 0)
		require.Equal(t, 4, ep.refcount)
		w.close(all[1].File) // the end of a watched file
		w.close(inner.file)
		require.True(t, inner.freed)
		require.Equal(t, 2, ep.refcount)
		require.Equal(t, 1, w.user.Watches())
		w.close(ep.file)
		require.True(t, ep.freed)
		require.Zero(t, ep.refcount)
		require.Zero(t, w.user.Watches())
		require.Nil(t, all[2].Watchers())
	})
}
