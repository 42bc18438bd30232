package scenario_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

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
	got := scenario.Shrink("a.star", src, fails)
	p, err := scenario.Compile("a.star", got)
	require.NoError(t, err)
	require.True(t, fails(p))
	require.Less(t, bytes.Count(got, []byte("\n")), 6, "%s", got)
	require.Less(t, tried, 300)
}

func TestShrinkOfWhatNeverFails(t *testing.T) {
	src := []byte("x = 1\ny = 2\n")
	require.Equal(t, src, scenario.Shrink("a.star", src, func(*scenario.Program) bool { return false }))
	require.Equal(t, []byte("("), scenario.Shrink("a.star", []byte("("), func(*scenario.Program) bool { return true }))
}
