package devices_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// fillTty writes until EAGAIN and returns how much fitted.
func fillTty(f *vfs.File, chunk int) (total int) {
	p := []byte(strings.Repeat("x", chunk))
	for n := write(f, p); n > 0; n = write(f, p) {
		total += n
	}
	return total
}

// TestTtyCapacity: what the sheet measured. Where that varies, with the worker, the model is within it.
func TestTtyCapacity(t *testing.T) {
	p := still(t)
	p.modes(rawModes)
	require.Equal(t, 20480, fillTty(p.slave, 1), "raw, bytewise")
	require.Equal(t, again, write(p.slave, []byte("x")))
	require.Equal(t, none, mask(p.slave))
	require.Equal(t, 4095, read(p.master, p.readBuf), "one buffer per read")
	require.NoError(t, p.check())

	p = still(t)
	p.modes(rawModes)
	n := fillTty(p.slave, 4096)
	require.GreaterOrEqual(t, n, 11776)
	require.LessOrEqual(t, n, 15872)
	total := 0
	for n := read(p.master, p.readBuf); n > 0; n = read(p.master, p.readBuf) {
		require.LessOrEqual(t, n, 4095)
		total += n
	}
	require.Equal(t, n, total)
	require.Zero(t, devices.TtyOf(p.master).State().Transport)

	// The sheet has about 9737 for canonical output, where the worker has not kept up. In steps that it has kept up with,
	// Linux takes as much as the model (TestTtyLikeHost); the bound is by memory here.
	p = still(t)
	n = fillTty(p.slave, 4096)
	require.GreaterOrEqual(t, n, 9737)
	require.LessOrEqual(t, n, 15872)
}

// TestTtyFilled is the row of the edge table about a full transport.
func TestTtyFilled(t *testing.T) {
	p := still(t)
	p.modes(rawModes)
	fillTty(p.slave, 4096)
	ms, ss := watchAll(p.master), watchAll(p.slave)
	ms.harvest()
	ss.harvest()
	require.Equal(t, again, write(p.slave, []byte("x")))
	require.Equal(t, "- / - / -", ss.harvest(), "the write is told of, but there is no room")
	read(p.master, p.readBuf[:1000])
	require.Equal(t, "- / - / -", ss.harvest(), "more than 128 bytes are left")
	require.Equal(t, "IN|OUT / IN / -", ms.harvest(), "refilled")
	read(p.master, p.readBuf[:4095])
	require.Equal(t, "IN|OUT / IN / -", ms.harvest(), "refilled")
	require.Equal(t, "OUT / - / OUT", ss.harvest())
}

// TestTtyOverflow: a line beyond the buffer loses what comes last, and can still be ended.
func TestTtyOverflow(t *testing.T) {
	p := still(t)
	p.modes(noEcho)
	log := record(map[string]*waitqueue.Head{"m": devices.TtyOf(p.master).WriteWait()})
	require.Equal(t, 5000, write(p.master, []byte(strings.Repeat("a", 4094)+strings.Repeat("b", 906))))
	require.Equal(t, []string{"m OUT interruptible one", "m OUT interruptible one"}, *log, "of the write, and pty_unthrottle")
	require.Equal(t, none, mask(p.slave)&in)
	require.NotZero(t, mask(p.master)&out)
	require.Equal(t, 1, write(p.master, []byte("\n")))
	require.Equal(t, 4096, read(p.slave, p.readBuf))
	require.Equal(t, "ab\n", string(p.readBuf[4093:4096]))
	require.NoError(t, p.check())
}

// TestTtyLookahead: ^S and ^Q act although what stands before them has no room.
func TestTtyLookahead(t *testing.T) {
	p := still(t)
	p.modes(noEcho)
	write(p.master, []byte("a\n"+strings.Repeat("x", 4200)))
	require.NotZero(t, devices.TtyOf(p.slave).State().Transport)
	write(p.master, []byte("\x13"))
	require.True(t, devices.TtyOf(p.slave).State().Stopped)
	write(p.master, []byte("\x11"))
	require.False(t, devices.TtyOf(p.slave).State().Stopped)
	ttyIoctl(p.slave, abi.TCXONC, abi.TCOOFF)
	read(p.slave, p.readBuf)
	require.True(t, devices.TtyOf(p.slave).State().Stopped, "the ^S and ^Q that are read now have been obeyed")
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

// onPty runs main on a pair that waits, every structure checked after every step.
func onPty(t *testing.T, main func(task *sim.Task, p *pty)) {
	t.Helper()
	var p *pty
	s := newSystem(t, sim.Options{Check: true})
	p = newPty(t, s, 0)
	spawn(s, "main", func(task *sim.Task) { main(task, p) })
	require.NoError(t, s.M.Run())
}

// background calls fn in a task of its own and returns where its result will be.
func (p *pty) background(task *sim.Task, fn func() string) *string {
	result := new(string)
	spawn(p.s, "sleeper", func(*sim.Task) { *result = fn() })
	settle(task)
	return result
}

func TestTtyBlockedReader(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		got := p.background(task, func() string { return p.gets(p.slave, 100) })
		require.Equal(t, []string{"task 2 (sleeper)"}, devices.TtyOf(p.slave).State().ReadWait)
		write(p.master, []byte("part"))
		settle(task)
		require.Empty(t, *got)
		write(p.master, []byte("ial\n"))
		settle(task)
		require.Equal(t, `"partial\n"`, *got)
		require.Empty(t, devices.TtyOf(p.slave).State().ReadWait)

		// Of two readers one stands on the queue; the other waits for atomic_read_lock.
		first := p.background(task, func() string { return p.gets(p.slave, 100) })
		second := p.background(task, func() string { return p.gets(p.slave, 100) })
		require.Len(t, devices.TtyOf(p.slave).State().ReadWait, 1)
		p.slave.SetNonBlocking(true)
		require.Equal(t, again, read(p.slave, p.readBuf))
		p.slave.SetNonBlocking(false)
		write(p.master, []byte("a\nb\n"))
		settle(task)
		require.Equal(t, []string{`"a\n"`, `"b\n"`}, []string{*first, *second})
	})
}

func TestTtyBlockedReaderOfVMIN(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(vmin(5, 0))
		got := p.background(task, func() string { return p.gets(p.slave, 100) })
		write(p.master, []byte("abc"))
		settle(task)
		require.Empty(t, *got)
		write(p.master, []byte("defg"))
		settle(task)
		require.Equal(t, `"abcdefg"`, *got)
	})
}

// TestTtyVTIME: with VMIN the time runs between two bytes, without it before the first. Time is virtual.
func TestTtyVTIME(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		sleep := func(ms int64) { task.SleepUntil(p.s.M.Now()+ms*1e6, "test") }
		p.modes(vmin(5, 1))
		got := p.background(task, func() string { return fmt.Sprint(p.gets(p.slave, 100), " ", p.s.M.Now()/1e6) })
		sleep(500)
		require.Empty(t, *got)
		write(p.master, []byte("ab"))
		sleep(90)
		write(p.master, []byte("c"))
		sleep(90)
		require.Empty(t, *got)
		sleep(20)
		require.Equal(t, `"abc" 690`, *got)

		p.modes(vmin(0, 2))
		got = p.background(task, func() string { return fmt.Sprint(p.gets(p.slave, 100), " ", p.s.M.Now()/1e6) })
		sleep(300)
		require.Equal(t, `"" 900`, *got)
		got = p.background(task, func() string { return p.gets(p.slave, 100) })
		write(p.master, []byte("x"))
		settle(task)
		require.Equal(t, `"x"`, *got)
	})
}

func TestTtyBlockedWriter(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(rawModes)
		got := p.background(task, func() string { return fmt.Sprint(write(p.slave, make([]byte, 30000))) })
		require.Empty(t, *got)
		require.Equal(t, none, mask(p.slave), "no OUT in the middle of somebody's write")
		p.slave.SetNonBlocking(true)
		require.Equal(t, again, write(p.slave, []byte("x")), "atomic_write_lock is taken")
		p.slave.SetNonBlocking(false)
		total := 0
		for total < 30000 {
			total += read(p.master, p.readBuf)
			settle(task)
		}
		require.Equal(t, "30000", *got)
		require.Equal(t, wrn, mask(p.slave))
	})
}

func TestTtyStoppedWriter(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		write(p.master, []byte("\x13"))
		got := p.background(task, func() string { return fmt.Sprint(write(p.slave, []byte("x\n"))) })
		require.Empty(t, *got)
		write(p.master, []byte("\x11"))
		settle(task)
		require.Equal(t, "2", *got)
		require.Equal(t, `"x\r\n"`, p.gets(p.master, 9))
	})
}

func TestTtySleepersAndHangUp(t *testing.T) {
	onPty(t, func(task *sim.Task, p *pty) {
		p.modes(rawModes)
		reader := p.background(task, func() string { return p.gets(p.slave, 100) })
		writer := p.background(task, func() string { return fmt.Sprint(write(p.slave, make([]byte, 30000))) })
		p.master.Put()
		settle(task)
		require.Equal(t, "EIO", *reader)
		require.NotEmpty(t, *writer)
		require.NotEqual(t, "30000", *writer, "what it has written")
	})
	onPty(t, func(task *sim.Task, p *pty) {
		reader := p.background(task, func() string { return p.gets(p.master, 100) })
		p.slave.Put()
		settle(task)
		require.Equal(t, "EIO", *reader)
	})
}

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

// TestTtyUnderSchedules: what is typed and what is printed arrives whole and in order, the modes changing meanwhile and
// two readers taking turns, whatever the schedule; nobody is left asleep.
func TestTtyUnderSchedules(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := &vfs.System{M: sim.New(sim.Options{Check: true, Strategy: sim.NewRandom(rapid.Uint64().Draw(rt, "seed"))})}
		defer s.M.Close()
		p := newPty(t, s, 0)
		p.modes(rawModes)
		size := rapid.SampledFrom([]int{1, 100, 4000, 21000}).Draw(rt, "bytes")
		var printed strings.Builder
		text := strings.Repeat("0123456789", size/10+1)[:size]
		s.M.Go("printer", nil, func(*sim.Task) {
			chunk := rapid.IntRange(1, 7000).Draw(rt, "chunk")
			for done := 0; done < size; {
				done += write(p.slave, []byte(text[done:min(size, done+chunk)]))
			}
		})
		s.M.Go("screen", nil, func(*sim.Task) {
			b := make([]byte, rapid.SampledFrom([]int{10, 500, 5000}).Draw(rt, "read"))
			for printed.Len() < size {
				printed.Write(b[:read(p.master, b)])
			}
		})
		s.M.Go("user", nil, func(*sim.Task) {
			for range 5 {
				write(p.master, []byte("k\n"))
			}
		})
		keys := 0
		for range 2 {
			s.M.Go("reader", nil, func(*sim.Task) {
				b := make([]byte, 2)
				for range 5 {
					if n := read(p.slave, b[:1]); n == 1 {
						keys++
					}
				}
			})
		}
		s.M.Go("tcsetattr", nil, func(*sim.Task) {
			for range 3 {
				p.modes(func(*abi.Termios) {})
			}
		})
		if err := s.M.Run(); err != nil {
			rt.Fatalf("%v\nschedule %s", err, s.M.Token())
		}
		if printed.String() != text || keys != 10 {
			rt.Fatalf("%d bytes arrived of %d, %d keys", printed.Len(), size, keys)
		}
		if err := p.check(); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestConsole: what a program finds behind 0, 1 and 2.
func TestConsole(t *testing.T) {
	s := newSystem(t, sim.Options{})
	f := devices.NewConsole(s, &devices.Devpts{})
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
