package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

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

// openLog opens the files of a log.
func openLog(files []string, stdin io.Reader) (src strace.Source, name string, done func(), err error) {
	var readers []*strace.Reader
	var opened []*os.File
	done = func() {
		for _, f := range opened {
			f.Close()
		}
	}
	for _, file := range files {
		if file == "-" {
			readers = append(readers, strace.NewReader(stdin, stdinName, strace.ReaderOptions{}))
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			done()
			return nil, "", nil, logError(file, err)
		}
		opened = append(opened, f)
		readers = append(readers, strace.NewReader(f, file, strace.ReaderOptions{Tid: strace.TidOfFile(file)}))
	}
	name = files[0]
	if name == "-" {
		name = stdinName
	}
	return strace.Merge(readers...), name, done, nil
}

// logError says what is wrong with the name of a log.
func logError(file string, err error) error {
	if parts, _ := filepath.Glob(file + ".*"); os.IsNotExist(err) && len(parts) > 0 && strace.TidOfFile(parts[0]) != 0 {
		return usagef("%v; strace -ff has written a file for each task: name them all, %s.*", plainPathError(err), file)
	}
	return usagef("%v", plainPathError(err))
}
