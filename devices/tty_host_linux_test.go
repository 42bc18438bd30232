//go:build amd64

package devices_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/devices"
	"github.com/epollsim/epollsim/sim"
	"github.com/epollsim/epollsim/vfs"
)

// The same random program on a pty pair of the running kernel and on the model. A worker of the kernel carries the bytes,
// so after every action the test waits for it; a program that disagrees is run again with more patience, and counts only
// if it still does. Writes are at most 5000 bytes: with more in one call the worker makes room meanwhile, and how much
// fits varies.

// ttyAction is one step of such a program. Which description it means is counted modulo those that are open.
type ttyAction struct {
	kind string
	end  int // 0: the master, 1, 2 …: a slave
	n    int
	data []byte
}

func (a ttyAction) String() string {
	if a.data != nil {
		if len(a.data) > 40 {
			return fmt.Sprintf("%s %d %d bytes %q…", a.kind, a.end, len(a.data), a.data[:40])
		}
		return fmt.Sprintf("%s %d %q", a.kind, a.end, a.data)
	}
	return fmt.Sprintf("%s %d %d", a.kind, a.end, a.n)
}

// GoString keeps rapid's reports readable.
func (a ttyAction) GoString() string { return a.String() }

var (
	ttyChars = rapid.SampledFrom([]byte("aab b\tz\n\n\n\x7f\x7f\x15\x04\x17\x12\x16\x03\x13\x11\x11\r\x08\x01\x00\xff\xc3\xa9_1"))
	ttyText  = rapid.SliceOfN(ttyChars, 0, 12)
	ttyBulk  = rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.SampledFrom([]int{100, 127, 128, 129, 500, 1000, 1791, 1793, 2047, 2048, 2049, 4000, 4094, 4095, 4096, 4100, 5000}).Draw(t, "n")
		line := rapid.SampledFrom([]int{1, 10, 80, 1000, 4095, 1 << 20}).Draw(t, "line")
		data := make([]byte, n)
		for i := range data {
			data[i] = 'a' + byte(i%26)
			if i%line == line-1 {
				data[i] = '\n'
			}
		}
		return data
	})
	ttyReads = rapid.SampledFrom([]int{0, 1, 2, 3, 5, 10, 63, 64, 65, 100, 127, 128, 129, 1000, 3967, 4000, 4095, 4096, 9000})
	ttyModes = rapid.Custom(func(t *rapid.T) abi.Termios {
		m := abi.StdTermios()
		if rapid.Bool().Draw(t, "raw") {
			m.MakeRaw()
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			word, bit := rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "word"), 0
			switch word {
			case 0:
				bit = rapid.SampledFrom([]int{abi.ICRNL, abi.IXON, abi.IXANY, abi.INLCR, abi.IGNCR, abi.ISTRIP, abi.IUTF8}).Draw(t, "iflag")
				m.Iflag ^= uint32(bit)
			case 1:
				bit = rapid.SampledFrom([]int{abi.OPOST, abi.ONLCR, abi.OCRNL, abi.ONOCR, abi.ONLRET, abi.XTABS}).Draw(t, "oflag")
				m.Oflag ^= uint32(bit)
			case 2:
				bit = rapid.SampledFrom([]int{
					abi.ECHO, abi.ICANON, abi.ISIG, abi.ECHOE, abi.ECHOK, abi.ECHONL, abi.ECHOCTL, abi.ECHOKE, abi.IEXTEN, abi.NOFLSH,
				}).Draw(t, "lflag")
				m.Lflag ^= uint32(bit)
			}
		}
		m.Cc[abi.VMIN] = rapid.SampledFrom([]uint8{1, 1, 0, 5, 100}).Draw(t, "VMIN")
		m.Cc[abi.VTIME] = rapid.SampledFrom([]uint8{0, 0, 1}).Draw(t, "VTIME")
		m.Cc[abi.VEOL] = rapid.SampledFrom([]uint8{0, 0, ';', 'z'}).Draw(t, "VEOL")
		return m
	})
	ttyProgram = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ttyAction {
		a := ttyAction{kind: rapid.SampledFrom([]string{
			"type", "type", "type", "type", "bulk", "bulk", "write", "write", "read", "read", "read", "read", "read",
			"modes", "modes", "flush", "flow", "packet", "fionread", "outq", "open", "close", "close the master",
		}).Draw(t, "kind")}
		a.end = rapid.IntRange(0, 2).Draw(t, "end")
		switch a.kind {
		case "type":
			a.kind, a.end, a.data = "write", 0, ttyText.Draw(t, "text")
		case "write":
			a.data = ttyText.Draw(t, "text")
		case "bulk":
			a.kind, a.data = "write", ttyBulk.Draw(t, "bulk")
		case "read":
			a.n = ttyReads.Draw(t, "n")
		case "modes":
			a.data = packModes(ttyModes.Draw(t, "modes"))
			a.n = rapid.SampledFrom([]int{abi.TCSETS, abi.TCSETS, abi.TCSETSF}).Draw(t, "request")
		case "flush":
			a.n = rapid.IntRange(0, 3).Draw(t, "queue")
		case "flow":
			a.n = rapid.IntRange(0, 4).Draw(t, "flow")
		case "packet":
			a.n = rapid.IntRange(0, 1).Draw(t, "on")
		case "close the master":
			if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
				a.kind = "read"
				a.n = 100
			}
		}
		return a
	}), 1, 40)
)

func packModes(m abi.Termios) []byte {
	var b []byte
	for _, word := range []uint32{m.Iflag, m.Oflag, m.Cflag, m.Lflag} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return append(append(b, m.Line), m.Cc[:]...)
}

func unpackModes(b []byte) (m abi.Termios) {
	for i, word := range []*uint32{&m.Iflag, &m.Oflag, &m.Cflag, &m.Lflag} {
		*word = binary.LittleEndian.Uint32(b[4*i:])
	}
	m.Line = b[16]
	copy(m.Cc[:], b[17:])
	return m
}

// ttyWorld is the pair on both sides; ends[0] is the master until it is closed.
type ttyWorld struct {
	m     *vfs.File // the model's master, for its State
	ends  []*both
	alive bool // the master is open
}

func newTtyWorld(t *testing.T) *ttyWorld {
	s := newSystem(t, sim.Options{})
	f := devices.NewPtmx(s, &devices.Devpts{}, abi.O_RDWR|abi.O_NONBLOCK)
	fd := must(syscall.Open("/dev/ptmx", abi.O_RDWR|abi.O_NONBLOCK|abi.O_CLOEXEC, 0))
	ioctlTty(f, fd, abi.TIOCSPTLCK, 0)
	w := &ttyWorld{m: f, ends: []*both{newBoth(fd, f)}, alive: true}
	w.open()
	return w
}

// ioctlTty does an ioctl on both and returns the two results, errnos as negative numbers.
func ioctlTty(f *vfs.File, fd int, request uint, arg int) (h, m int) {
	v := int32(arg)
	switch request {
	case abi.TCFLSH, abi.TCXONC:
		h = sys(syscall.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg))
	default:
		if h = sys(syscall.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&v))); h == 0 && request != abi.TIOCPKT {
			h = int(v)
		}
	}
	n, errno := f.Ops.(vfs.Ioctler).Ioctl(f, request, int64(arg))
	if m = int(n); errno != 0 {
		m = -int(errno)
	}
	return h, m
}

// withoutSignals keeps those of Go's scheduler away, at which a long write stops.
func withoutSignals(call func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const setmask = 2
	all, old := ^uint64(0), uint64(0)
	sys6 := func(set, oldset *uint64) {
		syscall.Syscall6(syscall.SYS_RT_SIGPROCMASK, setmask, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(oldset)), 8, 0, 0)
	}
	sys6(&all, &old)
	call()
	sys6(&old, nil)
}

func (w *ttyWorld) open() {
	flags := abi.O_RDWR | abi.O_NOCTTY | abi.O_NONBLOCK
	fd := sys(syscall.SYS_IOCTL, uintptr(w.ends[0].fd), abi.TIOCGPTPEER, uintptr(flags))
	f, errno := devices.OpenPeer(w.ends[0].f, flags)
	if fd < 0 || errno != 0 {
		panic(fmt.Sprint("TIOCGPTPEER: ", fd, " ", errno))
	}
	w.ends = append(w.ends, newBoth(fd, f))
}

func (w *ttyWorld) close() {
	for len(w.ends) > 0 {
		w.closeEnd(len(w.ends) - 1)
	}
}

func (w *ttyWorld) closeEnd(i int) {
	w.ends[i].close()
	w.ends = slices.Delete(w.ends, i, i+1)
}

// do does one action on both and reports where the results differ.
func (w *ttyWorld) do(a ttyAction) string {
	if len(w.ends) == 0 {
		return ""
	}
	i := min(a.end, len(w.ends)-1)
	b := w.ends[i]
	differ := func(h, m any) string {
		hs, ms := fmt.Sprint(h), fmt.Sprint(m)
		if hs == ms {
			return ""
		}
		i := 0
		for i < min(len(hs), len(ms)) && hs[i] == ms[i] {
			i++
		}
		i = max(0, i-20)
		return fmt.Sprintf("%v: from %d on host %.60s, model %.60s", a, i, hs[i:], ms[i:])
	}
	switch a.kind {
	case "write":
		h := 0
		withoutSignals(func() { h = result(syscall.Write(b.fd, a.data)) })
		return differ(h, write(b.f, a.data))
	case "read":
		hp, mp := make([]byte, a.n), make([]byte, a.n)
		h, m := result(syscall.Read(b.fd, hp)), read(b.f, mp)
		if d := differ(h, m); d != "" {
			return d
		}
		return differ(fmt.Sprintf("%q", hp[:max(0, h)]), fmt.Sprintf("%q", mp[:max(0, m)]))
	case "modes":
		h := sys(syscall.SYS_IOCTL, uintptr(b.fd), uintptr(a.n), uintptr(unsafe.Pointer(&a.data[0])))
		m := -int(devices.SetTermios(b.f, unpackModes(a.data), a.n == abi.TCSETSF))
		if d := differ(h, m); d != "" {
			return d
		}
		got := make([]byte, 64)
		h = sys(syscall.SYS_IOCTL, uintptr(b.fd), abi.TCGETS, uintptr(unsafe.Pointer(&got[0])))
		modes, errno := devices.Termios(b.f)
		if d := differ(h, -int(errno)); d != "" || errno != 0 {
			return d
		}
		return differ(unpackModes(got), modes)
	case "flush":
		return differ(ioctlTty(b.f, b.fd, abi.TCFLSH, a.n))
	case "flow":
		return differ(ioctlTty(b.f, b.fd, abi.TCXONC, a.n))
	case "packet":
		return differ(ioctlTty(b.f, b.fd, abi.TIOCPKT, a.n))
	case "fionread":
		return differ(ioctlTty(b.f, b.fd, abi.FIONREAD, 0))
	case "outq":
		return differ(ioctlTty(b.f, b.fd, abi.TIOCOUTQ, 0))
	case "open":
		if w.alive && len(w.ends) < 4 {
			w.open()
		}
	case "close":
		if i > 0 || !w.alive {
			w.closeEnd(i)
		}
	case "close the master":
		if w.alive {
			w.closeEnd(0)
			w.alive = false
		}
	}
	return ""
}

// agree compares the edges and masks of all descriptions.
func (w *ttyWorld) agree() string {
	for i, b := range w.ends {
		if h, m := b.hostW.harvest(), b.w.harvest(); h != m {
			return fmt.Sprintf("edges of %d: host %s, model %s", i, h, m)
		}
	}
	for i, b := range w.ends {
		if h, m := hostMask(b.fd), mask(b.f); h != m {
			return fmt.Sprintf("mask of %d: host %s, model %s", i, h.Short(), m.Short())
		}
		if h, m := ioctlTty(b.f, b.fd, abi.FIONREAD, 0); h != m {
			return fmt.Sprintf("FIONREAD of %d: host %d, model %d", i, h, m)
		}
		if err := devices.TtyOf(b.f).Check(); err != nil {
			return err.Error()
		}
	}
	return ""
}

// runTty runs a program and returns the first disagreement.
func runTty(t *testing.T, program []ttyAction, patience time.Duration) string {
	w := newTtyWorld(t)
	defer w.close()
	for i, a := range append([]ttyAction{{kind: "ADD"}}, program...) {
		d := w.do(a)
		if d == "" {
			time.Sleep(patience)
			d = w.agree()
		}
		if d != "" {
			return fmt.Sprintf("action %d, %v: %s", i, a, d)
		}
	}
	return ""
}

func TestTtyLikeHost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		program := ttyProgram.Draw(rt, "program")
		d := ""
		for _, patience := range []time.Duration{200, 2000, 10_000, 50_000, 200_000, 1_000_000} {
			if d = runTty(t, program, patience*time.Microsecond); d == "" {
				return
			}
		}
		var text []string
		for _, a := range program {
			text = append(text, a.String())
		}
		rt.Fatalf("%s\nprogram:\n%s", d, strings.Join(text, "\n"))
	})
}
