package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/casebook"
	"github.com/epollsim/epollsim/scenario/export"
	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/sim"
)

// exportFlags are the flags of export.
type exportFlags struct {
	limits
	to   string
	dir  string
	pack string
}

func newExport() *cobra.Command {
	var f exportFlags
	cmd := &cobra.Command{
		Use:   "export [FILE.star…] [--to=c|json] [-o DIR] | --pack DIR | FILE.strace… --to=star [-o FILE.star]",
		Short: "Write scenarios as C programs or JSON vectors, to test other implementations of epoll with",
		Long: `Run scenarios of one process on the model and write the calls they make, with what the model returned: as stand-alone C
programs that report in KTAP, or as JSON (docs/export.md). One goes to standard output, several into the folder of -o.
--pack writes a folder with both, a Makefile and a script that runs them; of the whole casebook if no file is named.
--to=star goes the other way: it writes the log of a program as a scenario (docs/replay.md).`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "c", "c or json; star turns a log of strace into a scenario")
	flags.StringVarP(&f.dir, "output", "o", "", "the `folder` for NAME.c or NAME.json; it is made if it is not there")
	flags.StringVar(&f.pack, "pack", "", "write a conformance pack into this `folder`")
	f.limits.flags(flags)
	return cmd
}

func (f *exportFlags) run(cmd *cobra.Command, args []string) error {
	if f.to == "star" {
		return f.star(cmd, args)
	}
	if f.to != "c" && f.to != "json" {
		return usagef("--to=%s: expected c, json, or star for a log of strace", f.to)
	}
	if f.pack != "" && (f.dir != "" || cmd.Flags().Changed("to")) {
		return usagef("--pack writes both forms into its folder; it goes without --to and -o")
	}
	if err := f.limits.check(); err != nil {
		return err
	}
	files, many, open, err := f.scenarios(cmd, args)
	if err != nil {
		return err
	}
	if many && f.pack == "" && f.dir == "" {
		return usagef("%d scenarios need a folder to go to: -o DIR", len(files))
	}
	f.watch()
	vectors, refused, err := f.record(files, open)
	if err != nil {
		return err
	}
	if err := f.check(files, vectors); err != nil {
		return err
	}
	if f.pack != "" {
		return f.writePack(cmd, vectors, refused)
	}
	return f.write(cmd, vectors, refused)
}

// scenarios are those that args name, and how to read one. A pack without names is of the casebook, whatever files here are called
// like a case.
func (f *exportFlags) scenarios(cmd *cobra.Command, args []string) (files []string, many bool, open openFunc, err error) {
	switch {
	case len(args) > 0:
		files, many, err = scenarioFiles(args)
		return files, many, func(file string) (*scenario.Program, error) { return compile(cmd, file) }, err
	case f.pack == "":
		return nil, false, nil, usagef("export: name a scenario, or --pack DIR for the casebook")
	}
	for _, c := range casebook.All() {
		files = append(files, c.ID)
	}
	return files, true, func(id string) (*scenario.Program, error) {
		c, _ := casebook.Find(id)
		return scenario.Compile(c.File, []byte(c.Source))
	}, nil
}

type openFunc = func(file string) (*scenario.Program, error)

// record runs the scenarios. Those that cannot be exported are refused; any other mistake ends the command.
func (f *exportFlags) record(files []string, open openFunc) (vectors []*export.Vector, refused []*export.Refusal, err error) {
	seen := map[string]string{}
	for _, file := range files {
		p, err := open(file)
		if err == nil {
			_, err = kernelVersion("", p)
		}
		if err != nil {
			return nil, nil, err
		}
		v, err := export.Record(p, export.Options{MaxSteps: f.steps, MaxStarlark: f.starlark, MaxTasks: f.tasks})
		var refusal *export.Refusal
		var limit *sim.LimitError
		switch {
		case errors.As(err, &limit):
			return nil, nil, exitError{scenario.ExitLimit, fmt.Sprintf("%s: %v", p.Filename(), limit)}
		case errors.As(err, &refusal):
			refused = append(refused, refusal)
		case err != nil:
			return nil, nil, err
		case seen[v.Name] != "":
			return nil, nil, usagef("%s and %s would both be %s.%s", seen[v.Name], file, v.Name, f.to)
		default:
			seen[v.Name] = file
			vectors = append(vectors, v)
		}
	}
	return vectors, refused, nil
}

// check refuses folders in which writing would lose a file of the user.
func (f *exportFlags) check(files []string, vectors []*export.Vector) error {
	if f.pack != "" && !export.IsPack(f.pack) {
		return usagef("--pack %s: the folder has other files in it; name one that is empty, or not there", f.pack)
	}
	var outs []string
	for _, v := range vectors {
		if f.pack != "" {
			outs = append(outs, filepath.Join(f.pack, "c", v.Name+".c"), filepath.Join(f.pack, "json", v.Name+".json"))
		} else if f.dir != "" {
			outs = append(outs, filepath.Join(f.dir, v.Name+"."+f.to))
		}
	}
	for _, out := range outs {
		for _, in := range files {
			if sameFile(in, out) {
				return usagef("%s: this is the scenario itself, which would be lost; name another folder", out)
			}
		}
	}
	return nil
}

func (f *exportFlags) write(cmd *cobra.Command, vectors []*export.Vector, refused []*export.Refusal) error {
	if f.dir != "" && len(vectors) > 0 {
		if err := os.MkdirAll(f.dir, 0o777); err != nil {
			return usagef("%v", plainPathError(err))
		}
	}
	for _, v := range vectors {
		var err error
		if f.dir != "" {
			err = v.WriteTo(f.dir, f.to)
		} else {
			var text []byte
			if text, err = v.Text(f.to); err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
		}
		if err != nil {
			return usagef("%v", plainPathError(err))
		}
	}
	if len(refused) > 0 {
		lines := make([]string, len(refused))
		for i, r := range refused {
			lines[i] = r.Error()
		}
		return exitError{scenario.ExitScenario, strings.Join(lines, "\n")}
	}
	return nil
}

// writePack leaves out what is refused: the README of the pack tells why.
func (f *exportFlags) writePack(cmd *cobra.Command, vectors []*export.Vector, refused []*export.Refusal) error {
	if len(vectors) == 0 {
		return exitError{scenario.ExitScenario, refused[0].Error()}
	}
	if err := export.WritePack(f.pack, vectors, refused); err != nil {
		return usagef("%v", plainPathError(err))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d cases in %s, %d left out (see its README.md); build and run them: make -C %[2]s check\n",
		len(vectors), filepath.Clean(f.pack), len(refused))
	return nil
}

// star writes a log as a scenario.
func (f *exportFlags) star(cmd *cobra.Command, files []string) error {
	if f.pack != "" {
		return usagef("--pack is for scenarios; --to=star makes one of a log")
	}
	if len(files) == 0 {
		return usagef("export --to=star: name a log of strace")
	}
	if err := f.limits.check(); err != nil {
		return err
	}
	out := output{"-o", f.dir}
	if err := checkOutputs("log", files, out); err != nil {
		return err
	}
	f.watch()
	log, err := readLog(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer log.Close()
	text, err := replay.Star(log, replay.Options{MaxSteps: f.steps, MaxTasks: f.tasks})
	if err != nil {
		return exitError{scenario.ExitScenario, err.Error()}
	}
	if out.isFile() {
		return out.write([]byte(text))
	}
	if _, err = fmt.Fprint(cmd.OutOrStdout(), text); err != nil {
		return usagef("writing to standard output: %v", err)
	}
	return nil
}
