package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/kernel"
	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
)

// stdinName is what a scenario from standard input is called in messages.
const stdinName = "<stdin>"

// scenarioFiles resolves arguments: files, "-", ids of embedded cases, and folders, which stand for the .star
// files below them.
func scenarioFiles(args []string) (files []string, many bool, err error) {
	for _, arg := range args {
		if arg == "" {
			return nil, false, usagef("the name of a scenario is empty")
		}
		info, err := os.Stat(arg)
		if _, isCase := casebook.Find(arg); arg == "-" || err == nil && !info.IsDir() || err != nil && isCase {
			files = append(files, arg)
			continue
		}
		if err != nil {
			return nil, false, usagef("%v, and no case is called so", plainPathError(err))
		}
		many = true
		n := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) == ".star" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, false, usagef("%v", plainPathError(err))
		}
		if len(files) == n {
			return nil, false, usagef("%s: no .star file in this folder", arg)
		}
		slices.Sort(files[n:])
	}
	return files, many || len(files) > 1, nil
}

// plainPathError says what is wrong with a path without naming the system call.
func plainPathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// compile reads and compiles a scenario.
func compile(cmd *cobra.Command, file string) (*scenario.Program, error) {
	var src []byte
	var err error
	name := file
	if file == "-" {
		name = stdinName
		src, err = io.ReadAll(cmd.InOrStdin())
	} else {
		src, err = os.ReadFile(file)
		if c, ok := casebook.Find(file); ok && errors.Is(err, fs.ErrNotExist) {
			name, src, err = c.File, []byte(c.Source), nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("%v, and no case is called so", plainPathError(err))
	case err != nil:
		return nil, usagef("%v; expected one scenario", plainPathError(err))
	}
	p, err := scenario.Compile(name, src)
	if err != nil {
		return nil, exitError{scenario.ExitScenario, err.Error()}
	}
	return p, nil
}

// kernelVersion is the version a scenario runs on: the flag's, its own, or the baseline.
func kernelVersion(flag string, p *scenario.Program) (kernel.Version, error) {
	if flag != "" {
		v, err := kernel.ParseVersion(flag)
		if err != nil {
			return v, usagef("--kernel: %v", err)
		}
		return v, nil
	}
	if name, ok := p.KernelVersion(); ok {
		v, err := kernel.ParseVersion(name)
		if err != nil {
			return v, exitError{scenario.ExitScenario, fmt.Sprintf("%s: kernel: %v", p.KernelPosition(), err)}
		}
		return v, nil
	}
	return kernel.Baseline, nil
}
