package replay

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/epollsim/epollsim/abi"
)

// decode reads the events that the log shows of a read; whole is whether they are all of it.
func decode(o *op) (list []noted, cookies []uint32, whole bool) {
	data, left := o.want.value, o.want.ret
	for len(data) >= eventHeader {
		length := int64(binary.LittleEndian.Uint32(data[12:]))
		if length > left-eventHeader || int64(len(data)) < eventHeader+length {
			return list, cookies, false
		}
		name, _, _ := bytes.Cut(data[eventHeader:eventHeader+length], []byte{0})
		list = append(list, noted{
			wd: int(int32(binary.LittleEndian.Uint32(data))), mask: binary.LittleEndian.Uint32(data[4:]), name: string(name),
		})
		cookies = append(cookies, binary.LittleEndian.Uint32(data[8:]))
		data, left = data[eventHeader+length:], left-eventHeader-length
	}
	return list, cookies, left == 0
}

// told takes what a read of the log brings from the events that there are: the outcome is another one where it lacks one of them, or has it
// otherwise.
func (n *notifier) told(x *exec, o *op) outcome {
	owed := func(i int) bool { return i < len(n.queue) && n.queue[i].seq < o.begin.Seq }
	switch {
	case o.want.failed() && !o.want.interrupted() && o.want.errno != abi.EFAULT && o.want.errno != abi.ENOTSOCK && owed(0) && n.queue[0].size() <= o.a[0]:
		return outcome{ret: n.queue[0].size()}
	case o.want.failed():
		return o.want
	case o.want.ret == 0 || o.want.ret%eventHeader != 0:
		return outcome{ret: o.want.ret / eventHeader * eventHeader}
	}
	list, cookies, whole := decode(o)
	if !whole && int64(len(o.want.value)) >= o.want.ret {
		return outcome{ret: int64(len(o.want.value)) / eventHeader * eventHeader} // not what the events take
	}
	taken, left := 0, o.want.ret
	for i := range list {
		left -= list[i].size()
		if taken >= len(n.queue) || !n.queue[taken].same(&list[i]) {
			x.inferred("somebody else made an inotify event of %q", list[i].name)
			n.heard(&list[i])
			taken = min(taken, len(n.queue)) // an overflow takes what was there
			continue
		}
		if own := n.queue[taken].cookie; own != 0 {
			if known, ok := n.cookies[own]; ok && known != cookies[i] || cookies[i] == 0 {
				return outcome{ret: o.want.ret, errno: abi.EINVAL}
			}
			n.cookies[own] = cookies[i]
		}
		taken++
	}
	for ; !whole && taken < len(n.queue) && n.queue[taken].size() <= left; taken++ {
		left -= n.queue[taken].size()
	}
	if whole && owed(taken) && o.a[0]-o.want.ret >= n.queue[taken].size() {
		return outcome{ret: o.want.ret + n.queue[taken].size()}
	}
	if n.queue = slices.Delete(n.queue, 0, taken); len(n.queue) == 0 {
		n.file.bits &^= normal(abi.EPOLLIN)
	}
	return o.want
}

// foretold reports whether all that a read of the log brings is there.
func (n *notifier) foretold(o *op) bool {
	if o.want.failed() {
		return len(n.queue) == 0
	}
	list, _, whole := decode(o)
	return whole && len(list) <= len(n.queue) && slices.EqualFunc(list, n.queue[:len(list)], func(a, b noted) bool { return a.same(&b) })
}
