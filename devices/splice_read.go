package devices

import (
	"github.com/epollsim/epollsim/abi"
	"github.com/epollsim/epollsim/vfs"
)

// copySplice reads up to n bytes into memory of its own and puts that into p, page by page. The read waits as f does.
// Models copy_splice_read.
func (p *Pipe) copySplice(n int, read func(b []byte) (int, abi.Errno)) (int, abi.Errno) {
	b := make([]byte, n)
	got, errno := read(b)
	if errno != 0 {
		return 0, errno
	}
	for b = b[:got]; len(b) > 0; {
		c := min(len(b), pageSize)
		p.addSlot(spliced(b[:c], 0, 0))
		b = b[c:]
	}
	return got, 0
}

// spliceRead puts the pages of the file into p, each with a slot: a part of one takes a slot too. Models filemap_splice_read.
func (r *Regular) spliceRead(f *vfs.File, p *Pipe, pos *int64, n, _ int) (int, abi.Errno) {
	if f.Flags()&abi.O_DIRECT != 0 {
		return p.copySplice(n, func(b []byte) (int, abi.Errno) {
			c, errno := r.ReadAt(f, b, *pos)
			*pos += int64(c)
			return c, errno
		})
	}
	r.sys.M.Read(r.id, fieldData)
	return p.addPages(pos, n, func(pos int64, n int) []byte {
		if pos >= int64(len(r.data)) {
			return nil
		}
		return r.data[pos:min(pos+int64(n), int64(len(r.data)))]
	}), 0
}

// addPages puts up to n bytes of a file at *pos, which it moves, into p, page by page. bytes gives those at a place, none at the
// end.
func (p *Pipe) addPages(pos *int64, n int, bytes func(pos int64, n int) []byte) (done int) {
	for done < n && !p.isFull() {
		base := int(*pos % pageSize)
		b := bytes(*pos, min(n-done, pageSize-base))
		if len(b) == 0 {
			break
		}
		p.addSlot(spliced(b, base, 0))
		*pos += int64(len(b))
		done += len(b)
	}
	return done
}

// spliceRead fills pages with zero bytes; the position stays.
func (d zero) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, _ int) (int, abi.Errno) {
	return p.copySplice(n, func(b []byte) (int, abi.Errno) { return d.Read(f, b) })
}

// spliceRead fills pages with zero bytes.
func (d full) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, _ int) (int, abi.Errno) {
	return p.copySplice(n, func(b []byte) (int, abi.Errno) { return d.Read(f, b) })
}

// spliceRead reads at *pos.
func (m *mountsFile) spliceRead(f *vfs.File, p *Pipe, pos *int64, n, _ int) (int, abi.Errno) {
	return p.copySplice(n, func(b []byte) (int, abi.Errno) {
		c, errno := m.ReadAt(f, b, *pos)
		*pos += int64(c)
		return c, errno
	})
}

// spliceRead reads from a terminal.
func (t *ttyFile) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, _ int) (int, abi.Errno) {
	return p.copySplice(n, func(b []byte) (int, abi.Errno) { return t.Read(f, b) })
}

// spliceRead receives a datagram: sock_splice_read.
func (u *Udp) spliceRead(f *vfs.File, p *Pipe, _ *int64, n, _ int) (int, abi.Errno) {
	return p.copySplice(n, func(b []byte) (int, abi.Errno) { return u.Read(f, b) })
}
