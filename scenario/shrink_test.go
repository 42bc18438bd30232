package scenario_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
)

func TestShrinkKeepsWhatFails(t *testing.T) {
	src := []byte(`# a check that fails, among other things
a = eventfd(0, EFD_NONBLOCK)
b = eventfd(5, EFD_NONBLOCK)
def f(x):
    y = 1
    z = x + y
    return z
def g():
    eventfd_write(b, 1)
    f(2)
if f(1) == 2:
    eventfd_read(b)
g()
n = eventfd_read(b)
check(n == 2, "the count")
print(n)
`)
	tried := 0
	fails := func(p *scenario.Program) bool {
		tried++
		r := scenario.Run(kernel.Boot(kernel.Options{}), p, scenario.Options{})
		return r.Error == nil && len(r.Failed) > 0 && r.Failed[0].Msg == "the count"
	}
	got := scenario.Shrink("a.star", src, fails, nil)
	p, err := scenario.Compile("a.star", got)
	require.NoError(t, err)
	require.True(t, fails(p))
	require.Less(t, bytes.Count(got, []byte("\n")), 6, "%s", got)
	require.Less(t, tried, 300)
}

func TestShrinkOfWhatNeverFails(t *testing.T) {
	src := []byte("x = 1\ny = 2\n")
	require.Equal(t, src, scenario.Shrink("a.star", src, func(*scenario.Program) bool { return false }, nil))
	require.Equal(t, []byte("("), scenario.Shrink("a.star", []byte("("), func(*scenario.Program) bool { return true }, nil))
}

// shrunk is what is left of src as long as check fails with "here".
func shrunk(t *testing.T, src string) string {
	t.Helper()
	fails := func(p *scenario.Program) bool {
		r := scenario.Run(kernel.Boot(kernel.Options{}), p, scenario.Options{})
		return r.Error == nil && len(r.Failed) == 1 && r.Failed[0].Msg == "here"
	}
	p, err := scenario.Compile("a.star", []byte(src))
	require.NoError(t, err)
	require.True(t, fails(p))
	return string(scenario.Shrink("a.star", []byte(src), fails, nil))
}

func TestShrinkTakesApart(t *testing.T) {
	tests := map[string]struct{ src, want string }{
		"what makes a file and uses it": {
			"a = eventfd(1)\nb = eventfd(2)\nif eventfd_read(b) == 2:\n    eventfd_write(b, 3)\ncheck(eventfd_read(a) == 2, \"here\")\n",
			"a = eventfd(1)\ncheck(eventfd_read(a) == 2, \"here\")\n",
		},
		"what is added and removed": {
			"ep = epoll_create1()\ne = eventfd(1)\nepoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)\ncheck(epoll_wait(ep, timeout = 0) == [], \"here\")\nx = 1\n" +
				"epoll_ctl(ep, EPOLL_CTL_MOD, e, 0)\nx = 2\nepoll_ctl(ep, EPOLL_CTL_MOD, e, 1)\nx = 3\ncheck(epoll_wait(ep, timeout = 0) != [], \"there\")\n",
			"ep = epoll_create1()\ne = eventfd(1)\nepoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)\ncheck(epoll_wait(ep, timeout = 0) == [], \"here\")\n",
		},
		"a pair far apart": {
			"n = [0]\nn[0] += 1\na = eventfd(1)\nn[0] -= 1\ncheck(n[0] != 0, \"here\")\n",
			"n = [0]\ncheck(n[0] != 0, \"here\")\n",
		},
		"statements on one line": {
			"a = 1; b = 2; c = \"x;y\"\nif a == 1: b = 3; a = 2\nprint(a); check(a == 7, \"here\"); print(b)\n",
			"a = 1\ncheck(a == 7, \"here\")\n",
		},
		"loops and conditions": {
			"e = eventfd(0)\nfor i in range(3):\n    if i != 7:\n        check(e == 9, \"here\") # why\n    break\n",
			"e = eventfd(0)\ncheck(e == 9, \"here\") # why\n",
		},
		"the version stays": {
			"kernel(\"5.10\")\nx = 1\ncheck(False, \"here\")\n",
			"kernel(\"5.10\")\ncheck(False, \"here\")\n",
		},
		"lines of other systems": {
			"x = 1\rif x:\r\n    y = \"\"\"a\rb\"\"\"\r    check(False, \"here\")\r",
			"check(False, \"here\")\n",
		},
		"a function of nothing": {
			"def f():\n    x = 1\n    y = 2\ncheck(type(f) != \"function\", \"here\")\n",
			"def f():\n    pass\ncheck(type(f) != \"function\", \"here\")\n",
		},
		"functions": {
			"def f(x):\n    y = 1\n    return y\ndef g():\n    z = f(2)\n    check(False, \"here\")\nf(3)\ng()\n",
			"def g():\n    check(False, \"here\")\ng()\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, shrunk(t, tt.src)) })
	}
}

// The pairs of a long program are more than anybody waits for.
func TestShrinkEnds(t *testing.T) {
	var src strings.Builder
	src.WriteString("n = [0]\n")
	for i := range 2000 {
		fmt.Fprintf(&src, "n[0] += %d\n", i)
	}
	looks, compiled := 0, 0
	got := scenario.Shrink("a.star", []byte(src.String()), func(*scenario.Program) bool { compiled++; return false },
		func() bool { looks++; return looks > 20 })
	require.Equal(t, src.String(), string(got))
	require.LessOrEqual(t, compiled, 20)
	require.Less(t, looks, 100)
}

// Whatever is left out, of whatever text: nothing that does not compile is asked about, and the result is no longer.
func TestShrinkOfCases(t *testing.T) {
	for _, name := range []string{"et-more-data", "echo-lt", "starvation", "ghost-fork"} {
		src, err := epollsim.Testdata.ReadFile("testdata/cases/" + name + ".star")
		require.NoError(t, err)
		asked := 0
		got := scenario.Shrink(name, src, func(p *scenario.Program) bool {
			asked++
			return asked%3 == 0
		}, nil)
		require.LessOrEqual(t, len(got), len(src))
		_, err = scenario.Compile(name, got)
		require.NoError(t, err)
	}
}
