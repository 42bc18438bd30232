package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const stampedProgram = `ep = epoll_create1()
e = eventfd()
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN)
got = []
def waiter():
    got.append(len(epoll_wait(ep, timeout = 0)))
spawn(waiter)
eventfd_write(e, 1)
exists(lambda: got == [0])
`

// A schedule tells of which program it is: of another one, or on another version, there is a warning, and nothing else
// differs. Without what tells there is none.
func TestScheduleOfAnotherProgram(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(text string) { require.NoError(t, os.WriteFile("a.star", []byte(text), 0o600)) }
	write(stampedProgram)
	stdout, stderr, err := command("explore", "--table=false", "a.star")
	require.NoError(t, err, stderr)
	token := regexp.MustCompile(`true with --schedule=(\S+)`).FindStringSubmatch(stdout)[1]
	bare, _, stamped := strings.Cut(token, ".")
	require.True(t, stamped, token)

	warns := func(args ...string) (warned bool) {
		_, stderr, err := command(append([]string{"run", "--trace=none"}, args...)...)
		require.NoError(t, err, stderr)
		return strings.Contains(stderr, "warning: --schedule")
	}
	require.False(t, warns("--schedule="+token, "a.star"))
	require.False(t, warns("--schedule="+bare, "a.star"))
	require.True(t, warns("--schedule="+token, "--kernel=6.17", "a.star"))
	write(stampedProgram + "# a word more\n")
	_, stderr, err = command("run", "--schedule="+token, "a.star", "a.star")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(stderr, "warning: --schedule"), "one for each file: %s", stderr)
	require.True(t, warns("--schedule="+token, "a.star"))
	require.False(t, warns("--schedule="+bare, "a.star"))
	_, _, err = command("run", "--schedule="+bare+".", "a.star")
	require.ErrorContains(t, err, "it is cut")
}
