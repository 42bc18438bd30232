package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/scenario/replay"
)

// Sizes that no program passes are the kernel's to refuse, not ours to stumble over.
func TestOddSizes(t *testing.T) {
	const begin = "7 socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0\n7 write(4, \"abc\", 3) = 3\n"
	for _, call := range []string{
		"read(3, 0x7ffe, 18446744073709551615) = -1 EINVAL (Invalid argument)", "write(3, 0x7ffe, 18446744073709551615) = -1 EINVAL (Invalid argument)",
		"recvfrom(3, \"a\", 18446744073709551615, 0, NULL, NULL) = 1", "sendto(3, \"a\", 18446744073709551615, 0, NULL, 0) = 1",
		"epoll_wait(3, [], 2147483647, -9223372036854775808) = 0", "splice(3, NULL, 4, NULL, -1, 0) = -5",
		"recvmsg(3, {msg_iov=[{iov_base=\"a\", iov_len=18446744073709551615}]}, 0) = 1", "readv(3, [{iov_base=\"a\", iov_len=-1}], 1) = 1",
		"sendfile(3, 4, NULL, 18446744073709551615) = -1", "epoll_create(-2147483648) = 9223372036854775807", "dup2(3, 2147483647) = 2147483647",
		"close_range(4294967295, 0, 0) = 0", "poll([{fd=3, events=POLLIN}], 4294967295, 0) = 1", "fcntl(3, F_DUPFD, 9223372036854775807) = 9223372036854775807",
		"prlimit64(0, RLIMIT_NOFILE, {rlim_cur=18446744073709551615, rlim_max=1}, NULL) = 0", "eventfd2(18446744073709551615, 0) = 5",
		"timerfd_settime(3, 0, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=9223372036854775807, tv_nsec=9223372036854775807}}, NULL) = 0",
		"ppoll(NULL, 0, {tv_sec=9223372036854775807, tv_nsec=9223372036854775807}, NULL, 8) = 0", "listen(3, 9223372036854775807) = 0",
	} {
		t.Run(call, func(t *testing.T) {
			r := replay.Run(parse(t, begin+"7 "+call+"\n"), replay.Options{Tries: 5})
			if r.Divergence != nil {
				require.NotContains(t, r.Divergence.Model, "panic")
			}
		})
	}
}
