package abi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Names that stand in no row.
var rowless = map[string]string{
	"PIPE_BUF":         "a limit, not an argument",
	"SizeofEpollEvent": "ours",
	"FdSetSize":        "ours",

	"SizeofSockaddrUn":      "ours",
	"SizeofSockaddrIn":      "ours",
	"SizeofSockaddrIn6":     "ours",
	"SizeofSockaddrStorage": "ours",
	"TABDLY":                "a field of c_oflag",
	"XTABS":                 "a value of it",
	"CSIZE":                 "a field of c_cflag",
	"CS8":                   "a value of it",
	"B38400":                "a value of another field",
	"EPOLLURINGWAKE":        "its row has the kernel's name, EPOLL_URING_WAKE",
}

// Every exported constant stands in one row, under its own name; a row that names a constant takes its value from it.
func TestEachConstantHasItsRow(t *testing.T) {
	rows := map[string]int{}
	var constants []string
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GenDecl:
				if n.Tok == token.CONST {
					constants = append(constants, exportedNames(n)...)
				}
			case *ast.CompositeLit:
				if name, value, ok := rowOf(n); ok {
					rows[name]++
					if value != "" && value != name && ast.IsExported(name) {
						assert.Contains(t, []string{"FASYNC", "EPOLL_URING_WAKE"}, name, "row takes its value from %s", value)
					}
				}
			}
			return true
		})
	}
	require.NotEmpty(t, constants)
	for _, name := range constants {
		if rowless[name] == "" {
			assert.Equal(t, 1, rows[name], "rows of %s", name)
		}
	}
}

// sources parses the files of the package without its tests.
func sources(t *testing.T) (files []*ast.File) {
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

func exportedNames(d *ast.GenDecl) (names []string) {
	for _, spec := range d.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if name.IsExported() {
				names = append(names, name.Name)
			}
		}
	}
	return names
}

// rowOf reads {"NAME", NAME, use}, {"NAME", int64(NAME), use} and NAME: {"NAME", "text"}; value is the identifier in
// the second place, if there is one.
func rowOf(lit *ast.CompositeLit) (name, value string, ok bool) {
	if len(lit.Elts) < 2 || lit.Type != nil {
		return "", "", false
	}
	first, ok := lit.Elts[0].(*ast.BasicLit)
	if !ok || first.Kind != token.STRING {
		return "", "", false
	}
	name, _ = strconv.Unquote(first.Value)
	second := lit.Elts[1]
	if call, ok := second.(*ast.CallExpr); ok {
		second = call.Args[0]
	}
	if ident, ok := second.(*ast.Ident); ok && !strings.Contains(name, " ") {
		value = ident.Name
	}
	return name, value, true
}

func TestConstantsAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Constants() {
		assert.False(t, seen[c.Name], "%s is listed twice", c.Name)
		seen[c.Name] = true

		v, ok := ParseFlags(c.Name)
		assert.True(t, ok, c.Name)
		assert.Equal(t, c.Value, v, c.Name)
		if _, isErrno := ErrnoByName(c.Name); isErrno {
			t.Errorf("%s is an errno too", c.Name)
		}
	}
	for _, name := range []string{"POLLFREE", "EPOLL_URING_WAKE", "FASYNC", "__WALL", "SNDCTL_TMR_START or TCSETS"} {
		assert.False(t, seen[name], "%s is not for authors", name)
	}
}

func TestConstantsHaveAFixedOrder(t *testing.T) {
	list := Constants()
	require.Equal(t, list, Constants())
	assert.Equal(t, Constant{"EPOLLIN", 1, "EPOLL"}, list[0])
	assert.Contains(t, list, Constant{"EPOLLET", 1 << 31, "EPOLL"})
	assert.Contains(t, list, Constant{"SIGUSR1", 10, "SIG"})
	assert.Contains(t, list, Constant{"SIGRT_32", 64, "SIG"})

	list[0].Name = "changed by the caller"
	assert.Equal(t, "EPOLLIN", Constants()[0].Name)
}

// A value of one group has one printed name.
func TestRowsDoNotCollide(t *testing.T) {
	for _, g := range groups {
		printed := map[int64]string{}
		for _, r := range append(append([]row(nil), g.base...), g.rows...) {
			if !r.printed() {
				continue
			}
			if other, twice := printed[r.value]; twice {
				t.Errorf("%s: %s and %s have one value", g.name, other, r.name)
			}
			printed[r.value] = r.name
		}
	}
}
