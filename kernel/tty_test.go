package kernel_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/kernel/host"
)

// ttyTable makes pty pairs and watches both ends with epolls for every bit, IN and OUT.
type ttyTable struct {
	kernel.Calls
	m, s int
	eps  [2][3]int
	buf  []byte

	patience time.Duration // for the worker
	wrong    string        // calls that were expected to end otherwise
}

// fresh opens a pair that does not wait, watched and drained.
func fresh(c kernel.Calls, patience time.Duration) *ttyTable {
	t := &ttyTable{Calls: c, buf: make([]byte, 5000), patience: patience}
	t.m, t.s = pty(c)
	for end, fd := range []int{t.m, t.s} {
		must(c.Fcntl(fd, abi.F_SETFL, abi.O_NONBLOCK))
		for i, events := range []abi.Events{0x3fff &^ abi.EPOLLNVAL, abi.EPOLLIN, abi.EPOLLOUT} {
			t.eps[end][i] = must(c.EpollCreate1(0))
			must(0, add(c, t.eps[end][i], fd, events|abi.EPOLLET))
		}
	}
	return t
}

func pty(c kernel.Calls) (master, slave int) {
	master, slave, err := c.Openpty()
	return must(master, err), slave
}

// close closes what is open.
func (t *ttyTable) close() {
	for _, fd := range []int{t.m, t.s} {
		_ = t.Close(fd)
	}
	for _, end := range t.eps {
		for _, ep := range end {
			must(0, t.Close(ep))
		}
	}
}

// harvest is the two cells of a row: "IN|OUT / IN / OUT; -".
func (t *ttyTable) harvest() string {
	t.wait()
	const none, twins = "- / - / -", abi.EPOLLRDNORM | abi.EPOLLWRNORM
	var cells []string
	for _, end := range t.eps {
		var cell []string
		for _, ep := range end {
			text := "-"
			events := make([]abi.EpollEvent, 2)
			if must(t.EpollWait(ep, events, 2, 0)) == 1 {
				text = (events[0].Events &^ twins).Short()
			}
			cell = append(cell, text)
		}
		cells = append(cells, strings.Replace(strings.Join(cell, " / "), none, "-", 1))
	}
	return strings.Join(cells, "; ")
}

// wait gives the worker of Linux time, who delivers the bytes.
func (t *ttyTable) wait() { must(0, t.Nanosleep(int64(t.patience))) }

func (t *ttyTable) types(text string)  { must(t.Write(t.m, []byte(text))) }
func (t *ttyTable) prints(text string) { must(t.Write(t.s, []byte(text))) }
func (t *ttyTable) raw()               { must(0, t.Tcsetraw(t.s)) }
func (t *ttyTable) readM(n int)        { t.reads(t.m, n) }
func (t *ttyTable) readS(n int)        { t.reads(t.s, n) }

// reads notes an error: the worker may be late.
func (t *ttyTable) reads(fd, n int) {
	if _, err := t.Read(fd, t.buf[:n]); err != nil {
		t.wrong += fmt.Sprint("; read: ", err)
	}
}

// echoed types and takes the echo away.
func (t *ttyTable) echoed(text string) {
	t.types(text)
	t.wait()
	t.readM(5000)
}

type ttyEdge struct {
	action string
	given  func(t *ttyTable)
	do     func(t *ttyTable)
	want   string // at m; at s
}

var ttyEdges = []ttyEdge{
	{"canonical+echo: m writes ab", nil, func(t *ttyTable) { t.types("ab") }, "IN|OUT / IN / OUT; -"},
	{"m writes c\\n", nil, func(t *ttyTable) { t.types("c\n") }, "IN|OUT / IN / OUT; IN|OUT / IN / -"},
	{"second line while the first is unread", func(t *ttyTable) { t.types("a\n") }, func(t *ttyTable) { t.types("b\n") }, "IN|OUT / IN / OUT; IN|OUT / IN / -"},
	{"two lines in one write", nil, func(t *ttyTable) { t.types("a\nb\n") }, "IN|OUT / IN / OUT; IN|OUT / IN / -"},
	{"s reads one line of two", func(t *ttyTable) { t.echoed("a\nb\n") }, func(t *ttyTable) { t.readS(100) }, "OUT / - / OUT; -"},
	{"s reads part of a line", func(t *ttyTable) { t.echoed("abc\n") }, func(t *ttyTable) { t.readS(2) }, "OUT / - / OUT; -"},
	{"^D alone", nil, func(t *ttyTable) { t.types("\x04") }, "OUT / - / OUT; IN|OUT / IN / -"},
	{"erase", func(t *ttyTable) { t.echoed("ab") }, func(t *ttyTable) { t.types("\x7f") }, "IN|OUT / IN / OUT; -"},
	{"m reads the echo", func(t *ttyTable) { t.types("ab") }, func(t *ttyTable) { t.readM(100) }, "-; OUT / - / OUT"},
	{"s writes hello", nil, func(t *ttyTable) { t.prints("hello") }, "IN|OUT / IN / -; OUT / - / OUT"},
	{"s writes x\\n", nil, func(t *ttyTable) { t.prints("x\n") }, "IN|OUT / IN / -; OUT / - / OUT"},
	{"s writes 0 bytes", nil, func(t *ttyTable) { t.prints("") }, "-; OUT / - / OUT"},
	{"m reads 100 of 1000", func(t *ttyTable) { t.prints(strings.Repeat("x", 1000)) }, func(t *ttyTable) { t.readM(100) }, "-; -"},
	{"m read that leaves 128", func(t *ttyTable) { t.prints(strings.Repeat("x", 1000)) }, func(t *ttyTable) { t.readM(872) }, "-; OUT / - / OUT"},
	{"m read that leaves 129", func(t *ttyTable) { t.prints(strings.Repeat("x", 1000)) }, func(t *ttyTable) { t.readM(871) }, "-; -"},
	{"tcsetattr", nil, func(t *ttyTable) { t.raw() }, "-; OUT / - / OUT"},
	{"raw: m writes 1", (*ttyTable).raw, func(t *ttyTable) { t.types("1") }, "OUT / - / OUT; IN|OUT / IN / -"},
	{"raw: s reads", func(t *ttyTable) { t.raw(); t.types("1") }, func(t *ttyTable) { t.readS(100) }, "OUT / - / OUT; -"},
	{"^S", nil, func(t *ttyTable) { t.types("\x13") }, "OUT / - / OUT; -"},
	{"^S; s write EAGAIN", func(t *ttyTable) { t.types("\x13") }, func(t *ttyTable) {
		if _, err := t.Write(t.s, []byte("x")); !errors.Is(err, abi.EAGAIN) {
			t.wrong += fmt.Sprint("; write: ", err)
		}
	}, "-; -"},
	{"^Q", func(t *ttyTable) { t.types("\x13") }, func(t *ttyTable) { t.types("\x11") }, "OUT / - / OUT; OUT / - / OUT"},
	{"TCOOFF", nil, func(t *ttyTable) { must(t.Ioctl(t.s, abi.TCXONC, abi.TCOOFF)) }, "-; -"},
	{"TCOON", func(t *ttyTable) { must(t.Ioctl(t.s, abi.TCXONC, abi.TCOOFF)) }, func(t *ttyTable) { must(t.Ioctl(t.s, abi.TCXONC, abi.TCOON)) },
		"-; OUT / - / OUT"},
	{"s closes", nil, func(t *ttyTable) { must(0, t.Close(t.s)) }, "OUT|HUP / HUP / OUT|HUP; -"},
	{"s wrote, then closes", nil, func(t *ttyTable) { t.prints("hello"); must(0, t.Close(t.s)) }, "IN|OUT|HUP / IN|HUP / OUT|HUP; -"},
	{"s re-opened", func(t *ttyTable) { must(0, t.Close(t.s)) }, func(t *ttyTable) { must(t.Ioctl(t.m, abi.TIOCGPTPEER, abi.O_RDWR|abi.O_NOCTTY)) }, "-; -"},
	{"m closes", nil, func(t *ttyTable) { must(0, t.Close(t.m)) }, "-; IN|OUT|ERR|HUP / IN|ERR|HUP / OUT|ERR|HUP"},
	{"packet mode, TCOFLUSH", func(t *ttyTable) { must(t.Ioctl(t.m, abi.TIOCPKT, 1)) }, func(t *ttyTable) { must(t.Ioctl(t.s, abi.TCFLSH, abi.TCOFLUSH)) },
		"IN|PRI|OUT / IN / OUT; -"},
}

// edge returns what a row of the table gives.
func (row *ttyEdge) edge(c kernel.Calls, patience time.Duration) string {
	t := fresh(c, patience)
	defer t.close()
	if at := t.harvest(); at != "OUT / - / OUT; OUT / - / OUT" {
		return "at ADD " + at
	}
	if row.given != nil {
		row.given(t)
		t.harvest()
	}
	row.do(t)
	return t.harvest() + t.wrong
}

// The edge table of tty.md through epolls, on the model and on this kernel, whose worker gets the more time the more often it
// was late.
func TestTtyEdges(t *testing.T) {
	checked(t, func(th *kernel.Thread) {
		for _, row := range ttyEdges {
			require.Equal(t, row.want, row.edge(th, time.Millisecond), row.action)
		}
	})
	h, err := host.New(host.Options{Timeout: 60 * time.Second})
	if err != nil {
		t.Skip(err)
	}
	defer h.Close()
	for _, row := range ttyEdges {
		got := ""
		for _, patience := range []time.Duration{5, 50, 500, 5000} {
			require.NoError(t, h.Run(func(c kernel.Calls) { got = row.edge(c, patience*time.Millisecond) }))
			if got == row.want {
				break
			}
		}
		require.Equal(t, row.want, got, "%s, on this kernel", row.action)
	}
}

// ttyCalls are calls whose results do not depend on time.
func ttyCalls(c kernel.Calls) (log []any) {
	note := func(values ...any) { log = append(log, values...) }
	m, s, err := c.Openpty()
	note(m, s, err)
	for _, fd := range []int{0, m, s} {
		note(c.Fcntl(fd, abi.F_GETFL, 0))
		note(c.Fcntl(fd, abi.F_GETFD, 0))
		note(c.Lseek(fd, 0, 0))
		note(c.Ioctl(fd, abi.FIONREAD, 0))
		note(c.Ioctl(fd, abi.TIOCOUTQ, 0))
		note(c.Ioctl(fd, abi.TIOCGPTPEER, -1))
		note(c.Ioctl(fd, abi.TCFLSH, abi.TCIOFLUSH))
		note(c.Ioctl(fd, abi.TCFLSH, 3))
		note(c.Ioctl(fd, abi.TIOCPKT, 0))
		note(c.Fcntl(fd, abi.F_SETFL, abi.O_DIRECT))
		note(c.Fcntl(fd, abi.F_SETPIPE_SZ, 4096))
	}
	p := must(c.Pipe2(0))
	note(p, c.Tcsetraw(p[0]), c.Tcsetraw(99), c.Tcsetraw(s), c.Tcsetraw(m))
	note(c.Ioctl(p[0], abi.TIOCGPTPEER, 2))
	note(c.Close(s))
	note(c.Ioctl(m, abi.TIOCSPTLCK, 1))
	note(c.Ioctl(m, abi.TIOCGPTPEER, abi.O_RDWR))
	note(c.Ioctl(m, abi.TIOCSPTLCK, 0))
	note(c.Ioctl(m, abi.TIOCGPTPEER, abi.O_RDWR|abi.O_NOCTTY|abi.O_NONBLOCK|abi.O_CLOEXEC))
	note(c.Fcntl(s, abi.F_GETFL, 0)) // with O_CLOEXEC, which Linux shows after a TIOCGPTPEER, and only then
	note(c.Fcntl(s, abi.F_GETFD, 0))
	note(c.Read(s, make([]byte, 9)))
	note(c.Write(s, nil))
	note(c.Close(m))
	note(c.Read(s, make([]byte, 9)))
	note(c.Write(s, []byte("x")))
	note(c.Ioctl(s, abi.TIOCGPTPEER, 2))
	note(c.Tcsetraw(s))
	for _, limit := range []uint64{3, 6, 7, 9} {
		note(c.Setrlimit(abi.RLIMIT_NOFILE, limit))
		m, s, err := c.Openpty()
		note(m, s, err)
	}
	return log
}

// The numbers that openpty gives, and the errors, here and on this kernel.
func TestTtyCallsLikeHost(t *testing.T) {
	var model, real []any
	checked(t, func(th *kernel.Thread) { model = ttyCalls(th) })
	h, err := host.New(host.Options{Timeout: 10 * time.Second})
	if err != nil {
		t.Skip(err)
	}
	defer h.Close()
	require.NoError(t, h.Run(func(c kernel.Calls) { real = ttyCalls(c) }))
	require.Equal(t, real, model)
}

// A program that is typed to while two threads read, under many schedules.
func TestTtyThreads(t *testing.T) {
	every(t, 40, func(th *kernel.Thread) {
		m, s := pty(th)
		ep := must(th.EpollCreate1(0))
		must(0, add(th, ep, s, abi.EPOLLIN|abi.EPOLLET))
		lines := 0
		for range 2 {
			must(th.Clone("reader", func(c kernel.Calls) {
				buf := make([]byte, 100)
				for range 2 {
					if must(c.Read(s, buf)) == 3 {
						lines++
					}
				}
			}))
		}
		user := must(th.Clone("user", func(c kernel.Calls) {
			must(c.Write(m, []byte("a")))
			must(c.Write(m, []byte("b\ncd\n")))
			must(c.Write(m, []byte("ef\ngh\n")))
		}))
		must(0, th.Join(user))
		events := make([]abi.EpollEvent, 1)
		for lines < 4 { // an edge may find the line taken
			must(th.EpollWait(ep, events, 1, 1))
		}
	})
}
