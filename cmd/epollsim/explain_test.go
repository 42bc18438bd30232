package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/scenario/casebook"
)

func TestExplanationsNameRealThings(t *testing.T) {
	constants := map[string]bool{}
	for _, c := range abi.Constants() {
		constants[c.Name] = true
	}
	seen := map[string]bool{}
	for _, e := range parseExplanations(explanations) {
		require.NotEmpty(t, e.names)
		require.NotEmpty(t, e.text, e.names)
		if e.caseID != "" {
			_, ok := casebook.Find(e.caseID)
			require.True(t, ok, "%v names case %q, which does not exist", e.names, e.caseID)
		}
		for _, n := range e.names {
			require.False(t, seen[n], "%s is explained twice", n)
			seen[n] = true
			if n == strings.ToUpper(n) {
				_, isErrno := abi.ErrnoByName(n)
				require.True(t, isErrno || constants[n], "%s is no errno and no constant", n)
			}
		}
	}
	// What epoll_ctl and epoll_wait can be given and can answer is explained.
	for name := range constants {
		if strings.HasPrefix(name, "EPOLL") && !strings.Contains(name, "CLOEXEC") && name != "EPOLLMSG" {
			require.True(t, seen[name], "%s is not explained", name)
		}
	}
	for _, name := range []string{"EAGAIN", "EBADF", "EEXIST", "ENOENT", "EINVAL", "EPERM", "ELOOP", "ENOSPC", "EFAULT", "EINTR", "EMFILE", "EPIPE", "O_NONBLOCK", "SO_ERROR", "EINPROGRESS"} {
		require.True(t, seen[name], "%s is not explained", name)
	}
}

func TestExplain(t *testing.T) {
	out, _, err := command("explain", "EPOLLET")
	require.NoError(t, err)
	require.Contains(t, out, "EPOLLET = 0x80000000")
	require.Contains(t, out, "See: epollsim show et-more-data")

	out, _, err = command("explain", "epoll_ctl")
	require.NoError(t, err)
	require.Contains(t, out, "epoll_ctl(epfd, op, fd, events=0, data=None)")

	out, _, err = command("explain", "17")
	require.NoError(t, err)
	require.Contains(t, out, "EEXIST (17)")
	for wrong, near := range map[string]string{"EAGAI": "EAGAIN", "epol_wait": "epoll_wait", "epollett": "EPOLLET"} {
		_, _, err = command("explain", wrong)
		require.ErrorContains(t, err, "near: "+near)
	}

	_, _, err = command("explain", "nonsense")
	require.Equal(t, exitUsage, err.(exitError).code)
}
