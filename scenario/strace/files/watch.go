package files

import "github.com/epollsim/epollsim/scenario/strace"

// Watched is a Source whose records a Tracker sees as they are read.
type Watched struct {
	strace.Source
	*Tracker
}

// Watch makes a Watched of a Source.
func Watch(src strace.Source) Watched { return Watched{src, New()} }

// Next gives the next record of the Source.
func (w Watched) Next() (strace.Record, error) {
	rec, err := w.Source.Next()
	if err == nil {
		w.Apply(&rec)
	}
	return rec, err
}
