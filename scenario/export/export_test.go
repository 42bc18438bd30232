package export_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/internal/form"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/export"
)

// exportable records every case of testdata that can be exported, once for all tests, and tells why the others cannot.
func exportable(t *testing.T) (all []*export.Vector, refused map[string]string) {
	t.Helper()
	recorded.Do(func() { recorded.all, recorded.refused = recordAll(t, 1) })
	return recorded.all, recorded.refused
}

var recorded struct {
	sync.Once
	all     []*export.Vector
	refused map[string]string
}

// recordAll records one case of each.
func recordAll(t *testing.T, each int) (all []*export.Vector, refused map[string]string) {
	t.Helper()
	refused = map[string]string{}
	for _, dir := range []string{"cases", "litmus"} {
		names, err := filepath.Glob(filepath.Join("..", "..", "testdata", dir, "*.star"))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for i, name := range names {
			if i%each != 0 {
				continue
			}
			v, err := record(t, name)
			var refusal *export.Refusal
			if errors.As(err, &refusal) {
				refused[strings.TrimSuffix(filepath.Base(name), ".star")] = refusal.Why
				continue
			}
			require.NoError(t, err)
			all = append(all, v)
		}
	}
	return all, refused
}

func record(t *testing.T, name string) (*export.Vector, error) {
	t.Helper()
	src, err := os.ReadFile(name)
	require.NoError(t, err)
	p, err := scenario.Compile(name, src)
	require.NoError(t, err)
	return export.Record(p, export.Options{})
}

// build makes one program of the vectors.
func build(t *testing.T, vectors ...*export.Vector) (program string) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the programs are for Linux, and run here on amd64 only")
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc: apt-get install gcc libc6-dev")
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "cases.c"), filepath.Join(dir, "cases")
	var src bytes.Buffer
	require.NoError(t, export.WriteProgram(&src, vectors...))
	require.NoError(t, os.WriteFile(file, src.Bytes(), 0o666))
	out, err := exec.Command(gcc, "-Wall", "-Wextra", "-Werror", "-O0", "-o", program, file).CombinedOutput()
	require.NoError(t, err, "%.5000s", out)
	return program
}

// Every case that can be exported, as C, does on the host's kernel what it did on the model.
func TestProgramsPassOnTheHost(t *testing.T) {
	if testing.Short() {
		t.Skip("every case")
	}
	vectors, refused := exportable(t)
	require.Greater(t, len(vectors), 200, "refused: %v", refused)
	program := build(t, vectors...)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) { runProgram(t, program, v) })
	}
}

// A program has only the files of c/ that it needs. Whatever set that is, and however few of a file's functions are called,
// no compiler complains. All sets that occur are compiled in the long form, otherwise one of twenty.
func TestProgramsCompileAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("every case")
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs Linux and gcc")
	}
	parts, err := filepath.Glob("c/*.c")
	require.NoError(t, err)
	texts := map[string]string{}
	for _, name := range parts {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		texts[name] = string(text)
	}
	seen := map[string]bool{}
	vectors, _ := exportable(t)
	vectors = slices.Clone(vectors)
	slices.SortFunc(vectors, func(a, b *export.Vector) int { return len(a.Calls) - len(b.Calls) })
	for _, v := range vectors {
		text, err := v.Text("c")
		require.NoError(t, err)
		set := ""
		for _, name := range parts {
			if strings.Contains(string(text), texts[name]) {
				set += name + " "
			}
		}
		if seen[set] {
			continue
		}
		if seen[set] = true; !form.Sample(len(seen), 20) {
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			cmd := exec.Command(gcc, "-Wall", "-Wextra", "-Werror", "-O1", "-S", "-o", os.DevNull, "-xc", "-")
			cmd.Stdin = bytes.NewReader(text)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %.2000s", set, out)
		})
	}
	require.Greater(t, len(seen), 10)
}

// What no case shows, and a program must keep apart or find out when it runs.
func TestProgramsOfTheirOwn(t *testing.T) {
	var vectors []*export.Vector
	for name, src := range map[string]string{
		"ports-of-two-protocols": `
u = socket(AF_INET, SOCK_DGRAM)
bind(u, ("127.0.0.1", 0))
l = socket(AF_INET, SOCK_STREAM)
bind(l, ("127.0.0.1", 0))
listen(l)
to, tcp = getsockname(u), getsockname(l)
check(to == tcp, "the model gives both the same number, which is the point")
c = socket(AF_INET, SOCK_STREAM)
check(connect(c, tcp) == 0 and getpeername(c) == tcp)
check(sendto(u, b"x", to) == 1 and recvfrom(u, 1) == (b"x", to))`,
		"bits-without-names": `
e = eventfd(1, EFD_NONBLOCK)
check(poll([(e, 0xffff)], timeout = 0) == [(e, POLLIN | POLLOUT | POLLRDNORM)] or True)
fcntl(e, F_SETFL, 0x100000 | O_NONBLOCK)`,
		"terminal": `
ep = epoll_create1()
epoll_ctl(ep, EPOLL_CTL_ADD, 1, EPOLLIN | EPOLLOUT)
check(epoll_wait(ep, timeout = 0) == [(EPOLLOUT, 1)])
for _ in range(40):
    check(write(2, b"x" * 999 + b"\n") == 1000)
check(poll([(0, POLLIN | POLLOUT), (1, POLLIN)], 0) == [(0, POLLOUT)])
for fd in [0, 1, 2]:
    close(fd)
check(dup(ep) == 0 and open("f", O_CREAT | O_WRONLY) == 1 and eventfd() == 2)
setrlimit(RLIMIT_NOFILE, 2)
check(eventfd() == EMFILE)`,
		"threads": `
me = getpid()
ep, e = epoll_create1(), eventfd()
epoll_ctl(ep, EPOLL_CTL_ADD, e, EPOLLIN | EPOLLET)
hits = []
signal(SIGUSR1, hits.append)
def waiter(n):
    check(epoll_wait(ep, timeout = 1500) == ([(EPOLLIN, e)] if n == 2 else EINTR))
    check(epoll_wait(ep, timeout = 0) == [])
all = []
for n in range(3):
    all.append(spawn(waiter, n))
    sleep(60)
check(eventfd_write(e, 1) == 0)  # the newest has it
join(all[2])
for n in range(2):
    check(kill(all[n], SIGUSR1) == 0)
    join(all[n])
check(len(hits) == 2)
def last():
    sleep(20)
    close(ep)
spawn(last)`,
		"buffers": `
f = open("f", O_CREAT | O_RDWR)
check(writev(f, [b"ab" * 2000, b"", b"cd" * 3000, b"e"]) == 10001 and writev(f, []) == 0)
check(pwrite(f, b"XY", 3999) == 2 and pread(f, 4, 3998) == b"aXYd" and pread(f, 9, 20000) == b"" and pread(f, 1, -1) == EINVAL)
check(lseek(f, 9998, SEEK_SET) == 9998 and readv(f, [2, 0, 7]) == [b"cd", b"", b"e"] and readv(f, [3]) == [b""])
check(writev(f, [b"x"] * 1024) == 1024 and writev(f, [b"x"] * 1025) == EINVAL and readv(f, [1] * 1025) == EINVAL)
r, w = pipe2(O_NONBLOCK)
check(pread(r, 1, 0) == ESPIPE and pwrite(w, b"x", 0) == ESPIPE and readv(r, [1]) == EAGAIN)
check(writev(w, [b"1", b"23"]) == 3 and readv(r, [2, 2]) == [b"12", b"3"])`,
		"spliced": `
f = open("f", O_CREAT | O_RDWR)
check(write(f, b"ab" * 4000) == 8000)
a, b = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK)
check(sendfile(a, f, 7000, 5000) == 1000 and sendfile(a, f, None, 5) == 0 and sendfile(a, f, -1, 5) == EINVAL)
r, w = pipe2(O_NONBLOCK)
check(splice(b, None, w, None, 300, SPLICE_F_MOVE) == 300 and splice(f, 7998, w, None, 9) == 2 and splice(f, None, w, 0, 9) == ESPIPE)
r2, w2 = pipe2(O_NONBLOCK)
check(tee(r, w2, 1 << 20, SPLICE_F_NONBLOCK) == 302 and splice(r, None, w2, None, 200) == 200 and read(r2, 600) == b"ab" * 251)
check(splice(r, None, f, 1, 4) == 4 and pread(f, 6, 0) == b"aababb" and splice(r, None, f, None, 99) == 98 and tee(r, w2, 9) == EAGAIN)`,
		"handlers": `
me = getpid()
r, w = pipe()
hits = []
signal(SIGUSR1, hits.append, SA_RESETHAND)
signal(SIGUSR2, hits.append, SA_RESTART)
def restarted():
    check(read(r, 1) == b"x")
t = spawn(restarted)
sleep(60)
check(kill(t, SIGUSR2) == 0)
sleep(60)
check(write(w, b"x") == 1)
join(t)
check(kill(me, SIGUSR1) == 0)
check(signal(SIGUSR1, SIG_IGN) == 0 and kill(me, SIGUSR1) == 0 and len(hits) == 2)
check(select([r], None, None, (0, 20000)) == ([], [], []) and select([r], [w], None, (1, 999999)) == ([], [w], []))
check(select([r], None, None, (-1, 0)) == EINVAL and select([r], None, None, (0, -1)) == EINVAL)`,
		"absolute-times": `
ep = epoll_create1()
for clock in [CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME]:
    t = timerfd_create(clock, TFD_NONBLOCK)
    epoll_ctl(ep, EPOLL_CTL_ADD, t, EPOLLIN | EPOLLET)
    timerfd_settime(t, TFD_TIMER_ABSTIME, clock_gettime(clock) + 30000000)
    check(epoll_wait(ep, timeout = 0) == [] and epoll_wait(ep, timeout = 1500) == [(EPOLLIN, t)])
    for late in [1, 1 << 62, (1 << 63) - 1]:
        timerfd_settime(t, TFD_TIMER_ABSTIME, late)
        check(epoll_wait(ep, timeout = 20) == ([(EPOLLIN, t)] if late == 1 else []))
    timerfd_settime(t, TFD_TIMER_ABSTIME, 0)
    check(timerfd_gettime(t) == (0, 0))
    check(timerfd_settime(t, TFD_TIMER_ABSTIME, -1) == EINVAL and timerfd_settime(ep, TFD_TIMER_ABSTIME, 1) == EINVAL)
check(timerfd_settime(99, TFD_TIMER_ABSTIME, 1) == EBADF)`,
	} {
		p, err := scenario.Compile(name+".star", []byte(src))
		require.NoError(t, err)
		v, err := export.Record(p, export.Options{})
		require.NoError(t, err, name)
		vectors = append(vectors, v)
	}
	program := build(t, vectors...)
	t.Run("run", func(t *testing.T) {
		for _, v := range vectors {
			t.Run(v.Name, func(t *testing.T) { runProgram(t, program, v) })
		}
	})
	require.Eventually(t, func() bool { return len(running(t, program)) == 0 }, 10*time.Second, 10*time.Millisecond, "who reads the terminal goes on")
}

// running returns the processes of a program.
func running(t *testing.T, program string) (all []string) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && to == program {
			all = append(all, l)
		}
	}
	return all
}

// runProgram runs one case of a program that has them all, once more if the machine was too busy for its timeouts.
func runProgram(t *testing.T, program string, v *export.Vector) {
	t.Parallel()
	var out []byte
	var err error
	for range 3 {
		out, err = exec.Command(program, v.Name).Output()
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.NoError(t, err, "%s", out)
	text := string(out)
	require.True(t, strings.HasPrefix(text, fmt.Sprintf("KTAP version 1\n1..%d\n", len(v.Calls))), "%.200s", text)
	require.Equal(t, len(v.Calls), strings.Count(text, "\nok "))
}

// What is refused is refused for what it is, with the reason.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ src, why string }{
		{"e = eventfd(0, EFD_NONBLOCK)\nt = spawn(lambda: eventfd_write(e, 1))\ncheck(eventfd_read(e) in [EAGAIN, 1])\njoin(t)",
			"what its threads are told depends on who comes first: x.star:3 eventfd_read(3) = EAGAIN"},
		{"for i in range(65): spawn(now)", "more than 64 threads, or other ones under another schedule"},
		{"fork(now)", "fork() needs more than one process"},
		{"kernel(\"5.10\")\nepoll_create1()", "kernel() is of the model"},
		{"ep = epoll_create1()\ninspect(ep)", "inspect() is of the model"},
		{"me = getpid()\nsignal(SIGUSR1, lambda s: now())\nkill(me, SIGUSR1)", "now() in a signal handler: the handlers of a program do nothing"},
		{"kill(1, SIGCHLD)", "kill() names a process other than its own, or by a number that getpid() has not told"},
		{"check(False)", "it fails on the model: see epollsim run x.star"},
		{"x = 1", "it makes no system call"},
		{"r, w = pipe()\nread(r, 1)", "it fails on the model: see epollsim run x.star"},
		{"for i in range(20001): now()", "more than 20000 calls"},
	} {
		p, err := scenario.Compile("x.star", []byte(c.src))
		require.NoError(t, err)
		_, err = export.Record(p, export.Options{})
		var refusal *export.Refusal
		require.ErrorAs(t, err, &refusal, c.src)
		require.Equal(t, c.why, refusal.Why, c.src)
	}
}

var update = flag.Bool("update", false, "rewrite the reference in docs/export.md")

func TestReferencePage(t *testing.T) {
	const from, to, file = "<!-- calls -->\n", "<!-- end -->", "../../docs/export.md"
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(page), from)
	require.True(t, ok)
	have, tail, ok := strings.Cut(rest, to)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(head+from+export.Reference()+to+tail), 0o644))
		return
	}
	require.Equal(t, export.Reference(), have, "go test ./scenario/export -run ReferencePage -update")
}

// Each line of JSON is a call with the fields of the page, and the same again is the same bytes.
func TestVectors(t *testing.T) {
	if testing.Short() {
		t.Skip("every case")
	}
	each := form.Of(16, 1)
	again := map[string]string{}
	seconds, _ := recordAll(t, each)
	for _, v := range seconds {
		text, err := v.JSON()
		require.NoError(t, err)
		again[v.Name] = string(text)
	}
	vectors, _ := exportable(t)
	for _, v := range vectors {
		text, err := v.JSON()
		require.NoError(t, err)
		if second, ok := again[v.Name]; ok {
			require.Equal(t, string(text), second)
		}
		var read struct {
			Schema              int
			Name, Claim, Kernel string
			Terminal            bool
			Threads             int
			Calls               []struct {
				At, Text, Call string
				Thread         int
				Args           map[string]any
				Return         *int64
				Errno          string
				Out            map[string]any
				Handled        []string
			}
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&read), v.Name)
		require.Equal(t, export.Schema, read.Schema)
		require.Len(t, read.Calls, len(v.Calls))
		require.Equal(t, len(v.Calls)+2, bytes.Count(text, []byte("\n")), "a line for each call")
		for _, c := range read.Calls {
			require.False(t, c.Errno != "" && (c.Return != nil || c.Out != nil), c.Text)
		}
	}
}

// A program that meets another kernel says what differs, and ends with 1.
func TestProgramsFail(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs Linux and gcc")
	}
	v, err := record(t, "../../testdata/cases/et-more-data.star")
	require.NoError(t, err)
	for i, c := range v.Calls {
		if c.Name == "epoll_wait" {
			none := int64(7)
			v.Calls[i].Return = &none
			break
		}
	}
	dir := t.TempDir()
	require.NoError(t, v.WriteTo(dir, "c"))
	program := filepath.Join(dir, "case")
	out, err := exec.Command(gcc, "-Wall", "-Wextra", "-Werror", "-O2", "-o", program, filepath.Join(dir, v.Name+".c")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(program).Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Contains(t, string(out), "# returned 1, expected 7\nnot ok 5 - et-more-data.star:")
	require.Contains(t, string(out), "\nok 6 - ")
}
