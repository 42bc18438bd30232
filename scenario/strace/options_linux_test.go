package strace_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/stretchr/testify/require"
)

const forkAndThread = `
static void *thread(void *arg) { struct timespec t = {0, 2000000}; nanosleep(&t, NULL); write(6, "t", 1); return NULL; }
`

// Whatever strace is asked to show, it is the same program: the same calls with the same results.
func TestOptionsOfStrace(t *testing.T) {
	var body strings.Builder
	body.WriteString("close(-77);\n\t")
	for _, ex := range examples {
		if ex.c != "" {
			body.WriteString(ex.c + "\n\t")
		}
	}
	body.WriteString(`close(-78);
	pthread_t th;
	pthread_create(&th, NULL, thread, NULL);
	pthread_join(th, NULL);
	close(-79);
	if (fork() == 0) { close(-80); kill(getpid(), SIGKILL); }
	waitpid(-1, &n, 0);
	close(-81);
	return 3;`)
	ofPids := []string{"getpid", "gettid", "getppid", "clone", "clone3", "fork", "vfork", "wait4", "set_tid_address"}
	var base []string
	for i, options := range [][]string{
		{}, {"-n", "-i", "-T", "-ttt", "-yy"}, {"-X", "raw", "-r", "-C"}, {"-t"}, {"-tt"}, {"-ttt"}, {"-r"}, {"-tt", "-r"}, {"-T"}, {"-ttt", "-T"}, {"-i"}, {"-n"}, {"-n", "-i", "-T", "-ttt"},
		{"-y"}, {"-yy"}, {"-Y"}, {"-Y", "-y", "-tt"}, {"-x"}, {"-xx"}, {"-X", "raw"}, {"-X", "verbose"}, {"-v"}, {"-s", "0"},
		{"-a", "0"}, {"-e", "verbose=none"}, {"-e", "raw=all"}, {"-qq"}, {"-C"}, {"--decode-pids=comm,pidns"},
		{"--timestamps=unix,ns", "--syscall-times=ns"}, {"--timestamps=unix,s"}, {"-k"},
	} {
		if i > 2 && !form.Long {
			break // each is compiled and run
		}
		log := realLog(t, forkAndThread, body.String(), options...)
		records, stats := read(t, log, strace.ReaderOptions{})
		require.Nil(t, stats.First, "strace %v", options)
		var calls []string
		pids := map[string]int{}
		started := false
		for _, rec := range records {
			if rec.Kind != strace.RecordCall && rec.Kind != strace.RecordExit {
				continue
			}
			started = started || rec.Call.Name == "close" && rec.Call.Args[0].Int&0xffffffff == 0xffffffff-76
			if !started || skipped.MatchString("1 "+rec.Call.Name+"(") || rec.Call.Name == "futex" || rec.Call.Name == "mmap" {
				continue
			}
			if pids[rec.Task.String()] == 0 {
				pids[rec.Task.String()] = len(pids) + 1
			}
			r := rec.Call.Result
			if r.Ret > 1000 || r.Ret < -1 || r.Ret > 0 && slices.Contains(ofPids, rec.Call.Name) {
				r.Ret = 1000 // a pid, an address
			}
			calls = append(calls, fmt.Sprint(pids[rec.Task.String()], " ", rec.Call.Name, " ", r.Ret, " ", r.ErrName))
		}
		if base == nil {
			base = calls
			require.Greater(t, len(base), 100)
		}
		require.Equal(t, base, calls, "strace %v", options)
	}
}
