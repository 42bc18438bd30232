package host

import (
	"golang.org/x/sys/unix"

	"github.com/epollsim/epollsim/abi"
)

// Tcsetraw is cfmakeraw(3) of what a new terminal has, between tcgetattr(3) and tcsetattr(3): a list of calls that are made
// in one go cannot use what the first one gives.
func (b *Batch) Tcsetraw(fd int) error {
	termios := abi.StdTermios()
	termios.MakeRaw()
	raw := make([]byte, 64)
	packTermios(raw, termios)
	var errno abi.Errno
	for _, request := range [...]uintptr{abi.TCGETS, abi.TCSETS, abi.TCGETS} {
		buf, addr := b.memory(len(raw))
		if b.recording && request == abi.TCSETS {
			copy(buf, raw)
		}
		if _, e := b.sys(unix.SYS_IOCTL, arg(fd), request, addr); errno == 0 {
			errno = e
		}
	}
	return done(0, errno)
}
