package scenario_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/events"
	"github.com/epollsim/epollsim/scenario/picture"
	"github.com/epollsim/epollsim/scenario/steps"
	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim"
)

// FuzzViews: whatever a program does on the model, no view of it panics, each line of JSON is an object, and the picture
// is XML.
func FuzzViews(f *testing.F) {
	for _, src := range []string{
		"ep = epoll_create1()\nr, w = pipe2(O_NONBLOCK)\nepoll_ctl(ep, EPOLL_CTL_ADD, r, EPOLLIN)\nwrite(w, b\"x\")\nepoll_wait(ep)",
		"a, b = socketpair()\nsend(a, b\"\\xff\\x00<&]]>\", MSG_OOB)\nrecv(b, 9)\nsend_fds(a, b\"x\", [a, b])\nrecv_fds(b, 1)",
		"def f(): sleep(3)\nt = spawn(f, name = \"<\\\"&\\x01é\")\njoin(t)\nkill(getpid(), SIGTERM)",
		"m, s = openpty()\nwrite(m, b\"a\\x7f\\x04\\n\")\nread(s, 9)\nclose(m)\ntcsetraw(s)",
		"open(\"\\x02<\", O_CREAT)\nmkfifo(\"a&b\")\nbind(socket(AF_UNIX, SOCK_STREAM), \"@\\x00<\")",
		"epoll_ctl(-1, 99, 1 << 31, -1, data = -1)\nepoll_wait(0, -1)\nfcntl(0, 12345, -7)\nioctl(0, -1, 3)",
		"signal(SIGUSR1, lambda s: print(s))\nkill(getpid(), SIGUSR1)\npoll([(0, -1), (99, 5)], 0)\nselect([1], None, [2], 1)",
	} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := scenario.Compile("fuzz.star", src)
		if err != nil {
			return
		}
		var lines, log bytes.Buffer
		text := steps.New(io.Discard, steps.Options{Accesses: true})
		objects, drawing := events.New(&lines, events.Options{Accesses: true}), picture.New()
		writer := strace.New(&log, strace.Options{Times: true})
		k := kernel.Boot(kernel.Options{Check: true, TraceState: len(src)%8 == 0, Machine: sim.Options{
			MaxSteps: 3000, MaxTasks: 20,
			Trace: func(e sim.Event) {
				text.Event(e)
				objects.Event(e)
				drawing.Event(e)
				if _, state := e.Arg.(*kernel.Snapshot); !state {
					writer.Event(e)
				}
			},
		}})
		r := scenario.Run(k, p, scenario.Options{MaxSteps: 3000})
		var panicked *sim.PanicError
		var broken *sim.ViolationError
		if errors.As(r.Err, &panicked) || errors.As(r.Err, &broken) {
			t.Fatal(r.Err)
		}
		for _, v := range []interface{ Close() error }{text, objects, writer} {
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
		}
		for line := range bytes.Lines(lines.Bytes()) {
			var object map[string]any
			if err := json.Unmarshal(line, &object); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
		}
		for line := range bytes.Lines(log.Bytes()) {
			if bytes.ContainsAny(bytes.TrimSuffix(line, []byte("\n")), "\x00\x01\x7f\r") {
				t.Fatalf("%q", line)
			}
		}
		for d := xml.NewDecoder(strings.NewReader(drawing.SVG())); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
