package main

import (
	"fmt"
	"io"

	"github.com/epollsim/epollsim/scenario/strace"
	"github.com/epollsim/epollsim/sim/explore"
)

// tables prints the interleaving of each witness.
func (f *exploreFlags) tables(w io.Writer, program explore.Program, r *explore.Report) {
	f.eachTable(program, r, func(title, token string, t *explore.Table) {
		fmt.Fprintf(w, "\n%s  --schedule=%s\n", title, token)
		t.Write(w)
	})
}

// tablesJSON is tables for programs: a line for each interleaving.
func (f *exploreFlags) tablesJSON(w io.Writer, program explore.Program, r *explore.Report) {
	f.eachTable(program, r, func(_, token string, t *explore.Table) { _ = t.WriteJSON(w, token) }) // w tells when it is flushed
}

// eachTable calls fn with the interleaving of each witness, once if it is that of several outcomes.
func (f *exploreFlags) eachTable(program explore.Program, r *explore.Report, fn func(title, token string, t *explore.Table)) {
	if !f.table {
		return
	}
	shown := map[string]bool{}
	show := func(title string, o *explore.Outcome) {
		if o.Count == 0 || shown[o.Witness.Token] {
			return
		}
		shown[o.Witness.Token] = true
		if t, err := explore.Interleaving(program, o.Witness.Token, strace.Words()); err == nil {
			fn(title, o.Witness.Token, t)
		}
	}
	for _, o := range r.Failures {
		show(o.Text, o)
	}
	for _, o := range r.States {
		show(o.Text, o)
	}
	for _, t := range r.Conditions {
		show(t.Text+" is true", &t.Positive)
		show(t.Text+" is false", &t.Negative)
	}
}
