package scenario

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.starlark.net/starlark"

	"github.com/epollsim/epollsim/kernel"
)

var inotifyRows = []row{
	{sig: "inotify_init1(flags=0)", result: "fd", help: "open a queue of what happens to files; flags: IN_NONBLOCK, IN_CLOEXEC", fn: inotifyInit1},
	{sig: "inotify_add_watch(fd, name, mask)", result: "watch",
		help: `watch a file or directory of the run, "." is its private one; mask: IN_*`, fn: inotifyAddWatch},
	{sig: "inotify_rm_watch(fd, watch)", result: "0", help: "end a watch, which IN_IGNORED tells", fn: inotifyRmWatch},
	{sig: "inotify_read(fd, n=4096)", result: "[(watch, mask, cookie, name), …]",
		help: "read the events that fit into n bytes; cookies, which join the halves of a rename, are counted from 1 in the order in which they are read", fn: inotifyRead, lists: true},
}

var dirRows = []row{
	{sig: "mkdir(name)", result: "0", help: "make a directory in the run's private one", fn: onPath(kernel.Calls.Mkdir)},
	{sig: "rmdir(name)", result: "0", help: "remove an empty directory", fn: onPath(kernel.Calls.Rmdir)},
	{sig: "link(old, new)", result: "0", help: "give a file another name beside the one that it has", fn: onPaths(kernel.Calls.Link)},
	{sig: "unlink(name)", result: "0", help: "remove a file", fn: onPath(kernel.Calls.Unlink)},
	{sig: "rename(old, new)", result: "0", help: "give a file or directory another name", fn: onPaths(kernel.Calls.Rename)},
	{sig: `memfd_create(name="", flags=0)`, result: "fd", help: "open a file that has no name; flags: MFD_CLOEXEC, …", fn: memfdCreate},
}

func inotifyInit1(c *call) (starlark.Value, error) {
	flags := c.flags()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.InotifyInit1(flags))
}

func inotifyAddWatch(c *call) (starlark.Value, error) {
	fd, name, mask := c.cint(), c.text(), c.mask()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.InotifyAddWatch(fd, name, mask))
}

func inotifyRmWatch(c *call) (starlark.Value, error) {
	fd, wd := c.cint(), c.cint()
	if c.err != nil {
		return nil, c.err
	}
	return c.zero(c.calls.InotifyRmWatch(fd, wd))
}

func inotifyRead(c *call) (starlark.Value, error) {
	fd, size := c.cint(), c.size()
	if c.err != nil {
		return nil, c.err
	}
	buf := c.takeBytes(size)
	n, err := c.calls.Read(fd, buf)
	list := &starlark.List{}
	if err == nil {
		list, err = c.inotifyEvents(buf[:n])
		if err != nil {
			return nil, fmt.Errorf("%s: fd %d: %w", c.builtin.name, fd, err)
		}
	}
	c.putBytes(buf)
	return c.result(list, err)
}

// inotifyEvents takes the records of struct inotify_event apart.
func (c *call) inotifyEvents(p []byte) (*starlark.List, error) {
	const header = 16
	var list []starlark.Value
	for len(p) > 0 {
		if len(p) < header || uint64(len(p)-header) < uint64(binary.LittleEndian.Uint32(p[12:])) {
			return nil, fmt.Errorf("gave %d bytes that are no inotify event", len(p))
		}
		size := header + int(binary.LittleEndian.Uint32(p[12:]))
		name, _, _ := bytes.Cut(p[header:size], []byte{0})
		list = append(list, starlark.Tuple{
			starlark.MakeInt(int(int32(binary.LittleEndian.Uint32(p)))),
			starlark.MakeUint64(uint64(binary.LittleEndian.Uint32(p[4:]))),
			starlark.MakeInt(c.run.cookie(binary.LittleEndian.Uint32(p[8:]))),
			starlark.String(name),
		})
		p = p[size:]
	}
	return starlark.NewList(list), nil
}

// cookie numbers the cookies of renames in the order in which the program sees them: those of a kernel count the renames
// of the whole machine.
func (r *run) cookie(raw uint32) int {
	if raw == 0 {
		return 0
	}
	if r.cookies == nil {
		r.cookies = map[uint32]int{}
	}
	n := r.cookies[raw]
	if n == 0 {
		n = len(r.cookies) + 1
		r.cookies[raw] = n
	}
	return n
}

// onPath is a builtin that takes a path.
func onPath(fn func(kernel.Calls, string) error) func(*call) (starlark.Value, error) {
	return func(c *call) (starlark.Value, error) {
		name := c.text()
		if c.err != nil {
			return nil, c.err
		}
		return c.zero(fn(c.calls, name))
	}
}

// onPaths is a builtin that takes two.
func onPaths(fn func(kernel.Calls, string, string) error) func(*call) (starlark.Value, error) {
	return func(c *call) (starlark.Value, error) {
		from, to := c.text(), c.text()
		if c.err != nil {
			return nil, c.err
		}
		return c.zero(fn(c.calls, from, to))
	}
}

func memfdCreate(c *call) (starlark.Value, error) {
	name, flags := c.text(), c.mask()
	if c.err != nil {
		return nil, c.err
	}
	return c.int(c.calls.MemfdCreate(name, flags))
}
