package fuzz

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/epollsim/epollsim/abi"
)

// Rows of names and of inotify. A program has one inotify at a time: whose watches are told first depends on where the
// kernel has put them.

// paths are names that programs use: files, a FIFO, a directory and what is in it, and mistakes.
var paths = []string{"f", ".", "g", "d", "d/f", "p", "d/g", "f/x", "nothing", "", "d/", "d/e", "d/.", "nothing/x", "./f", "d/../g"}

var watchMasks = []int64{
	abi.IN_ALL_EVENTS, abi.IN_ALL_EVENTS, abi.IN_MODIFY, abi.IN_CREATE | abi.IN_DELETE, abi.IN_ALL_EVENTS | abi.IN_EXCL_UNLINK,
	abi.IN_DELETE_SELF, abi.IN_MODIFY | abi.IN_ONESHOT, abi.IN_CLOSE | abi.IN_MASK_ADD, abi.IN_MOVE | abi.IN_MOVE_SELF, abi.IN_ALL_EVENTS | abi.IN_ONLYDIR,
	abi.IN_ALL_EVENTS | abi.IN_ONESHOT, abi.IN_MASK_ADD | abi.IN_MASK_CREATE | abi.IN_OPEN, abi.IN_OPEN | abi.IN_MASK_CREATE, 0, abi.IN_ISDIR, 1 << 12,
	abi.IN_IGNORED, abi.IN_DONT_FOLLOW | abi.IN_ATTRIB, abi.IN_ACCESS | abi.IN_OPEN,
}

var fileRows = []*op{
	{
		name: "inotify_init1", weight: 3, form: "inotify_init1({0:INOTIFY_INIT1})",
		choose: func(g *generator) bool {
			return !g.has(inotify) && g.args([]int64{abi.IN_NONBLOCK, abi.IN_NONBLOCK, abi.IN_NONBLOCK | abi.IN_CLOEXEC, 0, 1}[g.pick(5)])
		},
		run:    func(r *runner, a []int64) { r.int(r.InotifyInit1(int(a[0]))) },
		effect: opens(inotify),
	},
	{
		name: "inotify_add_watch", weight: 8, form: "inotify_add_watch({0:fd}, {1:path}, {2:IN})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isInotify), g.path(), watchMasks[g.pick(len(watchMasks))])
		},
		run: func(r *runner, a []int64) { r.int(r.InotifyAddWatch(int(a[0]), paths[a[1]], uint32(a[2]))) },
	},
	{
		name: "inotify_rm_watch", weight: 3, form: "inotify_rm_watch({0:fd}, {1})",
		choose: func(g *generator) bool {
			return g.args(g.fd(isInotify), []int64{1, 2, 3, 1, 4, 0, -1, 5}[g.pick(8)])
		},
		run: func(r *runner, a []int64) { r.zero(r.InotifyRmWatch(int(a[0]), int(a[1]))) },
	},
	{
		name: "inotify_read", weight: 8, blocks: true, form: "inotify_read({0:fd}, {1})",
		choose: func(g *generator) bool {
			fd := g.fd(isInotify)
			return g.kindOf(fd) == inotify && g.args(fd, []int64{4096, 4096, 32, 16, 64, 15, 0, 100}[g.pick(8)])
		},
		run: func(r *runner, a []int64) {
			p := r.buffer(int(a[1]))
			n, err := r.Read(int(a[0]), p)
			r.inotifyEvents(p, n, err)
		},
	},
	{
		name: "ioctl FIONREAD of inotify", weight: 2, form: "ioctl({0:fd}, FIONREAD)",
		choose: func(g *generator) bool {
			fd := g.fd(isInotify)
			return g.kindOf(fd) == inotify && g.args(fd)
		},
		run: func(r *runner, a []int64) { r.long(r.Ioctl(int(a[0]), abi.FIONREAD, 0)) },
	},
	{
		name: "mkdir", weight: 3, form: "mkdir({0:path})",
		choose: func(g *generator) bool { return g.args(g.path()) },
		run:    func(r *runner, a []int64) { r.zero(r.Mkdir(paths[a[0]])) },
		effect: leavesFiles,
	},
	{
		name: "rmdir", weight: 2, form: "rmdir({0:path})",
		choose: func(g *generator) bool { return g.args(g.path()) },
		run:    func(r *runner, a []int64) { r.zero(r.Rmdir(paths[a[0]])) },
	},
	{
		name: "unlink", weight: 4, form: "unlink({0:path})",
		choose: func(g *generator) bool { return g.args(g.path()) },
		run:    func(r *runner, a []int64) { r.zero(r.Unlink(paths[a[0]])) },
	},
	{
		name: "link", weight: 4, form: "link({0:path}, {1:path})",
		choose: func(g *generator) bool { return g.args(g.path(), g.path()) },
		run:    func(r *runner, a []int64) { r.zero(r.Link(paths[a[0]], paths[a[1]])) },
		effect: leavesFiles,
	},
	{
		name: "rename", weight: 4, form: "rename({0:path}, {1:path})",
		choose: func(g *generator) bool { return g.args(g.path(), g.path()) },
		run:    func(r *runner, a []int64) { r.zero(r.Rename(paths[a[0]], paths[a[1]])) },
		effect: leavesFiles,
	},
	{
		name: "open path", weight: 5, form: "open({0:path}, {1:O})",
		choose: func(g *generator) bool {
			flags := openFlags[g.pick(len(openFlags))] | abi.O_NONBLOCK // the path may be that of a FIFO
			return g.args(g.path(), flags)
		},
		run: func(r *runner, a []int64) { r.int(r.Open(paths[a[0]], int(a[1]))) },
		effect: func(g *generator, a []int64, r *runner) {
			g.opened(r.ret, pathKinds(paths[a[0]]))
			g.prog.files = true
		},
	},
	{
		name: "memfd_create", weight: 2, form: `memfd_create("", {0:MFD})`,
		choose: func(g *generator) bool {
			return g.args([]int64{0, abi.MFD_CLOEXEC, abi.MFD_ALLOW_SEALING, abi.MFD_NOEXEC_SEAL, abi.MFD_NOEXEC_SEAL | abi.MFD_EXEC, 0x20}[g.pick(6)])
		},
		run:    func(r *runner, a []int64) { r.int(r.MemfdCreate("", uint32(a[0]))) },
		effect: opens(regular),
	},
	{name: "watched inotify", weight: 5, expand: watchedInotify},
}

func leavesFiles(g *generator, _ []int64, _ *runner) { g.prog.files = true }

// pathKinds is what a path is of most of the time.
func pathKinds(path string) kind {
	switch path {
	case ".", "d", "d/", "d/.":
		return directory
	case "p":
		return fifo
	}
	return regular
}

// path picks a path, those of little trouble more often.
func (g *generator) path() int64 {
	if v := g.pick(24); v < len(paths) {
		return int64(v)
	}
	return int64(g.pick(5))
}

// has reports whether a file of a kind is open.
func (g *generator) has(k kind) bool {
	for _, fd := range g.open {
		if g.kinds[fd] == k {
			return true
		}
	}
	return false
}

// watchedInotify watches the directory and a file, and is watched.
func watchedInotify(g *generator) {
	if g.has(inotify) {
		return
	}
	ep := g.anEpoll()
	fd := g.call("inotify_init1", abi.IN_NONBLOCK)
	g.call("epoll_ctl", ep, abi.EPOLL_CTL_ADD, fd, g.mask(), fd)
	g.call("inotify_add_watch", fd, []int64{1, 0, 3}[g.pick(3)], watchMasks[g.pick(6)])
	if g.pick(2) == 1 {
		g.call("inotify_add_watch", fd, []int64{0, 2, 5, 3}[g.pick(4)], watchMasks[g.pick(6)])
	}
}

// inotifyEvents writes what was read. Cookies are numbered in the order in which one read has them: the kernel's are those
// of the whole machine.
func (r *runner) inotifyEvents(p []byte, n int, err error) {
	const header = 16
	if r.failed(err) {
		return
	}
	r.ret = n
	r.text = append(r.text, '[')
	var cookies []uint32
	for p = p[:n]; len(p) >= header; {
		if len(p) < n {
			r.text = append(r.text, ", "...)
		}
		end := min(header+int(binary.LittleEndian.Uint32(p[12:])), len(p))
		name, _, _ := bytes.Cut(p[header:end], []byte{0})
		r.text = append(r.text, '(')
		r.number(int64(int32(binary.LittleEndian.Uint32(p))))
		r.text = append(r.text, ", "...)
		r.text = append(r.text, symbols("IN", int64(binary.LittleEndian.Uint32(p[4:])))...)
		r.text = append(r.text, ", "...)
		cookies = r.cookie(cookies, binary.LittleEndian.Uint32(p[8:]))
		r.text = append(r.text, ", "...)
		r.text = strconv.AppendQuote(r.text, string(name))
		r.text = append(r.text, ')')
		p = p[end:]
	}
	r.text = append(r.text, ']')
}

// cookie writes the number of a cookie.
func (r *runner) cookie(seen []uint32, raw uint32) []uint32 {
	if raw == 0 {
		r.number(0)
		return seen
	}
	for i, c := range seen {
		if c == raw {
			r.number(int64(i + 1))
			return seen
		}
	}
	seen = append(seen, raw)
	r.number(int64(len(seen)))
	return seen
}
