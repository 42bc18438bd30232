package export

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed pack/Makefile
var packMakefile []byte

//go:embed pack/run
var packRun []byte

//go:embed pack/README.md
var packReadme string

// WritePack writes a folder with a program and a vector for each case, and what builds and runs them. refused are the
// cases that are not in it, for its README.
func WritePack(dir string, vectors []*Vector, refused []*Refusal) error {
	for _, sub := range []string{"c", "json"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			return err
		}
	}
	for _, v := range vectors {
		if err := v.WriteTo(filepath.Join(dir, "c"), "c"); err != nil {
			return err
		}
		if err := v.WriteTo(filepath.Join(dir, "json"), "json"); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Makefile"), packMakefile, 0o666); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "README.md"), readme(vectors, refused), 0o666); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "run"), packRun, 0o777)
}

// IsPack reports whether a pack may be written to a folder: it is not there, or empty, or has a pack in it.
func IsPack(dir string) bool {
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		return true
	}
	title, _, _ := strings.Cut(packReadme, "\n")
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	return err == nil && strings.HasPrefix(string(readme), title)
}

// WriteTo writes v into a folder as NAME.c or NAME.json.
func (v *Vector) WriteTo(dir, format string) error {
	text, err := v.Text(format)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, v.Name+"."+format), text, 0o666)
}

// Text is v as "c" or "json".
func (v *Vector) Text(format string) ([]byte, error) {
	if format == "json" {
		return v.JSON()
	}
	var b bytes.Buffer
	err := WriteProgram(&b, v)
	return b.Bytes(), err
}

func readme(vectors []*Vector, refused []*Refusal) []byte {
	var b bytes.Buffer
	b.WriteString(packReadme)
	fmt.Fprintf(&b, "\n## The %d cases\n\nWhat they expect is what Linux %s does.\n\n| case | calls | what it shows |\n|---|---|---|\n", len(vectors), vectors[0].Kernel)
	cell := strings.NewReplacer("|", "\\|", "\n", " ").Replace
	for _, v := range vectors {
		fmt.Fprintf(&b, "| [%s](c/%[1]s.c) | %d | %s |\n", v.Name, len(v.Calls), cell(v.Claim))
	}
	if len(refused) > 0 {
		fmt.Fprintf(&b, "\n## Not in the pack\n\n| case | why |\n|---|---|\n")
		for _, r := range refused {
			fmt.Fprintf(&b, "| %s | %s |\n", cell(r.Name), cell(r.Why))
		}
	}
	return b.Bytes()
}
