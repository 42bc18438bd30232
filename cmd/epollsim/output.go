package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// output is a file that a flag names, for the command to write. Every flag that names one goes through checkOutputs
// before anything is written.
type output struct{ flag, path string }

// isFile is false if the flag is not set, or names standard output.
func (o output) isFile() bool { return o.path != "" && o.path != "-" }

// checkOutputs refuses to write where that would lose a file of the user: one of the inputs, each of which is a kind
// ("scenario"), or another output. What could not be written later is refused too, before the work is done.
func checkOutputs(kind string, inputs []string, outs ...output) error {
	for i, o := range outs {
		if !o.isFile() {
			continue
		}
		for _, in := range inputs {
			if sameFile(in, o.path) {
				return usagef("%s %s: this is the %s itself, which would be lost; name another file", o.flag, o.path, kind)
			}
		}
		for _, other := range outs[:i] {
			_, err := os.Stat(o.path)
			if other.isFile() && (sameFile(other.path, o.path) || err != nil && filepath.Clean(other.path) == filepath.Clean(o.path)) {
				return usagef("%s and %s: both name %s", other.flag, o.flag, o.path)
			}
		}
		if err := o.probe(); err != nil {
			return o.problem(err)
		}
	}
	return nil
}

// sameFile reports whether writing to out would change what is read from in. "-" is standard input.
func sameFile(in, out string) bool {
	read, err := os.Stat(in)
	if in == "-" {
		read, err = os.Stdin.Stat()
	}
	written, errOut := os.Stat(out)
	return err == nil && errOut == nil && written.Mode().IsRegular() && os.SameFile(read, written)
}

// probe finds out whether o can be written, and leaves everything as it is.
func (o output) probe() error {
	info, err := os.Stat(o.path)
	switch {
	case err == nil && info.IsDir():
		return errFolder
	case err == nil && info.Mode().IsRegular():
		f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return err
	}
	f, err := beside(o.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

var errFolder = errors.New("is a folder; expected the name of a file")

func (o output) problem(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return usagef("%s %s: %v", o.flag, o.path, err)
}

// write makes text the content of o: all of it, or what is there stays as it is.
func (o output) write(text []byte) error {
	path := o.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() { // a device, or a link to nowhere
		err = os.WriteFile(path, text, 0o666)
	} else {
		err = replace(path, text, info)
	}
	if err != nil {
		return o.problem(err)
	}
	return nil
}

// replace puts a new file in the place of path, which was as info says if it was at all. Where the folder does not allow
// that, though the file may be written, it is written.
func replace(path string, text []byte, info fs.FileInfo) error {
	f, err := beside(path)
	if err != nil && info != nil {
		return os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if info != nil {
		err = errors.Join(err, f.Chmod(info.Mode().Perm()))
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// beside makes a file that was not there in the folder of path. Unlike one of os.CreateTemp others may read it, as far as the
// umask lets them.
func beside(path string) (*os.File, error) {
	dir, base := filepath.Split(path)
	for n := 0; ; n++ {
		f, err := os.OpenFile(dir+"."+base+"."+strconv.Itoa(n)+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}
