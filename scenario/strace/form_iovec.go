package strace

// printIovec has the buffers that writev passes.
func printIovec(w *Writer, s *scene, i int) bool {
	iov, ok := s.args[i].([][]byte)
	w.list(len(iov), func(i int) {
		w.print("{iov_base=")
		w.appendString(iov[i])
		w.print(", iov_len=%d}", len(iov[i]))
	})
	return ok
}

// printIovecOut has the buffers of readv with what was read; of a call that failed, where they are.
func printIovecOut(w *Writer, s *scene, i int) bool {
	iov, ok := s.args[i].([][]byte)
	left := int(s.call.Ret)
	w.list(len(iov), func(i int) {
		w.print("{iov_base=")
		if n := min(max(left, 0), len(iov[i])); s.call.Err != 0 {
			w.pointer(addrMemory)
		} else {
			w.appendString(iov[i][:n])
			left -= n
		}
		w.print(", iov_len=%d}", len(iov[i]))
	})
	return ok
}

// maxIovec bounds the memory of buffers that a log tells of.
const maxIovec = 64 << 20

// maxUnseen bounds the buffers of which a log does not tell.
const maxUnseen = 1 << 16

// readIovec reads [{iov_base="x", iov_len=1}]. What is not known of a buffer is zero; one that is not shown is nil.
func readIovec(ty *typer, v *Value, i int) (any, bool) {
	if v.Kind != ValueArray {
		return nil, false
	}
	iov := make([][]byte, 0, len(v.List))
	total := int64(0)
	for j := range v.List {
		base, length := v.List[j].at("iov_base", 0), v.List[j].at("iov_len", 1)
		if base.Cut || base.Kind != ValueString {
			ty.Cut |= 1 << i
		}
		n := min(max(length.Int, 0), maxIovec-total)
		total += n
		p := make([]byte, n)
		if base.Kind == ValueString {
			copy(p, base.Text)
		}
		iov = append(iov, p)
	}
	if v.Cut {
		ty.Cut |= 1 << i
		if i+1 < len(ty.call.Args) {
			n, _ := ty.call.Args[i+1].Number()
			iov = append(iov, make([][]byte, min(max(n-int64(len(iov)), 0), maxUnseen))...)
		}
	}
	return iov, true
}
