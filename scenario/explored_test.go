package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/sim/explore"
)

func bootPlain(opts sim.Options) *kernel.Kernel { return kernel.Boot(kernel.Options{Machine: opts}) }

func exploreText(t testing.TB, text string) *explore.Report {
	p, err := scenario.Compile("x.star", []byte(text))
	require.NoError(t, err)
	r := explore.Explore(p.Explored(bootPlain, scenario.Options{}), explore.Options{Direct: true, MaxSchedules: 100_000})
	require.NoError(t, r.Err)
	require.True(t, r.Exhaustive)
	return r
}

// What threads do between two calls depends on each other if, and only if, they can reach the same value.
func TestWhatThreadsShare(t *testing.T) {
	count := func(body string) uint64 {
		return exploreText(t, "xs = [0]\nys = [0]\nds = {}\ndef touch(list): list[0] += 1\n"+body).Interleavings()
	}
	apart := count("def a():\n    getpid()\n    xs[0] += 1\ndef b():\n    getpid()\n    ys[0] += 1\nspawn(a)\nspawn(b)\n")
	for name, body := range map[string]string{
		"by name":     "def a():\n    getpid()\n    xs[0] += 1\ndef b():\n    getpid()\n    xs[0] += 1\nspawn(a)\nspawn(b)\n",
		"by argument": "def a(l):\n    getpid()\n    l[0] += 1\nspawn(a, xs)\nspawn(a, xs)\n",
		"by call":     "def a():\n    getpid()\n    touch(xs)\ndef b():\n    getpid()\n    xs[0] += 2\nspawn(a)\nspawn(b)\n",
		"by closure":  "def two():\n    l = [0]\n    def a():\n        getpid()\n        l[0] += 1\n    spawn(a)\n    spawn(a)\ntwo()\n",
		"inside":      "zs = [xs]\ndef a():\n    getpid()\n    zs[0][0] += 1\ndef b():\n    getpid()\n    xs[0] += 1\nspawn(a)\nspawn(b)\n",
		"bound twice": "z = 0\nz = xs\ndef a():\n    getpid()\n    z[0] += 1\nspawn(a)\nspawn(a)\n",
		"in a tuple":  "z = (1, xs)\ndef a():\n    getpid()\n    z[1][0] += 1\nspawn(a)\nspawn(a)\n",
		"by a loop":   "for z in [ys, xs]:\n    pass\ndef a():\n    getpid()\n    z[0] += 1\nspawn(a)\nspawn(a)\n",
		"unpacked":    "y, z = 1, xs\ndef a():\n    getpid()\n    z[0] += 1\nspawn(a)\nspawn(a)\n",
		"by result":   "def all(): return xs\nz = all()\ndef a():\n    getpid()\n    z[0] += 1\nspawn(a)\nspawn(a)\n",
		"by turns":    "z = xs if getpid() else 0\ny = z\ndef a():\n    getpid()\n    y[0] += 1\nspawn(a)\nspawn(a)\n",
		"by default":  "def f(l = xs): l[0] += 1\ndef a():\n    getpid()\n    f()\nspawn(a)\nspawn(a)\n",
		"by function": "def f(): xs[0] += 1\nif not xs:\n    def f(): pass\ndef a():\n    getpid()\n    f()\nspawn(a)\nspawn(a)\n",
		"other name":  "def f(): xs[0] += 1\ng = f\ndef a():\n    getpid()\n    g()\nspawn(a)\nspawn(a)\n",
		"by list":     "z = readv(open(\"/dev/null\", O_RDONLY), [1])\ndef a():\n    getpid()\n    z.append(1)\nspawn(a)\nspawn(a)\n",
		"records":     "def a(n):\n    getpid()\n    outcome(n = n)\nspawn(a, 1)\nspawn(a, 2)\n",
	} {
		require.Greater(t, count(body), apart, name)
	}
}

// A builtin that returns something that the program can change says so: explorers do not look at what plain names refer to.
// Whoever records the calls of a run finds out.
func TestResultsThatCanChange(t *testing.T) {
	for _, f := range cases(t) {
		k := kernel.Boot(kernel.Options{Version: f.version})
		res := scenario.Run(k, f.prog, scenario.Options{OnCall: func(scenario.Call) {}})
		require.Empty(t, trouble(res), f.id)
	}
}

// Every order of two appends is seen, and both ends of a lost update.
func TestStepsBetweenCallsInterleave(t *testing.T) {
	r := exploreText(t, "got = []\ndef a(n):\n    getpid()\n    got.append(n)\nt1 = spawn(a, 1)\nt2 = spawn(a, 2)\njoin(t1)\njoin(t2)\noutcome(got = got)\n")
	var states []string
	for _, s := range r.States {
		states = append(states, s.Text)
	}
	require.Equal(t, []string{"got=[1, 2]", "got=[2, 1]"}, states)
	r = exploreText(t, "n = [0]\ndef a():\n    old = n[0]\n    getpid()\n    n[0] = old + 1\nt1 = spawn(a)\nt2 = spawn(a)\njoin(t1)\njoin(t2)\noutcome(n = n[0])\n")
	require.Len(t, r.States, 2)
}

// Several cores run one compiled program at once, and find what one finds. The race detector runs this too.
func TestCoresShareAProgram(t *testing.T) {
	const text = `kernel("6.18")
names = {"a": 1}
def note(n, into = []):
    into.append(n)
    return len(into)
ep = epoll_create1()
e = eventfd(0, EFD_NONBLOCK)
r, w = pipe2(O_NONBLOCK)
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET)
epoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN | EPOLLONESHOT)
got = []
def waiter(name):
    for events, fd in epoll_wait(ep, timeout = 10):
        got.append((name, fd, [x for x in range(note(name))]))
def writer():
    eventfd_write(e, names["a"])
    write(w, b"x") == EAGAIN
a, b = spawn(waiter, "a"), spawn(waiter, "b")
writer()
join(a)
join(b)
outcome(got = got, n = len(got))
exists(lambda: len(got) == 2)
`
	p, err := scenario.Compile("x.star", []byte(text))
	require.NoError(t, err)
	boot := func(opts sim.Options) *kernel.Kernel { return kernel.Boot(kernel.Options{Check: true, Machine: opts}) }
	opts := explore.Options{Bound: explore.UpTo(1), Direct: true, MaxSchedules: 300}
	want := explore.Explore(p.Explored(boot, scenario.Options{}), opts)
	require.NoError(t, want.Err)
	require.NotZero(t, want.Interleavings())
	opts.Cores = 2
	require.Equal(t, want, explore.Explore(p.Explored(boot, scenario.Options{}), opts))
}
