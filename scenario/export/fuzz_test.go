package export_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/export"
	"github.com/epollsim/epollsim/sim"
)

// Whatever a program calls with whatever values, it is exported or refused: never a panic, JSON that parses, C whose
// strings and comments end where they should.
func FuzzRecord(f *testing.F) {
	for _, src := range []string{
		"# x: */ \\\nep = epoll_create1()\nepoll_ctl(ep, 77, -5, -1, data = 1 << 63)\nepoll_pwait2(ep, -1, -7, [SIGTERM])",
		"a, b = socketpair()\nwrite(a, b\"??/\\x00\\\"\\\\#*/\" * 3)\nread(b, 100)\nsetsockopt(a, SOL_SOCKET, SO_LINGER, (1, 2))\nrecv_fds(b, 1, MSG_DONTWAIT)",
		"s = socket(AF_UNIX, SOCK_DGRAM)\nbind(s, \"\")\ngetsockname(s)\nsendto(s, b\"\", (\"::1\", 40000))\nconnect(s, None)\nrecvfrom(s, 0, MSG_TRUNC | MSG_DONTWAIT)",
		"poll([(3, -1), (99, 1 << 15)], 0)\nselect([7], (), None, 0)\npselect({}, [5], range(3, 6), 0, [])\nioctl(5, 0xffffffff, -1)\nsleep(0.25)",
		"signal(SIGUSR1, SIG_IGN)\nkill(getpid(), SIGUSR1)\nsigprocmask(9, [64, 1])\nsignalfd([], 0, 77)\nsetrlimit(-3, (1 << 64) - 1)\npidfd_open(-1)",
		"me = getpid()\nsignal(SIGUSR1, lambda s: None)\nkill(me, SIGUSR1)\nsignal(SIGALRM, lambda s: getpid())\nclose(0)\npoll([(1, 0)], 0)\ntimerfd_settime(timerfd_create(), 3, 9)",
		"open(\"a\\n*/\", O_CREAT | O_TMPFILE)\nmkfifo(\"é\")\nfd = inotify_init1(IN_NONBLOCK)\ninotify_add_watch(fd, \".\", -1)\ninotify_read(fd)",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := scenario.Compile("fuzz.star", src)
		if err != nil {
			return
		}
		v, err := export.Record(p, export.Options{MaxSteps: 5000, MaxStarlark: 5000, MaxTasks: 20})
		if err != nil {
			var refusal *export.Refusal
			var limit *sim.LimitError
			if !errors.As(err, &refusal) && !errors.As(err, &limit) {
				t.Fatal(err)
			}
			return
		}
		text, err := v.Text("json")
		if err != nil || !json.Valid(text) {
			t.Fatalf("%v: %s", err, text)
		}
		program, err := v.Text("c")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(program)) {
			if strings.HasSuffix(line, "\\\n") || strings.Count(line, "/*") != strings.Count(line, "*/") && strings.Contains(line, "begin(") && !strings.Contains(line, `"`) {
				t.Fatalf("%q", line)
			}
		}
	})
}
