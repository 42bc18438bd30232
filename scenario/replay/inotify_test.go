package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/strace"
)

func inotifyLogs(t *testing.T, each func(name string, log *Log)) {
	files, err := filepath.Glob("testdata/inotify/*.strace")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(t, err)
		log, err := Read(strace.NewReader(f, name, strace.ReaderOptions{}), name)
		f.Close()
		require.NoError(t, err)
		each(filepath.Base(name), log)
	}
}

// Programs that watch a directory in which others of the same log work get what those did; where nobody in the log has done it, it came from
// outside. A file that is created without O_EXCL may have been there before, so that IN_CREATE is only supposed.
func TestInotifyLogs(t *testing.T) {
	inotifyLogs(t, func(name string, log *Log) {
		r := Run(log, Options{Inferences: true})
		require.Nil(t, r.Divergence, "%v", r.Divergence)
		others := 0
		for _, inf := range r.Inferences {
			if strings.Contains(inf.What, "inotify event") {
				others++
			}
		}
		if strings.Contains(name, "outside") {
			require.Positive(t, others, name)
		} else {
			require.LessOrEqual(t, others, 1, name)
		}
	})
}

// What the log itself has done has to be in what is read, whole and in its order, and makes the descriptor ready.
func TestInotifySees(t *testing.T) {
	total, caught := 0, 0
	var missed []string
	inotifyLogs(t, func(name string, log *Log) {
		if log.overlaps > 0 { // a search for another order takes its time
			return
		}
		fnd := search(log, &Options{})
		require.Nil(t, fnd.x.diverged, name)
		var reads []*op
		execute(log, &Options{}, fnd.plan, nil, func(x *exec, o *op) {
			own := x.notifierOf(externalOf(x.file(o, o.fd))) != nil
			if own && o.row.name == "read" || o.row.isEpollWait() && len(o.want.events) == 1 && x.hasExternal(x.epoll(o)) {
				reads = append(reads, o)
			}
		})
		for _, o := range reads {
			for _, m := range inotifyMutations(o) {
				old := o.want
				o.want = m.want
				r := Run(log, Options{})
				o.want = old
				if total++; r.ExitCode() == ExitDiverged {
					caught++
				} else {
					missed = append(missed, fmt.Sprintf("%s:%d %s %s", name, o.end.Line, o.row.name, m.what))
				}
			}
		}
	})
	t.Logf("%d of %d", caught, total)
	require.Greater(t, total, 50)
	require.GreaterOrEqual(t, caught*100, total*95, "missed:\n%s", strings.Join(missed, "\n"))
}

// inotifyMutations are results that a call did not have: of a read with an event less, another one, or two in another order.
func inotifyMutations(o *op) (list []mutation) {
	add := func(what string, change func(*outcome)) {
		w := o.want
		w.value, w.events = slices.Clone(w.value), slices.Clone(w.events)
		change(&w)
		list = append(list, mutation{o, what, w})
	}
	if o.row.isEpollWait() {
		add("nothing", func(w *outcome) { w.ret, w.events = 0, nil })
		return list
	}
	if o.want.failed() {
		return nil
	}
	events, _, whole := decode(o)
	if !whole || len(events) == 0 {
		return nil
	}
	first := events[0].size()
	add("EAGAIN", func(w *outcome) { *w = outcome{ret: -1, errno: abi.EAGAIN} })
	add("one byte more", func(w *outcome) { w.ret++ })
	add("another mask", func(w *outcome) { w.value[5] ^= 2 })
	add("without the first", func(w *outcome) { w.ret, w.value = w.ret-first, w.value[first:] })
	if events[0].name != "" {
		add("another name", func(w *outcome) { w.value[eventHeader]++ })
	}
	if len(events) > 1 && !events[0].same(&events[1]) {
		second := events[1].size()
		add("order", func(w *outcome) {
			w.value = slices.Concat(w.value[first:first+second], w.value[:first], w.value[first+second:])
		})
	}
	if i := slices.IndexFunc(events, func(e noted) bool { return e.mask == abi.IN_MOVED_TO }); i > 0 {
		at := int64(0)
		for _, e := range events[:i] {
			at += e.size()
		}
		add("another cookie", func(w *outcome) { w.value[at+8]++ })
	}
	return list
}
