package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Who takes a signal, and what it ends: the log says, and the model has to agree.
func TestSignalsOfTheLog(t *testing.T) {
	const begin = "1 execve(\"./a\", [\"./a\"], 0x7ffe /* 3 vars */) = 0\n1 rt_sigprocmask(SIG_BLOCK, [CHLD], NULL, 8) = 0\n1 epoll_create1(0) = 3\n"
	const child = "1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD) = 9\n"
	const gone = "9 exit_group(0) = ?\n9 +++ exited with 0 +++\n"
	const sent = "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n"
	const interrupted = "1 epoll_pwait(3, 0x7f00, 4, 20, 0x7f80, 8) = -1 EINTR (Interrupted system call)\n"
	const waited = "1 epoll_pwait(3, [], 4, 20, [], 8) = 0\n"
	const signalfd = "1 signalfd4(-1, [CHLD], 8, SFD_NONBLOCK) = 4\n"
	const other = "1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2\n2 rt_sigprocmask(SIG_UNBLOCK, [CHLD], NULL, 8) = 0\n"
	const none = "1 read(4, 0x7f00, 128) = -1 EAGAIN (Resource temporarily unavailable)\n"
	for _, c := range []struct{ name, log, wrong string }{
		{"a wait lets a signal through that strace does not show in its set", begin + child + gone + interrupted + "1 " + sent + waited,
			begin + child + gone + waited},
		{"one thread takes it before another reads it", begin + signalfd + other + child + gone + "2 " + sent + none,
			begin + signalfd + child + gone + none},
		{"a read is ended before a write would have ended it", begin + "1 eventfd2(0, 0) = 4\n" + other + `1 read(4,  <unfinished ...>
2 write(4, "\1\0\0\0\0\0\0\0", 8 <unfinished ...>
2 <... write resumed>) = 8
1 <... read resumed>0x7f00, 8) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
1 --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=0} ---
1 read(4, "\1\0\0\0\0\0\0\0", 8) = 8
`, begin + "1 eventfd2(0, 0) = 4\n" + other + `2 write(4, "\1\0\0\0\0\0\0\0", 8) = 8
1 read(4, 0x7f00, 8) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay.Run(parse(t, c.log), replay.Options{Check: true})
			require.Nil(t, r.Divergence, "%v", r.Divergence)
			r = replay.Run(parse(t, c.wrong), replay.Options{})
			require.Equal(t, replay.ExitDiverged, r.ExitCode())
		})
	}
}
