package scenario

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"go.starlark.net/syntax"
)

// Shrink returns a smaller program that still fails: statements are left out, of the top level and of functions, as long as fails
// says so. First many in a row, then half as many, down to single ones; then all that mention a name, such as what opens a file and
// what uses it; then pairs that mention the same name, such as what adds a watch and what removes it; and bodies take the
// place of the loops and conditions around them. fails is not asked about what does not compile, nor twice about the same.
// kernel() stays: the rest means something else without it. stop, which may be nil, is asked now and then whether to end with what
// there is: pairs are many in a long program.
func Shrink(filename string, src []byte, fails func(*Program) bool, stop func() bool) []byte {
	s := &shrinking{filename: filename, src: src, fails: fails, stop: stop, tried: map[[sha256.Size]byte]bool{sha256.Sum256(src): true}}
	if bytes.Contains(src, []byte("\r")) && !s.try(plainLines(src)) {
		return src
	}
	for s.rows() || s.names() || s.unwrapped() || s.pairs() {
	}
	return s.src
}

// plainLines ends lines as an outline expects it; \r\n and \r end them as well for Starlark, also within strings.
func plainLines(src []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// shrinking is the search for a smaller program.
type shrinking struct {
	filename string
	src      []byte // the smallest that fails
	fails    func(*Program) bool
	stop     func() bool
	tried    map[[sha256.Size]byte]bool // the sums of all that were
}

func (s *shrinking) over() bool { return s.stop != nil && s.stop() }

// try goes on with smaller if that fails.
func (s *shrinking) try(smaller []byte) bool {
	if smaller == nil || s.over() {
		return false
	}
	sum := sha256.Sum256(smaller)
	if s.tried[sum] {
		return false
	}
	s.tried[sum] = true
	p, err := Compile(s.filename, smaller)
	if err != nil || !s.fails(p) {
		return false
	}
	s.src = smaller
	return true
}

// rows leaves out statements in a row, from the end on, for what stands there needs what stands before.
func (s *shrinking) rows() (found bool) {
	n := len(outlineOf(s.filename, s.src).all)
	for size := n; size > 0; size /= 2 {
		for end := n; end > 0 && !s.over(); end -= size {
			o := outlineOf(s.filename, s.src)
			n = len(o.all)
			end = min(end, n)
			found = s.try(o.without(o.all[max(end-size, 0):end])) || found
		}
	}
	return found
}

// names leaves out all that mentions a name.
func (s *shrinking) names() (found bool) {
	o := outlineOf(s.filename, s.src)
	var names []string
	for _, st := range o.all {
		for _, name := range st.names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		if s.over() {
			break
		}
		o = outlineOf(s.filename, s.src)
		gone := slices.DeleteFunc(slices.Clone(o.all), func(st *statement) bool { return !slices.Contains(st.names, name) })
		if len(gone) > 1 {
			found = s.try(o.without(gone)) || found
		}
	}
	return found
}

// pairs leaves out two statements that have a name in common.
func (s *shrinking) pairs() bool {
	o := outlineOf(s.filename, s.src)
	for i := len(o.all) - 1; i > 0 && !s.over(); i-- {
		for j := i - 1; j >= 0; j-- {
			if o.all[i].shares(o.all[j]) && s.try(o.without([]*statement{o.all[j], o.all[i]})) {
				return true
			}
		}
	}
	return false
}

// unwrapped puts the body in the place of a loop or condition.
func (s *shrinking) unwrapped() (found bool) {
	for i := 0; ; i++ {
		o := outlineOf(s.filename, s.src)
		if i >= len(o.all) || s.over() {
			return found
		}
		if s.try(o.unwrap(o.all[i])) {
			found = true
		} else if jumps := o.jumpsIn(o.all[i]); o.all[i].plain && len(jumps) > 0 { // they need the loop
			if o = outlineOf(s.filename, o.without(jumps)); i < len(o.all) {
				found = s.try(o.unwrap(o.all[i])) || found
			}
		}
	}
}

// shares reports whether two statements mention the same name.
func (st *statement) shares(other *statement) bool {
	return slices.ContainsFunc(st.names, func(name string) bool { return slices.Contains(other.names, name) })
}

// mentioned are the names in nodes, without those of builtins.
func mentioned(nodes ...syntax.Node) (names []string) {
	for _, n := range nodes {
		syntax.Walk(n, func(n syntax.Node) bool {
			if id, ok := n.(*syntax.Ident); ok && !slices.Contains(names, id.Name) && !predeclared.Has(id.Name) {
				names = append(names, id.Name)
			}
			return true
		})
	}
	return names
}
