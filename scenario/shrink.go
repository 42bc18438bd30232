package scenario

import (
	"bytes"
	"slices"
	"strings"

	"go.starlark.net/syntax"
)

// lineRange is what a statement takes of the text: lines from first to last, 1-based, and how far it is indented.
type lineRange struct {
	first, last int
	indent      int
	only        bool // the only statement of its block
}

// Shrink returns a smaller program that still fails: statements are taken out, of the top level and of functions, first
// many at once, then one by one, as long as fails says so. fails is not asked about what does not compile.
func Shrink(filename string, src []byte, fails func(*Program) bool) []byte {
	for size := len(statements(filename, src)); size > 0; {
		smaller := shrinkBy(filename, src, size, fails)
		if smaller != nil {
			src = smaller
			size = min(size, len(statements(filename, src)))
		} else {
			size /= 2
		}
	}
	return src
}

// shrinkBy takes size statements in a row out of src, where that is possible; nil if nowhere. It begins at the end, for
// what stands there needs what stands before.
func shrinkBy(filename string, src []byte, size int, fails func(*Program) bool) []byte {
	all := statements(filename, src)
	for end := len(all); end > 0; end -= size {
		smaller := without(src, all[max(end-size, 0):end])
		p, err := Compile(filename, smaller)
		if err == nil && len(smaller) < len(src) && fails(p) {
			return smaller
		}
	}
	return nil
}

// statements lists those that have their lines to themselves, in the order of the text; those inside others follow them.
func statements(filename string, src []byte) (all []lineRange) {
	file, err := dialect.Parse(filename, src, 0)
	if err != nil {
		return nil
	}
	var block func(stmts []syntax.Stmt)
	block = func(stmts []syntax.Stmt) {
		for i, s := range stmts {
			start, end := s.Span()
			r := lineRange{int(start.Line), int(end.Line), int(start.Col) - 1, len(stmts) == 1}
			if i > 0 {
				if _, before := stmts[i-1].Span(); before.Line == start.Line {
					continue
				}
			}
			all = append(all, r)
			switch s := s.(type) {
			case *syntax.DefStmt:
				block(s.Body)
			case *syntax.ForStmt:
				block(s.Body)
			case *syntax.WhileStmt:
				block(s.Body)
			case *syntax.IfStmt:
				block(s.True)
				block(s.False)
			}
		}
	}
	block(file.Stmts)
	return all
}

// without returns src with the lines of gone left out, or pass where a block would be empty.
func without(src []byte, gone []lineRange) []byte {
	lines := slices.Collect(bytes.Lines(src))
	for _, r := range gone {
		for i := r.first; i <= r.last && i <= len(lines); i++ {
			lines[i-1] = nil
		}
		if r.only && r.indent > 0 {
			lines[r.first-1] = []byte(strings.Repeat(" ", r.indent) + "pass\n")
		}
	}
	return bytes.Join(lines, nil)
}
