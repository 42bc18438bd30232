package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
	"github.com/epollsim/epollsim/waitqueue"
)

// The tables of tty.md are in conform_tty_test.go; here is what sleeps, what fills up, and what reads return.

const eio = -int(abi.EIO)

// pty is a pair, its slave open once.
type pty struct {
	s           *vfs.System
	master      *vfs.File
	slave       *vfs.File
	readBuf     []byte
	nonBlocking int
}

func newPty(t testing.TB, s *vfs.System, flags int) *pty {
	m := devices.NewPtmx(s, &devices.Devpts{}, abi.O_RDWR|flags)
	_, errno := devices.OpenPeer(m, abi.O_RDWR)
	require.Equal(t, abi.EIO, errno, "the slave is locked")
	ttyIoctl(m, abi.TIOCSPTLCK, 0)
	p := &pty{s: s, master: m, readBuf: make([]byte, 30000), nonBlocking: flags}
	p.slave = p.open()
	return p
}

func (p *pty) open() *vfs.File {
	f, _ := devices.OpenPeer(p.master, abi.O_RDWR|abi.O_NOCTTY|p.nonBlocking)
	return f
}

func ttyIoctl(f *vfs.File, request uint, arg int64) int {
	n, errno := f.Ops.(vfs.Ioctler).Ioctl(f, request, arg)
	if errno != 0 {
		return -int(errno)
	}
	return int(n)
}

// modes changes the modes of the pair.
func (p *pty) modes(change func(*abi.Termios)) { setModes(p.slave, change) }

func vmin(n, deciseconds uint8) func(*abi.Termios) {
	return func(t *abi.Termios) {
		t.MakeRaw()
		t.Cc[abi.VMIN], t.Cc[abi.VTIME] = n, deciseconds
	}
}

// gets reads up to n bytes and returns them as text, or the errno.
func (p *pty) gets(f *vfs.File, n int) string {
	if n = read(f, p.readBuf[:n]); n < 0 {
		return abi.Errno(-n).Name()
	}
	return fmt.Sprintf("%q", p.readBuf[:n])
}

func (p *pty) check() error {
	if err := devices.TtyOf(p.master).Check(); err != nil {
		return err
	}
	return devices.TtyOf(p.slave).Check()
}

// still is a pair where nobody sleeps, so that no task is needed.
func still(t testing.TB) *pty { return newPty(t, newSystem(t, sim.Options{}), abi.O_NONBLOCK) }

// TestTtyReadWrite is the section "read / write semantics".
func TestTtyReadWrite(t *testing.T) {
	type step struct {
		what string // "m abc" types, "s 10" reads up to 10 bytes from the slave, "M 10" from the master, "? n" is FIONREAD
		want string
	}
	for name, c := range map[string]struct {
		modes func(*abi.Termios)
		steps []step
	}{
		"a line per read":                {nil, []step{{"m one\ntwo\nth", ""}, {"? 8", ""}, {"s 100", `"one\n"`}, {"s 100", `"two\n"`}, {"s 100", "EAGAIN"}, {"? 0", ""}}},
		"a short buffer":                 {nil, []step{{"m hello\n", ""}, {"s 2", `"he"`}, {"s 2", `"ll"`}, {"s 2", `"o\n"`}, {"s 2", "EAGAIN"}}},
		"^D alone":                       {nil, []step{{"m \x04", ""}, {"? 0", ""}, {"s 9", `""`}, {"s 9", "EAGAIN"}, {"m x\n", ""}, {"s 9", `"x\n"`}}},
		"^D after text":                  {nil, []step{{"m ab\x04", ""}, {"? 2", ""}, {"s 9", `"ab"`}, {"s 9", "EAGAIN"}}},
		"^D right behind a full buffer":  {nil, []step{{"m ab\x04", ""}, {"s 2", `"ab"`}, {"s 2", "EAGAIN"}}},
		"^D behind a part":               {nil, []step{{"m abc\x04", ""}, {"s 2", `"ab"`}, {"s 2", `"c"`}, {"s 2", "EAGAIN"}}},
		"a line longer than a chunk":     {nil, []step{{"m " + strings.Repeat("x", 100) + "\n", ""}, {"s 500", fmt.Sprintf("%q", strings.Repeat("x", 100)+"\n")}}},
		"erase":                          {nil, []step{{"m abc\x7fd\n", ""}, {"s 9", `"abd\n"`}, {"M 99", `"abc\b \bd\r\n"`}}},
		"erase of a control character":   {nil, []step{{"m a\x01\x7f\n", ""}, {"s 9", `"a\n"`}, {"M 99", `"a^A\b \b\b \b\r\n"`}}},
		"erase of a tab":                 {nil, []step{{"m ab\t\x7f\n", ""}, {"s 9", `"ab\n"`}, {"M 99", `"ab\t\b\b\b\b\b\b\r\n"`}}},
		"kill":                           {nil, []step{{"m abc\x15d\n", ""}, {"s 9", `"d\n"`}, {"M 99", `"abc\b \b\b \b\b \bd\r\n"`}}},
		"kill, without ECHOKE":           {func(t *abi.Termios) { t.Lflag &^= abi.ECHOKE }, []step{{"m abc\x15d\n", ""}, {"s 9", `"d\n"`}, {"M 99", `"abc^U\r\nd\r\n"`}}},
		"word erase":                     {nil, []step{{"m one two \x17x\n", ""}, {"s 19", `"one x\n"`}}},
		"a character of UTF-8 is erased": {func(t *abi.Termios) { t.Iflag |= abi.IUTF8 }, []step{{"m aä\x7f\n", ""}, {"s 9", `"a\n"`}, {"M 99", `"aä\b \b\r\n"`}}},
		"literal next":                   {nil, []step{{"m \x16\x04\x16\x7f\n", ""}, {"s 9", `"\x04\x7f\n"`}, {"M 99", `"^\b^D^\b^?\r\n"`}}},
		"reprint":                        {nil, []step{{"m ab\x12c\n", ""}, {"s 9", `"abc\n"`}, {"M 99", `"ab^R\r\nabc\r\n"`}}},
		"^C forgets the line":            {nil, []step{{"m ab\x03c\n", ""}, {"s 9", `"c\n"`}, {"M 99", `"^Cc\r\n"`}}},
		"^C with NOFLSH":                 {func(t *abi.Termios) { t.Lflag |= abi.NOFLSH }, []step{{"m ab\x03c\n", ""}, {"s 9", `"abc\n"`}, {"M 99", `"ab^Cc\r\n"`}}},
		"carriage return":                {nil, []step{{"m a\r", ""}, {"s 9", `"a\n"`}, {"M 99", `"a\r\n"`}}},
		"output":                         {nil, []step{{"w x\n", ""}, {"M 9", `"x\r\n"`}}},
		"echo waits behind ^S":           {nil, []step{{"m \x13ab", ""}, {"M 9", "EAGAIN"}, {"m \x11", ""}, {"M 9", `"ab"`}}},
		"any character goes on":          {func(t *abi.Termios) { t.Iflag |= abi.IXANY }, []step{{"m \x13", ""}, {"m ab", ""}, {"M 9", `"ab"`}}},
		"raw":                            {rawModes, []step{{"m a\x03\x04\r\n", ""}, {"? 5", ""}, {"s 9", `"a\x03\x04\r\n"`}, {"s 9", "EAGAIN"}, {"M 9", "EAGAIN"}, {"w \n", ""}, {"M 9", `"\n"`}}},
		"fewer than VMIN":                {vmin(5, 0), []step{{"m abc", ""}, {"s 9", `"abc"`}, {"s 9", "EAGAIN"}}},
		"VMIN=VTIME=0":                   {vmin(0, 0), []step{{"s 9", `""`}, {"m a", ""}, {"s 9", `"a"`}, {"s 9", `""`}}},
	} {
		p := still(t)
		if c.modes != nil {
			p.modes(c.modes)
		}
		for _, s := range c.steps {
			kind, arg, _ := strings.Cut(s.what, " ")
			var n int
			fmt.Sscan(arg, &n)
			switch kind {
			case "m":
				require.Equal(t, len(arg), write(p.master, []byte(arg)), name)
			case "w":
				require.Equal(t, len(arg), write(p.slave, []byte(arg)), name)
			case "s":
				require.Equal(t, s.want, p.gets(p.slave, n), "%s: %q", name, s.what)
			case "M":
				require.Equal(t, s.want, p.gets(p.master, n), "%s: %q", name, s.what)
			case "?":
				require.Equal(t, n, ttyIoctl(p.slave, abi.FIONREAD, 0), name)
			}
			require.NoError(t, p.check(), name)
		}
	}
}

func TestTtyOther(t *testing.T) {
	p := still(t)
	require.Equal(t, "/dev/ptmx", p.master.Name)
	require.Equal(t, "/dev/pts/0", p.slave.Name)
	require.Zero(t, ttyIoctl(p.master, abi.TIOCGPTN, 0))
	for request, want := range map[uint]int{
		abi.TIOCGPTN: -int(abi.ENOTTY), abi.TIOCSPTLCK: -int(abi.ENOTTY), abi.TIOCPKT: -int(abi.ENOTTY), 0x1234: -int(abi.ENOTTY), abi.TIOCOUTQ: 0,
	} {
		require.Equal(t, want, ttyIoctl(p.slave, request, 0), "%#x of the slave", request)
	}
	require.Equal(t, einval, ttyIoctl(p.slave, abi.TCFLSH, 9))
	require.Equal(t, einval, ttyIoctl(p.slave, abi.TCXONC, 9))
	_, errno := devices.OpenPeer(p.slave, abi.O_RDWR)
	require.Equal(t, abi.EIO, errno)
	_, seeks := p.slave.Ops.(vfs.Seeker)
	require.False(t, seeks, "ESPIPE")
	require.Equal(t, abi.EINVAL, p.slave.SetFlags(abi.O_DIRECT))
	require.NotZero(t, p.slave.SetFlags(abi.O_ASYNC), "not modelled")
	require.Zero(t, p.slave.Flags()&abi.O_ASYNC)
	f := newEventfd(t, p.s, 0, 0)
	_, errno = devices.Termios(f)
	require.Equal(t, abi.ENOTTY, errno)
	modes, _ := devices.Termios(p.master)
	require.Equal(t, abi.StdTermios(), modes, "the master shows the modes of the slave")
	require.Zero(t, ttyIoctl(p.slave, abi.TCSETS, abi.ICRNL|abi.OPOST<<32))
	modes, _ = devices.Termios(p.slave)
	require.Equal(t, abi.Termios{Iflag: abi.ICRNL, Oflag: abi.OPOST, Cflag: abi.CS8 | abi.CREAD}, modes, "8 bytes of the struct")
}

func TestTtyNumbersAreReused(t *testing.T) {
	s, d := newSystem(t, sim.Options{}), &devices.Devpts{}
	open := func() *vfs.File {
		f := devices.NewPtmx(s, d, abi.O_RDWR)
		ttyIoctl(f, abi.TIOCSPTLCK, 0)
		return f
	}
	a, b := open(), open()
	require.Equal(t, []int{0, 1}, []int{ttyIoctl(a, abi.TIOCGPTN, 0), ttyIoctl(b, abi.TIOCGPTN, 0)})
	slave, _ := devices.OpenPeer(a, abi.O_RDWR)
	a.Put()
	c := open()
	require.Equal(t, 2, ttyIoctl(c, abi.TIOCGPTN, 0), "the slave of 0 is open")
	slave.Put()
	require.Zero(t, ttyIoctl(open(), abi.TIOCGPTN, 0))
}

// TestTtyPacketMode: each read of the master is a status or data.
func TestTtyPacketMode(t *testing.T) {
	p := still(t)
	ttyIoctl(p.master, abi.TIOCPKT, 1)
	write(p.slave, []byte("ab"))
	require.Equal(t, `"\x00ab"`, p.gets(p.master, 9))
	write(p.master, []byte("\x13"))
	ttyIoctl(p.slave, abi.TCFLSH, abi.TCIFLUSH)
	require.Equal(t, fmt.Sprintf("%q", []byte{abi.TIOCPKT_STOP | abi.TIOCPKT_FLUSHREAD}), p.gets(p.master, 9))
	require.Equal(t, "EAGAIN", p.gets(p.master, 9))
	write(p.master, []byte("\x11"))
	p.modes(rawModes)
	require.Equal(t, fmt.Sprintf("%q", []byte{abi.TIOCPKT_START | abi.TIOCPKT_NOSTOP}), p.gets(p.master, 9))
	p.modes(func(t *abi.Termios) { *t = abi.StdTermios() })
	require.Equal(t, fmt.Sprintf("%q", []byte{abi.TIOCPKT_DOSTOP}), p.gets(p.master, 9))
	ttyIoctl(p.master, abi.TIOCPKT, 0)
	write(p.slave, []byte("ab"))
	require.Equal(t, `"ab"`, p.gets(p.master, 9))
}

// TestTtyHangUp is the end of the edge table.
func TestTtyHangUp(t *testing.T) {
	p := still(t)
	write(p.master, []byte("unread\n"))
	ss := watchAll(p.slave)
	ss.harvest()
	slave := devices.TtyOf(p.slave)
	log := record(map[string]*waitqueue.Head{"r": slave.ReadWait(), "w": slave.WriteWait()})
	p.master.Put()
	require.Equal(t, []string{"r 0 interruptible one", "w 0 interruptible one", "w OUT interruptible one", "r IN interruptible one"}, *log)
	require.Equal(t, "IN|OUT|ERR|HUP / IN|ERR|HUP / OUT|ERR|HUP", ss.harvest())
	require.Equal(t, "- / - / -", ss.harvest())
	require.Equal(t, rdn|wrn|er|hup, mask(p.slave))
	require.Zero(t, read(p.slave, p.readBuf))
	require.Equal(t, eio, write(p.slave, []byte("x")))
	require.Equal(t, eio, write(p.slave, nil))
	require.Equal(t, eio, ttyIoctl(p.slave, abi.FIONREAD, 0))
	require.Equal(t, abi.EIO, devices.SetTermios(p.slave, abi.StdTermios(), false))
	hooks := 0
	p.slave.Poll(&vfs.PollTable{Queue: queueFunc(func() { hooks++ }), Key: all})
	require.Zero(t, hooks)

	p = still(t)
	p.master.Put()
	p.slave.Put()
	require.NoError(t, p.check())

	p = still(t)
	write(p.slave, []byte("last words"))
	p.slave.Put()
	require.Equal(t, `"last words"`, p.gets(p.master, 99))
	require.Equal(t, eio, read(p.master, p.readBuf))
	require.Equal(t, 1, write(p.master, []byte("x")))
	p.slave = p.open()
	require.Equal(t, `"x"`, p.gets(p.master, 99), "its echo")
	require.Equal(t, again, read(p.master, p.readBuf))
}

type queueFunc func()

func (q queueFunc) QueueProc(*vfs.File, *waitqueue.Head) { q() }

func TestTtySignals(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(rawModes)
		var results []int
		interrupt := func(call func() int) {
			var it *sim.Task
			spawn(p.s, "sleeper", func(t *sim.Task) { it = t; results = append(results, call()) })
			settle(task)
			signal(it)
			settle(task)
		}
		interrupt(func() int { return read(p.slave, p.readBuf) })
		all := func() int { return write(p.slave, make([]byte, 30000)) }
		interrupt(all)
		require.Greater(t, results[1], 0, "what it has written")
		p.slave.SetNonBlocking(true)
		fillTty(p.slave, 1)
		p.slave.SetNonBlocking(false)
		interrupt(all)
		got := p.background(task, func() string { return fmt.Sprint(all()) })
		interrupt(all) // at atomic_write_lock
		require.Equal(t, []int{-int(abi.ERESTARTSYS), results[1], -int(abi.ERESTARTSYS), -int(abi.ERESTARTSYS)}, results)
		for *got == "" {
			read(p.master, p.readBuf)
			settle(task)
		}
		require.NoError(t, p.check())
		require.Empty(t, devices.TtyOf(p.slave).State().ReadWait)
		require.Empty(t, devices.TtyOf(p.slave).State().WriteWait)
	})
}

// TestConsole: what a program finds behind 0, 1 and 2.
func TestConsole(t *testing.T) {
	s := newSystem(t, sim.Options{})
	var console devices.Console
	console.Init(s, &devices.Devpts{})
	f := console.File()
	f.Ready()
	f.SetNonBlocking(true)
	require.Equal(t, "/dev/pts/0", f.Name)
	require.Equal(t, wrn, mask(f))
	ws := watchAll(f)
	require.Equal(t, "OUT / - / OUT", ws.harvest())
	for range 20 {
		require.Equal(t, 5000, write(f, make([]byte, 5000)), "somebody reads it")
		require.Equal(t, "OUT / - / OUT", ws.harvest())
	}
	require.Equal(t, again, read(f, make([]byte, 9)))
	require.Equal(t, "- / - / -", ws.harvest())
	require.NoError(t, devices.TtyOf(f).Check())
}

func TestTtyCheckFindsWhatIsWrong(t *testing.T) {
	p := still(t)
	tty := devices.TtyOf(p.slave)
	require.NoError(t, tty.Check())
	for name, spoil := range map[string]func(int){
		"read_tail": func(by int) { tty.Spoil(by, 0, 0) }, "mem_used": func(by int) { tty.Spoil(0, by, 0) }, "count": func(by int) { tty.Spoil(0, 0, by) },
	} {
		spoil(7)
		require.Error(t, tty.Check(), name)
		spoil(-7)
		require.NoError(t, tty.Check(), name)
	}
	watch(p.slave, in)
	p.slave.Put()
	p.master.Put()
	require.Error(t, tty.Check(), "gone with a hook on it")
}

func TestTtyAllocatesNothing(t *testing.T) {
	p := still(t)
	line, b := []byte("hello\n"), make([]byte, 100)
	cycle := func() {
		write(p.master, line)
		mask(p.slave)
		read(p.slave, b)
		write(p.slave, line)
		mask(p.master)
		read(p.master, b)
	}
	cycle()
	require.Zero(t, testing.AllocsPerRun(1000, cycle))
}
