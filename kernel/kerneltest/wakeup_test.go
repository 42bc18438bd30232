package kerneltest_test

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
	"github.com/epollsim/epollsim/kernel/kerneltest"
)

var update = flag.Bool("update", false, "write the table of wake-up shapes anew")

// shape is a small program about who is woken: threads wait in epoll_wait or poll, and another writes.
//
//	waiters: w, p ──> outer ──> inner ──> source <── writer        nested
//	          W, P ──────────────┘
//	waiters: w, p ──> outer ──> source <── writer                  plain
type shape struct {
	outer, inner string // LT or ET; inner "" : plain
	waiters      string // w: epoll_wait, p: poll on the outer epoll; W, P: on the inner one
	sources      int
	writes       int // to each source
}

func (s shape) String() string {
	levels := s.outer
	if s.inner != "" {
		levels += ">" + s.inner
	}
	return fmt.Sprintf("%s %s %dx%d", levels, s.waiters, s.sources, s.writes)
}

// shapes are all of two to four threads.
func shapes() (all []shape) {
	for _, outer := range []string{"LT", "ET"} {
		for _, waiters := range []string{"w", "p", "ww", "wp", "pp", "www", "wwp", "wpp"} {
			all = append(all, shape{outer, "", waiters, 1, 1})
		}
		all = append(all, shape{outer, "", "w", 2, 1}, shape{outer, "", "ww", 2, 1}, shape{outer, "", "w", 1, 2}, shape{outer, "", "ww", 1, 2},
			shape{outer, "", "wp", 1, 2}, shape{outer, "", "wp", 2, 1})
		for _, inner := range []string{"LT", "ET"} {
			for _, waiters := range []string{"w", "p", "ww", "wp", "wW", "pW", "wP", "wwW"} {
				all = append(all, shape{outer, inner, waiters, 1, 1})
			}
		}
	}
	return all
}

// shapeWidth is the column behind the name of a shape in the table.
const shapeWidth = 17

const eventfdOne = "\x01\x00\x00\x00\x00\x00\x00\x00"

// program runs s by system calls, of the model or of the host. got is called by each waiter. Timeouts are in milliseconds.
func (s shape) program(c kernel.Calls, spawn func(name string, fn func(kernel.Calls)), timeout int, got func(waiter string, n int)) {
	level := map[string]abi.Events{"LT": abi.EPOLLIN, "ET": abi.EPOLLIN | abi.EPOLLET}
	outer, _ := c.EpollCreate1(0)
	inner, leaf := outer, s.outer
	if s.inner != "" {
		inner, _ = c.EpollCreate1(0)
		c.EpollCtl(outer, abi.EPOLL_CTL_ADD, inner, &abi.EpollEvent{Events: level[s.outer]})
		leaf = s.inner
	}
	fds := make([]int, s.sources)
	for i := range fds {
		fds[i], _ = c.Eventfd2(0, abi.EFD_NONBLOCK)
		c.EpollCtl(inner, abi.EPOLL_CTL_ADD, fds[i], &abi.EpollEvent{Events: level[leaf]})
	}
	for i, kind := range s.waiters {
		name := fmt.Sprintf("%c%d", kind, i)
		ep := outer
		if kind < 'a' {
			ep = inner
		}
		spawn(name, func(c kernel.Calls) {
			var n int
			switch kind {
			case 'w', 'W':
				n, _ = c.EpollWait(ep, make([]abi.EpollEvent, 1), 1, timeout)
			default:
				n, _ = c.Poll([]abi.PollFd{{Fd: int32(ep), Events: abi.POLLIN}}, timeout)
			}
			got(name, n)
		})
	}
	for range s.writes {
		for _, fd := range fds {
			c.Write(fd, []byte(eventfdOne))
		}
	}
}

// judge tells what is wrong with an outcome: by the rules, whatever the model says.
func (s shape) judge(state string) string {
	got := map[byte]int{}
	all := map[byte]int{}
	for _, part := range strings.Fields(state) {
		all[part[0]]++
		if strings.HasSuffix(part, "=1") {
			got[part[0]]++
		}
	}
	leaf := s.inner
	if leaf == "" {
		leaf = s.outer
	}
	// Who takes an event from the inner epoll, edge-triggered, leaves nothing there for those behind the outer one.
	stolen := s.inner == "ET" && all['W'] > 0
	edges := s.sources * s.writes
	switch {
	case got['w']+got['p']+got['W']+got['P'] == 0:
		return "nobody was woken"
	case s.outer == "LT" && !stolen && got['w'] < all['w']:
		return "a level-triggered event is there for everybody"
	case s.outer == "LT" && !stolen && got['p'] < all['p']:
		return "poll sees a level-triggered event"
	case s.inner == "LT" && (got['W'] < all['W'] || got['P'] < all['P']):
		return "a level-triggered event is there for everybody who asks the inner epoll"
	case s.outer == "ET" && got['w'] > edges:
		return "one edge, one thread"
	case leaf == "ET" && got['W'] > edges:
		return "one edge, one thread"
	case s.outer == "ET" && !stolen && all['w'] > 0 && got['w'] == 0:
		return "somebody takes an edge"
	case all['w']+all['W'] == 0 && got['p'] < all['p']:
		return "poll takes nothing away"
	}
	return ""
}

// explore visits all interleavings of s, unless an option bounds them, and returns the line of the table.
func (s shape) explore(t *testing.T, opts ...kerneltest.Option) (line string) {
	opts = append(opts, kerneltest.Independent(), kerneltest.Within(time.Hour), kerneltest.Directly())
	r := kerneltest.Explore(t, func(r *kerneltest.Run) {
		s.program(r, func(name string, fn func(kernel.Calls)) { r.Go(name, fn) }, 1000, func(w string, n int) { r.Outcome(w, n) })
	}, opts...)
	var texts []string
	for _, o := range r.States {
		texts = append(texts, strings.NewReplacer("=", "", " ", ",").Replace(o.Text))
		assert.Empty(t, s.judge(o.Text), "%s %s", o.Text, o.Witness)
	}
	return fmt.Sprintf("%-*s%8d  %-15s  %s\n", shapeWidth, s, r.Interleavings(), r.Verdict(), strings.Join(texts, " "))
}

const wakeupTable = "testdata/wakeup.txt"

// readTable returns the lines of the table by shape.
func readTable(t *testing.T) map[string]string {
	text, err := os.ReadFile(wakeupTable)
	require.True(t, err == nil || *update, tellsHow)
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if len(line) > shapeWidth && line[0] != '#' {
			lines[strings.TrimSpace(line[:shapeWidth])] = line
		}
	}
	return lines
}

// Every shape is explored until nothing is left, or with up to three preemptions, and shows what the table says: the number of
// interleavings, and who got an event in any of them. Where those are too many for the time at hand, what is found with one
// preemption must be in the table.
func TestWakeUps(t *testing.T) {
	if testing.Short() {
		t.Skip("many interleavings")
	}
	table := readTable(t)
	for _, s := range shapes() {
		t.Run(s.String(), func(t *testing.T) {
			if *update {
				table[s.String()] = s.explore(t, s.most()...)
				return
			}
			want := table[s.String()]
			require.NotEmpty(t, want, tellsHow)
			if interleavings(want) <= enough() {
				assert.Equal(t, want, s.explore(t, covered(want)...), tellsHow)
				return
			}
			assert.Subset(t, strings.Fields(want), states(s.explore(t, kerneltest.Preemptions(1))), tellsHow)
		})
	}
	if *update {
		writeTable(t, table)
	}
}

// enough is how many interleavings of a shape are tried in the time at hand: EPOLLSIM_LONG=all tries all of all, which takes
// minutes.
func enough() int {
	switch os.Getenv("EPOLLSIM_LONG") {
	case "":
		return 1000
	case "all":
		return math.MaxInt
	}
	return 200_000
}

const tellsHow = "go test ./kernel/kerneltest -run TestWakeUps/SHAPE -timeout 1h -update writes the row of a shape"

// states are the outcomes of a line of the table.
func states(line string) (all []string) {
	for _, f := range strings.Fields(line) {
		if strings.ContainsAny(f[:1], "wpWP") && f != "preemptions" {
			all = append(all, f)
		}
	}
	return all
}

// interleavings reads their number from a line of the table.
func interleavings(line string) (n int) {
	fmt.Sscan(line[min(len(line), shapeWidth):], &n)
	return n
}

// covered is what a line of the table says that was covered.
func covered(line string) []kerneltest.Option {
	var n int
	if _, bound, ok := strings.Cut(line, "≤ "); ok {
		fmt.Sscan(bound, &n)
		return []kerneltest.Option{kerneltest.Preemptions(n)}
	}
	return nil
}

func writeTable(t *testing.T, table map[string]string) {
	var b strings.Builder
	b.WriteString("# who is woken: levels, waiters (w epoll_wait, p poll, on the outer epoll; W, P on the inner one), sources x writes;\n" +
		"# interleavings; what was covered; how many events each waiter got\n")
	for _, s := range shapes() {
		b.WriteString(table[s.String()])
	}
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(wakeupTable, []byte(b.String()), 0o644))
}

// most bounds the exploration of shapes that have millions of interleavings.
func (s shape) most() []kerneltest.Option {
	if len(s.waiters) > 2 && s.outer+s.inner != "LT" && s.outer+s.inner != "LTLT" || len(s.waiters) > 2 && strings.Contains(s.waiters, "p") {
		return []kerneltest.Option{kerneltest.Preemptions(3)}
	}
	return nil
}

// What the running kernel shows in some runs with random delays is among what the model shows in all. On a busy machine a
// waiter's time may be over before it is woken, so what is not among it counts only if it comes again where waiters have
// more time.
func TestWakeUpsOfTheHost(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs Linux on amd64")
	}
	table := readTable(t)
	runs := form.Of(2, 6)
	for _, s := range shapes() {
		states := states(table[s.String()])
		require.NotEmpty(t, states, "%s: %s", s, tellsHow)
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel() // they sleep
			h, err := host.New(host.Options{})
			if err != nil {
				t.Skip("the host's kernel cannot be asked: ", err)
			}
			defer h.Close()
			for range runs {
				s.likeHost(t, h, states)
			}
		})
	}
}

// likeHost fails t if the host shows what is not among the states.
func (s shape) likeHost(t *testing.T, h *host.Host, states []string) {
	state, late := "", false
	for _, patience := range []time.Duration{100, 1000, 3000, 3000} {
		if state, late = s.onHost(t, h, patience*time.Millisecond); late || slices.Contains(states, state) {
			return
		}
	}
	t.Errorf("%s: the host showed %s, the model only %v", s, state, states)
}

// onHost runs s with random delays and waiters that have some patience. late: the writer was not in time for it.
func (s shape) onHost(t *testing.T, h *host.Host, patience time.Duration) (state string, late bool) {
	got := map[string]int{}
	start := time.Now()
	require.NoError(t, h.Run(func(c kernel.Calls) {
		spawn := func(name string, fn func(kernel.Calls)) {
			c.Clone(name, fn)
			if rand.IntN(2) == 0 {
				c.Nanosleep(int64(rand.IntN(100_000)))
			}
		}
		s.program(c, spawn, int(patience/time.Millisecond), func(w string, n int) { got[w] = n })
		late = time.Since(start) > patience/2
	}))
	var parts []string
	for _, w := range slices.Sorted(maps.Keys(got)) {
		parts = append(parts, fmt.Sprint(w, got[w]))
	}
	return strings.Join(parts, ","), late || time.Since(start) > patience*3/2
}
