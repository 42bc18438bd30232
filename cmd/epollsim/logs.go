package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/epollsim/epollsim/scenario"
	"github.com/epollsim/epollsim/scenario/replay"
	"github.com/epollsim/epollsim/scenario/strace"
)

// logGroups are the logs that the arguments name: each file is one, but the files that strace -ff has written, one for each
// task, are one together.
func logGroups(args []string) [][]string {
	var groups [][]string
	at := map[string]int{} // by what stands before the number
	for _, name := range args {
		if strace.TidOfFile(name) == 0 {
			groups = append(groups, []string{name})
			continue
		}
		stem := name[:strings.LastIndexByte(name, '.')]
		i, ok := at[stem]
		if !ok {
			i = len(groups)
			at[stem], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], name)
	}
	return groups
}

// openLog gives what opens the files of a log, as often as it is read, and its name in messages.
func openLog(files []string, stdin io.Reader) (open replay.Opener, name string) {
	in, pipes := &spool{in: stdin}, map[string]*spool{}
	open = func() (strace.Source, func(), error) {
		var readers []*strace.Reader
		var opened []*os.File
		done := func() {
			for _, f := range opened {
				f.Close()
			}
		}
		for _, file := range files {
			if file == "-" {
				readers = append(readers, strace.NewReader(in.again(), stdinName, strace.ReaderOptions{}))
				continue
			}
			if in := pipes[file]; in != nil {
				readers = append(readers, strace.NewReader(in.again(), file, strace.ReaderOptions{Tid: strace.TidOfFile(file)}))
				continue
			}
			f, err := os.Open(file)
			if err != nil {
				done()
				return nil, nil, logError(file, err)
			}
			opts := strace.ReaderOptions{Tid: strace.TidOfFile(file)}
			if info, err := f.Stat(); err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeCharDevice) != 0 {
				pipes[file] = &spool{in: f}
				readers = append(readers, strace.NewReader(pipes[file].again(), file, opts))
				continue
			}
			opened = append(opened, f)
			readers = append(readers, strace.NewReader(f, file, opts))
		}
		return strace.Merge(readers...), done, nil
	}
	if name = files[0]; name == "-" {
		name = stdinName
	}
	return open, name
}

// readLog looks through a log, and refuses what is none.
func readLog(files []string, stdin io.Reader) (*replay.Log, error) {
	open, name := openLog(files, stdin)
	log, err := replay.Open(open, name)
	var at *strace.Error
	var usage exitError
	switch {
	case errors.As(err, &usage):
		return nil, err
	case errors.As(err, &at):
		return nil, exitError{scenario.ExitScenario, err.Error()}
	case err != nil:
		return nil, usagef("%v", err)
	}
	if err := log.Stats.Verdict(name); err != nil {
		return nil, exitError{scenario.ExitScenario, err.Error()}
	}
	return log, nil
}

// spool keeps what has been read of standard input, or of a pipe: they can be read only once.
type spool struct {
	in    io.Reader
	parts [][]byte
	over  error
}

const spoolPart = 1 << 20

// again gives all of it from its begin.
func (s *spool) again() io.Reader {
	at := 0
	var rest []byte
	return readerFunc(func(p []byte) (int, error) {
		for len(rest) == 0 {
			if at == len(s.parts) && !s.more() {
				return 0, s.over
			}
			rest = s.parts[at]
			at++
		}
		n := copy(p, rest)
		rest = rest[n:]
		return n, nil
	})
}

// more reads another part.
func (s *spool) more() bool {
	if s.over != nil {
		return false
	}
	part := make([]byte, spoolPart)
	n, err := io.ReadFull(s.in, part)
	if s.over = err; errors.Is(err, io.ErrUnexpectedEOF) {
		s.over = io.EOF
	}
	if n > 0 {
		s.parts = append(s.parts, part[:n])
	}
	return n > 0
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// logError says what is wrong with the name of a log.
func logError(file string, err error) error {
	if parts, _ := filepath.Glob(file + ".*"); os.IsNotExist(err) && len(parts) > 0 && strace.TidOfFile(parts[0]) != 0 {
		return usagef("%v; strace -ff has written a file for each task: name them all, %s.*", plainPathError(err), file)
	}
	return usagef("%v", plainPathError(err))
}
