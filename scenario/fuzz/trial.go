package fuzz

import (
	"errors"
	"fmt"
	"os"

	"github.com/epollsim/epollsim/kernel"
)

// trial is a job's model and judge, and what it is at.
type trial struct {
	*campaign
	model *model
	judge judge
}

// verdict is how the comparison of one program ended.
type verdict struct {
	difference      *Difference
	modelErr        error // the model failed
	late, discarded bool
}

func (v verdict) bad() bool { return v.difference != nil || v.modelErr != nil }

// program makes program i and compares it.
func (t *trial) program(i int) error {
	seed := t.opts.seedOf(i)
	gen := words(t.length())
	p, v, err := t.try(gen.Example(int(seed)))
	if err != nil {
		return err
	}
	t.count(p, v)
	if !v.bad() {
		return nil
	}
	return t.found(i, seed, v)
}

// count adds a program to the sum it belongs to: compared, or not.
func (t *trial) count(p *program, v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case v.discarded:
		t.sum.Discarded++
	case v.late:
		t.sum.Late++
	default:
		t.sum.Programs++
		t.sum.Calls += p.count()
	}
}

func (t *trial) length() int {
	if t.opts.Threads == 2 {
		return togetherRows
	}
	return t.opts.Calls
}

// try makes the program of words and compares it.
func (t *trial) try(words []uint64) (*program, verdict, error) {
	if t.opts.Threads == 2 {
		return t.tryTogether(words)
	}
	var v verdict
	var err error
	p, failed := t.model.sequential(words, t.opts.Calls)
	if failed != nil {
		v.modelErr = failed
		slots := t.model.slots
		t.model = newModel(kernel.Version{})
		t.model.slots = slots
		return p, v, nil
	}
	v.difference, v.late, err = compareAgain(p, t.judge)
	return p, v, err
}

// found shrinks a program that differs and writes it down.
func (t *trial) found(i int, seed uint64, v verdict) error {
	var smallest []uint64
	var failed error
	shrink(words(t.length()), seed, t.opts.Shrink, func(words []uint64) bool {
		_, v, err := t.try(words)
		failed = errors.Join(failed, err)
		if v.bad() {
			smallest = words
		}
		return v.bad()
	})
	if failed != nil {
		return failed
	}
	if smallest == nil { // it did not come again
		smallest = words(t.length()).Example(int(seed))
	}
	f := Finding{Seed: seed, Program: i, Difference: v.difference, Err: v.modelErr}
	if err := t.describe(&f, smallest); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Found = append(t.sum.Found, f)
	if len(t.sum.Found) >= t.opts.Differences {
		t.stop.Store(true)
	}
	return nil
}

// describe makes the program of the smallest numbers even smaller, and writes its scenario.
func (t *trial) describe(f *Finding, words []uint64) error {
	p, v, err := t.try(words)
	if err != nil {
		return err
	}
	if v.modelErr == nil && v.bad() {
		if p, v, err = t.reduce(p.clone(), v); err != nil {
			return err
		}
	}
	if v.bad() {
		f.Difference, f.Err = v.difference, v.modelErr
	}
	f.Calls = p.count()
	o, err := results(p, t.judge)
	if err != nil {
		return err
	}
	f.Scenario = scenarioText(p, o, fmt.Sprintf("Found by epollsim fuzz (program seed %d) against Linux %s.", f.Seed, t.sum.Release), f.Difference)
	if t.opts.Out == "" {
		return nil
	}
	f.File, err = writeNew(t.opts.Out, f.Scenario)
	return err
}

// writeNew writes text to a file diff-N.star that was not there.
func writeNew(dir, text string) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s%cdiff-%d.star", dir, os.PathSeparator, n)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(text)
		return name, errors.Join(err, f.Close())
	}
}
