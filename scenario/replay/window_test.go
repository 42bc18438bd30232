package replay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
)

// openText is an Opener of a text.
func openText(text []byte) Opener {
	return func() (strace.Source, func(), error) {
		return strace.NewReader(bytes.NewReader(text), "log", strace.ReaderOptions{}), func() {}, nil
	}
}

// A log that is read a window at a time is explained as one that is kept.
func TestWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing is concurrent here, and much is read")
	}
	files, err := filepath.Glob("../../testdata/strace/*.strace")
	require.NoError(t, err)
	for i, name := range files {
		if !form.Sample(i, 10) {
			continue
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			kept, err := openWith(openText(text), "log", usual)
			require.NoError(t, err)
			read, err := openWith(openText(text), "log", bounds{ahead: 1000, behind: 300, stride: 50})
			require.NoError(t, err)
			require.Equal(t, kept.moments == 0, read.over)
			opts := Options{Inferences: true, Doctor: true}
			require.Equal(t, Run(kept, opts), Run(read, opts))
			require.Less(t, len(read.list), 1500)
		})
	}
}

// serverLog is the log of a server whose clients are not in it: of so many connections, each new to the model, and of a second
// thread that waits from its begin to its end.
func serverLog(connections int) []byte {
	var b strings.Builder
	b.WriteString(`1 execve("./a", ["./a"], 0x7ffe /* 3 vars */) = 0
1 epoll_create1(0) = 3
1 pipe2([4, 5], 0) = 0
1 socket(AF_INET, SOCK_STREAM, 0) = 6
1 bind(6, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
1 listen(6, 9) = 0
1 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
1 clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2
2 read(4,  <unfinished ...>
`)
	for i := range connections {
		fmt.Fprintf(&b, "1 epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, -1) = 1\n")
		fmt.Fprintf(&b, "1 accept(6, {sa_family=AF_INET, sin_port=htons(%d), sin_addr=inet_addr(\"127.0.0.1\")}, [16]) = 7\n", 32768+i%25000)
		b.WriteString("1 recvfrom(7, \"ping\", 64, 0, NULL, NULL) = 4\n1 sendto(7, \"pong\", 4, 0, NULL, 0) = 4\n")
		b.WriteString("1 recvfrom(7, \"\", 64, 0, NULL, NULL) = 0\n1 close(7) = 0\n")
		fmt.Fprintf(&b, "1 clone(child_stack=NULL, flags=SIGCHLD) = %d\n%[1]d socketpair(AF_UNIX, SOCK_STREAM, 0, [7, 8]) = 0\n%[1]d exit_group(0) = ?\n"+
			"%[1]d +++ exited with 0 +++\n1 wait4(%[1]d, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = %[1]d\n", 100+i%5000)
	}
	b.WriteString("1 getsockname(6, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"0.0.0.0\")}, [128 => 16]) = 0\n")
	b.WriteString("1 write(5, \"x\", 1) = 1\n2 <... read resumed>\"x\", 100) = 1\n1 exit_group(0) = ?\n")
	return []byte(b.String())
}

// The memory that a replay needs does not grow with the log: what only its end tells is known where it is asked for.
func TestLongLog(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing is concurrent here, and much is read")
	}
	size := form.Of(bounds{whole: 1 << 13, ahead: 1 << 12, behind: 1 << 11, stride: 1 << 9}, usual)
	log, err := openWith(openText(serverLog(6000*size.whole/usual.whole)), "log", size)
	require.NoError(t, err)
	require.Greater(t, log.moments, size.whole)
	require.Len(t, log.long, 2) // the read, and the bind to a port that is told at the end
	x := execute(log, &Options{}, &plan{}, nil, nil)
	require.Nil(t, x.diverged, "%v", x.diverged)
	require.Equal(t, log.moments, x.at)
	require.Less(t, len(log.list), size.ahead+size.behind+2*size.stride)
	for what, n := range map[string]int{
		"threads": len(x.threads), "numbers of threads": len(x.byTid), "tables": len(x.tables), "peers": len(x.peers), "ends of files": len(x.ends),
		"calls": len(x.steps), "orders": len(x.orders), "alive": len(x.alive),
	} {
		require.Less(t, n, 2*size.behind+size.stride, what)
	}
}
