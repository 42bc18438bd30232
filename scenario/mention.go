package scenario

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/syntax"
)

// body is a sequence of statements that a thread executes: the top level, or a function.
type body struct {
	stmts []stmtText
}

// stmtText is what a statement of a body mentions, with all inside it.
type stmtText struct {
	start, end point
	globals    []int // names of the top level that it reads, as indices into Program.globals
	starts     []int // … that it only hands to spawn or fork, to be called elsewhere
	assigns    []int // … and that it assigns
	calls      bool  // it always makes a system call: what follows belongs to another step
}

// mentioned collects the bodies of a program, for the explorer: what a thread may touch between two calls.
func (p *Program) mentioned(file *syntax.File) {
	p.bodies = map[point]*body{}
	for _, b := range file.Module.(*resolve.Module).Globals {
		p.globals = append(p.globals, b.First.Name)
	}
	p.topBody = p.newBody(file.Stmts)
	syntax.Walk(file, func(n syntax.Node) bool {
		var fn any
		switch n := n.(type) {
		case *syntax.DefStmt:
			fn = n.Function
		case *syntax.LambdaExpr:
			fn = n.Function
		}
		if f, ok := fn.(*resolve.Function); ok {
			p.bodies[pointOf(f.Pos)] = p.newBody(f.Body)
		}
		return true
	})
}

func pointOf(pos syntax.Position) point { return point{pos.Line, pos.Col} }

func (a point) before(b point) bool { return a.line < b.line || a.line == b.line && a.col < b.col }

func (p *Program) newBody(stmts []syntax.Stmt) *body {
	b := &body{}
	for _, s := range stmts {
		start, end := s.Span()
		t := stmtText{start: pointOf(start), end: pointOf(end), calls: alwaysCalls(s)}
		p.mentions(&t, s)
		b.stmts = append(b.stmts, t)
	}
	return b
}

// mentions adds to t the names in n. A function that is only registered as a final condition runs when all is over.
func (p *Program) mentions(t *stmtText, n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			switch predeclaredName(n.Fn) {
			case "exists", "forall", "never":
				return false
			case "spawn", "fork":
				return !p.starts(t, n)
			}
		case *syntax.AssignStmt:
			p.assigned(t, n.LHS)
		case *syntax.ForStmt:
			p.assigned(t, n.Vars)
		case *syntax.DefStmt:
			p.assigned(t, n.Name)
		case *syntax.Ident:
			if i, ok := globalIndex(n); ok && !slices.Contains(t.globals, i) {
				t.globals = append(t.globals, i)
			}
		}
		return true
	})
}

// starts adds to t what call, a spawn or fork, mentions, if it names its function: that runs in another thread.
func (p *Program) starts(t *stmtText, call *syntax.CallExpr) bool {
	if len(call.Args) == 0 {
		return false
	}
	fn, ok := call.Args[0].(*syntax.Ident)
	if !ok {
		return false
	}
	if i, ok := globalIndex(fn); ok {
		t.starts = append(t.starts, i)
	}
	for _, arg := range call.Args[1:] {
		p.mentions(t, arg)
	}
	return true
}

// assigned adds to t the names of the top level that stand on the left of an assignment.
func (p *Program) assigned(t *stmtText, lhs syntax.Expr) {
	switch x := lhs.(type) {
	case *syntax.Ident:
		if i, ok := globalIndex(x); ok && !slices.Contains(t.assigns, i) {
			t.assigns = append(t.assigns, i)
		}
	case *syntax.ParenExpr:
		p.assigned(t, x.X)
	case *syntax.ListExpr:
		for _, e := range x.List {
			p.assigned(t, e)
		}
	case *syntax.TupleExpr:
		for _, e := range x.List {
			p.assigned(t, e)
		}
	}
}

func globalIndex(id *syntax.Ident) (int, bool) {
	b, ok := id.Binding.(*resolve.Binding)
	if !ok || b.Scope != resolve.Global {
		return 0, false
	}
	return b.Index, true
}

// alwaysCalls reports whether s makes a system call whatever happens. join of what has ended makes none.
func alwaysCalls(s syntax.Stmt) bool {
	var x syntax.Expr
	switch s := s.(type) {
	case *syntax.ExprStmt:
		x = s.X
	case *syntax.AssignStmt:
		x = s.RHS
	case *syntax.ReturnStmt:
		x = s.Result
	}
	found := false
	if x != nil {
		syntax.Walk(x, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.CondExpr, *syntax.Comprehension, *syntax.LambdaExpr:
				return false
			case *syntax.BinaryExpr:
				if n.Op == syntax.AND || n.Op == syntax.OR {
					return false
				}
			case *syntax.CallExpr:
				found = found || systemCalls[predeclaredName(n.Fn)]
			}
			return true
		})
	}
	return found
}

// systemCalls are the builtins that never return without having been in the kernel.
var systemCalls = func() map[string]bool {
	names := map[string]bool{}
	for _, r := range table {
		name, _, _ := strings.Cut(r.sig, "(")
		names[name] = r.where == inThread && name != "join"
	}
	return names
}()

// from returns the statements of b that a thread which stands at pos may execute before its next system call.
func (b *body) from(pos point, started bool) []stmtText {
	i := 0
	if started {
		for i < len(b.stmts)-1 && !pos.before(b.stmts[i].end) {
			i++
		}
	}
	j := i
	if started && j < len(b.stmts) {
		j++ // the rest of this one
	}
	for j < len(b.stmts) {
		j++
		if b.stmts[j-1].calls {
			break
		}
	}
	return b.stmts[i:j]
}
