package devices

// RawUnix is a socket whose fields a test can spoil.
type RawUnix Unix

func (r *RawUnix) Outq(n int32)     { r.outq += n }
func (r *RawUnix) Length(n int)     { r.queue.len += n }
func (r *RawUnix) Consume(n int)    { r.queue.first.consumed += n }
func (r *RawUnix) Inflight(n int32) { r.inflight += n }
func (r *RawUnix) Refs(n int32)     { r.refs += n }
func (r *RawUnix) ForeignOob()      { r.oob = &unixMessage{} }

// Unread appends the unread bytes of a socket's queue to dst.
func (u *Unix) Unread(dst []byte) []byte {
	for s := u.queue.first; s != nil; s = s.next {
		dst = append(dst, s.data[s.consumed:]...)
	}
	return dst
}

// Records returns the unread messages of a socket's queue.
func (u *Unix) Records() []string {
	var all []string
	for s := u.queue.first; s != nil; s = s.next {
		all = append(all, string(s.data))
	}
	return all
}

// Sockets is how many sockets have not been freed.
func (n *UnixNet) Sockets() int { return n.socks.Len() }
