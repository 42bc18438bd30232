package replay

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
)

// mutation is one result of a log changed.
type mutation struct {
	o    *op
	what string
	want outcome
}

// mutations are the ways to change the result of a call so that the model should object: a value, an errno, an event bit,
// the order of two events. What is taken from the log – how much TCP moves – is left alone.
func mutations(x *exec, o *op) []mutation {
	var list []mutation
	add := func(what string, change func(*outcome)) {
		w := o.want
		w.events, w.polls, w.fds = slices.Clone(w.events), slices.Clone(w.polls), slices.Clone(w.fds)
		for i, s := range w.sets {
			if s != nil {
				own := *s
				w.sets[i] = &own
			}
		}
		change(&w)
		list = append(list, mutation{o, what, w})
	}
	w := &o.want
	taken := x.mutable[o] || o.row.clones()
	if opensFile(o) && w.failed() { // that is the file system's to say
		return nil
	}
	switch {
	case w.failed():
		add("errno", func(w *outcome) {
			if w.errno == abi.EBADF {
				w.errno = abi.EINVAL
			} else {
				w.errno = abi.EBADF
			}
		})
	case o.row.isEpollWait() && len(w.events) > 0:
		add("bit", func(w *outcome) { w.events[0].Events ^= abi.EPOLLOUT })
		add("bit", func(w *outcome) { w.events[len(w.events)-1].Events ^= abi.EPOLLHUP })
		add("value", func(w *outcome) { w.ret--; w.events = w.events[:len(w.events)-1] })
		if n := len(w.events); n > 1 && w.events[0] != w.events[n-1] {
			add("order", func(w *outcome) { w.events[0], w.events[n-1] = w.events[n-1], w.events[0] })
		}
	case len(w.polls) > 0:
		add("bit", func(w *outcome) { w.polls[0].Revents ^= abi.POLLOUT })
		add("value", func(w *outcome) { w.ret--; w.polls = w.polls[1:] })
	case len(w.fds) == 2:
		add("value", func(w *outcome) { w.fds[1]++ })
	case !taken:
		add("value", func(w *outcome) { w.ret++ })
	}
	if !w.failed() && !o.row.ends && !taken && !opensFile(o) {
		add("errno", func(w *outcome) {
			*w = outcome{ret: -1, errno: abi.EINVAL}
		})
	}
	return list
}

// opensFile reports whether o opens something outside of the model: all that is checked is the number.
func opensFile(o *op) bool {
	switch o.row.name {
	case "openat", "memfd_create":
		return true
	}
	return false
}

// checkedOps are the calls of a log whose results are checked, with whether their value is taken from the log.
func checkedOps(log *Log, f found) (*exec, []*op) {
	var list []*op
	x := execute(log, &Options{}, f.plan, nil, func(x *exec, o *op) {
		list = append(list, o)
		if o.fd >= 0 && x.stream(o, o.fd) && (o.row.looks || o.row.waits) && !o.row.allocates {
			x.mutable[o] = true
		}
	})
	return x, list
}

// stratified takes n of the mutations, of each kind in turn: those of events are few, and the ones that a search could explain away.
func stratified(list []mutation, n, first int) []mutation {
	kinds := []string{"bit", "order", "value", "errno"}
	var taken []mutation
	for turn := first; len(taken) < n && len(list) > 0; turn++ {
		i := slices.IndexFunc(list, func(m mutation) bool { return m.what == kinds[turn%len(kinds)] })
		if i >= 0 {
			taken = append(taken, list[i])
			list = slices.Delete(list, i, i+1)
		}
	}
	return taken
}

const longLog = 250 // moments

// A replay that explained everything would be worth nothing: of changes of one result, it objects to 95 in 100. The long form
// asks for that; what is drawn otherwise is too little for more than a sign of it.
func TestItCanSee(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of replays")
	}
	files, err := filepath.Glob("../../testdata/strace/*.strace")
	require.NoError(t, err)
	perLog, each := form.Of(1, 4), form.Of(5, 1)
	most := form.Of(20, 5) // of the few that are drawn, more than five in a hundred may be missed though of all it is fewer
	seen, all := map[string]int{}, map[string]int{}
	var missed []string
	for i, name := range files {
		if i%each != each/2 {
			continue
		}
		f, err := os.Open(name)
		require.NoError(t, err)
		log, err := Read(strace.NewReader(f, name, strace.ReaderOptions{}), name)
		require.NoError(t, err)
		f.Close()
		if !form.Long && log.moments > longLog {
			continue // each takes seconds
		}
		fnd := search(log, &Options{})
		if fnd.x.diverged != nil {
			continue
		}
		x, ops := checkedOps(log, fnd)
		var list []mutation
		for _, o := range ops {
			list = append(list, mutations(x, o)...)
		}
		rng := rand.New(rand.NewPCG(1, uint64(crc32.ChecksumIEEE([]byte(name))))) // what is drawn of one log depends on no other
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		n := perLog
		if log.moments > longLog { // each attempt of a search takes longer there
			n = (n + 1) / 2
		}
		for _, m := range stratified(list, n, i) {
			old := m.o.want
			m.o.want = m.want
			r := Run(log, Options{Tries: form.Of(DefaultTry/10, 0)})
			m.o.want = old
			all[m.what]++
			if r.ExitCode() == ExitDiverged {
				seen[m.what]++
			} else {
				missed = append(missed, fmt.Sprintf("%s:%d %s %s: %s -> %s (exit %d)", filepath.Base(name), m.o.end.Line, m.what, m.o.name,
					m.o.want.text(m.o), m.want.text(m.o), r.ExitCode()))
			}
		}
	}
	total, caught := 0, 0
	var kinds []string
	for kind := range all {
		kinds = append(kinds, kind)
	}
	sort.Strings(kinds)
	for _, kind := range kinds {
		t.Logf("%s: %d of %d", kind, seen[kind], all[kind])
		total += all[kind]
		caught += seen[kind]
	}
	t.Logf("%d of %d", caught, total)
	require.GreaterOrEqual(t, caught*100, total*(100-most), "missed:\n%s", strings.Join(missed, "\n"))
}
