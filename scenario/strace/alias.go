package strace

import "github.com/epollsim/epollsim/abi"

// alias is how a system call that the model does not have is one that it has.
type alias struct {
	name string
	args func([]Value) []Value // those of the other call; nil: the same
}

// aliases has the system calls that later ones have taken the place of, or that do the same for this model.
var aliases = map[string]alias{
	"open":         {"openat", func(v []Value) []Value { return put(v, 0, named("AT_FDCWD", -100)) }},
	"creat":        {"openat", createArgs},
	"eventfd":      {"eventfd2", func(v []Value) []Value { return put(v, len(v), number0) }},
	"signalfd":     {"signalfd4", func(v []Value) []Value { return put(v, len(v), number0) }},
	"inotify_init": {"inotify_init1", func(v []Value) []Value { return put(v, len(v), number0) }},
	"mknod":        {"mknodat", func(v []Value) []Value { return put(v, 0, named("AT_FDCWD", -100)) }},
	"nanosleep": {"clock_nanosleep", func(v []Value) []Value {
		return put(put(v, 0, number0), 0, named("CLOCK_MONOTONIC", abi.CLOCK_MONOTONIC))
	}},
	"send":       {"sendto", func(v []Value) []Value { return put(put(v, len(v), null), len(v)+1, number0) }},
	"recv":       {"recvfrom", func(v []Value) []Value { return put(put(v, len(v), null), len(v)+1, null) }},
	"_newselect": {"select", nil},
}

var (
	number0 = Value{Kind: ValueInt, Text: "0"}
	null    = Value{Kind: ValueNull, Text: "NULL"}
)

func named(text string, v int64) Value {
	return Value{Kind: ValueFlags, Known: true, Text: text, Int: v}
}

// put puts v between the arguments of another call.
func put(args []Value, i int, v Value) []Value {
	all := make([]Value, 0, len(args)+1)
	all = append(append(all, args[:i]...), v)
	return append(all, args[i:]...)
}

// createArgs makes creat(path, mode) the openat that does the same.
func createArgs(v []Value) []Value {
	const flags = abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC
	if len(v) > 0 {
		v = put(v, 1, named("O_WRONLY|O_CREAT|O_TRUNC", flags))
	}
	return put(v, 0, named("AT_FDCWD", -100))
}

// gather gives the bytes of an array of struct iovec as far as they are known from their begin on, and the room in all.
func gather(iov *Value) (data []byte, size int64, cut bool) {
	for i := range iov.List {
		base, length := iov.List[i].at("iov_base", 0), iov.List[i].at("iov_len", 1)
		size += max(0, length.Int)
		if !cut && base.Kind == ValueString {
			data = append(data, base.Text...)
		}
		cut = cut || base.Cut || base.Kind != ValueString
	}
	return data, size, cut || iov.Cut
}
