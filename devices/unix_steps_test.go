package devices_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// TestUnixSteps: which fields a call touches, in which order, under which lock.
func TestUnixSteps(t *testing.T) {
	onPair := func(kind int, given, call func(a, b *vfs.File)) func(s *vfs.System) func() {
		return func(s *vfs.System) func() {
			a, b, _ := unixNet(s).NewPair(kind|abi.SOCK_NONBLOCK, 0)
			watch(a, out)
			given(a, b)
			return func() { call(a, b) }
		}
	}
	nothing := func(a, b *vfs.File) {}
	one := func(a, b *vfs.File) { write(a, []byte("x")) }
	for _, c := range []struct {
		call  string
		setup func(s *vfs.System) func()
		want  string
	}{
		{"send(stream, 1 byte)", onPair(abi.SOCK_STREAM, nothing, one), `
			read file#1.f_flags
			read unix#1.peer
			read unix#1.sk_shutdown
			read unix#1.options
			read unix#1.sk_sndbuf
			read unix#1.sk_err
			read unix#1.sk_shutdown
			read unix#1.sk_wmem_alloc
			read unix#1.sk_sndbuf
			write unix#1.sk_wmem_alloc
			write unix.lock#2.owner
			write unix.receive_queue#2.owner
			write unix#2.inq_len
			write unix#2.sk_receive_queue
			messages 0 → 1
			write unix.receive_queue#2.owner
			write unix.lock#2.owner
			read unix#2.sk_wq
			read unix.wait#2.wait_queue`},
		{"recv(stream) of the last message, the sender watched", onPair(abi.SOCK_STREAM, one, func(_, b *vfs.File) { read(b, make([]byte, 1)) }), `
			read file#2.f_flags
			read unix#2.sk_state
			read unix#2.options
			read unix#2.options
			write unix.iolock#2.owner
			write unix.lock#2.owner
			read unix#2.oob_skb
			write unix.lock#2.owner
			write unix#2.inq_len
			write unix.receive_queue#2.owner
			write unix#2.sk_receive_queue
			messages 1 → 0
			write unix.receive_queue#2.owner
			write unix#1.sk_wmem_alloc
			read unix#1.sk_state
			read unix#1.sk_wmem_alloc
			read unix#1.sk_sndbuf
			read unix#1.sk_wq
			read unix.wait#1.wait_queue
			write unix.wait#1.owner
			read unix.wait#1.wait_queue
			write unix.wait#1.owner
			write unix#1.sk_wmem_alloc
			write unix.iolock#2.owner
			read unix.iolock#2.last touch`},
		{"->poll(stream)", onPair(abi.SOCK_STREAM, nothing, func(a, _ *vfs.File) { mask(a) }), `
			read unix#1.sk_shutdown
			read unix#1.sk_state
			read unix#1.sk_err
			read unix#1.sk_receive_queue
			read unix#1.oob_skb
			read unix#1.sk_wmem_alloc
			read unix#1.sk_sndbuf`},
		{"->poll(dgram)", onPair(abi.SOCK_DGRAM, nothing, func(a, _ *vfs.File) { mask(a) }), `
			read unix#1.sk_shutdown
			read unix#1.sk_state
			read unix#1.sk_err
			read unix#1.sk_receive_queue
			read unix#1.sk_wmem_alloc
			read unix#1.sk_sndbuf
			write unix.lock#1.owner
			read unix#2.peer
			write unix.lock#1.owner`},
		{"shutdown(stream, SHUT_WR)", onPair(abi.SOCK_STREAM, nothing, func(_, b *vfs.File) { shut(b, abi.SHUT_WR) }), `
			write unix.lock#2.owner
			write unix#2.sk_shutdown
			write unix#1.sk_refcnt
			write unix.lock#2.owner
			read unix#2.sk_wq
			read unix.wait#2.wait_queue
			write unix.lock#1.owner
			write unix#1.sk_shutdown
			write unix.lock#1.owner
			read unix#1.sk_wq
			read unix.wait#1.wait_queue
			write unix.wait#1.owner
			read unix.wait#1.wait_queue
			write unix.wait#1.owner
			write unix#1.sk_refcnt`},
	} {
		want := strings.ReplaceAll(strings.TrimSpace(c.want), "\t", "")
		var got []string // without the names of functions
		for line := range strings.Lines(steps(t, c.setup)) {
			if line = strings.TrimSpace(line); strings.Contains(line, " ") {
				got = append(got, line)
			}
		}
		require.Equal(t, want, strings.Join(got, "\n"), c.call)
	}
}
