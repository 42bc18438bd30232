package main

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/epollsim/epollsim/sim/explore"
)

// saveEvery is after how much time the checkpoint is written anew: what a kill or a crash can take away. It grows where going on
// from the file takes as long.
var saveEvery = 20 * time.Second

// explore explores for as long as the flags say. With a checkpoint that is a slice after the other, each of which goes on from the
// file of the one before.
func (f *exploreFlags) explore(program explore.Program, opts explore.Options) *explore.Report {
	if f.file == "" || opts.Sampling != explore.NoSampling {
		return explore.Explore(program, opts)
	}
	begun := time.Now()
	limited := f.duration > 0
	tell := opts.Progress
	usual, total := saveEvery, uint64(0)
	for {
		slice := usual
		if limited {
			slice = min(slice, max(f.duration-time.Since(begun), 1))
		}
		opts.MaxDuration, f.saved = slice, nil
		before := time.Since(begun)
		if tell != nil {
			opts.Progress = func(p explore.Progress) { p.Elapsed += before; tell(p) }
		}
		r := explore.Explore(program, opts)
		over := f.saved == nil || f.unsaved != nil || f.interrupted.Load() || time.Since(begun)-before < slice
		if over || limited && time.Since(begun) >= f.duration {
			return r
		}
		if opts.Resume = f.saved; r.Total == total { // to go on from the file took all of it
			usual *= 2
		}
		total = r.Total
	}
}

// checkpoint reads the file of a former exploration, and writes it when this one ends early.
func (f *exploreFlags) checkpoint(opts *explore.Options) error {
	exploring.Store(&f.interrupted)
	opts.Stop = f.interrupted.Load
	if f.file == "" {
		return nil
	}
	text, err := os.ReadFile(f.file)
	switch {
	case err == nil:
		opts.Resume = text
	case !errors.Is(err, fs.ErrNotExist):
		return usagef("--checkpoint: %v", err)
	}
	opts.Checkpoint = func(text []byte) {
		f.saved = text
		f.unsaved = output{"--checkpoint", f.file}.write(text)
	}
	return nil
}
