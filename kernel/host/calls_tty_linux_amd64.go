package host

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// ioctlByValue are the requests whose argument is the number itself, not a pointer to it.
func ioctlByValue(request uint) bool {
	switch request {
	case abi.TCFLSH, abi.TCXONC, abi.TCSBRK, abi.TIOCGPTPEER:
		return true
	}
	return false
}

// Openpty is openpty(3).
func (t *Thread) Openpty() (master, slave int, err error) { return kernel.Openpty(t) }

// Tcsetraw is cfmakeraw(3) between tcgetattr(3) and tcsetattr(3).
func (t *Thread) Tcsetraw(fd int) error {
	t.task.reset()
	buf, addr := t.task.alloc(64)
	ioctl := func(request uintptr) error {
		return done(t.sys("ioctl", unix.SYS_IOCTL, arg(fd), request, addr))
	}
	if err := ioctl(abi.TCGETS); err != nil {
		return err
	}
	termios := unpackTermios(buf)
	termios.MakeRaw()
	packTermios(buf, termios)
	if err := ioctl(abi.TCSETS); err != nil {
		return err
	}
	return ioctl(abi.TCGETS)
}

// The kernel's struct termios: four words, the line discipline, the characters.
func unpackTermios(b []byte) (t abi.Termios) {
	for i, word := range [...]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		*word = binary.LittleEndian.Uint32(b[4*i:])
	}
	t.Line = b[16]
	copy(t.Cc[:], b[17:])
	return t
}

func packTermios(b []byte, t abi.Termios) {
	for i, word := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		binary.LittleEndian.PutUint32(b[4*i:], word)
	}
	b[16] = t.Line
	copy(b[17:], t.Cc[:])
}
