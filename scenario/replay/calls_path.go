package replay

import "github.com/epollsim/epollsim/abi"

// Calls on files by their names. The model has none of these files: what the calls come to only the log knows, and what they do matters to
// those that watch.

func pathRows() []row {
	const isDir = abi.IN_ISDIR
	return []row{
		row{
			name:  "inotify_add_watch",
			parse: parseWith(func(o *op, a *args) { o.fd, o.text, o.a[0] = a.int32(0), a.text(1), a.num(2) }),
			run:   noRun,
		},
		row{
			name:  "inotify_rm_watch",
			parse: parseWith(func(o *op, a *args) { o.fd, o.a[0] = a.int32(0), a.num(1) }),
			run:   noRun,
		},
		row{
			name: "chdir", parse: parseWith(func(o *op, a *args) { o.text = a.text(0) }),
			run: func(x *exec, o *op) outcome { x.goesTo(o, o.text); return noRun(x, o) },
		},
		row{
			name: "fchdir", parse: parseWith(func(o *op, a *args) {}),
			run: func(x *exec, o *op) outcome { x.goesTo(o, ""); return noRun(x, o) },
		},
		pathRow("mkdir", 0, func(x *exec, o *op, name string) { x.happened(name, abi.IN_CREATE|isDir, 0) }),
		pathRow("mkdirat", 1, func(x *exec, o *op, name string) { x.happened(name, abi.IN_CREATE|isDir, 0) }),
		pathRow("rmdir", 0, func(x *exec, o *op, name string) { x.removed(name, isDir) }),
		pathRow("unlink", 0, func(x *exec, o *op, name string) { x.removed(name, 0) }),
		pathRow("unlinkat", 1, func(x *exec, o *op, name string) {
			if o.a[1] != 0 { // AT_REMOVEDIR
				x.removed(name, isDir)
				return
			}
			x.removed(name, 0)
		}),
		renameRow("rename", 0, 0, 1), renameRow("renameat", 1, 2, 3), renameRow("renameat2", 1, 2, 3),
	}
}

// pathRow is a call on one name, which is its argument number at; of an at-call the one before is where it begins.
func pathRow(name string, at int, did func(*exec, *op, string)) row {
	return row{
		name: name,
		parse: parseWith(func(o *op, a *args) {
			o.text, o.a[0], o.a[1] = a.text(at), abi.AT_FDCWD, a.numOr(2, 0)
			if at == 1 {
				o.a[0] = a.numOr(0, abi.AT_FDCWD)
			}
		}),
		run: func(x *exec, o *op) outcome {
			if len(x.notifiers) > 0 && !o.want.failed() {
				did(x, o, x.named(o, int(o.a[0]), o.text))
			}
			return noRun(x, o)
		},
	}
}

// renameRow is a rename: from is the argument with the old name, dir and to are the new one's.
func renameRow(name string, from, dir, to int) row {
	return row{
		name: name,
		parse: parseWith(func(o *op, a *args) {
			o.text, o.other, o.a[0], o.a[1] = a.text(from), a.text(to), abi.AT_FDCWD, abi.AT_FDCWD
			if from == 1 {
				o.a[0], o.a[1], o.a[2] = a.numOr(0, abi.AT_FDCWD), a.numOr(dir, abi.AT_FDCWD), a.numOr(4, 0)
			}
		}),
		run: func(x *exec, o *op) outcome {
			if len(x.notifiers) > 0 && !o.want.failed() {
				x.renamed(o, x.named(o, int(o.a[0]), o.text), x.named(o, int(o.a[1]), o.other))
			}
			return noRun(x, o)
		},
	}
}

// renamed tells of both names, where it is known that a file is behind the old one: of a directory it is told that it is one.
func (x *exec) renamed(o *op, from, to string) {
	plain := x.regular[from] && o.a[2] == 0 && to != ""
	x.forgetName(from)
	x.forgetName(to)
	if !plain {
		x.moves++ // it may be a directory
		return
	}
	x.regular[to] = true
	x.cookie++
	x.happened(from, abi.IN_MOVED_FROM, x.cookie)
	x.happened(to, abi.IN_MOVED_TO, x.cookie)
}

// removed tells that a name is gone.
func (x *exec) removed(name string, kind uint32) {
	x.happened(name, abi.IN_DELETE|kind, 0)
	x.forgetName(name)
}

// noRun comes to what the log says.
func noRun(x *exec, o *op) outcome {
	x.tally.injected++
	return o.want
}
