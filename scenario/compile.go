package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Bounds of what Compile takes. The resolver and the compiler walk the syntax tree recursively, and a chain such
// as 1+1+1… is as deep as it is long: without a bound it would overflow the stack of Go.
const (
	MaxSource = 4 << 20 // bytes
	maxNested = 5000    // levels of the syntax tree
)

// Program is a compiled scenario. It is immutable and may be run any number of times, also in parallel.
type Program struct {
	prog      *starlark.Program
	src       []byte
	lines     []int // offset of the first byte of each line
	calls     map[point]*syntax.CallExpr
	first     syntax.Position  // the place of what has no better one
	version   string           // of the kernel statement
	kernel    *syntax.CallExpr // the kernel statement, nil: none
	globals   []string         // names of the top level, as the resolver numbers them
	topBody   *body
	bodies    map[point]*body // of functions, by the place of def or lambda
	plain     []bool          // by name of the top level: what it refers to never changes, and is no function
	defs      []*body         // by name of the top level: of the function that it always refers to, nil: not known
	modelOnly string          // first builtin that only the model has

	predeclared starlark.StringDict // what of predeclared the text mentions
}

// point is a place in the one file of a Program: what the interpreter reports for a call is its "(".
type point struct{ line, col int32 }

// dialect opens what a scenario needs of Starlark beyond a configuration language.
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// Compile parses and resolves a scenario. The error is an *Error with the place, or several of them joined.
func Compile(filename string, src []byte) (*Program, error) {
	if len(src) > MaxSource {
		return nil, &Error{Pos: syntax.MakePosition(&filename, 1, 1),
			Msg: fmt.Sprintf("the program has %d bytes, at most %d are taken", len(src), MaxSource)}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // some editors begin a file with a byte order mark
	if err := isText(filename, src); err != nil {
		return nil, err
	}
	file, err := dialect.Parse(filename, src, 0)
	if err != nil {
		return nil, syntaxError(filename, err)
	}
	if err := refuse(file); err != nil {
		return nil, err
	}
	if len(file.Stmts) == 0 {
		return nil, &Error{Pos: syntax.MakePosition(&filename, 1, 1), Msg: "nothing in it to run: expected a scenario, " + dialectHint}
	}
	prog, err := starlark.FileProgram(file, predeclared.Has)
	if err != nil {
		return nil, syntaxError(filename, err)
	}
	p := &Program{
		prog: prog, src: src, lines: lineOffsets(src), first: syntax.MakePosition(&filename, 1, 1),
		calls: map[point]*syntax.CallExpr{}, predeclared: starlark.StringDict{},
	}
	p.kernelStatement(file)
	p.mentioned(file)
	p.settle(file)
	if err := p.survey(file); err != nil {
		return nil, err
	}
	return p, nil
}

// KernelPosition returns where the version stands that KernelVersion returns.
func (p *Program) KernelPosition() syntax.Position { return syntax.Start(p.kernel.Args[0]) }

// Filename returns the name the program was compiled under.
func (p *Program) Filename() string { return p.prog.Filename() }

// Source returns the text of the program. It must not be changed.
func (p *Program) Source() []byte { return p.src }

// KernelVersion returns the version that the first statement, kernel("5.10"), asks for.
func (p *Program) KernelVersion() (version string, ok bool) { return p.version, p.kernel != nil }

// ModelOnly returns the first builtin in the text that a host's kernel cannot serve.
func (p *Program) ModelOnly() (builtin string, ok bool) { return p.modelOnly, p.modelOnly != "" }

// kernelStatement notes the first statement if it is a call of kernel with a literal.
func (p *Program) kernelStatement(file *syntax.File) {
	if len(file.Stmts) == 0 {
		return
	}
	stmt, ok := file.Stmts[0].(*syntax.ExprStmt)
	if !ok {
		return
	}
	call, ok := stmt.X.(*syntax.CallExpr)
	if !ok || predeclaredName(call.Fn) != "kernel" || len(call.Args) != 1 {
		return
	}
	arg := call.Args[0]
	if named, ok := arg.(*syntax.BinaryExpr); ok && named.Op == syntax.EQ {
		arg = named.Y
	}
	if lit, ok := arg.(*syntax.Literal); ok && lit.Token == syntax.STRING {
		p.version, p.kernel = lit.Value.(string), call
	}
}

// survey collects what is needed of the syntax tree: the calls, for messages, and the use of builtins that
// only the model has. A call of kernel elsewhere is refused.
func (p *Program) survey(file *syntax.File) error {
	var wrong []error
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			p.calls[point{n.Lparen.Line, n.Lparen.Col}] = n
			if n != p.kernel && predeclaredName(n.Fn) == "kernel" {
				wrong = append(wrong, &Error{Pos: syntax.Start(n), Msg: kernelUsage})
			}
		case *syntax.Ident:
			name := predeclaredName(n)
			if name != "" {
				p.predeclared[name] = predeclared[name]
			}
			if p.modelOnly == "" && modelOnly[name] {
				p.modelOnly = name
			}
		}
		return true
	})
	return errors.Join(wrong...)
}

const kernelUsage = `kernel: must be the first statement, with the version as a string literal: kernel("5.10")`

// predeclaredName returns the name of e if it means a builtin or constant of ours.
func predeclaredName(e syntax.Expr) string {
	id, ok := e.(*syntax.Ident)
	if !ok {
		return ""
	}
	if b, ok := id.Binding.(*resolve.Binding); ok && b.Scope == resolve.Predeclared {
		return id.Name
	}
	return ""
}

// refuse reports what Starlark allows and a scenario may not have.
func refuse(file *syntax.File) error {
	for _, stmt := range file.Stmts {
		if load, ok := stmt.(*syntax.LoadStmt); ok {
			return &Error{Pos: load.Load, Msg: "load: not supported, a scenario is one file"}
		}
	}
	var err error
	depth := 0
	syntax.Walk(file, func(n syntax.Node) bool {
		if n == nil {
			depth--
			return false
		}
		if depth == maxNested && err == nil {
			err = &Error{Pos: syntax.Start(n), Msg: fmt.Sprintf("nested more than %d levels deep", maxNested)}
		}
		if err != nil {
			return false
		}
		depth++
		return true
	})
	return err
}

// syntaxError gives the errors of the parser and of the resolver our form.
func syntaxError(filename string, err error) error {
	switch err := err.(type) {
	case syntax.Error:
		return &Error{Pos: err.Pos, Msg: err.Msg + habit(err.Msg)}
	case resolve.ErrorList:
		var all []error
		for _, e := range err {
			all = append(all, &Error{Pos: e.Pos, Msg: e.Msg + suggestion(e.Msg)})
		}
		return errors.Join(all...)
	}
	return &Error{Pos: syntax.MakePosition(&filename, 1, 1), Msg: err.Error()}
}

// habits are what Python has and Starlark has not, by the token that the parser stumbles over, and what to write instead.
var habits = map[string]string{
	"import":         "a scenario imports nothing: its builtins are there from the start (epollsim help builtins)",
	"from":           "a scenario imports nothing: its builtins are there from the start (epollsim help builtins)",
	"class":          "there are no classes: use functions, lists and dicts",
	"try":            "there are no exceptions: a call that fails returns an errno, which is false and can be compared: if read(fd, 1) == EAGAIN",
	"raise":          "there are no exceptions: check(False, \"why\") fails the scenario",
	"assert":         "write check(condition, \"why\")",
	"with":           "there is no with: close what was opened",
	"yield":          "there are no generators: use lists, or spawn(fn)",
	"async":          "there are no coroutines: threads are made by spawn(fn)",
	"await":          "there are no coroutines: threads are made by spawn(fn), and join(t) waits for one",
	"is":             "there is no is: write ==",
	"del":            "there is no del: lists and dicts have .pop()",
	"global":         "a function cannot assign to a name of the top level: keep the value in a list, state = [0]",
	"nonlocal":       "a function cannot assign to a name outside of it: keep the value in a list, state = [0]",
	"'**'":           "there is no **: write 1 << n, or multiply",
	"string literal": "a string with a letter before it, or two in a row: only b\"…\" and r\"…\" are known; write \"%d\" % x, and + to join",
}

// habit completes the parser's "got x, want y" with what to write instead.
func habit(msg string) string {
	token, ok := strings.CutPrefix(msg, "got ")
	if !ok {
		return ""
	}
	token, _, _ = strings.Cut(token, ",")
	if hint := habits[token]; hint != "" {
		return " (" + hint + ")"
	}
	return ""
}

// suggestion completes the resolver's "undefined: x", which does not know the names of ours.
func suggestion(msg string) string {
	name, ok := strings.CutPrefix(msg, "undefined: ")
	if !ok || strings.Contains(name, " ") {
		return ""
	}
	if n := Nearest(name, predeclaredNames); n != "" {
		return fmt.Sprintf(" (did you mean %s?)", n)
	}
	return ""
}

// Nearest returns the name that is fewest edits away from s, "" if none is close.
func Nearest(s string, names []string) string {
	best, at := "", max(1, len(s)/4)
	for _, n := range names {
		if d := edits(s, n, at); d <= at && (best == "" || d < at) {
			best, at = n, d
		}
	}
	return best
}

// edits counts how many letters to insert, drop or change make b of a; more than most need not be exact.
func edits(a, b string, most int) int {
	if abs(len(a)-len(b)) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func abs(n int) int { return max(n, -n) }
