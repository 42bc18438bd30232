package scenario

import (
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// settle finds the names of the top level whose values need not be looked at to know what they lead to: to nothing,
// or to the body of one function.
func (p *Program) settle(file *syntax.File) {
	p.plain, p.defs = slices.Repeat([]bool{true}, len(p.globals)), make([]*body, len(p.globals))
	bound := make([]int, len(p.globals))
	for before := []bool(nil); !slices.Equal(before, p.plain); { // what is plain may depend on names that turn out not to be
		before = slices.Clone(p.plain)
		clear(bound)
		syntax.Walk(file, func(n syntax.Node) bool {
			switch n := n.(type) {
			case *syntax.AssignStmt:
				p.bind(n.LHS, p.isPlain(n.RHS), bound)
			case *syntax.ForStmt:
				p.bind(n.Vars, p.isPlain(n.X), bound)
			case *syntax.DefStmt:
				p.bind(n.Name, false, bound)
				p.settleDef(n)
			}
			return true
		})
	}
	for i, n := range bound {
		if n > 1 {
			p.defs[i] = nil
		}
	}
}

// bind notes that the names in lhs get what is plain, or not, or is part of that.
func (p *Program) bind(lhs syntax.Expr, plain bool, bound []int) {
	var names stmtText
	p.assigned(&names, lhs)
	for _, i := range names.assigns {
		bound[i]++
		p.plain[i] = p.plain[i] && plain
	}
}

// settleDef notes the body of a function that has neither defaults nor variables of others.
func (p *Program) settleDef(def *syntax.DefStmt) {
	i, ok := globalIndex(def.Name)
	fn, known := def.Function.(*resolve.Function)
	if !ok || !known || len(fn.FreeVars) > 0 {
		return
	}
	for _, param := range fn.Params {
		if _, hasDefault := param.(*syntax.BinaryExpr); hasDefault {
			return
		}
	}
	p.defs[i] = p.bodies[pointOf(fn.Pos)]
}

// isPlain reports whether x is always a number, a string, an errno and the like, or a tuple of such: it leads to nothing
// that can change and to no function.
func (p *Program) isPlain(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Literal:
		return true
	case *syntax.Ident:
		if i, ok := globalIndex(x); ok {
			return p.plain[i]
		}
		return isUniversal(x, "None", "True", "False") || predeclaredName(x) != ""
	case *syntax.ParenExpr:
		return p.isPlain(x.X)
	case *syntax.TupleExpr:
		return !slices.ContainsFunc(x.List, func(e syntax.Expr) bool { return !p.isPlain(e) })
	case *syntax.UnaryExpr:
		return x.X != nil && p.isPlain(x.X)
	case *syntax.BinaryExpr:
		return p.isPlain(x.X) && p.isPlain(x.Y)
	case *syntax.CondExpr:
		return p.isPlain(x.True) && p.isPlain(x.False)
	case *syntax.IndexExpr:
		return p.isPlain(x.X)
	case *syntax.CallExpr:
		return plainCalls[predeclaredName(x.Fn)] || isUniversal(x.Fn, "abs", "bool", "bytes", "float", "hash", "int", "len", "range", "repr", "str", "type")
	}
	return false
}

// isUniversal reports whether x is one of the names of Starlark itself.
func isUniversal(x syntax.Expr, names ...string) bool {
	id, ok := x.(*syntax.Ident)
	if !ok || !slices.Contains(names, id.Name) {
		return false
	}
	b, ok := id.Binding.(*resolve.Binding)
	return ok && b.Scope == resolve.Universal
}

// plainCalls are the builtins whose results are plain.
var plainCalls = func() map[string]bool {
	names := map[string]bool{}
	for _, r := range table {
		name, _, _ := strings.Cut(r.sig, "(")
		names[name] = !r.lists
	}
	return names
}()

// canChange reports whether v is not plain.
func canChange(v starlark.Value) bool {
	switch v := v.(type) {
	case *starlark.List, *starlark.Dict, *starlark.Set, *starlarkstruct.Struct, starlark.Callable:
		return true
	case starlark.Tuple:
		return slices.ContainsFunc(v, canChange)
	}
	return false
}
