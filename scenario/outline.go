package scenario

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

// outline is a program as statements that can be left out.
type outline struct {
	src   []byte
	lines []int // where each line begins
	top   []*statement
	all   []*statement // in the order of the text; what a statement contains follows it
}

// statement is one of an outline.
type statement struct {
	from, to int      // bytes of the text
	names    []string // that it mentions; of a block, before its body
	bodies   [][]*statement
	plain    bool // it is a loop or condition with one body
	jump     bool // break or continue
}

// outlineOf takes a program apart, which has no statements if it does not parse. A call of kernel() is none.
func outlineOf(filename string, src []byte) *outline {
	o := &outline{src: src, lines: []int{0}}
	for i, c := range src {
		if c == '\n' {
			o.lines = append(o.lines, i+1)
		}
	}
	if file, err := dialect.Parse(filename, src, 0); err == nil {
		o.top = o.block(file.Stmts)
	}
	return o
}

// offset is the byte of a place in the text.
func (o *outline) offset(p syntax.Position) int {
	at := o.lines[p.Line-1]
	for range p.Col - 1 {
		_, size := utf8.DecodeRune(o.src[at:])
		at += size
	}
	return at
}

func (o *outline) block(list []syntax.Stmt) (block []*statement) {
	for _, s := range list {
		start, end := s.Span()
		st := &statement{from: o.offset(start), to: o.offset(end)}
		if isKernelCall(s) {
			continue
		}
		block = append(block, st)
		o.all = append(o.all, st)
		switch s := s.(type) {
		case *syntax.DefStmt:
			st.names = mentioned(s.Name)
			st.bodies = [][]*statement{o.block(s.Body)}
		case *syntax.ForStmt:
			st.names, st.plain = mentioned(s.Vars, s.X), true
			st.bodies = [][]*statement{o.block(s.Body)}
		case *syntax.WhileStmt:
			st.names, st.plain = mentioned(s.Cond), true
			st.bodies = [][]*statement{o.block(s.Body)}
		case *syntax.IfStmt:
			st.names, st.plain = mentioned(s.Cond), len(s.False) == 0
			st.bodies = [][]*statement{o.block(s.True)}
			if len(s.False) > 0 {
				st.bodies = append(st.bodies, o.block(s.False))
			}
		case *syntax.BranchStmt:
			st.jump = s.Token != syntax.PASS
		default:
			st.names = mentioned(s)
		}
	}
	return block
}

// isKernelCall reports whether s chooses the version.
func isKernelCall(s syntax.Stmt) bool {
	e, ok := s.(*syntax.ExprStmt)
	if !ok {
		return false
	}
	call, ok := e.X.(*syntax.CallExpr)
	if !ok {
		return false
	}
	fn, ok := call.Fn.(*syntax.Ident)
	return ok && fn.Name == "kernel"
}

// edit is new text for some bytes.
type edit struct {
	from, to int
	text     string
}

// without returns the text with the statements of gone left out, or pass where a block would be empty.
func (o *outline) without(gone []*statement) []byte {
	out := map[*statement]bool{}
	for _, st := range gone {
		out[st] = true
	}
	var edits []edit
	visit := func(block []*statement, inside bool) {
		empty := !slices.ContainsFunc(block, func(st *statement) bool { return !out[st] })
		for len(block) > 0 {
			n := 1
			for n < len(block) && o.sameLine(block[n-1].to, block[n].from) {
				n++
			}
			if e, changed := o.leave(block[:n], out, empty && inside); changed {
				edits = append(edits, e)
			}
			empty = empty && !inside // one pass is enough
			block = block[n:]
		}
	}
	visit(o.top, false)
	for _, st := range o.all {
		for _, body := range st.bodies {
			visit(body, true)
		}
	}
	return apply(o.src, edits)
}

// leave joins what is left of statements that stand on one line; pass: something has to.
func (o *outline) leave(row []*statement, out map[*statement]bool, pass bool) (edit, bool) {
	first, last := row[0].from, row[len(row)-1].to
	var left []string
	for _, st := range row {
		if !out[st] {
			left = append(left, string(o.src[st.from:st.to]))
		}
	}
	switch {
	case len(left) == len(row):
		return edit{}, false
	case len(left) > 0:
		return edit{first, last, strings.Join(left, "; ")}, true
	case pass:
		return edit{first, last, "pass"}, true
	}
	for first > 0 && o.src[first-1] != '\n' {
		first--
	}
	for last < len(o.src) && o.src[last] != '\n' {
		last++
	}
	return edit{first, min(last+1, len(o.src)), ""}, true
}

func (o *outline) sameLine(from, to int) bool { return !bytes.Contains(o.src[from:to], []byte("\n")) }

// unwrap returns the text with the body of st in its place, nil if that is not a loop or condition with lines of its own.
func (o *outline) unwrap(st *statement) []byte {
	if !st.plain || len(st.bodies[0]) == 0 {
		return nil
	}
	body := st.bodies[0]
	if o.sameLine(st.from, body[0].from) {
		return nil
	}
	line := bytes.LastIndexByte(o.src[:body[0].from], '\n') + 1
	header := bytes.LastIndexByte(o.src[:st.from], '\n') + 1
	deeper := (body[0].from - line) - (st.from - header)
	if deeper <= 0 {
		return nil
	}
	lines := bytes.SplitAfter(o.src[line:st.to], []byte("\n"))
	for i, l := range lines {
		lines[i] = l[min(deeper, len(l)-len(bytes.TrimLeft(l, " \t"))):]
	}
	return apply(o.src, []edit{{header, st.to, string(bytes.Join(lines, nil))}})
}

// jumpsIn are the jumps inside of st.
func (o *outline) jumpsIn(st *statement) (jumps []*statement) {
	for _, inner := range o.all {
		if inner.jump && inner.from > st.from && inner.to <= st.to {
			jumps = append(jumps, inner)
		}
	}
	return jumps
}

// apply makes the outer ones of edits, some of which may lie within others.
func apply(src []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to))
	})
	var text []byte
	at := 0
	for _, e := range edits {
		if e.from < at {
			continue
		}
		text = append(append(text, src[at:e.from]...), e.text...)
		at = e.to
	}
	return append(text, src[at:]...)
}
