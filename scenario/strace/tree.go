package strace

import (
	"strings"

	"github.com/epollsim/epollsim/abi"
)

// ValueKind is what a Value is.
type ValueKind uint8

// The kinds of values.
const (
	ValueNone   ValueKind = iota // nothing: the zero Value
	ValueInt                     // -1, 0x7f00, 0644, 4096*1024; Int
	ValueFlags                   // EPOLLIN|EPOLLET|0x8, SIGUSR1: names and numbers; Int, if Known
	ValueNull                    // NULL
	ValueString                  // "x\n", @"name" (its first byte is then \0); Text has the bytes
	ValueStruct                  // {events=EPOLLIN, data={…}}; List has the fields, with their names where they have some
	ValueArray                   // [3, 4], [USR1 CHLD], ~[RTMIN RT_1]; List
	ValueChange                  // 128 => 16; List has what was before and what is after
	ValueCall                    // htons(80), makedev(0x88, 0); Text is the name, List the arguments
	ValueRaw                     // all else, as it stands: WIFEXITED(s) && WEXITSTATUS(s) == 0, &sin6_addr
)

// Value is one argument of a call, or a part of one: a node of the tree that a line is.
type Value struct {
	Kind    ValueKind
	Known   bool    // of ValueFlags: every name has a value, Int is the whole of it
	Cut     bool    // "..." or an ellipsis as the last item: the program had more of it
	Negated bool    // ~[…]
	Col     int32   // where it begins in Call.Text, from 0; Call.Where makes a place of it
	Int     int64   // as wide as it is, a number over 1<<63-1 is negative
	Text    string  // see the kinds; of numbers and flags as they stand
	Name    string  // of a field or an argument with a name, flags=…
	Fd      string  // what -y and -yy add to a descriptor: pipe:[5], TCP:[127.0.0.1:80->127.0.0.1:5]
	Comment string  // /* … */ behind it
	List    []Value // parts
}

// IsNull reports whether v is NULL.
func (v *Value) IsNull() bool { return v.Kind == ValueNull }

// Number gives v as a number: of flags the value of them all, of NULL 0, of _IOC(…) and S_… the number that they make. It is
// false for all else, and for flags with a name that nobody knows.
func (v *Value) Number() (int64, bool) {
	switch v.Kind {
	case ValueInt:
		return v.Int, true
	case ValueNull:
		return 0, true
	case ValueFlags:
		return v.Int, v.Known
	case ValueCall:
		return v.request()
	}
	return 0, false
}

// request gives the number of _IOC(_IOC_READ, 0x54, 0x30, 0x4), a request that ioctl has no name for.
func (v *Value) request() (int64, bool) {
	if v.Text != "_IOC" || len(v.List) != 4 {
		return 0, false
	}
	var n int64
	for i, shift := range []int{30, 8, 0, 16} {
		part, ok := v.List[i].Number()
		if !ok {
			return 0, false
		}
		n |= part << shift
	}
	return n, true
}

// Field gives the field of a structure, or nil.
func (v *Value) Field(name string) *Value {
	for i := range v.List {
		if v.List[i].Name == name {
			return &v.List[i]
		}
	}
	return nil
}

// Pointer reports whether v is the bare address of some memory: strace shows that in place of an out-parameter when the
// call has failed, of memory that it could not read, and of structures that it does not know.
func (v *Value) Pointer() bool { return v.Kind == ValueInt && len(v.Text) > 2 && v.Text[:2] == "0x" }

// Is reports whether v is the constant of this name: by name, or by number where strace shows that (-X raw, -X verbose).
func (v *Value) Is(name string) bool {
	switch v.Kind {
	case ValueFlags:
		return v.Text == name
	case ValueInt:
		n, ok := constant(name)
		return ok && n == v.Int
	}
	return false
}

// Has reports whether v has the flag of this name.
func (v *Value) Has(name string) bool {
	if v.Kind == ValueFlags {
		for flag := range strings.SplitSeq(v.Text, "|") {
			if flag == name {
				return true
			}
		}
	}
	if v.Kind != ValueInt && (v.Kind != ValueFlags || !strings.Contains(v.Text, "0x")) {
		return false
	}
	n, ok := constant(name)
	return ok && n != 0 && v.Int&n == n
}

// Sockaddr gives a struct sockaddr of a family that the model has.
func (v *Value) Sockaddr() (abi.Sockaddr, bool) { return sockaddrOf(v) }

// CloseOnExec reports whether v, the flags of a call that makes a descriptor, has the one for that: O_CLOEXEC, SOCK_CLOEXEC,
// and the like.
func (v *Value) CloseOnExec() bool {
	return strings.Contains(v.Text, "CLOEXEC") || v.Has("O_CLOEXEC")
}
