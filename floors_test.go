package epollsim

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/epollsim/epollsim"

// floors is the house as doc.go and README.md draw it. A package may import packages of lower floors only.
var floors = map[string]int{
	"":                      5, // the embedded scenarios: imports nothing
	"abi":                   0,
	"internal/form":         0, // for tests alone
	"internal/list":         0,
	"rbtree":                0,
	"sim":                   1, // uses internal/list
	"sim/explore":           2,
	"waitqueue":             2,
	"vfs":                   3,
	"devices":               4,
	"devices/devicetest":    4,
	"eventpoll":             4,
	"kernel":                5,
	"kernel/host":           6,
	"kernel/kerneltest":     7,
	"scenario":              7,
	"scenario/strace":       6,
	"scenario/strace/files": 7,
	"scenario/replay":       8,
	"scenario/steps":        7,
	"scenario/events":       7,
	"scenario/picture":      7,
	"scenario/casebook":     6,
	"scenario/bench":        6,
	"scenario/export":       8,
	"scenario/verify":       8,
	"scenario/fuzz":         8,
	"cmd/epollsim":          9,
}

func TestImportsPointDown(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		dir := path.Dir(filepath.ToSlash(file))
		if dir == "." {
			dir = ""
		}
		floor, ok := floors[dir]
		require.True(t, ok, "package %q stands on no floor: add it to the table", dir)
		seen[dir] = true
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if imported != module && !strings.HasPrefix(imported, module+"/") {
				continue
			}
			below := strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			to, ok := floors[below]
			require.True(t, ok, "%s imports %q, which stands on no floor", file, below)
			if below != "" {
				require.Less(t, to, floor, "%s imports %s: the arrow points up", file, below)
			}
		}
		return nil
	})
	require.NoError(t, err)
	for dir := range floors {
		require.True(t, seen[dir], "the table names package %q, which does not exist", dir)
	}
}

// Every file of a package of several is named in its doc.go, by name or by a pattern such as tcp*.go.
func TestDocNamesEveryFile(t *testing.T) {
	word := regexp.MustCompile(`[\w*]+(?:\.go|\*)`)
	for dir := range floors {
		doc, err := os.ReadFile(filepath.Join(dir, "doc.go"))
		if os.IsNotExist(err) {
			continue // a command, or a package of one file
		}
		require.NoError(t, err)
		patterns := word.FindAllString(string(doc), -1)
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			name := filepath.Base(file)
			if name == "doc.go" || strings.HasSuffix(name, "_test.go") {
				continue
			}
			assert.True(t, slices.ContainsFunc(patterns, func(p string) bool {
				ok, err := path.Match(p, name)
				return err == nil && ok
			}), "%s: say in %s what is in it", file, filepath.Join(dir, "doc.go"))
		}
	}
}
