package strace

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/kernel"
)

// Sizes of struct cmsghdr with n descriptors behind it, and of the same filled up to 8 bytes.
func cmsgLen(n int) int   { return 16 + 4*n }
func cmsgSpace(n int) int { return cmsgLen(n + n&1) }

// printMessage has the msghdr that sendmsg passes.
func printMessage(w *Writer, s *scene, i int) bool {
	m, ok := s.args[i].(*kernel.Message)
	if ok {
		w.message(m, m.Data)
	}
	return ok
}

// printMessageOut has the msghdr of recvmsg with what was received.
func printMessageOut(w *Writer, s *scene, i int) bool {
	m, ok := s.args[i].(*kernel.Message)
	switch {
	case !ok:
	case s.call.Err != 0:
		w.print("{msg_namelen=0}")
	default:
		w.message(m, m.Data[:max(0, min(s.call.Ret, int64(len(m.Data))))])
	}
	return ok
}

// message appends a msghdr with one buffer that has data at its beginning.
func (w *Writer) message(m *kernel.Message, data []byte) {
	w.print("{msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=")
	w.appendString(data)
	w.print(", iov_len=%d}], msg_iovlen=1, ", len(m.Data))
	if n := len(m.Rights); n == 0 {
		w.print("msg_controllen=0")
	} else {
		w.print("msg_control=[{cmsg_len=%d, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=", cmsgLen(n))
		w.list(n, func(i int) { w.print("%d", m.Rights[i]) })
		w.print("}], msg_controllen=%d", cmsgSpace(n))
	}
	w.print(", msg_flags=%s}", abi.Flags("MSG", int64(m.Flags)))
}
